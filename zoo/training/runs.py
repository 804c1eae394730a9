"""What a run leaves behind: its configuration, metrics, curves and a preset, in one folder."""

import csv
import json
import os
import time
from pathlib import Path

import keras


class RunFolder:
    """A folder with `config.json`, `metrics.csv`, `tensorboard/`, `curves.png` and `preset/`.

    Args:
        path: str or path; `runs/<name>-<date and time>` when None.
        name: str, what ran.
    """

    def __init__(self, path=None, name="run"):
        self.path = Path(path) if path is not None else Path("runs") / time.strftime(f"{name}-%Y%m%d-%H%M%S")
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
        beside = self.path / f".config-{os.getpid()}.json"
        text = json.dumps(config, indent=2, ensure_ascii=False, default=str)
        beside.write_text(text + "\n", encoding="utf-8")
        os.replace(beside, self.path / "config.json")

    def callbacks(self, part: str) -> list[keras.callbacks.Callback]:
        """Callbacks that log one part of the run (such as "pre-trained") to the CSV file and TensorBoard."""
        tensorboard = keras.callbacks.TensorBoard(
            log_dir=str(self.path / "tensorboard" / part.replace(" ", "-")), write_graph=False
        )
        return [MetricsLog(self.metrics_file, part), tensorboard]


class MetricsLog(keras.callbacks.Callback):
    """Appends a row to a CSV file at the end of every epoch.

    The columns are `part`, `epoch`, `step`, `seconds` and the metrics; a file that was begun by an
    interrupted run is continued.

    Args:
        path: path of the file.
        part: str, first column.
        steps_done: int, optimizer steps before this `fit`.
    """

    def __init__(self, path, part, steps_done=0):
        super().__init__()
        self.path = Path(path)
        self.part = part
        self.steps = steps_done
        self._began = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1

    def on_epoch_end(self, epoch, logs=None):
        row = {
            "part": self.part,
            "epoch": epoch + 1,
            "step": self.steps,
            "seconds": round(time.monotonic() - self._began, 2),
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        rows = [*read_metrics(self.path), row]
        columns = list(dict.fromkeys(name for each in rows for name in each))
        beside = self.path.with_name(f".metrics-{os.getpid()}.csv")
        with open(beside, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(beside, self.path)


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
    figure.savefig(path, dpi=120)
