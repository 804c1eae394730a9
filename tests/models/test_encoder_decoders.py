import numpy as np
import pytest
from keras import ops

import zoo
from tests.checks import count_without_memory, gradients, numbers, quick
from zoo.layers import padding_bias

# Layers a side, hidden size, inner size, heads: arXiv 1910.13461; closed form with 50,265 pieces, 1,026 positions.
BART = {"base": (6, 768, 3072, 12, 139_420_416), "large": (12, 1024, 4096, 16, 406_291_456)}
# Layers a side, hidden size, inner size, heads, size of a head: arXiv 1910.10683 and the released 1.1; closed form.
T5 = {  # the two largest were called 3B and 11B
    "small": (6, 512, 2048, 8, 64, 60_506_624),
    "base": (12, 768, 3072, 12, 64, 222_903_552),
    "large": (24, 1024, 4096, 16, 64, 737_668_096),
    "xl": (24, 1024, 16384, 32, 128, 2_851_598_336),
    "xxl": (24, 1024, 65536, 128, 128, 11_307_321_344),
}
T5_1_1 = {
    "small": (8, 512, 1024, 6, 64, 76_961_152),
    "base": (12, 768, 2048, 12, 64, 247_577_856),
    "large": (24, 1024, 2816, 16, 64, 783_150_080),
    "xl": (24, 2048, 5120, 32, 64, 2_849_757_184),
    "xxl": (24, 4096, 10240, 64, 64, 11_135_332_352),
}
VERSION_1_1 = {"activation": "gelu_approximate", "gated": True, "tie_embedding": False}
SIZES = {"vocabulary_size": 97, "num_layers": 2, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29}
KINDS = {
    "bart": lambda **options: zoo.BartBackbone(**{**SIZES, "max_sequence_length": 13, "dropout": 0.0, **options}),
    "bart_pre_norm": lambda **options: zoo.BartBackbone(
        **{**SIZES, "max_sequence_length": 13, "dropout": 0.0, "normalize_first": True, **options}
    ),
    "mass": lambda **options: zoo.MassBackbone(**{**SIZES, "max_sequence_length": 13, "dropout": 0.0, **options}),
    "t5": lambda **options: zoo.T5Backbone(**{**SIZES, "head_dim": 5, "dropout": 0.0, **options}),
    "t5_1_1": lambda **options: zoo.T5Backbone(**{**SIZES, "head_dim": 5, "dropout": 0.0, **VERSION_1_1, **options}),
}
BY_KIND = pytest.mark.parametrize("kind", KINDS)
BY_FEW_KINDS = pytest.mark.parametrize("kind", quick(KINDS, "bart", "t5_1_1"))  # where it takes long


def features(backbone, source=7, target=5):
    rng = np.random.default_rng(1)
    found = {
        "encoder_token_ids": rng.integers(1, 97, (2, source)).astype("int32"),
        "encoder_padding_mask": np.ones((2, source), "int32"),
        "decoder_token_ids": rng.integers(1, 97, (2, target)).astype("int32"),
        "decoder_padding_mask": np.ones((2, target), "int32"),
        "decoder_positions": np.tile(np.arange(target, dtype="int32"), (2, 1)),
        "cross_attention_mask": np.ones((2, source), "int32"),
    }
    return {name: found[name] for name in backbone.input_features}


def decoded(backbone, inputs):
    return numbers(backbone(inputs)["decoder_sequence_output"])


@pytest.mark.parametrize("size", BART)
def test_parameter_counts_of_bart(size):
    layers, hidden_dim, intermediate_dim, heads, expected = BART[size]
    count = count_without_memory(lambda: zoo.BartBackbone(50265, layers, heads, hidden_dim, intermediate_dim))
    assert count == expected


