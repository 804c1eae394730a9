"""From the columns of a benchmark's files to texts and labels."""

import functools
import re
import string
from dataclasses import dataclass

import numpy as np

# What an empty text of a dev or test set is read as: every row there must get an answer.
NO_TEXT = "-"
SPAN_COLUMNS = ("span1_index", "span1_text", "span2_index", "span2_text")
MARKED = "marked"


@dataclass(frozen=True)
class TaskRows:
    """The rows of one set of a task.

    Attributes:
        texts: one column of texts for each template of the task; for a choice, a column for each choice follows.
        labels: numbers of classes or choices, or floats; None for a test set.
        index: what the benchmark calls each row.
        left_out: int, training rows without text or label, and rows without a label that counts.
    """

    texts: tuple[list[str], ...]
    labels: list | None
    index: list
    left_out: int = 0

    def __len__(self):
        return len(self.texts[0])

    def take(self, rows) -> "TaskRows":
        """The rows at these places, an int array."""
        texts = tuple([column[row] for row in rows] for column in self.texts)
        labels = None if self.labels is None else [self.labels[row] for row in rows]
        return TaskRows(texts, labels, [self.index[row] for row in rows], self.left_out)


def read_rows(task, layout, split: str, columns: dict[str, list], where: str) -> TaskRows:
    """Turn the columns of a file into texts and labels.

    A training row that lacks a text or its label is left out and counted. In a dev or test set such a row is an
    error, because each row counts there; a text that is empty is read as `-`.

    Args:
        task: `BenchmarkTask`.
        layout: `Layout` that the columns come from.
        split: name of the set.
        columns: dict from column to cells.
        where: the file, for messages.

    Returns:
        `TaskRows`.

    Raises:
        ValueError: for missing columns (all of them), and for cells that cannot be read, with the row (from 0).
    """
    role = task.splits[split].role
    cells = _named_columns(task, layout, columns, where, labelled=role != "test")
    labels = _labels(task, cells.pop("label"), role, where) if "label" in cells else None
    rows = (dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True))
    templates = _templates(task)
    texts = [_texts(task, templates, row, number, where) for number, row in enumerate(rows)]
    kept, lacking = [], []
    for number, row_texts in enumerate(texts):
        label = 0 if labels is None else labels[number]
        if None in row_texts or (role == "train" and not all(text.strip() for text in row_texts)):
            lacking.append(number)
        elif label is not None:
            kept.append(number)
    if lacking and role != "train":
        raise ValueError(
            f"Every row of the {role} set of {task.title} must have all its cells. Received: row {lacking[0]} of "
            f"{where} without some of them; {len(lacking)} such rows."
        )
    if not kept:
        raise ValueError(f"A set of {task.title} must have rows. Received: {where} with none that can be used.")
    index = columns.get(layout.column("index"), range(len(texts))) if role == "test" else range(len(texts))
    return TaskRows(
        texts=tuple([texts[number][place].strip() or NO_TEXT for number in kept] for place in range(len(templates))),
        labels=None if labels is None else [labels[number] for number in kept],
        index=[_as_number(index[number]) for number in kept],
        left_out=len(texts) - len(kept),
    )


def _templates(task):
    choices = [f"{{{name}}}" for name in task.class_names] if task.kind == "choice" else []
    return [*task.texts, *choices]


@functools.cache
def _fields(template):
    return [name for _, name, _, _ in string.Formatter().parse(template) if name]


def _named_columns(task, layout, columns, where, labelled):
    """The columns that are needed, by the task's own names."""
    names = dict.fromkeys(name for template in _templates(task) for name in _fields(template) if name != MARKED)
    if task.spans is not None:
        names |= dict.fromkeys((task.spans.column, *SPAN_COLUMNS))
    if labelled:
        names["label"] = None
    missing = [layout.column(name) for name in names if layout.column(name) not in columns]
    if missing:
        raise ValueError(
            f"The file of {task.title} lacks columns: {', '.join(missing)}. Received: {where} with the columns "
            f"{', '.join(map(repr, columns)) or '(none)'}."
        )
    return {name: columns[layout.column(name)] for name in names}


