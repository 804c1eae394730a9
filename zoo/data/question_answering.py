"""Questions about passages: SQuAD's forms, read into plain lists and checked."""

import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from zoo.data.inputs import split_rows
from zoo.data.text_files import open_text

NO_QUESTION = "no text in the question"
NO_CONTEXT = "no text in the context"
NO_ANSWER = "no answer, and not marked impossible"
ANSWERED_IMPOSSIBLE = "marked impossible, with answers"
UNREADABLE_ANSWER = "an answer without its text or its offset"
BEYOND = "an answer beyond the context"
MISPLACED = "an answer that is not at its offset"


@dataclass(frozen=True)
class Questions:
    """Questions, the passages that they are about, and perhaps their answers.

    Attributes:
        ids: list of str, one a question.
        texts: list of str, the questions.
        passages: list of str, each passage once.
        passage_numbers: int64 array (questions,), the passage of each question.
        labels: list of tuples of pairs, for each question its right answers, each the text and where it begins
            in the passage, in characters; an empty tuple where the passage has no answer. None if unknown.
    """

    ids: list[str]
    texts: list[str]
    passages: list[str]
    passage_numbers: np.ndarray
    labels: list[tuple[tuple[str, int], ...]] | None = None

    def __len__(self):
        return len(self.texts)

    @property
    def answers(self) -> list[list[str]]:
        """The texts of the right answers of each question."""
        return [[text for text, _ in answers] for answers in self.labels]

    def take(self, rows) -> "Questions":
        """The questions at `rows`, an int array, and the passages that these are about."""
        passages, numbers = np.unique(self.passage_numbers[rows], return_inverse=True)
        return Questions(
            ids=[self.ids[row] for row in rows],
            texts=[self.texts[row] for row in rows],
            passages=[self.passages[passage] for passage in passages],
            passage_numbers=numbers,
            labels=None if self.labels is None else [self.labels[row] for row in rows],
        )

    def split(self, fraction: float, seed: int) -> tuple["Questions", "Questions"]:
        """Two parts: the rest, and a `fraction` of the passages drawn at random with all their questions."""
        parts = split_rows(len(self.passages), fraction, seed)
        return tuple(self.take(np.flatnonzero(np.isin(self.passage_numbers, passages))) for passages in parts)

    def without_labels(self) -> "Questions":
        """The questions and passages alone."""
        return Questions(self.ids, self.texts, self.passages, self.passage_numbers)


def read_questions(records, labelled: bool = True, on_bad_record: str = "raise") -> Questions:
    """Read questions and passages in the forms that SQuAD, its kin and Hugging Face have.

    Args:
        records: SQuAD's JSON of version 1 or 2 (Rajpurkar et al. 2016, arXiv 1606.05250; 2018, 1806.03822), as CMRC
            2018 and DRCD have it too: the path of a file, plain or compressed, or what it holds; or flat records
            with `question`, `context`, and perhaps `id`, `answers` and `is_impossible`: a list, a Hugging Face
            data set, a `tf.data` one, a pandas frame, a dict of columns, one record, or a file of JSON lines.
            `answers` is a list of `{"text": ..., "answer_start": ...}` or `{"text": [...], "answer_start": [...]}`.
            No answers mean that there is none if the record is marked `is_impossible`, or if it has no such mark
            and `answers` is of the latter form, as in Hugging Face's `squad_v2`.
        labelled: bool, whether the answers are read; without it they need not be there.
        on_bad_record: `"raise"`, or `"skip"` to leave out records that cannot be used, with a warning that
            counts them.

    Returns:
        `Questions`.

    Raises:
        ValueError: if a question or a context has no text; an answer is not in the context at its offset; a record
            is marked impossible but has answers, or has none and is not marked; the data are in no such form.
            Records are named by their ids.
    """
    if isinstance(records, Questions):
        return records
    if on_bad_record not in ("raise", "skip"):
        raise ValueError(f"`on_bad_record` must be 'raise' or 'skip'. Received: on_bad_record={on_bad_record!r}")
    reader = _Reader(labelled)
    for record in _flat_records(records):
        reader.add(record)
    reader.report(on_bad_record)
    return reader.questions()


