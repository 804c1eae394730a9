"""The table of a benchmark's tasks: what each reads, asks, measures and hands in, as data."""

from dataclasses import dataclass
from importlib import resources

from zoo.weights.strict_json import read_json, to_dataclass

BENCHMARKS = ("glue", "superglue", "clue")
# The layout whose files are "configuration:split" of Hugging Face datasets and tensorflow-datasets.
HUB = "hub"


@dataclass(frozen=True)
class Split:
    """One of the sets of rows of a task.

    Attributes:
        role: `"train"`, `"dev"` (judged on) or `"test"` (answered for the benchmark's server).
        rows: int, rows of the official set that count; None for a test set.
        witnesses: digests (`zoo.data.benchmarks.comparable.digest`) of texts that are in the official dev set, where
            other sets of the same size go by the same name.
        submission: name of the file with the answers, for a test set.
    """

    role: str
    rows: int | None = None
    witnesses: tuple[str, ...] = ()
    submission: str | None = None


@dataclass(frozen=True)
class DevRows:
    """Which rows of a file that holds both sets are the dev set.

    Attributes:
        file: path of a file without a header, the cells of whose rows name a row of the dev set.
        columns: the columns in which these cells are found.
    """

    file: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Where the sets of a task lie, and under which names.

    Attributes:
        files: path of every set in the data folder; in the layout `"hub"`, `"configuration:split"`.
        columns: the name in the files of each column that the task calls otherwise. A dot leads into a nested object.
        headers: the columns of the files that have no header row, by set.
        dev_rows: `DevRows` where training and dev set are one file.
    """

    files: dict[str, str]
    columns: dict[str, str] | None = None
    headers: dict[str, tuple[str, ...]] | None = None
    dev_rows: DevRows | None = None

    def column(self, name: str) -> str:
        """The name in the files of a column."""
        return (self.columns or {}).get(name, name)


@dataclass(frozen=True)
class Spans:
    """Two stretches of a text that are marked in it, `_one_` and `[two]`, to become the column `marked`.

    Attributes:
        column: the column with the text. Where the stretches are stands in `span1_index`, `span1_text`,
            `span2_index` and `span2_text`.
        unit: what the indices count, `"characters"` or `"words"`.
    """

    column: str
    unit: str


@dataclass(frozen=True)
class BenchmarkTask:
    """A task of a benchmark.

    Attributes:
        name: str, as on the command line.
        title: str, as in papers.
        kind: `"classification"`, `"regression"`, `"choice"` or `"question_answering"`.
        metrics: the official ones, in the benchmark's order; names of `zoo.metrics.benchmark_metrics`.
        splits: `Split` by name.
        layouts: `Layout` by name.
        texts: one template, or two for a pair, over the columns: `"{sentence}"`.
        class_names: the classes, in the order of their numbers; for a choice, the columns with what is chosen from.
        aliases: other spellings of a label to the class that they mean.
        unlabelled: labels of rows that don't count.
        label_range: least and greatest label of a regression.
        values: for a column with few values, the text of each.
        spans: `Spans`, or None.
        submitted: how each class is written in the file of answers.
        averaged: the metrics that count in the benchmark's average; all when empty.
        note: str, or None.
    """

    name: str
    title: str
    kind: str
    metrics: tuple[str, ...]
    splits: dict[str, Split]
    layouts: dict[str, Layout]
    texts: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    aliases: dict[str, str] | None = None
    unlabelled: tuple[str, ...] = ()
    label_range: tuple[float, ...] = ()
    values: dict[str, dict[str, str]] | None = None
    spans: Spans | None = None
    submitted: tuple[object, ...] = ()
    averaged: tuple[str, ...] = ()
    note: str | None = None

    def splits_of(self, role: str) -> list[str]:
        """Names of the sets with a role."""
        return [name for name, split in self.splits.items() if split.role == role]

    @property
    def needed(self) -> list[str]:
        """Names of the sets without which the task cannot be done."""
        return [*self.splits_of("train"), *self.splits_of("dev")]


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        title: str, as in papers.
        paper: str.
        index_key: str, what the file of answers calls the number of a row.
        prediction_key: str, what it calls the answer.
        tasks: tuple of `BenchmarkTask`; the benchmark's score is the mean over them and the unsupported ones.
        unsupported: reason for every other task of the benchmark, by title.
        hugging_face: its name in Hugging Face datasets, or None.
        tensorflow_datasets: its name there, or None.
    """

    title: str
    paper: str
    index_key: str
    prediction_key: str
    tasks: tuple[BenchmarkTask, ...]
    unsupported: dict[str, str]
    hugging_face: str | None = None
    tensorflow_datasets: str | None = None

    def choose(self, names=None) -> list[BenchmarkTask]:
        """The tasks of these names, in the benchmark's order; all when None.

        Raises:
            ValueError: if there is no task of a name.
        """
        known = {task.name: task for task in self.tasks}
        unknown = [name for name in names or () if name not in known]
        if unknown:
            titles = {title.lower(): reason for title, reason in self.unsupported.items()}
            reasons = [f" {name} is not supported: {titles[name]}." for name in unknown if name in titles]
            raise ValueError(
                f"The tasks of {self.title} are {', '.join(known)}. Received: tasks={unknown}.{''.join(reasons)}"
            )
        return [task for name, task in known.items() if names is None or name in names]


def read_benchmark(name: str) -> Benchmark:
    """Read the table of a benchmark.

    Args:
        name: str, `"glue"`, `"superglue"` or `"clue"`.

    Raises:
        ValueError: if there is no such benchmark, or its table is not valid.

    Example:

    >>> from zoo.data.benchmarks.table import read_benchmark
    >>> [task.title for task in read_benchmark("glue").tasks]
    ['CoLA', 'SST-2', 'MRPC', 'STS-B', 'QQP', 'MNLI', 'QNLI', 'RTE', 'WNLI']
    """
    if name not in BENCHMARKS:
        raise ValueError(f"The benchmarks are {', '.join(BENCHMARKS)}. Received: benchmark={name!r}")
    path = resources.files(__package__).joinpath(f"{name}.json")
    benchmark, problems = to_dataclass(Benchmark, read_json(path))
    if problems:
        raise ValueError(f"The table of the benchmark {name} is not valid:\n  " + "\n  ".join(problems))
    return benchmark
