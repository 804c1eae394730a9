"""Long passages in overlapping windows, each behind its question, as an encoder is given them."""

from dataclasses import dataclass, replace

import numpy as np

from zoo.data import features
from zoo.data.question_answering import Questions
from zoo.data.ragged import separators_of


@dataclass(frozen=True)
class Ragged:
    """Token ids of several texts, end to end.

    Attributes:
        token_ids: int32 array (tokens,).
        offsets: int64 array (texts + 1,), where each text begins; the last entry is the end.
    """

    token_ids: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, rows) -> "Ragged":
        """Join int32 arrays."""
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype="int64")])
        return cls(np.concatenate(rows).astype("int32"), offsets)

    @property
    def lengths(self) -> np.ndarray:
        """int64 array (texts,), in tokens."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Windows:
    """Windows of passages. Questions and passages are stored once; a window is a few numbers.

    Attributes:
        questions: `zoo.data.question_answering.Questions`.
        question_ids: `Ragged`, the questions.
        passage_ids: `Ragged`, the passages.
        characters: int32 array (passage tokens, 2), where each token begins and ends in its passage.
        numbers: int64 array (windows,), the question of each window; a question's windows follow each other.
        starts: int64 array (windows,), the window's first token among all those of passages.
        sizes: int64 array (windows,), tokens of the passage in the window.
        firsts: int64 array (windows,), position of the passage's first token: it follows [CLS] question [SEP].
        targets: int32 array (windows, 2), positions of the answer's first and last token, 0 where the window
            does not hold all of it; None if the answers are unknown.
        special_ids: int, int, int: start, end, padding.
        separators: int, end tokens between question and passage.
        names: names of the features that the model takes.
    """

    questions: Questions
    question_ids: Ragged
    passage_ids: Ragged
    characters: np.ndarray
    numbers: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    firsts: np.ndarray
    targets: np.ndarray | None
    special_ids: tuple[int, int, int]
    separators: int
    names: tuple[str, ...]

    @property
    def lengths(self) -> np.ndarray:
        """int64 array (windows,), in tokens."""
        return self.firsts + self.sizes + 1

    def batch(self, indices: np.ndarray, length: int) -> tuple:
        """`(inputs,)` or `(inputs, targets)` of the windows at `indices`, padded to `length` tokens."""
        rows = self._rows(indices, length)
        inputs = {name: rows[name] for name in self.names}
        if self.targets is None:
            return (inputs,)
        starts, ends = self.targets[indices].T
        return inputs, {features.START_POSITIONS: starts, features.END_POSITIONS: ends}

    def _rows(self, indices, length):
        start_id, end_id, pad_id = self.special_ids
        positions = np.arange(length)[None, :]  # (1, length)
        first = self.firsts[indices][:, None]  # (batch, 1)
        end = first + self.sizes[indices][:, None]
        between = first - self.separators
        in_question = (positions > 0) & (positions < between)  # (batch, length)
        in_passage = (positions >= first) & (positions < end)
        question_starts = self.question_ids.offsets[self.numbers[indices]][:, None]
        token_ids = np.full(in_passage.shape, pad_id, "int32")
        token_ids[:, 0] = start_id
        token_ids[((positions >= between) & (positions < first)) | (positions == end)] = end_id
        token_ids[in_question] = self.question_ids.token_ids[(question_starts + positions - 1)[in_question]]
        passage_starts = self.starts[indices][:, None]
        token_ids[in_passage] = self.passage_ids.token_ids[(passage_starts + positions - first)[in_passage]]
        real = positions <= end
        return {
            features.TOKEN_IDS: token_ids,
            features.SEGMENT_IDS: ((positions >= first) & real).astype("int32"),
            features.PADDING_MASK: real.astype("int32"),
            features.ANSWER_MASK: (in_passage | (positions == 0)).astype("int32"),
        }

    def own(self) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of each window that no other window sees in more context.

        An answer is looked for where it begins in the window that has most tokens on the shorter side of that
        token, the earlier one if equal: the "maximum context" of the released code of Devlin et al. (2019).

        Returns:
            int64 arrays (windows,): the first of these tokens, and the one after the last, counted from the
            window's first token of the passage.
        """
        first, last = np.zeros_like(self.sizes), self.sizes.copy()
        follows = np.flatnonzero(self.numbers[1:] == self.numbers[:-1])  # a window with another of its question behind
        # To the left of the middle of the overlap the first window has more on its shorter side.
        middle = (self.starts[follows] + self.sizes[follows] + self.starts[follows + 1] + 1) // 2
        last[follows] = middle - self.starts[follows]
        first[follows + 1] = middle - self.starts[follows + 1]
        return first, last


