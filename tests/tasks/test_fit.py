"""`fit` and its kin as people call them: forms of labels, weights of classes, short runs, and what is refused."""

import keras
import numpy as np
import pandas as pd
import pytest

import zoo
from tests import texts
from tests.tasks.test_token_classifier import LABELS, sentences

TOKENIZER = texts.word_piece()
X, Y = texts.reviews(24)
NAMES = ["bad", "good"]


def classifier(**options):
    keras.utils.set_random_seed(5)
    options = {"num_classes": 2} | options
    return zoo.TextClassifier(texts.backbone(TOKENIZER), tokenizer=TOKENIZER, dropout=0.0, **options)


def weights_of(model):
    return np.concatenate([np.ravel(np.array(weight)) for weight in model.trainable_variables])


def change(model, train):
    """The largest change of a weight."""
    before = weights_of(model)
    train()
    return np.abs(weights_of(model) - before).max()


@pytest.fixture(scope="module")
def model():
    return classifier()


def test_a_run_of_one_step_trains(model):
    assert change(model, lambda: model.fit(X, Y, verbose=0)) > 1e-4


def test_after_a_run_the_rate_is_constant(model):
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    assert float(model.optimizer._get_current_learning_rate()) == pytest.approx(1e-3)
    assert change(model, lambda: model.train_on_batch(X, Y)) > 1e-4


def test_features_have_a_schedule_too(model):
    features, labels = model.preprocess_samples(X, np.array(Y))
    rates = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(model.optimizer._get_current_learning_rate()))

    if keras.config.backend() != "jax":  # whose optimizer is told at the end of an epoch
        model.fit(features, labels, batch_size=8, epochs=5, callbacks=[Watch()], verbose=0)
        assert len(rates) == 15 and rates[0] < 1e-3 and max(rates) == pytest.approx(1e-3, rel=0.1) and rates[-1] == 0
    assert change(model, lambda: model.fit(features, labels, batch_size=8, verbose=0)) > 1e-4


@pytest.mark.parametrize(
    "labels",
    [
        [np.int64(label) for label in Y], np.array(Y)[:, None], [[label] for label in Y],
        pd.Series(Y, index=range(7, 31)), pd.DataFrame({"any": Y}), np.array(Y, "float32"),
    ],
)  # fmt: skip
def test_forms_of_labels(model, labels):
    assert model.evaluate(X, labels, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))


def test_names_in_data_sets_and_arrays_of_bytes():
    import tensorflow as tf

    named, names = classifier(class_names=NAMES), [NAMES[label] for label in Y]
    expected = named.evaluate(X, Y, verbose=0)
    assert named.evaluate(tf.data.Dataset.from_tensor_slices((X, names)).batch(5), verbose=0) == pytest.approx(expected)
    assert named.evaluate(X, np.array(names, "S"), verbose=0) == pytest.approx(expected)


def test_named_columns_in_data_sets():
    import grain
    import tensorflow as tf

    pairs = classifier()
    expected = pairs.evaluate((X, X[::-1]), Y, verbose=0)
    columns = {"premise": X, "hypothesis": X[::-1]}
    rows = tf.data.Dataset.from_tensor_slices((columns, Y))
    assert pairs.evaluate(rows.batch(7), verbose=0) == pytest.approx(expected)
    assert pairs.evaluate(rows, verbose=0) == pytest.approx(expected)
    assert pairs.evaluate(rows.filter(lambda x, y: True), verbose=0) == pytest.approx(expected)  # of no known length
    endless = grain.MapDataset.source([("a film", 1), ("a book", 0)]).repeat()
    with pytest.raises(ValueError, match="the data set must end"):
        pairs.evaluate(endless, verbose=0)


class Texts(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, number):
        part = slice(8 * number, 8 * number + 8)
        return np.array(X[part]), np.array(Y[part])


class Lists(Texts):
    def __getitem__(self, number):
        return tuple(part.tolist() for part in super().__getitem__(number))


def test_batches_of_text_from_keras(model):
    expected = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(Texts(), verbose=0) == pytest.approx(expected)
    assert model.evaluate(Lists(), verbose=0) == pytest.approx(expected)


def test_pairs_in_lists_are_not_taken_for_texts(model):
    with pytest.raises(ValueError, match=r"a list of texts and others, \['a film', 1\]\. Give tuples"):
        model.fit(([text, label] for text, label in [("a film", 1), ("a book", 0)]))


def test_validation_data_in_a_list(model):
    assert "val_loss" in model.fit(X, Y, validation_data=[X[:5], Y[:5]], validation_batch_size=2, verbose=0).history


# Classes that count more.


@pytest.mark.parametrize("weights", [{0: 3.0, 1: 0.5}, {"bad": 3.0, "good": 0.5}])
def test_a_class_weighs_as_its_texts_do(weights):
    by_class, by_text = classifier(class_names=NAMES), classifier(class_names=NAMES)
    each = np.where(np.array(Y) == 0, 3.0, 0.5)
    by_class.fit(X, Y, batch_size=8, class_weight=weights, sample_weight=np.full(24, 0.5), verbose=0)
    by_text.fit(X, Y, batch_size=8, sample_weight=each * 0.5, verbose=0)
    np.testing.assert_allclose(weights_of(by_class), weights_of(by_text), atol=1e-6)


