"""Vocabularies as text files: UTF-8, one piece a line, the line number (from 0) being the id."""

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from zoo.data.text_files import open_text

_MAX_LISTED = 10
_NOT_IN_PIECES = frozenset("\n\r\0")


def read_vocabulary(path: str | os.PathLike) -> list[str]:
    """Return the pieces in a vocabulary file.

    Args:
        path: the file.

    Returns:
        list of str, in the order of the ids.

    Raises:
        ValueError: if the file is absent, not UTF-8, empty, or has an empty line.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"A vocabulary file (UTF-8 text, one piece a line) was expected. Received: vocabulary={str(path)!r}, "
            f"which is {'a folder' if path.is_dir() else 'not there'}."
        )
    with open_text(path) as lines:
        pieces = list(lines)
    if not pieces:
        raise ValueError(f"The vocabulary file {path} is empty; one piece a line was expected.")
    if "" in pieces:
        raise ValueError(
            f"The vocabulary file {path} has an empty line: line {pieces.index('') + 1}. Every line must hold a piece, "
            "since the number of the line is its id."
        )
    return pieces


def write_vocabulary(path: str | os.PathLike, pieces: Sequence[str]) -> None:
    """Write a vocabulary file, as `write_bytes` does.

    Args:
        path: the file.
        pieces: the pieces in the order of their ids.
    """
    write_bytes(path, "".join(f"{piece}\n" for piece in pieces).encode())


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Write a file, whole or not at all: one that is there is replaced only by a complete one.

    Args:
        path: the file; its folder is made if it isn't there.
        content: all that shall be in it.

    Raises:
        OSError: if the file cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is private; a vocabulary is as readable as any new file.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def check_pieces(pieces: Sequence[str], required: Sequence[str]) -> None:
    """Check that the pieces are distinct, non-empty strings that fit on a line each, special tokens among them.

    Args:
        pieces: the pieces in the order of their ids.
        required: the special tokens that must be among them.

    Raises:
        TypeError: if a piece is not a string.
        ValueError: if a piece is empty, twice there or holds a line end, or a special token is missing.
    """
    for number, piece in enumerate(pieces):
        if not isinstance(piece, str):
            raise TypeError(f"Every piece must be a string. Received: vocabulary[{number}]={piece!r}")
        if not piece or not _NOT_IN_PIECES.isdisjoint(piece):
            raise ValueError(
                "Every piece must be a non-empty text without line ends and NUL characters. Received: "
                f"vocabulary[{number}]={piece!r}"
            )
    missing = [token for token in required if token not in set(pieces)]
    if missing:
        raise ValueError(
            f"The vocabulary must have the special tokens {list(required)}. Received: a vocabulary of {len(pieces)} "
            f"pieces without {missing}. Add them, or train one with `zoo.tokenizers.train_word_piece`."
        )
    twice = [piece for piece, count in Counter(pieces).items() if count > 1]
    if twice:
        listed = ", ".join(repr(piece) for piece in twice[:_MAX_LISTED]) + ("..." if len(twice) > _MAX_LISTED else "")
        raise ValueError(f"Every piece must be there once. Received: {len(twice)} pieces more than once: {listed}")
