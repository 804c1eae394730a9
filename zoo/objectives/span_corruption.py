"""Span corruption, T5's objective: spans of a text become sentinels, and the target says what each stands for."""

import dataclasses

import numpy as np

from zoo.objectives.denoising import check_share
from zoo.objectives.rows import first_columns
from zoo.objectives.selection import choose_tokens
from zoo.objectives.text_to_text import Rows, Texts, TextToText, num_noise
from zoo.objectives.vocabulary import Vocabulary


class _Sentinels(TextToText):
    """Base class: hidden spans become sentinels in the input, and the target is the sentinels with their spans.

    The sentinel `<extra_id_k>` stands for the span `k` of a text, from 0 on, and is before its tokens in the target.
    Behind the last span there is a closing sentinel if, and only if, text follows it, as in figure 2 of Raffel et
    al. (2020).
    """

    def num_sentinels(self, num_tokens: int) -> int:
        """Sentinels that a text of at most so many tokens can need."""
        raise NotImplementedError

    def hide(self, counts: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
        """bool array (batch, width): True for the tokens to hide, of texts with `counts` (batch,) tokens."""
        raise NotImplementedError

    def check_vocabulary(self, vocabulary, block_length):
        needed = self.num_sentinels(block_length - 2)
        if len(vocabulary.sentinel_ids) < needed:
            raise ValueError(
                f"Texts of {block_length - 2} tokens need {needed} sentinels with {self!r}. Received: a vocabulary "
                f"with {len(vocabulary.sentinel_ids)}. Use `tokenizer.with_sentinels({needed})`, fewer or longer "
                "spans, or a shorter `sequence_length`."
            )

    def split(self, texts, vocabulary, rng):
        return replace_spans(texts, self.hide(texts.counts, texts.token_ids.shape[1], rng), vocabulary)


@dataclasses.dataclass(frozen=True)
class SpanCorruption(_Sentinels):
    """T5's span corruption: a fixed number of spans of random lengths becomes sentinels.

    Of `n` tokens exactly `round(rate * n)` are hidden, at least 1 and at most `n - 1`, in exactly
    `round(hidden / mean_span_length)` spans, at least 1 and with text between any two. All ways to cut the hidden
    tokens into spans are equally likely, and so are those for the text between them. (Raffel et al. 2020, arXiv
    1910.10683, section 3.3.4; released code, `random_spans_noise_mask`.) A text of one token stays as it is.

    As in the released code, a text begins with a token that stays and ends with a hidden span, so that its first
    token is never said, and a short text has its one span at the end; the target needs no closing sentinel. With
    `anywhere=True` a text may also begin with a span, or end with text and have a closing sentinel.

    An example holds as much text as makes an input of `sequence_length` tokens: 568 tokens for 512, with 114 of
    target, at the default rate and mean.

    Args:
        rate: share of the tokens to hide, above 0, below 1.
        mean_span_length: mean number of tokens in a span, at least 1.
        anywhere: whether a text may begin with a span and end with text.

    Raises:
        ValueError: if a number is out of its range; when called, if the vocabulary has too few sentinels.

    Example:

    >>> from zoo.objectives import Vocabulary
    >>> vocabulary = Vocabulary(97, 0, 1, 2, 3, special_ids=(0, 1, 2, 3, 95, 96), sentinel_ids=(96, 95))
    >>> token_ids = np.array([[1, 11, 12, 13, 14, 15, 16, 17, 2]], "int32")
    >>> batch = {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)}
    >>> noisy = SpanCorruption(rate=0.4, mean_span_length=1.5)(batch, vocabulary, np.random.default_rng(0))
    >>> for name in ("encoder_token_ids", "decoder_token_ids", "target_ids"):
    ...     print(name, noisy[name][0])
    encoder_token_ids [11 12 13 96 16 95  2]
    decoder_token_ids [ 0 96 14 15 95 17]
    target_ids [96 14 15 95 17  2]
    """

    rate: float = 0.15
    mean_span_length: float = 3.0
    anywhere: bool = False

    def __post_init__(self):
        check_share(self.rate, below_one=True)
        if self.mean_span_length < 1.0:
            raise ValueError(
                f"`mean_span_length` must be at least 1. Received: mean_span_length={self.mean_span_length}."
            )

    def _count(self, counts):
        """Tokens to hide and spans, of texts with `counts` tokens: of an int two ints, of an array two arrays."""
        hidden = num_noise(self.rate, counts, np.maximum(np.asarray(counts) - 1, 0))
        spans = np.maximum(np.minimum(hidden, 1), np.rint(hidden / self.mean_span_length))
        return hidden, np.minimum(spans, counts - hidden).astype(np.int64)

    def lengths(self, num_tokens):
        hidden, spans = map(int, self._count(num_tokens))
        return num_tokens - hidden + spans + 1, hidden + spans + 1 + self.anywhere

    def num_tokens(self, sequence_length):
        number = super().num_tokens(sequence_length)
        # Half of an odd number: the released code makes the target no longer than the input.
        read, said = self.lengths(number)
        return number - 1 if self.rate == 0.5 and said - self.anywhere > read else number

    def num_sentinels(self, num_tokens):
        return int(self._count(num_tokens)[1]) + self.anywhere

    def hide(self, counts, width, rng):
        hidden, spans = self._count(counts)
        return draw_spans(counts, hidden, spans, width, rng, self.anywhere)


@dataclasses.dataclass(frozen=True)
class ReplaceSpans(_Sentinels):
    """T5's first objective: tokens are chosen one by one, and those that are neighbours are one span.

    Of `n` tokens exactly `round(rate * n)` are hidden, at least 1 and at most `n - 1`, uniformly; each stretch of
    them becomes one sentinel. (Raffel et al. 2020, arXiv 1910.10683, section 3.3.2, "replace corrupted spans", where
    every token is hidden with a probability.) A text may begin with a span; if it ends with text, the target has a
    closing sentinel. A text of one token stays as it is.

    Args:
        rate: share of the tokens to hide, above 0, below 1.

    Raises:
        ValueError: if `rate` is no share; when called, if the vocabulary has fewer sentinels than there can be spans.
    """

    rate: float = 0.15

    def __post_init__(self):
        check_share(self.rate, below_one=True)

    def _num_hidden(self, counts):
        return num_noise(self.rate, counts, np.maximum(np.asarray(counts) - 1, 0))

    def lengths(self, num_tokens):
        hidden = int(self._num_hidden(num_tokens))
        spans = min(hidden, num_tokens - hidden + 1)
        return num_tokens - hidden + spans + 1, hidden + self.num_sentinels(num_tokens) + 1

    def num_sentinels(self, num_tokens):
        hidden = int(self._num_hidden(num_tokens))
        # With as many spans as tokens that stay there may be text behind the last one, with more there is not.
        return min(hidden, num_tokens - hidden) + 1 if hidden else 0

    def hide(self, counts, width, rng):
        return choose_tokens(first_columns(counts, width), self._num_hidden(counts), rng)


def replace_spans(texts: Texts, hidden: np.ndarray, vocabulary: Vocabulary) -> tuple[Rows, Rows]:
    """The inputs and the targets of texts of which some stretches are hidden.

    Args:
        texts: the texts.
        hidden: bool array (batch, width), True for tokens to hide.
        vocabulary: a vocabulary with enough sentinels.
    """
    sentinels = np.array(vocabulary.sentinel_ids, np.int32)
    begins = hidden.copy()  # (batch, width), True at the first token of a span
    begins[:, 1:] &= ~hidden[:, :-1]
    rows = np.divmod(np.flatnonzero(begins), max(begins.shape[1], 1))[0]  # (spans,)
    spans = begins.sum(axis=1)  # (batch,)
    number = np.arange(len(rows)) - (np.cumsum(spans) - spans)[rows]
    shown = texts.token_ids.copy()
    shown[begins] = sentinels[number]
    inputs = Rows.where(shown, texts.real & (~hidden | begins))

    sizes = hidden.sum(axis=1)
    last = np.take_along_axis(hidden, np.maximum(texts.counts - 1, 0)[:, None], axis=1)[:, 0]
    closes = (spans > 0) & ~last
    counts = sizes + spans + closes  # (batch,)
    # A hidden token comes after all hidden ones before it, and after all sentinels up to that of its own span.
    ahead = np.cumsum(begins[hidden]) + np.repeat(np.cumsum(closes) - closes, sizes)
    places = np.arange(len(ahead)) + ahead
    said = np.empty(counts.sum(), np.int32)
    said[places] = texts.token_ids[hidden]
    said[places[begins[hidden]] - 1] = sentinels[number]
    said[np.cumsum(counts)[closes] - 1] = sentinels[spans[closes]]
    return inputs, Rows(said, counts)


def draw_spans(counts, hidden, spans, width: int, rng: np.random.Generator, anywhere: bool) -> np.ndarray:
    """Draws which tokens of texts are hidden, in exact numbers of tokens and spans.

    Args:
        counts: int array (batch,), tokens of each text.
        hidden: int array (batch,), tokens to hide.
        spans: int array (batch,), spans to hide them in; text is between any two.
        width: int, tokens of the longest text.
        rng: the generator.
        anywhere: whether a text may begin with a span and end with text.

    Returns:
        bool array (batch, width).
    """
    kept = counts - hidden
    if anywhere:  # a span may be in any gap: before each token that stays, or behind the last
        gaps = choose_tokens(first_columns(kept + 1, width + 1), spans, rng)
    else:  # not in the first gap, and one in the last
        inner = first_columns(kept, width + 1)
        inner[:, 0] = False
        gaps = choose_tokens(inner, np.maximum(spans - 1, 0), rng)
        rows = np.flatnonzero(spans)
        gaps[rows, kept[rows]] = True
    rows, gap = np.divmod(np.flatnonzero(gaps), width + 1)  # (spans of all texts,)
    sizes = _draw_sizes(hidden, spans, rng)
    starts = (np.cumsum(counts) - counts)[rows] + gap + _sums_before(sizes, spans)
    edges = np.zeros(counts.sum() + 1, np.int8)  # of all texts end to end
    edges[starts] += 1
    edges[starts + sizes] -= 1
    mask = np.zeros((len(counts), width), bool)
    mask[first_columns(counts, width)] = np.cumsum(edges[:-1], dtype=np.int8).astype(bool)
    return mask


def _draw_sizes(hidden, spans, rng):
    """Tokens of each span, at least 1, all ways to cut `hidden` (batch,) being equally likely: int (spans of all,)."""
    inner = first_columns(hidden, max(hidden.max(initial=0), 1))
    inner[:, 0] = False
    begins = choose_tokens(inner, np.maximum(spans - 1, 0), rng)
    begins[:, 0] = spans > 0
    rows, first = np.divmod(np.flatnonzero(begins), begins.shape[1])
    last = np.append(rows[1:] != rows[:-1], True)[: len(rows)]
    return np.where(last, hidden[rows], np.append(first[1:], 0)[: len(rows)]) - first


def _sums_before(sizes, per_row):
    """For each of the sizes, which are end to end, the sum of those before it in its row."""
    before = np.cumsum(sizes) - sizes
    first = np.minimum(np.cumsum(per_row) - per_row, max(len(sizes) - 1, 0))
    return before - np.repeat(before[first] if len(sizes) else first, per_row)
