"""How Python batches reach `keras.Model.fit` on each backend."""

import numpy as np


def feed(make_batches):
    """An endless source of batches that Keras trains on; whenever it is looked at anew, it begins with the first.

    Keras infers fixed shapes from the first batches of a generator; with length buckets the shapes
    differ, so TensorFlow is told that the length is free. The other backends take the arrays as they are.

    Args:
        make_batches: function from an epoch's number to an iterator of its batches, each a tuple of
            (nested) arrays whose first axis is the batch.

    Returns:
        Something to give to `fit` or `evaluate` as `x` together with the number of steps.
    """
    import keras

    from zoo.data.endless import EndlessBatches, endless

    if keras.config.backend() != "tensorflow":
        return EndlessBatches(make_batches)
    import tensorflow as tf

    example = keras.tree.map_structure(np.asarray, next(iter(make_batches(0))))
    types = [array.dtype for array in keras.tree.flatten(example)]
    running = None

    def next_batch(step):
        nonlocal running
        if step == 0:  # a new iterator of the data set
            running = endless(make_batches)
        return [np.asarray(array, type) for array, type in zip(keras.tree.flatten(next(running)), types, strict=True)]

    def as_tensors(step):
        batch = keras.tree.pack_sequence_as(example, tf.numpy_function(next_batch, [step], types))
        return keras.tree.map_structure(lambda tensor, array: _of_rank(tensor, array.ndim), batch, example)

    options = tf.data.Options()
    # Where TensorFlow tunes a pipeline, to end it takes seconds: it waits for the tuner's next look, and these are ever
    # further apart. There is nothing to tune here.
    options.autotune.enabled = False
    # Not `from_generator`: where that runs, TensorFlow has the C library return every large array to the system at once
    # (glibc, Python 3.11 and newer), for the whole process, and a third of a training step can go into fresh pages.
    return tf.data.Dataset.counter().map(as_tensors).prefetch(2).with_options(options)


def _of_rank(tensor, rank):
    tensor.set_shape((None,) * rank)
    return tensor
