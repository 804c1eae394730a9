"""The head that names the hidden tokens."""

import keras
from keras import ops

from zoo.layers import activation as activation_named
from zoo.layers import normalization
from zoo.layers.building import build_once


@keras.saving.register_keras_serializable(package="zoo")
class MaskedLMHead(keras.layers.Layer):
    """Scores of every piece at the masked positions: dense, activation, normalization, tied projection.

    Devlin et al. (2019), arXiv 1810.04805, section 3.1, task 1, with the transform of the released code.
    Only the masked positions are gathered and scored: the vocabulary is most of a small model's work.

    Args:
        token_embedding: `keras.layers.ReversibleEmbedding` whose matrix is the output projection. A `.keras` file of
            `zoo.MaskedLM` knows that it is the backbone's; that of a functional model of your own does not.
        activation: str, see `zoo.layers.activation`.
        epsilon: float, of the normalization.

    Call arguments:
        inputs: float tensor (batch, length, hidden_dim).
        mask_positions: int tensor (batch, predictions), or None to score every position.

    Returns:
        float32 tensor (batch, predictions or length, vocabulary_size), logits.
    """

    def __init__(self, token_embedding, activation="gelu", epsilon=1e-12, **kwargs):
        super().__init__(**kwargs)
        self.token_embedding = token_embedding
        self.activation = activation
        self.epsilon = epsilon
        self._activate = activation_named(activation)
        self._dense = keras.layers.Dense(
            token_embedding.output_dim,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name="dense",
        )
        self._norm = normalization("layer", epsilon, dtype=self.dtype_policy, name="norm")

    def build(self, inputs_shape, mask_positions_shape=None):
        build_once(self.token_embedding, inputs_shape[:-1])
        self._dense.build(inputs_shape)
        self._norm.build((*inputs_shape[:-1], self.token_embedding.output_dim))
        self._bias = self.add_weight(name="bias", shape=(self.token_embedding.input_dim,), initializer="zeros")
        self.built = True

    def call(self, inputs, mask_positions=None):
        hidden = inputs if mask_positions is None else gather_positions(inputs, mask_positions)
        hidden = self._norm(self._activate(self._dense(hidden)))  # (batch, predictions, embedding_dim)
        logits = self.token_embedding(hidden, reverse=True)  # (batch, predictions, vocabulary_size)
        return ops.cast(logits, "float32") + ops.cast(self._bias, "float32")

    def compute_output_spec(self, inputs, mask_positions=None):
        shape = inputs.shape[:-1] if mask_positions is None else mask_positions.shape
        return keras.KerasTensor((*shape, self.token_embedding.input_dim), dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "token_embedding": keras.layers.serialize(self.token_embedding),
            "activation": self.activation,
            "epsilon": self.epsilon,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "token_embedding": keras.layers.deserialize(config["token_embedding"])})


def gather_positions(inputs, positions):
    """Take the vectors at `positions`.

    Args:
        inputs: float tensor (batch, length, hidden_dim).
        positions: int tensor (batch, predictions); one beyond the text is the last one of its row.

    Returns:
        float tensor (batch, predictions, hidden_dim).
    """
    batch, length, hidden_dim = ops.shape(inputs)
    # One gather from a flat table is several times faster than a batched one on the CPU.
    first = ops.expand_dims(ops.arange(batch, dtype="int32") * length, axis=1)  # (batch, 1)
    flat = ops.reshape(inputs, (-1, hidden_dim))  # (batch * length, hidden_dim)
    positions = ops.clip(ops.cast(positions, "int32"), 0, length - 1)  # beyond a row is another example's text
    return ops.take(flat, positions + first, axis=0)
