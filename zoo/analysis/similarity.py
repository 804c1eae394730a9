"""How alike the vectors of a word are in different sentences, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zoo.analysis.occurrences import Occurrence

EMBEDDING = "embedding"
# Digits of a cosine of float32 vectors: equal vectors have exactly 1.
DIGITS = 6


@dataclass(frozen=True, eq=False, repr=False)
class ContextualSimilarity:
    """The vectors of a word in many sentences, by layer, and how alike they are.

    A row is an occurrence of the word. Those of one sense stand together, the senses in the order in which they
    first come; within a sense, and without senses, the order is that of the sentences. It prints as a table.

    Attributes:
        occurrences: tuple of `Occurrence`, what the rows are.
        vectors: dict, for each layer a float32 array (occurrences, size of the layer's vectors). `"embedding"` is the
            static token embedding, in ALBERT before its projection; 1, 2, ... are the outputs of the layers in the
            order in which they run, the last with the final normalization where the model has one.
        random: tuple of `ContextualSimilarity`, the same of models with random weights.
    """

    occurrences: tuple[Occurrence, ...]
    vectors: dict[str | int, np.ndarray]
    random: tuple["ContextualSimilarity", ...] = ()

    @property
    def layers(self) -> tuple[str | int, ...]:
        """The layers that were asked for."""
        return tuple(self.vectors)

    @property
    def senses(self) -> tuple[str | int, ...]:
        """The senses in the order of the rows, each once; empty if none were given."""
        return tuple(dict.fromkeys(each.sense for each in self.occurrences if each.sense is not None))

    @cached_property
    def cosines(self) -> dict[str | int, np.ndarray]:
        """For each layer the cosines of all pairs, float64 array (occurrences, occurrences)."""
        return {layer: _cosines(vectors) for layer, vectors in self.vectors.items()}

    @cached_property
    def mean_cosines(self) -> dict[str | int, tuple[float, float]]:
        """For each layer the mean cosine of the pairs of one sense, and that of the pairs of two senses.

        Every pair counts alike, whatever its sense. A pair whose sentences have the same text is left out (a word
        that is twice in a sentence, a sentence that is twice given): it is alike for another reason than its sense.

        Raises:
            ValueError: if there are no senses, or no pairs of either kind.
        """
        if not self.senses:
            raise ValueError(
                "Separation is of senses. Received: senses=None. Give `contextual_similarity` a sense a sentence."
            )
        one, two = self._pairs()
        if not (one.any() and two.any()):
            raise ValueError(
                "Pairs of one sense and pairs of two senses are needed, of sentences with different texts. "
                f"Received: {len(self.occurrences)} occurrences of {len(self.senses)} senses. Add sentences."
            )
        return {layer: (float(each[one].mean()), float(each[two].mean())) for layer, each in self.cosines.items()}

    @property
    def separates(self) -> bool:
        """Whether there are pairs of one sense and pairs of two, so that there is a `separation`."""
        return bool(self.senses) and all(pairs.any() for pairs in self._pairs())

    @property
    def separation(self) -> dict[str | int, float]:
        """For each layer by how much the cosine of a pair of one sense is above that of a pair of two, in the mean.

        See `mean_cosines` for the pairs. The static embedding of one word is the same vector in every sentence, so
        its separation is 0 by construction; with different words for different sentences it need not be.

        Raises:
            ValueError: as `mean_cosines` does.
        """
        return {layer: same - different for layer, (same, different) in self.mean_cosines.items()}

    def of_senses(self, senses: Sequence[str | int]) -> "ContextualSimilarity":
        """Return the occurrences of some senses alone, in the order given.

        Raises:
            ValueError: if a sense is unknown, or fewer than two are named.
            TypeError: if `senses` is one str.
        """
        if isinstance(senses, (str, int)):
            raise TypeError(f"A list of senses was expected. Received: senses={senses!r}")
        chosen = list(dict.fromkeys(senses))
        unknown = [sense for sense in chosen if sense not in self.senses]
        if unknown or len(chosen) < 2:
            raise ValueError(f"Two or more of the senses {list(self.senses)} were expected. Received: senses={chosen}")
        rows = [row for sense in chosen for row, each in enumerate(self.occurrences) if each.sense == sense]
        return ContextualSimilarity(
            tuple(self.occurrences[row] for row in rows),
            {layer: vectors[rows] for layer, vectors in self.vectors.items()},
            tuple(each.of_senses(chosen) for each in self.random),
        )

    def plot(self, layer: int | None = None):
        """Draw the cosines of the static embedding and, beside them, those of a layer, ordered by sense.

        Where no font of this machine has the characters, a warning says which one to install, and sentences and
        senses are numbered instead.

        Args:
            layer: int, one of `layers`; the last when None.

        Returns:
            `matplotlib.figure.Figure`, to be looked at in a notebook or saved with `savefig`.

        Raises:
            ValueError: if the layer, or the static embedding, is not among `layers`.
        """
        from zoo.analysis.heat_map import draw_cosines

        return draw_cosines(self, self.layers[-1] if layer is None else layer)

    def _pairs(self):
        """Two bool arrays (occurrences, occurrences): the pairs of one sense, and of two; each pair once."""
        texts = _equal([each.text for each in self.occurrences])
        senses = _equal([each.sense for each in self.occurrences])
        once = np.triu(~texts)
        return once & senses, once & ~senses

    def __len__(self):
        return len(self.occurrences)

    def __repr__(self):
        words = ", ".join(dict.fromkeys(each.word for each in self.occurrences))
        sentences = len({each.sentence for each in self.occurrences})
        lines = [f"{words}: {len(self)} occurrences in {sentences} sentences, senses: {list(self.senses)}"]
        if self.separates:
            return "\n".join([*lines, *self._table()])
        lines.append(f"layers: {list(self.layers)}")
        return "\n".join([*lines, *["too few pairs for a separation"] * bool(self.senses)])

    def _table(self):
        head = ["layer", "same sense", "different", "separation"] + ["random weights"] * bool(self.random)
        yield "  ".join(f"{name:>14}" for name in head)
        for layer, (same, different) in self.mean_cosines.items():
            cells = [str(layer), f"{same:.3f}", f"{different:.3f}", f"{same - different:.3f}"]
            if self.random:
                values = [each.separation[layer] for each in self.random]
                spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
                cells.append(f"{np.mean(values):.3f} ± {spread:.3f}")
            yield "  ".join(f"{cell:>14}" for cell in cells)


def _cosines(vectors):
    vectors = vectors.astype("float64")
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo("float64").tiny)
    return np.round(unit @ unit.T, DIGITS)


def _equal(values):
    """bool array (values, values), whether two are equal."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    column = np.array([numbers[value] for value in values])
    return column[:, None] == column[None, :]
