"""The shell command: what the library does, for people who do not write Python.

Keras and TensorFlow take seconds to load, so every command imports them when it starts to work.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from zoo.shell.comparisons import compare_objectives, compare_sentence_objectives
from zoo.shell.options import (
    LANGUAGES,
    BatchSize,
    DataParallel,
    Dtype,
    Language,
    Run,
    Seed,
    changes_of,
    console,
    share_batches_if,
)
from zoo.shell.predictions import generate, predict
from zoo.shell.pretraining import distill, prepare, pretrain, recipes
from zoo.shell.remedies import remedy

app = typer.Typer(
    name="zoo",
    help="Pre-train, load by name, fine-tune and look inside text models on Keras.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        import zoo

        print(f"zoo {zoo.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Options of `zoo` itself."""


@app.command("list")
def list_command(pattern: Annotated[str, typer.Argument(help="Names, with * and ?.")] = "*") -> None:
    """List the presets: what is shipped and what is published.

    A table in a terminal, lines with tabs in a file or a pipe.
    """
    from zoo import presets
    from zoo.cards.views import nearest_names

    found = presets.list_presets(pattern)
    if not found:
        nearest = ", ".join(nearest_names(pattern, presets.list_presets()))
        hint = f"The nearest names are: {nearest}. " if nearest else ""
        raise ValueError(
            f"No preset has a name that matches the pattern. {hint}`zoo list` shows all. Received: pattern={pattern!r}"
        )
    if console.is_terminal:
        console.print(found)
    else:
        print(*map("\t".join, found.rows()), sep="\n")


@app.command()
def show(name: Annotated[str, typer.Argument(help="A name of `zoo list`.")]) -> None:
    """Show all that is known of a preset.

    A table in a terminal, plain lines in a file or a pipe.
    """
    from zoo import presets
    from zoo.cards.views import card_lines

    if not console.is_terminal:
        print(*card_lines(presets.read_card(name)), sep="\n")
        return
    for part in presets.describe(name).renderables:
        console.print(part, soft_wrap=isinstance(part, Text))  # a command can be copied as it is


@app.command()
def quickstart(
    language: Language = "en",
    train: Annotated[Path | None, typer.Option(help="Your own table (TSV, CSV, JSON lines) to train on.")] = None,
    validation: Annotated[Path | None, typer.Option(help="Your own table to validate on.")] = None,
    preset: Annotated[str | None, typer.Option(help="Preset to start from; the language's when not given.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training texts.")] = 8,
    run: Run = None,
) -> None:
    """Fine-tune a shipped preset, and the same model from random weights beside it."""
    from zoo.training.quickstart import quickstart as work

    work(console, language=language, train=train, validation=validation, preset=preset, epochs=epochs, run=run)


@app.command()
def finetune(
    preset: Annotated[str, typer.Argument(help="Preset to start from: a name, a folder or a handle.")],
    train: Annotated[Path, typer.Option(help="Table (TSV, CSV, JSON lines), CoNLL file or records to train on.")],
    validation: Annotated[Path, typer.Option(help="The same to validate on.")],
    task: Annotated[
        str,
        typer.Option(
            help="text: classes; regression: numbers; tagging: a CoNLL file, a word and its tag a line; "
            "question-answering: records in SQuAD's form; seq2seq: text to text."
        ),
    ] = "text",
    text_columns: Annotated[str | None, typer.Option(help="Text column, or two with a comma for pairs.")] = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="Label column; for tags its number from 0, or a name of CoNLL-U; for seq2seq the target."),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Train on this many rows, drawn at random.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training texts.")] = 3,
    batch_size: BatchSize = 32,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help="Highest rate; one for the size of the model when not given.")
    ] = None,
    layer_decay: Annotated[
        float, typer.Option(help="What the rate of a layer is multiplied with for the layer below it; up to 1.")
    ] = 1.0,
    pooling: Annotated[
        str | None, typer.Option(help="mean: a text's vector is the mean of its tokens'; [CLS] when not given.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of runs, with seeds 0, 1, ...")] = 1,
    compare_random: Annotated[bool, typer.Option(help="Also train the same model from random weights.")] = False,
    dtype: Dtype = "float32",
    data_parallel: DataParallel = False,
    run: Run = None,
) -> None:
    """Fine-tune a preset for a task: texts or pairs of texts, words, questions about texts, or text to text."""
    from zoo.training.finetuning import finetune as work

    share_batches_if(data_parallel)
    columns = tuple(name.strip() for name in text_columns.split(",")) if text_columns else None
    work(
        console, preset, train, validation, task=task, text_columns=columns, label_column=label_column, rows=rows,
        epochs=epochs, batch_size=batch_size, seeds=tuple(range(seeds)), compare_random=compare_random, dtype=dtype,
        learning_rate=learning_rate, layer_decay=layer_decay, pooling=pooling, run=run,
    )  # fmt: skip


