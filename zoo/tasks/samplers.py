"""How the next token is chosen: the likeliest, one that is drawn, one that says something new, or by beam search."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Greedy:
    """Always the likeliest token."""


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Tokens drawn by their probability, of the likeliest few.

    Args:
        temperature: float, above 0; divides the logits.
        top_k: int, how many of the likeliest tokens may be drawn (Fan et al. 2018, arXiv 1805.04833), or None.
        top_p: float, the likeliest tokens that together have this probability may be drawn: the nucleus (Holtzman et
            al. 2020, arXiv 1904.09751, section 3.1), or None.
        seed: int.

    Raises:
        ValueError: if a number is out of range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    def __post_init__(self):
        if self.temperature <= 0:
            raise ValueError(f"`temperature` must be above 0. Received: temperature={self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"`top_k` must be at least 1. Received: top_k={self.top_k}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"`top_p` must lie above 0, at most at 1. Received: top_p={self.top_p}")

    def draw(self, logits: np.ndarray, chances: np.ndarray) -> np.ndarray:
        """One token a row: int array (batch,) for float logits (batch, vocabulary_size).

        Args:
            logits: float array (batch, vocabulary_size).
            chances: float array (batch,), drawn evenly from 0 to 1.
        """
        logits = logits.astype("float64") / self.temperature
        if self.top_k is not None and self.top_k < logits.shape[1]:
            least = np.partition(logits, -self.top_k, axis=1)[:, -self.top_k, None]
            logits = np.where(logits >= least, logits, -np.inf)
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponents / exponents.sum(axis=1, keepdims=True)
        order = np.argsort(-probabilities, axis=1, kind="stable")
        ordered = np.take_along_axis(probabilities, order, axis=1)
        if self.top_p is not None:
            before = np.cumsum(ordered, axis=1) - ordered
            ordered = np.where(before < self.top_p, ordered, 0.0)
        reached = np.cumsum(ordered, axis=1)
        place = (reached > chances[:, None] * reached[:, -1:]).argmax(axis=1)
        return np.take_along_axis(order, place[:, None], axis=1)[:, 0]


@dataclasses.dataclass(frozen=True)
class Contrastive:
    """The likely token that says most that is new: contrastive search.

    Of the likeliest tokens that one is taken for which `(1 - penalty) * p - penalty * s` is largest, where p is its
    probability and s the largest cosine of its vector, as the decoder gives it, with those of the tokens before it (Su
    et al. 2022, arXiv 2202.06417, equation 5; `alpha` there and k the number of candidates).

    Args:
        num_candidates: int, how many of the likeliest tokens are compared.
        penalty: float from 0, the likeliest token, to 1.

    Raises:
        ValueError: if a number is out of range.
    """

    num_candidates: int = 4
    penalty: float = 0.6

    def __post_init__(self):
        if self.num_candidates < 1:
            raise ValueError(f"`num_candidates` must be at least 1. Received: num_candidates={self.num_candidates}")
        if not 0 <= self.penalty <= 1:
            raise ValueError(f"`penalty` must lie from 0 to 1. Received: penalty={self.penalty}")

    def choose(self, probabilities: np.ndarray, vectors: np.ndarray, past: np.ndarray) -> np.ndarray:
        """Which candidate of each text is taken: int array (batch,).

        Args:
            probabilities: float array (batch, candidates).
            vectors: float array (batch, candidates, hidden_dim), of length 1.
            past: float array (batch, steps, hidden_dim), of length 1, of the tokens before them.
        """
        likeness = (vectors @ past.transpose(0, 2, 1)).max(axis=2)  # (batch, candidates)
        scores = (1 - self.penalty) * probabilities - self.penalty * likeness
        return np.where(probabilities > 0, scores, -np.inf).argmax(axis=1)  # what is impossible says nothing new


@dataclasses.dataclass(frozen=True)
class Beam:
    """The best text that a beam search finds.

    A text of n tokens, its end token counted, has the score `log p / n ** length_penalty`. The search ends when as many
    texts as there are beams have ended and the best one under way, if it ended now, would not be among them.

    Args:
        num_beams: int, texts that are followed at a time.
        length_penalty: float; 0 compares probabilities, above 0 favours longer texts.

    Raises:
        ValueError: if there is not at least one beam.
    """

    num_beams: int = 4
    length_penalty: float = 1.0

    def __post_init__(self):
        if self.num_beams < 1:
            raise ValueError(f"`num_beams` must be at least 1. Received: num_beams={self.num_beams}")


NAMED = {
    "greedy": Greedy(),
    "beam": Beam(),
    "contrastive": Contrastive(),
    "sample": Sampling(),
    "top_k": Sampling(top_k=50),
    "top_p": Sampling(top_p=0.9),
}


def sampler_of(sampler):
    """A sampler, given as one or by its name.

    Raises:
        ValueError: if there is none of that name.
    """
    if isinstance(sampler, (Greedy, Sampling, Contrastive, Beam)):
        return sampler
    if sampler not in NAMED:
        raise ValueError(
            f"`sampler` must be one of {sorted(NAMED)}, or a `Greedy`, `Sampling`, `Contrastive` or `Beam` of "
            f"`zoo.tasks`. Received: sampler={sampler!r}"
        )
    return NAMED[sampler]


class BeamSearch:
    """What a beam search keeps of a batch of texts: the texts under way, and those that have ended.

    Args:
        batch: int, number of texts.
        max_length: int, most tokens of a text, its end token counted.
        beam: `Beam`.
        end_id: int, the token that ends a text.
        pad_id: int, what stands after it.

    Attributes:
        scores: float32 array (batch, beams), log-probabilities of the texts under way, the best first.
    """

    def __init__(self, batch, max_length, beam, end_id, pad_id):
        self._beam, self._end_id, self._max_length = beam, end_id, max_length
        shape = (batch, beam.num_beams)
        self.scores = np.full(shape, -1e9, "float32")
        self.scores[:, 0] = 0.0  # all beams begin alike: only one of them may go on
        self._running = np.full((*shape, max_length), pad_id, "int32")
        self._ended = self._running.copy()
        self._ended_scores = np.full(shape, -1e9, "float32")
        self._is_ended = np.zeros(shape, bool)
        self._hopeful = np.ones((batch, 1), bool)
        self._length = 0

    def advance(self, values, parents, tokens):
        """Take the best continuations in: float (batch, 2 * beams), best first, of which beam, by which token.

        Returns:
            pair of int arrays (batch, beams): which beams go on, and with which token.
        """
        width, penalty = self._beam.num_beams, self._beam.length_penalty
        texts = np.take_along_axis(self._running, parents[:, :, None], axis=1)  # (batch, 2 * beams, max_length)
        texts[:, :, self._length] = tokens
        self._length += 1
        ends = (tokens == self._end_id) | (self._length == self._max_length)
        # A text that ends counts if it is among the best; one that goes on, if there is room.
        counts = ends & (np.arange(2 * width) < width) & self._hopeful
        ended = np.where(counts, values / self._length**penalty, -1e9).astype("float32")
        self._keep(texts, ended, counts)
        open_values = np.where(ends, -1e9, values)
        going = np.argsort(-open_values, axis=1, kind="stable")[:, :width]
        self.scores = np.take_along_axis(open_values, going, axis=1).astype("float32")
        self._running = np.take_along_axis(texts, going[:, :, None], axis=1)
        worst = np.where(self._is_ended, self._ended_scores.min(axis=1, keepdims=True), -1e9)
        possible = self.scores[:, :1] / self._length**penalty
        self._hopeful &= (possible > worst).any(axis=1, keepdims=True)
        return np.take_along_axis(parents, going, axis=1), np.take_along_axis(tokens, going, axis=1)

    def _keep(self, texts, scores, counts):
        """The best of the texts that have ended, old and new."""
        all_scores = np.concatenate([self._ended_scores, scores], axis=1)
        best = np.argsort(-all_scores, axis=1, kind="stable")[:, : self._beam.num_beams]
        self._ended_scores = np.take_along_axis(all_scores, best, axis=1)
        self._is_ended = np.take_along_axis(np.concatenate([self._is_ended, counts], axis=1), best, axis=1)
        together = np.concatenate([self._ended, texts], axis=1)
        self._ended = np.take_along_axis(together, best[:, :, None], axis=1)

    def over(self) -> bool:
        """Whether nothing that is under way can still be the answer."""
        return self._length == self._max_length or not self._hopeful.any()

    def best(self) -> np.ndarray:
        """The best ended text of each source, int array (batch, length)."""
        return self._ended[:, 0, : self._length]
