"""Batches of like lengths: short text is never padded to the longest."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Batches that are sorted by length together: many enough for little padding, few enough for random batches.
POOL = 50


@dataclass(frozen=True)
class LengthBuckets:
    """A plan of batches in which texts of like length stand together.

    Every batch is padded to one of few fixed lengths, so that a compiled step has few shapes. A training
    plan shuffles the texts, sorts them by length within pools of 50 batches, cuts batches and shuffles
    those, differently in every epoch but equally for equal seeds. An evaluation plan sorts all texts.

    Args:
        lengths: int array (texts,), in tokens.
        batch_size: int, texts in a batch; the last batch of an epoch may have fewer.
        boundaries: increasing list of int, the lengths that batches are padded to, in tokens.
        seed: int, of the shuffling; None for an evaluation plan.
    """

    lengths: np.ndarray
    batch_size: int
    boundaries: tuple[int, ...]
    seed: int | None = None

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def plan(self, epoch: int = 0) -> list[tuple[np.ndarray, int]]:
        """The batches of an epoch: pairs of the texts' indices, int array (batch,), and the padded length."""
        if self.seed is None:
            order = np.argsort(self.lengths, kind="stable")
            return [self._batch(order, start) for start in range(0, len(order), self.batch_size)]
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(self.lengths))
        pool = POOL * self.batch_size
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            order[start : start + pool] = part[np.argsort(self.lengths[part], kind="stable")]
        batches = [self._batch(order, start) for start in range(0, len(order), self.batch_size)]
        return [batches[index] for index in generator.permutation(len(batches))]

    def _batch(self, order, start):
        indices = order[start : start + self.batch_size]
        longest = self.lengths[indices].max()
        return indices, self.boundaries[int(np.searchsorted(self.boundaries, longest))]


class BucketedBatches:
    """Encoded examples in batches of like lengths: call it with the number of an epoch.

    Args:
        encoded: what has `lengths`, int array (examples,), and `batch(indices, length)`, a tuple of
            (nested) arrays, such as `zoo.data.ragged.EncodedExamples`.
        batch_size, boundaries, seed: see `LengthBuckets`.
    """

    def __init__(self, encoded, batch_size: int, boundaries: tuple[int, ...], seed: int | None = None):
        self.encoded = encoded
        self._buckets = LengthBuckets(encoded.lengths, batch_size, boundaries, seed)

    def __len__(self) -> int:
        return len(self._buckets)

    def __call__(self, epoch: int = 0) -> Iterator[tuple]:
        """The batches of an epoch."""
        for _, batch in self.indexed(epoch):
            yield batch

    def indexed(self, epoch: int = 0) -> Iterator[tuple[np.ndarray, tuple]]:
        """The batches of an epoch, each behind the examples that its rows are, int array (batch,)."""
        for indices, length in self._buckets.plan(epoch):
            yield indices, self.encoded.batch(indices, length)

    @property
    def order(self) -> np.ndarray:
        """int array (examples,): which example each row of the first epoch's batches, end to end, is."""
        return np.concatenate([indices for indices, _ in self._buckets.plan()])


def length_boundaries(longest: int) -> tuple[int, ...]:
    """The lengths that batches are padded to: multiples of 8 up to 64, then steps of about a quarter.

    Args:
        longest: int, the longest text that can come, in tokens; it is the last boundary.

    Example:

    >>> length_boundaries(200)
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 128, 160, 192, 200)
    """
    ladder = [*range(8, 65, 8), 80, 96, 128, 160, 192, 256, 320, 384, 512]
    while ladder[-1] < longest:
        ladder += [ladder[-1] * 5 // 4 // 64 * 64 + 64]
    return (*(step for step in ladder if step < longest), longest)
