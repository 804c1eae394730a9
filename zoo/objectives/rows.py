"""Rows of different lengths, all at once: what is end to end, and how it becomes a rectangle."""

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


def close_rows(tokens: np.ndarray, counts: np.ndarray, width: int, end_id: int, pad_id: int):
    """Makes a rectangle of rows that are end to end, each with an end token after it.

    Args:
        tokens: int32 array (tokens of all rows,).
        counts: int array (batch,), tokens of each row, below `width`.
        width: int, tokens of a row of the rectangle.
        end_id: int, the end token.
        pad_id: int, what fills the rest.

    Returns:
        `(token_ids, real)`: int32 array (batch, width), and bool array (batch, width), True but for the padding.
    """
    token_ids = np.full((len(counts), width), pad_id, np.int32)
    token_ids[first_columns(counts, width)] = tokens
    token_ids[np.arange(len(counts)), counts] = end_id
    return token_ids, first_columns(counts + 1, width)
