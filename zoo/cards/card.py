"""The card of a preset: a JSON file that says what it is, where its weights are and how good they are.

A card is data. What a paper fixes is code (a backbone class); what a checkpoint varies is in its card.
Reading is strict: every unknown, missing or ill-typed key is listed in one error.
"""

import dataclasses
import re
from pathlib import Path

import zoo
from zoo.weights.strict_json import read_json, to_dataclass

LANGUAGE = re.compile(r"[a-z]{2,3}|multi")
TAG = r"[a-z0-9]+(?:_[a-z0-9]+)*?"
HANDLE = re.compile(r"hf://[\w.-]+/[\w.-]+(@[\w.-]+)?|kaggle://[\w.-]+/[\w.-]+/keras/[\w.-]+(/\d+)?")
FLOAT32_BYTES = 4
# What the models of an architecture are called, where papers gave names of their own to what is one architecture here;
# those of any other class are called after it (`bart_...` for `BartBackbone`).
FAMILIES = {
    "BertBackbone": ("bert", "distilbert", "distilroberta", "electra", "ernie", "macbert", "minilm", "roberta"),
    "AlbertBackbone": ("albert", "electra"),
    "T5Backbone": ("t5", "flan_t5", "mt5"),
}


@dataclasses.dataclass(frozen=True)
class ShippedFile:
    """A file of a shipped preset: its SHA-256 in hexadecimal and its size in bytes."""

    sha256: str
    bytes: int


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the weights are: `files` shipped in the folder named like the card, or a `handle` of a hub."""

    handle: str | None = None
    files: dict[str, ShippedFile] | None = None


@dataclasses.dataclass(frozen=True)
class TokenizerChoice:
    """A class of `zoo.tokenizers` and its arguments, the vocabulary excepted."""

    kind: str
    arguments: dict[str, object]


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A part of what a model was trained on: `tokens` counts its pieces once, however often they were read."""

    name: str
    licence: str
    address: str
    tokens: int


@dataclasses.dataclass(frozen=True)
class Training:
    """How this project trained the weights.

    `steps` are optimizer updates, `tokens_seen` counts repeats, `minutes` is wall-clock time on `machine`.
    `held_out` maps a measure on unseen documents (`loss` in nats, accuracies as probabilities, and what a
    constant answer would reach) to its value.
    """

    corpora: tuple[Corpus, ...]
    objective: str
    command: str
    seed: int
    steps: int
    tokens_seen: int
    minutes: float
    machine: str
    held_out: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Score:
    """A measured result after fine-tuning: mean and standard deviation (`spread`) over `seeds`.

    `random_mean` and `random_spread` are those of the same architecture from random weights, tuned equally.
    """

    task: str
    split: str
    metric: str
    mean: float
    spread: float
    seeds: tuple[int, ...]
    random_mean: float
    random_spread: float
    command: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Card:
    """What there is to know about a preset.

    Attributes:
        name: `<family>_<size>_<language>[_<casing>][_<corpus>]`. The family is a name that `FAMILIES` gives to the
            architecture, such as `bert` or `roberta`; the size may go on with a version or the task that it was tuned
            to (`base_v2`, `large_mnli`); a corpus tag marks weights that this project trained.
        architecture: name of a backbone class of `zoo`.
        description: one sentence.
        language: ISO 639 code, or `"multi"`.
        backbone: arguments of the backbone class, where they differ from its defaults.
        parameter_count: exact number of weights of the backbone.
        tokenizer: `TokenizerChoice`.
        source: `Source`.
        licence: SPDX identifier of the weights' licence.
        paper: authors, year, title, address.
        casing: `"cased"`, `"uncased"`, or None where a script has no case.
        training: `Training` for weights of this project, else None.
        scores: tuple of `Score`.
    """

    name: str
    architecture: str
    description: str
    language: str
    backbone: dict[str, object]
    parameter_count: int
    tokenizer: TokenizerChoice
    source: Source
    licence: str
    paper: str
    casing: str | None = None
    training: Training | None = None
    scores: tuple[Score, ...] = ()

    @property
    def shipped(self) -> bool:
        """True where the weights travel with the package."""
        return self.source.files is not None

    @property
    def size_in_bytes(self) -> int:
        """Bytes on disk; for weights to be downloaded, those of the parameters in float32."""
        if self.source.files is None:
            return self.parameter_count * FLOAT32_BYTES
        return sum(file.bytes for file in self.source.files.values())


