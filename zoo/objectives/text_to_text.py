"""The objectives that T5 compares with its own: a language model, masks, dropped and shuffled tokens."""

import dataclasses
from typing import NamedTuple

import numpy as np

from zoo.data import features
from zoo.objectives.denoising import Denoising, check_share, text_lengths, width_of
from zoo.objectives.replacing import replace_tokens
from zoo.objectives.rows import close_rows, first_columns
from zoo.objectives.selection import choose_tokens, shuffle_positions
from zoo.objectives.vocabulary import Vocabulary


class Texts(NamedTuple):
    """The texts of a batch, without start and end tokens.

    Attributes:
        token_ids: int32 array (batch, width); a text is in the first columns of its row.
        counts: int64 array (batch,), tokens of each text.
    """

    token_ids: np.ndarray
    counts: np.ndarray

    @property
    def real(self) -> np.ndarray:
        """bool array (batch, width), True for the tokens of the texts."""
        return first_columns(self.counts, self.token_ids.shape[1])


class Rows(NamedTuple):
    """Tokens of all rows end to end, int32 (tokens,), and how many each row has, int array (batch,)."""

    token_ids: np.ndarray
    counts: np.ndarray

    @classmethod
    def where(cls, token_ids: np.ndarray, taken: np.ndarray) -> "Rows":
        """The tokens (batch, width) for which `taken` (batch, width) is True."""
        return cls(token_ids[taken], taken.sum(axis=1))


class TextToText(Denoising):
    """Base class of the objectives of T5: a text becomes an input and a target.

    Both end with the end token, and neither has a start token; the decoder reads the target one step later, after
    the padding token. (Raffel et al. 2020, arXiv 1910.10683, section 3.3; released code,
    `t5/data/preprocessors.py`.) The shares of a text are exact numbers here, `round(rate * n)` of `n` tokens, where
    the released code draws for each token whether it is noise (all but its random spans).
    """

    def split(self, texts: Texts, vocabulary: Vocabulary, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """The inputs and the targets of texts, without their end tokens."""
        raise NotImplementedError

    def __call__(self, batch, vocabulary, rng):
        counts = text_lengths(batch, vocabulary)
        self.check_vocabulary(vocabulary, batch[features.TOKEN_IDS].shape[1])
        texts = Texts(batch[features.TOKEN_IDS][:, 1:-1], counts)
        pairs = zip(self.split(texts, vocabulary, rng), self.lengths(width_of(batch)), strict=True)
        (read, read_mask), (target, target_mask) = (
            close_rows(*rows, length, vocabulary.end_id, vocabulary.pad_id) for rows, length in pairs
        )
        decoder = np.full_like(target, vocabulary.pad_id)
        decoder[:, 1:] = np.where(target_mask[:, 1:], target[:, :-1], vocabulary.pad_id)
        return {
            **batch,
            features.ENCODER_TOKEN_IDS: read,
            features.ENCODER_PADDING_MASK: read_mask.astype(np.int32),
            features.DECODER_TOKEN_IDS: decoder,
            features.DECODER_PADDING_MASK: target_mask.astype(np.int32),
            features.TARGET_IDS: target,
            features.TARGET_WEIGHTS: target_mask.astype(np.float32),
        }


def num_noise(rate: float, counts, most):
    """`round(rate * counts)`, at least 1 and at most `most`: of an int an int, of an array an int64 array."""
    return np.clip(np.rint(rate * np.asarray(counts)), np.minimum(1, most), most).astype(np.int64)


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
        return num_tokens + 1, int(self._longest(num_tokens)) + 1

    def _longest(self, counts):
        return num_noise(2 * self.rate, counts, np.maximum(counts - 1, 0))

    def split(self, texts, vocabulary, rng):
        longest = self._longest(texts.counts)
        said = np.where(longest > 0, 1 + np.floor(rng.random(len(longest)) * longest), 0).astype(np.int64)
        read = first_columns(texts.counts - said, texts.token_ids.shape[1])
        return Rows.where(texts.token_ids, read), Rows.where(texts.token_ids, texts.real & ~read)


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
        if not 0.0 <= self.random_token_rate <= 1.0:
            raise ValueError(
                f"`random_token_rate` must be a probability. Received: random_token_rate={self.random_token_rate}."
            )

    def lengths(self, num_tokens):
        return num_tokens + 1, num_tokens + 1

    def split(self, texts, vocabulary, rng):
        noisy, real = texts.token_ids.copy(), texts.real
        chosen = choose_tokens(real, num_noise(self.rate, texts.counts, texts.counts), rng)
        original = noisy[chosen]
        noisy[chosen] = replace_tokens(
            original, rng.random(len(original)), 1.0 - self.random_token_rate, self.random_token_rate, vocabulary, rng
        )
        return Rows.where(noisy, real), Rows.where(texts.token_ids, real)


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
        real = texts.real
        order = shuffle_positions(real, real.shape[1], rng)
        shuffled = np.take_along_axis(texts.token_ids, order, axis=1)
        return Rows.where(shuffled, real), Rows.where(texts.token_ids, real)


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

    def _num_dropped(self, counts):
        return num_noise(self.rate, counts, np.maximum(np.asarray(counts) - 1, 0))

    def lengths(self, num_tokens):
        dropped = int(self._num_dropped(num_tokens))
        return num_tokens - dropped + 1, dropped + 1

    def split(self, texts, vocabulary, rng):
        real = texts.real
        dropped = choose_tokens(real, self._num_dropped(texts.counts), rng)
        return Rows.where(texts.token_ids, real & ~dropped), Rows.where(texts.token_ids, dropped)
