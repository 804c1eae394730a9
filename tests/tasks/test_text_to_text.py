import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import quick
from tests.tasks.test_reading import remarks
from zoo.tasks import TextForm, text_form

TOKENIZER = texts.word_piece([*"0123456789:", "##.", "##0", "##2", "##4", "##5", "##6", "##8"])
TEXTS, TRUE = remarks(64)
CLASSES = text_form("sst2", class_names=["bad", "good"])
PAIRS = TextForm("{first} and {second}", class_names=["not", "and"])


def model_of(form=CLASSES, kind="t5", **options):
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 29, "dropout": 0.0}
    if kind == "t5":
        backbone = zoo.T5Backbone(TOKENIZER.vocabulary_size(), **sizes, head_dim=8, max_sequence_length=61)
    else:
        make = {"bart": zoo.BartBackbone, "mass": zoo.MassBackbone}[kind]
        backbone = make(TOKENIZER.vocabulary_size(), **sizes, max_sequence_length=61, normalize_first=True)
    return zoo.TextToText(backbone, tokenizer=TOKENIZER, form=form, **options)


def learn(model, *data, epochs, validation_data=None):
    # Its rate falls to zero: at a constant one the loss of so small a model jumps now and then, also at the end.
    model.compile(optimizer=zoo.training.FineTuningAdamW(1e-2))
    return model.fit(*data, epochs=epochs, batch_size=8, validation_data=validation_data, verbose=0).history


def test_it_learns_classes_and_reports_how_many_answers_are_right(tmp_path):
    model = model_of()
    names = ["good" if label else "bad" for label in TRUE]
    judged = TEXTS[:24], TRUE[:24]
    history = learn(model, TEXTS, names, epochs=40, validation_data=judged)  # numbers of the classes do as well
    assert history["val_answer_accuracy"][-1] > 0.9
    found = model.predict(judged[0])
    assert np.mean([answer == ["bad", "good"][label] for answer, label in zip(found, judged[1], strict=True)]) > 0.9
    logs = model.evaluate(*judged, verbose=0, return_dict=True)
    assert logs["answer_accuracy"] == pytest.approx(history["val_answer_accuracy"][-1])
    said = model.generate(judged[0], max_length=5)  # what it says when it may say what it likes
    assert np.mean([answer == text for answer, text in zip(found, said, strict=True)]) > 0.9
    classes = model.classify(judged[0])
    assert [each.label for each in classes] == found
    assert all(sum(each.probabilities.values()) == pytest.approx(1, abs=1e-5) for each in classes)
    model.save_to_preset(tmp_path / "preset")
    loaded = zoo.TextToText.from_preset(str(tmp_path / "preset"))
    assert loaded.form == model.form and loaded.predict(judged[0]) == found
    other = zoo.TextToText.from_preset(str(tmp_path / "preset"), form=PAIRS)
    assert other.form == PAIRS


@pytest.mark.slow
def test_it_learns_numbers():
    model = model_of(TextForm("{text}", numbers=(0.0, 5.0, 0.2)))
    values = [0.1 if label == 0 else 4.95 for label in TRUE]  # said as 0.0 and 5.0
    learn(model, TEXTS, values, epochs=40)
    assert model.evaluate(TEXTS, values, verbose=0, return_dict=True)["pearson"] > 0.9
    found = model.predict(TEXTS)
    assert set(found) <= set(map(float, model.form.answers)) and {type(value) for value in found} == {float}


@pytest.mark.slow
def test_it_learns_free_text():
    model = model_of(TextForm("the {thing} was"))
    words = ["good" if label else "bad" for label in TRUE]
    learn(model, TEXTS, words, epochs=30)
    assert np.mean([said == word for said, word in zip(model.predict(TEXTS), words, strict=True)]) > 0.9
    assert model.generate(TEXTS[0], max_length=5) == model.predict(TEXTS[:1])[0]
    assert list(model.stream(TEXTS[0], max_length=5))[-1] == model.predict(TEXTS[:1])[0]


