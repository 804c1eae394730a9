"""Masked language modelling: hide a few tokens, predict them."""

import dataclasses
from numbers import Integral
from typing import ClassVar

import numpy as np

from zoo.data import features
from zoo.objectives import selection
from zoo.objectives.denoising import check_share
from zoo.objectives.objective import Objective, check_features
from zoo.objectives.replacing import check_rates, replace_tokens

_UNITS = ("token", "whole_word", "ngram", "span")


def ngram_law(max_words: int = 3) -> np.ndarray:
    """Probabilities of 1, 2, ..., `max_words` words, proportional to 1/n (ALBERT, section 3.1)."""
    law = 1.0 / np.arange(1, max_words + 1)
    return law / law.sum()


def span_law(probability: float = 0.2, max_words: int = 10) -> np.ndarray:
    """Probabilities of 1, 2, ..., `max_words` words: a geometric law cut off behind the longest.

    `P(n) ~ p * (1 - p)**(n - 1)`, renormalised: only so the mean is the 3.8 words that SpanBERT
    (section 3.1) states; counting longer draws as 10 would give 4.5.
    """
    law = probability * (1.0 - probability) ** np.arange(max_words)
    return law / law.sum()


@dataclasses.dataclass(frozen=True)
class MaskedLM(Objective):
    """Masked language modelling of BERT and its relatives.

    Of an example with `n` tokens, special tokens counted, at most
    `min(max_predictions, max(1, round(rate * n)))` are chosen, and never a special token (the
    unknown token is one) or padding. With unit `"token"` it is this number exactly, or all
    ordinary tokens if there are fewer. Larger units stay below it where none is left that fits.

    A chosen token becomes the mask token with probability `mask_token_rate`, a token drawn
    uniformly from the ordinary ids with probability `random_token_rate`, and stays as it is
    otherwise. It is to be predicted in all three cases.

    Units:
        `"token"`: tokens, uniformly. (Devlin et al. 2019, arXiv 1810.04805, section 3.1.)
        `"whole_word"`: all tokens of a word. A word that would exceed the number is skipped.
            (Released code of BERT; Cui et al. 2021, arXiv 1906.08101, for Chinese.)
        `"ngram"`: one to three words in a row, n of them with probability proportional to 1/n;
            shorter where the number would be exceeded. (Lan et al. 2020, arXiv 1909.11942,
            section 3.1.)
        `"span"`: one to ten words in a row, lengths from a geometric law with p = 0.2; shorter
            where the number would be exceeded. All tokens of a span are masked, replaced or kept
            together. (Joshi et al. 2020, arXiv 1907.10529, section 3.1.)
        Spans and n-grams begin at a uniformly drawn word and never overlap.

    Called with a batch, returns it with these features (see `zoo.data.features`):
        `token_ids`: int32 (batch, length), with the noise.
        `mask_positions`: int32 (batch, predictions), ascending, distinct; unused slots are 0.
        `mask_ids`: int32 (batch, predictions), the original ids there; unused slots are 0.
        `mask_weights`: float32 (batch, predictions), 1 for a slot in use, 0 for an unused one.

    Args:
        unit: `"token"`, `"whole_word"`, `"ngram"` or `"span"`. All but the first need the
            feature `word_starts` in the batch.
        rate: share of the tokens to predict, above 0, at most 1.
        mask_token_rate: probability that a chosen token is masked.
        random_token_rate: probability that a chosen token is replaced by a random one.
        max_predictions: most tokens to predict in an example, which is also the number of slots.
            None: what `rate` gives for an example without padding, 19 for 128 tokens.

    Raises:
        TypeError: if a rate is no number.
        ValueError: if the unit is unknown, a number is no probability or `max_predictions` is
            below 1.

    Example:

    >>> from zoo.objectives import Vocabulary
    >>> vocabulary = Vocabulary(97, pad_id=0, start_id=1, end_id=2, mask_id=3,
    ...                         special_ids=(0, 1, 2, 3))
    >>> token_ids = np.array([[1, 11, 12, 13, 14, 15, 2]], "int32")
    >>> batch = {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)}
    >>> noisy = MaskedLM(rate=0.3)(batch, vocabulary, np.random.default_rng(0))
    >>> noisy["mask_positions"].shape
    (1, 2)
    """

    unit: str = "token"
    rate: float = 0.15
    mask_token_rate: float = 0.8
    random_token_rate: float = 0.1
    max_predictions: int | None = None

    inputs = (
        features.TOKEN_IDS,
        features.SEGMENT_IDS,
        features.PADDING_MASK,
        features.MASK_POSITIONS,
    )
    targets = (features.MASK_IDS,)
    weights: ClassVar[dict[str, str]] = {features.MASK_IDS: features.MASK_WEIGHTS}

    def __post_init__(self):
        if self.unit not in _UNITS:
            raise ValueError(f"`unit` must be one of {_UNITS}. Received: unit={self.unit!r}.")
        check_share(self.rate)
        check_rates(self.mask_token_rate, self.random_token_rate)
        most = self.max_predictions
        if most is not None and (isinstance(most, bool) or not isinstance(most, Integral) or most < 1):
            raise ValueError(f"`max_predictions` must be an integer of at least 1. Received: max_predictions={most!r}.")

    def num_predictions(self, sequence_length: int) -> int:
        """Slots for predictions in an example of `sequence_length` tokens."""
        if self.max_predictions is not None:
            return self.max_predictions
        return max(1, round(self.rate * sequence_length))

    def __call__(self, batch, vocabulary, rng):
        check_features(batch, (features.TOKEN_IDS, features.PADDING_MASK))
        token_ids = batch[features.TOKEN_IDS]  # (batch, length)
        real = batch[features.PADDING_MASK].astype(bool)
        slots = self.num_predictions(token_ids.shape[1])
        budget = np.maximum(1, np.rint(self.rate * real.sum(axis=1))).astype(np.int64)
        budget = np.minimum(budget, slots)
        candidates = real & ~vocabulary.is_special.take(token_ids)
        chosen, begins = self._choose(batch, candidates, budget, rng)

        rows, columns = _nonzero(chosen)  # (predictions of the batch,)
        original = token_ids[rows, columns]
        noisy = token_ids.copy()
        noisy[rows, columns] = self._replace(original, begins[rows, columns], vocabulary, rng)
        per_row = chosen.sum(axis=1)
        slot = np.arange(len(rows)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
        positions = np.zeros((len(token_ids), slots), np.int32)  # (batch, predictions)
        ids, weights = np.zeros_like(positions), np.zeros(positions.shape, np.float32)
        positions[rows, slot] = columns
        ids[rows, slot] = original
        weights[rows, slot] = 1.0
        return {
            **batch,
            features.TOKEN_IDS: noisy,
            features.MASK_POSITIONS: positions,
            features.MASK_IDS: ids,
            features.MASK_WEIGHTS: weights,
        }

    def _choose(self, batch, candidates, budget, rng):
        """What is to be predicted, and where a new roll of the dice is made for it."""
        if self.unit == "token":
            chosen = selection.choose_tokens(candidates, budget, rng)
            return chosen, chosen
        if features.WORD_STARTS not in batch:
            raise ValueError(
                f"unit={self.unit!r} needs the feature `word_starts`. Received: batch with "
                f"{sorted(batch)}. Prepare the corpus with a tokenizer of `zoo.tokenizers`, or "
                'use unit="token".'
            )
        words = selection.find_words(candidates, batch[features.WORD_STARTS].astype(bool))
        if self.unit == "whole_word":
            chosen = selection.choose_words(words, budget, rng)
            return chosen, chosen
        if self.unit == "ngram":
            chosen, _ = selection.choose_spans(words, budget, ngram_law(), rng)
            return chosen, chosen
        return selection.choose_spans(words, budget, span_law(), rng)

    def _replace(self, original, begins, vocabulary, rng):
        """New ids for the chosen tokens; tokens up to the next of `begins` share their fate."""
        roll = rng.random(np.count_nonzero(begins))[np.cumsum(begins) - 1]  # (tokens,)
        return replace_tokens(original, roll, self.mask_token_rate, self.random_token_rate, vocabulary, rng)


def _nonzero(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns where `chosen` is True, in reading order."""
    # Twice as fast as `np.nonzero` of two dimensions.
    return np.divmod(np.flatnonzero(chosen), chosen.shape[1])
