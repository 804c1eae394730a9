"""The commands that pre-train."""

import json
from pathlib import Path
from typing import Annotated

import typer

from zoo.shell.options import (
    BatchSize,
    DataParallel,
    Dtype,
    Seed,
    changes_of,
    console,
    print_rows,
    share_batches_if,
)
from zoo.shell.recipes import read_recipe, read_recipes

ASKED_FILE = "tokenizer_options.json"  # what the tokenizer in the folder of a corpus was trained by


def prepare(
    files: Annotated[list[str], typer.Argument(help="Text files or patterns, plain or compressed.")],
    to: Annotated[Path, typer.Option(help="Folder to write the prepared corpus to.")],
    tokenizer: Annotated[str, typer.Option(help="word_piece, unigram or byte_pair.")] = "word_piece",
    vocabulary: Annotated[
        str | None, typer.Option(help="Vocabulary to use, a preset, or a corpus's folder; trained when not given.")
    ] = None,
    vocabulary_size: Annotated[int, typer.Option(help="Pieces of the vocabulary that is trained.")] = 8000,
    sentinels: Annotated[int, typer.Option(min=0, help="Sentinels <extra_id_0>, ... that T5 needs (100).")] = 0,
    lowercase: Annotated[bool, typer.Option(help="Whether case is dropped, with accents by word_piece.")] = True,
    segmenter: Annotated[
        str, typer.Option(help="auto, jieba, or none: how words are found for whole-word masking.")
    ] = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a core when not given.")] = None,
) -> None:
    """Tokenize a corpus once, for `zoo pretrain`. Interrupted, it goes on where it was."""
    from zoo import data
    from zoo.tokenizers.kinds import read_tokenizer, train_tokenizer
    from zoo.training.runs import write_json

    paths = data.expand_paths(files)
    if vocabulary is not None:
        pieces = read_tokenizer(tokenizer, vocabulary, lowercase)
    else:
        asked = {"tokenizer": tokenizer, "vocabulary_size": vocabulary_size, "lowercase": lowercase}
        if (to / "tokenizer.json").exists():  # of an interrupted preparation
            _check_same_tokenizer(to, asked)
            pieces = data.load_tokenizer(to)
        else:
            pieces = train_tokenizer(tokenizer, paths, vocabulary_size, lowercase)
            print(f"{pieces.vocabulary_size():,} pieces" + _too_few(pieces.vocabulary_size(), vocabulary_size))
            to.mkdir(parents=True, exist_ok=True)
            write_json(to / ASKED_FILE, asked)
    if sentinels:
        pieces = pieces.with_sentinels(sentinels)
    manifest = data.prepare(paths, to, pieces, segmenter=None if segmenter == "none" else segmenter, workers=workers)
    print(f"{to}: " + ", ".join(f"{count:,} {name}" for name, count in manifest["counts"].items()))


def _too_few(made, asked):
    return f", and not {asked:,}: there is too little text for more" if made < asked else ""


def _check_same_tokenizer(folder, asked):
    """Refuse to go on with a tokenizer that was trained otherwise."""
    path = folder / ASKED_FILE
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else asked
    changed = [f"{name}: {before[name]!r} -> {value!r}" for name, value in asked.items() if before[name] != value]
    if changed:
        raise ValueError(
            "A preparation is taken up with the tokenizer that it was begun with. "
            f"Received: {', '.join(changed)}. Use another folder than {str(folder)!r}, or delete this one first."
        )


def recipes(
    name: Annotated[str | None, typer.Argument(help="A recipe, to see all that is in it.")] = None,
) -> None:
    """Show the recipes of `zoo pretrain`: what each is for, what it sets, and what to expect of it."""
    if name is None:
        rows = [(each, recipe.like, recipe.machine, recipe.description) for each, recipe in read_recipes().items()]
        print_rows(("recipe", "like", "machine", "what it does"), rows)
        return
    recipe = read_recipe(name)
    for title, value in (
        ("description", recipe.description), ("paper", recipe.paper), ("machine", recipe.machine),
        ("like", recipe.like), ("objective", recipe.objective), ("optimizer", recipe.optimizer),
        ("settings", {key: value for key, value in recipe.settings.items() if key != "like"}),
        ("expect", recipe.expect),
    ):  # fmt: skip
        if value:
            console.print(f"{title}: {value}", highlight=False, markup=False, soft_wrap=not console.is_terminal)


