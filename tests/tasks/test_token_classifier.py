import keras
import numpy as np
import pytest

import zoo
from tests import texts
from zoo.training.runs import MetricsLog

TOKENIZER = texts.word_piece()
LABELS = ["B-GOOD", "B-THING", "I-THING", "O"]


def sentences(count, seed=0):
    """Sentences of different lengths with entities of one and of two words; the tag follows from word and context."""
    rng = np.random.default_rng(seed)
    words, tags = [], []
    for _ in range(count):
        good, thing = rng.choice(texts.GOOD), rng.choice(texts.THINGS)
        filler = ["very"] * int(rng.integers(0, 7))
        words.append(["the", str(thing), "was", *filler, str(good), ".", "the", "filmed", "果", "!"])
        tags.append(["O", "B-THING", "O", *["O"] * len(filler), "B-GOOD", "O", "O", "B-THING", "I-THING", "O"])
    return words, tags


TRAIN = sentences(43)


def tagger(**options):
    return zoo.TokenClassifier(texts.backbone(TOKENIZER), tokenizer=TOKENIZER, **{"labels": LABELS, **options})


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model that has learned, its history, and the columns of the CSV log that a callback wrote."""
    keras.utils.set_random_seed(1)
    model = tagger()
    model.compile(optimizer=zoo.training.AdamW(1e-2))
    log = tmp_path_factory.mktemp("log") / "log.csv"
    # No epoch gains 1.0, so this stops after six.
    stop = keras.callbacks.EarlyStopping("val_f1", mode="max", patience=5, min_delta=1.0)
    history = model.fit(
        *TRAIN, epochs=9, batch_size=7, validation_data=sentences(17, seed=1), verbose=0,
        callbacks=[MetricsLog(log, "part"), stop],
    )  # fmt: skip
    return model, history.history, log.read_text(encoding="utf-8").splitlines()[0].split(",")


def test_it_learns_and_the_entity_scores_are_reported_everywhere(fitted):
    _, history, columns = fitted
    assert history["val_f1"][-1] > 0.9 and history["val_accuracy"][-1] > 0.95
    assert history["val_f1"][0] < history["val_f1"][-1]
    assert {"val_precision", "val_recall", "val_f1", "val_loss", "val_accuracy"} <= set(history) & set(columns)
    assert len(history["val_f1"]) == 6  # the callback that stops saw it too


def test_evaluate_gives_the_entity_scores_of_the_predicted_tags(fitted):
    model, _, _ = fitted
    held_out = sentences(17, seed=1)
    found = model.evaluate(*held_out, verbose=0, return_dict=True)
    assert list(found) == ["accuracy", "loss", "precision", "recall", "f1"]
    expected = zoo.metrics.entity_scores(held_out[1], model.tag(held_out[0]))
    assert {name: found[name] for name in expected} == expected
    assert model.evaluate(*held_out, verbose=0) == pytest.approx([found["loss"], found["accuracy"], *expected.values()])


def test_tags_and_entities_of_one_sentence_and_of_many(fitted):
    model, _, _ = fitted
    words, tags = sentences(11, seed=3)
    assert model.tag(words) == tags
    assert model.tag(words[4]) == tags[4]
    found = model.entities(words)
    thing, good, two = found[4]
    assert [entity.text for entity in model.entities(words[4])] == [thing.text, good.text, two.text]
    assert (thing.type, thing.start, thing.stop, thing.text) == ("THING", 1, 2, words[4][1])
    assert (good.type, good.stop - good.start) == ("GOOD", 1)
    assert (two.type, two.stop, two.text) == ("THING", len(words[4]) - 1, "filmed 果")
    logits = model.predict(words[4], verbose=0)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert two.probability == pytest.approx(probabilities[two.start : two.stop].max(axis=1).mean(), abs=1e-4)


def test_padding_and_the_order_of_the_sentences_change_nothing(fitted):
    model, _, _ = fitted
    words, _ = sentences(13, seed=4)
    found = model.predict(words, batch_size=5, verbose=0)
    assert [row.shape for row in found] == [(len(row), 4) for row in words]
    backwards = model.predict(words[::-1], batch_size=13, verbose=0)[::-1]
    for row in range(13):
        np.testing.assert_allclose(found[row], backwards[row], atol=1e-4)
    np.testing.assert_allclose(found[7], model.predict(words[7], verbose=0), atol=1e-4)


def test_bucketed_loss_equals_padded_loss():
    model = tagger()
    encoded = model._encode(model._read(*TRAIN))
    inputs, targets, weights = encoded.batch(np.arange(43), 37)
    found = model.evaluate(*TRAIN, batch_size=43, verbose=0, return_dict=True)
    expected = model.evaluate(inputs, targets, sample_weight=weights, batch_size=43, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    assert found["accuracy"] == pytest.approx(expected["accuracy"], rel=1e-6)
    logits = model.predict(TRAIN[0], verbose=0)
    scores = np.concatenate(logits)
    scores = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    targets = [LABELS.index(tag) for tags in TRAIN[1] for tag in tags]
    assert found["loss"] == pytest.approx(-scores[np.arange(len(targets)), targets].mean(), rel=1e-4)
    accuracy = np.mean(scores.argmax(axis=1) == targets)
    assert found["accuracy"] == pytest.approx(accuracy, rel=1e-6)
    # Of small batches, too, which are padded to different lengths.
    assert model.evaluate(*TRAIN, batch_size=5, verbose=0)[1] == pytest.approx(accuracy, rel=1e-6)


def test_a_metric_that_is_named_counts_no_padding(fitted):
    words, tags = sentences(9)
    model, scores = fitted[0], fitted[0].evaluate(words, tags, batch_size=9, verbose=0, return_dict=True)
    assert len({len(sentence) for sentence in words}) > 1 and scores["accuracy"] > 0.5
    model.compile(metrics=["accuracy"])
    assert model.evaluate(words, tags, batch_size=9, verbose=0, return_dict=True) == pytest.approx(scores)
    model.compile()


def test_weights_of_sentences_weigh_the_loss():
    model = tagger()
    weights = np.zeros(43, "float32")
    weights[3] = 1
    found = model.evaluate(*TRAIN, sample_weight=weights, batch_size=43, verbose=0)
    assert found[0] == pytest.approx(model.evaluate(TRAIN[0][3:4], TRAIN[1][3:4], verbose=0)[0], rel=1e-4)


def test_every_word_of_a_long_sentence_gets_a_tag(fitted):
    model, _, _ = fitted
    words = [word for sentence in TRAIN[0][:9] for word in sentence]
    tags = [tag for row in TRAIN[1][:9] for tag in row]
    with pytest.warns(UserWarning, match="1 of 1 sentences are longer than the model's 37 tokens"):
        found = model.tag(words)
    assert len(found) == len(words)
    assert np.mean([one == other for one, other in zip(found, tags, strict=True)]) > 0.8
    with pytest.warns(UserWarning, match="1 of 2 sentences"):
        scores = model.evaluate([words, TRAIN[0][0]], [tags, TRAIN[1][0]], verbose=0, return_dict=True)
    assert scores["recall"] > 0.7


def test_words_without_pieces_get_a_tag(fitted):
    model, _, _ = fitted
    found = model.tag([["the", "\x00", "\u200b", "film", ""], ["\x00"]])
    assert [len(row) for row in found] == [5, 1]
    np.testing.assert_allclose(*model.predict([["\x00"], ["漢"]], verbose=0), atol=1e-5)


def test_tags_of_files_that_mark_no_entities(tmp_path):
    lines = [f"{word}\t{'NOUN' if word in texts.THINGS else 'X'}" for words in TRAIN[0] for word in words]
    (tmp_path / "train.txt").write_text("\n".join([*lines[:20], "", *lines[20:40]]), encoding="utf-8")
    data = zoo.data.read_tagged(tmp_path / "train.txt")
    model = tagger(labels=data.labels)
    assert set(model.evaluate(data, verbose=0, return_dict=True)) == {"loss", "accuracy"}
    with pytest.raises(ValueError, match=r"labels such as B-PER, I-PER and O. Received: labels=\['NOUN', 'X'\]"):
        model.entities(["a"])


def test_a_frame_with_a_validation_split_and_the_default_schedule():
    import pandas

    frame = pandas.DataFrame({"w": TRAIN[0], "t": TRAIN[1]})
    model = tagger()
    history = model.fit(
        frame, text_columns="w", label_column="t", validation_split=0.3, epochs=2, batch_size=7, verbose=0
    )
    assert {"val_f1", "accuracy"} <= set(history.history)
    assert int(model.optimizer.iterations) == 2 * 5  # 30 sentences
    assert len(model.predict(frame, text_columns="w", verbose=0)) == 43


def test_a_preset_keeps_the_labels_and_the_head(fitted, tmp_path):
    model, _, _ = fitted
    model.save_to_preset(tmp_path / "tagger")
    for options in ({}, {"labels": tuple(LABELS)}):
        loaded = zoo.TokenClassifier.from_preset(tmp_path / "tagger", **options)
        assert loaded.labels == LABELS
        found, expected = (each.predict(TRAIN[0][2], verbose=0) for each in (loaded, model))
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_other_labels_get_a_new_head(fitted, tmp_path):
    model, _, _ = fitted
    model.save_to_preset(tmp_path / "tagger")
    loaded = zoo.TokenClassifier.from_preset(tmp_path / "tagger", labels=LABELS[::-1])
    assert loaded.labels == LABELS[::-1]
    for one, other in zip(loaded.backbone.get_weights(), model.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(loaded.classifier.get_weights()[0], model.classifier.get_weights()[0])


def test_a_preset_of_another_task_needs_labels(tmp_path):
    zoo.TextClassifier(texts.backbone(TOKENIZER), tokenizer=TOKENIZER, num_classes=2).save_to_preset(tmp_path / "texts")
    with pytest.raises(ValueError, match=r"labels=None. For those of a file: `zoo.data.read_tagged"):
        zoo.TokenClassifier.from_preset(tmp_path / "texts")
    assert zoo.TokenClassifier.from_preset(tmp_path / "texts", labels=LABELS).tokenizer is not None


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "labels=None"),
        ([], r"at least 2 labels, each once. Received: labels=\[\]"),
        (["O"], r"labels=\['O'\]"),
        (["O", "B-A", "O"], "with O more than once"),
        (["O", 3], "must be a str. Received: 3"),
        ("B-A", "a list of the tags"),
    ],
)
def test_impossible_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        tagger(labels=labels)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([["a"], ["b", "a"]], [["O"], ["O"]], ValueError, "row 1 with 2 words and 1 tags"),
        ([["a"], ["b", "a"]], [["O"], ["O", "B-THINGS"]], ValueError,
         r"labels: B-GOOD, .* Received: y\[1\]\[1\]='B-THINGS'; 1 such words. Nearest: B-THING"),
        ([["a"], []], [["O"], []], ValueError, r"x\[1\]=\[\]"),
        ([["a", 7]], [["O", "O"]], TypeError, r"x\[0\]\[1\]=7"),
        ([["a"]], None, ValueError, "need labels"),
        (["a film"], ["O"], TypeError, r"x\[0\]='a film'"),
        ("a film", None, TypeError, "x='a film'"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_before_training(x, y, error, message):
    model = tagger()
    before = model.get_weights()[0].copy()
    with pytest.raises(error, match=message):
        model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before)


def test_texts_that_are_not_split_are_refused_when_asked_for_tags():
    model = tagger()
    with pytest.raises(TypeError, match=r"text.split\(\)"):
        model.tag("a film")
    with pytest.raises(TypeError, match=r"\['the film was good'\], with spaces"):
        model.tag(["the film was good"])
    assert len(model.tag([["New York"]])[0]) == 1
    with pytest.raises(ValueError, match="x is empty"):
        model.tag([])
    with pytest.raises(TypeError, match="without steps"):
        model.predict([["a"]], steps=1)


def test_words_without_a_tokenizer_are_refused_and_features_are_taken():
    features = tagger()._encode(tagger()._read(*TRAIN)).batch(np.arange(5), 24)
    model = zoo.TokenClassifier(texts.backbone(TOKENIZER), labels=LABELS)
    with pytest.raises(ValueError, match="needs a tokenizer"):
        model.tag(["a"])
    assert model.predict(features[0], verbose=0).shape == (5, 24, 4)


def test_single_batches_of_words_in_mixed_precision():
    model = zoo.TokenClassifier(texts.backbone(TOKENIZER, dtype="mixed_bfloat16"), tokenizer=TOKENIZER, labels=LABELS)
    assert np.isfinite(model.train_on_batch(TRAIN[0][:5], TRAIN[1][:5], return_dict=True)["loss"])
    assert model.predict_on_batch(TRAIN[0][:5]).shape[::2] == (5, 4)


def test_config_round_trip():
    model = tagger(dropout=0.2)
    assert zoo.TokenClassifier.from_config(model.get_config()).get_config() == model.get_config()
