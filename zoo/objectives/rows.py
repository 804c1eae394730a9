"""Rows of different lengths, all at once: what is end to end, and how it becomes a rectangle and back.

Functions take the short way where all rows have the same length, as full blocks of text do.
"""

from collections.abc import Sequence

import numpy as np


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """`starts[0], starts[0] + 1, ...` for `counts[0]` numbers, then the same for the next, end to end.

    >>> ranges(np.array([3, 11]), np.array([2, 3]))
    array([ 3,  4, 11, 12, 13])
    """
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


def first_columns(counts: np.ndarray, width: int) -> np.ndarray:
    """bool array (batch, width), True in the first `counts` (batch,) columns of each row."""
    return np.arange(width) < counts[:, None]


def flatten(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The first `counts` (batch,) columns of each row of `values` (batch, width), end to end."""
    if len(counts) and (counts == counts[0]).all():
        return values[:, : counts[0]].ravel()
    return np.compress(first_columns(counts, values.shape[1]).ravel(), values)


def fill(values: np.ndarray, counts: np.ndarray, flat: np.ndarray) -> None:
    """Writes what is end to end into the first `counts` (batch,) columns of each row of `values` (batch, width)."""
    if len(counts) and (counts == counts[0]).all():
        values[:, : counts[0]] = flat.reshape(len(counts), counts[0])
    else:
        values[first_columns(counts, values.shape[1])] = flat


def new_arrays(batch_size: int, widths: Sequence[int]) -> list[np.ndarray]:
    """Arrays (batch_size, width), int32, not yet written, that lie in one piece of memory.

    Pieces of a megabyte or more come in huge pages: fresh small pages can cost more than all that is done with them.
    """
    block = np.empty(batch_size * sum(widths), np.int32)
    ends = batch_size * np.cumsum(widths)
    return [part.reshape(batch_size, width) for part, width in zip(np.split(block, ends[:-1]), widths, strict=True)]
