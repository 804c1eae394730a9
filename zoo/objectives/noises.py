"""The noises of BART, which can be joined: masks, deletions, sentences out of order, a text that begins elsewhere."""

import dataclasses

import numpy as np

from zoo.data import features
from zoo.objectives.denoising import Denoising, check_share, share_of, shift, text_lengths
from zoo.objectives.replacing import check_random_rate, replace_tokens
from zoo.objectives.rows import fill, first_columns, new_arrays, ranges
from zoo.objectives.selection import choose_tokens, shuffle_positions

# What no longer holds when tokens have changed places.
_STARTS = (features.WORD_STARTS, features.SENTENCE_STARTS)
PERMUTATION, INFILLING, MASKING, DELETION, ROTATION = range(1, 6)


class Noise(Denoising):
    """Base class of the noises of BART: the encoder reads a corrupted text, the decoder says the whole original.

    Lewis et al. (2020), arXiv 1910.13461, section 2.2. Noises are joined with `+`. However they are written, they
    act in the order of the released code (fairseq, `denoising_dataset.py`): sentences are permuted, then tokens are
    infilled, masked or deleted (in this order if there are several), then the text is rotated. Each acts on
    `token_ids`; the result is `encoder_token_ids` too.

    The target is the start token, the text and the end token; the decoder reads it one step later, after an end
    token. So the encoder's input, the decoder's and the target are all as wide as the batch. Every real token of
    the target counts, whatever the noise did to it.
    """

    def lengths(self, num_tokens):
        return num_tokens + 2, num_tokens + 2

    def corrupt(self, batch, counts, vocabulary, rng) -> dict[str, np.ndarray]:
        """The features of the batch that the noise changes; `counts` (batch,) are the tokens of the texts.

        Where words and sentences begin is not known any more after a noise that does not say it.
        """
        raise NotImplementedError

    def __call__(self, batch, vocabulary, rng):
        counts = text_lengths(batch, vocabulary)
        changed = self.corrupt(batch, counts, vocabulary, rng)
        kept = {name: value for name, value in batch.items() if name not in _STARTS}
        if features.TARGET_IDS not in batch:  # the first noise: later ones find the target of the original
            kept |= _whole_target(batch, counts, vocabulary)
        noisy = {**kept, **changed}
        return {
            **noisy,
            features.ENCODER_TOKEN_IDS: noisy[features.TOKEN_IDS],
            features.ENCODER_PADDING_MASK: noisy[features.PADDING_MASK],
        }


def _whole_target(batch, counts, vocabulary):
    token_ids, mask = batch[features.TOKEN_IDS], batch[features.PADDING_MASK]
    given, weights = new_arrays(len(counts), (token_ids.shape[1],) * 2)
    shift(token_ids, counts + 2, vocabulary.end_id, vocabulary, given)
    weights = weights.view(np.float32)
    weights[:] = mask
    return {
        features.DECODER_TOKEN_IDS: given,
        features.DECODER_PADDING_MASK: mask,
        features.TARGET_IDS: token_ids,
        features.TARGET_WEIGHTS: weights,
    }


def text_mask(counts: np.ndarray, length: int) -> np.ndarray:
    """bool array (batch, length), True for the text, False for the start token, the end token and padding."""
    mask = first_columns(counts + 1, length)
    mask[:, 0] = False
    return mask