def pretrain(
    corpus: Annotated[Path, typer.Argument(help="Folder written by `zoo prepare`.")],
    run: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it is taken up again.")],
    recipe: Annotated[str, typer.Option(help="A name of `zoo recipes`; what is given beside it comes first.")] = "bert",
    like: Annotated[
        str | None, typer.Option(help="Preset whose architecture is used, with the corpus's vocabulary.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Preset whose weights to go on from, with its architecture and pieces.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="name=value of the backbone, such as normalize_first=true.")
    ] = None,
    objective: Annotated[str | None, typer.Option(help="As in Python.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimizer steps; 10,000 if nothing says more.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Examples in a batch; 32.")] = None,
    sequence_length: Annotated[int | None, typer.Option(help="Tokens in an example; 128.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate; 0.001.")] = None,
    warmup: Annotated[float | None, typer.Option(help="Fraction of the steps that the rate rises for; 0.05.")] = None,
    warm_start_tokens: Annotated[
        int | None, typer.Option(help="Tokens to count for a static embedding to start from; 0: none.")
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(min=0, max=1, help="While pre-training; the preset keeps its own for fine-tuning.")
    ] = None,
    validation: Annotated[Path | None, typer.Option(help="Folder of prepared held-out text.")] = None,
    report_every: Annotated[int, typer.Option(min=1, help="Steps between reports, which are checkpoints too.")] = 500,
    dtype: Annotated[
        str | None, typer.Option(help="Keras dtype policy, such as float32; mixed_bfloat16 when not given.")
    ] = None,
    data_parallel: DataParallel = False,
    seed: Seed = 0,
) -> None:
    """Pre-train an encoder or an encoder-decoder on a prepared corpus, from the beginning or from a preset."""
    chosen = read_recipe(recipe)  # first, because what follows takes seconds to load
    if from_ is not None:
        if like is not None:
            raise ValueError(f"--from takes its preset's architecture. Received: --like {like} too. Use one of them.")
        chosen = chosen.without_start()
    from zoo.training.recipes import pretrain_like

    share_batches_if(data_parallel)
    settings = chosen.settings_with(
        changes_of(set_ or ()), like=like, objective=objective, steps=steps, batch_size=batch_size,
        sequence_length=sequence_length, learning_rate=learning_rate, warmup=warmup,
        warm_start_tokens=warm_start_tokens, dropout=dropout, dtype=dtype,
    )  # fmt: skip
    result = pretrain_like(
        corpus, run, optimizer=chosen.optimizer, start=from_, validation=validation, report_every=report_every,
        seed=seed, **settings,
    )  # fmt: skip
    console.print(result)


def distill(
    files: Annotated[list[str], typer.Argument(help="Text files or patterns, plain or compressed.")],
    teacher: Annotated[str, typer.Option(help="Preset whose vectors of texts are learnt, such as hf://...")],
    from_: Annotated[str, typer.Option("--from", help="Preset that learns.")],
    run: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it is taken up again.")],
    texts: Annotated[int, typer.Option(min=1, help="Texts to learn from, of one to three sentences.")] = 200_000,
    pairs: Annotated[int, typer.Option(min=0, help="Pairs of them, to learn how alike two texts are.")] = 100_000,
    held_out: Annotated[int, typer.Option(min=2, help="Further texts to validate on.")] = 2_000,
    pooling: Annotated[
        str | None, typer.Option(help="mean or cls: what the learner's vector is; its other tasks' when not given.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the texts.")] = 3,
    batch_size: BatchSize = 64,
    learning_rate: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 1e-3,
    random_start: Annotated[bool, typer.Option("--random-start", help="Begin with random weights.")] = False,
    dtype: Dtype = "float32",
    seed: Seed = 0,
) -> None:
    """Teach a preset the vectors that a larger model makes of unlabelled texts, and how alike two of them are."""
    from zoo.training.distillation import distill as work

    result = work(
        files, teacher, from_, run, texts=texts, pairs=pairs, held_out=held_out, pooling=pooling, epochs=epochs,
        batch_size=batch_size, learning_rate=learning_rate, load_weights=not random_start, dtype=dtype, seed=seed,
    )  # fmt: skip
    console.print(result)
