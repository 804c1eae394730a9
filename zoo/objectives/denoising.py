"""What the pre-training objectives of encoder-decoders share: a corrupted text in, the text that was there out."""

import bisect
from typing import ClassVar

import numpy as np

from zoo.data import features
from zoo.objectives.objective import Objective, check_features
from zoo.objectives.replacing import check_numbers
from zoo.objectives.vocabulary import Vocabulary

# `[CLS] text [SEP]`
_FRAME = 2


class Denoising(Objective):
    """Base class of the objectives of encoder-decoders: the encoder reads noise, the decoder says the text.

    Called with a batch of texts, one a row (start token, text, end token, padding), it returns the batch with the
    features that `zoo.data.features` defines: `encoder_token_ids`, `encoder_padding_mask`, `decoder_token_ids`,
    `decoder_padding_mask`, and `target_ids` with `target_weights`. Their widths depend on that of the batch alone,
    so that every batch has the same shapes. The start and the end token are never noise. Any other token of the
    text can be, also an unknown one, which is a part of it. Random tokens are drawn from the ordinary ids only.
    """

    inputs = (
        features.ENCODER_TOKEN_IDS,
        features.ENCODER_PADDING_MASK,
        features.DECODER_TOKEN_IDS,
        features.DECODER_PADDING_MASK,
    )
    targets = (features.TARGET_IDS,)
    weights: ClassVar[dict[str, str]] = {features.TARGET_IDS: features.TARGET_WEIGHTS}
    separates_documents = False

    def lengths(self, num_tokens: int) -> tuple[int, int]:
        """Tokens of the encoder's input and of the target, made of a text of at most `num_tokens` tokens.

        Special tokens are counted in the results, but are none of the text.
        """
        raise NotImplementedError

    def num_tokens(self, sequence_length: int) -> int:
        """The longest text, in tokens, whose encoder input fits into `sequence_length` tokens.

        Raises:
            ValueError: if not even a text of one token does.
        """
        if self.lengths(1)[0] > sequence_length:
            raise ValueError(
                f"`sequence_length` must be at least {self.lengths(1)[0]} for the special tokens of this objective "
                f"and one token of text. Received: sequence_length={sequence_length}"
            )
        beyond = 2
        while self.lengths(beyond)[0] <= sequence_length:
            beyond *= 2
        return bisect.bisect_left(range(1, beyond), True, key=lambda number: self.lengths(number)[0] > sequence_length)

    def block_length(self, sequence_length):
        return self.num_tokens(sequence_length) + _FRAME


def width_of(batch: dict[str, np.ndarray]) -> int:
    """Tokens that the longest text of a batch can have, the start and the end token not counted."""
    return batch[features.TOKEN_IDS].shape[1] - _FRAME


def text_lengths(batch: dict[str, np.ndarray], vocabulary: Vocabulary) -> np.ndarray:
    """int64 array (batch,): tokens of each text, the start and the end token not counted.

    Raises:
        ValueError: if a row is not a start token, text, an end token and padding.
    """
    check_features(batch, (features.TOKEN_IDS, features.PADDING_MASK))
    token_ids = batch[features.TOKEN_IDS]  # (batch, length)
    counts = batch[features.PADDING_MASK].sum(axis=1) - _FRAME
    last = np.take_along_axis(token_ids, np.maximum(counts + 1, 0)[:, None], axis=1)[:, 0]
    wrong = (counts < 0) | (token_ids[:, 0] != vocabulary.start_id) | (last != vocabulary.end_id)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            "Every row must be one text: start token, text, end token, padding. Received: token_ids["
            f"{row}]={token_ids[row].tolist()} with {counts[row] + _FRAME} real tokens, start_id="
            f"{vocabulary.start_id}, end_id={vocabulary.end_id}."
        )
    return counts.astype(np.int64)


def shift(target_ids: np.ndarray, counts: np.ndarray, first_id: int, vocabulary: Vocabulary, out: np.ndarray) -> None:
    """Writes what a decoder reads: targets one step later, after `first_id`.

    Args:
        target_ids: int32 array (batch, target_length), padded.
        counts: int array (batch,), real tokens of each target, none 0.
        first_id: int.
        vocabulary: the vocabulary.
        out: int32 array (batch, target_length).
    """
    out[:, 0] = first_id
    out[:, 1:] = target_ids[:, :-1]
    rows = np.flatnonzero(counts < target_ids.shape[1])
    out[rows, counts[rows]] = vocabulary.pad_id  # the last token of a target is never read


def share_of(rate: float, counts: np.ndarray) -> np.ndarray:
    """`rate` of `counts`, rounded up: int64 array of the same shape.

    The product is rounded to 9 digits first: 0.07 of 100 is 7, although `0.07 * 100` is more in floating point.
    """
    return np.ceil(np.round(rate * counts, 9)).astype(np.int64)


def check_share(rate: float, below_one: bool = False) -> None:
    """Refuses what is no share of a text: a ValueError if `rate` is not above 0 and at most (or below) 1."""
    check_numbers(rate=rate)
    if not 0.0 < rate <= 1.0 or (below_one and rate == 1.0):
        least = "below 1" if below_one else "at most at 1"
        raise ValueError(f"`rate` must lie above 0, {least}. Received: rate={rate}.")
