"""Accuracy over all tokens of batches of different lengths."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class TokenAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """The fraction of tokens whose likeliest class is the right one, each by its weight.

    Keras's own metric takes the mean over a row before it adds up rows, so that a token counts for less in a batch
    that is padded to more; here every token counts alike, whatever batch it is in.

    Call arguments:
        y_true: int tensor (batch, length).
        y_pred: float tensor (batch, length, classes).
        sample_weight: float tensor (batch, length), or None.
    """

    def update_state(self, y_true, y_pred, sample_weight=None):
        weight = None if sample_weight is None else ops.reshape(sample_weight, (-1,))
        return super().update_state(ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1, y_pred.shape[-1])), weight)
