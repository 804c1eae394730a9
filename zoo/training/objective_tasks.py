"""The tasks that pre-training objectives are compared by: how each is fine-tuned and scored."""

import dataclasses
import math

from zoo.data.inputs import Examples, class_labels, is_table, read_examples
from zoo.data.tables import read_table
from zoo.training.generation_scores import GenerationScores

TEXT_COLUMNS = ("source", "target")


@dataclasses.dataclass(frozen=True)
class TextTask:
    """Source texts into target texts, by `zoo.Seq2SeqLM`.

    Attributes:
        name: str.
        train: `Examples` to fine-tune on; their labels, str, are the targets.
        dev: `Examples` to be judged by.
        sample: int, how many of `dev` are generated for the scores of generated text.
    """

    name: str
    train: Examples
    dev: Examples
    sample: int

    measures = ("perplexity", "rouge_l", "bleu", "exact_match")

    def make(self, preset, **options):
        """A new model: the preset's, or the same from random weights (`load_weights=False`)."""
        from zoo import tasks

        return tasks.Seq2SeqLM.from_preset(preset, **options)

    def fitted(self, examples) -> tuple:
        """What `fit` takes: texts, in pairs in the manner of T5 (Raffel et al. 2020, appendix D), and targets."""
        texts = examples.texts
        if examples.second is not None:
            pairs = zip(texts, examples.second, strict=True)
            texts = [f"sentence1: {first} sentence2: {second}" for first, second in pairs]
        return texts, examples.labels

    def score(self, model) -> dict[str, float]:
        """What a model reaches on `dev`.

        Returns:
            dict: `perplexity`, the exponential of the loss in nats a token; and fractions from 0 to 1 of the texts that
            are generated greedily, see `zoo.metrics.generation_scores`.
        """
        loss = model.evaluate(*self.fitted(self.dev), verbose=0, return_dict=True)["loss"]
        scores = {**self._generated(model, self.sample), "perplexity": math.exp(loss)}
        return {name: scores[name] for name in self.measures}

    def _generated(self, model, sample):
        return GenerationScores(*self.fitted(self.dev), sample=sample)(model)


@dataclasses.dataclass(frozen=True)
class ClassTask(TextTask):
    """Texts, or pairs of texts, into classes, by `zoo.TextClassifier`.

    Attributes:
        classes: list of str, all, of which the rows to train on may lack some.
    """

    classes: list[str] = dataclasses.field(default_factory=list)

    measures = ("accuracy",)

    def make(self, preset, **options):
        from zoo import tasks

        return tasks.TextClassifier.from_preset(preset, class_names=self.classes, **options)

    def fitted(self, examples) -> tuple:
        """What `fit` takes: texts and classes."""
        return examples.texts if examples.second is None else (examples.texts, examples.second), examples.labels

    def score(self, model) -> dict[str, float]:
        """`accuracy` on `dev`."""
        found = model.evaluate(*self.fitted(self.dev), verbose=0, return_dict=True)
        return {"accuracy": float(found["accuracy"])}


class SaidClassTask(TextTask):
    """Texts into classes by a model that answers in words: the target is the name of the class.

    Raffel et al. (2020), arXiv 1910.10683, section 2.1; any other text than the right class is wrong.
    """

    measures = ("accuracy",)

    def score(self, model) -> dict[str, float]:
        """`accuracy` on `dev`."""
        return {"accuracy": self._generated(model, len(self.dev))["exact_match"]}


def read_task(name: str, train, dev, rows: int | None, sample: int, in_words: bool, rng) -> TextTask:
    """A task from two tables: of texts if they have the columns `source` and `target`, otherwise of classes.

    Args:
        name: str.
        train: what `read_table` reads, or a table.
        dev: the same.
        rows: int, greatest number of training rows, drawn at random; all when None.
        sample: int, see `TextTask`.
        in_words: bool, whether the model says the names of classes, as T5 does.
        rng: `numpy.random.Generator`, which draws the rows.

    Raises:
        ValueError: if a file cannot be read, has no labels, or is of another kind than the other one; if a class of the
            second table is not in the first, or there is only one.
    """
    tables = [each if is_table(each) else read_table(each) for each in (train, dev)]
    of_texts = [set(TEXT_COLUMNS) <= set(table) for table in tables]
    parts = [_examples(name, table, TEXT_COLUMNS if any(of_texts) else (None, None)) for table in tables]
    if not any(of_texts):
        _check_classes(name, *(set(part.labels) for part in parts))
    classes = sorted(set(parts[0].labels))
    if rows is not None and rows < len(parts[0]):
        parts[0] = parts[0].take(rng.permutation(len(parts[0]))[:rows])
    if not any(of_texts) and not in_words:
        return ClassTask(name, *parts, sample, classes)
    kind = TextTask if any(of_texts) else SaidClassTask
    return kind(name, *parts, sample)


def _examples(name, table, columns) -> Examples:
    examples = read_examples(table, None, None, *columns)
    if examples.labels is None:
        raise ValueError(
            f"A table of the task {name!r} needs the columns source and target, or a text and its label. "
            f"Received: columns={list(table)}"
        )
    return Examples(examples.texts, examples.second, class_labels(examples.labels, f"a table of the task {name!r}"))


def _check_classes(name, known, judged):
    if len(known) < 2 or judged - known:
        raise ValueError(
            f"The training table of the task {name!r} must have at least 2 classes, and every class to be judged by. "
            f"Received: {sorted(known)[:10]}, and {sorted(judged - known)[:10]} only in the second table. For texts to "
            "texts call the columns source and target."
        )
