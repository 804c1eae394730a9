"""What pre-training is worth: the same model fine-tuned from its weights and from random ones."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from zoo.training.progress import ProgressBar
from zoo.training.runs import RunFolder, draw_curves, read_metrics

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
) -> list[Score]:
    """Fine-tune from pre-trained and from random weights, equal in all else, and score both.

    Everything is left in the run's folder: metrics, curves, `scores.json`, and the first pre-trained
    task as a preset.

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

    Returns:
        A list with a `Score` a start.
    """
    scores = {start: [] for start in starts}
    for seed in seeds:
        for start in starts:
            keras.utils.set_random_seed(seed)
            task = make_task(load_weights=start == PRETRAINED)
            task.seed = seed
            part = start if len(seeds) == 1 else f"{start} {seed}"
            steps = epochs * -(-len(train[1]) // batch_size)
            history = task.fit(
                *train,
                batch_size=batch_size,
                epochs=epochs,
                validation_data=validation,
                callbacks=[*run.callbacks(part), ProgressBar(steps, label=part)],
                verbose=0,
            )
            scores[start].append(float(history.history[f"val_{metric}"][-1]))
            if start == PRETRAINED and seed == seeds[0]:
                task.save_to_preset(run.preset)
    draw_curves(read_metrics(run.metrics_file), run.curves, x="epoch", panels=("loss", f"val_{metric}"))
    results = [Score(start, tuple(values)) for start, values in scores.items()]
    _write_scores(run, results, metric)
    return results


def _write_scores(run, results, metric):
    beside = run.path / f".scores-{os.getpid()}.json"
    rows = [
        {"start": score.start, "metric": metric, "mean": score.mean, "spread": score.spread, "values": score.values}
        for score in results
    ]
    beside.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    os.replace(beside, run.path / "scores.json")
