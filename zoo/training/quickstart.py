"""The first minutes with the zoo: fine-tune by name, with random weights beside."""

import keras
import numpy as np
from rich.markup import escape
from rich.table import Table

from zoo import presets
from zoo.data.inputs import Examples, read_examples
from zoo.data.tables import read_table
from zoo.training.comparison import PRETRAINED, RANDOM, compare_with_random
from zoo.training.runs import RunFolder

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
    _compare(console, preset, *parts, RunFolder(run, name="quickstart"), epochs=epochs, compare_random=True)


def finetune(
    console,
    preset,
    train,
    validation,
    text_columns=None,
    label_column=None,
    rows=None,
    run=None,
    **settings,
) -> None:
    """Fine-tune a classifier on two tables; see `zoo finetune --help`."""
    presets.find(preset)
    parts = [
        read_examples(read_table(path), text_columns=text_columns, label_column=label_column)
        for path in (train, validation)
    ]
    for path, part in zip((train, validation), parts, strict=True):
        if part.labels is None:
            raise ValueError(f"The table needs a column of labels. Received: {str(path)!r}. Name it by `label_column`.")
    if rows is not None and rows < len(parts[0]):
        parts[0] = parts[0].take(np.random.default_rng(0).permutation(len(parts[0]))[:rows])
    parts = [Examples(part.texts, part.second, [str(label) for label in part.labels]) for part in parts]
    console.print(
        escape(f"{preset} on {len(parts[0])} rows of {train}, judged on {len(parts[1])} rows of {validation}."),
        soft_wrap=True,
    )
    _compare(console, preset, *parts, RunFolder(run, name="finetune"), **settings)


def _compare(
    console, preset, train, validation, run, epochs=3, batch_size=32, seeds=(0,), compare_random=False, dtype=None
):
    from zoo import tasks

    if run.metrics_file.exists():
        raise ValueError(
            f"Fine-tuning begins anew, so its folder must not hold a run. Received: run={str(run.path)!r}. "
            "Use another folder, or none: then one is named by the time."
        )
    names = sorted(set(train.labels))
    run.write_config(
        preset=str(preset), training_rows=len(train), validation_rows=len(validation), class_names=names,
        epochs=epochs, batch_size=batch_size, seeds=seeds, dtype=dtype, backend=keras.config.backend(),
    )  # fmt: skip

    def make_task(load_weights):
        return tasks.TextClassifier.from_preset(preset, load_weights=load_weights, class_names=names, dtype=dtype)

    scores = compare_with_random(
        make_task,
        _columns(train),
        _columns(validation),
        run,
        epochs=epochs,
        batch_size=batch_size,
        seeds=seeds,
        starts=(PRETRAINED, RANDOM) if compare_random else (PRETRAINED,),
    )
    console.print(score_table(scores))
    last = (
        f"Everything is in {run.path}: curves.png, metrics.csv, tensorboard/, and preset/, which loads with\n"
        f'  zoo.TextClassifier.from_preset("{run.preset}")'
    )
    # Not wrapped, so that the path can be copied.
    console.print(escape(last), highlight=False, soft_wrap=True)


def _columns(examples):
    x = examples.texts if examples.second is None else (examples.texts, examples.second)
    return x, examples.labels


def score_table(scores) -> Table:
    """Scores as a table for the terminal."""
    table = Table("weights at the start", "validation accuracy", "spread", "seeds")
    for score in scores:
        table.add_row(score.start, f"{score.mean:.3f}", f"{score.spread:.3f}", str(len(score.values)))
    return table
