"""Training a byte-pair vocabulary on text of any size."""

import json
import os
from collections.abc import Iterable

import tokenizers

from zoo.tokenizers.byte_level import CHARACTERS, build_pre_tokenizer
from zoo.tokenizers.byte_pair import SPECIAL_TOKENS, BytePair
from zoo.tokenizers.training_texts import NO_WORDS, read_texts, sample_texts, show_progress


def train_byte_pair(
    files: str | os.PathLike | Iterable[str | os.PathLike],
    vocabulary_size: int = 8000,
    minimum_frequency: int = 2,
    sample_characters: int = 100_000_000,
    progress: bool = True,
) -> BytePair:
    """Train the vocabulary of a `BytePair` tokenizer.

    Pieces are joined from bytes, the most frequent pair of pieces first (Sennrich et al. 2016, arXiv 1508.07909,
    algorithm 1), by the trainer of the `tokenizers` package. The same text gives the same vocabulary. Text is read
    once, as a stream; a random sample of it is kept in memory and learned from.

    Args:
        files: a path or pattern of text files (plain or compressed), a list of these, or an iterable of texts. In
            a list, strings are paths if all are as `zoo.data.text_files.names_text_file` says (`.txt`, `.xz`, ...).
        vocabulary_size: int, number of pieces, 5 special tokens and 256 bytes included; fewer if the text has too
            few words.
        minimum_frequency: int, times that a pair of pieces must occur.
        sample_characters: int, characters of text to learn from.
        progress: bool, whether to show how far it is.

    Returns:
        `BytePair`, the special tokens `<s> <pad> </s> <unk> <mask>` having the ids 0 to 4;
        `save_vocabulary(folder)` writes its vocabulary.

    Raises:
        TypeError: if `files` is neither paths nor texts.
        ValueError: if a size is out of its range, a file cannot be read, or the text has no words.
    """
    _check_sizes(vocabulary_size, minimum_frequency, sample_characters)
    with show_progress(progress) as show:
        show("Reading text")
        texts = sample_texts(read_texts(files), sample_characters, show)
        if not texts:
            raise ValueError(NO_WORDS)
        show(f"Learning {vocabulary_size:,} pieces from {sum(map(len, texts)):,} characters")
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            min_frequency=minimum_frequency,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=list(CHARACTERS),
            show_progress=False,
        )
        learner = tokenizers.Tokenizer(tokenizers.models.BPE())
        learner.pre_tokenizer = build_pre_tokenizer()
        learner.train_from_iterator(texts, trainer)
    learned = json.loads(learner.to_str())["model"]
    return BytePair(learned["vocab"], [" ".join(pair) for pair in learned["merges"]])


def _check_sizes(vocabulary_size, minimum_frequency, sample_characters):
    least = len(SPECIAL_TOKENS) + len(CHARACTERS)
    if vocabulary_size < least:
        raise ValueError(
            f"`vocabulary_size` must leave room for {len(SPECIAL_TOKENS)} special tokens and {len(CHARACTERS)} bytes, "
            f"{least} pieces. Received: vocabulary_size={vocabulary_size}"
        )
    if minimum_frequency < 1:
        raise ValueError(f"`minimum_frequency` must be positive. Received: minimum_frequency={minimum_frequency}")
    if sample_characters < 1:
        raise ValueError(f"`sample_characters` must be positive. Received: sample_characters={sample_characters}")
