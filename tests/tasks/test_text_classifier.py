import keras
import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import numbers

TOKENIZER = texts.word_piece()
TRAIN = texts.reviews(61)
pytestmark = pytest.mark.usefixtures("eager")


def classifier(**options):
    # Pre-norm, which learns from any seed; post-norm at this size does not.
    backbone = texts.backbone(TOKENIZER, normalize_first=True)
    return zoo.TextClassifier(backbone, tokenizer=TOKENIZER, **{"num_classes": 2, **options})


@pytest.fixture(scope="module")
def fitted():
    keras.utils.set_random_seed(1)
    model = classifier()
    model.compile(optimizer=zoo.training.AdamW(1e-2), run_eagerly=False)
    history = model.fit(*TRAIN, epochs=20, batch_size=7, validation_data=texts.reviews(23, seed=1), verbose=0)
    return model, history


def test_it_learns_and_reports(fitted):
    _, history = fitted
    assert history.history["val_accuracy"][-1] > 0.9
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]


def test_predictions_keep_the_order_of_the_texts(fitted):
    model, _ = fitted
    found = model.predict(TRAIN[0], batch_size=5, verbose=0)
    for row in (0, 17, 60):
        np.testing.assert_allclose(found[row], model.predict([TRAIN[0][row]], verbose=0)[0], atol=1e-4)


