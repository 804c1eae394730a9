"""What every vocabulary is trained on: a stream of texts, and a line that says how far it is."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from zoo.data.text_files import expand_paths, names_text_file, open_text

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
        ValueError: if a file cannot be read.
    """
    if isinstance(files, (str, os.PathLike)):
        files = expand_paths(files)
    if not isinstance(files, Iterable) or isinstance(files, (bytes, dict)):
        raise TypeError(
            "Paths or patterns of text files, or an iterable of texts, were expected. Received: "
            f"files={files!r} of type {type(files).__name__}"
        )
    if isinstance(files, Sequence) and all(map(names_text_file, files)):
        for file in expand_paths(files):
            with open_text(file) as lines:
                yield from lines
        return
    for number, text in enumerate(files):
        if not isinstance(text, str):
            raise TypeError(
                f"Every text must be a string. Received: files[{number}]={text!r} of type {type(text).__name__}"
            )
        yield text
