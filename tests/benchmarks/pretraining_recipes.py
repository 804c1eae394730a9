"""Which way of pre-training is best for a small budget: controlled runs of a BERT, in one plot, judged by fine-tuning.

    python -m tests.benchmarks.pretraining_recipes --corpus corpus --validation held_out --run runs/recipes
        [--steps 2000] [--seeds 2] [--only NAME ...] [--figure figure.png]
        [--judge "parts of speech" tagging train.txt dev.txt 500 10]

All runs have the corpus, the tokens and the seeds in common and differ from the first in what their names say. A run
that was interrupted is taken up again. `--judge` (once a task: a name, `text` or `tagging`, two files, rows, epochs)
fine-tunes what each run left, and random weights of the same shape beside "words and waves".
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
from keras import ops
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

import zoo
from zoo import data
from zoo.objectives import parse_objective
from zoo.training.comparison import PRETRAINED, RANDOM, Score
from zoo.training.finetuning import finetune
from zoo.training.grid import Grid, shown
from zoo.training.pretraining import pretrain
from zoo.training.runs import RunFolder, once, read_metrics
from zoo.training.warm_start import first_texts, static_embedding, warm_start

BASE = {
    "words": True, "waves": True, "power": 0.5, "normalize_first": True, "rate": 0.25, "batch_size": 32,
    "sequence_length": 64, "learning_rate": 1e-3,
}  # fmt: skip
RUNS = {
    "words and waves": {},
    "waves alone": {"words": False},
    "words alone": {"waves": False},
    "random start": {"words": False, "waves": False},
    "16 x 128": {"batch_size": 16, "sequence_length": 128},
    "rate 2e-3": {"learning_rate": 2e-3},
    "rate 4e-3": {"learning_rate": 4e-3},
    "16 x 64 at 2e-3": {"batch_size": 16, "learning_rate": 2e-3},
    "rate 5e-4": {"learning_rate": 5e-4},
    "post-norm": {"normalize_first": False},
    "15 % hidden": {"rate": 0.15},
    "words whitened": {"power": 0.0},
}
COUNTED = 10_000_000  # tokens that the static embedding is counted from
SIZES = {"num_layers": 2, "num_heads": 2, "hidden_dim": 128, "intermediate_dim": 512, "max_sequence_length": 128}


class Comparison:
    """Runs that are made when they are not there yet.

    Args:
        options: the arguments of the command.
        grid: `Grid`.
    """

    def __init__(self, options, grid):
        self.options = options
        self.grid = grid

    def start(self, backbone, train, settings) -> None:
        """Put what the settings ask for into the two tables of a new backbone, and leave the rest as it was drawn."""
        if not (settings["words"] or settings["waves"]):
            return
        path = self.grid.path / f"static-{settings['power']}.npy"
        if not path.exists():
            texts = first_texts(train.documents(), COUNTED)
            special, size = train.vocabulary.special_ids, train.vocabulary.size
            found = static_embedding(texts, size, SIZES["hidden_dim"], power=settings["power"], special_ids=special)
            np.save(path, found)
        tables = {
            "words": [backbone.token_embedding.embeddings],
            "waves": [part.position_embeddings for part in backbone.position_embeddings],
        }
        drawn = {name: [ops.convert_to_numpy(table) for table in variables] for name, variables in tables.items()}
        warm_start(backbone, np.load(path))
        for name, variables in tables.items():
            for variable, value in zip(variables, drawn[name], strict=True):
                if not settings[name]:
                    variable.assign(value)

    def pretrained(self, name, seed) -> dict:
        """The result of a run, of now or of before."""
        settings, run = {**BASE, **RUNS[name]}, RunFolder(self.folder(name, seed))
        tokenizer = data.load_tokenizer(self.options.corpus)
        objective = parse_objective(f"MaskedLM(rate={settings['rate']}) + NextSentence")
        batches = {key: settings[key] for key in ("batch_size", "sequence_length")}

        def work():
            keras.utils.set_random_seed(seed)
            train, held_out = [
                data.pretraining_dataset(path, tokenizer, objective, seed=seed, **batches)
                for path in (self.options.corpus, self.options.validation)
            ]
            backbone = zoo.BertBackbone(
                vocabulary_size=tokenizer.vocabulary_size(), dropout=0, normalize_first=settings["normalize_first"],
                **SIZES,
            )  # fmt: skip
            self.start(backbone, train, settings)
            model = zoo.MaskedLM(backbone, tokenizer=tokenizer, objective=objective, seed=seed)
            tokens = self.options.steps * BASE["batch_size"] * BASE["sequence_length"]
            return pretrain(
                model, train, tokens // (batches["batch_size"] * batches["sequence_length"]), run,
                learning_rate=settings["learning_rate"], validation_data=held_out, report_every=100,
                validation_steps=20,
            )  # fmt: skip

        return once(run.path / "result.json", work)

    def judged(self, name, seed, judge) -> dict[str, float]:
        """What a fine-tuning of a run's end reaches, and beside the first run one of random weights of its shape."""
        title, task, train, dev, rows, epochs = judge
        folder = self.folder(name, seed) / title.replace(" ", "-")
        how = {"label_column": "1"} if task == "tagging" else {"pooling": "mean"}
        finetune(
            Console(quiet=True), str(self.folder(name, seed) / "preset"), train, dev, task=task, rows=int(rows),
            run=folder, epochs=int(epochs), seeds=(seed,), compare_random=name == next(iter(RUNS)), **how,
        )  # fmt: skip
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        return {score["start"]: score["mean"] for score in scores}

    def folder(self, name, seed) -> Path:
        """The folder of a run."""
        return self.grid.path / f"{name} {seed}".replace(" ", "-").replace("%", "percent")


