"""Tasks in files of Keras, pickled and copied: the same answers, and compiled as they were."""

import keras
import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import check_task, numbers, quick
from tests.tasks.test_reading import remarks
from tests.tasks.test_text_to_text import TOKENIZER as TOKENIZER_WITH_NUMBERS
from tests.tasks.test_text_to_text import model_of
from tests.tasks.test_token_classifier import LABELS

TOKENIZER = texts.word_piece()
TEXTS, TRUE = remarks(8)
pytestmark = pytest.mark.usefixtures("eager")


def encoder():
    return texts.backbone(TOKENIZER)


def seq2seq():
    return zoo.Seq2SeqLM(model_of().backbone, tokenizer=TOKENIZER_WITH_NUMBERS)


TASKS = {
    "classifier": (lambda: zoo.TextClassifier(encoder(), tokenizer=TOKENIZER, class_names=["bad", "good"]), TEXTS),
    "regressor": (lambda: zoo.TextRegressor(encoder(), tokenizer=TOKENIZER), TEXTS),
    "tagger": (lambda: zoo.TokenClassifier(encoder(), tokenizer=TOKENIZER, labels=LABELS), [["the", "film"]]),
    "answers": (
        lambda: zoo.QuestionAnswering(encoder(), tokenizer=TOKENIZER),
        [{"question": "what was good ?", "context": "the film was good ."}],
    ),
    "sequences": (seq2seq, TEXTS[:2]),
    "classes in words": (lambda: model_of(), TEXTS),
    "numbers in words": (lambda: model_of("stsb"), (TEXTS, TEXTS[::-1])),
    "free text": (lambda: model_of("squad"), (TEXTS[:2], TEXTS[2:4])),
}


@pytest.mark.parametrize("name", quick(TASKS, "classifier", "regressor", "answers", "classes in words"))
def test_a_task_comes_back(name, tmp_path):
    make, given = TASKS[name]
    check_task(make(), lambda task: task.predict(given), tmp_path)


def test_a_masked_lm_comes_back(tmp_path):
    check_task(zoo.MaskedLM(encoder(), tokenizer=TOKENIZER), lambda task: task.fill("the [MASK] was good ."), tmp_path)


def test_answers_in_words_are_scored_alike_after_loading(tmp_path):
    model = model_of()
    model.save(tmp_path / "task.keras")
    loaded = keras.models.load_model(tmp_path / "task.keras")
    np.testing.assert_allclose(loaded.answer_scores(TEXTS), model.answer_scores(TEXTS), atol=1e-5)


# How it was compiled.


def classifier():
    return zoo.TextClassifier(encoder(), tokenizer=TOKENIZER, num_classes=2)


def loaded_again(task, folder):
    """The task from a file; a warning of Keras would be an error."""
    task.save(folder / "task.keras")
    return keras.models.load_model(folder / "task.keras")


CHOICES = {
    "auto": {},
    "sgd": {"optimizer": keras.optimizers.SGD(0.5, momentum=0.9), "loss": "sparse_categorical_crossentropy"},
    "schedule": {"optimizer": zoo.training.AdamW(zoo.training.WarmupLinearDecay(1e-2, total_steps=20))},
    "metrics": {
        "optimizer": "adam",
        "metrics": ["accuracy"],
        "weighted_metrics": [keras.metrics.SparseCategoricalAccuracy(name="weighted")],
    },
}


