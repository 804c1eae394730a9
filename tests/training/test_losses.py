"""The smoothed cross-entropy is Keras's, in whatever shape the labels are."""

import keras
import numpy as np
import pytest

from tests.checks import numbers
from zoo.training.losses import SmoothedCrossentropy

LOGITS = np.random.default_rng(0).normal(size=(5, 7)).astype("float32")
LABELS = np.array([3, 0, 6, 6, 2])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_it_is_that_of_keras(smoothing, shape):
    spread = np.eye(7, dtype="float32")[LABELS]
    expected = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)(spread, LOGITS)
    found = SmoothedCrossentropy(smoothing)(LABELS.reshape(shape), LOGITS)
    np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-5)
