"""Which tokens are to be predicted: whole batches at once, each example with its own budget.

Everything here works on `candidates`, bool (batch, length), the positions that may be chosen, and on
`budget`, int (batch,), the number of tokens to choose. Order at random comes from sorting random
keys whose low bits are the position: one sort gives distinct positions in random order.
"""

from typing import NamedTuple

import numpy as np

from zoo.objectives.rows import first_columns

_BITS_OF_SHORT_ROWS = 11


class Words(NamedTuple):
    """The words of a batch, numbered in reading order through all examples.

    A word is a run of candidates; it ends where another begins or where a token is no candidate.

    Attributes:
        candidates: bool array (batch, length). True where a token may be chosen.
        number: int array (batch, length). Number of the word that a candidate is in.
        begins: bool array (batch, length). True at the first token of a word.
        first_token: int array (words + 1,). Tokens in all words before this one.
        run_stop: int array (words,). Number after the last word of the unbroken run of words that
            this one is in: a run ends at special tokens and padding.
    """

    candidates: np.ndarray
    number: np.ndarray
    begins: np.ndarray
    first_token: np.ndarray
    run_stop: np.ndarray


def find_words(candidates: np.ndarray, word_starts: np.ndarray) -> Words:
    """Numbers the words of a batch.

    Args:
        candidates: bool (batch, length).
        word_starts: bool (batch, length), True where a token begins a word. A candidate after a
            position that is none begins a word anyway.
    """
    after_gap = candidates.copy()
    after_gap[:, 1:] &= ~candidates[:, :-1]
    begins = candidates & (word_starts | after_gap)
    number = np.cumsum(begins.ravel(), dtype=np.int32).reshape(begins.shape)  # (batch, length)
    number -= 1
    tokens = np.flatnonzero(candidates)
    first_token = np.append(np.flatnonzero(begins.ravel()[tokens]), len(tokens))  # (words + 1,)
    run_starts = np.flatnonzero(after_gap[begins])
    run_stops = np.append(run_starts, len(first_token) - 1)[1:]
    run_stop = np.repeat(run_stops, run_stops - run_starts)  # (words,)
    return Words(candidates, number, begins, first_token, run_stop)


