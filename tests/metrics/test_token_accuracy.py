import numpy as np
import pytest

from zoo.metrics.token_accuracy import TokenAccuracy


def test_tokens_of_batches_of_different_lengths_count_alike():
    rng = np.random.default_rng(0)
    batches = [
        (rng.integers(0, 3, shape), rng.normal(size=(*shape, 3)), rng.random(shape)) for shape in ((2, 5), (3, 11))
    ]
    metric = TokenAccuracy(name="accuracy")
    for truth, logits, weights in batches:
        metric.update_state(truth, logits, weights)
    right = np.concatenate([(logits.argmax(-1) == truth).ravel() for truth, logits, _ in batches])
    weights = np.concatenate([weights.ravel() for _, _, weights in batches])
    assert float(metric.result()) == pytest.approx((right * weights).sum() / weights.sum(), abs=1e-6)
    metric.reset_state()
    for truth, logits, _ in batches:
        metric.update_state(truth, logits)
    assert float(metric.result()) == pytest.approx(right.mean(), abs=1e-6)


def test_padding_changes_nothing():
    truth, logits, weights = np.array([[1, 0]]), np.array([[[0.0, 1.0], [0.0, 1.0]]]), np.ones((1, 2))
    metric = TokenAccuracy()
    metric.update_state(truth, logits, weights)
    padding = [(0, 0), (0, 5)]
    metric.update_state(np.pad(truth, padding), np.pad(logits, [*padding, (0, 0)]), np.pad(weights, padding))
    assert float(metric.result()) == 0.5