def test_classify_gives_names_and_probabilities():
    model = classifier(class_names=["bad", "good"])
    found = model.classify(TRAIN[0][:3])
    assert [each.label in ("bad", "good") for each in found] == [True] * 3
    for each in found:
        assert sum(each.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert each.probability == max(each.probabilities.values())


def test_bucketed_loss_equals_padded_loss():
    model = classifier()
    labels = np.array(TRAIN[1])
    found = model.evaluate(*TRAIN, batch_size=7, verbose=0)
    encoded = model.preprocessor.encode(zoo.data.read_examples(TRAIN[0]))
    padded = encoded.rows(np.arange(61), 37, TOKENIZER.pad_token_id)
    expected = model.evaluate(padded, labels, batch_size=7, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    weights = np.random.default_rng(0).random(61).astype("float32")
    np.testing.assert_allclose(
        model.evaluate(*TRAIN, sample_weight=weights, batch_size=7, verbose=0)[0],
        model.evaluate(padded, labels, sample_weight=weights, batch_size=7, verbose=0)[0],
        rtol=1e-4,
    )


def sources():
    sentences, labels = TRAIN
    import pandas

    frame = pandas.DataFrame({"sentence": sentences, "label": labels})
    yield "lists", (sentences, labels), {}
    yield "arrays", (np.array(sentences), np.array(labels)), {}
    yield "object arrays", (np.array(sentences, object), np.array(labels)), {}
    yield "columns", (frame["sentence"], frame["label"]), {}
    yield "frame", (frame,), {}
    yield (
        "named columns",
        (frame.rename(columns={"sentence": "words", "label": "y"}),),
        {
            "text_columns": "words",
            "label_column": "y",
        },
    )


def grain_source():
    import grain

    return grain.MapDataset.source(list(zip(*TRAIN, strict=True)))


def tf_source(batched):
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((list(TRAIN[0]), list(TRAIN[1])))
    return data.batch(13) if batched else data


def hf_source():
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset.from_dict({"text": TRAIN[0], "label": TRAIN[1]})


@pytest.fixture(scope="module")
def expected_loss():
    keras.utils.set_random_seed(3)
    return classifier().evaluate(*TRAIN, verbose=0)[0]


@pytest.mark.parametrize("name", ["lists", "arrays", "object arrays", "columns", "frame", "named columns"])
def test_everything_people_have_can_be_given(name, expected_loss):
    _, data, options = next(each for each in sources() if each[0] == name)
    keras.utils.set_random_seed(3)
    assert classifier().evaluate(*data, verbose=0, **options)[0] == pytest.approx(expected_loss, rel=1e-5)


@pytest.mark.parametrize("make", [grain_source, lambda: tf_source(True), lambda: tf_source(False), hf_source])
def test_data_sets_can_be_given(make, expected_loss):
    keras.utils.set_random_seed(3)
    assert classifier().evaluate(make(), verbose=0)[0] == pytest.approx(expected_loss, rel=1e-5)


def test_fit_on_a_data_set_and_validation_split():
    model = classifier()
    history = model.fit(grain_source(), validation_split=0.2, epochs=1, batch_size=7, verbose=0)
    assert {"loss", "val_loss", "accuracy", "val_accuracy"} <= set(history.history)
    assert int(model.optimizer.iterations) == 7  # 49 texts


def test_pairs_of_texts():
    model = classifier(num_classes=3)
    first, second = TRAIN[0][:11], TRAIN[0][11:22]
    labels = [row % 3 for row in range(11)]
    model.fit((first, second), labels, epochs=1, verbose=0)
    as_tuple = model.predict((first, second), verbose=0)
    as_list = model.predict(list(zip(first, second, strict=True)), verbose=0)
    np.testing.assert_allclose(as_tuple, as_list, atol=1e-6)
    assert as_tuple.shape == (11, 3)
    features = model.preprocessor((first, second))
    start = features["token_ids"][0].tolist().index(TOKENIZER.end_token_id) + 1
    assert features["segment_ids"][0, :start].max() == 0 and features["segment_ids"][0, start] == 1


def test_training_texts_come_in_a_new_order_every_epoch_and_the_same_for_the_same_seed():
    def orders(seed):
        model = classifier(seed=seed)
        batches = model._batches(zoo.data.read_examples(*TRAIN), 7, shuffle=True)
        return [[batch[0]["token_ids"].tobytes() for batch in batches(epoch)] for epoch in (0, 1)]

    first, second = orders(0)
    assert sorted(map(len, first)) and first != second
    assert orders(0) == [first, second] and orders(1) != [first, second]


def test_an_epoch_holds_every_text_once():
    model = classifier()
    examples = zoo.data.read_examples(*TRAIN, sample_weight=np.arange(61))
    batches = list(model._batches(examples, 7, shuffle=True)(epoch=3))
    assert sorted(np.concatenate([weights for _, _, weights in batches]).tolist()) == list(range(61))
    for inputs, _, weights in batches:
        encoded = model.preprocessor.encode(examples.take(weights.astype(int)))
        assert inputs["padding_mask"].sum(axis=1).tolist() == encoded.lengths.tolist()


def test_names_of_the_classes_are_learnt_and_saved(tmp_path):
    model = classifier()
    names = ["good" if label else "bad" for label in TRAIN[1]]
    model.fit(TRAIN[0], names, epochs=1, verbose=0)
    assert model.class_names == ["bad", "good"]
    model.save_to_preset(tmp_path / "model")
    loaded = zoo.TextClassifier.from_preset(str(tmp_path / "model"))
    assert loaded.class_names == ["bad", "good"]
    np.testing.assert_allclose(
        loaded.predict(TRAIN[0][:5], verbose=0), model.predict(TRAIN[0][:5], verbose=0), atol=1e-5
    )


def test_another_number_of_classes_gets_a_new_head(tmp_path):
    model = classifier()
    model.save_to_preset(tmp_path / "model")
    loaded = zoo.TextClassifier.from_preset(str(tmp_path / "model"), num_classes=5)
    with pytest.warns(UserWarning, match="no head for this TextClassifier: it is new"):
        assert loaded.predict(TRAIN[0][:2], verbose=0).shape == (2, 5)
    for ours, theirs in zip(loaded.backbone.weights, model.backbone.weights, strict=True):
        np.testing.assert_array_equal(numbers(ours), numbers(theirs))


def test_a_long_text_is_truncated_with_one_warning_that_counts():
    model = classifier()
    long = ["very " * 50 + "good", "a film", "very " * 99]
    with pytest.warns(UserWarning, match="2 of 3 texts are longer than the model's 37 tokens") as warnings:
        model.predict(long, verbose=0)
    assert sum("longer than" in str(warning.message) for warning in warnings) == 1


def test_longest_first_truncation_keeps_both_texts():
    model = classifier()
    with pytest.warns(UserWarning, match="1 of 1"):
        features = model.preprocessor((["very " * 90], ["a film ."]))
    real = features["token_ids"][0][features["padding_mask"][0] == 1]
    assert len(real) == 37 and TOKENIZER.decode(real).endswith("a film.")


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([], [], ValueError, "at least one text"),
        (["a", " ", "b", ""], [0, 1, 0, 1], ValueError, "2 empty rows: 1, 3"),
        (["a", None], [0, 1], TypeError, "NoneType .* in row 1"),
        (["a", 3.5], [0, 1], TypeError, "float"),
        (["a", float("nan")], [0, 1], TypeError, "row 1"),
        (["a", "b"], [0], ValueError, "2 texts, 1 labels"),
        (["a", "b"], [0, 2], ValueError, r"y\[1\]=2"),
        (["a", "b"], [0, -1], ValueError, r"y\[1\]=-1"),
        (["a", "b"], None, ValueError, "need labels"),
        (["a", "b"], ["x", "x"], ValueError, "1 different labels"),
        ([b"a", b"\xff"], [0, 1], ValueError, "row 1 with bytes"),
        ("a text", [0], TypeError, r"Write \[x\]"),
    ],
)
def test_wrong_input_is_refused_before_training(x, y, error, message):
    model = classifier()
    before = model.get_weights()[0].copy()
    with pytest.raises(error, match=message):
        model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before)


