"""Text infilling, BART's noise: spans of text, each behind one mask that does not tell how long it is."""

import dataclasses

import numpy as np

from zoo.data import features
from zoo.objectives.denoising import check_share, share_of
from zoo.objectives.noises import INFILLING, Noise, find_runs, text_mask
from zoo.objectives.replacing import check_random_rate, replace_tokens
from zoo.objectives.rows import fill, first_columns, flatten, ranges
from zoo.objectives.selection import shuffle_positions

_UNITS = ("token", "whole_word")
_LEAST_MEAN = 0.1
# Where fairseq cuts the law off.
_LONGEST, _LEAST_PROBABILITY = 127, 1e-7


def poisson_law(mean: float) -> np.ndarray:
    """Probabilities of 0, 1, 2, ... by the law of Poisson, cut off at 127 or below 1e-7 (fairseq, released code)."""
    numbers = np.arange(1, _LONGEST + 1)
    law = np.exp(np.concatenate([[0.0], np.cumsum(np.log(mean / numbers))]) - mean)
    too_rare = (law < _LEAST_PROBABILITY) & (np.arange(_LONGEST + 1) > mean)
    law = law[: np.argmax(too_rare)] if too_rare.any() else law
    return law / law.sum()


@dataclasses.dataclass(frozen=True)
class TextInfilling(Noise):
    """Text infilling: spans of a text, each replaced by one mask, whatever its length.

    Of `n` tokens exactly `ceil(rate * n)` are hidden. Lengths of spans are drawn from a law of Poisson until they
    reach this number; the last one is shortened to it. A span of no token hides nothing: its mask is inserted
    between two tokens. The spans lie anywhere and do not overlap, all arrangements being equally likely, so that
    there are as many masks as spans. (Lewis et al. 2020, arXiv 1910.13461, sections 2.2 and 5.1: rate 0.3, mean 3.
    The released command is said to use a mean of 3.5, words, and 0.1 random tokens. In fairseq spans may overlap and
    delete each other's masks; otherwise the rules are the same.)

    Where a text fills the batch and its spans hide hardly more tokens than they are, there may be no room for all
    masks of empty spans: those that do not fit are left out. A text without tokens stays as it is.

    Args:
        rate: share of the tokens to hide, above 0, at most 1.
        mean_span_length: mean of the law of Poisson, in units, at least 0.1.
        random_token_rate: probability that a span becomes a random token instead of the mask.
        unit: `"token"`, or `"whole_word"`: then `n`, the lengths of spans and the number to hide are in words,
            and the batch needs the feature `word_starts`.

    Raises:
        ValueError: if a number is out of its range or the unit is unknown.

    Example:

    >>> from zoo.objectives import Vocabulary
    >>> vocabulary = Vocabulary(97, pad_id=0, start_id=1, end_id=2, mask_id=3, special_ids=(0, 1, 2, 3))
    >>> token_ids = np.array([[1, 11, 12, 13, 14, 15, 16, 17, 2]], "int32")
    >>> batch = {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)}
    >>> noisy = TextInfilling(rate=0.5)(batch, vocabulary, np.random.default_rng(1))
    >>> noisy["encoder_token_ids"]
    array([[ 1, 11,  3, 13,  3, 17,  2,  0,  0]], dtype=int32)
    """

    rate: float = 0.3
    mean_span_length: float = 3.0
    random_token_rate: float = 0.0
    unit: str = "token"

    stage = INFILLING

    def __post_init__(self):
        check_share(self.rate)
        check_random_rate(self.random_token_rate)
        if not _LEAST_MEAN <= self.mean_span_length <= _LONGEST:
            raise ValueError(
                f"`mean_span_length` must lie between {_LEAST_MEAN} and {_LONGEST}. "
                f"Received: mean_span_length={self.mean_span_length}."
            )
        if self.unit not in _UNITS:
            raise ValueError(f"`unit` must be one of {_UNITS}. Received: unit={self.unit!r}.")

    def corrupt(self, batch, counts, vocabulary, rng):
        begins, sizes, per_row = self._find_units(batch, counts)
        budget = share_of(self.rate, per_row)
        spans, per_text = self._draw_spans(budget, batch[features.TOKEN_IDS].shape[1] - 2 - counts, rng)
        items = per_row - budget + per_text
        unit, hides = _arrange(spans, per_text, items, rng)  # (items,)
        if self.unit == "whole_word":
            # A mask shows no word, but is one token.
            word = np.where(hides, 0, unit)
            shown = np.where(hides, 1, sizes[word])
            ends = np.concatenate([[0], np.cumsum(shown)])[np.cumsum(items)]
            items = np.diff(ends, prepend=0)
            origin, hides = ranges(begins[word], shown), np.repeat(hides, shown)
        else:
            origin = begins.take(unit, mode="clip")  # a span may begin behind the last token
        return self._write(batch, origin, hides, items, vocabulary, rng)

    def _find_units(self, batch, counts):
        text = text_mask(counts, batch[features.TOKEN_IDS].shape[1])
        if self.unit == "token":
            return np.flatnonzero(text), None, counts
        if features.WORD_STARTS not in batch:
            raise ValueError(
                f"unit={self.unit!r} needs the feature `word_starts`. Received: batch with {sorted(batch)}. Prepare "
                'the corpus with a tokenizer of `zoo.tokenizers`, or use unit="token".'
            )
        return find_runs(text, batch[features.WORD_STARTS])

    def _draw_spans(self, budget, free, rng):
        """Lengths of the spans of each text: int array (batch, most spans), and how many a text has (batch,)."""
        thresholds = np.cumsum(poisson_law(self.mean_span_length))[:-1]
        drawn = np.zeros((len(budget), 0), np.int64)
        while True:
            missing = (budget - drawn.sum(axis=1)).max(initial=0)
            if missing <= 0:
                break
            block = (len(budget), int(missing / self.mean_span_length * 1.2) + 7)
            more = np.searchsorted(thresholds, rng.random(block), side="right")
            drawn = np.concatenate([drawn, more], axis=1)  # (batch, draws)
        before = np.cumsum(drawn, axis=1) - drawn
        used = before < budget[:, None]
        lengths = np.minimum(drawn, budget[:, None] - before)
        # The room that a text has is what is free in the batch and what its own spans leave.
        empty = used & (lengths == 0)
        room = free + budget - (used & ~empty).sum(axis=1)
        used &= ~empty | (np.cumsum(empty, axis=1) <= room[:, None])
        per_text = used.sum(axis=1)
        spans = np.zeros((len(budget), per_text.max(initial=0)), np.int64)
        spans[first_columns(per_text, spans.shape[1])] = lengths[used]
        return spans, per_text

    def _write(self, batch, origin, hides, counts, vocabulary, rng):
        """The features, when texts have `counts` tokens, each the one at `origin`, or a mask where `hides` says so."""
        new_ids = batch[features.TOKEN_IDS].ravel().take(origin)  # (tokens of all texts,)
        masks = np.flatnonzero(hides)
        new_ids[masks] = replace_tokens(
            new_ids[masks], rng.random(len(masks)), 1.0 - self.random_token_rate, self.random_token_rate, vocabulary,
            rng,
        )  # fmt: skip
        token_ids = np.full_like(batch[features.TOKEN_IDS], vocabulary.pad_id)
        token_ids[:, 0] = vocabulary.start_id
        fill(token_ids[:, 1:-1], counts, new_ids)
        token_ids[np.arange(len(counts)), counts + 1] = vocabulary.end_id
        real = first_columns(counts + 2, token_ids.shape[1])
        return {features.TOKEN_IDS: token_ids, features.PADDING_MASK: real.astype(np.int32)}


def _arrange(spans, per_text, item_counts, rng):
    """Spreads spans over texts: what is left of a text is items, spans and units that stay, in a random order.

    Args:
        spans: int array (batch, most spans), lengths in units.
        per_text: int array (batch,), spans of each text.
        item_counts: int array (batch,), spans and units that stay of each text.
        rng: the generator.

    Returns:
        `(unit, hides)` for every item in reading order: the unit that it begins with, counted through all texts, int
        array (items,), and whether it is a span, bool array (items,).
    """
    most = item_counts.max(initial=0)
    # The spans are the items with the lowest numbers, so that shuffling the numbers arranges them.
    order = flatten(shuffle_positions(first_columns(item_counts, most), most, rng), item_counts)  # (items,)
    hides = order < np.repeat(per_text, item_counts)
    places = np.flatnonzero(hides)
    rows = np.repeat(np.arange(len(per_text)), per_text)  # (spans,)
    lengths = np.ones(len(order), np.int64)
    lengths[places] = spans[rows, order[places]]
    return np.cumsum(lengths) - lengths, hides
