"""What a run leaves behind: its configuration, metrics, curves and a preset, in one folder."""

import csv
import io
import json
import os
import time
from collections.abc import Callable
from itertools import chain, count
from pathlib import Path

import keras

from zoo.training.steps import StepCounter

CONFIG_FILE = "config.json"


def write_json(path, value, default=None) -> None:
    """Write a JSON file, beside and renamed; `default` gives a form to what JSON has none for."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=default) + "\n")


def write_text(path, text: str) -> None:
    """Write a text file, beside and renamed: it is there whole, or as it was before."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path, content: bytes) -> None:
    """Write a file, beside and renamed."""
    path = Path(path)
    beside = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    beside.write_bytes(content)
    os.replace(beside, path)


def once(path, work: Callable[[], dict]) -> dict:
    """What a JSON file says; if there is none, what it is to say is worked out first.

    Args:
        path: path of the file.
        work: function without arguments that gives what the file is to say.
    """
    path = Path(path)
    if not path.exists():
        found = work()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, found)
    return json.loads(path.read_text(encoding="utf-8"))


def check_same(folder, config: dict) -> None:
    """Refuse to take up a run with another configuration than it was begun with.

    Args:
        folder: path of the run, which need not be there.
        config: dict, what `RunFolder.write_config` is given.

    Raises:
        ValueError: naming every value that is another, before and now.
    """
    path = Path(folder) / CONFIG_FILE
    if not path.exists():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    now = json.loads(json.dumps(config, default=str))
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        differences = ", ".join(f"{name}: {before.get(name)!r} -> {now.get(name)!r}" for name in changed)
        raise ValueError(
            f"A run is taken up with the configuration that it was begun with. Received: {differences}. "
            f"Use another folder than {str(folder)!r}, or the old configuration."
        )


class RunFolder:
    """A folder with `config.json`, `metrics.csv`, `tensorboard/`, `curves.png` and `preset/`.

    Args:
        path: str or path; `runs/<name>-<date and time>`, a new folder, when None.
        name: str, what ran.
    """

    def __init__(self, path=None, name="run"):
        self.path = Path(path) if path is not None else _new_folder(name)
        self.path.mkdir(parents=True, exist_ok=True)

    @property
    def metrics_file(self) -> Path:
        """The CSV file: one row a reporting step."""
        return self.path / "metrics.csv"

    @property
    def preset(self) -> Path:
        """The folder that `from_preset` loads."""
        return self.path / "preset"

    @property
    def curves(self) -> Path:
        """The figure of the run."""
        return self.path / "curves.png"

    def write_config(self, **config) -> None:
        """Write `config.json`, beside and renamed."""
        write_json(self.path / CONFIG_FILE, config, default=str)

    def forget(self, part: str) -> None:
        """Drop the metrics of a part that was interrupted, because it begins anew."""
        rows = read_metrics(self.metrics_file)
        if any(row["part"] == part for row in rows):
            write_metrics(self.metrics_file, [row for row in rows if row["part"] != part])

    def forget_after(self, step: int) -> None:
        """Drop the metrics of later steps than this, which an interrupted run takes again."""
        rows = read_metrics(self.metrics_file)
        if any(row["step"] > step for row in rows):
            write_metrics(self.metrics_file, [row for row in rows if row["step"] <= step])

    def callbacks(self, part: str, steps_done: int = 0) -> list[keras.callbacks.Callback]:
        """Callbacks that log one part of the run (such as "pre-trained") to the CSV file and TensorBoard.

        Args:
            part: str.
            steps_done: int, see `MetricsLog`.
        """
        tensorboard = keras.callbacks.TensorBoard(
            log_dir=str(self.path / "tensorboard" / part.replace(" ", "-")), write_graph=False
        )
        return [MetricsLog(self.metrics_file, part, steps_done), tensorboard]


def _new_folder(name) -> Path:
    """A folder that no other run has, also of those that begin in the same second."""
    began = Path("runs") / time.strftime(f"{name}-%Y%m%d-%H%M%S")
    began.parent.mkdir(exist_ok=True)
    for path in chain([began], (began.with_name(f"{began.name}-{number}") for number in count(2))):
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path


class MetricsLog(StepCounter):
    """Appends a row to a CSV file at the end of every epoch.

    The columns are `part`, `epoch`, `step`, `seconds` and the metrics; a file that was begun by an
    interrupted run is continued.

    Args:
        path: path of the file.
        part: str, first column.
        steps_done: int, optimizer steps before this `fit`; if there are any, the clock goes on from the last row.
    """

    def __init__(self, path, part, steps_done=0):
        super().__init__(steps_done)
        self.path = Path(path)
        self.part = part
        self._began = time.monotonic()
        own = [row["seconds"] for row in read_metrics(path) if row["part"] == part] if steps_done else []
        self._seconds_before = own[-1] if own else 0.0

    def on_epoch_end(self, epoch, logs=None):
        row = {
            "part": self.part,
            "epoch": epoch + 1,
            "step": self.steps,
            "seconds": round(self._seconds_before + time.monotonic() - self._began, 2),
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        write_metrics(self.path, [*read_metrics(self.path), row])


def write_metrics(path, rows: list[dict]) -> None:
    """Write the rows of a `metrics.csv`, beside and renamed."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_metrics(path) -> list[dict]:
    """The rows of a `metrics.csv`, numbers as numbers; empty if there is no file."""
    path = Path(path)
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return [{name: _number(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _number(value):
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


def write_figure(path, figure, dpi=120) -> None:
    """Write a `matplotlib.figure.Figure` as a PNG, beside and renamed."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=dpi, format="png")
    write_bytes(path, picture.getvalue())


def draw_curves(rows, path, x="step", panels=("loss", "val_accuracy"), title=None) -> None:
    """Draw metrics of every part of a run against steps or epochs.

    Args:
        rows: list of dict, as `read_metrics` gives them.
        path: where the PNG goes.
        x: str, the column of the horizontal axis.
        panels: names of metrics, one panel each.
        title: str over all panels, or None.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(panels), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    parts = list(dict.fromkeys(row["part"] for row in rows))
    for axes, metric in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for part in parts:
            points = [(row[x], row[metric]) for row in rows if row["part"] == part and row.get(metric, "") != ""]
            axes.plot(*zip(*points, strict=True) if points else ([], []), marker=".", label=part)
        axes.set_xlabel(x)
        axes.set_title(metric.replace("val_", "validation "))
        axes.grid(alpha=0.3)
        axes.legend()
    if title:
        figure.suptitle(title)
    write_figure(path, figure)
