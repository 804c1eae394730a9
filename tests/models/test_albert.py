import keras
import numpy as np
import pytest

import zoo
from tests.checks import count_without_memory, gradients, numbers

# Layers, hidden size, heads: Lan et al. (2020), table 1 (the heads of xlarge do not change the count); closed form.
SIZES = {
    "base": (12, 768, 12, 11_683_584),
    "large": (24, 1024, 16, 17_683_968),
    "xlarge": (24, 2048, 16, 58_724_864),
    "xxlarge": (12, 4096, 64, 222_595_584),
}
# What the base size has under each sharing, millions: table 4 of the paper, E = 128.
PRINTED = {"all": 12, "attention": 64, "feed_forward": 38, "none": 89}


def tiny(**options):
    arguments = {"vocabulary_size": 97, "num_layers": 4, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29}
    return zoo.AlbertBackbone(**{**arguments, "embedding_dim": 5, "max_sequence_length": 13, **options})


def features(length=7):
    ids = np.random.default_rng(1).integers(1, 97, (2, length)).astype("int32")
    return {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": np.ones_like(ids)}


@pytest.mark.parametrize("size", SIZES)
def test_parameter_counts_are_exact(size):
    layers, hidden_dim, heads, expected = SIZES[size]
    count = count_without_memory(lambda: zoo.AlbertBackbone(30000, layers, heads, hidden_dim, 4 * hidden_dim))
    assert count == expected


@pytest.mark.parametrize("sharing", PRINTED)
def test_parameter_counts_of_the_ablation(sharing):
    count = count_without_memory(lambda: zoo.AlbertBackbone(30000, 12, 12, 768, 3072, sharing=sharing))
    # The paper cuts 63.7 up and 89.7 down.
    assert abs(count / 1e6 - PRINTED[sharing]) < 0.7


def test_one_layer_is_repeated_and_groups_are_runs_of_layers():
    assert len(tiny().transformer_layers) == 1 and tiny().order == [0, 0, 0, 0]
    assert len(tiny(num_groups=2).transformer_layers) == 2 and tiny(num_groups=2).order == [0, 0, 1, 1]
    backbone = tiny(num_groups=2, sharing="attention")
    attentions = [layer.self_attention for layer in backbone.transformer_layers]
    assert attentions[0] is attentions[1] is not attentions[2] is attentions[3]
    assert len({id(layer.feed_forward) for layer in backbone.transformer_layers}) == 4


def test_depth_costs_no_weights_but_changes_the_output():
    shallow, deep = tiny(num_layers=1), tiny(num_layers=4)
    deep.set_weights(shallow.get_weights())
    outputs = [numbers(backbone(features())["sequence_output"]) for backbone in (shallow, deep)]
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3


def test_a_shared_layer_does_what_copies_of_it_do():
    shared, own = tiny(num_layers=2), tiny(num_layers=2, sharing="none")
    by_path = {weight.path: weight for weight in shared.weights}
    for weight in own.weights:
        weight.assign(by_path[weight.path.replace("layer_1", "layer_0")])
    np.testing.assert_allclose(
        numbers(own(features())["sequence_output"]), numbers(shared(features())["sequence_output"]), atol=1e-6
    )


@pytest.mark.parametrize("normalize_first", [False, True])
def test_padding_does_not_change_real_tokens(normalize_first):
    backbone = tiny(normalize_first=normalize_first)
    inputs = features()
    padded = {name: np.pad(array, ((0, 0), (0, 4))) for name, array in inputs.items()}
    padded["token_ids"][:, 7:] = 5
    short, long = backbone(inputs), backbone(padded)
    np.testing.assert_allclose(numbers(long["sequence_output"])[:, :7], numbers(short["sequence_output"]), atol=1e-5)
    np.testing.assert_allclose(numbers(long["pooled_output"]), numbers(short["pooled_output"]), atol=1e-5)


@pytest.mark.parametrize("sharing", PRINTED)
def test_config_round_trip_and_saved_weights(sharing, tmp_path):
    backbone = tiny(sharing=sharing, num_groups=2, normalize_first=True, activation="relu", dropout=0.3)
    copy = zoo.AlbertBackbone.from_config(backbone.get_config())
    assert copy.get_config() == backbone.get_config()
    assert copy.count_params() == backbone.count_params()
    backbone.save_weights(tmp_path / "model.weights.h5")
    copy.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(
        numbers(copy(features())["sequence_output"]), numbers(backbone(features())["sequence_output"]), atol=1e-6
    )


@pytest.mark.parametrize("sharing", PRINTED)
def test_a_preset_loads_strictly(sharing, tmp_path):
    backbone = tiny(sharing=sharing)
    backbone.save_to_preset(str(tmp_path / "preset"))
    loaded = zoo.presets.load_backbone(str(tmp_path / "preset"))
    np.testing.assert_allclose(
        numbers(loaded(features())["pooled_output"]), numbers(backbone(features())["pooled_output"]), atol=1e-6
    )


def test_mixed_precision_keeps_float32_weights_and_is_close():
    backbone, half = tiny(), tiny(dtype="mixed_bfloat16")
    assert {weight.dtype for weight in half.weights} == {"float32"}
    half.set_weights(backbone.get_weights())
    np.testing.assert_allclose(
        numbers(half(features())["sequence_output"]), numbers(backbone(features())["sequence_output"]), atol=0.1
    )


def test_a_gradient_reaches_every_weight():
    backbone = tiny()
    inputs = {**features(), "segment_ids": np.array([[0, 0, 0, 1, 1, 1, 1]] * 2, "int32")}
    weights = [weight for weight in backbone.trainable_weights if not weight.path.endswith("key/bias")]

    def loss():
        output = backbone(inputs)
        return keras.ops.sum(keras.ops.sin(3 * output["sequence_output"])) + keras.ops.sum(output["pooled_output"])

    for weight, gradient in zip(weights, gradients(loss, weights), strict=True):
        assert gradient is not None and np.abs(gradient).max() > 1e-9, weight.path


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_heads": 5}, "Received: num_heads=5, hidden_dim=12"),
        ({"embedding_dim": 0}, "Received: embedding_dim=0"),
        ({"sharing": "some"}, "Received: sharing='some'"),
        ({"num_groups": 3}, "Received: num_groups=3, num_layers=4"),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        tiny(**wrong)


@pytest.mark.parametrize("sharing", ["all", "attention"])
def test_lora_reaches_the_shared_attention_once(sharing):
    backbone = tiny(sharing=sharing)
    backbone.enable_lora(2)
    kinds = [weight.path.rsplit("/", 1)[1] for weight in backbone.trainable_weights]
    assert sorted(kinds) == ["bias"] * 2 + ["lora_kernel_a"] * 2 + ["lora_kernel_b"] * 2