@dataclass
class _Reader:
    """Collects the records that are good and the names of those that are not."""

    labelled: bool
    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    passages: dict[str, int] = field(default_factory=dict)
    passage_numbers: list[int] = field(default_factory=list)
    labels: list[tuple] = field(default_factory=list)
    bad: dict[str, list[str]] = field(default_factory=dict)

    def add(self, record):
        name = record.get("id")
        number = len(self.ids) + sum(map(len, self.bad.values()))
        name = f"record {number}" if name is None else str(_plain(name))
        question, context = _plain(record.get("question")), _plain(record.get("context"))
        answers, fault = _answers(record) if self.labelled else ((), None)
        fault = _fault_of_texts(question, context) or fault or _fault_of_places(answers, context)
        if fault is not None:
            self.bad.setdefault(fault, []).append(name)
            return
        self.ids.append(name)
        self.texts.append(question)
        self.passage_numbers.append(self.passages.setdefault(context, len(self.passages)))
        self.labels.append(answers)

    def report(self, on_bad_record):
        count = sum(map(len, self.bad.values()))
        if not count:
            if not self.ids:
                raise ValueError("There must be at least one question. Received: no record")
            return
        found = "; ".join(f"{fault}: {len(names)} ({_some(names)})" for fault, names in self.bad.items())
        total = count + len(self.ids)
        if on_bad_record == "raise" or not self.ids:
            raise ValueError(
                "Every record must have a question, a context, and its answers at their offsets in the context. "
                f"Received: {count} of {total} records with {found}. Mend them, or leave them out with "
                "`on_bad_record='skip'`."
            )
        warnings.warn(f"{count} of {total} records were left out, with {found}.", stacklevel=3)

    def questions(self) -> Questions:
        numbers = np.array(self.passage_numbers, "int64")
        return Questions(self.ids, self.texts, list(self.passages), numbers, self.labels if self.labelled else None)


def _fault_of_texts(question, context) -> str | None:
    if not isinstance(question, str) or not question.strip():
        return NO_QUESTION
    return NO_CONTEXT if not isinstance(context, str) or not context.strip() else None


def _fault_of_places(answers, context) -> str | None:
    if any(start < 0 or start + len(text) > len(context) for text, start in answers):
        return BEYOND
    return MISPLACED if any(not context.startswith(text, start) for text, start in answers) else None


def _answers(record) -> tuple[tuple[tuple[str, int], ...], str | None]:
    """The answers that a record gives, and what is wrong with them, if anything."""
    given, marked = record.get("answers"), record.get("is_impossible")
    if type(marked).__name__ == "NAType" or (isinstance(marked, float) and marked != marked):
        marked = None  # a frame has no value there
    in_columns = isinstance(given, Mapping)
    try:
        pairs = _pairs(given)
    except (KeyError, TypeError, ValueError):
        return (), UNREADABLE_ANSWER
    if not pairs:
        return (), None if marked or (in_columns and marked is None) else NO_ANSWER
    if not all(isinstance(text, str) and text.strip() for text, _ in pairs):
        return (), UNREADABLE_ANSWER
    return pairs, ANSWERED_IMPOSSIBLE if marked else None


def _pairs(given) -> tuple[tuple[str, int], ...]:
    if given is None:
        return ()
    if isinstance(given, Mapping):
        columns = zip(given["text"], given["answer_start"], strict=True)
    else:
        columns = ((answer["text"], answer["answer_start"]) for answer in given)
    return tuple((_plain(text), int(start)) for text, start in columns)


def _flat_records(records) -> Iterator[Mapping]:
    """Records of one question each, whatever form they come in."""
    if isinstance(records, (str, os.PathLike)):
        records = _read_json(records)
    if isinstance(records, Mapping):
        records = _items(records)
    elif hasattr(records, "iloc"):
        records = records.to_dict("records")
    elif hasattr(records, "as_numpy_iterator"):
        records = records.as_numpy_iterator()
    if not isinstance(records, Iterable):
        raise TypeError(f"Records of questions were expected. Received: {type(records).__name__}")
    for item in records:
        if not isinstance(item, Mapping):
            raise TypeError(
                "Every record must be a dict with `question` and `context`, or an article of SQuAD's JSON. "
                f"Received: {item!r:.80} of type {type(item).__name__}"
            )
        if "paragraphs" in item:
            yield from _flat_records(item["paragraphs"])
        elif "qas" in item:
            for question in item["qas"]:
                yield {**question, "context": item.get("context")}
        elif "question" in item or "context" in item:
            yield item
        else:
            raise ValueError(
                "Every record must have `question` and `context`, or be an article or a paragraph of SQuAD's JSON "
                f"(`paragraphs`, `qas`). Received: a record with {sorted(map(str, item))}"
            )


def _items(records: Mapping):
    """What a dict holds: the articles of SQuAD's JSON, columns, or itself as one record."""
    if "data" in records:
        return records["data"]
    if not isinstance(records.get("question", ""), (str, bytes)):
        rows = zip(*records.values(), strict=True)
        return [dict(zip(records, row, strict=True)) for row in rows]
    return [records]


def _read_json(path):
    """One JSON value, or all values of a file with one a line."""
    with open_text(path) as lines:
        # Ends of lines stand between JSON's tokens only, and a very long line comes in parts.
        text = "".join(lines).strip()
    decoder, values, end = json.JSONDecoder(), [], 0
    try:
        while end < len(text):
            value, end = decoder.raw_decode(text, end)
            values.append(value)
            while end < len(text) and text[end].isspace():
                end += 1
    except json.JSONDecodeError as error:
        raise ValueError(f"The file must hold JSON. Received: {str(path)!r}: {error}") from error
    return values[0] if len(values) == 1 else values


def _plain(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _some(names) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
