"""Texts of different lengths in two flat arrays, and how rows of them become rectangles."""

from dataclasses import dataclass

import numpy as np

from zoo.data import features


@dataclass(frozen=True)
class EncodedTexts:
    """Encoded texts, special tokens included, end to end.

    Attributes:
        token_ids: int32 array (tokens,), all texts one after the other.
        offsets: int64 array (texts + 1,), where each text begins; the last entry is the end.
        second_starts: int32 array (texts,), position within its text where segment 1 begins; the text's
            length where there is only one segment.
        num_truncated: int, number of texts that were longer than the model.
    """

    token_ids: np.ndarray
    offsets: np.ndarray
    second_starts: np.ndarray
    num_truncated: int = 0

    def __len__(self):
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """int64 array (texts,), in tokens."""
        return np.diff(self.offsets)

    def rows(self, indices: np.ndarray, length: int, pad_id: int) -> dict[str, np.ndarray]:
        """The texts at `indices` padded to `length` tokens, as features of shape (len(indices), length)."""
        positions = np.arange(length)[None, :]  # (1, length)
        lengths = self.lengths[indices][:, None]  # (batch, 1)
        real = positions < lengths  # (batch, length)
        where = np.minimum(self.offsets[:-1][indices][:, None] + positions, len(self.token_ids) - 1)
        second = positions >= self.second_starts[indices][:, None]
        return {
            features.TOKEN_IDS: np.where(real, self.token_ids[where], pad_id).astype("int32"),
            features.SEGMENT_IDS: (second & real).astype("int32"),
            features.PADDING_MASK: real.astype("int32"),
        }


def joined(one: EncodedTexts, other: EncodedTexts) -> EncodedTexts:
    """Encoded texts, and others behind them."""
    return EncodedTexts(
        token_ids=np.concatenate([one.token_ids, other.token_ids]),
        offsets=np.concatenate([one.offsets, one.offsets[-1] + other.offsets[1:]]),
        second_starts=np.concatenate([one.second_starts, other.second_starts]),
        num_truncated=one.num_truncated + other.num_truncated,
    )


@dataclass(frozen=True)
class EncodedExamples:
    """Encoded texts with what is to be answered about each, as `fit` is given them.

    Whatever a task trains on has these two members: `lengths`, and `batch`.

    Attributes:
        texts: `EncodedTexts`.
        names: names of the features that the backbone takes.
        pad_id: int, id of the padding.
        targets: array (texts, ...), or None.
        weights: float32 array (texts,), or None.
    """

    texts: EncodedTexts
    names: tuple[str, ...]
    pad_id: int
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def lengths(self) -> np.ndarray:
        """int64 array (texts,), in tokens."""
        return self.texts.lengths

    def batch(self, indices: np.ndarray, length: int) -> tuple:
        """`(inputs,)`, `(inputs, targets)` or `(inputs, targets, weights)` of the texts at `indices`.

        Args:
            indices: int array (batch,).
            length: int, tokens to pad to.
        """
        rows = self.texts.rows(indices, length, self.pad_id)
        batch = ({name: rows[name] for name in self.names},)
        if self.targets is not None:
            batch += (self.targets[indices],)
        if self.weights is not None:
            batch += (self.weights[indices],)
        return batch


def encode_texts(texts, second, tokenizer, sequence_length: int) -> EncodedTexts:
    """Tokenize texts or pairs of texts once: `[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]`.

    A tokenizer says how many end tokens stand between two texts; in RoBERTa it is `<s> a </s></s> b </s>`.
    A pair that is too long loses tokens from the end of its longer text, one at a time, so that both
    remain (Devlin et al. 2019, released code); a single text loses its end.

    Args:
        texts: list of str.
        second: list of str of the same length, or None.
        tokenizer: a zoo tokenizer.
        sequence_length: int, longest result, in tokens, special tokens included.

    Returns:
        `EncodedTexts`.
    """
    first_ids = tokenizer.encode(texts)
    second_ids = None if second is None else tokenizer.encode(second)
    first_lengths = np.array([len(ids) for ids in first_ids], "int64")
    second_lengths = np.zeros_like(first_lengths)
    if second_ids is not None:
        second_lengths = np.array([len(ids) for ids in second_ids], "int64")
    separators = 1 if second is None else separators_of(tokenizer)
    room = sequence_length - (2 if second is None else 2 + separators)
    kept_first, kept_second = truncate_longest_first(first_lengths, second_lengths, room)
    start, end = [tokenizer.start_token_id], [tokenizer.end_token_id]
    pieces = []
    for row, ids in enumerate(first_ids):
        pieces += [start, ids[: kept_first[row]], end * separators]
        if second_ids is not None:
            pieces += [second_ids[row][: kept_second[row]], end]
    lengths = kept_first + 2 if second_ids is None else kept_first + kept_second + 2 + separators
    return EncodedTexts(
        token_ids=np.concatenate(pieces).astype("int32"),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        second_starts=(kept_first + 1 + separators).astype("int32"),
        num_truncated=int(np.sum((kept_first < first_lengths) | (kept_second < second_lengths))),
    )


def separators_of(tokenizer) -> int:
    """How many end tokens stand between two texts: 1 as in BERT, unless a tokenizer says otherwise."""
    return getattr(tokenizer, "separators", 1)


def truncate_longest_first(first, second, room: int):
    """Lengths that two texts keep when tokens are taken from the longer one until both fit into `room`.

    Args:
        first: int array (texts,), lengths in tokens.
        second: int array (texts,), lengths in tokens.
        room: int, tokens that both may have together.

    Returns:
        Two int arrays (texts,).
    """
    half = room // 2
    kept_first = np.where(first + second <= room, first, np.minimum(first, np.maximum(room - second, room - half)))
    kept_second = np.minimum(second, room - kept_first)
    return kept_first, kept_second
