import keras
import numpy as np
import pytest
from keras import ops

from tests.checks import check_layer, numbers
from zoo.layers import MultiHeadAttention, causal_bias, combine_biases, dot_product_attention, padding_bias
from zoo.layers.attention import _has_fused_kernel

RNG = np.random.default_rng(0)


def tensors(batch=2, query=7, key=5, heads=3, size=11):
    shapes = ((batch, query, heads, size), (batch, key, heads, size), (batch, key, heads, size))
    return [RNG.normal(size=shape).astype("float32") for shape in shapes]


def reference(query, key, value, bias=0.0, scale=None):
    """Attention in NumPy, one sum a line."""
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    scores = np.einsum("bqhd,bkhd->bhqk", query, key) * scale + bias
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.einsum("bhqk,bkhd->bqhd", weights, value)


@pytest.mark.parametrize("scale", [None, 1.0])
@pytest.mark.parametrize("bias_shape", [None, (2, 1, 1, 5), (1, 3, 7, 5), (2, 3, 7, 5)])
def test_equals_the_formula(scale, bias_shape):
    query, key, value = tensors()
    bias = None if bias_shape is None else RNG.normal(size=bias_shape).astype("float32")
    found = numbers(dot_product_attention(query, key, value, bias=bias, scale=scale))
    np.testing.assert_allclose(found, reference(query, key, value, 0.0 if bias is None else bias, scale), atol=1e-5)


def test_row_18_and_19_bias_of_every_example_and_head_counts_without_a_mask_argument():
    # Keras's own call drops the bias on a TPU, looks at the first example's mask only, and on PyTorch takes
    # no bias and mask together. Here both are one bias, different for every example and head.
    query, key, value = tensors()
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]])
    bias = combine_biases(padding_bias(mask), RNG.normal(size=(1, 3, 7, 5)).astype("float32"))
    found = numbers(dot_product_attention(query, key, value, bias=bias))
    np.testing.assert_allclose(found, reference(query, key, value, numbers(bias)), atol=1e-5)
    changed = [array.copy() for array in (key, value)]
    for array in changed:
        array[0, 3:] = 100.0
        array[1, 4:] = -100.0
    np.testing.assert_allclose(numbers(dot_product_attention(query, *changed, bias=bias)), found, atol=1e-5)


def test_row_18_no_causal_mask_is_put_in_where_none_was_asked_for():
    query, key, value = tensors(key=7)
    assert np.abs(numbers(dot_product_attention(query, key, value))[:, 0] - value[:, 0]).max() > 0.1


def test_row_20_tensorflow_has_no_fused_kernel_and_is_never_asked_for_one():
    assert _has_fused_kernel() == (keras.config.backend() == "torch")


def test_row_21_dropout_of_training_does_not_change_inference():
    inputs = RNG.normal(size=(2, 7, 12)).astype("float32")
    plain, dropped = (MultiHeadAttention(3, dropout=rate) for rate in (0.0, 0.5))
    plain.build(inputs.shape), dropped.build(inputs.shape)
    dropped.set_weights([*plain.get_weights()])
    np.testing.assert_allclose(numbers(dropped(inputs, training=False)), numbers(plain(inputs)), atol=1e-6)
    assert np.abs(numbers(dropped(inputs, training=True)) - numbers(plain(inputs))).max() > 1e-3


def test_row_21_the_fused_path_is_taken_at_inference_although_the_layer_has_dropout(monkeypatch):
    taken = []
    fused = ops.dot_product_attention
    monkeypatch.setattr("zoo.layers.attention._has_fused_kernel", lambda: True)
    monkeypatch.setattr(ops, "dot_product_attention", lambda *a, **k: taken.append(1) or fused(*a, **k))
    layer = MultiHeadAttention(3, dropout=0.1)
    inputs = RNG.normal(size=(2, 7, 12)).astype("float32")
    bias = padding_bias(np.array([[1] * 7, [1] * 4 + [0] * 3]))
    through_kernel = numbers(layer(inputs, bias=bias, training=False))
    assert taken
    monkeypatch.setattr("zoo.layers.attention._has_fused_kernel", lambda: False)
    np.testing.assert_allclose(numbers(layer(inputs, bias=bias, training=False)), through_kernel, atol=1e-5)


def test_a_query_with_nothing_to_attend_to_gives_numbers():
    query, key, value = tensors()
    output = numbers(dot_product_attention(query, key, value, bias=padding_bias(np.zeros((2, 5)))))
    assert np.isfinite(output).all()


