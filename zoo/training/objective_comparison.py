"""Which way to corrupt text teaches most: one encoder-decoder pre-trained under each objective and fine-tuned alike.

Table 1 of Lewis et al. (2020), arXiv 1910.13461, and tables 4 to 7 of Raffel et al. (2020), arXiv 1910.10683, in small.
"""

import dataclasses
import gc
import inspect
import os
import re
import time
from collections.abc import Mapping

import keras
import numpy as np

from zoo import data, models, presets
from zoo.objectives import Vocabulary, parse_objective
from zoo.training.comparison import PRETRAINED, RANDOM, SharedTask, fine_tune, quiet
from zoo.training.grid import Grid, scores_of
from zoo.training.objective_report import report
from zoo.training.objective_tasks import TextTask, read_task
from zoo.training.optimizers import FineTuningAdamW
from zoo.training.recipes import pretrain_like
from zoo.training.runs import RunFolder

OBJECTIVES = (
    "MassStyle",
    "BertStyle",
    "PrefixLM",
    "Deshuffling",
    "SpanCorruption",
    "TokenMasking",
    "TokenDeletion",
    "TextInfilling",
    "SentencePermutation + TextInfilling",
)
NONE = "no pre-training"
# 0.5 M weights with a vocabulary of 4,096.
SMALL = {
    "num_layers": 2, "num_heads": 2, "hidden_dim": 64, "intermediate_dim": 256, "max_sequence_length": 128,
    "normalize_first": True,
}  # fmt: skip
STEPS_OF_A_REPORT = 500
# `[CLS] text [SEP]`, and how much longer an input than its text may be.
_FRAME, _MOST_ADDED = 2, 32


def compare_objectives(
    console,
    corpus,
    tasks: Mapping[str, tuple],
    run,
    objectives: tuple[str, ...] = OBJECTIVES,
    like: str = "bart_base_en_cased",
    changes: Mapping = SMALL,
    tokens: int = 500_000,
    text_length: int = 62,
    batch_size: int = 16,
    learning_rate: float = 2e-3,
    warm_start_tokens: int = 0,
    rows: int | None = 1000,
    epochs: int = 5,
    fine_tuning_rate: float = 1e-3,
    sample: int = 200,
    seeds: tuple[int, ...] = (0,),
    dtype: str = "float32",
) -> dict:
    """Pre-train a model under each objective, fine-tune each on the same tasks, and random weights beside them.

    With one seed all objectives read the very same texts of the corpus in the same order: equal are the tokens of the
    corpus, and the number of steps. Not equal is how many tokens the decoder must say, nor, therefore, the time.

    Every training that is done is kept in the folder, so an interrupted comparison goes on where it was, and further
    objectives or seeds can be asked for later. It also gets `results.json`, `results.png` and `metrics.csv`.

    Args:
        console: `rich.console.Console`.
        corpus: folder written by `zoo.data.prepare`, with sentinels if an objective needs them.
        tasks: dict from a name to a pair, what to train on and what to be judged by: files or tables, see `read_task`.
        run: folder of the comparison.
        objectives: str, see `zoo.objectives.parse_objective`; what `like` reads must be what they make.
        like: name of a preset whose architecture, an encoder-decoder, is used, with the vocabulary of the corpus.
        changes: arguments of the backbone that differ from the preset's; values may be JSON text.
        tokens: int, tokens of the corpus that each model reads, rounded to whole batches.
        text_length: int, most tokens of text in an example; fewer where not all objectives have examples of so many.
        batch_size: int, examples or texts in a batch.
        learning_rate: float, peak of pre-training.
        warm_start_tokens: int, see `zoo.training.pretraining.pretrain`.
        rows: int, greatest number of training rows of a task, drawn at random; all when None.
        epochs: int, of fine-tuning.
        fine_tuning_rate: float, peak of fine-tuning.
        sample: int, texts that are generated to judge a task of texts.
        seeds: ints; a pre-training of each objective a seed, and a fine-tuning on each task.
        dtype: str, Keras dtype policy.

    Returns:
        dict, also written to `results.json`: `text_length` and `tokens` as they were; `seeds`; `tasks`, the number of
        rows to `train` and `dev` of each; and `rows`, a dict an objective, and last for none: `objective`, `minutes`
        of pre-training (a `Score`), and `scores`, by task and measure a `Score`.

    Raises:
        ValueError: if an argument is wrong, a file cannot be read, or the folder holds a comparison with other
            settings; nothing is trained or written before that is known.
    """
    if not tasks:
        raise ValueError("The objectives are compared by at least one task. Received: tasks={}")
    kind, longest = _backbone(like, changes)
    lengths, text_length = _lengths(corpus, objectives, kind, longest, text_length)
    in_words = not kind.frame.source_starts
    read = [read_task(name, *pair, rows, sample, in_words, np.random.default_rng(0)) for name, pair in tasks.items()]
    pretraining = {
        "like": like, "changes": dict(changes), **_steps(tokens / (text_length * batch_size)),
        "batch_size": batch_size, "learning_rate": learning_rate, "warm_start_tokens": warm_start_tokens,
        "dtype": dtype,
    }  # fmt: skip
    # Objectives and seeds are left out: others may be added.
    grid = Grid.open(run, {
        "command": "compare-objectives", "corpus": str(corpus), "text_length": text_length, **pretraining,
        "tasks": {task.name: _described(task, tasks[task.name]) for task in read}, "epochs": epochs,
        "fine_tuning_rate": fine_tuning_rate, "sample": sample, "backend": keras.config.backend(),
    })  # fmt: skip
    comparison = Comparison(grid, str(corpus), pretraining, lengths, tuple(seeds), epochs, fine_tuning_rate, console)
    results = {
        "text_length": text_length, "tokens": pretraining["steps"] * batch_size * text_length, "seeds": list(seeds),
        "tasks": {task.name: {"train": len(task.train), "dev": len(task.dev)} for task in read},
        "rows": comparison.rows(read),
    }  # fmt: skip
    grid.write_results(results)
    report(console, results, grid.path)
    return results