def _texts(task, templates, row, number, where):
    """The texts of a row, None where a cell is lacking."""
    shown = {name: _shown(task, name, value, number, where) for name, value in row.items()}
    if task.spans is not None and None not in shown.values():
        shown[MARKED] = mark_spans(task.spans, shown, f"row {number} of {where}")
    return [
        None if any(shown.get(name) is None for name in _fields(template)) else template.format_map(shown)
        for template in templates
    ]


def _shown(task, name, value, number, where):
    known = (task.values or {}).get(name)
    if value is None:
        return None
    if known is not None and value not in known:
        raise ValueError(
            f"The column {name} of {task.title} takes {', '.join(known)}. Received: {value!r} in row {number} of "
            f"{where}."
        )
    if known is not None:
        return known[value]
    return " ".join(map(str, value)) if isinstance(value, (list, tuple, np.ndarray)) else str(value)


def mark_spans(spans, row: dict, where: str) -> str:
    """The text of a row with its first stretch as `_one_` and its second as `[two]`.

    The marks are those of CLUE's baseline for CLUEWSC2020 (Xu et al. 2020, arXiv 2004.05986).

    Args:
        spans: `Spans`.
        row: dict with the text and `SPAN_COLUMNS`.
        where: the row and its file, for messages.
    """
    text = row[spans.column]
    marks = []
    for name, (before, after) in {"span1": "__", "span2": "[]"}.items():
        start, stop = _span(text, row[f"{name}_index"], row[f"{name}_text"], spans.unit, where)
        marks += [(start, True, before), (stop, False, after)]
    # From the end, so that the places before it stay right; of two at one place, what opens stands behind.
    for place, _, mark in sorted(marks, reverse=True):
        text = text[:place] + mark + text[place:]
    return text


def _span(text, index, span, unit, where):
    """First character of a stretch, and the one after it."""
    start = _as_number(index)
    if unit == "words" and isinstance(start, int):
        words = [(found.start(), found.end()) for found in re.finditer(r"\S+", text)]
        last = start + len(span.split()) - 1
        if 0 <= start <= last < len(words):
            return words[start][0], words[last][1]
    elif isinstance(start, int) and text[start : start + len(span)] == span:
        return start, start + len(span)
    raise ValueError(f"A span must be in its text. Received: {span!r} at {index!r} ({unit}) in {where}: {text!r}")


def _labels(task, values, role, where):
    """Numbers of the labels; None for those that don't count or are lacking in training."""
    read = _read_score if task.kind == "regression" else _read_class
    labels = [read(task, value) for value in values]
    free = {*task.unlabelled, *([None, ""] if role == "train" else [])}
    wrong = [row for row, label in enumerate(labels) if label is None and _text_of(values[row]) not in free]
    if wrong:
        allowed = f"a number from {task.label_range[0]:g} to {task.label_range[1]:g}" if task.label_range else (
            f"one of {', '.join(task.class_names)}, or its number from 0 to {len(task.class_names) - 1}"
        )  # fmt: skip
        raise ValueError(
            f"Every label of {task.title} must be {allowed}. Received: {values[wrong[0]]!r} in row {wrong[0]} of "
            f"{where}; {len(wrong)} such rows."
        )
    return labels


def _text_of(value):
    return value if value is None else str(value).strip()


def _read_class(task, value):
    text = _text_of(value)
    text = (task.aliases or {}).get(text, text)
    if text in task.class_names:
        return task.class_names.index(text)
    number = _as_number(value)
    return number if isinstance(number, int) and 0 <= number < len(task.class_names) else None


def _read_score(task, value):
    try:
        score = float(value)
    except (TypeError, ValueError):
        return None
    least, greatest = task.label_range
    return score if least <= score <= greatest else None


def _as_number(value):
    """An int where the value is one, or text that is one; the value otherwise."""
    try:
        return value if isinstance(value, (bool, np.bool_)) or int(value) != float(value) else int(value)
    except (TypeError, ValueError):
        return value
