"""The commands that compare ways to pre-train."""

from pathlib import Path
from typing import Annotated

import typer

from zoo.shell.options import BatchSize, Dtype, WarmStart, changes_of, console, tasks_of


def compare_sentence_objectives(
    corpus: Annotated[Path, typer.Argument(help="Folder written by `zoo prepare`.")],
    validation: Annotated[Path, typer.Option(help="Folder of prepared held-out text.")],
    run: Annotated[Path, typer.Option(help="Folder of the runs; interrupted ones in it are taken up again.")],
    like: Annotated[str, typer.Option(help="Preset whose architecture is used.")] = "bert_tiny_en_uncased",
    set_: Annotated[list[str] | None, typer.Option("--set", help="name=value of the backbone.")] = None,
    masking: Annotated[str, typer.Option(help="The masking objective of all three.")] = "MaskedLM",
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps of each model.")] = 2_000,
    batch_size: BatchSize = 16,
    sequence_length: Annotated[int, typer.Option(help="Tokens in an example.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-3,
    warm_start_tokens: WarmStart = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Number of runs an objective, with seeds 0, 1, ...")] = 1,
    dtype: Dtype = "float32",
) -> None:
    """Pre-train with no sentence objective, next sentence and sentence order: ALBERT's table 5 in small."""
    from zoo.training.sentence_objectives import compare_sentence_objectives as work
    from zoo.training.sentence_objectives import table_of

    rows = work(
        corpus, validation, run, masking, seeds=tuple(range(seeds)), like=like, changes=changes_of(set_ or ()),
        steps=steps, batch_size=batch_size, sequence_length=sequence_length, learning_rate=learning_rate,
        warm_start_tokens=warm_start_tokens, dtype=dtype,
    )  # fmt: skip
    console.print(table_of(rows))


def compare_objectives(
    corpus: Annotated[Path, typer.Argument(help="Folder written by `zoo prepare --sentinels 100`.")],
    task: Annotated[
        list[str],
        typer.Option(
            help="NAME=TRAIN,DEV: two tables (TSV, CSV, JSON lines) with the columns source and target, or with a text "
            "and its label; once for each task."
        ),
    ],
    run: Annotated[Path, typer.Option(help="Folder of the comparison; an interrupted one in it is taken up again.")],
    objective: Annotated[
        list[str] | None, typer.Option(help="As in `zoo corrupt`, once for each; nine when not given.")
    ] = None,
    like: Annotated[str, typer.Option(help="Preset whose architecture is used.")] = "bart_base_en_cased",
    set_: Annotated[list[str] | None, typer.Option("--set", help="name=value of the backbone, after 2 x 64.")] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of the corpus that each model reads.")] = 500_000,
    text_length: Annotated[int, typer.Option(min=1, help="Most tokens of text in an example.")] = 62,
    batch_size: BatchSize = 16,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate of pre-training.")] = 2e-3,
    warm_start_tokens: WarmStart = 0,
    rows: Annotated[int, typer.Option(min=1, help="Fine-tune on at most this many rows, drawn at random.")] = 1000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the rows of a task.")] = 5,
    fine_tuning_rate: Annotated[float, typer.Option(help="Peak learning rate of fine-tuning.")] = 1e-3,
    sample: Annotated[int, typer.Option(min=1, help="Texts to generate for ROUGE and BLEU.")] = 200,
    seeds: Annotated[int, typer.Option(min=1, help="Number of runs an objective, with seeds 0, 1, ...")] = 1,
    dtype: Dtype = "float32",
) -> None:
    """Pre-train under many objectives on equal tokens and fine-tune alike: BART's table 1 and T5's 4 to 7 in small."""
    from zoo.training.objective_comparison import OBJECTIVES, SMALL
    from zoo.training.objective_comparison import compare_objectives as work

    work(
        console, corpus, tasks_of(task), run, objectives=tuple(objective or OBJECTIVES), like=like,
        changes={**SMALL, **changes_of(set_ or ())}, tokens=tokens, text_length=text_length, batch_size=batch_size,
        learning_rate=learning_rate, warm_start_tokens=warm_start_tokens, rows=rows, epochs=epochs,
        fine_tuning_rate=fine_tuning_rate, sample=sample, seeds=tuple(range(seeds)), dtype=dtype,
    )  # fmt: skip