@pytest.mark.parametrize("kind", quick(["t5", "bart", "mass"], "t5"))
def test_scores_are_the_probabilities_of_the_answers(kind):
    """The sum of what `evaluate` takes the mean of; and in any batch the same."""
    model = model_of(PAIRS, kind)
    pairs = (TEXTS[:5], TEXTS[5:10])
    scores = model.answer_scores(pairs)
    for number in range(2):
        lengths = [len(ids) for ids in model._encode(model._read(pairs, [number] * 5)).targets]
        loss = model.evaluate(pairs, [number] * 5, verbose=0, return_dict=True)["loss"]
        assert -scores[:, number].sum() == pytest.approx(loss * sum(lengths), rel=1e-4)
    np.testing.assert_allclose(model.answer_scores(pairs, batch_size=2), scores, atol=1e-4)
    assert model.predict(pairs) == [model.form.class_names[row.argmax()] for row in scores]


def test_tables_are_read_by_the_names_in_the_form():
    import pandas

    model = model_of(PAIRS)
    frame = pandas.DataFrame({"second": TEXTS[:7], "first": TEXTS[7:14], "label": TRUE[:7]})
    examples = model._read(frame)
    assert examples.texts[0] == f"{TEXTS[7]} and {TEXTS[0]}" and examples.labels == TRUE[:7]
    assert model.predict(frame) == model.predict((TEXTS[7:14], TEXTS[:7]))
    free = model_of(TextForm("{text}"))
    assert free._read(pandas.DataFrame({"text": TEXTS[:2], "target": ["good", "bad"]})).labels == ["good", "bad"]


def test_questions_are_read_with_their_first_answers():
    record = {"question": "good ?", "context": "the film was kind .", "id": "7"}
    answers = {"text": ["kind", "was kind"], "answer_start": [13, 9]}
    model = model_of("squad")
    examples = model._read(zoo.data.read_questions([{**record, "answers": answers}]))
    assert examples.texts == ["question: good ? context: the film was kind ."] and examples.labels == ["kind"]
    with pytest.raises(ValueError, match="Received: 1 questions without one: 7"):
        model.fit(zoo.data.read_questions([{**record, "answers": [], "is_impossible": True}]))


def test_labels_become_words():
    assert model_of()._targets([0, 1, 1]) == model_of()._targets(["bad", "good", "good"]) == ["bad", "good", "good"]
    assert model_of("stsb")._targets([0, 1.66, 2.8, 4.99]) == ["0.0", "1.6", "2.8", "5.0"]


@pytest.mark.filterwarnings("ignore:.*were cut")
def test_bad_input_is_refused_before_training():
    model = model_of()
    with pytest.raises(ValueError, match=r"\['bad', 'good'\]. Received: y\[1\]='ugly'; 1 such rows"):
        model.fit(TEXTS[:2], ["bad", "ugly"])
    with pytest.raises(ValueError, match=r"takes single texts \(sentence\).*Received: pairs of texts"):
        model.predict((TEXTS[:2], TEXTS[:2]))
    with pytest.raises(ValueError, match=r"Received: form='sst3'. Nearest: sst2"):
        model_of("sst3")
    with pytest.raises(ValueError, match="Received: form=None"):
        zoo.TextToText(model.backbone, tokenizer=TOKENIZER)
    with pytest.raises(ValueError, match=r"between 0.0 and 5.0. Received: y\[1\]=7.5; 1 such rows"):
        model_of("stsb").fit((TEXTS[:2], TEXTS[:2]), [1.0, 7.5])
    with pytest.raises(ValueError, match=r"finite number. Received: y\[0\]='high'"):
        model_of("stsb").fit((TEXTS[:1], TEXTS[:1]), ["high"])
    with pytest.raises(ValueError, match="Received: '苹苹苹' and '公公公', which have the same pieces"):
        zoo.TextToText(
            zoo.T5Backbone(97, 1, 2, 8, 13),
            tokenizer=zoo.tokenizers.WordPiece(texts.SPECIAL),
            form=TextForm("{a}", class_names=["苹苹苹", "公公公"]),
        )
    with pytest.raises(ValueError, match=r"into a target of 3 tokens. Received: 'very very very'"):
        model_of(TextForm("{a}", class_names=["good", "very very very"]), max_target_length=3)
    with pytest.raises(ValueError, match="free text"):
        model_of("squad").answer_scores((TEXTS[:1], TEXTS[:1]))
    with pytest.raises(ValueError, match="must have class names"):
        model_of("stsb").classify((TEXTS[:1], TEXTS[:1]))
    with pytest.raises(ValueError, match="needs a tokenizer"):
        zoo.TextToText(model.backbone, form="sst2").predict(TEXTS)
    with pytest.warns(UserWarning, match="1 of 1 sources are longer than 61 tokens"):
        model.predict(["very " * 70])
