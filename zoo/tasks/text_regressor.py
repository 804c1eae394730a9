"""Texts, or pairs of texts, into numbers."""

import keras
import numpy as np

from zoo.heads import ClassificationHead
from zoo.metrics.benchmark_metrics import compute
from zoo.tasks.reading import read_text
from zoo.tasks.serving import text_endpoints
from zoo.tasks.task import Task


@keras.saving.register_keras_serializable(package="zoo")
class TextRegressor(Task):
    """A backbone with one output over the vector of the whole text, fitted by squared error.

    Devlin et al. (2019), arXiv 1810.04805, appendix B.1 (STS-B: the similarity of two sentences, 0 to 5). The vector
    is `zoo.TextClassifier`'s.

    `evaluate`, and `fit` at the end of an epoch (`val_pearson`), give the correlations of Pearson and Spearman over all
    texts, where their labels differ.

    Args:
        backbone: an encoder with a pooled output, or an encoder-decoder such as BART.
        tokenizer: a tokenizer; needed for raw text.
        dropout: float, probability that a unit of the vector is dropped in training; the backbone's when None.
        pooling: str or None, see `zoo.TextClassifier`.
        **kwargs: `preprocessor`, `seed`, `compile`, `name`.

    Returns of a call:
        float32 tensor (batch, 1).
    """

    outputs_are_logits = False

    def __init__(self, backbone, tokenizer=None, dropout=None, pooling=None, **kwargs):
        self.dropout = backbone.dropout if dropout is None else dropout
        self.pooling = pooling
        reading = read_text(backbone, pooling)
        self.regressor = ClassificationHead(
            1, self.dropout, reading.inner_dim, dtype=backbone.dtype_policy, name="regressor"
        )
        super().__init__(backbone, reading.inputs, self.regressor(reading.text), tokenizer=tokenizer, **kwargs)

    def _default_loss_and_metrics(self):
        return {"loss": keras.losses.MeanSquaredError()}

    def _scores(self, batches):
        true = batches.encoded.targets[:, 0]
        if len(set(true.tolist())) < 2:
            return {}
        found = np.empty(len(true), "float32")
        for indices, outputs in self._predict_batches(batches):
            found[indices] = outputs[:, 0]
        return {name: compute(name, true, found) for name in ("pearson", "spearman")}

    def _targets(self, labels):
        return checked_numbers(labels)[:, None]  # (texts, 1)

    def _endpoints(self):
        return text_endpoints(self, lambda outputs: {"scores": outputs[:, 0]})

    def get_config(self):
        return {**super().get_config(), "dropout": self.dropout, "pooling": self.pooling}


def checked_numbers(labels) -> np.ndarray:
    """Raw labels as a float32 array (texts,).

    Raises:
        ValueError: if one is no finite number, with its row.
    """
    found = [_number(label) for label in labels]
    wrong = [row for row, number in enumerate(found) if not np.isfinite(number)]
    if wrong:
        raise ValueError(
            f"Every label must be a finite number. Received: y[{wrong[0]}]={labels[wrong[0]]!r}; "
            f"{len(wrong)} such rows."
        )
    return np.array(found, "float32")


def _number(label) -> float:
    """A label as a number, also one in letters, as tables have it; not a number for all else."""
    try:
        return float(label)
    except (TypeError, ValueError):
        return float("nan")
