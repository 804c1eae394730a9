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


def test_every_pass_over_the_batches_begins_with_the_first():
    source = feed(batches)
    for _ in range(2):
        x, _ = next(iter(source))
        assert tuple(x["token_ids"].shape) == (2, 3)
        assert int(x["token_ids"][0, 0]) == 0


def test_every_evaluation_sees_the_same_batches():
    """Also those in `fit`, of which Keras keeps the source."""

    def rows(epoch):
        for start in (0, 2, 4):
            yield np.arange(start, start + 2.0)[:, None], np.zeros((2, 1))

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.0), loss="mse", run_eagerly=keras.config.backend() == "tensorflow")
    history = model.fit(
        feed(rows),
        steps_per_epoch=2,
        epochs=3,
        validation_data=feed(rows),
        validation_steps=3,
        shuffle=False,
        verbose=0,
    )
    assert history.history["val_loss"] == pytest.approx([np.square(np.arange(6)).mean()] * 3)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="tf.data is TensorFlow's")
def test_no_generator_data_set_which_has_all_large_memory_returned_to_the_system():
    import tensorflow as tf

    graph = tf.raw_ops.DatasetToGraphV2(input_dataset=feed(batches)._variant_tensor).numpy()
    assert b"MapDataset" in graph
    assert b"GeneratorDataset" not in graph


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="tf.data is TensorFlow's")
def test_nothing_is_tuned_so_that_the_end_of_a_training_need_not_wait_for_the_tuner():
    assert feed(batches).options().autotune.enabled is False
