"""Vectors of texts: their length and order, learning from a teacher's, and what is refused."""

import keras
import numpy as np
import pandas as pd
import pytest

import zoo
from tests import texts
from tests.checks import check_task, numbers

TOKENIZER = texts.word_piece()
X, Y = texts.reviews(48)
pytestmark = pytest.mark.usefixtures("eager")


def embedder(**options):
    backbone = texts.backbone(TOKENIZER, normalize_first=True)
    return zoo.TextEmbedder(backbone, tokenizer=TOKENIZER, **options)


def vectors_of(labels, size=5):
    """Two directions, one for each label."""
    directions = np.random.default_rng(3).normal(size=(2, size))
    return directions[labels]


def states_of(model, given):
    encoded = model.preprocessor.encode(zoo.data.read_examples(given))
    rows = encoded.rows(np.arange(len(given)), 37, TOKENIZER.pad_token_id)
    outputs = model.backbone(rows)
    return {name: numbers(value) for name, value in outputs.items()}, rows["padding_mask"]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.mark.parametrize("pooling", ["mean", "cls", None])
def test_the_vector_is_what_the_pooling_says(pooling):
    model = embedder(pooling=pooling)
    given = [X[0], "the film was not very very very good ."]  # of different lengths: padding must not count
    states, masks = states_of(model, given)
    rows = zip(states["sequence_output"], masks, strict=True)
    expected = {
        "mean": np.stack([row[: mask.sum()].mean(0) for row, mask in rows]),
        "cls": states["sequence_output"][:, 0],
        None: states["pooled_output"],
    }  # fmt: skip
    found = model.embed(given)
    np.testing.assert_allclose(found, unit(expected[pooling]), atol=1e-5)


def test_vectors_have_length_one_and_the_order_of_the_texts():
    model = embedder(embedding_dim=5)
    found = model.embed(X, batch_size=7)
    assert found.shape == (48, 5) and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    for row in (0, 17, 47):
        np.testing.assert_allclose(found[row], model.embed([X[row]])[0], atol=1e-5)


def test_it_learns_the_vectors_of_a_teacher_and_saves_them(tmp_path):
    keras.utils.set_random_seed(1)
    model = embedder(embedding_dim=5)
    held_out, labels = texts.reviews(24, seed=1)
    model.compile(optimizer=zoo.training.AdamW(1e-2), run_eagerly=False)
    history = model.fit(
        X, vectors_of(Y), epochs=12, batch_size=8, validation_data=(held_out, vectors_of(labels)), verbose=0
    ).history
    assert history["val_loss"][-1] < -0.95  # minus the mean cosine
    nearest = (model.embed(held_out) @ unit(vectors_of([0, 1])).T).argmax(1)
    assert (nearest == labels).mean() > 0.9
    model.save_to_preset(tmp_path / "preset")
    loaded = zoo.TextEmbedder.from_preset(tmp_path / "preset")
    assert loaded.embedding_dim == 5
    np.testing.assert_allclose(loaded.embed(held_out), model.embed(held_out), atol=1e-5)
    # The backbone is a start for another task.
    classifier = zoo.TextClassifier.from_preset(tmp_path / "preset", num_classes=2)
    for one, other in zip(classifier.backbone.weights, model.backbone.weights, strict=True):
        np.testing.assert_array_equal(numbers(one), numbers(other))


def test_the_weight_of_a_text_counts():
    model = embedder(embedding_dim=5)
    wrong = -vectors_of(Y)
    half = np.arange(48) < 24
    mixed = np.where(half[:, None], vectors_of(Y), wrong)
    all_of_it = model.evaluate(X, mixed, sample_weight=np.ones(48), verbose=0)
    one_half = model.evaluate(X, mixed, sample_weight=2.0 * half, verbose=0)
    expected = -(model.embed(X)[:24] * unit(vectors_of(Y)[:24])).sum(1).mean()
    assert one_half == pytest.approx(expected, abs=1e-4) and all_of_it != pytest.approx(one_half, abs=1e-3)


