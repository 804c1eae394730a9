"""The kinds of tokenizers by name, as the shell command has them."""

import os
from collections.abc import Iterable
from pathlib import Path

from zoo.data.tokenizer_folder import load_tokenizer
from zoo.tokenizers.byte_pair import BytePair
from zoo.tokenizers.byte_pair_files import MERGES_FILE, VOCABULARY_FILE
from zoo.tokenizers.byte_pair_training import train_byte_pair
from zoo.tokenizers.training import train_word_piece
from zoo.tokenizers.unigram import Unigram
from zoo.tokenizers.unigram_training import train_unigram
from zoo.tokenizers.word_piece import WordPiece

KINDS = ("word_piece", "unigram", "byte_pair")


def train_tokenizer(kind: str, files: str | os.PathLike | Iterable, vocabulary_size: int, lowercase: bool):
    """Train a tokenizer of a kind.

    Args:
        kind: `"word_piece"`, `"unigram"` or `"byte_pair"`.
        files: what `train_word_piece` takes.
        vocabulary_size: int, number of pieces.
        lowercase: bool, whether case does not matter; byte pairs keep it in any case.

    Raises:
        ValueError: if there is no such kind, or as the function that trains it says.
    """
    if _check_kind(kind) == "byte_pair":
        return train_byte_pair(files, vocabulary_size=vocabulary_size)
    train = {"word_piece": train_word_piece, "unigram": train_unigram}[kind]
    return train(files, vocabulary_size=vocabulary_size, lowercase=lowercase)


def read_tokenizer(kind: str, path: str | os.PathLike, lowercase: bool):
    """Read a tokenizer from its vocabulary, or from a folder that has one.

    Args:
        kind: `"word_piece"`, `"unigram"` or `"byte_pair"`.
        path: a vocabulary of this kind (`vocabulary.txt`, `vocabulary.spm`, or a folder with `vocabulary.json` and
            `merges.txt`); or the name or folder of a preset, or the folder of a prepared corpus, whatever its
            tokenizer's kind.
        lowercase: bool, for word pieces, whose vocabulary does not say it.

    Raises:
        ValueError: if there is no such kind, no such vocabulary, or no such preset (with the nearest names).
    """
    _check_kind(kind)
    name, path = os.fspath(path), Path(path)
    if not path.exists() or (path / "config.json").exists():
        from zoo import presets

        try:
            return presets.load_tokenizer(name)
        except ValueError as error:
            if path.exists():
                raise
            raise ValueError(f"There is no file of a vocabulary {name!r} either: {error}") from error
    if path.is_dir() and not (path / VOCABULARY_FILE).exists():
        return load_tokenizer(path)
    if kind == "byte_pair":
        return BytePair(path / VOCABULARY_FILE, path / MERGES_FILE)
    return Unigram(path) if kind == "unigram" else WordPiece(path, lowercase=lowercase)


def _check_kind(kind):
    if kind not in KINDS:
        raise ValueError(f"A tokenizer must be one of {', '.join(KINDS)}. Received: {kind!r}")
    return kind
