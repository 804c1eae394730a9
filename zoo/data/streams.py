"""Data sets that give one element after the other: of features, for Keras itself, or of texts, to be read whole."""

import operator
from collections.abc import Mapping

import keras
import numpy as np

ENDLESS = 100_000_000
# The features that every model is given one of.
FIRST_FEATURES = ("token_ids", "encoder_token_ids")


def has_features(x) -> bool:
    """Whether `x` holds features, as a Keras model is given them, and not raw text."""
    if isinstance(x, dict):
        return any(name in x for name in FIRST_FEATURES)
    if isinstance(x, keras.utils.PyDataset):
        return _of_features(x[0])
    spec = getattr(x, "element_spec", None)
    return _of_features(spec)


def _of_features(element) -> bool:
    first = element[0] if isinstance(element, tuple) and element else element
    return isinstance(first, dict) and any(name in first for name in FIRST_FEATURES)


def _is_stream(x) -> bool:
    if isinstance(x, keras.utils.PyDataset):
        return True
    module = type(x).__module__
    return (module.startswith(("tensorflow.", "grain.")) and hasattr(x, "__iter__") and not hasattr(x, "numpy")) or (
        hasattr(x, "__next__") and not isinstance(x, (str, bytes))
    )


def drained(x, y=None, sample_weight=None) -> tuple:
    """What a data set of texts holds as columns `(x, y, sample_weight)`; all else as it is."""
    if not _is_stream(x):
        return x, y, sample_weight
    if y is not None or sample_weight is not None:
        raise ValueError("A data set brings its own labels and weights. Received: y or sample_weight beside it.")
    return _drain(x)


def _drain(stream):
    """All elements of a data set of texts as columns (x, y, weights)."""
    if hasattr(stream, "cardinality") and int(stream.cardinality()) == -1:
        raise ValueError("Raw text is tokenized once before training, so the data set must end. Remove `.repeat()`.")
    if operator.length_hint(stream) >= ENDLESS:
        raise ValueError(f"Raw text is tokenized once, so the data set must end. Received: {len(stream)} elements.")
    if isinstance(stream, keras.utils.PyDataset):
        stream = map(stream.__getitem__, range(stream.num_batches))
    if hasattr(stream, "as_numpy_iterator"):
        stream = stream.as_numpy_iterator()
    columns: list[list] = []
    names = None
    for number, element in enumerate(stream):
        if number >= ENDLESS:
            raise ValueError(f"Raw text is tokenized once, so the data set must end. Received: {ENDLESS} elements.")
        parts = element if isinstance(element, tuple) else (element,)
        if isinstance(element, list) and len({isinstance(item, (str, bytes)) for item in element}) > 1:
            raise ValueError(
                "An element of a data set is a text, a batch of texts, or a tuple (x, y). Received: a list of texts "
                f"and others, {element!r:.80}. Give tuples."
            )
        if isinstance(parts[0], Mapping):  # named columns, perhaps with labels and weights behind them
            names = tuple(parts[0])
            parts = (*parts[0].values(), *parts[1:])
        if not columns:
            columns = [[] for _ in parts]
        for column, part in zip(columns, parts, strict=True):
            _extend(column, part)
    if not columns:
        raise ValueError("The data set must have at least one text. Received: an empty data set.")
    if names is not None:
        columns = [dict(zip(names, columns, strict=False)), *columns[len(names) :]]
    return (*columns, *[None] * (3 - len(columns)))


def _extend(column, part):
    """Add a batch (array or list), a pair of batches (tuple) or one value."""
    if isinstance(part, tuple):
        values = [np.asarray(item) for item in part]
        if values[0].ndim:
            column.extend(zip(*(item.tolist() for item in values), strict=True))
        else:
            column.append(tuple(item.item() for item in values))
        return
    if isinstance(part, list) and all(isinstance(item, (str, bytes)) for item in part):
        column.extend(part)  # an array would give every text the room of the longest
        return
    values = np.asarray(part)
    column.extend(values.tolist()) if values.ndim else column.append(values.item())
