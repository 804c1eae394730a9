"""How Python batches reach `keras.Model.fit` on each backend."""

import numpy as np


def feed(make_batches):
    """An endless source of batches that Keras trains on.

    Keras infers fixed shapes from the first batches of a generator; with length buckets the shapes
    differ, so TensorFlow is told that the length is free. The other backends take the arrays as they are.

    Args:
        make_batches: function from an epoch's number to an iterator of its batches, each a tuple of
            (nested) arrays whose first axis is the batch.

    Returns:
        Something to give to `fit` or `evaluate` as `x` together with the number of steps.
    """
    import keras

    def endless():
        epoch = 0
        while True:
            yield from make_batches(epoch)
            epoch += 1

    if keras.config.backend() != "tensorflow":
        return endless()
    import tensorflow as tf

    example = next(iter(make_batches(0)))
    signature = keras.tree.map_structure(
        lambda array: tf.TensorSpec((None,) * np.ndim(array), np.asarray(array).dtype), example
    )
    options = tf.data.Options()
    # Where TensorFlow tunes a pipeline, to end it takes seconds: it waits for the tuner's next look, and these are ever
    # further apart. There is nothing to tune here.
    options.autotune.enabled = False
    return tf.data.Dataset.from_generator(endless, output_signature=signature).prefetch(2).with_options(options)
