"""Tensors of a file in parts of some rows, so that no second copy of a big one is held."""

import math
from collections.abc import Iterator

import numpy as np

# Numbers of a part: 16 MB in float32.
PART = 2**22


def rows_of_a_part(shape: tuple[int, ...]) -> int:
    """How many rows of a tensor of this shape are read at once.

    It depends on the shape alone, so that two tensors can be compared part by part.
    """
    return max(1, PART // max(1, math.prod(shape[1:])))


def split(tensor: np.ndarray) -> Iterator[np.ndarray]:
    """A tensor that is in memory, some rows at a time; a single number at once."""
    if not tensor.shape:
        yield tensor
        return
    rows = rows_of_a_part(tensor.shape)
    for start in range(0, len(tensor), rows):
        yield tensor[start : start + rows]


def read_whole(checkpoint, name: str, dtype) -> np.ndarray:
    """A tensor in another type, without all of it in the type that it is stored in.

    Args:
        checkpoint: `Checkpoint`, or another with `shapes` and `parts`.
        name: str, a name of `shapes`, of a tensor of at least one axis.
        dtype: a NumPy dtype or its name.
    """
    tensor = np.empty(checkpoint.shapes[name], np.dtype(dtype))
    start = 0
    for rows in checkpoint.parts(name):
        tensor[start : start + len(rows)] = rows
        start += len(rows)
    return tensor


def are_equal(checkpoint, one: str, other: str) -> bool:
    """Whether two tensors of a checkpoint hold the same numbers."""
    if checkpoint.shapes[one] != checkpoint.shapes[other]:
        return False
    pairs = zip(checkpoint.parts(one), checkpoint.parts(other), strict=True)
    return all(np.array_equal(first, second) for first, second in pairs)


def is_zero(checkpoint, name: str) -> bool:
    """Whether all numbers of a tensor of a checkpoint are zero."""
    return not any(np.any(rows) for rows in checkpoint.parts(name))
