import keras
import numpy as np
import pytest

from zoo.data.feeding import feed


def batches(epoch):
    for length in (3, 5):
        yield {"token_ids": np.full((2, length), epoch, "int32")}, np.array([0, 1])


def test_batches_come_in_order_epoch_after_epoch_with_their_own_lengths():
    source = iter(feed(batches))
    found = [next(source) for _ in range(4)]
    assert [tuple(x["token_ids"].shape) for x, _ in found] == [(2, 3), (2, 5), (2, 3), (2, 5)]
    assert [int(x["token_ids"][0, 0]) for x, _ in found] == [0, 0, 1, 1]


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="tf.data is TensorFlow's")
def test_nothing_is_tuned_so_that_the_end_of_a_training_need_not_wait_for_the_tuner():
    assert feed(batches).options().autotune.enabled is False
