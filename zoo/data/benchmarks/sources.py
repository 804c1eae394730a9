"""Where a benchmark's data come from: a folder, a hub, or data sets in memory."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.data.benchmarks.files import as_columns, find_file, read_columns
from zoo.data.benchmarks.hubs import HUBS, SavedDataSets, open_hub
from zoo.data.benchmarks.table import HUB, Benchmark, BenchmarkTask, Layout

PLAIN = "plain"
PLAIN_ENDINGS = (".tsv", ".jsonl", ".json")
NOTE_FILE = "note.txt"


@dataclass(frozen=True)
class SetSource:
    """Where one set of a task is.

    Attributes:
        where: str, its file or data set, for messages.
        source: the path of its file, or its data set.
        read: function without arguments that returns its columns, dict from name to list.
    """

    where: str
    source: Any
    read: Callable


@dataclass(frozen=True)
class Found:
    """The sets of a task that are at hand.

    Attributes:
        layout: `Layout`, or None if nothing was found.
        sets: `SetSource` by name of the set.
        looked_for: the files that were looked for and are not there, if a set that the task needs is missing.
        note: what the folder says about its data (in `<task>/note.txt`), or None.
    """

    layout: Layout | None
    sets: dict[str, SetSource] = field(default_factory=dict)
    looked_for: tuple[str, ...] = ()
    note: str | None = None


def open_data(data, benchmark: Benchmark) -> Callable[[BenchmarkTask], Found]:
    """Open the data of a benchmark.

    Args:
        data: one of

            - a folder in the benchmark's own layout (`CoLA/train.tsv`), in the plain one (`cola/train.tsv` with the
              columns `sentence` or `sentence1 sentence2`, and `label`), or of data sets that Hugging Face
              `datasets` saved (`cola/dataset_dict.json`); files may be compressed, tasks may lack;
            - `"hf://"` or `"hf://organisation/name"`: Hugging Face datasets, the benchmark's own or another copy;
            - `"tfds://"` or `"tfds://name"`: tensorflow-datasets;
            - a mapping from the name of a task to its `DatasetDict` (or mapping from a split to columns).
        benchmark: `Benchmark`.

    Returns:
        A function from a `BenchmarkTask` to the `Found` of it. Files are opened only when their set is read.

    Raises:
        ValueError: if the folder is not there, or the hub does not have the benchmark.
        ImportError: if a hub's package is not installed.
    """
    if isinstance(data, Mapping):
        return functools.partial(_find_in_hub, data.get, "the data sets given")
    if str(data).startswith(HUBS):
        return functools.partial(_find_in_hub, open_hub(data, benchmark), data)
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise ValueError(f"The data must be a folder, or {' or '.join(HUBS)}. Received: data={str(data)!r}")
    return functools.partial(_find_in_folder, folder)


def _find_in_folder(folder, task) -> Found:
    looked_for = []
    for name, layout in _layouts(task):
        if name == HUB:
            found = _find_in_hub(SavedDataSets(folder), folder, task)
        else:
            found = _find_files(folder, task, name, layout)
        if found.layout is not None:
            return found
        looked_for += found.looked_for
    return Found(None, looked_for=tuple(dict.fromkeys(looked_for)))


def _layouts(task):
    """The benchmark's own layouts, the plain one, and saved data sets."""
    own = [(name, layout) for name, layout in task.layouts.items() if name != HUB]
    plain = Layout(files={name: f"{task.name}/{name}" for name in task.splits})
    return [*own, (PLAIN, plain), (HUB, task.layouts[HUB])]


def _find_files(folder, task, name, layout) -> Found:
    endings = PLAIN_ENDINGS if name == PLAIN else ("",)
    paths = {
        split: next((path for ending in endings if (path := find_file(folder, file + ending))), None)
        for split, file in layout.files.items()
    }
    absent = [f"{layout.files[split]}{endings[0]}" for split in task.needed if paths[split] is None]
    chosen = None if layout.dev_rows is None else find_file(folder, layout.dev_rows.file)
    if layout.dev_rows is not None and chosen is None:
        absent.append(layout.dev_rows.file)
    if absent:
        return Found(None, looked_for=tuple(absent))
    sets = {
        split: SetSource(str(path), path, functools.partial(_read, path, layout, split, chosen))
        for split, path in paths.items()
        if path is not None
    }
    return Found(layout, sets, note=_note(paths[task.needed[0]].parent))


def _note(folder):
    path = folder / NOTE_FILE
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def _read(path, layout, split, chosen):
    columns = read_columns(path, header=(layout.headers or {}).get(split))
    if chosen is None or split not in ("train", "dev"):
        return columns
    lacking = [name for name in layout.dev_rows.columns if name not in columns]
    if lacking:
        raise ValueError(f"The file lacks columns: {', '.join(lacking)}. Received: {path} with {list(columns)}")
    listed = read_columns(chosen, header=layout.dev_rows.columns)
    dev = set(zip(*listed.values(), strict=True))
    names = zip(*(columns[name] for name in layout.dev_rows.columns), strict=True)
    kept = [row for row, name in enumerate(names) if (name in dev) == (split == "dev")]
    return {name: [column[row] for row in kept] for name, column in columns.items()}


def _find_in_hub(load, where, task) -> Found:
    """Look in data sets by configuration: `load` gives a mapping from split to data set, or None."""
    layout = task.layouts[HUB]
    sets, absent = {}, []
    for name, address in layout.files.items():
        configuration, _, split = address.partition(":")
        splits = load(configuration)
        if splits is None or split not in splits:
            absent += [f"data set {configuration} with split {split}"] * (name in task.needed)
        else:
            read = functools.partial(_columns, splits[split], layout.column("label"))
            sets[name] = SetSource(f"{where}, {configuration}, split {split}", splits[split], read)
    return Found(None, looked_for=tuple(absent)) if absent else Found(layout, sets)


def _columns(table, label) -> dict[str, list]:
    """A data set as columns; numbers of classes become the names that the data set gives them."""
    if isinstance(table, Mapping):
        columns = as_columns([dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)])
    else:
        columns = as_columns(list(table))
    features = getattr(table, "features", None) or {}
    names = getattr(features[label], "names", None) if label in features else None
    if names and label in columns:
        columns[label] = [
            names[value] if isinstance(value, int) and 0 <= value < len(names) else value for value in columns[label]
        ]
    return columns
