"""One attention for the whole zoo: self or cross, with bias, with cache, on every backend."""

import keras
from keras import ops

from zoo.layers.building import build_dense
from zoo.layers.precision import in_type_of


def dot_product_attention(query, key, value, bias=None, scale=None, drop=None):
    """Scaled dot-product attention, Vaswani et al. (2017), arXiv 1706.03762, equation 1.

    The backend's fused kernel is used where it gives the same numbers as the plain form, which is here
    for everything else: TensorFlow has no such kernel, JAX on a TPU drops the bias, and no kernel can
    drop attention weights out. The softmax is computed in float32.

    Args:
        query: float tensor (batch, query, heads, head_dim).
        key: float tensor (batch, key, heads, head_dim).
        value: float tensor (batch, key, heads, head_dim).
        bias: float tensor that broadcasts to (batch, heads, query, key), added to the scores, or None.
        scale: float, multiplies the scores; `head_dim ** -0.5` when None.
        drop: function applied to the attention weights, such as a dropout layer in training, or None.

    Returns:
        float tensor (batch, query, heads, head_dim) of the type of `value`.
    """
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    if drop is None and _has_fused_kernel():
        if bias is not None:
            bias = _full_bias(in_type_of(bias, query), query, key)
        return ops.dot_product_attention(query, key, value, bias=bias, scale=scale)
    query = ops.transpose(query * ops.cast(scale, query.dtype), (0, 2, 1, 3))  # (batch, heads, query, head_dim)
    key = ops.transpose(key, (0, 2, 3, 1))  # (batch, heads, head_dim, key)
    scores = ops.cast(ops.matmul(query, key), "float32")  # (batch, heads, query, key)
    if bias is not None:
        scores = scores + ops.cast(bias, "float32")
    # Keras takes the softmax over a single key for a mistake, and warns.
    weights = ops.softmax(scores, axis=-1) if scores.shape[-1] != 1 else ops.ones_like(scores)
    weights = ops.cast(weights, value.dtype)
    if drop is not None:
        weights = drop(weights)
    value = ops.transpose(value, (0, 2, 1, 3))  # (batch, heads, key, head_dim)
    return ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))  # (batch, query, heads, head_dim)


def _has_fused_kernel():
    if keras.config.backend() == "torch":
        return True
    if keras.config.backend() == "jax":
        import jax

        return jax.default_backend() == "gpu"
    return False


def _full_bias(bias, query, key):
    batch, query_length, heads, _ = ops.shape(query)
    return ops.broadcast_to(bias, (batch, heads, query_length, ops.shape(key)[1]))


@keras.saving.register_keras_serializable(package="zoo")
class MultiHeadAttention(keras.layers.Layer):
    """Multi-head attention over the sequence itself, or over another one, with an optional cache.

    Vaswani et al. (2017), arXiv 1706.03762, section 3.2.2. The four projections are dense layers named
    `query`, `key`, `value` and `output`, so LoRA and quantization find them.

    Args:
        num_heads: int, number of heads.
        head_dim: int, size of a head; `hidden_dim // num_heads` of the input when None.
        use_bias: bool, whether the projections have a bias (BERT has, T5 has not).
        scale: float, multiplies the scores; `head_dim ** -0.5` when None (T5: 1.0).
        dropout: float, probability that an attention weight is dropped in training.
        kernel_initializer: an initializer, or a dict with the keys `query`, `key`, `value`, `output`.

    Call arguments:
        inputs: float tensor (batch, query, hidden_dim).
        context: float tensor (batch, key, context_dim) to attend to; `inputs` when None.
        bias: float tensor that broadcasts to (batch, heads, query, key), or None.
        cache: float tensor (batch, 2, key, heads, head_dim), keys and values of earlier calls, or None.
        cache_update_index: int or scalar tensor, where this call's keys and values enter the cache. None
            with a cache means that the cache already holds all of them (cross attention).

    Returns:
        float tensor (batch, query, hidden_dim); with a cache, the pair of it and the updated cache.
    """

    def __init__(
        self,
        num_heads,
        head_dim=None,
        use_bias=True,
        scale=None,
        dropout=0.0,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # a bias stays float32
        self.num_heads = num_heads
        self.head_dim = head_dim
        self.use_bias = use_bias
        self.scale = scale
        self.dropout = dropout
        self.kernel_initializer = kernel_initializer

    def build(self, inputs_shape, context_shape=None):
        hidden_dim = inputs_shape[-1]
        if self.head_dim is None and hidden_dim % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the hidden size of the input unless `head_dim` is given. "
                f"Received: num_heads={self.num_heads}, hidden size={hidden_dim}"
            )
        self._head_dim = self.head_dim or hidden_dim // self.num_heads
        inner = self.num_heads * self._head_dim
        context_shape = context_shape or inputs_shape
        self._query_dense = build_dense(self, "query", inner, inputs_shape)
        self._key_dense = build_dense(self, "key", inner, context_shape)
        self._value_dense = build_dense(self, "value", inner, context_shape)
        self._output_dense = build_dense(self, "output", hidden_dim, (*inputs_shape[:-1], inner))
        self._drop = keras.layers.Dropout(self.dropout, dtype=self.dtype_policy, name="dropout")
        self.built = True

    def _split(self, tensor):
        batch, length = ops.shape(tensor)[:2]
        return ops.reshape(tensor, (batch, length, self.num_heads, self._head_dim))  # (batch, length, heads, head_dim)

    def project_context(self, context):
        """Keys and values of `context` as a cache tensor (batch, 2, key, heads, head_dim)."""
        return ops.stack(self._keys_and_values(context), axis=1)

    def _keys_and_values(self, context):
        return self._split(self._key_dense(context)), self._split(self._value_dense(context))

    def call(self, inputs, context=None, bias=None, cache=None, cache_update_index=None, training=None):
        inputs = ops.cast(inputs, self.compute_dtype)
        query = self._split(self._query_dense(inputs))
        source = inputs if context is None else ops.cast(context, self.compute_dtype)
        if cache is None:
            key, value = self._keys_and_values(source)
        else:
            if cache_update_index is not None:
                update = ops.cast(self.project_context(source), cache.dtype)
                cache = ops.slice_update(cache, (0, 0, cache_update_index, 0, 0), update)
            key, value = cache[:, 0], cache[:, 1]
        drop = None
        if training and self.dropout:
            drop = lambda weights: self._drop(weights, training=True)  # noqa: E731
        mixed = dot_product_attention(query, key, value, bias=bias, scale=self.scale, drop=drop)
        batch, length = ops.shape(mixed)[:2]
        joined = ops.reshape(mixed, (batch, length, self.num_heads * self._head_dim))  # (batch, query, inner)
        output = self._output_dense(joined)
        return output if cache is None else (output, cache)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "head_dim": self.head_dim,
            "use_bias": self.use_bias,
            "scale": self.scale,
            "dropout": self.dropout,
            "kernel_initializer": self.kernel_initializer,
        }
