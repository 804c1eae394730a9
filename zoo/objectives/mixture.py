"""A mixture of denoisers: every example gets one of several objectives, drawn by weight."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real

import numpy as np

from zoo.data import features
from zoo.objectives.denoising import Denoising, width_of
from zoo.objectives.objective import tuple_of_parts
from zoo.objectives.rows import new_arrays
from zoo.objectives.span_corruption import SpanCorruption, SpansByRow
from zoo.objectives.text_to_text import PrefixLM

_OF_TEXTS = (features.TOKEN_IDS, features.PADDING_MASK, features.WORD_STARTS, features.SENTENCE_STARTS)
_OF_THE_ENCODER = (features.ENCODER_TOKEN_IDS, features.ENCODER_PADDING_MASK, features.CROSS_ATTENTION_MASK)
_IDS = (features.ENCODER_TOKEN_IDS, features.DECODER_TOKEN_IDS, features.TARGET_IDS)
# Mean span length in tokens and rate of UL2's denoisers of spans: two regular ones, four extreme ones.
_REGULAR = ((3.0, 0.15), (8.0, 0.15))
_EXTREME = ((3.0, 0.5), (8.0, 0.5), (64.0, 0.15), (64.0, 0.5))


@dataclasses.dataclass(frozen=True)
class Mixture(Denoising):
    """One of several objectives of encoder-decoders for every example.

    For each row of a batch one part is drawn, with a probability in proportion to its share. (Tay et al. 2022, arXiv
    2205.05131, section 3.1.) A row holds as much text as every part can take, and all rows have the shapes of the
    longest input and the longest target that a part can make. A prefix, such as the tokens of "[NLU]", is put before
    the encoder's input of its part's examples.

    Args:
        parts: objectives of encoder-decoders, not joined with `+`.
        shares: a positive number for each part; equal ones when None.
        prefixes: for each part a tuple of ids, which may be empty; no prefixes when None.

    Raises:
        TypeError: if a part is not the objective of an encoder-decoder, a share no number, or a prefix no ids.
        ValueError: if there is no part, a share is not positive, the numbers of parts, shares and prefixes
            differ, or some parts make inputs that others do not; when called, if the vocabulary lacks an id.

    Example:

    >>> from zoo.objectives import Vocabulary
    >>> mixture = Mixture(parts=(SpanCorruption(), PrefixLM()), shares=(3, 1))
    >>> mixture.num_tokens(512), mixture.lengths(511)
    (511, (512, 511))
    """

    parts: tuple[Denoising, ...]
    shares: tuple[float, ...] | None = None
    prefixes: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self):
        parts = tuple_of_parts(self.parts)
        for part in parts:
            if not isinstance(part, Denoising):
                raise TypeError(
                    "Every part of a mixture must be an objective of an encoder-decoder, such as SpanCorruption(). "
                    f"Received: {part!r} of type {type(part).__name__}."
                )
        shares = (1.0,) * len(parts) if self.shares is None else _read_shares(self.shares)
        prefixes = ((),) * len(parts) if self.prefixes is None else _read_prefixes(self.prefixes)
        positive = all(0.0 < share < math.inf for share in shares)
        if not parts or not len(parts) == len(shares) == len(prefixes) or not positive:
            raise ValueError(
                "A mixture needs parts, and for each a positive, finite share and a prefix, if there are any. "
                f"Received: {len(parts)} parts, shares={shares}, {len(prefixes)} prefixes."
            )
        if any(part.inputs != parts[0].inputs for part in parts):
            raise ValueError(
                f"All parts of a mixture must make the same inputs. Received: parts={parts}, which make "
                f"{[part.inputs for part in parts]}."
            )
        for name, value in (("parts", parts), ("shares", shares), ("prefixes", prefixes)):
            object.__setattr__(self, name, value)

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.parts[0].inputs

    def lengths(self, num_tokens):
        pairs = [part.lengths(num_tokens) for part in self.parts]
        read = max(length + len(prefix) for (length, _), prefix in zip(pairs, self.prefixes, strict=True))
        return read, max(length for _, length in pairs)

    def check_vocabulary(self, vocabulary, block_length):
        for part in self.parts:
            part.check_vocabulary(vocabulary, block_length)
        unknown = sorted({i for prefix in self.prefixes for i in prefix if not 0 <= i < vocabulary.size})
        if unknown:
            raise ValueError(
                f"`prefixes` must be ids of the vocabulary, below {vocabulary.size}. Received: {unknown} among them."
            )

    def __call__(self, batch, vocabulary, rng):
        count, lengths = len(batch[features.TOKEN_IDS]), self.lengths(width_of(batch))
        self.check_vocabulary(vocabulary, batch[features.TOKEN_IDS].shape[1])
        thresholds = np.cumsum(self.shares)[:-1] / sum(self.shares)
        drawn = np.searchsorted(thresholds, rng.random(count), side="right")  # (batch,)
        names = (*self.inputs, features.TARGET_IDS, features.TARGET_WEIGHTS)
        widths = [lengths[0] if name in _OF_THE_ENCODER else lengths[1] for name in names]
        made = dict(zip(names, new_arrays(count, widths), strict=True))
        made[features.TARGET_WEIGHTS] = made[features.TARGET_WEIGHTS].view(np.float32)
        for name, wide in made.items():
            wide[:] = vocabulary.pad_id if name in _IDS else 0
        for numbers in self._parts_at_once():
            rows = np.flatnonzero(np.isin(drawn, numbers))
            if len(rows):
                part = SpansByRow.of([self.parts[i] for i in numbers], np.searchsorted(numbers, drawn[rows]))
                some = {name: batch[name][rows] for name in _OF_TEXTS if name in batch}
                self._write(made, part(some, vocabulary, rng), rows, drawn[rows])
        return {**batch, **made}

    def _parts_at_once(self) -> list[list[int]]:
        """Numbers of the parts, those together that draw the noise of all their rows at once."""
        together = {}
        for number, part in enumerate(self.parts):
            kind = part.anywhere if isinstance(part, SpanCorruption) else (number,)
            together.setdefault(kind, []).append(number)
        return list(together.values())

    def _write(self, made, noisy, rows, drawn):
        """Writes features of `rows` (rows,), for which the parts `drawn` (rows,) were drawn, with their prefixes."""
        prefixes = list(dict.fromkeys(self.prefixes))
        kinds = np.array([prefixes.index(prefix) for prefix in self.prefixes])[drawn]  # (rows,)
        for kind in np.unique(kinds).tolist():
            prefix, found = prefixes[kind], np.flatnonzero(kinds == kind)
            for name, wide in made.items():
                first = len(prefix) if name in _OF_THE_ENCODER else 0
                wide[rows[found], :first] = prefix[:first] if name == features.ENCODER_TOKEN_IDS else 1
                wide[rows[found], first : first + noisy[name].shape[1]] = noisy[name][found]


def _read_shares(shares):
    if not isinstance(shares, Iterable) or not all(isinstance(share, Real) for share in shares):
        raise TypeError(f"`shares` must be a tuple of numbers, one for each part. Received: shares={shares!r}.")
    return tuple(map(float, shares))


def _read_prefixes(prefixes):
    for prefix in prefixes if isinstance(prefixes, Iterable) else [prefixes]:
        if not isinstance(prefix, Iterable) or not all(isinstance(number, Integral) for number in prefix):
            raise TypeError(
                'A prefix is a tuple of ids; `tokenizer.encode(["[NLU]"])[0]` gives them. '
                f"Received: {prefix!r} of type {type(prefix).__name__}."
            )
    return tuple(tuple(map(int, prefix)) for prefix in prefixes)


def ul2(regular: Sequence[int] = (), extreme: Sequence[int] = (), sequential: Sequence[int] = ()) -> Mixture:
    """UL2's mixture of denoisers: span corruption of six kinds, and a prefix language model.

    Means of 3 and 8 tokens at a rate of 0.15 are regular; a rate of 0.5, or a mean of 64 tokens, is extreme; the
    sequential denoiser is `PrefixLM(rate=0.25)`. All seven have the same share. (Tay et al. 2022, arXiv 2205.05131,
    section 3.1.)

    Args:
        regular: ids that tell the model of a regular denoiser, those of "[NLU]" in the paper.
        extreme: ids that tell it of an extreme one, "[NLG]".
        sequential: ids that tell it of the sequential one, "[S2S]".

    Example:

    >>> ul2().lengths(511)
    (512, 342)
    """
    spans = [SpanCorruption(rate, mean) for mean, rate in (*_REGULAR, *_EXTREME)]
    prefixes = (*[regular] * len(_REGULAR), *[extreme] * len(_EXTREME), sequential)
    return Mixture(parts=(*spans, PrefixLM(rate=0.25)), prefixes=prefixes)
