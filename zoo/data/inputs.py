"""Whatever people hand to `fit`, as plain lists: texts, labels, weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.streams import drained

# Columns by which the usual data sets go, looked for when the caller names none.
TEXT_COLUMNS = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("sentence",),
    ("text",),
    ("review",),
    ("文本1", "文本2"),
    ("句子1", "句子2"),
    ("文本",),
    ("句子",),
)
LABEL_COLUMNS = ("label", "labels", "score", "class", "标签")


@dataclass(frozen=True)
class Examples:
    """Raw examples.

    Attributes:
        texts: list of str.
        second: list of str of the same length for pairs of texts, or None.
        labels: list of int, float or str of the same length, or None.
        weights: float32 array (texts,), or None.
    """

    texts: list[str]
    second: list[str] | None = None
    labels: list | None = None
    weights: np.ndarray | None = None

    def __len__(self):
        return len(self.texts)

    def take(self, rows) -> "Examples":
        """The examples at `rows`, an int array."""

        def pick(values):
            return None if values is None else [values[row] for row in rows]

        weights = None if self.weights is None else self.weights[rows]
        return Examples(pick(self.texts), pick(self.second), pick(self.labels), weights)

    def split(self, fraction: float, seed: int) -> tuple["Examples", "Examples"]:
        """Two parts: the rest, and a `fraction` drawn at random."""
        rest, held_out = split_rows(len(self), fraction, seed)
        return self.take(rest), self.take(held_out)

    def without_labels(self) -> "Examples":
        """The texts alone."""
        return Examples(self.texts, self.second)


def split_rows(count: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `count` texts in two parts: the rest, and a `fraction` drawn at random, int arrays."""
    held_out = round(count * fraction)
    if not 0 < held_out < count:
        raise ValueError(
            "`validation_split` must leave at least one text on each side. "
            f"Received: validation_split={fraction} of {count} texts"
        )
    order = np.random.default_rng(seed).permutation(count)
    return order[held_out:], order[:held_out]


def read_examples(x, y=None, sample_weight=None, text_columns=None, label_column=None) -> Examples:
    """Turn what `fit`, `evaluate` and `predict` take into lists.

    Args:
        x: list, tuple, array or pandas column of str; a pair (tuple of two) of those, or a list of pairs,
            for pairs of texts; a pandas frame, a Hugging Face data set or another mapping of columns; a
            `tf.data` or grain data set whose elements are texts, `(x, y)` or `(x, y, weight)`, batched or
            not, or rows with named columns.
        y: labels of the same length, or None; must be None when `x` is a data set or a table.
        sample_weight: one number a text, or None.
        text_columns: str or pair of str, the columns of a table that hold the texts.
        label_column: str, the column that holds the labels.

    Returns:
        `Examples`.

    Raises:
        ValueError: on different lengths, unknown columns, empty data or empty texts, with the row numbers.
        TypeError: on rows that are not text.
    """
    x, y, sample_weight = drained(x, y, sample_weight)
    if is_table(x):
        x, table_labels = _from_table(x, text_columns, label_column)
        y = table_labels if y is None else y
    elif text_columns is not None or label_column is not None:
        raise ValueError(
            "`text_columns` and `label_column` name columns of a table (a pandas frame, a Hugging Face data set, "
            f"rows with names). Received: x of type {type(x).__name__}"
        )
    first, second = _split_pairs(x)
    texts = _check_texts(first, "x" if second is None else "the first texts of x")
    if second is not None:
        second = _check_texts(second, "the second texts of x")
        _check_lengths(texts, second, "second texts")
    labels = None if y is None else _as_labels(y)
    if labels is not None:
        _check_lengths(texts, labels, "labels (y)")
    if sample_weight is not None:
        sample_weight = checked_weights(sample_weight)
        _check_lengths(texts, sample_weight, "weights (sample_weight)")
    return Examples(texts, second, labels, sample_weight)


def checked_weights(weights) -> np.ndarray:
    """float32 array of one weight a row; ValueError where one is no finite number."""
    weights = np.asarray(weights, "float32").reshape(-1)
    wrong = np.flatnonzero(~np.isfinite(weights))
    if len(wrong):
        raise ValueError(
            f"Every weight (sample_weight) must be a finite number. Received: {weights[wrong[0]]} in row {wrong[0]}; "
            f"{len(wrong)} such rows."
        )
    return weights


def class_labels(labels, where) -> list[str]:
    """The labels of a table as names of classes; ValueError where a row of the table (of a file `where`) has none."""
    missing = [row for row, label in enumerate(labels) if label is None or label != label or label == ""]
    if missing:
        raise ValueError(
            f"Every row of {where} must have a label. Received: {len(missing)} rows without: {_some(missing)}. "
            "Remove or fill these rows."
        )
    whole = all(isinstance(label, float) and label.is_integer() for label in labels)
    return [str(int(label)) if whole else str(label) for label in labels]