def test_a_text_keeps_its_first_tokens():
    model = embedder(sequence_length=5)
    with pytest.warns(UserWarning, match="longer than the model's 5 tokens"):
        found = model.embed(["the film was very good .", "the film was dull and grim ."])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    copy = zoo.TextEmbedder.from_config(model.get_config())
    assert copy.get_config() == model.get_config() and copy.sequence_length == 5


def test_a_length_of_one_s_own_replaces_the_preset_s(tmp_path):
    embedder(sequence_length=9).save_to_preset(tmp_path / "preset")
    assert zoo.TextEmbedder.from_preset(tmp_path / "preset").preprocessor.sequence_length == 9
    model = zoo.TextEmbedder.from_preset(tmp_path / "preset", sequence_length=5)
    assert (model.sequence_length, model.preprocessor.sequence_length) == (5, 5)
    preprocessor = zoo.tasks.TextPreprocessor(TOKENIZER, sequence_length=20)
    model = zoo.TextEmbedder(texts.backbone(TOKENIZER), preprocessor=preprocessor, sequence_length=5)
    assert model.preprocessor.sequence_length == 5


def test_a_vocabulary_that_does_not_fit_is_refused():
    backbone = zoo.BertBackbone(20, 1, 2, 16, 29, max_sequence_length=37)
    with pytest.raises(ValueError, match="vocabulary"):
        zoo.TextEmbedder(backbone, tokenizer=TOKENIZER, sequence_length=9)


def test_tables_of_texts_and_vectors():
    model = embedder(embedding_dim=5)
    expected = model.evaluate(X, vectors_of(Y), verbose=0)
    frame = pd.DataFrame({"text": X, "vector": list(vectors_of(Y)), "label": Y})
    assert model.evaluate(frame, label_column="vector", verbose=0) == pytest.approx(expected, abs=1e-5)
    assert model.evaluate(X, pd.DataFrame(vectors_of(Y)), verbose=0) == pytest.approx(expected, abs=1e-5)
    np.testing.assert_allclose(model.embed(frame[["text"]]), model.embed(X), atol=1e-6)


def test_it_comes_back_from_a_file(tmp_path):
    check_task(embedder(embedding_dim=5), lambda task: task.embed(X[:3]), tmp_path)


def test_half_precision_keeps_the_length():
    backbone = texts.backbone(TOKENIZER, normalize_first=True, dtype="mixed_bfloat16")
    found = zoo.TextEmbedder(backbone, tokenizer=TOKENIZER, embedding_dim=5).embed(X[:9])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "max"}, r"one of \(None, 'mean', 'cls'\).*pooling='max'"),
        ({"embedding_dim": 0}, "embedding_dim=0"),
        ({"sequence_length": 38}, r"at least 3 and at most 37, or None\. Received: sequence_length=38"),
        ({"sequence_length": 2}, "sequence_length=2"),
    ],
)
def test_arguments_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        embedder(**options)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, vectors_of(Y, 4), r"a vector \(y\) of 5 numbers.*shapes \[\(4,\)\].*embedding_dim"),
        (X, vectors_of(Y)[:7], "48 texts, 7 vectors"),
        (X, np.zeros((48, 5)), r"not all zeros. Received: y\[0\]=.*48 such rows"),
        (X, [[float("nan")] * 5] * 48, "must be finite"),
        ((X, X), vectors_of(Y), "made of one text. Received: pairs"),
        (X, None, "need labels. Received: y=None"),
    ],
)
def test_data_that_is_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        embedder(embedding_dim=5).fit(x, y, verbose=0)


def test_a_decoder_s_first_token_is_no_vector():
    backbone = zoo.BartBackbone(TOKENIZER.vocabulary_size(), 1, 2, 16, 29, max_sequence_length=37)
    with pytest.raises(ValueError, match="pooling='cls' with BartBackbone"):
        zoo.TextEmbedder(backbone, tokenizer=TOKENIZER, pooling="cls")
    assert zoo.TextEmbedder(backbone, tokenizer=TOKENIZER).embed(X[:3]).shape == (3, 16)