@pytest.mark.parametrize("arguments", [{}, {"use_bias": False, "scale": 1.0}, {"head_dim": 5, "dropout": 0.3}])
def test_layer(arguments):
    inputs = RNG.normal(size=(2, 7, 12)).astype("float32")
    bias = padding_bias(np.array([[1] * 7, [1] * 4 + [0] * 3]))
    # A bias of the keys shifts all scores of a query alike, so the softmax gives it no gradient.
    check_layer(
        lambda **options: MultiHeadAttention(3, **arguments, **options),
        inputs,
        (2, 7, 12),
        {"bias": bias},
        expect_every_gradient=not arguments.get("use_bias", True),
    )


def test_cross_attention_reads_the_context():
    inputs = RNG.normal(size=(2, 7, 12)).astype("float32")
    context = RNG.normal(size=(2, 5, 8)).astype("float32")
    check_layer(
        lambda **options: MultiHeadAttention(3, use_bias=False, **options), inputs, (2, 7, 12), {"context": context}
    )


def test_decoding_with_a_cache_equals_causal_attention():
    inputs = RNG.normal(size=(2, 7, 12)).astype("float32")
    layer = MultiHeadAttention(3)
    whole = numbers(layer(inputs, bias=causal_bias(np.arange(7), np.arange(7))))
    cache = ops.zeros((2, 2, 7, 3, 4))
    for step in range(7):
        output, cache = layer(
            inputs[:, step : step + 1],
            bias=causal_bias(np.array([step]), np.arange(7)),
            cache=cache,
            cache_update_index=step,
        )
        np.testing.assert_allclose(numbers(output)[:, 0], whole[:, step], atol=1e-5)


def test_cross_attention_with_a_cache_never_reads_the_context_again():
    inputs = RNG.normal(size=(2, 7, 12)).astype("float32")
    context = RNG.normal(size=(2, 5, 12)).astype("float32")
    layer = MultiHeadAttention(3)
    expected = numbers(layer(inputs, context=context))
    output, _ = layer(inputs, cache=layer.project_context(context))
    np.testing.assert_allclose(numbers(output), expected, atol=1e-6)


def test_heads_that_do_not_divide_the_size_are_refused():
    with pytest.raises(ValueError, match="Received: num_heads=5, hidden size=12"):
        MultiHeadAttention(5)(np.zeros((2, 7, 12), "float32"))


def test_causal_bias_by_positions():
    bias = numbers(causal_bias(np.array([2, 3]), np.arange(5)))[0, 0]
    assert (bias == 0).tolist() == [[True, True, True, False, False], [True, True, True, True, False]]
    bias = numbers(causal_bias(np.array([[0, 1], [4, 5]]), np.array([[0, 1], [4, 5]])))
    assert bias.shape == (2, 1, 2, 2)
    assert (bias == 0).all(axis=0).tolist() == [[[True, False], [True, True]]]


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_a_row_that_sees_nothing_is_an_average_in_half_precision_too(dtype):
    layer = MultiHeadAttention(3, dtype=dtype)
    inputs = RNG.normal(size=(2, 5, 12)).astype("float32")
    found = numbers(layer(inputs, bias=padding_bias(np.zeros((2, 5), "int32"))))
    np.testing.assert_allclose(found, np.broadcast_to(found[:, :1], found.shape), atol=1e-2)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_a_bias_is_not_rounded_in_half_precision(dtype):
    # 1 and 1 + 2 ** -12 are one number in both types; the difference times 2 ** 12 is a whole score.
    bias = np.zeros((1, 1, 2, 2), "float32")
    bias[..., 0] = 2.0**12 + 0.5
    bias[..., 1] = 2.0**12
    layer = MultiHeadAttention(1, dtype=dtype)
    inputs = RNG.normal(size=(1, 2, 4)).astype("float32")
    layer(inputs)
    layer._query_dense.kernel.assign(ops.zeros((4, 4)))  # scores of zero: the bias alone decides
    values = numbers(layer._value_dense(inputs))[0]
    expected = (values.T @ (np.exp([0.5, 0.0]) / np.exp([0.5, 0.0]).sum())) @ numbers(layer._output_dense.kernel)
    np.testing.assert_allclose(numbers(layer(inputs, bias=bias))[0, 0], expected, atol=2e-2)
