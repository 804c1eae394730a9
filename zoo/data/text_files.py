"""Text files, plain or compressed, read line by line; and patterns that name many of them."""

import bz2
import codecs
import contextlib
import glob
import gzip
import importlib
import io
import lzma
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

# A file without line ends must not fill the memory: a longer line comes in parts of this many bytes.
MAX_LINE_BYTES = 1 << 20
_ENDINGS = (".txt", ".text", ".gz", ".bz2", ".xz", ".zst")
_DAMAGED = (EOFError, OSError, lzma.LZMAError, zlib.error)
# Longer strings are texts; and so many items of a list are looked at for whether they are there.
_LONGEST_PATH, _LOOKED_AT = 1000, 1000


def names_text_file(item: str | os.PathLike) -> bool:
    """Return whether one of several items is a path or pattern of text files, rather than a text.

    A path object is. A string is if it has one line and ends like a text file's name (`.txt`, `.text`, `.gz`,
    `.bz2`, `.xz`, `.zst`), has a `*`, a `/` and no space, or is the path or pattern of a file that exists.
    """
    if not isinstance(item, str):
        return isinstance(item, os.PathLike)
    if "\n" in item or len(item) > _LONGEST_PATH:
        return False
    if "*" in item and not re.search(r"\s", item) and (os.sep in item or glob.glob(item)):
        return True
    return item.strip().lower().endswith(_ENDINGS) or os.path.isfile(item)


def are_text_files(items: Sequence[str | os.PathLike]) -> bool:
    """Return whether items are paths or patterns of text files, see `names_text_file`, rather than texts.

    Raises:
        ValueError: if some surely are and others are not, or if an item is a folder.
    """
    if not items:
        return False
    other = next((item for item in items if not names_text_file(item)), None)
    if other is None:
        return True
    paths = [item for item in items if isinstance(item, os.PathLike)]
    short = [item for item in items[:_LOOKED_AT] if isinstance(item, str) and len(item) <= _LONGEST_PATH]
    there = [item for item in short if "\n" not in item and os.path.exists(item)]
    if paths or any(os.sep in item for item in there) or len(there) == len(items):
        raise ValueError(
            "Texts were expected, or paths and patterns of text files (`.txt`, `.text`, plain or compressed), not a "
            f"mixture, and no folders. Received: {str((paths or there)[0])!r} and {str(other)[:80]!r}. Name the "
            "files of a folder (`folder/*.txt`), and see that all are there."
        )
    return False


def expand_paths(patterns: str | os.PathLike | Iterable[str | os.PathLike]) -> list[Path]:
    """Return the files that paths and patterns name, in the order given, each file once.

    Args:
        patterns: a path or pattern (`*`, `?`, `[a-z]`, and `**` for any depth of folders), or several. A path
            that exists is taken as it is, whatever characters it has. `~` is the home folder.

    Returns:
        list of `pathlib.Path`; the matches of one pattern are sorted.

    Raises:
        TypeError: if `patterns` is neither text nor a path nor several of them.
        ValueError: if a pattern matches no file, a path names a folder, or `patterns` is empty.
    """
    if isinstance(patterns, (str, os.PathLike)):
        patterns = [patterns]
    if not isinstance(patterns, Iterable):
        raise TypeError(f"Paths or patterns of files were expected. Received: patterns={patterns!r}")
    files = {}
    for file in (file for pattern in patterns for file in _expand(pattern)):
        files.setdefault(os.path.realpath(file), file)
    if not files:
        raise ValueError("At least one path or pattern of a file was expected. Received: patterns=[]")
    return list(files.values())


def _expand(pattern):
    if not isinstance(pattern, (str, os.PathLike)):
        raise TypeError(f"A path or pattern of files was expected. Received: {pattern!r}")
    path = Path(pattern).expanduser()
    if path.is_dir():
        raise ValueError(f"A file was expected, not a folder. Received: {str(path)!r}. Name its files: {path}/*.txt")
    if path.exists():
        return [path]
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    matches = [match for match in matches if match.is_file()]
    if not matches:
        raise ValueError(f"No file matches. Received: {str(pattern)!r} (in the folder {os.getcwd()}).")
    return matches


