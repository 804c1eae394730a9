"""The linear layer that turns a vector, of a text or of each of its tokens, into classes, or into a number."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class ClassificationHead(keras.layers.Layer):
    """Dropout and a dense layer over one vector a text, or one a token.

    Devlin et al. (2019), arXiv 1810.04805, section 4.1: the only new weights of fine-tuning are this
    layer's. It also is the head of next-sentence prediction (section 3.1, task 2), of sentence order, and of
    tags for words (section 5.3).

    Args:
        num_outputs: int, number of classes, or 1 for a number.
        dropout: float, probability that a unit of the vector is dropped in training.
        inner_dim: int, units of a dense layer with tanh before the last one, with dropout of its own: the pooler of a
            backbone that has none, as in the released code of BART (Lewis et al. 2020, arXiv 1910.13461). None
            for the last layer alone.

    Call arguments:
        inputs: float tensor (..., hidden_dim).

    Returns:
        float32 tensor (..., num_outputs), logits.
    """

    def __init__(self, num_outputs, dropout=0.0, inner_dim=None, **kwargs):
        super().__init__(**kwargs)
        self.num_outputs = num_outputs
        self.dropout = dropout
        self.inner_dim = inner_dim
        self._drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")
        self._inner = None if inner_dim is None else self._dense_layer(inner_dim, "inner", "tanh")
        self._dense = self._dense_layer(num_outputs, "dense")

    def _dense_layer(self, units, name, activation=None):
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        return keras.layers.Dense(units, activation, kernel_initializer=initializer, dtype=self.dtype_policy, name=name)

    def build(self, inputs_shape):
        if self._inner is not None:
            self._inner.build(inputs_shape)
            inputs_shape = (*inputs_shape[:-1], self.inner_dim)
        self._dense.build(inputs_shape)
        self.built = True

    def call(self, inputs, training=None):
        hidden = self._drop(inputs, training=training)
        if self._inner is not None:
            hidden = self._drop(self._inner(hidden), training=training)  # (..., inner_dim)
        return ops.cast(self._dense(hidden), "float32")

    def kernel_and_bias(self):
        """Of the last layer: (hidden_dim, num_outputs), with what LoRA has learned, and (num_outputs,)."""
        return self._dense.kernel, self._dense.bias

    def compute_output_spec(self, inputs, training=None):
        return keras.KerasTensor((*inputs.shape[:-1], self.num_outputs), dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "num_outputs": self.num_outputs,
            "dropout": self.dropout,
            "inner_dim": self.inner_dim,
        }
