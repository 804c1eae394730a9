import keras
import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import numbers
from zoo.training import AdamW, FineTuningAdamW, WarmupLinearDecay, fine_tuning_rate
from zoo.training.optimizers import layer_factors


def test_schedule_by_fraction_and_by_steps_is_the_same():
    by_fraction, by_steps = (WarmupLinearDecay(1e-3, 1000, warmup) for warmup in (0.1, 100))
    steps = np.arange(1200)
    rates = np.array([float(by_fraction(step)) for step in steps])
    np.testing.assert_allclose(rates, [float(by_steps(step)) for step in steps], rtol=1e-5)
    assert rates.argmax() == 100 and rates.max() == pytest.approx(1e-3)
    assert rates[0] == 0 and (rates[1000:] == 0).all()
    np.testing.assert_allclose(np.diff(rates[100:1000]), -1e-3 / 900, rtol=1e-2)


def test_schedule_round_trip():
    schedule = WarmupLinearDecay(1e-3, 1000, 0.1)
    copy = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert copy.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 10), "Received: peak=0.0"),
        ((1e-3, 0), "total_steps=0"),
        ((1e-3, 10, 11), "warmup=11, total_steps=10"),
        ((1e-3, 10, 1.0), "warmup=1.0"),
    ],
)
def test_impossible_schedules(arguments, message):
    with pytest.raises(ValueError, match=message):
        WarmupLinearDecay(*arguments)


def steps_of_adam(gradients, rate, correct, start):
    """Adam in float64, one line of the paper after the other."""
    first = second = 0.0
    value = start
    for step, gradient in enumerate(gradients, 1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        hat_1, hat_2 = (first / (1 - 0.9**step), second / (1 - 0.999**step)) if correct else (first, second)
        value = value - rate * hat_1 / (np.sqrt(hat_2) + 1e-6)
    return value


@pytest.mark.parametrize("correct", [True, False])
def test_adam_with_and_without_bias_correction(correct):
    variable = keras.Variable(np.array([1.0, -2.0], "float32"), name="bias")
    optimizer = AdamW(1e-2, bias_correction=correct, global_clipnorm=None)
    gradients = np.random.default_rng(0).normal(size=(7, 2))
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient.astype("float32"))], [variable])
    expected = steps_of_adam(gradients, 1e-2, correct, np.array([1.0, -2.0]))
    np.testing.assert_allclose(numbers(variable), expected, rtol=1e-3)


@pytest.mark.parametrize("options", [{}, {"global_clipnorm": 0.1}, {"amsgrad": True}, {"use_ema": True}])
def test_steps_are_those_of_keras(options):
    rng = np.random.default_rng(0)
    shapes = {"kernel": (3, 2), "bias": (2,)}
    gradients = [[rng.normal(size=shape).astype("float32") for shape in shapes.values()] for _ in range(6)]
    found = []
    for kind in (AdamW, keras.optimizers.AdamW):
        numbers_of_both = {"weight_decay": 0.1, "epsilon": 1e-6, "global_clipnorm": None, **options}
        optimizer = kind(WarmupLinearDecay(1e-2, 10, 2), **numbers_of_both)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        variables = [keras.Variable(np.ones(shape, "float32"), name=name) for name, shape in shapes.items()]
        optimizer.build(variables)
        for step in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in step], variables)
        found.append([numbers(variable) for variable in (*variables, *optimizer.variables[2:])])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5)


@pytest.mark.parametrize("options", [{}, {"amsgrad": True}, {"layer_decay": 0.5}])
def test_half_precision_follows_single(options):
    """Whose second moment would stand still if 0.999 were rounded to bfloat16."""
    found = []
    for dtype in ("float32", "bfloat16"):
        with keras.name_scope("layer_0"):
            variable = keras.Variable(np.array([1.0, -2.0, 0.5], dtype), dtype=dtype, name="kernel")
        optimizer = AdamW(0.05, **options)
        optimizer.build([variable])
        for step in range(5):
            optimizer.apply([keras.ops.cast(keras.ops.convert_to_tensor([1.0, -1.0, 0.5 - step]), dtype)], [variable])
        found.append(numbers(variable))
    assert np.abs(found[0] - [1.0, -2.0, 0.5]).min() > 0.02
    np.testing.assert_allclose(found[1], found[0], atol=0.03)


