import keras
import numpy as np
import pytest

import zoo
from tests.checks import count_without_memory, gradients, numbers

# Layers, hidden size, heads: Devlin et al. and the released small models; counts by closed form, SPECS 1.1.
SIZES = {
    "tiny": (2, 128, 2, 4_385_920),
    "mini": (4, 256, 4, 11_170_560),
    "small": (4, 512, 8, 28_763_648),
    "medium": (8, 512, 8, 41_373_184),
    "base": (12, 768, 12, 109_482_240),
    "large": (24, 1024, 16, 335_141_888),
}


def tiny(**options):
    arguments = {"vocabulary_size": 97, "num_layers": 2, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29}
    return zoo.BertBackbone(**{**arguments, "max_sequence_length": 13, **options})


def features(length=7):
    ids = np.random.default_rng(1).integers(1, 97, (2, length)).astype("int32")
    return {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": np.ones_like(ids)}


@pytest.mark.parametrize("size", SIZES)
def test_parameter_counts_are_exact(size):
    layers, hidden_dim, heads, expected = SIZES[size]
    # Weights without values: building the large one would take a gigabyte and seconds.
    count = count_without_memory(lambda: zoo.BertBackbone(30522, layers, heads, hidden_dim, 4 * hidden_dim))
    assert count == expected


@pytest.mark.parametrize("normalize_first", [False, True])
def test_padding_does_not_change_real_tokens(normalize_first):
    backbone = tiny(normalize_first=normalize_first)
    inputs = features()
    padded = {name: np.pad(array, ((0, 0), (0, 4))) for name, array in inputs.items()}
    padded["token_ids"][:, 7:] = 5
    short, long = backbone(inputs), backbone(padded)
    np.testing.assert_allclose(numbers(long["sequence_output"])[:, :7], numbers(short["sequence_output"]), atol=1e-5)
    np.testing.assert_allclose(numbers(long["pooled_output"]), numbers(short["pooled_output"]), atol=1e-5)


@pytest.mark.parametrize("normalize_first", [False, True])
def test_config_round_trip_and_saved_weights(normalize_first, tmp_path):
    backbone = tiny(normalize_first=normalize_first, activation="relu", dropout=0.3)
    copy = zoo.BertBackbone.from_config(backbone.get_config())
    assert copy.get_config() == backbone.get_config()
    backbone.save_weights(tmp_path / "model.weights.h5")
    copy.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(
        numbers(copy(features())["sequence_output"]), numbers(backbone(features())["sequence_output"]), atol=1e-6
    )


def test_mixed_precision_keeps_float32_weights_and_is_close():
    backbone, half = tiny(), tiny(dtype="mixed_bfloat16")
    assert {weight.dtype for weight in half.weights} == {"float32"}
    half.set_weights(backbone.get_weights())
    np.testing.assert_allclose(
        numbers(half(features())["sequence_output"]), numbers(backbone(features())["sequence_output"]), atol=0.1
    )


def test_a_gradient_reaches_every_weight():
    backbone = tiny(dropout=0.0)
    inputs = {**features(), "segment_ids": np.array([[0, 0, 0, 1, 1, 1, 1]] * 2, "int32")}
    # Positions beyond the text, pieces that are not in it and key biases rightly get none.
    weights = [weight for weight in backbone.trainable_weights if not weight.path.endswith("key/bias")]

    def loss():
        output = backbone(inputs)
        return keras.ops.sum(keras.ops.sin(3 * output["sequence_output"])) + keras.ops.sum(output["pooled_output"])

    for weight, gradient in zip(weights, gradients(loss, weights), strict=True):
        assert gradient is not None and np.abs(gradient).max() > 1e-9, weight.path


def test_segments_and_order_matter():
    backbone = tiny()
    inputs = features()
    plain = numbers(backbone(inputs)["sequence_output"])
    second = numbers(backbone({**inputs, "segment_ids": np.ones((2, 7), "int32")})["sequence_output"])
    turned = numbers(backbone({**inputs, "token_ids": inputs["token_ids"][:, ::-1]})["sequence_output"])
    assert np.abs(plain - second).max() > 1e-3
    assert np.abs(plain - turned[:, ::-1]).max() > 1e-3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_heads": 5}, "Received: num_heads=5, hidden_dim=12"),
        ({"num_layers": 0}, "Received: num_layers=0"),
        ({"epsilon": 0.0}, "Received: epsilon=0.0"),
        ({"vocabulary_size": "many"}, "Received: vocabulary_size='many'"),
        ({"activation": "gelo"}, "Received: activation='gelo'"),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        tiny(**wrong)


def test_lora_reaches_the_attention():
    backbone = tiny()
    backbone.enable_lora(2)
    kinds = [weight.path.rsplit("/", 1)[1] for weight in backbone.trainable_weights]
    # Query and value of two layers; Keras leaves their biases trainable.
    assert sorted(kinds) == ["bias"] * 4 + ["lora_kernel_a"] * 4 + ["lora_kernel_b"] * 4