def draw(comparison, names, seeds, path) -> None:
    """Held-out loss of every run, a line a seed, against tokens and against minutes."""
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharey=True)
    for number, name in enumerate(names):
        settings = {**BASE, **RUNS[name]}
        in_a_step = settings["batch_size"] * settings["sequence_length"]
        for seed in seeds:
            rows = read_metrics(comparison.folder(name, seed) / "metrics.csv")
            losses = [row["val_mask_ids_loss"] for row in rows]
            style = {"color": f"C{number}", "label": name if seed == seeds[0] else None}
            panels[0].plot([row["step"] * in_a_step / 1e6 for row in rows], losses, **style)
            panels[1].plot([row["seconds"] / 60 for row in rows], losses, **style)
    panels[0].set_xlabel("million tokens")
    panels[1].set_xlabel("minutes")
    panels[0].set_ylabel("held-out loss of the hidden pieces, nats")
    for axes in panels:
        axes.grid(alpha=0.3)
    panels[1].legend()
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("corpus", "validation", "run"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--steps", type=int, default=2000, help="of 32 x 64 tokens")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=list(RUNS), default=list(RUNS))
    parser.add_argument("--judge", nargs=6, action="append", default=[])
    parser.add_argument("--figure", help="where the plot goes")
    options = parser.parse_args()
    grid = Grid.open(options.run, {"corpus": options.corpus, "validation": options.validation, "steps": options.steps})
    comparison, seeds = Comparison(options, grid), range(options.seeds)
    table = Table("run", "nats", "minutes", *(judge[0] for judge in options.judge))
    random = [""] * len(options.judge)
    for name in options.only:
        results = [comparison.pretrained(name, seed) for seed in seeds]
        losses, minutes = [[result[key] for result in results] for key in ("val_mask_ids_loss", "minutes")]
        cells = [[comparison.judged(name, seed, judge) for seed in seeds] for judge in options.judge]
        scores = [percent([cell[PRETRAINED] for cell in column]) for column in cells]
        table.add_row(name, shown(Score(name, tuple(losses)), 1), f"{np.mean(minutes):.1f}", *scores)
        if name == next(iter(RUNS)):
            random = [percent([cell[RANDOM] for cell in column]) for column in cells]
        print(name, losses, minutes, scores, flush=True)
    table.add_row("random weights", "", "", *random)
    Console().print(table)
    if options.figure:
        draw(comparison, options.only, seeds, options.figure)


def percent(values) -> str:
    """Scores of all seeds, in percent."""
    return shown(Score("", tuple(values)))


if __name__ == "__main__":
    main()
