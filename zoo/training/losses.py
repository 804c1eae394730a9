"""Losses that Keras does not hold."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy against a target that is right with probability `1 - label_smoothing`.

    The rest is spread evenly over all classes (Szegedy et al. 2016, arXiv 1512.00567, section 7), without ever making
    the spread-out target of the size of the vocabulary.

    Args:
        label_smoothing: float, probability.
        reduction: see `keras.losses.Loss`.

    Call arguments:
        y_true: int tensor (...).
        y_pred: float tensor (..., classes), logits.
    """

    def __init__(
        self, label_smoothing=0.0, reduction="mean_with_sample_weight", name="smoothed_crossentropy", **kwargs
    ):
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(
                f"`label_smoothing` must lie at least at 0, below 1. Received: label_smoothing={label_smoothing}"
            )
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        right = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        if not self.label_smoothing:
            return right
        spread = ops.logsumexp(y_pred, axis=-1) - ops.mean(y_pred, axis=-1)
        return (1.0 - self.label_smoothing) * right + self.label_smoothing * spread

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
