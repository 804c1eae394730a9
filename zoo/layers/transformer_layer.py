"""One transformer layer for every architecture: it is made of the parts that it is given."""

import keras
from keras import ops

from zoo.layers.building import build_once
from zoo.layers.normalizations import normalization as make_normalization
from zoo.layers.precision import finite


@keras.saving.register_keras_serializable(package="zoo")
class TransformerLayer(keras.layers.Layer):
    """Self attention, perhaps cross attention, and a feed-forward part, each with a residual connection.

    Post-norm, `norm(x + part(x))`, is Vaswani et al. (2017), arXiv 1706.03762, section 3.1; pre-norm,
    `x + part(norm(x))`, is Xiong et al. (2020), arXiv 2002.04745, figure 1b.

    Args:
        self_attention: `MultiHeadAttention`.
        feed_forward: `FeedForward`.
        cross_attention: `MultiHeadAttention` over the encoder's output, or None for an encoder layer.
        normalization: `"layer"` or `"rms"`, see `zoo.layers.normalization`.
        epsilon: float, of the normalizations.
        normalize_first: bool, pre-norm when True.
        dropout: float, probability that a part's output is dropped in training, before it is added.

    Call arguments:
        inputs: float tensor (batch, length, hidden_dim).
        bias: float tensor that broadcasts to (batch, heads, length, key), for self attention, or None.
        context: float tensor (batch, context, context_dim), the encoder's output, or None.
        context_bias: float tensor that broadcasts to (batch, heads, length, context), or None.
        cache: float tensor (batch, 2, key, heads, head_dim) of self attention, or None.
        context_cache: float tensor (batch, 2, context, heads, head_dim) of cross attention, or None.
        cache_update_index: int or scalar tensor, where this call enters `cache`.

    Returns:
        float tensor (batch, length, hidden_dim); with a cache, the pair of it and the updated cache.
    """

    def __init__(
        self,
        self_attention,
        feed_forward,
        cross_attention=None,
        normalization="layer",
        epsilon=1e-12,
        normalize_first=False,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # a bias stays float32
        self.self_attention = self_attention
        self.feed_forward = feed_forward
        self.cross_attention = cross_attention
        self.normalization = normalization
        self.epsilon = epsilon
        self.normalize_first = normalize_first
        self.dropout = dropout
        parts = ["self_attention", "feed_forward"] + ["cross_attention"] * (cross_attention is not None)
        self._norms = {
            part: make_normalization(normalization, epsilon, dtype=self.dtype_policy, name=f"{part}_norm")
            for part in parts
        }
        self._drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, inputs_shape, context_shape=None):
        build_once(self.self_attention, inputs_shape)
        build_once(self.cross_attention, inputs_shape, context_shape or inputs_shape)
        build_once(self.feed_forward, inputs_shape)
        for norm in self._norms.values():
            build_once(norm, inputs_shape)
        self.built = True

    def _residual(self, part, hidden, function, training):
        norm = self._norms[part]
        added = finite(function(norm(hidden) if self.normalize_first else hidden))
        added = self._drop(added, training=training)
        total = finite(hidden + added)
        return total if self.normalize_first else norm(total)

    def call(
        self,
        inputs,
        bias=None,
        context=None,
        context_bias=None,
        cache=None,
        context_cache=None,
        cache_update_index=None,
        training=None,
    ):
        inputs = ops.cast(inputs, self.compute_dtype)
        updated = None

        def attend(hidden):
            nonlocal updated
            output = self.self_attention(
                hidden, bias=bias, cache=cache, cache_update_index=cache_update_index, training=training
            )
            if cache is not None:
                output, updated = output
            return output

        def attend_context(hidden):
            output = self.cross_attention(
                hidden, context=context, bias=context_bias, cache=context_cache, training=training
            )
            return output[0] if context_cache is not None else output

        hidden = self._residual("self_attention", inputs, attend, training)
        if self.cross_attention is not None:
            hidden = self._residual("cross_attention", hidden, attend_context, training)
        hidden = self._residual(
            "feed_forward", hidden, lambda tensor: self.feed_forward(tensor, training=training), training
        )
        return hidden if cache is None else (hidden, updated)

    def compute_output_spec(self, inputs, *args, cache=None, **kwargs):
        # Without it Keras traces the whole layer to learn the shape, seconds for a deep model.
        output = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        return output if cache is None else (output, keras.KerasTensor(cache.shape, dtype=cache.dtype))

    def get_config(self):
        serialize = keras.layers.serialize
        return {
            **super().get_config(),
            "self_attention": serialize(self.self_attention),
            "feed_forward": serialize(self.feed_forward),
            "cross_attention": serialize(self.cross_attention) if self.cross_attention else None,
            "normalization": self.normalization,
            "epsilon": self.epsilon,
            "normalize_first": self.normalize_first,
            "dropout": self.dropout,
        }

    @classmethod
    def from_config(cls, config):
        parts = ("self_attention", "feed_forward", "cross_attention")
        made = {part: keras.layers.deserialize(config[part]) for part in parts if config[part] is not None}
        return cls(**{**config, **made})
