"""Fine-tuning of any task on two files, and of the same model from random weights beside it."""

import hashlib
import json

import keras
import numpy as np
from rich.markup import escape
from rich.table import Table

from zoo import presets, tasks
from zoo.data.question_answering import Questions
from zoo.data.tagging import TaggedSentences
from zoo.tasks.reading import check_pooling, preset_answers_in_words
from zoo.training.comparison import PRETRAINED, RANDOM, compare_with_random
from zoo.training.finetuning_kinds import KINDS
from zoo.training.generation_scores import GenerationScores
from zoo.training.optimizers import FineTuningAdamW, check_layer_decay, fine_tuning_rate
from zoo.training.runs import RunFolder, check_same

# What is generated at the end of an epoch: enough to see whether it goes well.
SAID_SAMPLE = 100


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
    """Fine-tune a preset on two files; see `zoo finetune --help`."""
    presets.find(preset)
    if task not in KINDS:
        raise ValueError(f"`task` must be one of {tuple(KINDS)}. Received: task={task!r}")
    kind = KINDS[task]
    kind.check(preset)
    _check_pooling(pooling, task, preset)
    check_layer_decay(layer_decay)
    parts = [kind.read(path, text_columns, label_column) for path in (train, validation)]
    if rows is not None and rows < len(parts[0]):
        parts[0] = parts[0].take(np.random.default_rng(0).permutation(len(parts[0]))[:rows])
    console.print(
        escape(f"{preset} on {len(parts[0])} rows of {train}, judged on {len(parts[1])} rows of {validation}."),
        soft_wrap=True,
    )
    run = RunFolder(run, name="finetune")
    compare(console, preset, task, *parts, run, pooling=pooling, layer_decay=layer_decay, **settings)


def _check_pooling(pooling, task, preset):
    check_pooling(pooling)
    if pooling is not None and (not KINDS[task].pools or preset_answers_in_words(preset)):
        raise ValueError(
            "`pooling` makes one vector of a text, for a classifier of texts that reads vectors. "
            f"Received: pooling={pooling!r} with task={task!r} and preset={str(preset)!r}."
        )


def compare(
    console, preset, task, train, validation, run, epochs=3, batch_size=32, seeds=(0,), compare_random=False,
    dtype=None, learning_rate=None, layer_decay=1.0, pooling=None,
):  # fmt: skip
    """Fine-tune on examples that were read, in a `RunFolder`; `task` is a key of `KINDS`, the rest as in the shell."""
    kind, head, metric = KINDS[task].model(preset, train, validation)
    if pooling is not None:
        head["pooling"] = pooling
    config = {
        "preset": str(preset), "task": kind, **head, "training_rows": len(train), "validation_rows": len(validation),
        "data": _digest(train, validation), "epochs": epochs, "batch_size": batch_size,
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
        _fitted(train),
        validation if isinstance(validation, Questions) else _fitted(validation),
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
    pairs = _fitted(validation)
    said = GenerationScores(*pairs, sample=len(validation), examples=0)
    return {
        "callbacks": (GenerationScores(*pairs, sample=min(SAID_SAMPLE, len(validation))),),
        "score": lambda task: said(task)["bleu"],
    }


def _fitted(examples) -> tuple:
    """What `fit` takes first."""
    if isinstance(examples, Questions):
        return (examples,)
    if isinstance(examples, TaggedSentences):
        return examples.words, examples.tags
    return examples.texts if examples.second is None else (examples.texts, examples.second), examples.labels


def _digest(*parts) -> str:
    """A name for these very examples, so that an interrupted run is not taken up with others."""
    columns = [list(vars(part).values()) if isinstance(part, Questions) else _fitted(part) for part in parts]
    return hashlib.sha256(json.dumps(columns, default=np.ndarray.tolist).encode()).hexdigest()[:16]


def score_table(scores, metric="accuracy") -> Table:
    """Scores as a table for the terminal."""
    table = Table("weights at the start", f"validation {metric}", "spread", "seeds")
    for score in scores:
        table.add_row(score.start, f"{score.mean:.3f}", f"{score.spread:.3f}", str(len(score.values)))
    return table
