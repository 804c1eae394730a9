"""Batches that several devices share, which Keras does on JAX (`keras.distribution`)."""

import contextlib

import keras
import numpy as np


def share_batches() -> None:
    """Have every device of this machine compute its part of each batch (`keras.distribution.DataParallel`).

    To be called before a model is made. In pre-training the batch's size must be a multiple of the number of devices;
    `fit`, `evaluate` and `predict` of a task on raw text round it up to one.

    Raises:
        ValueError: on a backend for which Keras cannot do it.
    """
    if keras.config.backend() != "jax":
        raise ValueError(
            f"Batches are shared among devices by JAX. Received: the backend {keras.config.backend()!r}. "
            "Set KERAS_BACKEND=jax, or use `tf.distribute` in Python."
        )
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))


def jit_by_default() -> str | bool:
    """Keras's own choice of `jit_compile`, but no XLA for TensorFlow on a CPU, where it is slower."""
    if keras.config.backend() != "tensorflow":
        return "auto"
    import tensorflow as tf

    return "auto" if tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU") else False


def num_replicas() -> int:
    """How many parts each batch is divided into; 1 where devices do not share it."""
    return getattr(keras.distribution.distribution(), "num_model_replicas", 1)


def rounded_up(number: int) -> int:
    """The least multiple of the number of parts that is not below `number`."""
    return number + -number % num_replicas()


def check_divided(batch_size: int) -> None:
    """Raises a ValueError if the devices cannot divide batches of this size."""
    if batch_size != rounded_up(batch_size):
        raise ValueError(
            f"`batch_size` must be a multiple of the {num_replicas()} devices that share a batch. "
            f"Received: batch_size={batch_size}"
        )


def filled(batch):
    """A batch of (nested) arrays whose rows can be divided among the devices: its first rows again, where any lack."""
    count = len(keras.tree.flatten(batch)[0])
    size = rounded_up(count)
    if size == count:
        return batch
    rows = np.arange(size) % count
    return keras.tree.map_structure(lambda array: array[rows], batch)


@contextlib.contextmanager
def counted_once(batches):
    """Inside, every example counts once: devices share batches only if the examples can be divided among them.

    Else each computes them whole, because Keras fails at a last batch that its devices do not divide.

    Args:
        batches: `zoo.data.batches.BucketedBatches`, or None, which changes nothing.
    """
    distribution = keras.distribution.distribution()
    count = 0 if batches is None else len(batches.encoded.lengths)
    if count == rounded_up(count):
        yield
        return
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)