@pytest.mark.parametrize("name", quick(CHOICES, "auto", "sgd"))
def test_a_loaded_task_is_compiled_as_it_was(name, tmp_path):
    task = classifier()
    choice = {key: keras.saving.serialize_keras_object(value) for key, value in CHOICES[name].items()}
    task.compile(**{key: keras.saving.deserialize_keras_object(value) for key, value in choice.items()})
    task.fit(TEXTS, TRUE, batch_size=4, epochs=2, verbose=0)
    loaded = loaded_again(task, tmp_path)
    assert type(loaded.optimizer) is type(task.optimizer)
    assert loaded.optimizer.get_config() == task.optimizer.get_config()
    assert len(loaded.optimizer.variables) == len(task.optimizer.variables) > 3
    for found, expected in zip(loaded.optimizer.variables, task.optimizer.variables, strict=True):
        np.testing.assert_array_equal(numbers(found), numbers(expected))
    assert type(loaded.loss) is type(task.loss)
    expected = task.evaluate(TEXTS, TRUE, verbose=0, return_dict=True)
    assert loaded.evaluate(TEXTS, TRUE, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-5)
    for each in (task, loaded):
        each.fit(TEXTS, TRUE, batch_size=4, epochs=3, initial_epoch=2, shuffle=False, verbose=0)
    for found, expected in zip(loaded.weights, task.weights, strict=True):
        np.testing.assert_allclose(numbers(found), numbers(expected), atol=1e-5)


def test_weights_that_are_frozen_after_loading_stay(tmp_path):
    task = classifier()
    task.fit(TEXTS, TRUE, verbose=0)
    loaded = loaded_again(task, tmp_path)
    loaded.backbone.trainable = False
    before = numbers(loaded.backbone.weights[0])
    loaded.fit(TEXTS, TRUE, verbose=0)
    np.testing.assert_array_equal(numbers(loaded.backbone.weights[0]), before)


def test_a_backbone_that_is_frozen_is_frozen_after_loading_and_can_be_thawed(tmp_path):
    task = classifier()
    task.backbone.trainable = False
    task.fit(TEXTS, TRUE, verbose=0)
    loaded = loaded_again(task, tmp_path)
    assert not loaded.backbone.trainable
    loaded.backbone.trainable = True
    before = numbers(loaded.backbone.weights[0])
    loaded.fit(TEXTS, TRUE, verbose=0)
    assert np.abs(numbers(loaded.backbone.weights[0]) - before).max() > 0


def frozen(task):
    task.backbone.embedding.trainable = False


@pytest.mark.parametrize("change", [frozen, lambda task: task.backbone.enable_lora(2)], ids=["frozen", "lora"])
def test_the_parts_that_are_trained_are_those_of_before_in_a_file_and_all_in_a_preset(change, tmp_path):
    task = classifier()
    change(task)
    task.compile(loss=task.loss)
    task.fit(TEXTS, TRUE, verbose=0)
    loaded = loaded_again(task, tmp_path)
    paths = [weight.path for weight in task.trainable_weights]
    assert len(paths) < len(classifier().trainable_weights)
    assert [weight.path for weight in loaded.trainable_weights] == paths
    assert int(loaded.optimizer.iterations) == int(task.optimizer.iterations) > 0
    np.testing.assert_allclose(loaded.predict(TEXTS, verbose=0), task.predict(TEXTS, verbose=0), atol=1e-5)
    task.save_to_preset(tmp_path / "preset")
    again = zoo.TextClassifier.from_preset(tmp_path / "preset")
    assert len(again.trainable_weights) == len(classifier().trainable_weights)
    np.testing.assert_allclose(again.predict(TEXTS, verbose=0), task.predict(TEXTS, verbose=0), atol=1e-5)


def test_a_choice_of_the_machine_is_not_kept_and_one_of_the_user_is():
    task = classifier()
    assert "jit_compile" not in task.get_compile_config()
    task.compile(jit_compile=False)
    assert task.get_compile_config()["jit_compile"] is False


def test_a_task_in_float16_keeps_its_optimizer(tmp_path):
    backbone = texts.backbone(TOKENIZER, dtype="mixed_float16")
    task = zoo.TextClassifier(backbone, tokenizer=TOKENIZER, num_classes=2)
    task.fit(TEXTS, TRUE, verbose=0)
    loaded = loaded_again(task, tmp_path)
    assert type(loaded.optimizer) is type(task.optimizer)
    for found, expected in zip(loaded.optimizer.variables, task.optimizer.variables, strict=True):
        np.testing.assert_array_equal(numbers(found), numbers(expected))