def moved(values: np.ndarray, counts: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """What each token of the texts has, when the tokens change places.

    Args:
        values: array (batch, length), what they have now.
        counts: int array (batch,), tokens of each text.
        origin: int array (tokens of all texts,), for each place in reading order the old one, counted through the
            whole batch.
    """
    changed = values.copy()
    fill(changed[:, 1:-1], counts, values.ravel().take(origin))
    return changed


@dataclasses.dataclass(frozen=True)
class TokenMasking(Noise):
    """Token masking: some tokens become the mask token.

    Of `n` tokens exactly `ceil(rate * n)` are chosen, uniformly. (Lewis et al. 2020, arXiv 1910.13461, section 2.2,
    which follows BERT and names no rate; so the default is BERT's.)

    Args:
        rate: share of the tokens to choose, above 0, at most 1.
        random_token_rate: probability that a chosen token becomes a random one instead.

    Raises:
        ValueError: if a number is no share.

    Example:

    >>> from zoo.objectives import Vocabulary
    >>> vocabulary = Vocabulary(97, pad_id=0, start_id=1, end_id=2, mask_id=3, special_ids=(0, 1, 2, 3))
    >>> token_ids = np.array([[1, 11, 12, 13, 14, 15, 2]], "int32")
    >>> batch = {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)}
    >>> noisy = TokenMasking(rate=0.4)(batch, vocabulary, np.random.default_rng(0))
    >>> int((noisy["encoder_token_ids"] == vocabulary.mask_id).sum())
    2
    >>> noisy["decoder_token_ids"], noisy["target_ids"]
    (array([[ 2,  1, 11, 12, 13, 14, 15]], dtype=int32), array([[ 1, 11, 12, 13, 14, 15,  2]], dtype=int32))
    """

    rate: float = 0.15
    random_token_rate: float = 0.0

    stage = MASKING

    def __post_init__(self):
        check_share(self.rate)
        check_random_rate(self.random_token_rate)

    def corrupt(self, batch, counts, vocabulary, rng):
        token_ids = batch[features.TOKEN_IDS].copy()  # (batch, length)
        text = text_mask(counts, token_ids.shape[1])
        chosen = choose_tokens(text, share_of(self.rate, counts), rng)
        where = np.flatnonzero(chosen)
        token_ids.ravel()[where] = replace_tokens(
            token_ids.ravel()[where], rng.random(len(where)), 1.0 - self.random_token_rate, self.random_token_rate,
            vocabulary, rng,
        )  # fmt: skip
        return {features.TOKEN_IDS: token_ids}


@dataclasses.dataclass(frozen=True)
class TokenDeletion(Noise):
    """Token deletion: some tokens are missing, and the model must find out where.

    Of `n` tokens exactly `ceil(rate * n)` are deleted, uniformly. (Lewis et al. 2020, arXiv 1910.13461, section 2.2,
    which names no rate; the default is BERT's for masks.)

    Args:
        rate: share of the tokens to delete, above 0, at most 1.

    Raises:
        ValueError: if `rate` is no share.
    """

    rate: float = 0.15

    stage = DELETION

    def __post_init__(self):
        check_share(self.rate)

    def corrupt(self, batch, counts, vocabulary, rng):
        token_ids = batch[features.TOKEN_IDS]  # (batch, length)
        number = share_of(self.rate, counts)
        gone = choose_tokens(text_mask(counts, token_ids.shape[1]), number, rng)
        kept = np.flatnonzero(batch[features.PADDING_MASK].astype(bool) & ~gone)
        shorter = np.full_like(token_ids, vocabulary.pad_id)
        fill(shorter, counts + 2 - number, token_ids.ravel().take(kept))
        real = first_columns(counts + 2 - number, token_ids.shape[1])
        return {features.TOKEN_IDS: shorter, features.PADDING_MASK: real.astype(np.int32)}


@dataclasses.dataclass(frozen=True)
class SentencePermutation(Noise):
    """Sentence permutation: the sentences of a text in a random order.

    Of `n` sentences `ceil(rate * n)`, uniformly chosen, exchange their places at random; the others stay. (Lewis et
    al. 2020, arXiv 1910.13461, section 2.2; released code. The paper finds sentences by full stops, its code by one
    token id.) Here a sentence is what `zoo.data.split_sentences` found when the text was read, in English and in
    Chinese, or a line. It is told by the feature `sentence_starts`, so that no tokenizer and no block can lose it;
    the parts of sentences at both ends of a block count as sentences.

    Args:
        rate: share of the sentences that exchange their places, above 0, at most 1.

    Raises:
        ValueError: if `rate` is no share.
    """

    rate: float = 1.0

    stage = PERMUTATION

    def __post_init__(self):
        check_share(self.rate)

    def corrupt(self, batch, counts, vocabulary, rng):
        if features.SENTENCE_STARTS not in batch:
            raise ValueError(
                "SentencePermutation needs the feature `sentence_starts`. Received: batch with "
                f"{sorted(batch)}. Batches of `zoo.data.pretraining_dataset` have it."
            )
        text = text_mask(counts, batch[features.TOKEN_IDS].shape[1])
        begins, sizes, per_row = find_runs(text, batch[features.SENTENCE_STARTS])
        order = self._draw_order(per_row, rng)  # (batch, most sentences)
        numbers = (order + (np.cumsum(per_row) - per_row)[:, None])[first_columns(per_row, order.shape[1])]
        origin = ranges(begins[numbers], sizes[numbers])
        names = (features.TOKEN_IDS, features.WORD_STARTS)
        return {name: moved(batch[name], counts, origin) for name in names if name in batch}

    def _draw_order(self, per_row, rng):
        """Which sentence comes where: int array (batch, most sentences), the first `per_row` of a row being used."""
        most = per_row.max(initial=0)
        drawn = shuffle_positions(first_columns(per_row, most), most, rng)  # all sentences in random order
        if self.rate == 1.0:
            return drawn
        # Those that come first in this order exchange their places: the places are in order, the sentences are not.
        chosen = first_columns(share_of(self.rate, per_row), most)
        places = np.sort(np.where(chosen, drawn, most), axis=1)
        order = np.tile(np.arange(most), (len(per_row), 1))
        rows, _ = np.nonzero(chosen)
        order[rows, places[chosen]] = drawn[chosen]
        return order


def find_runs(text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The stretches of texts that begin where `starts` (batch, length) says, and where a text begins.

    Args:
        text: bool array (batch, length), one stretch of True a row.
        starts: bool array (batch, length).

    Returns:
        `(begins, sizes, per_row)`: int arrays (stretches,) in reading order, the place of its first token, counted
        through the whole batch, and its tokens; int array (batch,), the stretches of each row.
    """
    opens = text & starts
    opens[:, 1:] |= text[:, 1:] & ~text[:, :-1]
    begins = np.flatnonzero(opens)
    before = np.searchsorted(np.flatnonzero(text), begins)
    return begins, np.diff(before, append=np.count_nonzero(text)), opens.sum(axis=1)


@dataclasses.dataclass(frozen=True)
class DocumentRotation(Noise):
    """Document rotation: the text begins at a random token, and what was before it comes at the end.

    The token is drawn uniformly, so that one text in `n` stays as it is. (Lewis et al. 2020, arXiv 1910.13461,
    section 2.2.)

    Args:
        rate: probability that a text is rotated, above 0, at most 1.

    Raises:
        ValueError: if `rate` is no share.
    """

    rate: float = 1.0

    stage = ROTATION

    def __post_init__(self):
        check_share(self.rate)

    def corrupt(self, batch, counts, vocabulary, rng):
        length = batch[features.TOKEN_IDS].shape[1]
        first = np.floor(rng.random(len(counts)) * counts).astype(np.int64)  # (batch,)
        first[rng.random(len(counts)) >= self.rate] = 0
        begins = np.arange(len(counts)) * length + 1
        # Of each text its end and then its beginning.
        starts = np.stack([begins + first, begins], axis=1).ravel()
        sizes = np.stack([counts - first, first], axis=1).ravel()
        return {features.TOKEN_IDS: moved(batch[features.TOKEN_IDS], counts, ranges(starts, sizes))}
