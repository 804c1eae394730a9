"""Texts, or pairs of texts, into classes."""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.heads import ClassificationHead
from zoo.tasks.reading import read_text
from zoo.tasks.serving import class_answers, text_endpoints
from zoo.tasks.task import Task


@dataclass(frozen=True)
class Classification:
    """The class of a text.

    Attributes:
        label: the likeliest class's name.
        probability: float, its probability.
        probabilities: dict from every class's name to its probability.
    """

    label: str | int
    probability: float
    probabilities: dict


@keras.saving.register_keras_serializable(package="zoo")
class TextClassifier(Task):
    """A backbone with a linear layer over the vector of the whole text.

    Devlin et al. (2019), arXiv 1810.04805, section 4.1: sentiment, topics, and with pairs of texts natural
    language inference and paraphrase. The vector is that of [CLS]; of an encoder-decoder that reads the text on both
    sides it is the decoder's last (Lewis et al. 2020, arXiv 1910.13461, section 3.1; see `zoo.tasks.reading`). T5
    says the class in words: see `zoo.TextToText`.

    Args:
        backbone: an encoder with a pooled output, or an encoder-decoder such as BART.
        tokenizer: a tokenizer; needed for raw text.
        num_classes: int, number of classes; the number of `class_names` when None.
        class_names: list of str, the classes in the order of the outputs. Without it, labels that are
            text give their names when `fit` first sees them, in sorted order; integers are used as they are.
        dropout: float, probability that a unit of the vector is dropped in training; the backbone's when None.
        pooling: str or None, what the vector is: None for the above, `"mean"` for the mean of the tokens' states
            (Reimers & Gurevych 2019, arXiv 1908.10084).
        **kwargs: `preprocessor`, `seed`, `compile`, `name`.

    Returns of a call:
        float32 tensor (batch, num_classes), logits.

    Raises:
        ValueError: if the number of classes is not known or not at least 2, or the pooling is unknown.

    Example:

        model = zoo.TextClassifier.from_preset("bert_tiny_en_uncased_books", num_classes=2)
        model.fit(texts, ["bad", "good", ...], epochs=3)
        model.classify(["a gripping film"])[0].label
    """

    learnt_from_labels = ("class_names",)

    def __init__(
        self, backbone, tokenizer=None, num_classes=None, class_names=None, dropout=None, pooling=None, **kwargs
    ):
        if num_classes is None and class_names is None:
            raise ValueError(
                "The number of classes must be known. Received: num_classes=None, class_names=None. Give "
                "`num_classes=2`, or the names in the order of their numbers, `class_names=['bad', 'good']`."
            )
        num_classes = len(class_names) if num_classes is None else num_classes
        if num_classes < 2 or (class_names is not None and len(set(class_names)) != num_classes):
            raise ValueError(
                "There must be at least 2 classes, each with its own name. "
                f"Received: num_classes={num_classes}, class_names={class_names}. "
                "For a number a text use TextRegressor."
            )
        unnamed = [name for name in class_names or () if not isinstance(name, str)]
        if unnamed:
            raise ValueError(
                f"`class_names` are texts; without names, labels are the numbers of classes. Received: {unnamed[0]!r} "
                f"in class_names={class_names}"
            )
        self.num_classes = num_classes
        self.class_names = None if class_names is None else list(class_names)
        self.dropout = backbone.dropout if dropout is None else dropout
        self.pooling = pooling
        reading = read_text(backbone, pooling)
        self.classifier = ClassificationHead(
            num_classes, self.dropout, reading.inner_dim, dtype=backbone.dtype_policy, name="classifier"
        )
        super().__init__(backbone, reading.inputs, self.classifier(reading.text), tokenizer=tokenizer, **kwargs)

    def _default_loss_and_metrics(self):
        return {
            "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "metrics": [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        }

    def _classes(self):
        return self.class_names or list(range(self.num_classes))

    def _learn_labels(self, labels):
        if self.class_names is None and any(isinstance(label, str) for label in labels):
            names = sorted(set(map(str, labels)))
            if len(names) != self.num_classes:
                raise ValueError(
                    f"The labels must name the model's {self.num_classes} classes. Received: {len(names)} different "
                    f"labels: {names[:20]}. Give `class_names`, or the right `num_classes`."
                )
            self.class_names = names

    def _read(self, x, y=None, *others, **columns):
        a_list = isinstance(y, (list, tuple)) and len(y) > 0
        shape = (len(y), *np.shape(y[0])) if a_list else tuple(getattr(y, "shape", ()))
        if len(shape) == 2 and shape[1] != 1:
            raise ValueError(
                f"There must be one label a text, the name or the number of its class. Received: y of shape {shape}. "
                "For one-hot labels give `np.asarray(y).argmax(-1)`."
            )
        return super()._read(x, y, *others, **columns)

    def _targets(self, labels):
        return class_numbers(labels, self.class_names, self.num_classes)

    def classify(self, texts, batch_size=32) -> list[Classification]:
        """Classify raw texts or pairs of texts.

        Args:
            texts: what `predict` takes.
            batch_size: int, texts in a batch.

        Returns:
            A list with a `Classification` a text, in the order of `texts`.
        """
        logits = np.asarray(self.predict(texts, batch_size=batch_size, verbose=0), "float32")
        return classifications(logits, self._classes())

    def _endpoints(self):
        return text_endpoints(self, class_answers(self.class_names))

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "class_names": self.class_names,
            "dropout": self.dropout,
            "pooling": self.pooling,
        }


def classifications(logits: np.ndarray, names) -> list[Classification]:
    """The class of each row of logits, float array (texts, classes), with the names of the classes."""
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = exponents / exponents.sum(axis=-1, keepdims=True)
    return [
        Classification(
            label=names[int(row.argmax())],
            probability=float(row.max()),
            probabilities={name: float(value) for name, value in zip(names, row, strict=True)},
        )
        for row in probabilities
    ]


def class_numbers(labels, class_names, num_classes: int) -> np.ndarray:
    """Raw labels, names or numbers of classes, as numbers: int32 array (texts,).

    Raises:
        ValueError: if a label is no class, with its row.
    """
    named = [isinstance(label, str) for label in labels]
    if any(named) and not all(named):
        row = named.index(not named[0])
        raise ValueError(
            "Labels must be all names, or all numbers of classes. Received: "
            f"y[0]={labels[0]!r} and y[{row}]={labels[row]!r}. Make all of them str."
        )
    if class_names is not None and any(named):
        index = {name: number for number, name in enumerate(class_names)}
        numbers = [index.get(label, -1) for label in labels]
    else:
        numbers = labels
    wrong = [row for row, number in enumerate(numbers) if not _is_class(number, num_classes)]
    if wrong:
        known = f"0 to {num_classes - 1}" if class_names is None else list(class_names)
        raise ValueError(
            f"Every label must be one of the model's classes: {known}. Received: y[{wrong[0]}]="
            f"{labels[wrong[0]]!r}; {len(wrong)} such rows."
        )
    return np.array(numbers, "int32")


def _is_class(target, num_classes) -> bool:
    if isinstance(target, bool):
        return True
    if isinstance(target, float):
        return target.is_integer() and 0 <= target < num_classes
    return isinstance(target, int) and 0 <= target < num_classes
