"""Texts put together again from what an encoder reads and a decoder must say, row by row, the slow and plain way."""

from zoo.objectives import MASS, PrefixLM, ReplaceSpans, SpanCorruption
from zoo.objectives.noises import Noise


def texts_of(batch):
    """The texts of a batch as lists, without start and end tokens."""
    return [
        ids[1 : sum(mask) - 1].tolist() for ids, mask in zip(batch["token_ids"], batch["padding_mask"], strict=True)
    ]


def read_of(noisy):
    """What the encoder reads, as lists."""
    pairs = zip(noisy["encoder_token_ids"], noisy["encoder_padding_mask"], strict=True)
    return [ids[mask == 1].tolist() for ids, mask in pairs]


def said_of(noisy):
    """What the decoder must say, as lists."""
    return [ids[used == 1].tolist() for ids, used in zip(noisy["target_ids"], noisy["target_weights"], strict=True)]


def fill_sentinels(read, said, sentinels):
    """The text of which `said` tells what the sentinels in `read` stand for."""
    spans, current = {}, None
    for token in said:
        if token in sentinels:
            current = spans.setdefault(token, [])
        else:
            current.append(token)
    return [part for token in read for part in spans.get(token, [token])]


def rebuild(objective, noisy, vocabulary):
    """The texts of a batch, of an objective whose input and target hold them."""
    texts = []
    for row, (read, said) in enumerate(zip(read_of(noisy), said_of(noisy), strict=True)):
        if isinstance(objective, MASS):
            for place, token in zip(noisy["decoder_positions"][row], said, strict=False):
                read[place + 1] = token
            texts.append(read[1:-1])
        elif isinstance(objective, Noise) or hasattr(objective, "parts"):
            texts.append(said[1:-1])
        elif isinstance(objective, (SpanCorruption, ReplaceSpans)):
            texts.append(fill_sentinels(read[:-1], said[:-1], vocabulary.sentinel_ids))
        elif isinstance(objective, PrefixLM):
            texts.append(read[:-1] + said[:-1])
        else:
            texts.append(said[:-1])
    return texts


def is_within(part, whole):
    """Whether `part` is what is left of `whole` when some of it is taken away."""
    rest = iter(whole)
    return all(token in rest for token in part)


def interleave(first, second, whole):
    """Whether `first` and `second` can be shuffled into each other to give `whole`."""
    reached = {(0, 0)}
    for token in whole:
        reached = {
            step
            for i, j in reached
            for step, part, place in (((i + 1, j), first, i), ((i, j + 1), second, j))
            if place < len(part) and part[place] == token
        }
    return (len(first), len(second)) in reached
