"""A progress bar over text files whose number of characters is not known beforehand."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

# Characters a byte on disk, until a file of the kind has been read to its end.
_COMPRESSED = {".gz", ".bz2", ".xz", ".zst"}
_CHARACTERS_PER_BYTE = {False: 1.0, True: 3.0}


class ReadingProgress:
    """Shows how much of some text files is done; use it as a context.

    Args:
        files: paths of the files.
        show: bool, False for no bar.

    Attributes:
        characters_read: int, characters that were read so far.
        characters_kept: int, characters that were done before this run.
    """

    def __init__(self, files: Iterable[Path], show: bool):
        self.characters_read = 0
        self.characters_kept = 0
        self._finished = 0
        self._ratios = dict(_CHARACTERS_PER_BYTE)
        self._unread = {file: os.path.getsize(file) for file in files}
        self._bar = _bar(show)
        self._task = self._bar.add_task("Preparing", total=self._expected(), tokens="")

    def __enter__(self):
        self._bar.start()
        return self

    def __exit__(self, *error):
        self._bar.stop()

    def watch(self, files: Iterable[Path]) -> Iterator[Path]:
        """The files one after the other; learns from each how many characters a byte holds."""
        for file in files:
            before = self.characters_read
            yield file
            size = self._unread.pop(file)
            self._finished = self.characters_read
            if self.characters_read > before and size:
                self._ratios[file.suffix in _COMPRESSED] = (self.characters_read - before) / size

    def show(self, characters_written: int, tokens: int) -> None:
        """Draw the bar anew."""
        done = self.characters_kept + characters_written
        self._bar.update(
            self._task,
            completed=done,
            total=max(self._finished + self._expected(), self.characters_read),
            tokens=f"{tokens:,} tokens",
        )

    def _expected(self) -> float:
        return sum(size * self._ratios[file.suffix in _COMPRESSED] for file, size in self._unread.items())


def _bar(show: bool):
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[tokens]}"),
        TimeElapsedColumn(),
        disable=not show,
    )