@contextlib.contextmanager
def open_text(path: str | os.PathLike, whole_lines: bool = False) -> Iterator[Iterator[str]]:
    """Open a UTF-8 text file, plain or compressed (`.gz`, `.bz2`, `.xz`, `.zst`), as an iterator of its lines.

    Lines come without their ends (`\\n` or `\\r\\n`), the file's byte order mark is dropped, and a line beyond
    a megabyte comes in parts, so that memory stays bounded whatever the file holds.

    Args:
        path: the file; what follows the last dot of its name says how it is compressed.
        whole_lines: bool, whether longer lines come in one part all the same.

    Yields:
        an iterator of str.

    Raises:
        ValueError: if the file can't be opened or unpacked, or isn't UTF-8: says which line and byte.
    """
    path = Path(path)
    try:
        stream = _open_bytes(path)
    except OSError as error:
        raise ValueError(f"Cannot open the text file {path}: {error.strerror or error}") from error
    with stream:
        parts = _read_lines(stream, path)
        yield _joined(parts) if whole_lines else (text for text, _ in parts)


def _joined(parts):
    """Lines from their parts, pairs of a str and whether the line ends with it."""
    begun = []
    for text, ends in parts:
        begun.append(text)
        if ends:
            yield "".join(begun)
            begun = []
    if begun:
        yield "".join(begun)


def _open_bytes(path):
    openers = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": _open_zstandard}
    opener = openers.get(path.suffix.lower())
    if opener is None:
        return open(path, "rb", buffering=MAX_LINE_BYTES)
    return io.BufferedReader(opener(path, "rb"), MAX_LINE_BYTES)


def _open_zstandard(path, mode):
    with contextlib.suppress(ImportError):
        return importlib.import_module("compression.zstd").open(path, mode)
    with contextlib.suppress(ImportError):
        module = importlib.import_module("zstandard")
        return Zstandard(open(path, mode), module)
    raise ValueError(f"Reading {path} needs Zstandard: `pip install zstandard`, or unpack it with `zstd -d {path}`.")


class Zstandard(io.RawIOBase):
    """What is in a Zstandard file, read with the package `zstandard`, whose own reader takes half a file for a whole.

    Args:
        file: the open file.
        module: the package.
    """

    def __init__(self, file, module):
        self._file, self._module = file, module
        self._frame, self._given, self._text = None, b"", b""

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self._text:
            self._given = self._given or self._file.read(io.DEFAULT_BUFFER_SIZE)
            if not self._given:
                if self._frame is not None:
                    raise EOFError("the last frame has no end")
                return 0
            self._frame = self._frame or self._module.ZstdDecompressor().decompressobj()
            try:
                self._text = memoryview(self._frame.decompress(self._given))  # which slices without copying
            except self._module.ZstdError as error:
                raise OSError(str(error)) from error
            self._given = self._frame.unused_data if self._frame.eof else b""
            self._frame = None if self._frame.eof else self._frame
        count = min(len(buffer), len(self._text))
        buffer[:count], self._text = self._text[:count], self._text[count:]
        return count

    def close(self):
        self._file.close()
        super().close()


def _read_lines(stream, path):
    decoder = codecs.getincrementaldecoder("utf-8")()
    line_number, offset, first = 1, 0, True
    for part in iter(partial(_read_part, stream, path), b""):
        ends = part.endswith(b"\n")
        kept = len(decoder.getstate()[0])
        try:
            text = decoder.decode(part, final=ends)
        except UnicodeDecodeError as error:
            raise _not_utf8(path, line_number, offset - kept + error.start, error) from error
        offset += len(part)
        line_number += ends
        if first:
            text, first = text.removeprefix("\ufeff"), False
        yield (text.removesuffix("\n").removesuffix("\r") if ends else text), ends
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _not_utf8(path, line_number, offset - len(decoder.getstate()[0]), error) from error


def _read_part(stream, path):
    try:
        return stream.readline(MAX_LINE_BYTES)
    except Exception as error:
        if not isinstance(error, _DAMAGED) and type(error).__name__ != "ZstdError":
            raise
        raise ValueError(f"The file {path} is damaged or cut short: {error}") from error


def _not_utf8(path, line_number, offset, error):
    return ValueError(
        f"The text file {path} is not UTF-8: line {line_number}, byte {offset}, {error.reason}. "
        "If its name lacks the ending of its compression (.gz, .bz2, .xz, .zst), add it; if it is in another "
        f"encoding, such as GB18030, convert it: iconv -f GB18030 -t UTF-8 {path.name}"
    )