def is_table(x) -> bool:
    """Whether `x` has columns with names: a pandas frame, a Hugging Face data set, a dict."""
    return isinstance(x, Mapping) or hasattr(x, "column_names") or (hasattr(x, "columns") and hasattr(x, "iloc"))


def _from_table(table, text_columns, label_column):
    available = list(getattr(table, "column_names", None) or (table.columns if hasattr(table, "iloc") else table))
    if text_columns is None:
        text_columns = next((names for names in TEXT_COLUMNS if set(names) <= set(available)), None)
        if text_columns is None:
            raise ValueError(
                f"No column with a usual name for text was found. Received: columns={available}. "
                "Name the column, `text_columns='...'`, or the two of a pair, `text_columns=('...', '...')`."
            )
    if isinstance(text_columns, str):
        text_columns = (text_columns,)
    if label_column is None:
        label_column = next((name for name in LABEL_COLUMNS if name in available), None)
    wanted = [*text_columns, *([label_column] if label_column is not None else [])]
    unknown = [name for name in wanted if name not in available]
    if unknown:
        raise ValueError(f"The table has no such column. Received: {unknown}. Available columns: {available}")
    twice = [name for name in wanted if available.count(name) > 1]
    if twice:
        raise ValueError(f"The table has several columns of one name. Received: {twice}. Rename all but one of them.")
    texts = tuple(as_list(table[name]) for name in text_columns)
    labels = None if label_column is None else as_list(table[label_column])
    return (texts[0] if len(texts) == 1 else texts), labels


def _split_pairs(x) -> tuple[Any, Any]:
    if isinstance(x, (str, bytes)):
        raise TypeError(f"`x` must be a list of texts, not one text. Received: x={x!r}. Write [x].")
    if isinstance(x, tuple) and len(x) == 2 and not isinstance(x[0], (str, bytes)):
        return as_list(x[0]), as_list(x[1])
    x = as_list(x)
    if x and all(isinstance(row, (tuple, list)) and len(row) == 2 for row in x):
        return [row[0] for row in x], [row[1] for row in x]
    return x, None


def as_list(values) -> list:
    """A list, an array, a tensor or a column as a list; TypeError for what is none of these."""
    if hasattr(values, "tolist"):
        return values.tolist()
    if hasattr(values, "numpy"):
        return np.asarray(values.numpy()).tolist()
    if isinstance(values, Sequence) or hasattr(values, "__iter__"):
        return list(values)
    raise TypeError(f"Expected a list, an array or a column of values. Received: {type(values).__name__}")


def _as_labels(values) -> list:
    """Labels as plain numbers and strings; a column is one label a row."""
    if hasattr(values, "iloc") and hasattr(values, "columns"):
        values = values.to_numpy()
    shape = getattr(values, "shape", ())
    if len(shape) == 2:
        if shape[1] != 1:
            raise ValueError(f"There must be one label (y) a text. Received: y of shape {tuple(shape)}")
        values = np.asarray(values)[:, 0]
    labels = [label[0] if isinstance(label, list) and len(label) == 1 else label for label in as_list(values)]
    labels = [label.item() if isinstance(label, np.generic) else label for label in labels]
    return [_decoded(label, row) for row, label in enumerate(labels)]


def _check_texts(values, what) -> list[str]:
    texts = [_decoded(value, row) for row, value in enumerate(values)]
    if not texts:
        raise ValueError(f"There must be at least one text. Received: {what} is empty.")
    wrong = [row for row, text in enumerate(texts) if not isinstance(text, str)]
    if wrong:
        raise TypeError(
            f"Every row of {what} must be text. Received: {type(texts[wrong[0]]).__name__} "
            f"({texts[wrong[0]]!r:.80}) in row {wrong[0]}; {len(wrong)} such rows: {_some(wrong)}. "
            "Remove or fill these rows."
        )
    empty = [row for row, text in enumerate(texts) if not text.strip()]
    if empty:
        raise ValueError(
            f"Every row of {what} must have text in it. Received: {len(empty)} empty rows: {_some(empty)}. "
            "Remove or fill these rows."
        )
    return texts


def _decoded(value, row):
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"Text must be UTF-8. Received: row {row} with bytes that are not: {error}") from error


def _check_lengths(texts, others, what):
    if len(others) != len(texts):
        raise ValueError(f"There must be as many {what} as texts. Received: {len(texts)} texts, {len(others)} {what}")


def _some(rows) -> str:
    return ", ".join(map(str, rows[:10])) + (", ..." if len(rows) > 10 else "")