def read_card_file(path: Path) -> Card:
    """Return the card in `path`, whose name must be that of the file.

    Raises:
        ValueError: listing everything that is wrong with it.
    """
    path = Path(path)
    card = parse_card(read_json(path), str(path))
    if card.name != path.stem:
        raise ValueError(f"The card in {path} must be named like its file. Received: name={card.name!r}")
    return card


def parse_card(record: dict, where: str = "record") -> Card:
    """Return the `Card` that a JSON object holds.

    Args:
        record: dict, as read from JSON.
        where: str, what to call it in an error.

    Raises:
        ValueError: listing every unknown, missing, ill-typed or impossible value.
    """
    card, problems = to_dataclass(Card, record)
    if not problems:
        problems = _inconsistencies(card)
    if problems:
        raise ValueError(f"The preset card {where} is not valid:\n  " + "\n  ".join(problems))
    return card


def _inconsistencies(card):
    problems = [
        f"{key}: must not be empty" for key in ("description", "licence", "paper") if not getattr(card, key).strip()
    ]
    if card.parameter_count <= 0:
        problems.append(f"parameter_count: must be positive. Received: {card.parameter_count}")
    if not LANGUAGE.fullmatch(card.language):
        problems.append(f"language: must be an ISO 639 code or 'multi'. Received: {card.language!r}")
    if card.casing not in (None, "cased", "uncased"):
        problems.append(f"casing: must be 'cased', 'uncased' or null. Received: {card.casing!r}")
    return problems + _name_problems(card) + _source_problems(card) + _measure_problems(card)


def _name_problems(card):
    own = card.architecture.removesuffix("Backbone")
    if not own or own == card.architecture or card.architecture not in zoo.__all__:
        return [f"architecture: must be the name of a backbone class of zoo. Received: {card.architecture!r}"]
    families = FAMILIES.get(card.architecture, (own.lower(),))
    end = f"_{card.language}" + (f"_{card.casing}" if card.casing else "")
    pattern = f"(?:{'|'.join(families)})_{TAG}{re.escape(end)}(?P<corpus>_(?!cased$|uncased$){TAG})?"
    match = re.fullmatch(pattern, card.name)
    if match is None:
        return [
            f"name: must be <family>_<size>{end}[_<corpus>], and the family of `{card.architecture}` one of "
            f"{', '.join(families)}. Received: {card.name!r}"
        ]
    if bool(match["corpus"]) != (card.training is not None):
        return [
            "name: a corpus tag marks weights that this project trained, with a `training` record; "
            f"one is there without the other. Received: {card.name!r}"
        ]
    return []


def _source_problems(card):
    handle, files = card.source.handle, card.source.files
    if (handle is None) == (files is None):
        return ["source: needs either `handle` or `files`"]
    if files is None:
        expected = "hf://organisation/model or kaggle://organisation/model/keras/variant"
        return [] if HANDLE.fullmatch(handle) else [f"source.handle: must be {expected}. Received: {handle!r}"]
    problems = [
        f"source.files: {needed} is missing" for needed in ("config.json", "model.weights.h5") if needed not in files
    ]
    for path, file in files.items():
        if path.startswith("/") or "\\" in path or ".." in path.split("/"):
            problems.append(f"source.files: must stay in the folder. Received: {path!r}")
        if not re.fullmatch(r"[0-9a-f]{64}", file.sha256) or file.bytes <= 0:
            problems.append(f"source.files.{path}: needs 64 hexadecimal digits and a positive size. Received: {file}")
    return problems


def _measure_problems(card):
    problems = [
        f"scores[{index}].seeds: must not be empty" for index, score in enumerate(card.scores) if not score.seeds
    ]
    if card.training is not None and not (card.training.corpora and card.training.held_out):
        problems.append("training: needs at least one corpus and one held-out measure")
    return problems
