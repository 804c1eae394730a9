"""Encoder-decoders that read a text on both sides: the four tasks with a head on the decoder's states."""

import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import numbers, quick
from tests.tasks.test_question_answering import records
from tests.tasks.test_token_classifier import LABELS, sentences

TOKENIZER = texts.word_piece()
BACKBONES = {"bart": zoo.BartBackbone, "mass": zoo.MassBackbone}
BY_KIND = pytest.mark.parametrize("kind", BACKBONES)
TASKS = {
    "classifier": (zoo.TextClassifier, {"num_classes": 2}),
    "regressor": (zoo.TextRegressor, {}),
    "tagger": (zoo.TokenClassifier, {"labels": LABELS}),
    "answers": (zoo.QuestionAnswering, {}),
}
BY_TASK = pytest.mark.parametrize("name", TASKS)


def remarks(count, seed=0):
    """Reviews of nearly one length, so that little is compiled, and 1 for a good word, 0 for a bad one."""
    sentences, labels = texts.reviews(8 * count, seed)
    kept = [row for row, sentence in enumerate(sentences) if sentence.count("very") < 2][:count]
    return [sentences[row] for row in kept], [labels[row] for row in kept]


TEXTS, TRUE = remarks(64)


def task_of(name, kind="bart"):
    backbone = BACKBONES[kind](
        TOKENIZER.vocabulary_size(), num_layers=1, num_heads=2, hidden_dim=16, intermediate_dim=29, dropout=0.0,
        max_sequence_length=37, normalize_first=True,
    )  # fmt: skip
    make, options = TASKS[name]
    return make(backbone, tokenizer=TOKENIZER, **options)


def learn(model, *data, epochs, validation_data=None):
    model.compile(optimizer=zoo.training.AdamW(1e-2))
    return model.fit(*data, epochs=epochs, batch_size=8, validation_data=validation_data, verbose=0).history


def test_a_classifier_learns():
    history = learn(task_of("classifier"), TEXTS, TRUE, epochs=20, validation_data=remarks(24, seed=1))
    assert history["val_accuracy"][-1] > 0.9


@pytest.mark.slow
def test_a_classifier_of_pairs_and_a_regressor_learn():
    # The second text decides.
    assert learn(task_of("classifier"), (TEXTS[::-1], TEXTS), TRUE, epochs=30)["accuracy"][-1] > 0.9
    values = [5.0 * label for label in TRUE]
    history = learn(task_of("regressor"), TEXTS, values, epochs=20, validation_data=(TEXTS, values))
    assert history["val_pearson"][-1] > 0.8


@pytest.mark.slow
def test_a_tagger_and_answers_learn():
    words, tags = ([row for row in rows if len(row) < 13] for rows in sentences(120))
    model = task_of("tagger")
    learn(model, words, tags, epochs=25)
    assert model.evaluate(words, tags, verbose=0, return_dict=True)["f1"] > 0.9
    model = task_of("answers")
    asked = [record for record in records(200) if len(record["context"]) < 60]  # nearly one length too
    learn(model, asked, epochs=10)
    assert model.evaluate_records(asked[:40])["exact_match"] > 0.9


def outputs_of(model, name):
    """The outputs of a task for something that it reads, as arrays."""
    given = {"tagger": sentences(5)[0], "answers": records(3)}.get(name, TEXTS[:5])
    if name == "answers":
        return [np.array([[answer.score, answer.no_answer_score] for answer in model.predict(given)])]
    found = model.predict(given, verbose=0)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("kind", quick(BACKBONES, "bart"))
