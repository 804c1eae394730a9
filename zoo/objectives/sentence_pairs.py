"""Objectives about two segments of text: how the segments are built."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from zoo.data import features
from zoo.objectives.objective import Objective

# `[CLS] A [SEP] B [SEP]`
SPECIAL_TOKENS_OF_A_PAIR = 3
_DRAWS_OF_ANOTHER_DOCUMENT = 10


class Segment(NamedTuple):
    """Consecutive sentences of one document: `start` is the first, `stop` the one after the last."""

    document: int
    start: int
    stop: int


class Pair(NamedTuple):
    """Two segments that make one example, and its label.

    `document_a` and `document_b` are indices of documents; `start_a:stop_a` and `start_b:stop_b`
    are ranges of their sentences. The meaning of `label` is the objective's.
    """

    document_a: int
    start_a: int
    stop_a: int
    document_b: int
    start_b: int
    stop_b: int
    label: int


def draw_index(rng: np.random.Generator, count: int) -> int:
    """A uniform integer in `0..count - 1`.

    One call of `rng.random()` costs a tenth of `rng.integers()`, and planning is made of such
    draws; the bias is below `count / 2**53`.
    """
    return int(rng.random() * count)


def truncate_pair(length_a, length_b, max_tokens: int, rng: np.random.Generator):
    """Decides which tokens of two segments stay, when both together are too long.

    The law is that of BERT's released code: as long as there are more than `max_tokens`, one
    token is dropped from the longer segment (from B where both are equal), from its front or its
    back with equal odds. That is drawn here in closed form: the number that each segment loses is
    fixed by the lengths, and how many of these are at the front is binomial.

    Args:
        length_a: int or int array of any shape. Tokens in segment A.
        length_b: int or int array of the same shape. Tokens in segment B.
        max_tokens: int. Tokens that both may have together, without special tokens.
        rng: the generator that decides between front and back.

    Returns:
        `(start_a, stop_a, start_b, stop_b)`, int64 arrays of the given shape: token ranges that
        stay. Where nothing is too long they are the whole segments.

    Raises:
        ValueError: if `max_tokens` is below 2, which leaves no room for a token of each.
    """
    if max_tokens < 2:
        raise ValueError(
            "`max_tokens` must be at least 2, one token of each segment. "
            f"Received: max_tokens={max_tokens}. Use a longer `sequence_length`."
        )
    length_a, length_b = np.asarray(length_a, np.int64), np.asarray(length_b, np.int64)
    excess = np.maximum(length_a + length_b - max_tokens, 0)
    drop_a = np.minimum(np.maximum(length_a - length_b, 0), excess)
    drop_b = np.minimum(np.maximum(length_b - length_a, 0), excess)
    shared = excess - drop_a - drop_b
    drop_a, drop_b = drop_a + shared // 2, drop_b + (shared + 1) // 2
    start_a, start_b = rng.binomial(drop_a, 0.5), rng.binomial(drop_b, 0.5)
    return start_a, start_a + length_a - drop_a, start_b, start_b + length_b - drop_b


@dataclasses.dataclass(frozen=True)
class SentencePairing(Objective):
    """Base class of the objectives about two segments: builds the segments of BERT.

    Sentences of one document are taken until a target length is reached, and cut in two at a
    random sentence. What becomes of the two parts is decided by `arrange`, which an objective
    defines. (Devlin et al. 2019, arXiv 1810.04805, section A.2, and the released
    `create_pretraining_data.py`.)

    Args:
        short_sequence_probability: probability that an example is built to a random length of
            2 tokens or more instead of the full one, so that the model also meets short texts.

    Attributes:
        label_names: what the labels 0 and 1 mean, for people.
    """

    short_sequence_probability: float = 0.1

    label_names: ClassVar[tuple[str, str]]
    inputs = (features.TOKEN_IDS, features.SEGMENT_IDS, features.PADDING_MASK)
    targets = (features.SENTENCE_LABELS,)
    sentence_head: ClassVar[str]

    def __post_init__(self):
        if not 0.0 <= self.short_sequence_probability <= 1.0:
            raise ValueError(
                "`short_sequence_probability` must be a probability between 0 and 1. "
                f"Received: short_sequence_probability={self.short_sequence_probability}."
            )

    @property
    def pairing(self) -> "SentencePairing":
        return self

    def arrange(
        self, first: Segment, second: Segment | None, rng: np.random.Generator
    ) -> tuple[Segment, Segment | None, int]:
        """Decides what the two parts of a chunk become.

        Args:
            first: the sentences before the cut.
            second: the sentences after it, or None if the chunk is a single sentence.
            rng: the generator of the document.

        Returns:
            `(a, b, label)`, where `b` None stands for text of another document.
        """
        raise NotImplementedError

    def plan(
        self,
        sentence_lengths: Sequence[np.ndarray],
        document: int,
        sequence_length: int,
        rng: np.random.Generator,
    ) -> list[Pair]:
        """Plans the examples of one pass over one document.

        Only lengths are looked at, so that a corpus need not be in memory. Pairs may be longer
        than an example: `truncate_pair` cuts them when the example is assembled.

        Args:
            sentence_lengths: for each document of the corpus the number of tokens of each of its
                sentences, 1 or more: integer array of shape (sentences,).
            document: int. Index of the document to plan.
            sequence_length: int. Tokens in an example, with the three special tokens.
            rng: the generator of this document and epoch.

        Returns:
            List of `Pair`, in the order of the text. Every sentence is in at least one of them.

        Raises:
            ValueError: if `sequence_length` is below 5 (three special tokens and one token of
                each segment), or the document does not exist or has an empty sentence.
        """
        if sequence_length < SPECIAL_TOKENS_OF_A_PAIR + 2:
            raise ValueError(
                "`sequence_length` must leave room for three special tokens and one token of each "
                f"segment. Received: sequence_length={sequence_length}. Use at least 5."
            )
        if not 0 <= document < len(sentence_lengths):
            raise ValueError(
                f"`document` must be the index of one of the {len(sentence_lengths)} documents. "
                f"Received: document={document}."
            )
        lengths = np.asarray(sentence_lengths[document]).tolist()
        if min(lengths, default=1) < 1:
            raise ValueError(
                "Every sentence must have a token. Received: sentence_lengths with a length of "
                f"{min(lengths)} in document {document}. Leave empty sentences out."
            )
        pairs = []
        start = 0
        while start < len(lengths):
            target = self._draw_target(sequence_length - SPECIAL_TOKENS_OF_A_PAIR, rng)
            stop = fill_segment(lengths, start, target)
            # A single sentence is the first part alone.
            cut = start + 1 + (draw_index(rng, stop - start - 1) if stop > start + 2 else 0)
            first = Segment(document, start, cut)
            second = Segment(document, cut, stop) if cut < stop else None
            a, b, label = self.arrange(first, second, rng)
            start = stop
            if b is None:
                room = target - sum(lengths[a.start : a.stop])
                b = draw_segment(sentence_lengths, document, room, rng)
                start = cut  # the sentences after the cut were not used: they begin the next one
            pairs.append(Pair(*a, *b, label))
        return pairs

    def _draw_target(self, max_tokens: int, rng: np.random.Generator) -> int:
        if rng.random() < self.short_sequence_probability:
            return 2 + draw_index(rng, max_tokens - 1)
        return max_tokens


def fill_segment(lengths: Sequence[int], start: int, max_tokens: int) -> int:
    """Index after the last sentence, when sentences from `start` on are taken up to `max_tokens`.

    The sentence that reaches `max_tokens` is taken whole; one sentence is always taken.
    """
    total = 0
    for stop in range(start, len(lengths)):
        total += lengths[stop]
        if total >= max_tokens:
            return stop + 1
    return len(lengths)


def draw_segment(
    sentence_lengths: Sequence[np.ndarray], document: int, max_tokens: int, rng: np.random.Generator
) -> Segment:
    """Draws sentences of another document, from a random one on, up to `max_tokens`.

    Ten draws at most are made to find another document than `document`, as in BERT's released
    code: in a corpus of a single document the segment comes from that document.

    Raises:
        ValueError: if the document drawn has no sentences.
    """
    for _ in range(_DRAWS_OF_ANOTHER_DOCUMENT):
        other = draw_index(rng, len(sentence_lengths))
        if other != document:
            break
    lengths = sentence_lengths[other]
    if len(lengths) == 0:
        raise ValueError(
            "Every document must have a sentence, a random second segment is taken from any. "
            f"Received: sentence_lengths[{other}] is empty. Leave empty documents out."
        )
    start = draw_index(rng, len(lengths))
    return Segment(other, start, fill_segment(lengths, start, max_tokens))
