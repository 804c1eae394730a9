"""The two vectors that find an answer: one says where it begins, one where it ends."""

import keras
from keras import ops

# What a position that cannot be chosen scores: its probability is exactly 0 in float32.
HIDDEN = -1e9


@keras.saving.register_keras_serializable(package="zoo")
class SpanHead(keras.layers.Layer):
    """The dot product of a start vector and of an end vector with every token's output.

    Devlin et al. (2019), arXiv 1810.04805, section 4.2: the probability that the answer begins at a token is
    the softmax, over the tokens of the passage, of the dot products with the start vector; likewise its end.
    In section 4.3 [CLS] stands for "no answer". These two vectors are all the new weights: a bias, as in the
    released code, would be the same for all tokens and so change no probability.

    Call arguments:
        inputs: float tensor (batch, length, hidden_dim).
        answer_mask: int tensor (batch, length), 1 where an answer may begin or end: the passage and [CLS].

    Returns:
        Two float32 tensors (batch, length), logits of the start and of the end, -1e9 where the mask is 0.
    """

    def build(self, inputs_shape, answer_mask_shape=None):
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self._start = self.add_weight(name="start", shape=(inputs_shape[-1],), initializer=initializer)
        # A second object, because one initializer draws the same numbers twice.
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self._end = self.add_weight(name="end", shape=(inputs_shape[-1],), initializer=initializer)
        self.built = True

    def call(self, inputs, answer_mask):
        vectors = ops.cast(ops.stack([self._start, self._end], axis=-1), inputs.dtype)  # (hidden_dim, 2)
        logits = ops.cast(ops.matmul(inputs, vectors), "float32")  # (batch, length, 2)
        logits = ops.where(ops.expand_dims(answer_mask, axis=-1) > 0, logits, HIDDEN)
        return logits[..., 0], logits[..., 1]

    def compute_output_spec(self, inputs, answer_mask):
        shape = inputs.shape[:-1]
        return keras.KerasTensor(shape, dtype="float32"), keras.KerasTensor(shape, dtype="float32")
