"""A card of a published model against what is published."""

import inspect
from pathlib import Path

from zoo.cards.card import Card
from zoo.weights.name_table import NameTable
from zoo.weights.settings import read_arguments
from zoo.weights.strict_json import read_json

# What changes no output: it is read from what is published.
ONLY_IN_TRAINING = {"dropout"}


def check_published(card: Card, table: NameTable | None, path: Path) -> None:
    """Check that a model's `config.json` says the same as the card that leads to it, but for `dropout`.

    Args:
        card: `Card` whose source is a handle.
        table: the `NameTable` for that configuration, or None if there is none.
        path: path of `config.json`.

    Raises:
        ValueError: that lists every argument on which they differ.
    """
    import zoo.models

    if table is None or table.architecture != card.architecture:
        _refuse(card, [f"architecture: {card.architecture}, there {table.architecture if table else 'another'}"])
    parameters = inspect.signature(getattr(zoo.models, card.architecture)).parameters
    stated = {name: parameter.default for name, parameter in parameters.items()} | card.backbone
    published = read_arguments(table, read_json(path), str(path))
    different = {name: value for name, value in published.items() if stated[name] != value}
    _refuse(
        card,
        [f"{name}: {stated[name]!r}, there {different[name]!r}" for name in different.keys() - ONLY_IN_TRAINING],
    )


def check_count(card: Card, backbone) -> None:
    """Raise a ValueError unless a backbone has as many weights as its card says."""
    count = backbone.count_params()
    if count != card.parameter_count:
        _refuse(card, [f"parameter_count: {card.parameter_count:,}, there {count:,}"])


def _refuse(card, differences):
    if differences:
        raise ValueError(
            f"The card {card.name} does not describe what is published at {card.source.handle}:\n  "
            + "\n  ".join(differences)
            + "\nCorrect the card, or load the model by its handle."
        )