def test_a_class_that_weighs_nothing_is_not_learnt():
    words, tags = sentences(12)
    tagger = zoo.TokenClassifier(texts.backbone(TOKENIZER), labels=LABELS, tokenizer=TOKENIZER)
    nothing = dict.fromkeys(LABELS, 0.0)
    assert change(tagger, lambda: tagger.fit(words, tags, class_weight=nothing, verbose=0)) < 1e-3  # decay alone
    history = tagger.fit(words, tags, class_weight={LABELS[0]: 2.0}, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_class_weights_are_checked(model):
    with pytest.raises(ValueError, match=r"a weight a class of \[0, 1\]. Received: 'good'"):
        model.fit(X, Y, class_weight={"good": 2.0})
    regressor = zoo.TextRegressor(texts.backbone(TOKENIZER), tokenizer=TOKENIZER)
    with pytest.raises(ValueError, match="a TextRegressor has none"):
        regressor.fit(X, Y, class_weight={0: 2.0})


# What is refused.


def test_weights_must_be_numbers(model):
    with pytest.raises(ValueError, match="Received: nan in row 3; 1 such rows"):
        model.fit(X, Y, sample_weight=[1.0] * 3 + [float("nan")] + [1.0] * 20)


@pytest.mark.parametrize("several", [2, 5])
def test_several_steps_at_once_count_every_text_once(several):
    model = classifier(num_classes=2)
    expected = model.evaluate(X, Y, batch_size=8, verbose=0)
    model.compile(steps_per_execution=several)
    assert model.evaluate(X, Y, batch_size=8, verbose=0) == pytest.approx(expected, rel=1e-5)
    rows = model.fit(X, Y, batch_size=7, epochs=2, validation_data=(X, Y), verbose=0).history
    found = model.evaluate(X, Y, verbose=0)
    assert [rows["val_loss"][-1], rows["val_accuracy"][-1]] == pytest.approx(found, rel=1e-5)
    assert int(model.optimizer.iterations) == 2 * several * -(-len(X) // 7 // several)  # whole executions


def test_names_and_numbers_are_not_mixed():
    mixed = [int(label) if row else str(label) for row, label in enumerate(Y)]
    with pytest.raises(ValueError, match=r"all names, or all numbers.* Received: y\[0\]='\d' and y\[1\]=\d"):
        classifier(num_classes=2).fit(X, mixed)
    with pytest.raises(ValueError, match=r"`class_names` are texts.* Received: 1 in class_names=\[1, 2\]"):
        classifier(class_names=[1, 2])


def test_two_columns_of_one_name_are_refused(model):
    import pandas

    table = pandas.DataFrame([["a", "b", 1]], columns=["text", "text", "label"])
    with pytest.raises(ValueError, match=r"several columns of one name. Received: \['text'\]"):
        model.fit(table)


def test_two_columns_are_no_labels(model):
    for labels in (np.eye(2)[Y], np.eye(2)[Y].tolist()):
        with pytest.raises(ValueError, match=r"y of shape \(24, 2\)\. .* `np.asarray\(y\)\.argmax\(-1\)`"):
            model.fit(X, labels)


def test_steps_are_of_features(model):
    for method in (model.evaluate, model.predict):
        with pytest.raises(ValueError, match=r"raw text is read whole. Received: steps=1"):
            method(X, **({"y": Y} if method == model.evaluate else {}), steps=1)


def test_labels_that_were_refused_settle_nothing():
    new = classifier()
    misspelt = [NAMES[label] for label in Y]
    with pytest.raises(ValueError, match="one of the model's classes"):
        new.fit(X, misspelt, validation_data=(X[:2], ["bad", "goood"]))
    assert new.class_names is None
    new.fit(X, ["yes" if label else "no" for label in Y], verbose=0)
    assert new.class_names == ["no", "yes"]


# Numbers.


def test_the_correlation_is_that_of_all_texts():
    x, _ = texts.reviews(33, seed=2)
    values = np.random.default_rng(3).normal(size=33).tolist()
    regressor = zoo.TextRegressor(texts.backbone(TOKENIZER), tokenizer=TOKENIZER)
    history = regressor.fit(x, values, validation_data=(x, values), batch_size=8, verbose=0).history
    found = regressor.predict(x, verbose=0)[:, 0]
    expected = np.corrcoef(found, values)[0, 1]
    assert history["val_pearson"] == [pytest.approx(expected, abs=1e-3)]
    scores = regressor.evaluate(x, values, batch_size=8, verbose=0, return_dict=True)
    assert scores["pearson"] == pytest.approx(expected, abs=1e-3) and set(scores) == {"loss", "pearson", "spearman"}
    assert set(regressor.evaluate(x[:2], [1.0, 1.0], verbose=0, return_dict=True)) == {"loss"}
