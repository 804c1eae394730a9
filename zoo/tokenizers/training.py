"""Training a WordPiece vocabulary on text of any size."""

import os
from collections import Counter
from collections.abc import Iterable

import tokenizers

from zoo.tokenizers.bert_text import MAX_WORD_CHARACTERS, CharacterTables, character_tables
from zoo.tokenizers.training_texts import NO_WORDS, read_texts, show_progress
from zoo.tokenizers.word_piece import CONTINUATION, SPECIAL_TOKENS, WordPiece

# Characters whose words are counted at once: an array of them stays in the processor's cache.
_CHUNK = 100_000
# Beyond this many different words the rarest are forgotten, so that they fit in about a gigabyte.
_MAX_WORDS = 4_000_000
# Occurrences of a word that are told to the trainer at once.
_REPETITIONS = 1_000


def train_word_piece(
    files: str | os.PathLike | Iterable[str | os.PathLike],
    vocabulary_size: int = 8000,
    lowercase: bool = True,
    strip_accents: bool | None = None,
    minimum_frequency: int = 2,
    limit_alphabet: int | None = None,
    progress: bool = True,
) -> WordPiece:
    """Train the vocabulary of a `WordPiece` tokenizer.

    Pieces are joined from characters, the most frequent pair of pieces first (Sennrich et al. 2016, arXiv
    1508.07909, algorithm 1), by the trainer of the `tokenizers` package. The same text gives the same vocabulary.
    Text is read once, as a stream; what stays in memory is how often each word occurs.

    Args:
        files: a path or pattern of text files (plain or compressed), a list of these, or an iterable of texts. In
            a list, strings are paths if all are as `zoo.data.text_files.names_text_file` says (`.txt`, `.xz`, ...).
        vocabulary_size: int, number of pieces, special tokens included; fewer if the text has too few words.
        lowercase: bool, as in `WordPiece`.
        strip_accents: bool or None, as in `WordPiece`.
        minimum_frequency: int, times that a character or a pair of pieces must occur.
        limit_alphabet: int, pieces of one character at most (`a` and `##a` are two), the most frequent ones, so
            that rare characters become `[UNK]`; None for seven eighths of `vocabulary_size`.
        progress: bool, whether to show how far it is.

    Returns:
        `WordPiece`, the special tokens `[PAD] [UNK] [CLS] [SEP] [MASK]` having the ids 0 to 4;
        `save_vocabulary(path)` writes its vocabulary.

    Raises:
        TypeError: if `files` is neither paths nor texts.
        ValueError: if a size is out of its range, a file cannot be read, or the text has no words.
    """
    if limit_alphabet is None:
        limit_alphabet = min(vocabulary_size * 7 // 8, vocabulary_size - len(SPECIAL_TOKENS))
    _check_sizes(vocabulary_size, minimum_frequency, limit_alphabet)
    strip_accents = lowercase if strip_accents is None else strip_accents
    with show_progress(progress) as show:
        show("Reading text")
        counter = WordCounter(character_tables(lowercase, strip_accents))
        for text in read_texts(files):
            if counter.add(text):
                show(f"Reading text: {counter.characters:,} characters, {len(counter.counts):,} different words")
        counts = counter.finish()
        if not counts:
            raise ValueError(NO_WORDS)
        show(f"Learning {vocabulary_size:,} pieces from {len(counts):,} different words")
        alphabet = choose_alphabet(counts, minimum_frequency, limit_alphabet)
        pieces = _learn_pieces(counts, alphabet, vocabulary_size, minimum_frequency)
    return WordPiece(pieces, lowercase=lowercase, strip_accents=strip_accents)


def _check_sizes(vocabulary_size, minimum_frequency, limit_alphabet):
    if minimum_frequency < 1:
        raise ValueError(f"`minimum_frequency` must be positive. Received: minimum_frequency={minimum_frequency}")
    room = vocabulary_size - len(SPECIAL_TOKENS)
    if room < 1 or not 1 <= limit_alphabet <= room:
        raise ValueError(
            f"`vocabulary_size` must leave room for {len(SPECIAL_TOKENS)} special tokens and `limit_alphabet` pieces "
            f"of one character, at least one. Received: vocabulary_size={vocabulary_size}, "
            f"limit_alphabet={limit_alphabet}"
        )


class WordCounter:
    """Counts the words of a stream of texts.

    Args:
        tables: `CharacterTables`, how text becomes words.

    Attributes:
        counts: `collections.Counter`, how often each word occurred.
        characters: int, characters that were counted.
    """

    def __init__(self, tables: CharacterTables):
        self.counts = Counter()
        self.characters = 0
        self._tables = tables
        self._texts = []
        self._waiting = 0

    def add(self, text: str) -> bool:
        """Count the words of a text, in time; return whether the counts have changed by now.

        A text beyond 100,000 characters is cut into parts of that length, whatever word is there.
        """
        before = self.characters
        for start in range(0, len(text), _CHUNK):
            part = text[start : start + _CHUNK]
            self._texts.append(part)
            self._waiting += len(part)
            if self._waiting >= _CHUNK:
                self._count()
        return self.characters > before

    def finish(self) -> dict[str, int]:
        """Return how often each word occurred, words too long for pieces left out."""
        self._count()
        return {word: count for word, count in self.counts.items() if 0 < len(word) <= MAX_WORD_CHARACTERS}

    def _count(self):
        self.counts.update(self._tables("\n".join(self._texts)).split(" "))
        self.characters += self._waiting
        self._texts, self._waiting = [], 0
        rare = 0
        while len(self.counts) > _MAX_WORDS:
            rare += 1
            self.counts = Counter({word: count for word, count in self.counts.items() if count > rare})


def choose_alphabet(counts: dict[str, int], minimum_frequency: int, limit: int) -> list[str]:
    """Return the pieces of one character: the most frequent characters, with `##` too where they continue a word.

    Args:
        counts: dict, how often each word occurs.
        minimum_frequency: int, times that a character must occur.
        limit: int, pieces at most.
    """
    frequency, continuing = Counter(), set()
    for word, count in counts.items():
        continuing.update(word[1:])
        for character in word:
            frequency[character] += count
    chosen, size = [], 0
    for character, count in sorted(frequency.items(), key=lambda item: (-item[1], item[0])):
        size += 1 + (character in continuing)
        if count < minimum_frequency or size > limit:
            break
        chosen.append(character)
    chosen.sort()
    return chosen + [CONTINUATION + character for character in chosen if character in continuing]


def _learn_pieces(counts, alphabet, vocabulary_size, minimum_frequency):
    # With every piece of one character in its place beforehand, the trainer leaves nothing to the order of words.
    reserved = [*SPECIAL_TOKENS, *alphabet]
    characters = {piece[-1] for piece in alphabet}
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        min_frequency=minimum_frequency,
        special_tokens=reserved,
        continuing_subword_prefix=CONTINUATION,
        show_progress=False,
    )
    model = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token=SPECIAL_TOKENS[1]))
    model.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    model.train_from_iterator(_repeat_words(counts, characters), trainer)
    ids = model.get_vocab()
    return sorted(ids, key=ids.get)


def _repeat_words(counts, characters):
    for word, count in counts.items():
        # A word with a character outside the alphabet is unknown whatever its other characters are.
        if characters.issuperset(word):
            for start in range(0, count, _REPETITIONS):
                yield f"{word} " * min(_REPETITIONS, count - start)
