"""What pre-training is worth: the same model fine-tuned from its weights and from random ones."""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from zoo.training.progress import ProgressBar
from zoo.training.runs import RunFolder, draw_curves, once, read_metrics, write_json

PRETRAINED, RANDOM = "pre-trained", "random"


@dataclass(frozen=True)
class Score:
    """Scores of one start over the seeds.

    Attributes:
        start: str, `"pre-trained"` or `"random"`.
        values: tuple of float, one a seed.
    """

    start: str
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.values))

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds (with n - 1), 0 for one seed."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0


def fine_tune(
    make_task: Callable,
    start: str,
    seed: int,
    train: tuple,
    run: RunFolder,
    part: str,
    callbacks: tuple = (),
    **options,
) -> tuple:
    """Make a task and train it; its new weights, its dropout and the order of its examples are drawn from the seed.

    Args:
        make_task: function from `load_weights` (bool) to a new task.
        start: `PRETRAINED` or `RANDOM`.
        seed: int.
        train: what `fit` takes first: `(x, y)`, or `(x,)`.
        run: `RunFolder`, which gets the metrics of each epoch.
        part: str, their name there.
        callbacks: callbacks that see the logs before they are written.
        **options: further arguments of `fit`, such as `epochs`.

    Returns:
        The task, and the `keras.callbacks.History` of its training.
    """
    keras.utils.set_random_seed(seed)
    task = make_task(load_weights=start == PRETRAINED)
    task.seed = seed
    callbacks = [*callbacks, *run.callbacks(part), ProgressBar(label=part)]
    return task, task.fit(*train, callbacks=callbacks, verbose=0, **options)


class CompiledTask:
    """One compiled task for many fine-tunings, which differ in the weights that they begin with alone.

    Compiling takes longer than a short fine-tuning, so that a new task of the same shape only lends its weights.

    Attributes:
        task: the task.
    """

    def __init__(self, task):
        self.task = task
        task.optimizer.build(task.trainable_variables)
        self._state_of_the_optimizer = [np.array(variable) for variable in task.optimizer.variables]

    def begin(self, other):
        """Give the task the weights and random states of `other`, and its optimizer the state of no step done.

        Returns:
            The task.
        """
        for variable, new in zip(self.task.variables, other.variables, strict=True):
            variable.assign(new)
        for variable, new in zip(self.task.optimizer.variables, self._state_of_the_optimizer, strict=True):
            variable.assign(new)
        return self.task


class SharedTask:
    """The place of a `CompiledTask` that is compiled when the first of many trainings begins."""

    def __init__(self):
        self._compiled = None

    def begin(self, task, optimizer):
        """A compiled task with the weights of `task`: itself the first time, when it is compiled with `optimizer`."""
        if self._compiled is None:
            task.compile(optimizer=optimizer)
            self._compiled = CompiledTask(task)
        return self._compiled.begin(task)


@contextlib.contextmanager
def quiet(name):
    """Errors only from a logger: TensorFlow warns that making many models traces many functions."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def compare_with_random(
    make_task: Callable,
    train: tuple,
    validation: tuple,
    run: RunFolder,
    epochs: int = 3,
    batch_size: int = 32,
    seeds: tuple[int, ...] = (0,),
    metric: str = "accuracy",
    starts: tuple[str, ...] = (PRETRAINED, RANDOM),
    score: Callable | None = None,
    callbacks: tuple = (),
) -> list[Score]:
    """Fine-tune from pre-trained and from random weights, equal in all else, and score both.

    Everything is left in the run's folder: metrics, curves, `scores.json`, and the first pre-trained
    task as a preset. A fine-tuning whose score is in `parts/` is done; what an interruption left undone is done now.

    Args:
        make_task: function from `load_weights` (bool) to a new task.
        train: `(x, y)` as `fit` takes them.
        validation: `(x, y)`.
        run: `RunFolder`.
        epochs: int.
        batch_size: int, texts.
        seeds: a run of each start a seed: of the new weights, the dropout and the order of the texts.
        metric: str, the metric that is the score, at the end of training.
        starts: which starts to run.
        score: function from a trained task to its score, when that is not the metric of the last epoch.
        callbacks: more callbacks of `fit`; what they add to the logs is in the metrics.

    Returns:
        A list with a `Score` a start.
    """
    scores = {start: [] for start in starts}
    options = {"epochs": epochs, "batch_size": batch_size, "validation_data": validation}

    def work(start, seed, part):
        run.forget(part)
        task, history = fine_tune(make_task, start, seed, train, run, part, callbacks=callbacks, **options)
        value = score(task) if score else float(history.history[f"val_{metric}"][-1])
        if start == PRETRAINED and seed == seeds[0]:
            task.save_to_preset(run.preset)
        return {metric: value}

    for seed in seeds:
        for start in starts:
            part = start if len(seeds) == 1 else f"{start} {seed}"
            done = once(run.path / "parts" / f"{part.replace(' ', '-')}.json", partial(work, start, seed, part))
            scores[start].append(done[metric])
    draw_curves(read_metrics(run.metrics_file), run.curves, x="epoch", panels=("loss", f"val_{metric}"))
    results = [Score(start, tuple(values)) for start, values in scores.items()]
    _write_scores(run, results, metric)
    return results


def _write_scores(run, results, metric):
    rows = [
        {"start": score.start, "metric": metric, "mean": score.mean, "spread": score.spread, "values": score.values}
        for score in results
    ]
    write_json(run.path / "scores.json", rows)
