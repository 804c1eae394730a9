"""Batches for the backends that take NumPy arrays as they are."""

import keras


class EndlessBatches(keras.utils.PyDataset):
    """An endless source of batches, which begins anew whenever Keras does.

    Keras looks at the first batches of a generator and puts them in front again for every evaluation, so that from the
    second on it would see those twice and others not at all. This it asks for batches by their number.

    Args:
        make_batches: see `zoo.data.feeding.feed`.
    """

    def __init__(self, make_batches):
        super().__init__()
        self._make_batches = make_batches
        self._running, self._next = None, 0

    @property
    def num_batches(self):
        """None: as many as are asked for."""
        return None

    def __getitem__(self, index):
        if self._running is None or index < self._next:
            self._running, self._next = endless(self._make_batches), 0
        for _ in range(index - self._next):
            next(self._running)
        self._next = index + 1
        return next(self._running)


def endless(make_batches):
    """The batches of epoch 0, 1, and so on."""
    epoch = 0
    while True:
        yield from make_batches(epoch)
        epoch += 1