def test_biases_and_normalizations_are_not_decayed():
    backbone = zoo.BertBackbone(97, 2, 3, 12, 29, max_sequence_length=13)
    before = {weight.path: weight.numpy() for weight in backbone.trainable_weights}
    for path, weight in zip(before, backbone.trainable_weights, strict=True):
        weight.assign(np.ones(weight.shape))
        before[path] = np.ones(weight.shape)
    optimizer = AdamW(0.5, weight_decay=0.5)
    optimizer.apply(
        [keras.ops.zeros(weight.shape) for weight in backbone.trainable_weights], backbone.trainable_weights
    )
    changed = {weight.path.rsplit("/", 1)[1] for weight in backbone.trainable_weights if numbers(weight).max() < 0.999}
    assert changed == {"kernel", "embeddings"}


def test_gradients_are_clipped_by_their_common_norm():
    variables = [keras.Variable(np.zeros(3, "float32"), name=name) for name in ("bias", "beta")]
    plain = keras.optimizers.SGD(1.0, global_clipnorm=AdamW().global_clipnorm)
    plain.apply([keras.ops.full((3,), 10.0), keras.ops.full((3,), 10.0)], variables)
    norm = np.sqrt(sum((numbers(variable) ** 2).sum() for variable in variables))
    assert norm == pytest.approx(1.0, rel=1e-5)


def test_accumulated_batches_are_one_large_batch():
    start = np.array([[1.0], [-2.0]], "float32")
    inputs = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    targets = inputs @ np.array([[3.0], [1.0]], "float32")
    results = []
    for batch_size, accumulated in ((8, None), (2, 4)):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        model.set_weights([start])
        model.compile(AdamW(1e-2, gradient_accumulation_steps=accumulated), loss="mse", jit_compile=False)
        model.fit(inputs, targets, batch_size=batch_size, shuffle=False, epochs=3, verbose=0)
        results.append(model.get_weights()[0])
    np.testing.assert_allclose(*results, rtol=1e-4)


def test_optimizer_round_trip():
    optimizer = AdamW(WarmupLinearDecay(1e-3, 100), weight_decay=0.1, bias_correction=False)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(copy) is AdamW and not copy.bias_correction and copy.weight_decay == 0.1
    assert copy._learning_rate.get_config() == optimizer._learning_rate.get_config()


def test_smaller_models_are_tuned_at_higher_rates():
    rates = [fine_tuning_rate(size) for size in (128, 256, 512, 768, 1024)]
    assert rates == sorted(rates, reverse=True) and rates[:2] == [1e-3, 5e-4] and rates[-1] == 2e-5


def test_a_run_of_fine_tuning_rises_falls_and_begins_anew():
    optimizer = FineTuningAdamW(1e-2, gradient_accumulation_steps=2)
    variable = keras.Variable(np.ones(3, "float32"))
    optimizer.build([variable])
    assert float(optimizer.learning_rate) == pytest.approx(1e-2)  # no run, no schedule
    for steps in (9, 4):
        optimizer.start_run(steps)
        assert not any(np.any(moment) for moment in map(np.array, optimizer._momentums + optimizer._velocities))
        expected = WarmupLinearDecay(1e-2, steps)
        for step in range(steps + 2):
            assert float(optimizer.learning_rate) == pytest.approx(float(expected(step)), rel=1e-5)
            optimizer.apply([keras.ops.ones(3)])
    optimizer.start_run(8, done=3)  # goes on with what it has
    assert float(optimizer.learning_rate) == pytest.approx(float(WarmupLinearDecay(1e-2, 8)(3)), rel=1e-5)
    assert np.all(np.array(optimizer._momentums[0]) > 0)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(copy) is FineTuningAdamW and float(copy.learning_rate) == pytest.approx(1e-2)


def test_lower_layers_change_less():
    backbone = zoo.BertBackbone(97, 3, 2, 8, 16, max_sequence_length=13)
    weights = backbone.trainable_weights
    before = {weight.path: numbers(weight) for weight in weights}
    optimizer = AdamW(0.1, weight_decay=0, layer_decay=0.5, global_clipnorm=None)
    optimizer.apply([keras.ops.ones(weight.shape) for weight in weights], weights)
    # The first step of Adam is as long as the rate, whatever the gradient.
    moved = {path: np.abs(numbers(weight) - before[path]).mean() for path, weight in zip(before, weights, strict=True)}
    expected = {"pooler": 0.1, "final": 0.1, "layer_2": 0.05, "layer_1": 0.025, "layer_0": 0.0125, "embedding": 0.00625}
    for path, distance in moved.items():
        assert distance == pytest.approx(expected[path.split("/")[0]], rel=1e-3), path
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert copy.layer_decay == 0.5


