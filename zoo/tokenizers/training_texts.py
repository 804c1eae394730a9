"""What every vocabulary is trained on: a stream of texts, and a line that says how far it is."""

import heapq
import itertools
import os
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from zoo.data.inputs import is_table
from zoo.data.text_files import are_text_files, expand_paths, names_text_file, open_text

# Longer texts are cut, at a space if there is one: SentencePiece passes over texts beyond 4,192 bytes.
_LONGEST = 1000
_CHARACTERS_BETWEEN_REPORTS = 1_000_000
NO_WORDS = "Text to train on was expected. Received: files without a word in them."


@contextmanager
def show_progress(shown: bool) -> Iterator[Callable[[str], None]]:
    """Show what is being done, and for how long, in one line; yields the function that is told what.

    Args:
        shown: bool, False for nothing at all.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn()
    with Progress(*columns, disable=not shown) as bar:
        task = bar.add_task("", total=None)
        yield lambda description: bar.update(task, description=description)


def read_texts(files: str | os.PathLike | Iterable[str | os.PathLike]) -> Iterator[str]:
    """Read the lines of text files, or give texts as they are, one at a time.

    Args:
        files: a path or pattern of text files (plain or compressed), a list of these, or an iterable of texts. In
            a list, strings are paths if all are as `zoo.data.text_files.names_text_file` says (`.txt`, `.xz`, ...).

    Yields:
        str.

    Raises:
        TypeError: if `files` is neither paths nor texts.
        ValueError: if a file cannot be read, or paths and texts are mixed.
    """
    if isinstance(files, (str, os.PathLike)):
        files = expand_paths(files)
    if not isinstance(files, Iterable) or isinstance(files, bytes) or is_table(files):
        raise TypeError(
            "Paths or patterns of text files, or an iterable of texts, were expected. Received: "
            f"files={files!r:.200} of type {type(files).__name__}. Of a table give the column."
        )
    files = iter(files)
    beginning = list(itertools.islice(files, 2))
    if any(map(names_text_file, beginning)):  # few, if they are paths
        beginning, files = [*beginning, *files], ()
    if are_text_files(beginning):
        for file in expand_paths(beginning):
            with open_text(file) as lines:
                yield from lines
        return
    for number, text in enumerate(itertools.chain(beginning, files)):
        if not isinstance(text, str):
            raise TypeError(
                f"Every text must be a string. Received: files[{number}]={text!r} of type {type(text).__name__}"
            )
        yield text


def sample_texts(texts: Iterable[str], characters: int, show=lambda description: None) -> list[str]:
    """Return a random sample of texts in random order, the same for the same texts.

    Args:
        texts: iterable of str; a text beyond 1,000 characters is cut into several.
        characters: int, characters that the sample may have.
        show: a function that is told how far it is.
    """
    rng = random.Random(0)
    kept, size, read, shown = [], 0, 0, 0
    for number, part in enumerate(part for text in texts for part in _cut(text)):
        read += len(part)
        size += len(part)
        heapq.heappush(kept, (-rng.random(), number, part))
        while size > characters and len(kept) > 1:
            size -= len(heapq.heappop(kept)[2])
        if read - shown > _CHARACTERS_BETWEEN_REPORTS:
            shown = read
            show(f"Reading text: {read:,} characters")
    return [part for _, _, part in sorted(kept, reverse=True)]


def _cut(text):
    text = text.strip()
    while len(text) > _LONGEST:
        end = text.rfind(" ", 1, _LONGEST + 1)
        end = _LONGEST if end < 0 else end
        yield text[:end]
        text = text[end:].strip()
    if text:
        yield text
