"""Masked sequence to sequence: the encoder misses a fragment of the text, the decoder says it."""

import dataclasses

import numpy as np

from zoo.data import features
from zoo.objectives.denoising import Denoising, check_share, text_lengths, width_of
from zoo.objectives.replacing import check_rates, replace_tokens
from zoo.objectives.rows import first_columns

# Shares of the fragments that begin with the text, and of those that end with it; the others lie anywhere.
_AT_THE_START, _AT_THE_END = 0.2, 0.2


@dataclasses.dataclass(frozen=True)
class MASS(Denoising):
    """Masked sequence-to-sequence pre-training: a fragment of the text for the decoder, the rest for the encoder.

    Of a text of `m` tokens, `k = max(1, round(rate * m))` in a row are the fragment. With probability 0.2 it begins
    with the text, with 0.2 it ends with it, otherwise it lies anywhere. In the encoder's input a token of the
    fragment becomes the mask token with probability `mask_token_rate`, a random one with `random_token_rate`, and
    stays otherwise. The decoder is given the fragment alone, one token earlier: the token before the fragment and
    all of the fragment but its last token, at their own positions in the text; it must say the fragment. When it
    looks at the encoder, masks are hidden from it. (Song et al. 2019, arXiv 1905.02450, sections 3.1 and 3.2; the
    start law, the shares of 80/10/10 and the hidden masks are those of the released code, `trainer.py`.)

    With one token in the fragment it is masked language modelling, with all of them (and only masks) it is language
    modelling (section 3.3). A text without tokens has no fragment: its row of the decoder is all padding.

    Called with a batch, returns it with the features of an encoder-decoder, and `decoder_positions` and
    `cross_attention_mask`; see `zoo.data.features`. The decoder's features are as wide as the fragment of a text
    that fills the batch.

    Args:
        rate: share of the text in the fragment, above 0, at most 1.
        mask_token_rate: probability that a token of the fragment is masked.
        random_token_rate: probability that a token of the fragment is replaced by a random one.

    Raises:
        ValueError: if a number is no share.

    Example:

    >>> from zoo.objectives import Vocabulary
    >>> vocabulary = Vocabulary(97, pad_id=0, start_id=1, end_id=2, mask_id=3, special_ids=(0, 1, 2, 3))
    >>> token_ids = np.array([[1, 11, 12, 13, 14, 2]], "int32")
    >>> batch = {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)}
    >>> objective = MASS(mask_token_rate=1.0, random_token_rate=0.0)
    >>> noisy = objective(batch, vocabulary, np.random.default_rng(4))
    >>> for name in ("encoder_token_ids", "decoder_token_ids", "decoder_positions", "target_ids"):
    ...     print(name, noisy[name][0])
    encoder_token_ids [ 1 11  3  3 14  2]
    decoder_token_ids [11 12]
    decoder_positions [1 2]
    target_ids [12 13]
    """

    rate: float = 0.5
    mask_token_rate: float = 0.8
    random_token_rate: float = 0.1

    inputs = (*Denoising.inputs, features.DECODER_POSITIONS, features.CROSS_ATTENTION_MASK)

    def __post_init__(self):
        check_share(self.rate)
        check_rates(self.mask_token_rate, self.random_token_rate)

    def lengths(self, num_tokens):
        return num_tokens + 2, max(1, round(self.rate * num_tokens))

    def __call__(self, batch, vocabulary, rng):
        token_ids, mask = batch[features.TOKEN_IDS], batch[features.PADDING_MASK]  # (batch, length)
        counts = text_lengths(batch, vocabulary)
        sizes = np.minimum(np.maximum(1, np.rint(self.rate * counts)), counts).astype(np.int64)
        start = 1 + _draw_starts(counts - sizes, rng)  # (batch,), the start token is in column 0
        columns = np.arange(token_ids.shape[1])
        fragment = (columns >= start[:, None]) & (columns < (start + sizes)[:, None])
        noisy, original = token_ids.copy(), token_ids[fragment]
        noisy[fragment] = replace_tokens(
            original, rng.random(len(original)), self.mask_token_rate, self.random_token_rate, vocabulary, rng
        )
        used = first_columns(sizes, self.lengths(width_of(batch))[1])  # (batch, target length)
        places = np.where(used, start[:, None] + np.arange(used.shape[1]), 0)
        before = np.maximum(places - 1, 0)
        return {
            **batch,
            features.ENCODER_TOKEN_IDS: noisy,
            features.ENCODER_PADDING_MASK: mask,
            features.CROSS_ATTENTION_MASK: mask * (noisy != vocabulary.mask_id),
            features.DECODER_TOKEN_IDS: np.where(
                used, np.take_along_axis(token_ids, before, axis=1), vocabulary.pad_id
            ),
            features.DECODER_PADDING_MASK: used.astype(np.int32),
            features.DECODER_POSITIONS: before.astype(np.int32),
            features.TARGET_IDS: np.where(used, np.take_along_axis(token_ids, places, axis=1), vocabulary.pad_id),
            features.TARGET_WEIGHTS: used.astype(np.float32),
        }


def _draw_starts(last: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where fragments begin that can begin at 0 to `last` (batch,), counted in the text: int64 array (batch,)."""
    roll = rng.random(len(last))
    start = np.floor(rng.random(len(last)) * (last + 1)).astype(np.int64)
    start = np.where(roll < _AT_THE_START + _AT_THE_END, last, start)
    return np.where(roll < _AT_THE_START, 0, start)