@pytest.mark.parametrize("size", quick(T5, "small", "base"))
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_parameter_counts_of_t5(version, size):
    sizes, options = (T5[size], {}) if version == "1.0" else (T5_1_1[size], VERSION_1_1)
    layers, hidden_dim, intermediate_dim, heads, head_dim, expected = sizes
    count = count_without_memory(
        lambda: zoo.T5Backbone(32128, layers, heads, hidden_dim, intermediate_dim, head_dim, **options)
    )
    assert count == expected


@BY_KIND
def test_padding_does_not_change_real_tokens(kind):
    backbone = KINDS[kind]()
    inputs = features(backbone)
    padded = {name: np.pad(array, ((0, 0), (0, 3))) for name, array in inputs.items()}
    padded["encoder_token_ids"][:, 7:] = padded["decoder_token_ids"][:, 5:] = 5
    short, long = backbone(inputs), backbone(padded)
    for side, length in (("encoder", 7), ("decoder", 5)):
        name = f"{side}_sequence_output"
        np.testing.assert_allclose(numbers(long[name])[:, :length], numbers(short[name]), atol=1e-5)


@BY_KIND
def test_the_decoder_does_not_see_what_comes_later(kind):
    backbone = KINDS[kind]()
    inputs = features(backbone)
    changed = {**inputs, "decoder_token_ids": inputs["decoder_token_ids"].copy()}
    changed["decoder_token_ids"][:, 3] = 1 + changed["decoder_token_ids"][:, 3] % 96
    before, after = decoded(backbone, inputs), decoded(backbone, changed)
    np.testing.assert_allclose(after[:, :3], before[:, :3], atol=1e-6)
    assert np.abs(after[:, 3:] - before[:, 3:]).max(axis=-1).min() > 1e-4


@BY_KIND
def test_one_step_after_the_other_gives_what_all_at_once_gives(kind):
    backbone = KINDS[kind]()
    inputs = features(backbone)
    inputs["encoder_padding_mask"][1, 5:] = 0
    if "cross_attention_mask" in inputs:
        inputs["cross_attention_mask"][1, 5:] = 0
    whole = decoded(backbone, inputs)
    encoded = backbone.encode(inputs["encoder_token_ids"], inputs["encoder_padding_mask"])
    context_caches = backbone.context_caches(encoded)
    caches = backbone.empty_caches(context_caches, 5)
    hidden = padding_bias(inputs["encoder_padding_mask"])
    for step in range(5):
        token = inputs["decoder_token_ids"][:, step : step + 1]
        output, caches = backbone.decode_step(token, step, caches, context_caches, hidden)
        np.testing.assert_allclose(numbers(output)[:, 0], whole[:, step], atol=1e-5)


@BY_FEW_KINDS
def test_config_round_trip_and_preset(kind, tmp_path):
    backbone = KINDS[kind](dropout=0.3)
    copy = type(backbone).from_config(backbone.get_config())
    assert copy.get_config() == backbone.get_config()
    backbone.save_to_preset(str(tmp_path / "preset"))
    loaded = zoo.presets.load_backbone(str(tmp_path / "preset"))
    inputs = features(backbone)
    np.testing.assert_allclose(decoded(loaded, inputs), decoded(backbone, inputs), atol=1e-6)


@BY_FEW_KINDS
def test_mixed_precision_is_close(kind):
    backbone, half = KINDS[kind](), KINDS[kind](dtype="mixed_bfloat16")
    assert {weight.dtype for weight in half.weights} == {"float32"}
    half.set_weights(backbone.get_weights())
    inputs = features(backbone)
    np.testing.assert_allclose(decoded(half, inputs), decoded(backbone, inputs), atol=0.1)


@BY_KIND
def test_a_gradient_reaches_every_weight(kind):
    backbone = KINDS[kind]()
    inputs = features(backbone)
    # The softmax does not see what is added to all scores alike.
    weights = [weight for weight in backbone.trainable_weights if not weight.path.endswith("key/bias")]

    def loss():
        logits = ops.cast(backbone.logits(backbone(inputs)["decoder_sequence_output"]), "float32")
        return ops.sum(ops.sin(logits * 3.0 + ops.arange(97, dtype="float32")))

    silent = [
        weight.path
        for weight, gradient in zip(weights, gradients(loss, weights), strict=True)
        if gradient is None or not np.any(np.abs(gradient) > 1e-9)
    ]
    assert not silent


