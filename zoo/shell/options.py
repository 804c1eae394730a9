"""Options that commands of the shell share, and how what is given for them is read."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console()
# The small shipped preset of each language: those of `zoo.training.quickstart`, which takes seconds to load.
LANGUAGES = {"en": "bert_tiny_sentences_en_uncased_books", "zh": "bert_tiny_zh_mixed"}


def _known_language(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"`language` must be one of {list(LANGUAGES)}. Received: language={language!r}")
    return language


Run = Annotated[Path | None, typer.Option(help="Folder of the run; runs/... with the time when not given.")]
Language = Annotated[str, typer.Option(help="en or zh.", callback=_known_language)]
Dtype = Annotated[str, typer.Option(help="Keras dtype policy, such as float32 or mixed_bfloat16.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts or examples in a batch.")]
WarmStart = Annotated[int, typer.Option(help="Tokens to count for a static embedding to start from; 0: none.")]
DataParallel = Annotated[
    bool,
    typer.Option("--data-parallel", help="Share each batch among all devices, such as the cores of a TPU; JAX alone."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")]


def share_batches_if(data_parallel: bool) -> None:
    """Have all devices compute their part of each batch, if that was asked for."""
    if data_parallel:
        from zoo.training.devices import share_batches

        share_batches()


def print_rows(titles, rows) -> None:
    """Print rows of str: a table in a terminal, lines with tabs in a file or a pipe."""
    if not console.is_terminal:
        for row in rows:
            print(*row, sep="\t")
        return
    table = Table(*titles)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def changes_of(settings) -> dict[str, str]:
    """`["num_layers=4"]` as `{"num_layers": "4"}`."""
    wrong = [setting for setting in settings if not setting.partition("=")[0] or "=" not in setting]
    if wrong:
        raise ValueError(f"`--set` takes name=value, such as normalize_first=true. Received: {wrong[0]!r}")
    return dict(setting.split("=", 1) for setting in settings)


def tasks_of(settings) -> dict[str, tuple[str, str]]:
    """`["sst2=train.tsv,dev.tsv"]` as `{"sst2": ("train.tsv", "dev.tsv")}`."""
    tasks = {}
    for setting in settings:
        name, _, files = setting.partition("=")
        pair = tuple(files.split(","))
        if not name or len(pair) != 2 or not all(pair) or name in tasks:
            raise ValueError(
                "`--task` takes a name, a table to train on and one to be judged by, such as sst2=train.tsv,dev.tsv, "
                f"and each name once. Received: {setting!r}"
            )
        tasks[name] = pair
    return tasks