@app.command()
def evaluate(
    benchmark: Annotated[str, typer.Argument(help="glue, superglue or clue.")],
    preset: Annotated[str, typer.Option(help="Preset to start from: a name, a folder or a handle.")],
    data: Annotated[str, typer.Option(help="Folder of the benchmark's files, hf:// or tfds://.")],
    tasks: Annotated[str | None, typer.Option(help="Tasks with commas, such as rte,stsb; all when not given.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Train on this many rows, drawn at random.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training rows; 4 when not given.")] = None,
    batch_size: BatchSize = 32,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate; by size when not given.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of runs a task, with seeds 0, 1, ...")] = 1,
    compare_random: Annotated[bool, typer.Option(help="Also train the same model from random weights.")] = False,
    grid: Annotated[bool, typer.Option(help="Choose learning rate and epochs from the papers' grid.")] = False,
    dtype: Dtype = "float32",
    data_parallel: DataParallel = False,
    run: Run = None,
) -> None:
    """Fine-tune and score a preset on a benchmark of many tasks. Interrupted, it goes on where it was."""
    from zoo.training.evaluation import evaluate as work

    share_batches_if(data_parallel)
    names = [name.strip() for name in tasks.split(",")] if tasks else None
    work(
        console, benchmark, preset, data, tasks=names, run=run, seeds=tuple(range(seeds)), rows=rows, epochs=epochs,
        compare_random=compare_random, grid=grid, batch_size=batch_size, learning_rate=learning_rate, dtype=dtype,
    )  # fmt: skip


@app.command()
def corrupt(
    text: Annotated[
        list[str],
        typer.Argument(
            help="Texts, each in quotation marks and a document of its own; give NextSentence two, because its random "
            'segments come from other documents: "The cat sat on the mat. It purred." "It rained. Nobody came."'
        ),
    ],
    objective: Annotated[
        str, typer.Option(help='As in Python: "MaskedLM(unit=\'span\') + NextSentence", "SpanCorruption".')
    ] = "MaskedLM",
    preset: Annotated[str | None, typer.Option(help="Preset whose tokenizer is used.")] = None,
    language: Language = "en",
    seed: Seed = 0,
) -> None:
    """Show what an objective makes of a text: what the model is given, and what it must answer."""
    from zoo import objectives

    made = objectives.parse_objective(objective)  # first, because what follows takes seconds to load
    from zoo import presets

    tokenizer = presets.load_tokenizer(preset or LANGUAGES[language])
    if not tokenizer.sentinel_ids:
        tokenizer = tokenizer.with_sentinels()  # for the objectives of T5; the others never see them
    shown = objectives.preview(made, text, tokenizer, seed=seed)
    if console.is_terminal and not console.no_color:
        console.print(shown)
    else:
        print(shown)  # here the marks of its plain form tell what colours would


@app.command()
def convert(
    preset: Annotated[str, typer.Argument(help="Preset: a name, a folder or a handle.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
    to: Annotated[str, typer.Option(help="huggingface, keras-hub, or saved-model for a fine-tuned task.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="name=value of the backbone, such as activation=gelu_approximate.")
    ] = None,
    tokenizer: Annotated[bool, typer.Option(help="Whether the tokenizer goes with it.")] = True,
) -> None:
    """Write a preset in the form of another library, which then loads it without this package."""
    from zoo.shell.conversions import convert as work

    work(preset, to, folder, tokenizer=tokenizer, **changes_of(set_ or ()))
    print(folder)


app.command()(predict)
app.command()(generate)
app.command()(prepare)
app.command()(recipes)
app.command()(pretrain)
app.command()(distill)
app.command()(compare_sentence_objectives)
app.command()(compare_objectives)


def main() -> None:
    """Entry point: wrong input is a message, not a traceback (unless `ZOO_TRACEBACK` is set)."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        app()
    except (ValueError, TypeError, OSError, MemoryError) as error:
        if os.environ.get("ZOO_TRACEBACK"):
            raise
        Console(stderr=True).print(f"[bold red]zoo:[/] {type(error).__name__}: ", end="")
        print(*filter(None, (str(error), remedy(str(error)))), sep="\n", file=sys.stderr)
        raise SystemExit(2) from None
