"""What a pre-training objective is, and how several make one."""

import dataclasses
from typing import ClassVar

import numpy as np

from zoo.objectives.vocabulary import Vocabulary


class Objective:
    """Base class of the pre-training objectives: frozen dataclasses that are called.

    An objective has one or both of two roles. A *corruption* is called with a batch and returns it
    with noise in it. A *pairing* plans which sentences make an example (see
    `zoo.objectives.sentence_pairs.SentencePairing`). `a + b` is an objective that does both, in this order.

    All randomness comes from the generator that is passed in: the same batch and the same
    generator state give the same noise, on every backend.

    Attributes:
        inputs: names of the features that the model reads.
        targets: names of the features that the model must predict.
        weights: maps a target to the feature that weights its loss. A target that is not named
            here weighs 1 for each example.
        pairing: the part that plans sentence pairs, or None where an example is one text.
    """

    inputs: ClassVar[tuple[str, ...]] = ()
    targets: ClassVar[tuple[str, ...]] = ()
    weights: ClassVar[dict[str, str]] = {}

    @property
    def pairing(self) -> "Objective | None":
        return None

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


@dataclasses.dataclass(frozen=True)
class Composite(Objective):
    """Several objectives as one: what `a + b` gives.

    Args:
        parts: the objectives, in the order in which they act. Composites among them are replaced
            by their own parts.

    Raises:
        TypeError: if a part is not an objective.
        ValueError: if no part is given, if more than one part plans sentence pairs, or if two
            parts make the same target (two masked language models, for example).
    """

    parts: tuple[Objective, ...]

    def __post_init__(self):
        for part in self.parts:
            if not isinstance(part, Objective):
                raise TypeError(
                    "Every part of a composite must be an objective of `zoo.objectives`. "
                    f"Received: {part!r} of type {type(part).__name__}."
                )
        parts = tuple(
            inner for part in self.parts for inner in (part.parts if isinstance(part, Composite) else (part,))
        )
        if not parts:
            raise ValueError("A composite needs at least one objective. Received: parts=().")
        object.__setattr__(self, "parts", parts)
        if sum(part.pairing is not None for part in parts) > 1:
            raise ValueError(
                "At most one part may plan sentence pairs, because an example has one pair. "
                f"Received: parts={parts}. Keep one of them."
            )
        targets = [target for part in parts for target in part.targets]
        repeated = sorted({target for target in targets if targets.count(target) > 1})
        if repeated:
            raise ValueError(
                "Every part must make its own targets, because a second part would corrupt what "
                f"the first one made. Received: parts={parts}, which make {repeated} more than "
                "once. Keep one of them."
            )

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.inputs))

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(target for part in self.parts for target in part.targets)

    @property
    def weights(self) -> dict[str, str]:
        return {target: name for part in self.parts for target, name in part.weights.items()}

    @property
    def pairing(self) -> Objective | None:
        return next((part.pairing for part in self.parts if part.pairing is not None), None)

    def __call__(self, batch, vocabulary, rng):
        for part in self.parts:
            batch = part(batch, vocabulary, rng)
        return batch
