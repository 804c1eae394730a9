"""How many optimizer steps a `fit` has done."""

import keras


class StepCounter(keras.callbacks.Callback):
    """Counts steps, also where Keras calls back after several of them (`steps_per_execution`).

    Args:
        steps_done: int, optimizer steps before this `fit`.
    """

    def __init__(self, steps_done=0):
        super().__init__()
        self.steps = steps_done
        self._last = -1  # batch of the epoch

    def on_epoch_begin(self, epoch, logs=None):
        self._last = -1

    def on_train_batch_end(self, batch, logs=None):
        self.steps += batch - self._last
        self._last = batch
