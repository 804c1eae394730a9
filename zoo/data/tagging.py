"""Sentences with a tag a word: what `fit` of a token classifier takes, as plain lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from zoo.data.inputs import as_list, checked_weights, is_table, split_rows

# Columns by which the usual data sets go, looked for when the caller names none.
WORD_COLUMNS = ("tokens", "words")
TAG_COLUMNS = ("ner_tags", "pos_tags", "upos", "tags", "labels")


@dataclass(frozen=True)
class TaggedSentences:
    """Sentences as lists of words, with a tag for each word.

    Attributes:
        words: list of lists of str, one a sentence.
        tags: list of lists of str of the same lengths, or None.
        weights: float32 array (sentences,), or None.
    """

    words: list[list[str]]
    tags: list[list[str]] | None = None
    weights: np.ndarray | None = None

    def __len__(self):
        return len(self.words)

    @property
    def labels(self) -> list[str] | None:
        """The different tags, sorted; None without tags."""
        return None if self.tags is None else sorted(set(chain.from_iterable(self.tags)))

    def take(self, rows) -> "TaggedSentences":
        """The sentences at `rows`, an int array."""
        return TaggedSentences(
            [self.words[row] for row in rows],
            None if self.tags is None else [self.tags[row] for row in rows],
            None if self.weights is None else self.weights[rows],
        )

    def split(self, fraction: float, seed: int) -> tuple["TaggedSentences", "TaggedSentences"]:
        """Two parts: the rest, and a `fraction` drawn at random."""
        rest, held_out = split_rows(len(self), fraction, seed)
        return self.take(rest), self.take(held_out)

    def without_labels(self) -> "TaggedSentences":
        """The words alone."""
        return TaggedSentences(self.words)


def tagged_sentences(x, y=None, sample_weight=None, word_column=None, tag_column=None) -> TaggedSentences:
    """Turn what `fit`, `evaluate` and `predict` of a token classifier take into lists.

    Args:
        x: list of lists of words; `TaggedSentences`, such as `zoo.data.read_tagged` gives; a pandas frame, a
            Hugging Face data set or another mapping of columns that hold lists.
        y: list of lists of tags, or None.
        sample_weight: one number a sentence, or None.
        word_column: str, the column of a table that holds the words.
        tag_column: str, the column that holds the tags; a data set's integers become the names that it has for them.

    Returns:
        `TaggedSentences`.

    Raises:
        ValueError: on different numbers of sentences, or of words and tags, empty sentences and unknown columns,
            with the row.
        TypeError: on words or tags that are not text.
    """
    if isinstance(x, TaggedSentences):
        x, tags, weights = x.words, x.tags, x.weights
        y = tags if y is None else y
        sample_weight = weights if sample_weight is None else sample_weight
    elif is_table(x):
        x, tags = _from_table(x, word_column, tag_column)
        y = tags if y is None else y
    elif word_column is not None or tag_column is not None:
        raise ValueError(
            "Columns are named of a table (a pandas frame, a Hugging Face data set). "
            f"Received: x of type {type(x).__name__}"
        )
    words = _rows(x, "words")
    if not words:
        raise ValueError("There must be at least one sentence. Received: x is empty.")
    if not all(words):
        raise ValueError(f"Every sentence must have a word. Received: x[{list(map(bool, words)).index(False)}]=[]")
    tags = None if y is None else _rows(y, "tags")
    if tags is not None:
        _check_same_lengths(words, tags)
    if sample_weight is not None:
        sample_weight = checked_weights(sample_weight)
        if len(sample_weight) != len(words):
            raise ValueError(
                "There must be one weight (sample_weight) a sentence. "
                f"Received: {len(words)} sentences, {len(sample_weight)} weights"
            )
    return TaggedSentences(words, tags, sample_weight)


def _from_table(table, word_column, tag_column):
    available = list(getattr(table, "column_names", None) or (table.columns if hasattr(table, "iloc") else table))
    word_column = word_column or next((name for name in WORD_COLUMNS if name in available), None)
    tag_column = tag_column or next((name for name in TAG_COLUMNS if name in available), None)
    if word_column is None:
        raise ValueError(
            f"No column with a usual name for words was found ({', '.join(WORD_COLUMNS)}). "
            f"Received: columns={available}. Name it: `text_columns='...'`."
        )
    unknown = [name for name in (word_column, tag_column) if name is not None and name not in available]
    if unknown:
        raise ValueError(f"The table has no such column. Received: {unknown}. Available columns: {available}")
    if tag_column is None:
        return as_list(table[word_column]), None
    tags = as_list(table[tag_column])
    names = _names_of_integers(table, tag_column)
    if names is not None:
        tags = [[_named(tag, names, number) for tag in row] for number, row in enumerate(tags)]
    return as_list(table[word_column]), tags


def _named(tag, names, row) -> str:
    """The name of a tag that is a number; data sets write -1 and None where there is no tag."""
    if isinstance(tag, str):
        return tag
    if tag is None or not 0 <= tag < len(names):
        raise ValueError(
            f"A tag must be the number of one of the {len(names)} names {list(names)}. Received: {tag!r} in row {row}. "
            "Leave out rows without tags, or the column (`y=None`)."
        )
    return names[tag]


def _names_of_integers(table, column) -> list[str] | None:
    """The names that a Hugging Face data set gives the integers in a column of lists."""
    features = getattr(table, "features", None)
    if not isinstance(features, Mapping):
        return None
    feature = features[column]
    inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
    return getattr(inner, "names", None)


def _rows(values, what: str) -> list[list[str]]:
    """Lists of str, checked: `what` (words or tags) they are is for the message."""
    name = "x" if what == "words" else "y"
    if isinstance(values, (str, bytes)):
        raise TypeError(_not_a_list(what, f"{name}={values!r}"))
    rows = []
    for number, row in enumerate(as_list(values)):
        if isinstance(row, (str, bytes)) or not hasattr(row, "__iter__"):
            raise TypeError(_not_a_list(what, f"{name}[{number}]={row!r}"))
        row = as_list(row)
        if not all(isinstance(item, str) for item in row):
            place, item = next((place, item) for place, item in enumerate(row) if not isinstance(item, str))
            hint = " Write the names: `[labels[number] for number in row]`." if isinstance(item, int) else ""
            raise TypeError(
                f"All {what} must be str. Received: {name}[{number}][{place}]={item!r} of type "
                f"{type(item).__name__}.{hint if what == 'tags' else ''}"
            )
        rows.append(row)
    return rows


def _not_a_list(what, received) -> str:
    advice = {
        "words": "Split it: text.split(), or list(text) for Chinese, where a word is one character.",
        "tags": "Give one tag a word: [['B-PER', 'O'], ...].",
    }
    return f"A sentence is a list of {what}. Received: {received}. {advice[what]}"


def _check_same_lengths(words, tags):
    if len(words) != len(tags):
        raise ValueError(
            f"There must be tags for every sentence. Received: {len(words)} sentences, tags for {len(tags)}"
        )
    wrong = [row for row, (some, others) in enumerate(zip(words, tags, strict=True)) if len(some) != len(others)]
    if wrong:
        row = wrong[0]
        raise ValueError(
            f"Every word must have one tag. Received: row {row} with {len(words[row])} words and {len(tags[row])} "
            f"tags: {words[row][:20]!r}, {tags[row][:20]!r}; {len(wrong)} such rows."
        )
