"""The cards of a copy of the package: found by name, or as a folder or a handle of a hub."""

import dataclasses
import difflib
import os
from pathlib import Path

from zoo.cards.card import Card, read_card_file
from zoo.weights.files import CONFIG_FILE, RELEASED_CONFIG_FILES, TOKENIZER_FILE

HUBS = ("hf://", "kaggle://")
RUN = "preset"  # the folder in that of a run


@dataclasses.dataclass(frozen=True)
class Location:
    """Where a preset is.

    Attributes:
        handle: str, what was asked for.
        card: `zoo.cards.Card`, or None for a folder or a hub's model without a card.
        folder: path of the preset's folder on this machine, or None; `find` leaves it None for a hub's model.
        address: str, `hf://...` or `kaggle://...`, or None.
    """

    handle: str
    card: Card | None = None
    folder: Path | None = None
    address: str | None = None


def _roots():
    own = os.environ.get("ZOO_PRESETS")
    if own and not Path(own).is_dir():
        raise ValueError(f"The environment variable ZOO_PRESETS must name a folder. Received: ZOO_PRESETS={own!r}")
    package = Path(__file__).parent.parent
    installed, checkout = package / "_presets", package.parent / "presets"
    return [*([Path(own)] if own else []), installed if installed.is_dir() else checkout]


def _card_paths():
    """Paths of the cards by name; the first root that has a name wins."""
    paths = {}
    for root in _roots():
        for path in sorted(root.glob("*.json")):
            paths.setdefault(path.stem, path)
    return paths


def read_cards() -> list[Card]:
    """Return all cards, by architecture, language and size.

    Raises:
        ValueError: if a card is not valid.
    """
    found = [read_card_file(path) for path in _card_paths().values()]
    return sorted(found, key=lambda card: (card.architecture, card.language, card.parameter_count, card.name))


def read_card(name: str) -> Card:
    """Return the card called `name`.

    Raises:
        ValueError: if there is none, with the nearest names.
    """
    paths = _card_paths()
    if name not in paths:
        raise ValueError(_unknown(name, paths))
    return read_card_file(paths[name])


def find(handle: str | os.PathLike) -> Location:
    """Say where a preset is, without loading anything.

    Args:
        handle: a name of `list_presets()`, a local folder, `hf://organisation/model[@revision]` or `kaggle://...`.

    Raises:
        ValueError: if there is no such preset (with the nearest names), or a folder is not a preset.
    """
    if not isinstance(handle, (str, os.PathLike)) or not str(handle).strip():
        raise ValueError(f"A preset is a name, a folder or a handle of a hub. Received: preset={handle!r}")
    handle = os.fspath(handle)
    if handle.startswith(HUBS):
        return Location(handle, address=handle)
    paths = _card_paths()
    if handle in paths:
        card = read_card_file(paths[handle])
        return Location(handle, card, paths[handle].with_suffix("") if card.shipped else None, card.source.handle)
    folder = Path(handle).expanduser()
    if not folder.is_dir():
        raise ValueError(_unknown(handle, paths))
    if not any((folder / file).is_file() for file in (CONFIG_FILE, TOKENIZER_FILE, *RELEASED_CONFIG_FILES)):
        raise ValueError(
            f"The folder is not a preset: it has no {CONFIG_FILE} and no {TOKENIZER_FILE}, which `save_to_preset` "
            f"writes, and no {' or '.join(RELEASED_CONFIG_FILES)} of a model of Google's. Received: preset={handle!r}"
        )
    if (folder / RUN / CONFIG_FILE).is_file() and not (folder / TOKENIZER_FILE).is_file():
        raise ValueError(
            f"The folder is that of a run. Received: preset={handle!r}. Its preset is {str(folder / RUN)!r}."
        )
    return Location(handle, folder=folder)


def _unknown(handle, names):
    nearest = difflib.get_close_matches(handle, names, n=5, cutoff=0.5)
    hint = f"The nearest names are: {', '.join(nearest)}. " if nearest else ""
    return (
        f"There is no preset of that name, and no such folder. {hint}`zoo.list_presets()` shows all names; "
        f"a local folder, hf://organisation/model and kaggle://... are taken too. Received: preset={handle!r}"
    )
