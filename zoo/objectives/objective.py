"""What a pre-training objective is, and how several make one."""

import dataclasses
from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from zoo.data import features
from zoo.objectives.vocabulary import Vocabulary


class Objective:
    """Base class of the pre-training objectives: frozen dataclasses that are called.

    An objective has one or both of two roles. A *corruption* is called with a batch and returns it
    with noise in it. A *pairing* plans which sentences make an example (see
    `zoo.objectives.sentence_pairs.SentencePairing`). `a + b` is an objective that does both, in this order,
    except that parts with a `stage` act in the order of their stages. The corruptions of encoder-decoders are
    `zoo.objectives.denoising.Denoising`.

    All randomness comes from the generator that is passed in: the same batch and the same
    generator state give the same noise, on every backend.

    Attributes:
        inputs: names of the features that the model reads.
        targets: names of the features that the model must predict.
        weights: maps a target to the feature that weights its loss. A target that is not named
            here weighs 1 for each example.
        pairing: the part that plans sentence pairs, or None where an example is one text.
        stage: place among the noises that can be joined, whatever the order in which they are written; 0 for
            all that are none, see `zoo.objectives.noises.Noise`.
        separates_documents: whether an end token stands between two documents of one example.
    """

    inputs: ClassVar[tuple[str, ...]] = ()
    targets: ClassVar[tuple[str, ...]] = ()
    weights: ClassVar[dict[str, str]] = {}
    stage: ClassVar[int] = 0
    separates_documents: ClassVar[bool] = True

    @property
    def pairing(self) -> "Objective | None":
        return None

    def block_length(self, sequence_length: int) -> int:
        """Tokens of the text that makes an input of `sequence_length` tokens, start and end token included."""
        return sequence_length

    def check_vocabulary(self, vocabulary: Vocabulary, block_length: int) -> None:
        """Raises a ValueError if this objective needs ids that the vocabulary lacks, for texts of this length."""

    def __call__(
        self, batch: dict[str, np.ndarray], vocabulary: Vocabulary, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Returns `batch` with the noise of this objective; an objective without noise, `batch`."""
        return batch

    def plan(self, sentence_lengths, document, sequence_length, rng):
        """Plans the sentence pairs of one document: see `SentencePairing.plan`."""
        if self.pairing is None:
            raise ValueError(
                "Only an objective with a sentence-pair part plans pairs. "
                f"Received: objective={self!r}. Add one, for example `NextSentence()`, or fill "
                "the examples with full blocks of text."
            )
        return self.pairing.plan(sentence_lengths, document, sequence_length, rng)

    def __add__(self, other: "Objective") -> "Composite":
        if not isinstance(other, Objective):
            return NotImplemented
        return Composite((self, other))


def check_features(batch: dict[str, np.ndarray], names: tuple[str, ...]) -> None:
    """Refuses a batch without one of these features, with a ValueError."""
    missing = [name for name in names if name not in batch]
    if missing:
        raise ValueError(
            f"A batch must have the features {', '.join(names)}. Received: batch with {sorted(batch)}. "
            f"Add {', '.join(missing)}."
        )


def tuple_of_parts(parts) -> tuple:
    """Several objectives as a tuple; a TypeError if they are one thing."""
    if isinstance(parts, str) or not isinstance(parts, Iterable):
        raise TypeError(
            f"`parts` must be a tuple of objectives. Received: parts={parts!r} of type {type(parts).__name__}. "
            "Put it in a tuple: `(part,)`."
        )
    return tuple(parts)


@dataclasses.dataclass(frozen=True)
class Composite(Objective):
    """Several objectives as one: what `a + b` gives.

    Args:
        parts: the objectives, in the order in which they act, or, with a `stage`, in any order. Composites
            among them are replaced by their own parts.

    Raises:
        TypeError: if a part is not an objective.
        ValueError: if no part is given, if more than one part plans sentence pairs, if two parts make the same
            target (two masked language models, for example), if the objective of an encoder-decoder is joined with
            another than the noises of BART, or if one of these is there twice.
    """

    parts: tuple[Objective, ...]

    def __post_init__(self):
        given = tuple_of_parts(self.parts)
        for part in given:
            if not isinstance(part, Objective):
                raise TypeError(
                    "Every part of a composite must be an objective of `zoo.objectives`. "
                    f"Received: {part!r} of type {type(part).__name__}."
                )
        parts = tuple(inner for part in given for inner in (part.parts if isinstance(part, Composite) else (part,)))
        if not parts:
            raise ValueError("A composite needs at least one objective. Received: parts=().")
        parts = tuple(sorted(parts, key=lambda part: part.stage))
        object.__setattr__(self, "parts", parts)
        if sum(part.pairing is not None for part in parts) > 1:
            raise ValueError(
                "At most one part may plan sentence pairs, because an example has one pair. "
                f"Received: parts={parts}. Keep one of them."
            )
        self._check_noises()
        targets = [target for part in parts if not part.stage for target in part.targets]
        repeated = sorted({target for target in targets if targets.count(target) > 1})
        if repeated:
            raise ValueError(
                "Every part must make its own targets, because a second part would corrupt what "
                f"the first one made. Received: parts={parts}, which make {repeated} more than "
                "once. Keep one of them."
            )

    def _check_noises(self):
        denoising = any(features.TARGET_IDS in part.targets for part in self.parts)
        if denoising and len(self.parts) > 1 and not all(part.stage for part in self.parts):
            raise ValueError(
                "The objective of an encoder-decoder stands alone; only the noises of BART can be joined, with "
                "each other: SentencePermutation, TokenMasking, TokenDeletion, TextInfilling, DocumentRotation. "
                f"Received: parts={self.parts}. Keep one of them, or see `Mixture` for one or the other."
            )
        kinds = [type(part) for part in self.parts if part.stage]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"Every noise can act once. Received: parts={self.parts}. Keep one of each kind.")

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.inputs))

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(target for part in self.parts for target in part.targets))

    @property
    def weights(self) -> dict[str, str]:
        return {target: name for part in self.parts for target, name in part.weights.items()}

    @property
    def pairing(self) -> Objective | None:
        return next((part.pairing for part in self.parts if part.pairing is not None), None)

    @property
    def separates_documents(self) -> bool:
        return all(part.separates_documents for part in self.parts)

    def block_length(self, sequence_length):
        return min(part.block_length(sequence_length) for part in self.parts)

    def check_vocabulary(self, vocabulary, block_length):
        for part in self.parts:
            part.check_vocabulary(vocabulary, block_length)

    def __repr__(self):
        return " + ".join(map(repr, self.parts))

    def __call__(self, batch, vocabulary, rng):
        for part in self.parts:
            batch = part(batch, vocabulary, rng)
        return batch