def test_mass_looks_only_where_it_may_and_stands_where_it_is_told():
    backbone = KINDS["mass"]()
    inputs = features(backbone)
    inputs["cross_attention_mask"][:, 2:5] = 0
    before = decoded(backbone, inputs)
    moved = {**inputs, "decoder_positions": inputs["decoder_positions"] + 3}
    assert np.abs(decoded(backbone, moved) - before).max() > 1e-4
    # What the encoder made of the hidden places does not reach the decoder by looking.
    encoded = numbers(backbone.encode(inputs["encoder_token_ids"], inputs["encoder_padding_mask"]))
    other = encoded.copy()
    other[:, 2:5] += 1.0
    hidden = padding_bias(inputs["cross_attention_mask"])
    outputs = []
    for each in (encoded, other):
        caches = backbone.context_caches(ops.convert_to_tensor(each))
        output, _ = backbone.decode_step(
            inputs["decoder_token_ids"][:, :1], 0, backbone.empty_caches(caches, 5), caches, hidden
        )
        outputs.append(numbers(output))
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-6)


def test_one_matrix_embeds_both_sides():
    paths = [weight.path for weight in KINDS["bart"]().weights]
    assert sum("tokens" in path for path in paths) == 1


@BY_KIND
def test_wrong_sizes_are_refused(kind):
    with pytest.raises(ValueError, match=r"positive integers\. Received: num_layers=0"):
        KINDS[kind](num_layers=0)


def test_heads_must_divide_unless_their_size_is_given():
    with pytest.raises(ValueError, match="Received: num_heads=5, hidden_dim=12"):
        KINDS["bart"](num_heads=5)
    assert KINDS["t5"](num_heads=5).num_heads == 5


@pytest.mark.parametrize("kind", ["bart", "mass"])
def test_more_tokens_than_positions_are_refused(kind):
    backbone = KINDS[kind](max_sequence_length=7)
    with pytest.raises(ValueError, match=r"7 tokens\. Received: 8 tokens"):
        decoded(backbone, features(backbone, source=8))


@pytest.mark.parametrize("kind", ["t5", "t5_1_1"])
def test_t5_does_not_overflow_in_float16(kind):
    backbone = KINDS[kind](dtype="mixed_float16")
    for layer in (*backbone.encoder_layers, *backbone.decoder_layers):
        kernel = layer.feed_forward._output_dense.kernel
        kernel.assign(ops.abs(kernel) * 60000.0)
    assert np.isfinite(decoded(backbone, features(backbone))).all()


def test_the_loss_of_a_new_t5_is_near_that_of_a_guess():
    """With a matrix of its own as with the tied one: the scores of 1.1 begin small."""
    sizes = {"vocabulary_size": 500, "num_layers": 1, "num_heads": 2, "hidden_dim": 128, "intermediate_dim": 64}
    for version in ({}, VERSION_1_1):
        backbone = zoo.T5Backbone(**sizes, head_dim=64, **version)
        inputs = features(backbone)
        scores = numbers(backbone.logits(backbone(inputs)["decoder_sequence_output"]))
        logs = scores - scores.max(axis=-1, keepdims=True)
        logs -= np.log(np.exp(logs).sum(axis=-1, keepdims=True))
        assert -logs.mean() < np.log(500) + 3.0


@BY_KIND
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"drop_out": 0.9}, TypeError, r"Received: drop_out=\.\.\. Did you mean `dropout`"),
        ({"num_layers": 2.0}, ValueError, "Received: num_layers=2.0"),
        ({"activation": None}, ValueError, "Received: activation=None"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(kind, arguments, error, message):
    with pytest.raises(error, match=message):
        KINDS[kind](**arguments)
