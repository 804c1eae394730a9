"""What an objective must know of a tokenizer: which ids mean something, and which may be drawn."""

import dataclasses
import functools
import re

import numpy as np

# Place holders of the published BERT vocabularies: never seen in text, so never a plausible error.
_UNUSED = re.compile(r"\[unused\d+\]")


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The ids of a vocabulary, without the tokenizer: small, picklable, plain Python and NumPy.

    Args:
        size: int. Number of ids; they are `0..size - 1`.
        pad_id: int. Id that fills up short examples.
        start_id: int. Id that begins an example (`[CLS]`, `<s>`).
        end_id: int. Id that ends a text (`[SEP]`, `</s>`).
        mask_id: int. Id that stands for a token to be predicted.
        special_ids: tuple of ints. All ids that stand for no text: these four, the unknown token,
            the place holders and the sentinels. They are never masked and never drawn as random
            replacements.
        sentinel_ids: tuple of ints. The ids of `<extra_id_0>`, `<extra_id_1>`, ..., which stand for
            spans of text that T5 leaves out; empty if the vocabulary has none.

    Raises:
        ValueError: if an id lies outside the vocabulary, if one of the four ids or a sentinel is
            missing from `special_ids`, if a sentinel is there twice, or if no ordinary id is left.
    """

    size: int
    pad_id: int
    start_id: int
    end_id: int
    mask_id: int
    special_ids: tuple[int, ...]
    sentinel_ids: tuple[int, ...] = ()

    def __post_init__(self):
        special = tuple(sorted({int(i) for i in self.special_ids}))
        object.__setattr__(self, "special_ids", special)
        for name in ("pad_id", "start_id", "end_id", "mask_id"):
            if getattr(self, name) not in special:
                raise ValueError(
                    f"`special_ids` must contain `{name}`. Received: {name}={getattr(self, name)}, "
                    f"special_ids={special}. Add the id to `special_ids`."
                )
        sentinels = tuple(map(int, self.sentinel_ids))
        object.__setattr__(self, "sentinel_ids", sentinels)
        if not set(special).issuperset(sentinels) or len(set(sentinels)) < len(sentinels):
            raise ValueError(
                "`special_ids` must contain all `sentinel_ids`, and these be different. Received: "
                f"sentinel_ids={sentinels}, special_ids={special}."
            )
        if special[0] < 0 or special[-1] >= self.size:
            raise ValueError(
                f"Every special id must lie between 0 and size - 1 = {self.size - 1}. "
                f"Received: special_ids={special}. Check that ids and size are of one tokenizer."
            )
        if len(special) >= self.size:
            raise ValueError(
                f"A vocabulary needs ids that are not special. Received: size={self.size} with "
                f"{len(special)} special ids. Pass the ids of the special tokens only."
            )

    @classmethod
    def of(cls, tokenizer) -> "Vocabulary":
        """Reads the ids off a tokenizer.

        Args:
            tokenizer: a tokenizer of `zoo.tokenizers` or KerasHub, with `vocabulary_size()`,
                `get_vocabulary()`, `pad_token_id`, `start_token_id`, `end_token_id` and
                `mask_token_id`; with `sentinel_ids` if it has sentinels.

        Raises:
            ValueError: if one of the four special tokens is missing.
        """
        ids = {}
        for name in ("pad", "start", "end", "mask"):
            ids[name] = getattr(tokenizer, f"{name}_token_id", None)
            if ids[name] is None:
                raise ValueError(
                    f"The tokenizer must have a `{name}_token_id`, objectives need it. "
                    f"Received: tokenizer={tokenizer!r}. Use a tokenizer of a masked language "
                    "model, for example `zoo.tokenizers.WordPiece`."
                )
        sentinels = tuple(getattr(tokenizer, "sentinel_ids", ()))
        special = {*ids.values(), *getattr(tokenizer, "special_token_ids", ()), *sentinels}
        special.add(_unknown_id(tokenizer))
        special.discard(None)
        pieces = tokenizer.get_vocabulary()
        special.update(i for i, piece in enumerate(pieces) if _UNUSED.fullmatch(piece))
        return cls(
            size=int(tokenizer.vocabulary_size()),
            pad_id=int(ids["pad"]),
            start_id=int(ids["start"]),
            end_id=int(ids["end"]),
            mask_id=int(ids["mask"]),
            special_ids=tuple(special),
            sentinel_ids=sentinels,
        )

    @functools.cached_property
    def is_special(self) -> np.ndarray:
        """Table of shape `(size,)`, bool: True for the ids of `special_ids`."""
        table = np.zeros(self.size, bool)
        table[list(self.special_ids)] = True
        return table

    @functools.cached_property
    def ordinary_ids(self) -> np.ndarray:
        """The ids that may be drawn as random replacements, int32, ascending."""
        return np.flatnonzero(~self.is_special).astype(np.int32)

    def __getstate__(self):
        # The two tables are derived and larger than the rest: worker processes rebuild them.
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def _unknown_id(tokenizer):
    """The id of the unknown token, or None; tokenizers of KerasHub have its piece instead."""
    piece = getattr(tokenizer, "oov_token", None)
    known = getattr(tokenizer, "unk_token_id", None)
    return tokenizer.token_to_id(piece) if known is None and piece is not None else known
