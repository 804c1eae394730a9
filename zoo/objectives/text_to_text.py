"""The objectives that T5 compares with its own: a language model, masks, dropped and shuffled tokens."""

import dataclasses
from typing import NamedTuple

import numpy as np

from zoo.data import features
from zoo.objectives.denoising import Denoising, check_share, shift, text_lengths, width_of
from zoo.objectives.replacing import check_random_rate, replace_tokens
from zoo.objectives.rows import fill, first_columns, flatten, new_arrays
from zoo.objectives.selection import choose_tokens, shuffle_positions
from zoo.objectives.vocabulary import Vocabulary


class Rows(NamedTuple):
    """Tokens of the rows of a batch, end to end.

    Attributes:
        token_ids: int32 array (tokens of all rows,).
        counts: int64 array (batch,), tokens of each row.
        width: int, tokens that a row can have.
    """

    token_ids: np.ndarray
    counts: np.ndarray
    width: int

    def columns(self) -> np.ndarray:
        """bool array (batch, width), True where a row has a token."""
        return first_columns(self.counts, self.width)

    def take(self, where: np.ndarray, counts: np.ndarray) -> "Rows":
        """The tokens at the places `where`, counted through all rows; `counts` (batch,) of them in each row."""
        return Rows(self.token_ids.take(where), counts, self.width)


