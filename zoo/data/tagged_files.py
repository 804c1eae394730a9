"""Sentences with a tag a word from files: CoNLL columns and CoNLL-U."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from zoo.data.inputs import LABEL_COLUMNS, TEXT_COLUMNS
from zoo.data.tagging import TaggedSentences
from zoo.data.text_files import expand_paths, open_text

UNIVERSAL_ENDING = ".conllu"
# https://universaldependencies.org/format.html
UNIVERSAL_COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
# Ranges of words that are written as one (1-2) and words that are not in the text (8.1) carry no tag.
_NOT_A_WORD = re.compile(r"\d+[-.]\d+")
_DOCUMENT = "-DOCSTART-"
# By what a table of whole texts is known: its header, or cells with spaces or of more characters than words have.
_TEXT_NAMES = set(chain.from_iterable(TEXT_COLUMNS))
_LONGEST_WORD = 40


def read_tagged(paths, column: int | str | None = None) -> TaggedSentences:
    """Read files with a word a line and an empty line after every sentence.

    Columns are separated by tabs, or by any white space in a file without tabs. A file whose name ends in
    `.conllu` (before the ending of its compression) is read as CoNLL-U; in any other the word is the first column.

    Args:
        paths: path or pattern of UTF-8 text files, plain or compressed (`.gz`, `.bz2`, `.xz`, `.zst`), or several.
        column: where the tag stands: int, counted from 0 or, if negative, from the end; for CoNLL-U also a name,
            such as `"UPOS"` or `"XPOS"`. The last column when None, and UPOS for CoNLL-U.

    Returns:
        `TaggedSentences`, to be given to `fit` as they are; `labels` has their tags.

    Raises:
        ValueError: if a file cannot be read, a line has another number of columns than its file's first one, or
            there is no such column, with the file and the line; or if a file is a table of whole texts.

    Example:

        train = zoo.data.read_tagged("train.conllu", column="UPOS")
        model = zoo.TokenClassifier.from_preset("bert_tiny_en_uncased_books", labels=train.labels)
        model.fit(train, validation_data=zoo.data.read_tagged("dev.conllu", column="UPOS"))
    """
    words, tags = [], []
    for path in expand_paths(paths):
        sentences = list(_read_sentences(path, column))
        _check_words(sentences, path)
        words += [[word for word, _ in sentence] for sentence in sentences]
        tags += [[tag for _, tag in sentence] for sentence in sentences]
    if not words:
        raise ValueError(f"There must be at least one sentence. Received: paths={paths!r} with none.")
    return TaggedSentences(words, tags)


def _read_sentences(path, column) -> Iterator[list[tuple[str, str]]]:
    universal = UNIVERSAL_ENDING in [suffix.lower() for suffix in path.suffixes]
    word_at, tag_at = (1, _universal_column(column)) if universal else (0, _plain_column(column))
    separator, expected = ("\t", len(UNIVERSAL_COLUMNS)) if universal else (None, None)
    sentence = []
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                if sentence:
                    yield sentence
                sentence = []
                continue
            if universal and line.startswith("#"):
                continue
            if not universal and line.split()[0] == _DOCUMENT:
                continue
            separator = separator or ("\t" if "\t" in line else " ")
            # Not `line.split()`: a word may be a space of another kind, such as that of Chinese.
            fields = [field for field in line.split(" ") if field] if separator == " " else line.split(separator)
            expected = expected or len(fields)
            _check_line(fields, expected, tag_at, path, number)
            if not (universal and _NOT_A_WORD.fullmatch(fields[0])):
                sentence.append((fields[word_at], fields[tag_at]))
    if sentence:
        yield sentence


def _check_words(sentences, path: Path) -> None:
    """Refuse a table of texts and labels, which is read without complaint as one sentence of long words."""
    words = [word for sentence in sentences for word, _ in sentence]
    texts = [word for word in words if _is_text(word)]
    first, label = (cell.lower() for cell in sentences[0][0]) if len(sentences) == 1 else ("", "")
    if 2 * len(texts) > len(words) or (first in _TEXT_NAMES and label in LABEL_COLUMNS):
        raise ValueError(
            "A file of tagged words has a word and its tag in a line, and an empty line between sentences. Received: "
            f"{path}, a table of whole texts, such as {(texts or words[1:] or words)[0][:60]!r}. Write a word a line, "
            "or take the task for whole texts: `zoo.TextClassifier`, `zoo finetune --task text`."
        )


def _is_text(word: str) -> bool:
    return " " in word.strip() or len(word) > _LONGEST_WORD


def _universal_column(column) -> int:
    if isinstance(column, int):
        return column
    name = "UPOS" if column is None else str(column).upper()
    if name not in UNIVERSAL_COLUMNS:
        raise ValueError(
            f"`column` must be a column of CoNLL-U: {', '.join(UNIVERSAL_COLUMNS)}; or an int. "
            f"Received: column={column!r}"
        )
    return UNIVERSAL_COLUMNS.index(name)


def _plain_column(column) -> int:
    if column is None:
        return -1
    if isinstance(column, int):
        return column
    raise ValueError(
        f"The columns of a file that does not end in {UNIVERSAL_ENDING} have no names: `column` must be an int, "
        f"counted from 0. Received: column={column!r}"
    )


def _check_line(fields, expected: int, tag_at: int, path: Path, number: int) -> None:
    if len(fields) != expected:
        raise ValueError(
            f"Every line must have {expected} columns, or be empty between sentences. "
            f"Received: {path}, line {number} with {len(fields)}: {' '.join(fields)[:100]!r}"
        )
    if expected < 2 or not -expected <= tag_at < expected:
        raise ValueError(
            f"A line must have the word and its tag. Received: column={tag_at}, but {path}, line {number} has "
            f"{expected} columns: {' '.join(fields)[:100]!r}"
        )
