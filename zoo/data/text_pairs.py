"""Sources and targets for an encoder-decoder, as rectangles."""

from dataclasses import dataclass

import numpy as np

from zoo.data import features
from zoo.data.batches import length_boundaries


@dataclass(frozen=True)
class SpecialIds:
    """The ids that an encoder-decoder's texts are framed with.

    Attributes:
        start: int, of the start token.
        end: int, of the end token.
        padding: int.
        first: int, what the decoder reads before it has said anything.
    """

    start: int
    end: int
    padding: int
    first: int


@dataclass(frozen=True)
class EncodedPairs:
    """Encoded sources, with their targets if there are any, special tokens included.

    Attributes:
        sources: list of int32 arrays (tokens,).
        targets: list of int32 arrays (tokens,), or None.
        ids: `SpecialIds`.
        names: names of the features that the backbone takes.
        longest_target: int, most tokens of a target.
        weights: float32 array (texts,), or None.
    """

    sources: list[np.ndarray]
    targets: list[np.ndarray] | None
    ids: SpecialIds
    names: tuple[str, ...]
    longest_target: int
    weights: np.ndarray | None = None

    @property
    def lengths(self) -> np.ndarray:
        """int64 array (texts,), tokens of the sources."""
        return np.array([len(source) for source in self.sources], "int64")

    def batch(self, indices: np.ndarray, length: int) -> tuple:
        """`(inputs, targets, weights)` of the pairs at `indices`, without targets `(inputs,)` of the encoder alone.

        Args:
            indices: int array (batch,).
            length: int, tokens that the sources are padded to; targets have a length of their own.
        """
        inputs = dict(zip(
            (features.ENCODER_TOKEN_IDS, features.ENCODER_PADDING_MASK),
            self._rectangle([self.sources[index] for index in indices], length), strict=True,
        ))  # fmt: skip
        if self.targets is None:
            return (inputs,)
        chosen = [self.targets[index] for index in indices]
        longest = max(map(len, chosen))
        steps = next(step for step in length_boundaries(self.longest_target) if step >= longest)
        target_ids, mask = self._rectangle(chosen, steps)  # (batch, target_length)
        read = np.where(np.roll(mask, 1, axis=1) * mask, np.roll(target_ids, 1, axis=1), self.ids.padding)
        read[:, 0] = self.ids.first
        inputs |= {features.DECODER_TOKEN_IDS: read.astype("int32"), features.DECODER_PADDING_MASK: mask}
        inputs |= {
            features.DECODER_POSITIONS: mask * np.arange(steps, dtype="int32"),
            features.CROSS_ATTENTION_MASK: inputs[features.ENCODER_PADDING_MASK],
        }
        weights = mask.astype("float32")
        if self.weights is not None:
            weights *= self.weights[indices][:, None]
        return (
            {name: inputs[name] for name in self.names},
            {features.TARGET_IDS: target_ids},
            {features.TARGET_IDS: weights},
        )

    def _rectangle(self, rows, length):
        """Ids and mask, int32 arrays (batch, length)."""
        token_ids = np.full((len(rows), length), self.ids.padding, "int32")
        for row, ids in enumerate(rows):
            token_ids[row, : len(ids)] = ids
        counts = np.array([len(ids) for ids in rows])
        return token_ids, (np.arange(length) < counts[:, None]).astype("int32")


def frame_texts(texts, tokenizer, longest: int, starts: bool) -> tuple[list[np.ndarray], int]:
    """Texts as ids, `[start] text end`, cut so that none has more than `longest`.

    Args:
        texts: list of str.
        tokenizer: a zoo tokenizer.
        longest: int, in tokens, special tokens included.
        starts: bool, whether a start token stands first.

    Returns:
        pair: list of int32 arrays (tokens,), and how many texts had to be cut.
    """
    before = np.array([tokenizer.start_token_id] * starts, "int32")
    after = np.array([tokenizer.end_token_id], "int32")
    room = longest - len(before) - 1
    encoded = tokenizer.encode(texts)
    framed = [np.concatenate([before, ids[:room], after]).astype("int32") for ids in encoded]
    return framed, sum(len(ids) > room for ids in encoded)
