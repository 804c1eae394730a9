import keras
import keras_hub
import numpy as np
import pytest
from keras import ops
from scipy.special import erf

from tests.checks import check_layer, gradients, numbers
from zoo.layers import (
    FeedForward,
    MultiHeadAttention,
    RelativePositionBias,
    TextEmbedding,
    TokenEmbedding,
    TransformerLayer,
    activation,
    causal_bias,
    normalization,
)

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(2, 7, 12)).astype("float32")


def test_the_two_gelus_are_two():
    x = np.linspace(-4, 4, 101).astype("float32")
    exact = x * 0.5 * (1 + erf(x / np.sqrt(2)))
    np.testing.assert_allclose(numbers(activation("gelu")(x)), exact, atol=1e-6)
    assert 1e-5 < np.abs(numbers(activation("gelu_approximate")(x)) - exact).max() < 1e-3


def test_unknown_activation():
    with pytest.raises(ValueError, match="Received: activation='gelo'"):
        activation("gelo")


@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_normalization(kind):
    layer = normalization(kind, 1e-6)
    centred = INPUTS - INPUTS.mean(axis=-1, keepdims=True) * (kind == "layer")
    expected = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(numbers(layer(INPUTS)), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_the_gradient_of_a_layer_normalization_is_that_of_keras(dtype):
    gamma, beta, upstream = (RNG.normal(size=shape).astype("float32") for shape in ((12,), (12,), INPUTS.shape))
    inputs, found = keras.Variable(INPUTS), []
    theirs = keras.layers.LayerNormalization(epsilon=1e-3, dtype=dtype)
    for layer in (normalization("layer", 1e-3, dtype=dtype), theirs):
        layer.build(INPUTS.shape)
        layer.set_weights([gamma, beta])

        def loss(layer=layer):
            return ops.sum(ops.cast(layer(inputs.value), "float32") * upstream)

        found.append([numbers(layer(INPUTS)), *gradients(loss, [inputs, layer.gamma, layer.beta])])
    for one, other in zip(*found, strict=True):
        assert np.abs(other).max() > 0.1
        np.testing.assert_allclose(one, other, atol=1e-5 if dtype == "float32" else 0.05)


@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_normalization_in_half_precision_is_computed_in_float32(kind):
    # 300 squared overflows float16.
    layer = normalization(kind, 1e-6, dtype="mixed_float16")
    assert np.isfinite(numbers(layer(np.full((1, 5), 300.0, "float16")))).all()


def test_unknown_normalization():
    with pytest.raises(ValueError, match="Received: normalization='batch'"):
        normalization("batch", 1e-6)


@pytest.mark.parametrize("arguments", [{}, {"gated": True, "use_bias": False, "activation": "gelu_approximate"}])
def test_feed_forward(arguments):
    check_layer(lambda **options: FeedForward(29, **arguments, **options), INPUTS, (2, 7, 12))


def test_gated_feed_forward_is_the_formula():
    layer = FeedForward(29, activation="relu", gated=True, use_bias=False)
    output = numbers(layer(INPUTS))
    inner, gate, outer = (numbers(weight) for weight in layer.weights)
    np.testing.assert_allclose(output, (np.maximum(INPUTS @ inner, 0) * (INPUTS @ gate)) @ outer, atol=1e-4)


def bucket(distance, bidirectional, buckets=32, greatest=128):
    """T5's bucket of one distance, written from the paper, for one number."""
    first = 0
    if bidirectional:
        buckets //= 2
        first = buckets if distance > 0 else 0
        distance = abs(distance)
    else:
        distance = max(-distance, 0)
    exact = buckets // 2
    if distance < exact:
        return first + distance
    far = exact + int(np.log(distance / exact) / np.log(greatest / exact) * (buckets - exact))
    return first + min(far, buckets - 1)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_relative_position_bias(bidirectional):
    layer = RelativePositionBias(3, bidirectional=bidirectional)
    bias = numbers(layer(np.arange(199), np.arange(211)))
    table = numbers(layer.embeddings)
    expected = [[bucket(key - query, bidirectional) for key in range(211)] for query in range(199)]
    # A distance whose logarithm falls on a border may go to either side in float32.
    same = np.isclose(bias[0], table[np.array(expected)].transpose(2, 0, 1), atol=1e-6)
    assert bias.shape == (1, 3, 199, 211)
    assert same.mean() > 0.995
    step = numbers(layer(np.array([[150]]), np.arange(211)))
    np.testing.assert_allclose(step[:, :, 0], bias[:, :, 150], atol=1e-6)


def test_relative_position_bias_config():
    layer = RelativePositionBias(3, 8, 31, bidirectional=False)
    assert RelativePositionBias.from_config(layer.get_config()).get_config() == layer.get_config()
    with pytest.raises(ValueError, match="Received: num_buckets=32, max_distance=16"):
        RelativePositionBias(3, 32, 16)


def transformer(cross=False, use_bias=True, gated=False, **options):
    dtype = options.get("dtype")
    attend = {"use_bias": use_bias, "dtype": dtype}
    return TransformerLayer(
        MultiHeadAttention(3, **attend),
        FeedForward(29, gated=gated, use_bias=use_bias, dtype=dtype),
        MultiHeadAttention(3, **attend) if cross else None,
        **options,
    )


@pytest.mark.parametrize("normalize_first", [True, False])
@pytest.mark.parametrize("kind", ["layer", "rms"])
@pytest.mark.parametrize("cross", [True, False])
@pytest.mark.parametrize("gated", [True, False])
def test_every_composition(normalize_first, kind, cross, gated):
    arguments = {"bias": causal_bias(np.arange(7), np.arange(7))}
    if cross:
        arguments["context"] = RNG.normal(size=(2, 5, 12)).astype("float32")
    check_layer(
        lambda **options: transformer(
            cross, use_bias=False, gated=gated, normalization=kind, epsilon=1e-6, normalize_first=normalize_first,
            **options,
        ),
        INPUTS,
        (2, 7, 12),
        arguments,
    )  # fmt: skip


def test_where_the_norm_stands():
    post, pre = transformer(epsilon=1e-6), transformer(epsilon=1e-6, normalize_first=True)
    post.build(INPUTS.shape), pre.build(INPUTS.shape)
    pre.set_weights(post.get_weights())
    normed = numbers(post(INPUTS))
    np.testing.assert_allclose(normed.mean(axis=-1), 0, atol=1e-5)
    assert np.abs(numbers(pre(INPUTS)).mean(axis=-1)).max() > 1e-3
    part = numbers(pre.self_attention(normalization("layer", 1e-6)(INPUTS)))
    hidden = INPUTS + part
    hidden = hidden + numbers(pre.feed_forward(normalization("layer", 1e-6)(hidden)))
    np.testing.assert_allclose(numbers(pre(INPUTS)), hidden, atol=1e-5)


def test_a_decoder_layer_with_caches_equals_the_whole_sequence():
    layer = transformer(cross=True, normalize_first=True)
    context = RNG.normal(size=(2, 5, 12)).astype("float32")
    whole = numbers(layer(INPUTS, bias=causal_bias(np.arange(7), np.arange(7)), context=context))
    cache, context_cache = np.zeros((2, 2, 7, 3, 4), "float32"), layer.cross_attention.project_context(context)
    for step in range(7):
        output, cache = layer(
            INPUTS[:, step : step + 1],
            bias=causal_bias(np.array([step]), np.arange(7)),
            cache=cache,
            context_cache=context_cache,
            cache_update_index=step,
        )
        np.testing.assert_allclose(numbers(output)[:, 0], whole[:, step], atol=1e-5)


def embedding(hidden_dim=None, kind="layer", positions=True, segments=True, **options):
    dtype = options.get("dtype")
    return TextEmbedding(
        keras.layers.ReversibleEmbedding(97, 12, dtype=dtype),
        keras_hub.layers.PositionEmbedding(13, dtype=dtype) if positions else None,
        keras.layers.Embedding(2, 12, dtype=dtype) if segments else None,
        normalization=kind,
        hidden_dim=hidden_dim,
        **options,
    )


@pytest.mark.parametrize("hidden_dim", [None, 20])
@pytest.mark.parametrize("kind", ["layer", None])
def test_text_embedding(hidden_dim, kind):
    ids = RNG.integers(0, 97, (2, 7)).astype("int32")
    segments = np.array([[0] * 4 + [1] * 3] * 2, "int32")
    check_layer(
        lambda **options: embedding(hidden_dim, kind, **options), ids, (2, 7, hidden_dim or 12),
        {"segment_ids": segments},
    )  # fmt: skip


def test_positions_may_be_given():
    ids = RNG.integers(0, 97, (2, 7)).astype("int32")
    layer = embedding(kind=None, segments=False)
    shifted = numbers(layer(ids, positions=np.arange(7) + 3))
    table = numbers(layer.position_embedding.position_embeddings)
    np.testing.assert_allclose(
        shifted - numbers(layer(ids)), np.broadcast_to(table[3:10] - table[:7], (2, 7, 12)), atol=1e-6
    )
    assert embedding(positions=False, segments=False)(ids).shape == (2, 7, 12)


@pytest.mark.parametrize("positions", [None, np.arange(9, dtype="int32")[None]])
def test_more_tokens_than_positions(positions):
    ids = np.ones((2, 9), "int32")
    layer = embedding(kind=None, segments=False, position_offset=5)
    with pytest.raises(ValueError, match=r"at most .* 8 tokens\. Received: 9 tokens\. Cut it"):
        layer(ids, positions=positions)


def test_positions_may_begin_further_on():
    ids = RNG.integers(0, 97, (2, 7)).astype("int32")
    layer = embedding(kind=None, segments=False, position_offset=5)
    table = numbers(layer(ids)) - numbers(layer.token_embedding(ids))
    np.testing.assert_allclose(table[0], numbers(layer.position_embedding.position_embeddings)[5:12], atol=1e-6)
    np.testing.assert_allclose(numbers(layer(ids, positions=np.arange(7))), numbers(layer(ids)), atol=1e-6)
    again = TextEmbedding.from_config(layer.get_config())
    assert again.position_offset == 5


@pytest.mark.parametrize("normalize_first", [True, False])
@pytest.mark.parametrize("gated", [True, False])
def test_what_overflows_in_float16_is_cut(normalize_first, gated):
    layer = transformer(gated=gated, normalize_first=normalize_first, dtype="mixed_float16")
    layer(INPUTS)
    kernel = layer.feed_forward._output_dense.kernel
    kernel.assign(ops.abs(kernel) * 3e4)
    found = numbers(layer(ops.cast(30.0 * INPUTS, "float16")))
    assert np.isfinite(found).all()


def test_a_second_matrix_of_the_pieces_is_drawn_apart():
    drawn = keras.initializers.RandomNormal(stddev=1.0)
    tied, apart = [TokenEmbedding(64, 64, tie_weights=tie, embeddings_initializer=drawn) for tie in (True, False)]
    for layer in (tied, apart):
        layer.build((None, None))
    matrix, reverse = numbers(apart.embeddings), numbers(apart.reverse_embeddings)
    assert abs(np.corrcoef(matrix.ravel(), reverse.ravel())[0, 1]) < 0.1
    assert matrix.std() == pytest.approx(1.0, rel=0.05) and reverse.std() == pytest.approx(64**-0.5, rel=0.05)
    assert len(tied.weights) == 1
