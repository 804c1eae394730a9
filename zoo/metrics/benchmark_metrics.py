"""The official metrics of GLUE, SuperGLUE and CLUE by name, each refused where it is not defined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Metric:
    """A metric of the answers to a set.

    Attributes:
        title: str, as in papers.
        function: from targets and predictions (arrays) to a number.
        needs: what the targets must hold for it to be defined, in words.
        defined: whether they do, a function of the targets.
    """

    title: str
    function: Callable
    needs: str
    defined: Callable


def _accuracy(targets, predictions):
    return np.mean(targets == predictions)


def _f1(targets, predictions):
    from sklearn.metrics import f1_score

    return f1_score(targets, predictions, zero_division=0)


def _macro_f1(targets, predictions):
    from sklearn.metrics import f1_score

    return f1_score(targets, predictions, average="macro", zero_division=0)


def _matthews(targets, predictions):
    from sklearn.metrics import matthews_corrcoef

    return matthews_corrcoef(targets, predictions)


def _correlation(name, targets, predictions):
    from scipy import stats

    if not np.isfinite(predictions).all() or np.ptp(predictions) == 0:
        return 0.0
    return getattr(stats, name)(targets, predictions).statistic


def _pearson(targets, predictions):
    return _correlation("pearsonr", targets, predictions)


def _spearman(targets, predictions):
    return _correlation("spearmanr", targets, predictions)


def _differ(targets) -> bool:
    return len(set(targets)) > 1


METRICS = {
    "accuracy": Metric("accuracy", _accuracy, "at least one row", lambda targets: len(targets) > 0),
    "f1": Metric("F1", _f1, "rows of the second class, which is the positive one", lambda targets: 1 in targets),
    "macro_f1": Metric("macro F1", _macro_f1, "rows of two classes or more", _differ),
    "matthews": Metric("Matthews", _matthews, "rows of two classes or more", _differ),
    "pearson": Metric("Pearson", _pearson, "scores that differ", _differ),
    "spearman": Metric("Spearman", _spearman, "scores that differ", _differ),
}


def check_defined(name: str, targets: Sequence, where: str) -> None:
    """Refuse targets for which a metric is not defined.

    Args:
        name: str, a name in `METRICS`.
        targets: numbers of classes, or scores.
        where: what has these targets, for the message.

    Raises:
        ValueError: if there is no such metric, or it is not defined.
    """
    if name not in METRICS:
        raise ValueError(f"The metrics are {', '.join(METRICS)}. Received: metric={name!r}")
    metric = METRICS[name]
    if not metric.defined(list(targets)):
        raise ValueError(
            f"{metric.title} is only defined for {metric.needs}. Received: {where}, {len(targets)} rows with the "
            f"labels {sorted(set(targets))[:5]}. Leave the task out, or give a set that has them."
        )


def compute(name: str, targets: Sequence, predictions: Sequence) -> float:
    """A metric of some answers.

    Answers that are all the same have no correlation with anything: Matthews, Pearson and Spearman are 0 for them.

    Args:
        name: `"accuracy"`; `"f1"` of class 1; `"macro_f1"`, the mean over classes; `"matthews"`, the correlation of
            two classes; `"pearson"` or `"spearman"`.
        targets: numbers of classes, or scores.
        predictions: the same for the answers.

    Returns:
        float; 1 for right answers.

    Raises:
        ValueError: if the lengths differ, an answer is no single number, or as `check_defined` does.

    Example:

    >>> from zoo.metrics.benchmark_metrics import compute
    >>> compute("f1", [1, 0, 1, 0], [1, 1, 1, 0])
    0.8
    """
    if len(targets) != len(predictions):
        raise ValueError(
            f"There must be one answer a row. Received: {len(targets)} targets and {len(predictions)} predictions"
        )
    check_defined(name, targets, "targets")
    predictions = np.asarray(predictions)
    if predictions.ndim != 1:
        raise ValueError(
            f"An answer must be one number a row. Received: predictions of shape {predictions.shape}. Of logits take "
            "`argmax(axis=-1)`, of a column `[:, 0]`."
        )
    return float(METRICS[name].function(np.asarray(targets), predictions))
