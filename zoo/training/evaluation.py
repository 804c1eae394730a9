"""A benchmark, task by task: fine-tune, score on the dev sets, answer the test sets. What `zoo evaluate` runs."""

import gc
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import keras
import numpy as np

from zoo import presets
from zoo.data.benchmarks.loading import TaskData, load_task
from zoo.data.benchmarks.sources import open_data
from zoo.data.benchmarks.table import read_benchmark
from zoo.training.comparison import PRETRAINED, RANDOM, CompiledTask, fine_tune, quiet
from zoo.training.evaluation_report import report, summarise, task_score
from zoo.training.evaluation_submission import write_answers
from zoo.training.evaluation_tasks import kind_for
from zoo.training.optimizers import FineTuningAdamW, fine_tuning_grid, fine_tuning_rate
from zoo.training.runs import RunFolder, check_same, write_json

EPOCHS = 4
ANSWERS_IN_A_BATCH = 64


def evaluate(
    console,
    benchmark: str,
    preset: str,
    data,
    tasks=None,
    run=None,
    seeds: tuple[int, ...] = (0,),
    compare_random: bool = False,
    grid: bool = False,
    rows: int | None = None,
    epochs: int | None = None,
    batch_size: int = 32,
    learning_rate: float | None = None,
    dtype: str | None = None,
) -> dict:
    """Fine-tune a preset on every task of a benchmark, one model a task, and score each by its official metrics.

    Every finished fine-tuning leaves a file in `parts/`, so an interrupted run in the same folder goes on where it
    was. The folder also gets `results.json`, `results.png`, `metrics.csv` and TensorBoard's files, and for each
    task the model of the first seed (`presets/`) with its answers to the test sets in the benchmark's form
    (`predictions/`), or to the dev sets where no test set is at hand (`dev_predictions/`).

    Args:
        console: `rich.console.Console`.
        benchmark: `"glue"`, `"superglue"` or `"clue"`.
        preset: what `from_preset` takes.
        data: see `zoo.data.benchmarks.sources.open_data`.
        tasks: names of the tasks to do; all when None.
        run: folder of the run; `runs/...` with the time when None.
        seeds: a fine-tuning each: of the new weights, the dropout and the order of the rows.
        compare_random: bool, whether the same model from random weights is trained too.
        grid: bool, whether the first seed tries the learning rates and epochs of `fine_tuning_grid`; the score on the
            dev set chooses, and the other seeds run with what was chosen.
        rows: int, greatest number of training rows, drawn at random; all when None.
        epochs: int, 4 when None; with `grid`, that of the grid.
        batch_size: int, rows.
        learning_rate: float, the peak; `fine_tuning_rate` of the model's size when None, with `grid`, the grid's.
        dtype: str, Keras dtype policy.

    Returns:
        The results, see `zoo.training.evaluation_report.summarise`.

    Raises:
        ValueError: if preset, benchmark or a task is not known, the data cannot be read, a metric is not defined
            for a dev set, there is no task at all, or the folder holds a run with another configuration.
    """
    presets.find(preset)
    table = read_benchmark(benchmark)
    loaded = _load(table, tasks, data, preset)
    settings = {
        "rows": rows, "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "grid": grid,
        "seeds": seeds, "compare_random": compare_random, "dtype": dtype, "backend": keras.config.backend(),
    }  # fmt: skip
    folder = _open_run(run, loaded, benchmark=benchmark, preset=str(preset), **settings)
    evaluation = Evaluation(
        preset=str(preset),
        run=folder,
        points=_points(preset, grid, learning_rate, epochs),
        seeds=tuple(seeds),
        starts=(PRETRAINED, RANDOM) if compare_random else (PRETRAINED,),
        rows=rows,
        batch_size=batch_size,
        dtype=dtype,
        say=console.print,
    )
    with quiet("tensorflow"):
        parts = {each.task.name: evaluation.do(each, table) for each in loaded if not each.missing}
    results = summarise(table, loaded, parts, benchmark=benchmark, preset=str(preset), **settings)
    report(console, results, folder)
    return results


def _load(table, tasks, data, preset) -> list[TaskData]:
    """Read the tasks, and refuse what would fail only after hours: a metric that is not defined, no task at all."""
    find = open_data(data, table)
    loaded = [load_task(task, find) for task in table.choose(tasks)]
    if all(each.missing for each in loaded):
        looked_for = "\n  ".join(f"{each.task.title}: {each.missing}" for each in loaded)
        where = "the data sets given" if isinstance(data, Mapping) else str(data)
        raise ValueError(f"No task of {table.title} was found. Received: data={where}. Looked for:\n  {looked_for}")
    for each in loaded:
        for name, rows in each.of_role("dev").items():
            kind_for(each.task, preset).check(name, rows)
    return loaded


def _open_run(run, loaded, **config) -> RunFolder:
    """The folder of the run, with its configuration: new, or the same as before."""
    sizes = {
        each.task.name: {name: len(rows) for name, rows in each.sets.items() if name in each.task.needed}
        for each in loaded
    }
    config = {"command": "evaluate", **config, "data": sizes}
    if run is not None:
        check_same(run, config)
    folder = RunFolder(run, name=config["benchmark"])
    folder.write_config(**config)
    return folder


def _points(preset, grid, learning_rate, epochs):
    """What is tried: pairs of a learning rate (None for the size's) and a number of epochs."""
    if not grid:
        return [(learning_rate, epochs or EPOCHS)]
    tried = fine_tuning_grid(presets.load_backbone(preset, load_weights=False).hidden_dim)
    return list(
        dict.fromkeys((rate if learning_rate is None else learning_rate, epochs or number) for rate, number in tried)
    )


