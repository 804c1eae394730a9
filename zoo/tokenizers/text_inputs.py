"""What people hand to a tokenizer, as lists of strings: a string, bytes, lists, arrays and tensors of them."""

from collections.abc import Sequence

import numpy as np


def check_texts(texts: Sequence[str]) -> list[str]:
    """Return texts as a list.

    Raises:
        TypeError: if `texts` is one string, or an element is not a string.
    """
    if isinstance(texts, (str, bytes)):
        raise TypeError(f"A list of texts was expected. Received: texts={texts!r}. Put it in a list: [text].")
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"Every text must be a string. Received: texts[{number}]={text!r} of type {type(text).__name__}"
            )
    return texts


def as_strings(inputs) -> tuple[list[str], tuple[int, ...]]:
    """Return the texts of a string, or of a nested list, array or eager tensor of strings, and their shape.

    Args:
        inputs: str or bytes (UTF-8; what isn't is replaced), or lists, tuples, arrays, tensors of them.

    Returns:
        A tuple: list of str, and the shape they had, () for one string.

    Raises:
        TypeError: if something else than text is there.
        ValueError: if nested lists are not of equal lengths.
    """
    if isinstance(inputs, str):
        return [inputs], ()
    if hasattr(inputs, "numpy"):
        inputs = inputs.numpy()
    array = np.array(inputs, dtype=object)
    if any(isinstance(text, (list, tuple)) for text in array.flat):
        raise ValueError(f"Nested lists of texts must have equal lengths. Received: {inputs!r}")
    texts = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in array.flat]
    return check_texts(texts), array.shape


def restore_shape(ids: list[np.ndarray], shape: tuple[int, ...]):
    """Return the ids of one text as the array, those of more as lists of int, nested as the texts were."""
    if not shape:
        return ids[0]
    nested = [row.tolist() for row in ids]
    for size in reversed(shape[1:]):
        nested = [nested[start : start + size] for start in range(0, len(nested), size)]
    return nested
