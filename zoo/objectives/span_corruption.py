"""Span corruption, T5's objective: spans of a text become sentinels, and the target says what each stands for."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from zoo.objectives.denoising import check_share
from zoo.objectives.replacing import check_numbers
from zoo.objectives.rows import flatten, ranges
from zoo.objectives.selection import choose_places, choose_tokens
from zoo.objectives.text_to_text import Rows, TextToText, num_noise
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

    def hide(self, texts: Rows, rng: np.random.Generator) -> "Spans":
        """Draws the spans to hide."""
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
        return replace_spans(texts, self.hide(texts, rng), vocabulary)


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
    encoder_token_ids [11 12 96 14 15 95  2]
    decoder_token_ids [ 0 96 13 95 16 17]
    target_ids [96 13 95 16 17  2]
    """

    rate: float = 0.15
    mean_span_length: float = 3.0
    anywhere: bool = False

    def __post_init__(self):
        check_share(self.rate, below_one=True)
        check_numbers(mean_span_length=self.mean_span_length)
        if not 1.0 <= self.mean_span_length < math.inf:
            raise ValueError(
                f"`mean_span_length` must be finite and at least 1. Received: mean_span_length={self.mean_span_length}."
            )

    def count(self, counts):
        """Tokens to hide and spans, of texts with `counts` tokens: of an int two ints, of an array two arrays."""
        hidden = num_noise(self.rate, counts, least_kept=1)
        if isinstance(counts, int):
            return hidden, min(max(round(hidden / self.mean_span_length), min(hidden, 1)), counts - hidden)
        spans = np.maximum(np.rint(hidden / self.mean_span_length).astype(np.int64), np.minimum(hidden, 1))
        return hidden, np.minimum(spans, counts - hidden)

    def lengths(self, num_tokens):
        hidden, spans = self.count(num_tokens)
        return num_tokens - hidden + spans + 1, hidden + spans + 1 + self.anywhere

    def num_tokens(self, sequence_length):
        number = super().num_tokens(sequence_length)
        # Half of an odd number: the released code makes the target no longer than the input.
        read, said = self.lengths(number)
        return number - 1 if self.rate == 0.5 and said - self.anywhere > read else number

    def num_sentinels(self, num_tokens):
        return self.count(num_tokens)[1] + self.anywhere

    def hide(self, texts, rng):
        return draw_spans(texts.counts, *self.count(texts.counts), rng, self.anywhere)


@dataclasses.dataclass(frozen=True, eq=False)
class SpansByRow(_Sentinels):
    """Span corruption of another kind for every row, drawn for all rows at once; for `Mixture`.

    Args:
        parts: the kinds, alike in `anywhere`.
        kinds: int array (batch,), the kind of each row.
    """

    parts: tuple[SpanCorruption, ...]
    kinds: np.ndarray

    @classmethod
    def of(cls, parts, kinds: np.ndarray) -> TextToText:
        """What does the work of `parts` for rows of these `kinds` (batch,): the part itself, if there is one."""
        return parts[0] if len(parts) == 1 else cls(tuple(parts), kinds)

    def lengths(self, num_tokens):
        read, said = zip(*(part.lengths(num_tokens) for part in self.parts), strict=True)
        return max(read), max(said)

    def num_sentinels(self, num_tokens):
        return max(part.num_sentinels(num_tokens) for part in self.parts)

    def hide(self, texts, rng):
        numbers = np.array([part.count(texts.counts) for part in self.parts])  # (parts, 2, batch)
        hidden, spans = numbers[self.kinds, :, np.arange(len(self.kinds))].T
        return draw_spans(texts.counts, hidden, spans, rng, self.parts[0].anywhere)


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

    def lengths(self, num_tokens):
        hidden = num_noise(self.rate, num_tokens, least_kept=1)
        spans = min(hidden, num_tokens - hidden + 1)
        return num_tokens - hidden + spans + 1, hidden + self.num_sentinels(num_tokens) + 1

    def num_sentinels(self, num_tokens):
        hidden = num_noise(self.rate, num_tokens, least_kept=1)
        # With as many spans as tokens that stay there may be text behind the last one, with more there is not.
        return min(hidden, num_tokens - hidden) + 1 if hidden else 0

    def hide(self, texts, rng):
        hidden = choose_tokens(texts.columns(), num_noise(self.rate, texts.counts, least_kept=1), rng)
        tokens = np.flatnonzero(flatten(hidden, texts.counts))
        ends = np.cumsum(texts.counts)
        # A span begins behind a token that stays, and where a text begins.
        begins = np.diff(tokens, prepend=-2) != 1
        firsts = np.searchsorted(tokens, ends - texts.counts)
        begins[firsts[firsts < len(tokens)]] = True
        places = np.flatnonzero(begins)
        per_text = np.diff(np.searchsorted(tokens[places], ends), prepend=0)
        return Spans(tokens[places], np.diff(places, append=len(tokens)), per_text)


