"""The position-wise feed-forward part, plain or gated."""

import keras

from zoo.layers.activations import activation as activation_named
from zoo.layers.building import build_dense
from zoo.layers.precision import finite


@keras.saving.register_keras_serializable(package="zoo")
class FeedForward(keras.layers.Layer):
    """Two dense layers with an activation between them, applied at every position.

    Vaswani et al. (2017), arXiv 1706.03762, equation 2; the gated form, `activation(x W) * (x V)`, is
    Shazeer (2020), arXiv 2002.05202, equation 6, as in T5 1.1.

    Args:
        intermediate_dim: int, size between the two layers.
        activation: str, see `zoo.layers.activation`.
        gated: bool, whether a second input matrix multiplies the activation.
        use_bias: bool, whether the dense layers have a bias.
        dropout: float, probability that a unit between the layers is dropped in training (T5).
        kernel_initializer: an initializer, or a dict with the keys `intermediate`, `gate`, `output`.

    Call arguments:
        inputs: float tensor (batch, length, hidden_dim).

    Returns:
        float tensor (batch, length, hidden_dim).
    """

    def __init__(
        self,
        intermediate_dim,
        activation="gelu",
        gated=False,
        use_bias=True,
        dropout=0.0,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.intermediate_dim = intermediate_dim
        self.activation = activation
        self.gated = gated
        self.use_bias = use_bias
        self.dropout = dropout
        self.kernel_initializer = kernel_initializer
        self._activate = activation_named(activation)

    def build(self, input_shape):
        inner_shape = (*input_shape[:-1], self.intermediate_dim)
        self._intermediate_dense = build_dense(self, "intermediate", self.intermediate_dim, input_shape)
        if self.gated:
            self._gate_dense = build_dense(self, "gate", self.intermediate_dim, input_shape)
        self._output_dense = build_dense(self, "output", input_shape[-1], inner_shape)
        self._drop = keras.layers.Dropout(self.dropout, dtype=self.dtype_policy, name="dropout")
        self.built = True

    def call(self, inputs, training=None):
        inner = self._activate(self._intermediate_dense(inputs))  # (batch, length, intermediate_dim)
        if self.gated:
            inner = inner * self._gate_dense(inputs)
        inner = finite(inner)
        if self.dropout:
            inner = self._drop(inner, training=training)
        return self._output_dense(inner)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "intermediate_dim": self.intermediate_dim,
            "activation": self.activation,
            "gated": self.gated,
            "use_bias": self.use_bias,
            "dropout": self.dropout,
            "kernel_initializer": self.kernel_initializer,
        }
