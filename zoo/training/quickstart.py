"""The first minutes with the zoo: fine-tune by name, with random weights beside."""

import hashlib
import json

import keras
import numpy as np
from rich.markup import escape
from rich.table import Table

from zoo import presets
from zoo.data.inputs import Examples, read_examples
from zoo.data.tables import read_table
from zoo.data.tagged_files import read_tagged
from zoo.data.tagging import TaggedSentences
from zoo.metrics.entities import is_entity_scheme
from zoo.training.comparison import PRETRAINED, RANDOM, compare_with_random
from zoo.training.generation_scores import GenerationScores
from zoo.training.optimizers import FineTuningAdamW, check_layer_decay, fine_tuning_rate
from zoo.training.runs import RunFolder, check_same

TASKS = ("text", "tagging", "seq2seq")
# What is generated at the end of an epoch: enough to see whether it goes well.
SAID_SAMPLE = 100
PRESETS = {"en": "bert_tiny_en_uncased_books", "zh": "bert_tiny_zh_mixed"}


def preset_of_language(language: str) -> str:
    """The small shipped preset of a language."""
    if language not in PRESETS:
        raise ValueError(f"`language` must be one of {sorted(PRESETS)}. Received: language={language!r}")
    return PRESETS[language]


def quickstart(console, language="en", train=None, validation=None, preset=None, epochs=8, run=None) -> None:
    """Fine-tune on the embedded sample, or on the user's own two tables; see `zoo quickstart --help`."""
    if (train is None) != (validation is None):
        raise ValueError(
            "Your own data needs a table to train on and one to validate on. "
            f"Received: train={train}, validation={validation}"
        )
    preset = preset or preset_of_language(language)
    presets.find(preset)
    if train is not None:
        finetune(console, preset, train, validation, epochs=epochs, compare_random=True, run=run)
        return
    from zoo.data import samples

    sample = samples.sentiment(language)
    parts = [Examples(texts=list(texts), labels=list(labels)) for texts, labels in (sample["train"], sample["dev"])]
    console.print(f"{preset} on {len(parts[0])} reviews written for this project, judged on {len(parts[1])} others.")
    _compare(console, preset, "text", *parts, RunFolder(run, name="quickstart"), epochs=epochs, compare_random=True)


def finetune(
    console,
    preset,
    train,
    validation,
    task="text",
    text_columns=None,
    label_column=None,
    rows=None,
    run=None,
    pooling=None,
    layer_decay=1.0,
    **settings,
) -> None:
    """Fine-tune a classifier of texts or of words, or text to text, on two files; see `zoo finetune --help`."""
    presets.find(preset)
    if task not in TASKS:
        raise ValueError(f"`task` must be one of {TASKS}. Received: task={task!r}")
    if task == "tagging":
        _check_states(preset)
    if task == "seq2seq":
        _check_decoder(preset)
    _check_pooling(pooling, task, preset)
    check_layer_decay(layer_decay)
    read = {"text": _read_texts, "tagging": _read_tags, "seq2seq": _read_pairs}[task]
    parts = [read(path, text_columns, label_column) for path in (train, validation)]
    if rows is not None and rows < len(parts[0]):
        parts[0] = parts[0].take(np.random.default_rng(0).permutation(len(parts[0]))[:rows])
    console.print(
        escape(f"{preset} on {len(parts[0])} rows of {train}, judged on {len(parts[1])} rows of {validation}."),
        soft_wrap=True,
    )
    run = RunFolder(run, name="finetune")
    _compare(console, preset, task, *parts, run, pooling=pooling, layer_decay=layer_decay, **settings)


def _check_pooling(pooling, task, preset):
    from zoo.tasks.reading import check_pooling, preset_answers_in_words

    check_pooling(pooling)
    if pooling is not None and (task != "text" or preset_answers_in_words(preset)):
        raise ValueError(
            "`pooling` makes one vector of a text, for a classifier of texts that reads vectors. "
            f"Received: pooling={pooling!r} with task={task!r} and preset={str(preset)!r}."
        )


def _check_states(preset):
    from zoo.tasks.reading import preset_answers_in_words

    if preset_answers_in_words(preset):
        raise ValueError(
            "Words get their tags from the states of an encoder, or of an encoder-decoder such as BART. Received: "
            f"preset={str(preset)!r}, a {presets.backbone_class(preset).__name__}, which says its answers in words."
        )


def _check_decoder(preset):
    from zoo.models import EncoderDecoder

    kind = presets.backbone_class(preset)
    if not issubclass(kind, EncoderDecoder):
        raise ValueError(
            "Text to text needs an encoder-decoder, such as a BART or T5. "
            f"Received: preset={str(preset)!r}, a {kind.__name__}."
        )


def _read_pairs(path, text_columns, label_column) -> Examples:
    table = read_table(path)
    columns = text_columns or ("source",)
    if len(columns) != 1:
        raise ValueError(f"The source is one column of the table. Received: text_columns={text_columns!r}")
    return read_examples(table, text_columns=columns[0], label_column=label_column or "target")


