"""The data of a benchmark's task, read and checked as a whole before any model is made."""

from collections.abc import Callable
from dataclasses import dataclass, field

from zoo.data.benchmarks.comparable import why_not_comparable
from zoo.data.benchmarks.rows import TaskRows, read_rows
from zoo.data.benchmarks.table import BenchmarkTask


@dataclass(frozen=True)
class TaskData:
    """A task and its sets.

    Attributes:
        task: `BenchmarkTask`.
        sets: `TaskRows` by name of the set; empty for a task that is missing.
        missing: str, the files that were looked for, if the task is not there.
        not_comparable: str, why its scores must not be put beside published ones, or None.
    """

    task: BenchmarkTask
    sets: dict[str, TaskRows] = field(default_factory=dict)
    missing: str | None = None
    not_comparable: str | None = None

    @property
    def train(self) -> TaskRows:
        """The training rows."""
        return self.sets[self.task.splits_of("train")[0]]

    def of_role(self, role: str) -> dict[str, TaskRows]:
        """The sets with a role that are at hand."""
        return {name: self.sets[name] for name in self.task.splits_of(role) if name in self.sets}


def load_task(task: BenchmarkTask, find: Callable) -> TaskData:
    """Read all sets of a task.

    Args:
        task: `BenchmarkTask`.
        find: what `zoo.data.benchmarks.sources.open_data` returns.

    Returns:
        `TaskData`, with `missing` if a set that the task needs is not there.

    Raises:
        ValueError: if a set is there and cannot be read.
    """
    found = find(task)
    if found.layout is None:
        return TaskData(task, missing=", ".join(found.looked_for))
    sets = {
        split: read_rows(task, found.layout, split, read(), where) for split, (where, read) in found.readers.items()
    }
    dev = {name: sets[name] for name in task.splits_of("dev")}
    return TaskData(task, sets, not_comparable=why_not_comparable(task, dev, found.note))
