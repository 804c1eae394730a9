"""Accuracy over all tokens of batches of different lengths."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class TokenAccuracy(keras.metrics.Mean):
    """The fraction of tokens whose likeliest class is the right one, each by its weight.

    Keras's own metric takes the mean over a row before it adds up rows, so that a token counts for less in a batch
    that is padded to more; here every token counts alike, whatever batch it is in.

    Call arguments:
        y_true: int tensor (batch, length), or (batch,).
        y_pred: float tensor (batch, length, classes), or (batch, classes).
        sample_weight: float tensor of the shape of `y_true`, or None.
    """

    def __init__(self, name="accuracy", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = ops.equal(best_class(y_pred), ops.cast(y_true, "int32"))
        weight = None if sample_weight is None else ops.reshape(sample_weight, (-1,))
        return super().update_state(ops.reshape(ops.cast(right, "float32"), (-1,)), weight)


def best_class(logits):
    """The index of the greatest logit, int tensor (...), of float tensor (..., classes); the first of equal ones."""
    if keras.config.backend() == "tensorflow":
        # Keras's argmax there takes minus zero apart from zero, in five more passes over all logits.
        return ops.top_k(logits, 1, sorted=False)[1][..., 0]
    return ops.argmax(logits, axis=-1)