@dataclass(frozen=True)
class Evaluation:
    """A run of a benchmark: does what is not done yet.

    Attributes:
        preset: str.
        run: `RunFolder`.
        points: pairs of learning rate and epochs that the first seed tries.
        seeds: tuple of int.
        starts: tuple of str.
        rows: int or None.
        batch_size: int.
        dtype: str or None.
        say: function that prints a line.
        compiled: dict with the `CompiledTask` of the task at hand.
    """

    preset: str
    run: RunFolder
    points: list
    seeds: tuple[int, ...]
    starts: tuple[str, ...]
    rows: int | None
    batch_size: int
    dtype: str | None
    say: Callable
    compiled: dict = field(default_factory=dict)

    def do(self, data: TaskData, table) -> dict[str, list[dict]]:
        """Fine-tune and answer one task; for each start the chosen part of every seed."""
        chosen = {}
        for start in self.starts:
            first = [self._part(data, table, start, self.seeds[0], *point) for point in self.points]
            best = max(first, key=lambda part: part["score"])
            point = (best["asked_rate"], best["epochs"])
            chosen[start] = [best, *(self._part(data, table, start, seed, *point) for seed in self.seeds[1:])]
        self._answer_tests(data, table)
        return chosen

    def _part(self, data, table, start, seed, rate, epochs) -> dict:
        """One fine-tuning: what its file says, or done now."""
        name = self._name(data.task, start, seed, rate, epochs)
        path = self._file(name)
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
        kind = kind_for(data.task, self.preset)
        train = self._train_rows(kind, data.train)
        self.run.forget(name)
        began = time.monotonic()
        model, history = self._fine_tune(kind, train, name, start, seed, rate, epochs)
        trained = time.monotonic()
        dev = data.of_role("dev")
        answers = {split: kind.answer(model, rows, ANSWERS_IN_A_BATCH) for split, rows in dev.items()}
        scores = {split: kind.score(rows, answers[split]) for split, rows in dev.items()}
        part = {
            "task": data.task.name, "start": start, "seed": seed, "epochs": epochs, "asked_rate": rate,
            "learning_rate": _rate(model, rate), "train_rows": len(train),
            "scores": scores, "score": task_score(data.task, scores), "loss": float(history.history["loss"][-1]),
            "seconds": {"training": round(trained - began, 1), "answers": round(time.monotonic() - trained, 1)},
        }  # fmt: skip
        if start == PRETRAINED and seed == self.seeds[0] and part["score"] > self._best_score(data.task):
            model.save_to_preset(self._preset_of(data))
            if not data.of_role("test"):
                write_answers(self.run.path / "dev_predictions", data, "dev", table, answers)
        path.parent.mkdir(exist_ok=True)
        write_json(path, part)
        self.say(f"{name}: {100 * part['score']:.1f} in {sum(part['seconds'].values()):.0f} s", highlight=False)
        return part

    def _fine_tune(self, kind, train, name, start, seed, rate, epochs):
        examples = kind.examples(train)
        what = (kind.task.name, rate)

        def make_task(load_weights):
            if what not in self.compiled:
                # A process that makes a hundred models must not keep them all.
                self.compiled.clear()
                keras.utils.clear_session()
                gc.collect()
                keras.utils.set_random_seed(seed)
            model = kind.make(self.preset, load_weights=load_weights, dtype=self.dtype)
            if what not in self.compiled:
                model.compile(optimizer=FineTuningAdamW(_rate(model, rate)))
                self.compiled[what] = CompiledTask(model)
            return self.compiled[what].begin(model)

        options = {"epochs": epochs, "batch_size": self.batch_size}
        return fine_tune(make_task, start, seed, examples, self.run, name, **options)

    def _train_rows(self, kind, train):
        if self.rows is None or self.rows >= len(train):
            return train
        return train.take(np.random.default_rng(0).permutation(len(train))[: self.rows])

    def _name(self, task, start, seed, rate, epochs):
        tried = f" {rate} {epochs}" if len(self.points) > 1 else ""
        return f"{task.name} {start} seed {seed}{tried}"

    def _file(self, name):
        return self.run.path / "parts" / f"{name.replace(' ', '-')}.json"

    def _best_score(self, task):
        """The best score of the parts whose model may have been kept."""
        names = [self._name(task, PRETRAINED, self.seeds[0], *point) for point in self.points]
        paths = [path for path in map(self._file, names) if path.exists()]
        return max((json.loads(path.read_text(encoding="utf-8"))["score"] for path in paths), default=-np.inf)

    def _preset_of(self, data):
        return self.run.path / "presets" / data.task.name

    def _answer_tests(self, data, table):
        """Answer the test sets that are at hand by the model of the first seed."""
        folder = self.run.path / "predictions"
        tests = data.of_role("test")
        if all((folder / data.task.splits[name].submission).exists() for name in tests):
            return
        kind = kind_for(data.task, self.preset)
        model = kind.make(str(self._preset_of(data)), dtype=self.dtype)
        answers = {name: kind.answer(model, rows, ANSWERS_IN_A_BATCH) for name, rows in tests.items()}
        write_answers(folder, data, "test", table, answers)


def _rate(model, asked) -> float:
    return fine_tuning_rate(model.backbone.hidden_dim) if asked is None else asked