def _read_texts(path, text_columns, label_column) -> Examples:
    examples = read_examples(read_table(path), text_columns=text_columns, label_column=label_column)
    if examples.labels is None:
        raise ValueError(f"The table needs a column of labels. Received: {str(path)!r}. Name it by `label_column`.")
    return Examples(examples.texts, examples.second, [str(label) for label in examples.labels])


def _read_tags(path, text_columns, label_column) -> TaggedSentences:
    if text_columns is not None:
        raise ValueError(
            "In a file of tagged words the word has its place; only the column of the tag can be chosen, by "
            f"`label_column`. Received: text_columns={text_columns!r}"
        )
    is_number = label_column is not None and label_column.removeprefix("-").isdigit()
    return read_tagged(path, column=int(label_column) if is_number else label_column)


def _compare(
    console, preset, task, train, validation, run, epochs=3, batch_size=32, seeds=(0,), compare_random=False,
    dtype=None, learning_rate=None, layer_decay=1.0, pooling=None,
):  # fmt: skip
    from zoo import tasks

    kind, head, metric = _head(preset, task, train, validation)
    if pooling is not None:
        head["pooling"] = pooling
    config = {
        "preset": str(preset), "task": kind, **head, "training_rows": len(train), "validation_rows": len(validation),
        "data": _digest(_columns(train), _columns(validation)), "epochs": epochs, "batch_size": batch_size,
        "seeds": seeds, "compare_random": compare_random, "dtype": dtype, "learning_rate": learning_rate,
        "layer_decay": layer_decay, "backend": keras.config.backend(),
    }  # fmt: skip
    if run.metrics_file.exists():  # else nothing was done with the old configuration
        check_same(run.path, config)
    run.write_config(**config)
    console.print(
        escape(f"The run is in {run.path}; interrupted, it goes on with --run {run.path}."),
        highlight=False,
        soft_wrap=True,
    )

    def make_task(load_weights):
        made = getattr(tasks, kind).from_preset(preset, load_weights=load_weights, dtype=dtype, **head)
        rate = fine_tuning_rate(made.backbone.hidden_dim) if learning_rate is None else learning_rate
        made.compile(optimizer=FineTuningAdamW(rate, layer_decay=layer_decay))
        return made

    scores = compare_with_random(
        make_task,
        _columns(train),
        _columns(validation),
        run,
        epochs=epochs,
        batch_size=batch_size,
        seeds=seeds,
        metric=metric,
        starts=(PRETRAINED, RANDOM) if compare_random else (PRETRAINED,),
        **(_generation(validation) if task == "seq2seq" else {}),
    )
    console.print(score_table(scores, metric))
    last = (
        f"Everything is in {run.path}: curves.png, metrics.csv, tensorboard/, and preset/, which loads with\n"
        f'  zoo.{kind}.from_preset("{run.preset}")'
    )
    # Not wrapped, so that the path can be copied.
    console.print(escape(last), highlight=False, soft_wrap=True)


def _generation(validation) -> dict:
    """Text is scored when it was said: some of it at the end of an epoch, and all of it at the end."""
    pairs = _columns(validation)
    said = GenerationScores(*pairs, sample=len(validation), examples=0)
    return {
        "callbacks": (GenerationScores(*pairs, sample=min(SAID_SAMPLE, len(validation))),),
        "score": lambda task: said(task)["bleu"],
    }


def _head(preset, task, train, validation):
    """The class of the task, the arguments of its head, and the name of its score."""
    from zoo.tasks.reading import preset_answers_in_words
    from zoo.tasks.text_forms import prefixed_form

    if task == "tagging":
        labels = sorted({*train.labels, *validation.labels})
        return "TokenClassifier", {"labels": labels}, "f1" if is_entity_scheme(labels) else "accuracy"
    if task == "seq2seq":
        return "Seq2SeqLM", {}, "bleu"
    names = sorted(set(train.labels))
    if preset_answers_in_words(preset):
        form = prefixed_form("classify", 1 if train.second is None else 2, class_names=names)
        return "TextToText", {"form": form.to_dict()}, "answer_accuracy"
    return "TextClassifier", {"class_names": names}, "accuracy"


def _columns(examples):
    if isinstance(examples, TaggedSentences):
        return examples.words, examples.tags
    x = examples.texts if examples.second is None else (examples.texts, examples.second)
    return x, examples.labels


def _digest(*examples) -> str:
    """A name for these very examples, so that an interrupted run is not taken up with others."""
    return hashlib.sha256(json.dumps(examples).encode()).hexdigest()[:16]


def score_table(scores, metric="accuracy") -> Table:
    """Scores as a table for the terminal."""
    table = Table("weights at the start", f"validation {metric}", "spread", "seeds")
    for score in scores:
        table.add_row(score.start, f"{score.mean:.3f}", f"{score.spread:.3f}", str(len(score.values)))
    return table
