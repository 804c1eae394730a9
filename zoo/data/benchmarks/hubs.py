"""Data sets by name from Hugging Face and tensorflow-datasets, and those that were saved to a folder."""

import functools
import importlib
from pathlib import Path

HUGGING_FACE, TENSORFLOW_DATASETS = "hf://", "tfds://"
HUBS = (HUGGING_FACE, TENSORFLOW_DATASETS)
PACKAGES = {HUGGING_FACE: "datasets", TENSORFLOW_DATASETS: "tensorflow_datasets"}


def _import(name, use):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        distribution = name.replace("_", "-")
        raise ImportError(
            f"{use} needs the package {distribution}, which is not installed: `pip install {distribution}`, or "
            "`pip install 'keras-text-zoo[data]'`."
        ) from error


def open_hub(handle: str, benchmark):
    """Open a hub's copy of a benchmark.

    Args:
        handle: `"hf://"` or `"tfds://"`, perhaps with a name that takes the place of the benchmark's own.
        benchmark: `zoo.data.benchmarks.table.Benchmark`.

    Returns:
        A function from a configuration, such as `"cola"`, to a mapping from split to data set.
    """
    hub = next(each for each in HUBS if handle.startswith(each))
    known = benchmark.hugging_face if hub == HUGGING_FACE else benchmark.tensorflow_datasets
    name = handle.removeprefix(hub) or known
    if name is None:
        raise ValueError(f"{benchmark.title} has no name of its own there. Received: data={handle!r}. Add one.")
    package = _import(PACKAGES[hub], f"data={handle!r}")
    load = _load_hugging_face if hub == HUGGING_FACE else _load_tensorflow
    return functools.cache(lambda configuration: load(package, name, configuration))


def _load_hugging_face(datasets, name, configuration):
    try:
        return datasets.load_dataset(name, configuration)
    except Exception as error:  # the package raises many kinds: of the network, of files, of the configuration
        raise ValueError(
            f"Hugging Face datasets could not load {name!r}, {configuration!r}: {error} Another copy is given as "
            "hf://organisation/name; a folder of saved data sets needs no network."
        ) from error


def _load_tensorflow(tfds, name, configuration):
    try:
        sets, info = tfds.load(f"{name}/{configuration}", with_info=True)
    except Exception as error:
        raise ValueError(f"tensorflow-datasets could not load {name}/{configuration}: {error}") from error
    return {split: _TensorFlowRows(tfds.as_numpy(rows), info.features) for split, rows in sets.items()}


class _TensorFlowRows:
    """The rows of a set of tensorflow-datasets with text as str, in the manner of a Hugging Face data set."""

    def __init__(self, rows, features):
        self.rows = rows
        self.features = features

    def __iter__(self):
        for row in self.rows:
            yield {name: _plain(value) for name, value in row.items()}


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    value = value.tolist() if hasattr(value, "tolist") else value
    return value.decode("utf-8") if isinstance(value, bytes) else value


class SavedDataSets:
    """Data sets that Hugging Face `datasets` saved into a folder by `save_to_disk`, one folder a configuration.

    Args:
        folder: path.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def __call__(self, configuration):
        """Mapping from split to data set, or None if the folder has none of this name."""
        path = self.folder / configuration
        if not (path / "dataset_dict.json").is_file():
            return None
        return _import("datasets", f"A saved data set ({path})").load_from_disk(str(path))
