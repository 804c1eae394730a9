"""The kinds of tasks that a preset is fine-tuned for on two files: how these are read, and what is trained on them."""

import dataclasses
from collections.abc import Callable

from zoo import presets
from zoo.data.inputs import Examples, class_labels, read_examples
from zoo.data.question_answering import Questions, read_questions
from zoo.data.tables import read_table
from zoo.data.tagged_files import read_tagged
from zoo.data.tagging import TaggedSentences
from zoo.metrics.entities import is_entity_scheme
from zoo.models import EncoderDecoder
from zoo.tasks.reading import preset_answers_in_words
from zoo.tasks.text_forms import prefixed_form
from zoo.tasks.text_regressor import checked_numbers


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of task: how its files are read, and which model is trained on them.

    Attributes:
        check: function from a preset; raises a ValueError for one that the task cannot be made of.
        read: function from a path, names of the columns of text and of labels (or None) to examples.
        model: function from a preset and the examples to train and to validate on to the name of a class of
            `zoo.tasks`, the arguments of its head, and the name of its score.
        pools: bool, whether the model makes one vector of a text.
    """

    check: Callable
    read: Callable
    model: Callable
    pools: bool = False


# What a preset must be.


def _any(preset) -> None:
    """Classes of texts: every model says them, with a head or in words."""


def _of_states(preset) -> None:
    if preset_answers_in_words(preset):
        raise ValueError(
            "This task reads the states of an encoder, or of an encoder-decoder such as BART. Received: "
            f"preset={str(preset)!r}, a {presets.backbone_class(preset).__name__}, which says its answers in words: "
            "take `zoo.TextToText` in Python, with a form such as 'stsb' or 'squad'."
        )


def _of_a_decoder(preset) -> None:
    kind = presets.backbone_class(preset)
    if not issubclass(kind, EncoderDecoder):
        raise ValueError(
            "Text to text needs an encoder-decoder, such as a BART or T5. "
            f"Received: preset={str(preset)!r}, a {kind.__name__}."
        )


# Files.


def _read_labelled(path, text_columns, label_column) -> Examples:
    examples = read_examples(read_table(path), text_columns=text_columns, label_column=label_column)
    if examples.labels is None:
        raise ValueError(f"The table needs a column of labels. Received: {str(path)!r}. Name it by `label_column`.")
    return examples


def _read_classes(path, text_columns, label_column) -> Examples:
    examples = _read_labelled(path, text_columns, label_column)
    return dataclasses.replace(examples, labels=class_labels(examples.labels, path))


def _read_numbers(path, text_columns, label_column) -> Examples:
    examples = _read_labelled(path, text_columns, label_column)
    try:
        numbers = checked_numbers(examples.labels)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return dataclasses.replace(examples, labels=numbers.tolist())


def _read_tags(path, text_columns, label_column) -> TaggedSentences:
    if text_columns is not None:
        raise ValueError(
            "In a file of tagged words the word has its place; only the column of the tag can be chosen, by "
            f"`label_column`. Received: text_columns={text_columns!r}"
        )
    is_number = label_column is not None and label_column.removeprefix("-").isdigit()
    return read_tagged(path, column=int(label_column) if is_number else label_column)


def _read_records(path, text_columns, label_column) -> Questions:
    if text_columns is not None or label_column is not None:
        raise ValueError(
            "Records of questions have fixed names: question, context, answers. "
            f"Received: text_columns={text_columns!r}, label_column={label_column!r}"
        )
    return read_questions(path, on_bad_record="skip")  # published files have some; it warns of them


def _read_pairs(path, text_columns, label_column) -> Examples:
    columns = text_columns or ("source",)
    if len(columns) != 1:
        raise ValueError(f"The source is one column of the table. Received: text_columns={text_columns!r}")
    return read_examples(read_table(path), text_columns=columns[0], label_column=label_column or "target")


# Models.


def _classifier(preset, train, validation):
    names = sorted(set(train.labels))
    if preset_answers_in_words(preset):
        form = prefixed_form("classify", 1 if train.second is None else 2, class_names=names)
        return "TextToText", {"form": form.to_dict()}, "answer_accuracy"
    return "TextClassifier", {"class_names": names}, "accuracy"


def _regressor(preset, train, validation):
    return "TextRegressor", {}, "pearson"


def _tagger(preset, train, validation):
    labels = sorted({*train.labels, *validation.labels})
    return "TokenClassifier", {"labels": labels}, "f1" if is_entity_scheme(labels) else "accuracy"


def _reader(preset, train, validation):
    return "QuestionAnswering", {}, "f1"


def _generator(preset, train, validation):
    return "Seq2SeqLM", {}, "bleu"


KINDS = {
    "text": Kind(_any, _read_classes, _classifier, pools=True),
    "regression": Kind(_of_states, _read_numbers, _regressor, pools=True),
    "tagging": Kind(_of_states, _read_tags, _tagger),
    "question-answering": Kind(_of_states, _read_records, _reader),
    "seq2seq": Kind(_of_a_decoder, _read_pairs, _generator),
}