def test_a_label_outside_the_named_classes_is_refused():
    model = classifier(class_names=["bad", "good"])
    with pytest.raises(ValueError, match="Received: y\\[1\\]='ugly'"):
        model.fit(["a", "b"], ["bad", "ugly"], verbose=0)


def test_unknown_columns_are_refused_with_those_there_are():
    import pandas

    frame = pandas.DataFrame({"words": ["a"], "mark": [0]})
    with pytest.raises(ValueError, match=r"columns=\['words', 'mark'\]"):
        classifier().fit(frame)
    with pytest.raises(ValueError, match=r"\['wrods'\]. Available columns: \['words', 'mark'\]"):
        classifier().fit(frame, text_columns="wrods")


def test_an_endless_data_set_is_refused():
    with pytest.raises(ValueError, match="must end"):
        classifier().fit(tf_source(True).repeat())


@pytest.mark.parametrize(
    "options", [{"num_classes": None}, {"num_classes": 1}, {"num_classes": 3, "class_names": ["a", "b"]}]
)
def test_impossible_classes(options):
    with pytest.raises(ValueError, match="Received: num_classes"):
        classifier(**options)


def test_an_unknown_number_of_classes_says_what_to_give():
    with pytest.raises(ValueError, match=r"Give `num_classes=2`, .*`class_names=\['bad', 'good'\]`"):
        classifier(num_classes=None)
    with pytest.raises(TypeError, match=r"Received: num_labels=... Did you mean `num_classes`\?"):
        classifier(num_labels=2)


def test_a_tokenizer_with_more_pieces_than_the_backbone_is_refused():
    with pytest.raises(ValueError, match=r"tokenizer.vocabulary_size\(\)="):
        zoo.TextClassifier(zoo.BertBackbone(7, 1, 1, 4, 4), tokenizer=TOKENIZER, num_classes=2)


def test_raw_text_without_a_tokenizer_is_refused():
    model = zoo.TextClassifier(texts.backbone(TOKENIZER), num_classes=2)
    with pytest.raises(ValueError, match="needs a tokenizer"):
        model.fit(*TRAIN)


def test_ready_features_are_taken_as_they_are():
    model = classifier()
    features = model.preprocessor(TRAIN[0])
    model.fit(features, np.array(TRAIN[1]), epochs=1, batch_size=7, verbose=0)
    assert model.predict(features, verbose=0).shape == (61, 2)


def test_the_default_optimizer_warms_up_and_decays_over_the_run():
    class Watch(keras.callbacks.Callback):
        """Looks at the length of the run while it lasts."""

        def on_train_begin(self, logs=None):
            optimizer = self.model.optimizer
            self.steps, done = int(optimizer.run_steps), int(optimizer.iterations)
            self.rates = []
            for step in (0, 1, 2, self.steps):
                optimizer.iterations.assign(step)
                self.rates.append(float(optimizer.learning_rate))
            optimizer.iterations.assign(done)

    model, watch = classifier(), Watch()
    model.compile(run_eagerly=False)
    peak = zoo.training.fine_tuning_rate(16)
    for epochs in (2, 1):  # every fit is a run of its own
        model.fit(*TRAIN, epochs=epochs, batch_size=7, callbacks=[watch], verbose=0)
        assert watch.steps == int(model.optimizer.iterations) == 9 * epochs
        assert watch.rates == pytest.approx(
            [0, peak / 1.8, peak * 16 / 16.2, 0] if epochs == 2 else [peak, peak * 8 / 8.1, peak * 7 / 8.1, 0]
        )
        assert float(model.optimizer.learning_rate) == pytest.approx(peak)  # constant outside of runs
    model.fit(*TRAIN, epochs=3, initial_epoch=2, batch_size=7, callbacks=[watch], verbose=0)
    assert watch.steps == int(model.optimizer.iterations) == 27
    mine = classifier()
    mine.compile(optimizer=zoo.training.AdamW(1e-3))
    mine.fit(*TRAIN, epochs=1, verbose=0)
    assert float(mine.optimizer.learning_rate) == pytest.approx(1e-3)