def _draw_keys(allowed: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.unsignedinteger]:
    """Random keys, different in a row, whose low bits are the position; where not `allowed` they sort behind.

    Returns:
        `(keys, low)`: unsigned integers (batch, length), and the mask of the low bits. Up to a length of 2048, 32 bits
        are enough for two keys of a row to be in the wrong order no more often than once in a million.
    """
    batch, length = allowed.shape
    bits = max(int(length - 1).bit_length(), 1)
    kind = np.uint32 if bits <= _BITS_OF_SHORT_ROWS else np.uint64
    drawn = -(-batch * length // (8 // kind().nbytes))
    # Whole words of the generator are drawn fastest. In place throughout: fresh memory costs more than the sort.
    keys = rng.integers(0, np.iinfo(np.uint64).max, drawn, np.uint64, endpoint=True).view(kind)
    keys = keys[: batch * length].reshape(batch, length)
    low, high = kind((1 << bits) - 1), kind(1 << (8 * kind().nbytes - 1))
    keys &= ~(low | high)
    keys |= np.arange(length, dtype=kind)
    if not allowed.all():
        keys |= (~allowed).astype(kind) * high
    return keys, low


def shuffle_positions(allowed: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The first `count` of the positions where `allowed` (batch, length) is True, in random order.

    Returns:
        int64 array (batch, count). Rows with fewer such positions end with positions that are not
        allowed.
    """
    keys, low = _draw_keys(allowed, rng)
    keys.sort(axis=1)
    return (keys[:, :count] & low).astype(np.int64)


def choose_tokens(candidates: np.ndarray, budget: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Chooses exactly `budget` candidates of each example, or all if there are fewer.

    Every set of candidates of that size is equally likely.

    Returns:
        bool array (batch, length).
    """
    length = candidates.shape[1]
    if not length:
        return candidates.copy()
    keys, _ = _draw_keys(candidates, rng)
    place = np.minimum(budget, length - 1)
    if len(place) and (place == place[0]).all():  # finding one key is cheaper than sorting all
        beyond = np.partition(keys, place[:1], axis=1)[:, place[:1]]  # (batch, 1)
    else:
        beyond = np.take_along_axis(np.sort(keys, axis=1), place[:, None], axis=1)
    chosen = keys < beyond
    chosen[budget >= length] = True
    chosen &= candidates
    return chosen


def choose_places(counts: np.ndarray, budget: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """Chooses exactly `budget` of the first `counts` places of each row, or all if there are fewer.

    Every set of places of that size is equally likely. Places are drawn until enough of them are different, which
    costs in proportion to the budget, not to the places; of more than half, those that are not chosen are drawn.

    Args:
        counts: int array (batch,), at most `width`.
        budget: int array (batch,), at least 0.
        width: int.
        rng: the generator.

    Returns:
        bool array (batch, width).
    """
    few = np.minimum(budget, np.maximum(counts - budget, 0))  # (batch,), places to draw
    drawn = np.zeros((len(counts), width), bool)
    flat = drawn.ravel()
    rows, missing = np.arange(len(counts)), few
    while len(rows):
        row = np.repeat(rows, missing)  # (draws,)
        flat[row * width + (rng.random(len(row)) * counts[row]).astype(np.int64)] = True
        missing = few[rows] - drawn[rows].sum(axis=1, dtype=np.uint32)
        rows, missing = rows[missing > 0], missing[missing > 0]
    others = budget > few
    if others.any():
        drawn[others] = first_columns(counts[others], width) & ~drawn[others]
    return drawn


def choose_words(words: Words, budget: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Chooses whole words in random order; a word that would exceed the budget is skipped.

    Returns:
        bool array (batch, length), True for every token of the words chosen.
    """
    per_row = words.begins.sum(axis=1)
    positions = shuffle_positions(words.begins, per_row.max(initial=0), rng)
    word_tokens = np.diff(words.first_token)
    taken = np.zeros(len(word_tokens), bool)
    remaining = budget.astype(np.int64)
    # Few rows need more words than they have tokens to choose, so most words are never looked at.
    block = max(budget.max(initial=1), 1)
    for left in range(0, positions.shape[1], block):
        rows = np.flatnonzero((remaining > 0) & (left < per_row))
        if not len(rows):
            break
        looked_at = positions[rows, left : left + block]  # (rows, block)
        order = words.number.take(looked_at + rows[:, None] * words.number.shape[1])
        sizes = word_tokens[order]
        sizes[left + np.arange(sizes.shape[1]) >= per_row[rows, None]] = 0
        accepted, spent = accept_in_order(sizes, remaining[rows])
        taken[order[accepted]] = True
        remaining[rows] -= spent
    return _tokens_of(words, taken)


def accept_in_order(sizes: np.ndarray, room: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accepts entries from left to right, skipping each that exceeds what is left of the room.

    Args:
        sizes: int (rows, entries); 0 for an entry that cannot be accepted.
        room: int (rows,).

    Returns:
        Bool (rows, entries), and int (rows,), the sum of the sizes accepted.
    """
    accepted = np.zeros(sizes.shape, bool)
    spent = np.zeros_like(room)
    rows, left = np.arange(len(room)), room
    pending = sizes > 0
    while len(rows):
        fitting = pending & (sizes <= left[:, None])
        total = np.cumsum(np.where(fitting, sizes, 0), axis=1)  # (rows, entries)
        taken = fitting & (total <= left[:, None])
        accepted[rows] |= taken
        # Behind the first entry that did not fit, smaller ones may: they get another round.
        pending = pending & (total > left[:, None])
        used = np.where(taken, sizes, 0).sum(axis=1)
        spent[rows] += used
        left = left - used
        going = (left > 0) & pending.any(axis=1)
        rows, left, pending, sizes = rows[going], left[going], pending[going], sizes[going]
    return accepted, spent


def choose_spans(
    words: Words, budget: np.ndarray, law: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Chooses runs of whole words, their number of words drawn from `law`.

    Words are proposed as the first of a span in random order, each at most once. A span for which
    the budget, the end of the text or a word chosen before leaves no room is shortened to the words
    that fit, and passed over if not even one does. So the budget is spent wherever words fit.

    Args:
        words: what `find_words` gives.
        budget: int (batch,), tokens to choose in each example.
        law: probabilities (most words,), of spans of 1, 2, ... words.
        rng: the generator.

    Returns:
        `(chosen, begins)`, bool arrays (batch, length): every token chosen, and the first token
        of every span.
    """
    per_row = words.begins.sum(axis=1)
    positions = shuffle_positions(words.begins, per_row.max(initial=0), rng)
    count = len(words.run_stop)
    taken, opens = np.zeros(count + len(law), bool), np.zeros(count, bool)
    steps, thresholds = np.arange(len(law)), np.cumsum(law)[:-1]
    rows, remaining = np.arange(len(budget)), budget.astype(np.int64)
    for column in range(positions.shape[1]):
        going = (remaining > 0) & (column < per_row[rows])
        rows, remaining = rows[going], remaining[going]
        if not len(rows):
            break
        first = words.number[rows, positions[rows, column]]
        drawn = 1 + np.searchsorted(thresholds, rng.random(len(rows)), side="right")
        size = np.minimum(drawn, words.run_stop[first] - first)
        span = first[:, None] + steps  # (rows, most words)
        tokens = words.first_token[np.minimum(span + 1, count)]
        tokens -= words.first_token[first][:, None]
        inside = (steps < size[:, None]) & (tokens <= remaining[:, None]) & ~taken[span]
        inside = np.logical_and.accumulate(inside, axis=1)
        taken[span[inside]] = True
        opens[first[inside[:, 0]]] = True
        remaining = remaining - np.where(inside, tokens, 0).max(axis=1)
    return _tokens_of(words, taken[:count]), _tokens_of(words, opens) & words.begins


def _tokens_of(words: Words, taken: np.ndarray) -> np.ndarray:
    """The tokens of the words for which `taken` (words,) is True: bool (batch, length)."""
    if not len(taken):
        return np.zeros_like(words.candidates)
    return taken[words.number] & words.candidates
