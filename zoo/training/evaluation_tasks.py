"""How each kind of a benchmark's tasks is fine-tuned, answered and scored."""

from dataclasses import dataclass

import numpy as np

from zoo.data.benchmarks.table import BenchmarkTask
from zoo.metrics.benchmark_metrics import check_defined, compute
from zoo.metrics.squad import squad_scores


@dataclass(frozen=True)
class Classification:
    """One text or a pair into classes, by `zoo.TextClassifier`.

    Attributes:
        task: `BenchmarkTask`.
    """

    task: BenchmarkTask

    def make(self, preset, **options):
        """A new model: the preset's, or the same from random weights (`load_weights=False`)."""
        from zoo import tasks

        return tasks.TextClassifier.from_preset(preset, class_names=list(self.task.class_names), **options)

    def check(self, name, rows) -> None:
        """Refuse a dev set for which a metric of the task is not defined."""
        for metric in self.task.metrics:
            check_defined(metric, rows.labels, f"the set {name} of {self.task.title}")

    def examples(self, rows) -> tuple:
        """What `fit` takes."""
        return self._texts(rows), rows.labels

    def answer(self, model, rows, batch_size):
        """An answer a row: numbers of classes, int array (rows,)."""
        return self._logits(model, rows, batch_size).argmax(axis=-1)

    def _logits(self, model, rows, batch_size):
        """float array (rows, classes)."""
        return np.asarray(model.predict(self._texts(rows), batch_size=batch_size, verbose=0))

    def score(self, rows, answers) -> dict[str, float]:
        """The metrics of the task."""
        return {metric: compute(metric, rows.labels, answers) for metric in self.task.metrics}

    def submitted(self, answers) -> list:
        """The answers as the benchmark's server wants them."""
        return [self.task.submitted[answer] for answer in answers]

    def _texts(self, rows):
        return rows.texts if len(rows.texts) > 1 else rows.texts[0]


class Regression(Classification):
    """A pair into a number, by `zoo.TextRegressor`."""

    def make(self, preset, **options):
        from zoo import tasks

        return tasks.TextRegressor.from_preset(preset, **options)

    def answer(self, model, rows, batch_size):
        return np.asarray(model.predict(self._texts(rows), batch_size=batch_size, verbose=0), "float32")[:, 0]

    def submitted(self, answers):
        return [f"{answer:.3f}" for answer in np.clip(answers, *self.task.label_range)]


class Choice(Classification):
    """The better of some continuations: one binary `zoo.TextClassifier` scores each with the premise.

    Wang et al. (2019), arXiv 1905.00537, section 4.1, score each choice in the same manner.
    """

    def make(self, preset, **options):
        from zoo import tasks

        return tasks.TextClassifier.from_preset(preset, class_names=["wrong", "right"], **options)

    def examples(self, rows):
        labels = [int(label == choice) for choice in range(self._choices) for label in rows.labels]
        return self._texts(rows), labels

    def answer(self, model, rows, batch_size):
        logits = self._logits(model, rows, batch_size)  # (choices * rows, 2)
        return (logits[:, 1] - logits[:, 0]).reshape(self._choices, -1).argmax(axis=0)

    def _texts(self, rows):
        premises, *choices = rows.texts
        return premises * self._choices, [text for choice in choices for text in choice]

    @property
    def _choices(self):
        return len(self.task.class_names)


class QuestionAnswering(Classification):
    """Spans of a passage, by `zoo.QuestionAnswering`; the rows are `zoo.data.question_answering.Questions`."""

    def make(self, preset, **options):
        from zoo import tasks

        return tasks.QuestionAnswering.from_preset(preset, **options)

    def check(self, name, rows):
        """Exact match and F1 are defined for all questions."""

    def examples(self, rows):
        return (rows,)

    def answer(self, model, rows, batch_size):
        return [answer.text for answer in model.predict(rows, batch_size=batch_size)]

    def score(self, rows, answers):
        scores = squad_scores(answers, rows.answers)
        return {metric: scores[metric] for metric in self.task.metrics}

    def submitted(self, answers):
        return answers


class _InWords:
    """Mixed into the kinds above: the same by `zoo.TextToText`, for backbones that say their answers in words."""

    def make(self, preset, **options):
        from zoo import tasks

        return tasks.TextToText.from_preset(preset, form=self._form(), **options)

    def _form(self):
        from zoo.tasks.text_forms import prefixed_form, text_forms

        form, count = text_forms().get(self.task.name), len(self.task.texts)
        return form if form and len(form.fields) == count else prefixed_form(self.task.name, count, **self._answers())

    def _logits(self, model, rows, batch_size):
        return model.answer_scores(self._texts(rows), batch_size)


class ClassificationInWords(_InWords, Classification):
    """One text or a pair into the name of a class."""

    def _answers(self):
        return {"class_names": list(self.task.class_names)}


class RegressionInWords(_InWords, Regression):
    """A pair into a number that is said."""

    def _answers(self):
        return {"numbers": [*self.task.label_range, 0.2]}  # the steps of STS-B

    def answer(self, model, rows, batch_size):
        return np.array(model.predict(self._texts(rows), batch_size=batch_size), "float32")


class ChoiceInWords(_InWords, Choice):
    """The better of some continuations, each called right or wrong."""

    def _form(self):
        from zoo.tasks.text_forms import prefixed_form

        return prefixed_form(self.task.name, 2, class_names=["wrong", "right"])


class QuestionAnsweringInWords(_InWords, QuestionAnswering):
    """Answers that are said; the rows are `zoo.data.question_answering.Questions`."""

    def _form(self):
        return "squad"

    def answer(self, model, rows, batch_size):
        return model.predict(rows, batch_size=batch_size)


KINDS = {
    "classification": Classification,
    "regression": Regression,
    "choice": Choice,
    "question_answering": QuestionAnswering,
}
KINDS_IN_WORDS = {
    "classification": ClassificationInWords,
    "regression": RegressionInWords,
    "choice": ChoiceInWords,
    "question_answering": QuestionAnsweringInWords,
}


def kind_for(task: BenchmarkTask, preset: str):
    """How a preset is fine-tuned and asked for a task: with a head, or in words if that is how its backbone answers."""
    from zoo.tasks.reading import preset_answers_in_words

    return (KINDS_IN_WORDS if preset_answers_in_words(preset) else KINDS)[task.kind](task)
