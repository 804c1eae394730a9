"""From planned examples to the arrays of a batch.

A plan says which tokens of which documents make an example, without looking at any text; a batch is
assembled from a few rows of it.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from zoo.data import features
from zoo.objectives.rows import ranges
from zoo.objectives.sentence_pairs import SPECIAL_TOKENS_OF_A_PAIR, truncate_pair

# `[CLS] text [SEP]`
SPECIAL_TOKENS_OF_A_BLOCK = 2
# Pairs from which on it is said that there is nothing to learn: so many, and such a share of them with one label.
_MANY_PAIRS, _ONE_SIDED = 100, 0.95


@dataclass(frozen=True)
class Spans:
    """Stretches of documents that are put one after the other into the rows of a batch.

    Attributes:
        rows: int array (spans,), row of the batch, ascending.
        segments: int array (spans,), 0 or 1, ascending in a row.
        documents: int array (spans,).
        starts: int array (spans,), first token in the document.
        stops: int array (spans,), the token after the last; never before `starts`.
        closes: bool array (spans,), whether an end token follows; one does after the last span of a segment.
    """

    rows: np.ndarray
    segments: np.ndarray
    documents: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    closes: np.ndarray


class BlockPlan:
    """An epoch of full blocks: all documents in a new order, end to end, cut after every so many tokens.

    An end token stands between two documents, besides the one at the end of every block. (Liu et al. 2019, arXiv
    1907.11692, section 4.2, FULL-SENTENCES: an input may cross documents, with an extra separator between them.
    Here it may also begin and end within a sentence.)

    Every block is full and every token in at most one; fewer than a block's tokens remain over, some before
    the first block so that blocks begin elsewhere in every epoch. Text that does not fill one block is one
    shorter example.

    Args:
        token_counts: int array (documents,).
        sequence_length: int, tokens of an example, the two special ones included.
        rng: generator of the epoch.
        separate: bool, whether an end token stands between two documents. Without it one follows the other, as
            in T5 (Raffel et al. 2020, arXiv 1910.10683, released code), so that an end token ends an example.
    """

    def __init__(self, token_counts: np.ndarray, sequence_length: int, rng: np.random.Generator, separate: bool = True):
        self._size = sequence_length - SPECIAL_TOKENS_OF_A_BLOCK
        self._separate = separate
        self._order = rng.permutation(len(token_counts))
        self._counts = token_counts[self._order].astype("int64")
        # Where documents begin, each with its separator after it; what is last is not between two.
        self._begins = np.concatenate([[0], np.cumsum(self._counts[:-1] + separate)])  # (documents,)
        self._total = self._begins[-1] + self._counts[-1]
        blocks = max(1, self._total // self._size)
        shift = rng.integers(0, max(0, self._total - blocks * self._size), endpoint=True)
        self._starts = shift + self._size * rng.permutation(blocks)

    def __len__(self):
        return len(self._starts)

    def spans(self, examples: np.ndarray, rng: np.random.Generator) -> Spans:
        """The spans of some examples.

        Args:
            examples: int array (batch,), numbers below `len(self)`.
            rng: not used, blocks need no truncation.

        Returns:
            `Spans`.
        """
        start = self._starts[examples]  # (batch,)
        stop = np.minimum(start + self._size, self._total)
        first = np.searchsorted(self._begins, start, side="right") - 1
        last = np.searchsorted(self._begins, stop, side="right") - 1
        count = last - first + 1
        rows = np.repeat(np.arange(len(examples)), count)  # (spans,)
        end = np.cumsum(count)
        place = np.arange(len(rows)) - np.repeat(end - count, count) + first[rows]
        closes = np.zeros(len(rows), bool)
        closes[end - 1] = True
        begin, tokens = self._begins[place], self._counts[place]
        return Spans(
            rows=rows,
            segments=np.zeros_like(rows),
            documents=self._order[place],
            starts=np.clip(start[rows] - begin, 0, tokens),
            stops=np.clip(stop[rows] - begin, 0, tokens),
            closes=closes | (self._separate & (stop[rows] > begin + tokens)),
        )


class PairPlan:
    """An epoch of sentence pairs, in random order.

    Args:
        sentence_lengths: `zoo.data.corpus.SentenceLengths`.
        pairing: the part of an objective that plans pairs.
        sequence_length: int, tokens of an example, the three special ones included.
        rng: generator of the epoch.
    """

    def __init__(self, sentence_lengths, pairing, sequence_length: int, rng: np.random.Generator):
        self._room = sequence_length - SPECIAL_TOKENS_OF_A_PAIR
        self._offsets = sentence_lengths.offsets
        self._ends = sentence_lengths.token_ends
        planned = [
            np.array(pairs, "int32")
            for document in range(len(sentence_lengths))
            if (pairs := pairing.plan(sentence_lengths, document, sequence_length, rng))
        ]
        pairs = np.concatenate([np.empty((0, 7), "int32"), *planned])
        self._pairs = pairs[rng.permutation(len(pairs))]  # (examples, 7)

    def __len__(self):
        return len(self._pairs)

    def labels(self, examples: np.ndarray) -> np.ndarray:
        """int32 array (batch,), what is asked of each pair."""
        return self._pairs[examples, 6]

    def warn_of_one_answer(self, pairing) -> None:
        """Warn if the pairs that a `pairing` planned teach nothing, because nearly all have the same label."""
        counts = np.bincount(self._pairs[:, 6], minlength=len(pairing.label_names))
        if len(self) >= _MANY_PAIRS and counts.max() > _ONE_SIDED * len(self):
            warnings.warn(
                f"{counts.max():,} of {len(self):,} pairs have the label "
                f"{pairing.label_names[int(counts.argmax())]!r}: "
                f"{type(pairing).__name__} needs documents of several sentences, and examples that hold some. An empty "
                "line in a file, and the next string in a list, begin a new document.",
                stacklevel=3,
            )

    def spans(self, examples: np.ndarray, rng: np.random.Generator) -> Spans:
        """The spans of some examples, cut to the length of an example.

        Args:
            examples: int array (batch,), numbers below `len(self)`.
            rng: decides at which side a pair that is too long loses tokens.

        Returns:
            `Spans`, two a row.
        """
        document_a, start_a, stop_a, document_b, start_b, stop_b, _ = self._pairs[examples].T
        first_a, length_a = self._tokens(document_a, start_a, stop_a)
        first_b, length_b = self._tokens(document_b, start_b, stop_b)
        cut_a, end_a, cut_b, end_b = truncate_pair(length_a, length_b, self._room, rng)
        rows = np.arange(len(examples))
        return Spans(
            rows=np.repeat(rows, 2),
            segments=np.tile([0, 1], len(rows)),
            documents=np.stack([document_a, document_b], axis=1).ravel(),
            starts=np.stack([first_a + cut_a, first_b + cut_b], axis=1).ravel(),
            stops=np.stack([first_a + end_a, first_b + end_b], axis=1).ravel(),
            closes=np.ones(2 * len(rows), bool),
        )

    def _tokens(self, document, start, stop):
        """First token (in the document) and number of tokens of a range of sentences."""
        sentence = self._offsets[document]
        first = self._ends[sentence + start]
        return first - self._ends[sentence], self._ends[sentence + stop] - first


def assemble(spans: Spans, corpus, vocabulary, batch_size: int, sequence_length: int) -> dict[str, np.ndarray]:
    """Put the tokens of spans into rows: `[CLS] A [SEP]`, or `[CLS] A [SEP] B [SEP]` with one or two segments.

    Args:
        spans: `Spans` that fit into the rows.
        corpus: documents by number, see `zoo.data.corpus`.
        vocabulary: `zoo.objectives.Vocabulary`.
        batch_size: int, number of rows.
        sequence_length: int.

    Returns:
        dict of arrays (batch_size, sequence_length): `token_ids`, `segment_ids`, `padding_mask`, `word_starts` and
        `sentence_starts`; a special token begins a word of its own, and the first token of a segment a word and
        a sentence.
    """
    lengths = spans.stops - spans.starts
    sizes = lengths + spans.closes
    before = np.cumsum(sizes) - sizes
    first_of_row = np.searchsorted(spans.rows, np.arange(batch_size))  # (batch,)
    columns = 1 + before - before[first_of_row][spans.rows]  # (spans,)
    shape = (batch_size, sequence_length)
    token_ids = np.full(shape, vocabulary.pad_id, "int32")
    word_starts = np.ones(shape, bool)
    token_ids[:, 0] = vocabulary.start_id
    table = np.stack([spans.rows, columns, columns + lengths, spans.documents, spans.starts, spans.stops], axis=1)
    for row, column, end, document, start, stop in table.tolist():
        found = corpus[document]
        token_ids[row, column:end] = found.token_ids[start:stop]
        word_starts[row, column:end] = found.word_starts[start:stop]
    token_ids[spans.rows[spans.closes], (columns + lengths)[spans.closes]] = vocabulary.end_id
    opens = np.diff(spans.rows * 2 + spans.segments, prepend=-1) != 0
    word_starts[spans.rows[opens], columns[opens]] = True
    sentence_starts = np.zeros(shape, bool)
    sentence_starts[spans.rows[opens], columns[opens]] = True
    sentence_starts[_find_sentences(spans, columns, corpus.sentence_lengths)] = True
    last = np.append(opens[1:], True)
    ends = np.zeros((2, batch_size), "int64")
    ends[spans.segments[last], spans.rows[last]] = (columns + sizes)[last]
    positions = np.arange(sequence_length)  # (length,)
    real = positions < ends.max(axis=0)[:, None]  # (batch, length)
    return {
        features.TOKEN_IDS: token_ids,
        features.SEGMENT_IDS: (real & (positions >= ends[0][:, None])).astype("int32"),
        features.PADDING_MASK: real.astype("int32"),
        features.WORD_STARTS: word_starts,
        features.SENTENCE_STARTS: sentence_starts,
    }


def _find_sentences(spans: Spans, columns: np.ndarray, sentence_lengths) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the tokens that begin a sentence; `columns` (spans,) are where the spans begin."""
    ends = sentence_lengths.token_ends
    before = ends[sentence_lengths.offsets[spans.documents]]  # (spans,), tokens of the corpus before the document
    first = np.searchsorted(ends, before + spans.starts)
    counts = np.searchsorted(ends, before + spans.stops) - first
    found = ends[ranges(first, counts)]  # (sentences,)
    return np.repeat(spans.rows, counts), found + np.repeat(columns - before - spans.starts, counts)
