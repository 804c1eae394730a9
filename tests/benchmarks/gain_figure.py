"""The lecture's figure: training loss and validation score, from pre-trained and from random weights.

    python -m tests.benchmarks.gain_figure --run "SST-2=runs/sst2" --run "parts of speech=runs/pos" --to figure.png

Each run is a folder that `zoo finetune --compare-random --seeds N` left. A line is the mean over its seeds, the band
around it their standard deviation (Hao et al. 2019, arXiv 1908.05620, figure 2, draws one run of each).
"""

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from zoo.training.comparison import PRETRAINED, RANDOM
from zoo.training.runs import read_metrics

STYLES = {PRETRAINED: {"color": "C0"}, RANDOM: {"color": "C1", "linestyle": "--"}}


def curves(rows, start, metric):
    """Epochs, and the metric of each seed after each of them: arrays (epochs,) and (seeds, epochs)."""
    seeds = {}
    for row in rows:
        if row["part"].startswith(start) and row.get(metric, "") != "":
            seeds.setdefault(row["part"], {})[int(row["epoch"])] = row[metric]
    if not seeds:
        raise ValueError(f"Expected rows of {start!r} weights with {metric!r}. Use `zoo finetune --compare-random`.")
    epochs = sorted(set.intersection(*(set(values) for values in seeds.values())))
    return np.array(epochs), np.array([[values[epoch] for epoch in epochs] for values in seeds.values()])


def draw(runs: dict[str, Path], path: Path) -> None:
    """Two rows, training loss and validation score, with a column a run."""
    figure = Figure(figsize=(4 * len(runs), 6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(runs), squeeze=False)
    for column, (name, folder) in enumerate(runs.items()):
        rows = read_metrics(folder / "metrics.csv")
        metric = json.loads((folder / "scores.json").read_text(encoding="utf-8"))[0]["metric"]
        for axes, series in zip(panels[:, column], ("loss", f"val_{metric}"), strict=True):
            for start, style in STYLES.items():
                epochs, values = curves(rows, start, series)
                mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1 if len(values) > 1 else 0)
                axes.plot(epochs, mean, label=f"{start} weights", **style)
                axes.fill_between(epochs, mean - spread, mean + spread, alpha=0.2, color=style["color"], linewidth=0)
            axes.grid(alpha=0.3)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set_ylabel("training loss" if series == "loss" else f"validation {metric}")
        panels[0, column].set_title(name)
        panels[1, column].set_xlabel("epoch")
    panels[0, 0].legend()
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="append", required=True, help="NAME=FOLDER of `zoo finetune`; once for each")
    parser.add_argument("--to", type=Path, required=True, help="the picture to write")
    options = parser.parse_args()
    named = [run.partition("=") for run in options.run]
    draw({name: Path(folder) for name, _, folder in named}, options.to)


if __name__ == "__main__":
    main()