@BY_TASK
def test_a_saved_preset_gives_the_same(name, kind, tmp_path):
    model = task_of(name, kind)
    assert set(model.input) - {"answer_mask"} == {"token_ids", "padding_mask"}
    model.save_to_preset(tmp_path / "preset")
    loaded = TASKS[name][0].from_preset(str(tmp_path / "preset"))
    for expected, found in zip(outputs_of(model, name), outputs_of(loaded, name), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@BY_KIND
def test_what_encoder_and_decoder_are_given_of_a_text(kind):
    """The states are those of the backbone that is given the text on both sides by hand."""
    model = task_of("tagger", kind)
    features = model.preprocessor(["the film was good .", "a very very very good and kind book ."])
    ids, mask = features["token_ids"], features["padding_mask"]
    read = ids
    if kind == "bart":
        read = np.concatenate([np.full((2, 1), TOKENIZER.end_token_id), ids[:, :-1]], axis=1)
    given = {
        "encoder_token_ids": ids, "encoder_padding_mask": mask, "decoder_token_ids": read,
        "decoder_padding_mask": mask, "cross_attention_mask": mask,
        "decoder_positions": np.broadcast_to(np.arange(ids.shape[1]), ids.shape),
    }  # fmt: skip
    inputs = {name: given[name] for name in model.backbone.input_features}
    states = model.backbone(inputs)["decoder_sequence_output"]
    found = model({"token_ids": ids, "padding_mask": mask})
    real = mask == 1
    np.testing.assert_allclose(numbers(found)[real], numbers(model.classifier(states))[real], atol=1e-5)
    classifier = zoo.TextClassifier(model.backbone, tokenizer=TOKENIZER, num_classes=3)
    last = numbers(states)[np.arange(2), mask.sum(axis=1) - 1]
    found = classifier({"token_ids": ids, "padding_mask": mask})
    np.testing.assert_allclose(numbers(found), numbers(classifier.classifier(last)), atol=1e-5)


def test_the_vector_has_seen_every_token_and_no_padding():
    model = task_of("classifier")
    one = model.preprocessor(["the film was good ."])
    ids, mask = one["token_ids"], one["padding_mask"]
    before = numbers(model({"token_ids": ids, "padding_mask": mask}))
    for place in range(int(mask.sum())):
        changed = ids.copy()
        changed[0, place] += 1
        assert np.abs(numbers(model({"token_ids": changed, "padding_mask": mask})) - before).max() > 1e-6
    longer = np.pad(ids, ((0, 0), (0, 5)), constant_values=9)
    padded = numbers(model({"token_ids": longer, "padding_mask": np.pad(mask, ((0, 0), (0, 5)))}))
    np.testing.assert_allclose(padded, before, atol=1e-6)


def test_a_text_that_is_longer_than_both_sides_is_cut_with_a_warning():
    with pytest.warns(UserWarning, match="1 of 1 texts are longer than the model's 37 tokens"):
        assert task_of("classifier").predict(["very " * 50], verbose=0).shape == (1, 2)


@BY_TASK
def test_t5_is_refused_with_what_to_use(name):
    backbone = zoo.T5Backbone(97, 1, 2, 8, 13)
    make, options = TASKS[name]
    with pytest.raises(ValueError, match=r"Received: T5Backbone, .*Use `zoo.TextToText`"):
        make(backbone, **options)


def test_the_wrong_kind_of_backbone_is_refused_with_what_to_use():
    bart = task_of("classifier").backbone
    with pytest.raises(ValueError, match=r"MaskedLM takes an encoder.*Received: backbone=a BartBackbone.*`generate`"):
        zoo.MaskedLM(bart)
    for make, options in ((zoo.Seq2SeqLM, {}), (zoo.TextToText, {"form": "sst2"})):
        message = rf"{make.__name__} takes an encoder-decoder: `zoo.BartBackbone`.*a BertBackbone. .*zoo.MaskedLM"
        with pytest.raises(ValueError, match=message):
            make(texts.backbone(TOKENIZER), **options)
    with pytest.raises(ValueError, match=r"backbone='bert_tiny'. .*`zoo.MaskedLM.from_preset"):
        zoo.MaskedLM("bert_tiny")
