"""From logits of windows to spans of passages, and to answers."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Answer:
    """An answer to a question.

    Attributes:
        text: str, the answer as the context has it; `""` if the context has none.
        start: int, where it begins in the context, in characters; None if there is none.
        end: int, where it ends, so that `context[start:end]` is the text; None if there is none.
        score: float, probability of its first token times that of its last one, in the window where they are; for
            `""` those of [CLS].
        no_answer_score: float, by how many logits "no answer" is ahead of the best answer.
        alternatives: tuple of `Answer`, the next best, if more than one were asked for.
    """

    text: str
    start: int | None
    end: int | None
    score: float
    no_answer_score: float
    alternatives: tuple["Answer", ...] = ()


@dataclass(frozen=True)
class Spans:
    """The best spans of questions, best first, and how likely it is that there is none.

    Attributes:
        numbers: int64 array (spans,), the question of each span; in order, and every question has one.
        begins: int64 array (spans,), where it begins in its passage, in characters.
        ends: int64 array (spans,), where it ends, in characters.
        scores: float32 array (spans,), logit of its start plus logit of its end.
        probabilities: float32 array (spans,), of its start times of its end, in its window.
        firsts: int64 array (questions,), index of each question's best span.
        no_answer_scores: float32 array (questions,), logits of [CLS] in the window where they are lowest, less
            the score of the best span (Devlin et al. 2019, arXiv 1810.04805, section 4.3, and released code).
        no_answer_probabilities: float32 array (questions,), of [CLS] as start and end, in that window.
    """

    numbers: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray
    firsts: np.ndarray
    no_answer_scores: np.ndarray
    no_answer_probabilities: np.ndarray


def find_spans(windows, outputs: Iterable, max_answer_length: int, top_k: int) -> Spans:
    """Find the best spans over all windows of each question.

    Args:
        windows: `zoo.data.windows.Windows`.
        outputs: iterable of the batches of windows: int array (batch,), which windows they are, and a pair of
            float arrays (batch, length), logits of the start and of the end.
        max_answer_length: int, tokens.
        top_k: int, spans a question.
    """
    own_first, own_last = windows.own()
    spans, nulls = [], []
    for indices, (start_logits, end_logits) in outputs:
        first = windows.firsts[indices]
        rows, begins, ends, scores = best_spans(
            start_logits, end_logits, first + own_first[indices], first + own_last[indices],
            first + windows.sizes[indices], max_answer_length, top_k,
        )  # fmt: skip
        log_total = _log_sum_exp(start_logits) + _log_sum_exp(end_logits)  # (batch,)
        shift = windows.starts[indices[rows]] - first[rows]
        spans.append((windows.numbers[indices[rows]], begins + shift, ends + shift, scores, scores - log_total[rows]))
        null = start_logits[:, 0] + end_logits[:, 0]
        nulls.append((windows.numbers[indices], null, null - log_total))
    spans = [np.concatenate(column) for column in zip(*spans, strict=True)]
    nulls = [np.concatenate(column) for column in zip(*nulls, strict=True)]
    return _best_of_questions(windows, spans, nulls, top_k)


def best_spans(start_logits, end_logits, first, last, end, max_answer_length: int, top_k: int):
    """The best spans of each window: highest sum of the two logits.

    Args:
        start_logits: float array (batch, length).
        end_logits: float array (batch, length).
        first: int array (batch,), first position where a span may begin.
        last: int array (batch,), the position after the last one where it may.
        end: int array (batch,), the position after the last one where it may end.
        max_answer_length: int, tokens.
        top_k: int, spans a window.

    Returns:
        Four arrays (spans,): row in the batch, position of the first and of the last token, and score.
    """
    batch, length = start_logits.shape
    positions = np.arange(length)[None, :]
    may_begin = (positions >= first[:, None]) & (positions < last[:, None])  # (batch, length)
    starts = np.where(may_begin, start_logits, -np.inf)
    # Past the right edge a span has no end.
    ends = np.full((batch, length + max_answer_length - 1), -np.inf, start_logits.dtype)
    ends[:, :length] = np.where(positions < end[:, None], end_logits, -np.inf)
    by_size = np.lib.stride_tricks.sliding_window_view(ends, max_answer_length, axis=1)
    scores = (starts[:, :, None] + by_size).reshape(batch, -1)  # (batch, length * max_answer_length)
    top_k = min(top_k, scores.shape[1])
    chosen = np.argpartition(-scores, top_k - 1, axis=1)[:, :top_k]  # (batch, top_k)
    scores = np.take_along_axis(scores, chosen, axis=1)
    rows, columns = np.nonzero(np.isfinite(scores))
    begins, sizes = np.divmod(chosen[rows, columns], max_answer_length)
    return rows, begins, begins + sizes, scores[rows, columns]


def _best_of_questions(windows, spans, nulls, top_k) -> Spans:
    numbers, begins, ends, scores, log_probabilities = spans
    order = np.lexsort((ends, begins, -scores, numbers))
    numbers = numbers[order]
    firsts = np.searchsorted(numbers, np.arange(len(windows.questions)))
    best = order[np.arange(len(order)) - firsts[numbers] < top_k]
    numbers = spans[0][best]
    firsts = np.searchsorted(numbers, np.arange(len(windows.questions)))
    null_numbers, null_scores, null_log_probabilities = nulls
    order = np.lexsort((null_log_probabilities, null_scores, null_numbers))
    lowest = order[np.searchsorted(null_numbers[order], np.arange(len(windows.questions)))]
    return Spans(
        numbers=numbers,
        begins=windows.characters[begins[best], 0].astype("int64"),
        ends=windows.characters[ends[best], 1].astype("int64"),
        scores=scores[best],
        probabilities=np.exp(log_probabilities[best]),
        firsts=firsts,
        no_answer_scores=null_scores[lowest] - scores[best][firsts],
        no_answer_probabilities=np.exp(null_log_probabilities[lowest]),
    )


def _log_sum_exp(logits):
    highest = logits.max(axis=1)
    return highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))


def answers_of(questions, spans: Spans, threshold: float | None = None) -> list[Answer]:
    """The answer to each question.

    Args:
        questions: `zoo.data.question_answering.Questions`.
        spans: `Spans` of these questions.
        threshold: float, logits by which "no answer" must be ahead of the best span to be the answer; None for never.

    Returns:
        list of `Answer`, with as many alternatives as there are further spans.
    """
    answers = []
    edges = np.append(spans.firsts, len(spans.numbers))  # (questions + 1,)
    for number, passage in enumerate(questions.passage_numbers):
        rows = range(edges[number], edges[number + 1])
        lead = float(spans.no_answer_scores[number])
        found = [_answer(questions.passages[passage], spans, row, lead) for row in rows]
        if threshold is not None and lead > threshold:
            found.insert(0, Answer("", None, None, float(spans.no_answer_probabilities[number]), lead))
        best, *others = found[: len(rows)]
        answers.append(replace(best, alternatives=tuple(others)))
    return answers


def _answer(passage, spans, row, lead):
    start, end = _whole(passage, int(spans.begins[row]), int(spans.ends[row]))
    return Answer(passage[start:end], start, end, float(spans.probabilities[row]), lead)


def _whole(passage, start, end):
    """A span with the accents of its last letter, which a tokenizer may have dropped, and no space around it."""
    while end < len(passage) and unicodedata.category(passage[end]) in ("Mn", "Me"):
        end += 1
    text = passage[start:end]
    if text.strip():
        start, end = start + len(text) - len(text.lstrip()), start + len(text.rstrip())
    return start, end