def num_special_tokens(tokenizer) -> int:
    """The tokens beside question and passage: those of `[CLS] question [SEP] passage [SEP]`."""
    return 2 + separators_of(tokenizer)


def encode_windows(
    questions: Questions, tokenizer, names, sequence_length: int, stride: int, max_question_length: int
) -> tuple[Windows, int]:
    """Tokenize questions and passages once, and cut passages into overlapping windows.

    Devlin et al. (2019), arXiv 1810.04805, released `run_squad.py`: a window begins `stride` tokens after the one
    before, until one reaches the end of the passage. In training, a window that holds the first of the right answers
    whole points to it, every other one to [CLS].

    Args:
        questions: `Questions`.
        tokenizer: a zoo tokenizer.
        names: names of the features that the model takes.
        sequence_length: int, longest window, in tokens, with the question and special tokens.
        stride: int, tokens.
        max_question_length: int, tokens that a question keeps; at most half of what a window has room for.

    Returns:
        `Windows`, and the number of questions that had to be cut.

    Raises:
        ValueError: if a passage or an answer has no token, with the ids of the questions.
    """
    separators = separators_of(tokenizer)
    room = sequence_length - num_special_tokens(tokenizer)
    question_rows = tokenizer.encode(questions.texts)
    kept = min(max_question_length, room // 2)
    question_ids = Ragged.of([row[:kept] for row in question_rows])
    encoded = tokenizer.encode_with_offsets(questions.passages)
    passage_ids = Ragged.of([ids for ids, _ in encoded])
    characters = np.concatenate([offsets for _, offsets in encoded])  # (passage tokens, 2)
    _check_tokens(questions, passage_ids.lengths[questions.passage_numbers] > 0, "a context")
    rooms = room - question_ids.lengths
    numbers, starts, sizes = _cut(passage_ids.lengths[questions.passage_numbers], rooms, np.minimum(stride, rooms))
    windows = Windows(
        questions=questions,
        question_ids=question_ids,
        passage_ids=passage_ids,
        characters=characters,
        numbers=numbers,
        starts=starts + passage_ids.offsets[questions.passage_numbers[numbers]],
        sizes=sizes,
        firsts=question_ids.lengths[numbers] + 1 + separators,
        targets=None,
        special_ids=(tokenizer.start_token_id, tokenizer.end_token_id, tokenizer.pad_token_id),
        separators=separators,
        names=tuple(names),
    )
    if questions.labels is not None:
        windows = replace(windows, targets=_targets(windows))
    return windows, sum(len(row) > kept for row in question_rows)


def _cut(lengths, rooms, steps):
    """Windows of passages of `lengths` tokens: whose, from where, and how many tokens, int64 arrays (windows,)."""
    counts = 1 + -(-np.maximum(lengths - rooms, 0) // steps)
    numbers = np.repeat(np.arange(len(lengths)), counts)
    nth = np.arange(len(numbers)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = nth * steps[numbers]
    return numbers, starts, np.minimum(rooms[numbers], lengths[numbers] - starts)


def _targets(windows):
    """Positions of the first and the last token of each window's answer, int32 array (windows, 2)."""
    questions, passage_ids, characters = windows.questions, windows.passage_ids, windows.characters
    answered = np.array([bool(answers) for answers in questions.labels])
    begins = np.array([answers[0][1] if answers else 0 for answers in questions.labels], "int64")
    ends = begins + [len(answers[0][0]) if answers else 0 for answers in questions.labels]
    # One key for a character of a passage, so that one search serves all passages.
    width = 1 + max(map(len, questions.passages))
    passages = np.repeat(np.arange(len(questions.passages)), passage_ids.lengths)
    shift = questions.passage_numbers * width
    first = np.searchsorted(passages * width + characters[:, 1], shift + begins, side="right")
    last = np.searchsorted(passages * width + characters[:, 0], shift + ends, side="left") - 1
    _check_tokens(questions, ~answered | (first <= last), "an answer")
    first, last, answered = first[windows.numbers], last[windows.numbers], answered[windows.numbers]
    inside = answered & (first >= windows.starts) & (last < windows.starts + windows.sizes)
    tokens = np.stack([first, last], axis=1) - windows.starts[:, None] + windows.firsts[:, None]
    return np.where(inside[:, None], tokens, 0).astype("int32")


def _check_tokens(questions, good, what):
    if not good.all():
        names = [questions.ids[row] for row in np.flatnonzero(~good)]
        raise ValueError(
            f"The tokenizer must find a token in every context and answer. Received: {what} without any in "
            f"{len(names)} questions: {', '.join(names[:10])}. Remove these records."
        )
