import keras
import numpy as np

from tests.checks import check_layer, gradients, numbers
from zoo.heads import SpanHead

RNG = np.random.default_rng(0)
HIDDEN = RNG.normal(size=(2, 7, 12)).astype("float32")
MASK = np.array([[1, 0, 0, 1, 1, 1, 0], [1, 0, 1, 1, 0, 0, 0]], "int32")


def test_the_layer():
    # Of the two outputs this looks at the first alone, which sends no gradient to the second vector: see below.
    check_layer(SpanHead, HIDDEN, (2, 7), {"answer_mask": MASK}, expect_every_gradient=False)


def test_logits_are_dot_products_with_two_vectors_and_nothing_else():
    head = SpanHead()
    start, end = head(HIDDEN, answer_mask=MASK)
    first, second = head.get_weights()
    assert [weight.shape for weight in head.get_weights()] == [(12,), (12,)]
    assert np.abs(first - second).max() > 1e-3  # drawn independently
    shown = MASK == 1
    np.testing.assert_allclose(numbers(start)[shown], (HIDDEN @ first)[shown], atol=1e-5)
    np.testing.assert_allclose(numbers(end)[shown], (HIDDEN @ second)[shown], atol=1e-5)


def test_what_is_masked_has_no_probability_and_no_gradient():
    head = SpanHead()
    start, end = head(HIDDEN, answer_mask=MASK)
    for logits in (start, end):
        probabilities = numbers(keras.ops.softmax(logits))
        assert not probabilities[MASK == 0].any()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)

    def loss():
        losses = [
            keras.losses.sparse_categorical_crossentropy(np.array([3, 0]), logits, from_logits=True)
            for logits in head(HIDDEN, answer_mask=MASK)
        ]
        return keras.ops.sum(losses[0]) + keras.ops.sum(losses[1])

    for logits, found in zip((start, end), gradients(loss, head.trainable_weights), strict=True):
        wrong = numbers(keras.ops.softmax(logits))
        wrong[[0, 1], [3, 0]] -= 1
        np.testing.assert_allclose(found, np.einsum("bl,bld->d", wrong, HIDDEN), atol=1e-4)


def test_logits_are_float32_in_any_precision():
    start, end = SpanHead(dtype="mixed_bfloat16")(HIDDEN, answer_mask=MASK)
    assert start.dtype == end.dtype == keras.ops.ones((), "float32").dtype