class Spans(NamedTuple):
    """Stretches of texts that lie end to end.

    Attributes:
        starts: int array (spans of all texts,), ascending, the first token, counted through all texts.
        sizes: int array (spans of all texts,), tokens, at least 1.
        per_text: int array (batch,), spans of each text.
    """

    starts: np.ndarray
    sizes: np.ndarray
    per_text: np.ndarray


def replace_spans(texts: Rows, spans: Spans, vocabulary: Vocabulary) -> tuple[Rows, Rows]:
    """The inputs and the targets of texts of which some spans are hidden.

    Args:
        texts: the texts.
        spans: the spans; text is between any two of the same text.
        vocabulary: a vocabulary with enough sentinels.
    """
    sentinels = np.array(vocabulary.sentinel_ids, np.int32)
    starts, sizes, per_text = spans
    last = np.cumsum(per_text)  # (batch,), counts of spans up to the last of each text
    rows = np.repeat(np.arange(len(per_text)), per_text)  # (spans,)
    number = np.arange(len(rows)) - (last - per_text)[rows]
    ends = np.concatenate([[0], np.cumsum(sizes)])  # (spans + 1,), hidden tokens up to each
    hidden = np.diff(ends[last], prepend=0)  # (batch,)
    tokens = ranges(starts, sizes)  # (hidden tokens,)
    # The sentinel is in the place of the first token of its span, and the others are gone.
    shown, stays = texts.token_ids.copy(), np.ones(len(texts.token_ids), bool)
    stays[tokens] = False
    stays[starts] = True
    shown[starts] = sentinels[number]
    inputs = Rows(shown, texts.counts, texts.width).take(np.flatnonzero(stays), texts.counts - hidden + per_text)
    # In the target a span comes after its sentinel, and behind the last one a sentinel if text follows.
    some = per_text > 0
    closes = np.zeros(len(per_text), bool)
    closes[some] = (starts + sizes)[last[some] - 1] < np.cumsum(texts.counts)[some]
    counts = hidden + per_text + closes
    names = ends[:-1] + np.arange(len(rows)) + (np.cumsum(closes) - closes)[rows]  # (spans,), their places
    said = np.empty(counts.sum(), np.int32)
    said[names] = sentinels[number]
    said[tokens + np.repeat(names + 1 - starts, sizes)] = texts.token_ids[tokens]
    said[np.cumsum(counts)[closes] - 1] = sentinels[per_text[closes]]
    return inputs, Rows(said, counts, texts.width)


def draw_spans(counts, hidden, per_text, rng: np.random.Generator, anywhere: bool) -> Spans:
    """Draws which tokens of texts are hidden, in exact numbers of tokens and spans.

    Args:
        counts: int array (batch,), tokens of each text.
        hidden: int array (batch,), tokens to hide.
        per_text: int array (batch,), spans to hide them in; text is between any two.
        rng: the generator.
        anywhere: whether a text may begin with a span and end with text.
    """
    kept = counts - hidden
    if anywhere:  # a span may be in any gap: before each token that stays, or behind the last
        gaps = choose_places(kept + 1, per_text, kept.max(initial=0) + 1, rng)
        rows, gap = np.divmod(np.flatnonzero(gaps), gaps.shape[1])  # (spans of all texts,)
    else:  # between two tokens that stay, and one behind the last
        rows, gap = _cut(kept, per_text, rng)
    hidden_ends = _cut(hidden, per_text, rng)[1]  # hidden tokens of the text up to the end of each span
    sizes = np.diff((np.cumsum(hidden) - hidden)[rows] + hidden_ends, prepend=0)
    return Spans((np.cumsum(counts) - counts)[rows] + gap + hidden_ends - sizes, sizes, per_text)


def _cut(total, parts, rng):
    """Cuts `total` (batch,) things into parts that are not empty, all ways to do so being equally likely.

    Returns:
        `(rows, ends)`, int arrays (parts of all rows,): the row of each part, and how many things of its row are up
        to its end.
    """
    ends = choose_places(np.maximum(total - 1, 0), np.maximum(parts - 1, 0), total.max(initial=1), rng)
    some = np.flatnonzero(parts)
    ends[some, total[some] - 1] = True
    rows, last = np.divmod(np.flatnonzero(ends), ends.shape[1])
    return rows, last + 1
