"""The matrix of all pieces: from ids to vectors, and from vectors to scores of every piece."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class TokenEmbedding(keras.layers.ReversibleEmbedding):
    """`keras.layers.ReversibleEmbedding` that lets a gradient through when it is quantized.

    A second matrix for the scores (`tie_weights=False`) is drawn like that of a dense layer, with a spread of
    `output_dim ** -0.5`, as T5X's `logits_dense` is. Keras would draw the numbers of the first once more.

    Keras rounds the vectors to int8 before they meet a quantized matrix, and rounding has no gradient: whatever is
    trained before the matrix, such as LoRA's matrices (Hu et al. 2021, arXiv 2106.09685), would learn nothing. Here the
    gradient passes straight through, as in Keras's other quantized layers: it is that of the matrix that the integers
    stand for (Bengio et al. 2013, arXiv 1308.3432).

    Arguments, call arguments and result are those of `keras.layers.ReversibleEmbedding`.
    """

    def add_weight(self, *args, name=None, **kwargs):
        if name == "reverse_embeddings" and kwargs.get("initializer") is self.embeddings_initializer:
            kwargs["initializer"] = keras.initializers.VarianceScaling(1.0, "fan_in", "truncated_normal")
        return super().add_weight(*args, name=name, **kwargs)

    def quantize(self, mode=None, type_check=True, config=None):
        # Keras lets no class but its own be quantized, unless it says that it can be.
        super().quantize(mode, type_check=False, config=config)

    def _int8_call(self, inputs, reverse=False):
        if not reverse:
            return super()._int8_call(inputs)
        quantized_logits = super()._int8_call

        @ops.custom_gradient
        def logits_of(vectors, matrix):
            def gradient(*arguments, upstream=None):
                (upstream,) = arguments or (upstream,)
                return ops.cast(ops.matmul(upstream, matrix), vectors.dtype), None  # (..., dim)

            return quantized_logits(vectors, reverse=True), gradient

        return logits_of(inputs, self._reverse_matrix())

    def _reverse_matrix(self):
        """What the integers stand for, float tensor (vocabulary_size, dim)."""
        if self.tie_weights:
            matrix, scale = self._embeddings, self.embeddings_scale  # (vocabulary_size, dim), (vocabulary_size,)
        else:
            matrix, scale = ops.transpose(self.reverse_embeddings), self.reverse_embeddings_scale
        matrix = ops.cast(matrix, self.compute_dtype)
        return ops.divide(matrix, ops.expand_dims(ops.cast(scale, self.compute_dtype), axis=-1))