def test_encoder_and_decoder_are_counted_apart_and_shared_layers_are_one():
    def factors(backbone):
        paths = [weight.path for weight in backbone.trainable_weights]
        return dict(zip(paths, layer_factors([*paths, "classifier/dense/kernel"], 0.5), strict=False))

    bart = factors(zoo.BartBackbone(97, 2, 2, 8, 16, max_sequence_length=13))
    assert bart["encoder_layer_1/self_attention/query/kernel"] == 0.5
    assert bart["decoder_layer_0/cross_attention/query/kernel"] == 0.25
    assert bart["encoder_embedding/tokens/embeddings"] == bart["decoder_embedding/norm/gamma"] == 0.125
    t5 = factors(zoo.T5Backbone(97, 2, 2, 8, 16, head_dim=4))
    assert t5["decoder_position_bias/embeddings"] == 0.125 and t5["encoder_final_norm/scale"] == 1
    albert = factors(zoo.AlbertBackbone(97, 3, 2, 8, 16, embedding_dim=4, max_sequence_length=13))
    assert {value for path, value in albert.items() if path.startswith("layer_0")} == {0.5}
    assert albert["embedding/projection/kernel"] == 0.25


def test_layer_decay_of_a_model_without_layers_is_said_to_change_nothing():
    layer = keras.layers.Dense(3)
    layer.build((None, 5))
    with pytest.warns(UserWarning, match=r"`layer_decay` changes nothing.* Received: layer_decay=0\.5"):
        AdamW(layer_decay=0.5).build(layer.trainable_variables)


@pytest.mark.parametrize("decay", [0, -0.5, 1.5])
def test_impossible_layer_decay(decay):
    with pytest.raises(ValueError, match=f"Received: layer_decay={decay}"):
        AdamW(layer_decay=decay)


def test_a_relative_rate_moves_large_weights_further():
    values = {"large": np.full((3, 2), -4.0), "small": np.array([0.3, -0.4]), "none": np.zeros(5)}
    variables = [keras.Variable(value.astype("float32"), name=name) for name, value in values.items()]
    optimizer = AdamW(0.01, weight_decay=0, relative_rate=True, global_clipnorm=None)
    optimizer.apply([keras.ops.ones(variable.shape) for variable in variables], variables)
    # Adam's first step is as long as the rate.
    for variable, (name, size) in zip(variables, {"large": 4, "small": 0.125**0.5, "none": 1e-3}.items(), strict=True):
        np.testing.assert_allclose(values[name] - numbers(variable), 0.01 * size, rtol=1e-3)
    assert keras.optimizers.deserialize(keras.optimizers.serialize(optimizer)).relative_rate


def test_callbacks_that_set_the_rate_are_refused_while_the_optimizer_does():
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate)
    tokenizer = texts.word_piece()
    x, y = texts.reviews(24)
    model = zoo.TextClassifier(texts.backbone(tokenizer), num_classes=2, tokenizer=tokenizer)
    with pytest.raises(ValueError, match=r"warms up and decays by itself.*zoo\.training\.AdamW"):
        model.fit(x, y, epochs=2, verbose=0, callbacks=[scheduler])
    model.optimizer.learning_rate = 2e-3  # between runs it is the highest rate of the next
    assert float(model.optimizer.learning_rate) == pytest.approx(2e-3)
    assert model.optimizer.get_config()["learning_rate"] == pytest.approx(2e-3)
    model.compile(optimizer=zoo.training.AdamW(1e-3))
    rates = model.fit(x, y, epochs=2, verbose=0, callbacks=[scheduler]).history["learning_rate"]
    assert rates == pytest.approx([1e-3, 1e-3])


def test_a_rate_that_is_none():
    with pytest.raises(TypeError, match="of a schedule of its own"):
        zoo.training.FineTuningAdamW(keras.optimizers.schedules.CosineDecay(1e-3, 10))
    for rate in (0.0, -1.0):
        with pytest.raises(ValueError, match=f"above 0. Received: learning_rate={rate}"):
            zoo.training.FineTuningAdamW(rate)