def _steps(wanted: float) -> dict[str, int]:
    """The steps of a pre-training, about as many as wanted: a multiple of those between two reports."""
    reports = max(1, round(wanted / STEPS_OF_A_REPORT))
    every = max(1, round(wanted / reports))
    return {"steps": reports * every, "report_every": every}


def _described(task, sources) -> list[str]:
    """The rows of a task, and the files that they are from."""
    files = [str(source) for source in sources if isinstance(source, (str, os.PathLike))]
    return [f"{len(task.train)} and {len(task.dev)} rows", *files]


def _backbone(like, changes):
    """The class of the backbone and its longest text, in tokens."""
    card = presets.read_card(like)
    kind = getattr(models, card.architecture)
    if not issubclass(kind, models.EncoderDecoder):
        raise ValueError(
            f"The objectives are compared by an encoder-decoder. Received: like={like!r}, a {kind.__name__}"
        )
    longest = {**card.backbone, **changes}.get("max_sequence_length")
    if longest is None:
        longest = inspect.signature(kind).parameters["max_sequence_length"].default
    return kind, int(longest)


def _lengths(corpus, written, kind, longest, text_length) -> tuple[dict[str, int], int]:
    """By objective the length of an input, in tokens, so that all have the same text; and the length of that text."""
    made = {name: parse_objective(name) for name in written}
    if len({_slug(name) for name in made}) < len(tuple(written)) or not made:
        raise ValueError(f"Each objective must be there once, and at least one. Received: objectives={written}")
    wrong = [name for name, objective in made.items() if set(objective.inputs) != set(kind.input_features)]
    if wrong:
        raise ValueError(
            f"Every objective must make what {kind.__name__} reads: {sorted(kind.input_features)}. Received: {wrong}. "
            "Instead of MASS, whose decoder sees positions, take MassStyle."
        )
    if not 1 <= text_length <= longest - _FRAME:
        raise ValueError(
            f"`text_length` must be at least 1 and, with {_FRAME} special tokens, at most the model's {longest}. "
            f"Received: text_length={text_length}"
        )
    vocabulary = Vocabulary.of(data.load_tokenizer(corpus))
    for count in range(text_length, 0, -1):
        lengths = {name: _input_length(objective, count) for name, objective in made.items()}
        if None not in lengths.values():
            break
    else:
        raise ValueError(f"There is no length of text that all objectives take. Received: objectives={written}")
    for objective in made.values():
        objective.check_vocabulary(vocabulary, count + _FRAME)
    return lengths, count