class TextToText(Denoising):
    """Base class of the objectives of T5: a text becomes an input and a target.

    Both end with the end token, and neither has a start token; the decoder reads the target one step later, after
    the padding token. (Raffel et al. 2020, arXiv 1910.10683, section 3.3; released code,
    `t5/data/preprocessors.py`.) The shares of a text are exact numbers here, `round(rate * n)` of `n` tokens, where
    the released code draws for each token whether it is noise (all but its random spans).
    """

    def split(self, texts: Rows, vocabulary: Vocabulary, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """The inputs and the targets of texts, without their end tokens."""
        raise NotImplementedError

    def __call__(self, batch, vocabulary, rng):
        counts = text_lengths(batch, vocabulary)
        self.check_vocabulary(vocabulary, batch[features.TOKEN_IDS].shape[1])
        width = width_of(batch)
        texts = Rows(flatten(batch[features.TOKEN_IDS][:, 1:-1], counts), counts, width)
        inputs, targets = self.split(texts, vocabulary, rng)
        read, said = self.lengths(width)
        widths = (read, read, said, said, said, said)
        read_ids, read_mask, given_ids, said_mask, said_ids, weights = new_arrays(len(counts), widths)
        _close(inputs, vocabulary, read_ids, read_mask)
        _close(targets, vocabulary, said_ids, said_mask)
        shift(said_ids, targets.counts + 1, vocabulary.pad_id, vocabulary, given_ids)
        weights = weights.view(np.float32)
        weights[:] = said_mask
        return {
            **batch,
            features.ENCODER_TOKEN_IDS: read_ids,
            features.ENCODER_PADDING_MASK: read_mask,
            features.DECODER_TOKEN_IDS: given_ids,
            features.DECODER_PADDING_MASK: said_mask,
            features.TARGET_IDS: said_ids,
            features.TARGET_WEIGHTS: weights,
        }


def _close(rows, vocabulary, token_ids, mask):
    """Writes the rows, each with an end token after it, and which tokens are real: two arrays (batch, length)."""
    token_ids[:] = vocabulary.pad_id
    fill(token_ids, rows.counts, rows.token_ids)
    token_ids[np.arange(len(token_ids)), rows.counts] = vocabulary.end_id
    np.less_equal(np.arange(mask.shape[1]), rows.counts[:, None], out=mask)


def num_noise(rate: float, counts, least_kept: int):
    """`round(rate * counts)`, at least 1, but so that `least_kept` tokens stay.

    Args:
        rate: a share.
        counts: int, or int array (batch,), tokens of texts.
        least_kept: int.

    Returns:
        Of an int an int, of an array an int64 array.
    """
    if isinstance(counts, int):
        return min(max(round(rate * counts), 1), max(counts - least_kept, 0))
    number = np.maximum(np.rint(rate * counts), 1).astype(np.int64)
    return np.minimum(number, np.maximum(counts - least_kept, 0))


@dataclasses.dataclass(frozen=True)
class PrefixLM(TextToText):
    """Prefix language modelling: the encoder reads the beginning of a text, the decoder goes on.

    The target is a uniform number of tokens, 1 to `2 * rate * n` of `n` (but not all of them), so that it is about
    `rate` of the text on average. (Raffel et al. 2020, arXiv 1910.10683, section 3.3.1 with a rate of 0.5; Tay et al.
    2022, arXiv 2205.05131, section 3.1, S-denoiser, with 0.25.) A text of one token is read and nothing is left to
    say but the end.

    Args:
        rate: mean share of the text in the target, above 0, at most 0.5.

    Raises:
        ValueError: if `rate` is out of its range.
    """

    rate: float = 0.5

    def __post_init__(self):
        if not 0.0 < self.rate <= 0.5:
            raise ValueError(f"`rate` must lie above 0, at most at 0.5. Received: rate={self.rate}.")

    def lengths(self, num_tokens):
        return num_tokens + 1, num_noise(2 * self.rate, num_tokens, least_kept=1) + 1

    def split(self, texts, vocabulary, rng):
        longest = num_noise(2 * self.rate, texts.counts, least_kept=1)
        said = np.where(longest > 0, 1 + np.floor(rng.random(len(longest)) * longest), 0).astype(np.int64)
        counts = texts.counts - said
        read = flatten(first_columns(counts, texts.width), texts.counts)
        return texts.take(np.flatnonzero(read), counts), texts.take(np.flatnonzero(~read), said)


@dataclasses.dataclass(frozen=True)
class BertStyle(TextToText):
    """BERT's masks, and the decoder says the whole text.

    Of `n` tokens `max(1, round(rate * n))` are chosen, uniformly; each becomes the mask token, or a random one with
    probability `random_token_rate`. (Raffel et al. 2020, arXiv 1910.10683, section 3.3.1: 90 % masks and 10 % random
    tokens.)

    Args:
        rate: share of the tokens to choose, above 0, at most 1.
        random_token_rate: probability that a chosen token becomes a random one.

    Raises:
        ValueError: if a number is no share.
    """

    rate: float = 0.15
    random_token_rate: float = 0.1

    def __post_init__(self):
        check_share(self.rate)
        check_random_rate(self.random_token_rate)

    def lengths(self, num_tokens):
        return num_tokens + 1, num_tokens + 1

    def split(self, texts, vocabulary, rng):
        noisy = texts.token_ids.copy()
        chosen = choose_tokens(texts.columns(), num_noise(self.rate, texts.counts, least_kept=0), rng)
        where = np.flatnonzero(flatten(chosen, texts.counts))
        noisy[where] = replace_tokens(
            noisy[where], rng.random(len(where)), 1.0 - self.random_token_rate, self.random_token_rate, vocabulary, rng
        )
        return texts._replace(token_ids=noisy), texts


@dataclasses.dataclass(frozen=True)
class MassStyle(BertStyle):
    """`BertStyle` with masks alone, which T5 calls "MASS-style" (Raffel et al. 2020, section 3.3.2).

    The model of Song et al. (2019) itself is `MASS`.
    """

    random_token_rate: float = 0.0


@dataclasses.dataclass(frozen=True)
class Deshuffling(TextToText):
    """Deshuffling: the encoder reads all tokens of a text in a random order, the decoder says them in theirs.

    (Raffel et al. 2020, arXiv 1910.10683, section 3.3.1.)
    """

    def lengths(self, num_tokens):
        return num_tokens + 1, num_tokens + 1

    def split(self, texts, vocabulary, rng):
        order = shuffle_positions(texts.columns(), texts.width, rng)  # (batch, width)
        order += (np.cumsum(texts.counts) - texts.counts)[:, None]
        return texts.take(flatten(order, texts.counts), texts.counts), texts


@dataclasses.dataclass(frozen=True)
class DropTokens(TextToText):
    """Dropped tokens: some tokens are missing in the input, and the decoder says these alone, without their places.

    Of `n` tokens `round(rate * n)` are dropped, at least 1 and at most `n - 1`, uniformly. (Raffel et al. 2020, arXiv
    1910.10683, section 3.3.2.) Input and target together are all tokens of the text, each in the order of the text;
    how they interleave is told by neither.

    Args:
        rate: share of the tokens to drop, above 0, below 1.

    Raises:
        ValueError: if `rate` is no share.
    """

    rate: float = 0.15

    def __post_init__(self):
        check_share(self.rate, below_one=True)

    def lengths(self, num_tokens):
        dropped = num_noise(self.rate, num_tokens, least_kept=1)
        return num_tokens - dropped + 1, dropped + 1

    def split(self, texts, vocabulary, rng):
        counts = num_noise(self.rate, texts.counts, least_kept=1)
        dropped = flatten(choose_tokens(texts.columns(), counts, rng), texts.counts)
        kept = texts.take(np.flatnonzero(~dropped), texts.counts - counts)
        return kept, texts.take(np.flatnonzero(dropped), counts)
