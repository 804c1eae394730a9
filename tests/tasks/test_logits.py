"""Losses and metrics of Keras that a user names: the outputs are logits."""

import keras
import numpy as np
import pytest

import zoo
from tests import texts
from tests.tasks.test_token_classifier import LABELS, sentences
from zoo.tasks.logits import of_logits

TOKENIZER = texts.word_piece()
X, Y = texts.reviews(24)
SPARSE = keras.losses.SparseCategoricalCrossentropy
pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def model():
    return zoo.TextClassifier(texts.backbone(TOKENIZER), tokenizer=TOKENIZER, num_classes=2)


LOSSES = [
    "sparse_categorical_crossentropy",
    "crossentropy",
    "ce",
    "SparseCategoricalCrossentropy",
    SPARSE(),
    SPARSE(from_logits=True),
]


@pytest.mark.parametrize("loss", [*LOSSES, keras.losses.sparse_categorical_crossentropy, [SPARSE()]])
def test_the_line_of_the_tutorials_is_right(model, loss):
    model.compile()
    expected = model.evaluate(X, Y, verbose=0, return_dict=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-5)


def test_metrics_too(model):
    names = ["sparse_categorical_crossentropy", "ce", keras.metrics.SparseCategoricalCrossentropy(name="mine")]
    for name in names:
        model.compile(metrics=[name])
        loss, found = model.evaluate(X, Y, verbose=0)
        assert found == pytest.approx(loss, rel=1e-5)


def test_settings_are_kept_and_the_users_object_stays_as_it_is():
    given = keras.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction="sum", name="mine", dtype="float64")
    found = of_logits(given, keras.losses)
    assert found.get_config() == {**given.get_config(), "from_logits": True} and found.dtype == "float64"
    assert not given.get_config()["from_logits"]
    nested = of_logits({"a": "bce", "b": [None, "mse"]}, keras.losses)
    assert nested["a"].get_config()["from_logits"] and nested["b"] == [None, "mse"]


def test_what_is_none_of_them_stays_as_it_is():
    class Mine(SPARSE):
        pass

    def sparse_categorical_crossentropy(y_true, y_pred):
        return y_pred

    for each in ("mse", keras.losses.MeanSquaredError(), Mine(), sparse_categorical_crossentropy, None):
        assert of_logits(each, keras.losses) is each
    for each in ("accuracy", keras.metrics.Mean(), keras.metrics.sparse_categorical_accuracy):
        assert of_logits(each, keras.metrics) is each


@pytest.mark.parametrize("loss", ["kl_divergence", "KLD", "poisson", keras.losses.Dice(), keras.losses.tversky])
def test_a_loss_of_probabilities_is_refused(model, loss):
    with pytest.raises(ValueError, match=r"takes probabilities\. Received: .*sparse_categorical_crossentropy"):
        model.compile(loss=loss)


def test_words(model):
    words, tags = sentences(12)
    tagger = zoo.TokenClassifier(texts.backbone(TOKENIZER), labels=LABELS, tokenizer=TOKENIZER)
    expected = tagger.evaluate(words, tags, verbose=0, return_dict=True)["loss"]
    for loss in (SPARSE(reduction="mean_with_sample_weight"), "sparse_categorical_crossentropy"):
        tagger.compile(loss=loss)
        assert tagger.evaluate(words, tags, verbose=0, return_dict=True)["loss"] == pytest.approx(expected, rel=1e-5)


def test_the_outputs_of_a_regressor_are_no_logits():
    regressor = zoo.TextRegressor(texts.backbone(TOKENIZER), tokenizer=TOKENIZER)
    regressor.compile(loss="poisson")
    assert np.isfinite(regressor.evaluate(X, Y, verbose=0, return_dict=True)["loss"])
    assert regressor.loss == "poisson"
