"""Words as pieces, each sentence's words kept apart, so that every word can be given a tag."""

import warnings
from dataclasses import dataclass
from itertools import chain

import numpy as np

from zoo.data.ragged import EncodedTexts


@dataclass(frozen=True)
class EncodedWords:
    """Encoded sentences; one that is longer than the model is in several windows, each word in one of them.

    The tag of a word stands at the word's first piece; all other tokens have weight 0 (Devlin et al. 2019,
    arXiv 1810.04805, section 5.3).

    Attributes:
        texts: `EncodedTexts`, the windows.
        first: bool array (tokens,), True at the first piece of a word.
        word_offsets: int64 array (windows + 1,), the first word of each window among all words.
        sentence_offsets: int64 array (sentences + 1,), the first word of each sentence among all words.
        names: names of the features that the backbone takes.
        pad_id: int, id of the padding.
        targets: int32 array (words,), the number of each word's tag, or None.
        weights: float32 array (words,), or None.
    """

    texts: EncodedTexts
    first: np.ndarray
    word_offsets: np.ndarray
    sentence_offsets: np.ndarray
    names: tuple[str, ...]
    pad_id: int
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def lengths(self) -> np.ndarray:
        """int64 array (windows,), in tokens."""
        return self.texts.lengths

    def batch(self, indices: np.ndarray, length: int) -> tuple:
        """`(inputs,)`, or inputs, targets and weights of the windows at `indices`, padded to `length` tokens.

        Targets are an int32 array (batch, length), weights a float32 array (batch, length).
        """
        rows = self.texts.rows(indices, length, self.pad_id)
        inputs = {name: rows[name] for name in self.names}
        if self.targets is None:
            return (inputs,)
        first, words = self._first_pieces(indices, length), self.words(indices)
        targets, weights = np.zeros(first.shape, "int32"), np.zeros(first.shape, "float32")
        targets[first] = self.targets[words]
        weights[first] = 1.0 if self.weights is None else self.weights[words]
        return inputs, targets, weights

    def words(self, indices: np.ndarray) -> np.ndarray:
        """The words of the windows at `indices`, end to end, as an int array of their numbers among all words."""
        return _ranges(self.word_offsets[:-1][indices], np.diff(self.word_offsets)[indices])

    def at_words(self, indices: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """The outputs at the first pieces of `words(indices)`.

        Args:
            indices: int array (batch,), windows.
            outputs: array (batch, length, ...).

        Returns:
            array (words, ...).
        """
        return outputs[self._first_pieces(indices, outputs.shape[1])]

    def _first_pieces(self, indices, length):
        """bool array (batch, length), True at the first piece of a word."""
        positions = np.arange(length)[None, :]  # (1, length)
        where = np.minimum(self.texts.offsets[:-1][indices][:, None] + positions, len(self.first) - 1)
        return self.first[where] & (positions < self.lengths[indices][:, None])  # (batch, length)

    def sentences(self, values: np.ndarray) -> list[np.ndarray]:
        """An array with a row a word (words, ...) as a list of arrays, one a sentence."""
        return np.split(values, self.sentence_offsets[1:-1])


def encode_words(
    sentences: list[list[str]], tokenizer, names, sequence_length: int, targets=None, weights=None
) -> EncodedWords:
    """Tokenize the words of sentences, each word alone, once for all its occurrences.

    A word of which the tokenizer leaves nothing (such as a control character) is the unknown token. A sentence
    that is longer than the model is cut between words into windows of about equal lengths, with one warning.

    Args:
        sentences: list of lists of str, none empty.
        tokenizer: a zoo tokenizer.
        names: names of the features that the backbone takes.
        sequence_length: int, longest window, in tokens, special tokens included.
        targets: int32 array (words,), the tags of all words, or None.
        weights: float32 array (sentences,), or None.

    Returns:
        `EncodedWords`.
    """
    room = sequence_length - 2
    pieces, sizes = _encode_each(list(chain.from_iterable(sentences)), tokenizer, room)
    counts = np.array([len(sentence) for sentence in sentences], "int64")
    sentence_offsets = np.concatenate([[0], np.cumsum(counts)])
    ends = np.concatenate([[0], np.cumsum(sizes)])  # (words + 1,), in pieces
    word_offsets, num_long = _windows(ends, sentence_offsets, room)
    if num_long:
        warnings.warn(
            f"{num_long} of {len(sentences)} sentences are longer than the model's {sequence_length} tokens and were "
            "cut into windows; every word keeps its tag.",
            stacklevel=2,
        )
    num_windows = len(word_offsets) - 1
    # Each window adds two special tokens around its pieces.
    offsets = ends[word_offsets] + 2 * np.arange(num_windows + 1)
    token_ids = np.empty(offsets[-1], "int32")
    special = np.zeros(len(token_ids), bool)
    special[offsets[:-1]] = special[offsets[1:] - 1] = True
    token_ids[offsets[:-1]], token_ids[offsets[1:] - 1] = tokenizer.start_token_id, tokenizer.end_token_id
    token_ids[~special] = pieces
    first = np.zeros(len(token_ids), bool)
    window_of_word = np.repeat(np.arange(num_windows), np.diff(word_offsets))
    first[ends[:-1] + 2 * window_of_word + 1] = True
    return EncodedWords(
        texts=EncodedTexts(token_ids, offsets, second_starts=np.diff(offsets).astype("int32")),
        first=first,
        word_offsets=word_offsets,
        sentence_offsets=sentence_offsets,
        names=tuple(names),
        pad_id=tokenizer.pad_token_id,
        targets=targets,
        weights=None if weights is None else np.repeat(weights, counts),
    )


def _encode_each(words, tokenizer, room):
    """The pieces of all words, end to end, and how many each has, at most `room`."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    # In a text a space is before a word, which SentencePiece and byte pairs make a part of it.
    rows = tokenizer.encode([f" {word}" for word in numbers])
    encoded = [ids[:room] if len(ids) else [tokenizer.unk_token_id] for ids in rows]
    which = np.fromiter((numbers[word] for word in words), "int64", len(words))
    sizes = np.array([len(ids) for ids in encoded], "int64")
    starts = np.cumsum(sizes) - sizes
    return np.concatenate(encoded)[_ranges(starts[which], sizes[which])], sizes[which]


def _windows(ends, sentence_offsets, room):
    """Where windows of at most `room` pieces begin, in words (windows + 1,), and how many sentences are longer."""
    long = np.flatnonzero(np.diff(ends[sentence_offsets]) > room)
    cuts = []
    for start, stop in zip(sentence_offsets[long], sentence_offsets[long + 1], strict=True):
        while (rest := ends[stop] - ends[start]) > room:
            share = -(-rest // -(-rest // room))  # pieces, if all windows were equal
            start = max(start + 1, np.searchsorted(ends, ends[start] + share, side="right") - 1)
            cuts.append(start)
    return np.sort(np.concatenate([sentence_offsets, np.array(cuts, "int64")])), len(long)


def _ranges(starts, lengths) -> np.ndarray:
    """`starts[0], starts[0] + 1, ...` for `lengths[0]` numbers, then the same for the next, end to end."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())
