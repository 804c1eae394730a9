"""The data of a benchmark's task, read and checked as a whole before any model is made."""

from collections.abc import Callable
from dataclasses import dataclass, field

from zoo.data.benchmarks.comparable import why_not_comparable
from zoo.data.benchmarks.rows import TaskRows, read_rows
from zoo.data.benchmarks.table import BenchmarkTask
from zoo.data.question_answering import Questions, read_questions


@dataclass(frozen=True)
class TaskData:
    """A task and its sets.

    Attributes:
        task: `BenchmarkTask`.
        sets: `TaskRows`, or `Questions` of `zoo.data.question_answering`, by name of the set; empty for a task
            that is missing.
        missing: str, the files that were looked for, if the task is not there.
        not_comparable: str, why its scores must not be put beside published ones, or None.
    """

    task: BenchmarkTask
    sets: dict[str, TaskRows | Questions] = field(default_factory=dict)
    missing: str | None = None
    not_comparable: str | None = None

    @property
    def train(self) -> TaskRows | Questions:
        """The training rows."""
        return self.sets[self.task.splits_of("train")[0]]

    def of_role(self, role: str) -> dict[str, TaskRows | Questions]:
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
    sets = {name: _read_set(task, found.layout, name, source) for name, source in found.sets.items()}
    dev = {name: sets[name] for name in task.splits_of("dev")}
    return TaskData(task, sets, not_comparable=why_not_comparable(task, dev, found.note))


def _read_set(task, layout, name, source):
    if task.kind != "question_answering":
        return read_rows(task, layout, name, source.read(), source.where)
    # A record that is left out makes the number of rows differ from the official set's, so the report tells.
    return read_questions(source.source, labelled=task.splits[name].role != "test", on_bad_record="skip")