def _input_length(objective, text_length):
    """The `sequence_length` whose examples have exactly so much text, in tokens; None if there is none."""
    length = text_length + _MOST_ADDED
    while objective.block_length(length) > text_length + _FRAME:
        length -= 1
    return length if objective.block_length(length) == text_length + _FRAME else None


def _slug(written):
    return re.sub(r"[^\w.]+", "-", written).strip("-")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A comparison of objectives: does what is not done yet.

    Attributes:
        grid: `Grid`.
        corpus: str.
        pretraining: dict, arguments of `pretrain_like` that all have.
        lengths: dict from an objective to the length of its inputs, in tokens.
        seeds: tuple of int.
        epochs: int, of fine-tuning.
        rate: float, its peak learning rate.
        console: `rich.console.Console`.
    """

    grid: Grid
    corpus: str
    pretraining: dict
    lengths: dict[str, int]
    seeds: tuple[int, ...]
    epochs: int
    rate: float
    console: object

    def rows(self, tasks: list[TextTask]) -> list[dict]:
        """For every objective, and for none, what `compare_objectives` says of it."""
        with quiet("tensorflow"):
            trained = self.pretrain_all()
            found = {task.name: self.fine_tune_all(task) for task in tasks}
        trained[NONE] = [{"minutes": 0.0} for _ in self.seeds]
        return [
            {
                "objective": name,
                **scores_of(name, parts, ["minutes"]),
                "scores": {task.name: scores_of(name, found[task.name][name], task.measures) for task in tasks},
            }
            for name, parts in trained.items()
        ]

    def pretrain_all(self) -> dict[str, list[dict]]:
        """By objective, for every seed what `zoo.training.pretraining.pretrain` says at the end."""
        shared = SharedTask()
        return {name: [self._pretrain(name, seed, shared) for seed in self.seeds] for name in self.lengths}

    def _pretrain(self, name, seed, shared):
        def work():
            self.console.print(f"{name}, seed {seed}: pre-training", highlight=False)
            return pretrain_like(
                self.corpus, self._folder(name, seed), objective=name, sequence_length=self.lengths[name], seed=seed,
                shared=shared, **self.pretraining,
            )  # fmt: skip

        return self.grid.once(f"parts/{_slug(name)}-{seed}.json", work)

    def _folder(self, name, seed):
        return self.grid.path / "pretraining" / f"{_slug(name)}-{seed}"

    def fine_tune_all(self, task: TextTask) -> dict[str, list[dict]]:
        """By objective, and for none, what the models of all seeds reach on a task."""
        # A process that makes many models must not keep them all.
        keras.utils.clear_session()
        gc.collect()
        shared = SharedTask()
        names = (*self.lengths, NONE)
        return {name: [self._fine_tune(task, name, seed, shared) for seed in self.seeds] for name in names}

    def _fine_tune(self, task, name, seed, shared):
        part = f"{task.name} {name} {seed}"
        pretrained = self._folder(next(iter(self.lengths)) if name == NONE else name, seed) / "preset"
        batch_size = self.pretraining["batch_size"]

        def make(load_weights):
            model = task.make(pretrained, load_weights=load_weights, dtype=self.pretraining["dtype"])
            return shared.begin(model, FineTuningAdamW(self.rate))

        def work():
            folder = RunFolder(self.grid.path)
            folder.forget(part)
            began = time.monotonic()
            start = RANDOM if name == NONE else PRETRAINED
            examples, options = task.fitted(task.train), {"epochs": self.epochs, "batch_size": batch_size}
            model, _ = fine_tune(make, start, seed, examples, folder, part, **options)
            scores = task.score(model)
            first = task.measures[0]
            self.console.print(f"{part}: {first} {scores[first]:.3f}", highlight=False)
            return {**scores, "seconds": round(time.monotonic() - began, 1)}

        return self.grid.once(f"parts/{task.name}-{_slug(name)}-{seed}.json", work)