def test_a_second_fit_is_as_the_first():
    def trained(model, first):
        model.set_weights(first)
        return model.fit(*TRAIN, epochs=1, batch_size=7, shuffle=False, verbose=0).history["loss"]

    backbone = texts.backbone(TOKENIZER, dropout=0.0)
    model = zoo.TextClassifier(backbone, tokenizer=TOKENIZER, num_classes=2, dropout=0.0)
    model.compile(run_eagerly=False)
    first = model.get_weights()
    losses = [trained(model, first) for _ in range(2)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_what_is_frozen_between_two_fits_stays_as_it_is():
    model = classifier()
    model.fit(*TRAIN, epochs=1, verbose=0)
    table = model.backbone.token_embedding
    table.trainable = False
    before = np.array(table.embeddings)
    model.fit(*TRAIN, epochs=1, verbose=0)
    np.testing.assert_array_equal(np.array(table.embeddings), before)
    table.trainable = True
    model.fit(*TRAIN, epochs=1, verbose=0)
    assert not np.array_equal(np.array(table.embeddings), before)


@pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="on TensorFlow a step that makes variables is traced again"
)
@pytest.mark.parametrize("optimizer", ["auto", "adam"])
def test_the_training_step_is_traced_once(optimizer, monkeypatch):
    traces = []
    step = zoo.TextClassifier.train_step
    monkeypatch.setattr(zoo.TextClassifier, "train_step", lambda self, data: traces.append(1) or step(self, data))
    model = classifier()
    model.compile(optimizer=optimizer, run_eagerly=False)
    for epochs in (2, 1):
        model.fit(*texts.reviews(11), epochs=epochs, verbose=0)
    assert len(traces) == 1


def test_the_mean_of_the_tokens_can_be_the_vector_of_a_text(tmp_path):
    model = classifier(pooling="mean")
    two = [TRAIN[0][0], " ".join(TRAIN[0][1:3])]  # of different lengths: padding must not count
    encoded = model.preprocessor.encode(zoo.data.read_examples(two)).rows(np.arange(2), 37, TOKENIZER.pad_token_id)
    states = numbers(model.backbone(encoded)["sequence_output"])
    means = np.stack([row[: mask.sum()].mean(0) for row, mask in zip(states, encoded["padding_mask"], strict=True)])
    kernel, bias = map(numbers, model.classifier.weights)
    expected = means @ kernel + bias
    np.testing.assert_allclose(model.predict(two, verbose=0), expected, atol=1e-5)
    model.save_to_preset(tmp_path / "preset")
    loaded = zoo.TextClassifier.from_preset(tmp_path / "preset")
    assert loaded.pooling == "mean"
    np.testing.assert_allclose(loaded.predict(two, verbose=0), expected, atol=1e-5)
    regressor = zoo.TextRegressor(model.backbone, tokenizer=TOKENIZER, pooling="mean")
    kernel, bias = map(numbers, regressor.regressor.weights)
    expected = means @ kernel + bias
    np.testing.assert_allclose(regressor.predict(two, verbose=0), expected, atol=1e-5)
    with pytest.raises(ValueError, match="Received: pooling='max'"):
        classifier(pooling="max")


def test_config_round_trip():
    model = classifier(class_names=["bad", "good"], dropout=0.2)
    copy = zoo.TextClassifier.from_config(model.get_config())
    assert copy.get_config() == model.get_config()


def test_mixed_precision_trains():
    model = zoo.TextClassifier(texts.backbone(TOKENIZER, dtype="mixed_bfloat16"), tokenizer=TOKENIZER, num_classes=2)
    history = model.fit(*TRAIN, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert model.compute_output_shape is not None and {weight.dtype for weight in model.weights} == {"float32"}


def test_regressor_learns_and_refuses_what_is_no_number():
    model = zoo.TextRegressor(texts.backbone(TOKENIZER), tokenizer=TOKENIZER)
    model.compile(optimizer=zoo.training.AdamW(1e-2), run_eagerly=False)
    values = [5.0 * label for label in TRAIN[1]]
    model.fit(TRAIN[0], values, epochs=15, batch_size=7, verbose=0)
    assert model.evaluate(TRAIN[0], values, verbose=0, return_dict=True)["pearson"] > 0.8
    assert model.predict(TRAIN[0][:3], verbose=0).shape == (3, 1)
    with pytest.raises(ValueError, match=r"y\[1\]='high'"):
        model.fit(["a", "b"], [1.0, "high"], verbose=0)
    with pytest.raises(ValueError, match="finite"):
        model.fit(["a", "b"], [1.0, float("nan")], verbose=0)


def test_single_batches_of_raw_text():
    model = classifier()
    found = model.train_on_batch(TRAIN[0][:5], TRAIN[1][:5], return_dict=True)
    assert np.isfinite(found["loss"])
    assert model.predict_on_batch(TRAIN[0][:5]).shape == (5, 2)
