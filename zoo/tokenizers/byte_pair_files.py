"""Byte-pair vocabularies as files: pieces with their ids in JSON, and the pairs that are joined, one a line."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.tokenizers.byte_level import CHARACTERS
from zoo.tokenizers.vocabulary_files import check_pieces, read_vocabulary, write_bytes, write_vocabulary

VOCABULARY_FILE = "vocabulary.json"
MERGES_FILE = "merges.txt"
# The first line of GPT-2's file; readers of it pass over the line, whatever it says.
_VERSION = "#version: 0.2"
_MAX_LISTED = 10


def read_pieces(vocabulary: str | os.PathLike | Mapping[str, int]) -> list[str]:
    """Return the pieces of a vocabulary in the order of their ids.

    Args:
        vocabulary: a path of a JSON file with `{piece: id}`, or a dict.

    Raises:
        TypeError: if it is neither, or a piece is not a string.
        ValueError: if the file is absent or no such JSON, or the ids are not `0, 1, 2, ...`.
    """
    if isinstance(vocabulary, (str, os.PathLike)):
        vocabulary = _read_json(Path(vocabulary))
    if not isinstance(vocabulary, Mapping):
        raise TypeError(
            "The path of a vocabulary file (JSON) or a dict of pieces and ids were expected. Received: "
            f"vocabulary={vocabulary!r} of type {type(vocabulary).__name__}"
        )
    numbers = {number: piece for piece, number in vocabulary.items() if type(number) is int}
    missing = [number for number in range(len(vocabulary)) if number not in numbers]
    if missing:
        raise ValueError(
            f"The ids of {len(vocabulary)} pieces must be 0 to {len(vocabulary) - 1}, each once. Received: a "
            f"vocabulary without {_listed(missing)}."
        )
    return [numbers[number] for number in range(len(vocabulary))]


def _read_json(path):
    if not path.is_file():
        raise ValueError(
            f"A vocabulary file (JSON, pieces and their ids) was expected. Received: vocabulary={str(path)!r}, "
            f"which is {'a folder' if path.is_dir() else 'not there'}."
        )
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"The vocabulary file {path} is not JSON in UTF-8: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"The vocabulary file {path} must have pieces and their ids, not a {type(found).__name__}.")
    return found


def read_merges(merges: str | os.PathLike | Sequence[str]) -> list[str]:
    """Return merges, two pieces with a space between them each, in the order in which they are joined.

    Args:
        merges: a path of a text file with one merge a line, or a list of the lines.

    Raises:
        TypeError: if it is neither.
        ValueError: if the file is absent, not UTF-8, empty, or has an empty line.
    """
    if isinstance(merges, (str, os.PathLike)):
        merges = read_vocabulary(merges)
    elif not isinstance(merges, Sequence):
        raise TypeError(
            "The path of a file of merges or a list of them were expected. Received: "
            f"merges={merges!r} of type {type(merges).__name__}"
        )
    return list(merges[1:] if merges and str(merges[0]).startswith("#version") else merges)


def check_byte_pairs(pieces: Sequence[str], merges: Sequence[str], required: Sequence[str]) -> list[tuple[str, str]]:
    """Return the merges as pairs of pieces.

    Args:
        pieces: the pieces in the order of their ids.
        merges: the merges, in their order.
        required: the special tokens that must be among the pieces, as all bytes must.

    Raises:
        TypeError: if a piece or a merge is not a string.
        ValueError: if a piece is missing, or a merge does not join two pieces to one.
    """
    check_pieces(pieces, required)
    known = set(pieces)
    missing = [character for character in CHARACTERS if character not in known]
    if missing:
        raise ValueError(
            f"The vocabulary must have a piece for every byte. Received: a vocabulary of {len(pieces)} pieces "
            f"without those of {len(missing)} bytes: {_listed(missing)}. Train one with "
            "`zoo.tokenizers.train_byte_pair`."
        )
    pairs = []
    for number, merge in enumerate(merges):
        if not isinstance(merge, str):
            raise TypeError(f"Every merge must be a string. Received: merges[{number}]={merge!r}")
        pair = tuple(merge.split(" "))
        if len(pair) != 2 or not known.issuperset([*pair, "".join(pair)]):
            raise ValueError(
                "Every merge must be two pieces of the vocabulary with a space between them, and what they make "
                f"together a piece too. Received: merges[{number}]={merge!r}"
            )
        pairs.append(pair)
    return pairs


def write_byte_pairs(folder: str | os.PathLike, pieces: Sequence[str], merges: Sequence[str]) -> None:
    """Write `vocabulary.json` and `merges.txt`, each whole or not at all; OSError if that fails.

    Args:
        folder: the folder; it is made if it isn't there.
        pieces: the pieces in the order of their ids.
        merges: the merges, in their order.
    """
    numbers = {piece: number for number, piece in enumerate(pieces)}
    write_bytes(Path(folder) / VOCABULARY_FILE, json.dumps(numbers, ensure_ascii=False).encode())
    write_vocabulary(Path(folder) / MERGES_FILE, [_VERSION, *merges])


def _listed(items):
    return ", ".join(repr(item) for item in items[:_MAX_LISTED]) + ("..." if len(items) > _MAX_LISTED else "")
