"""What a preset holds, wherever it is: its files brought and checked, its backbone, its tokenizer."""

import contextlib
import dataclasses
from collections.abc import Mapping

from zoo.cards.catalogue import Location, find
from zoo.cards.published import check_count, check_published
from zoo.weights import hub, keras_weights
from zoo.weights.configuration import check_arguments, deserialize, read_configuration
from zoo.weights.files import CONFIG_FILE, SHARDED_WEIGHTS_FILE, TOKENIZER_FILE, WEIGHTS_FILE, verify
from zoo.weights.keras_hub_presets import backbone_here, keras_hub_table, tokenizer_here
from zoo.weights.published import load_published, load_published_tokenizer, published_table, released_vocabulary
from zoo.weights.quantization import modes_of_policy, quantize_layers
from zoo.weights.strict_json import read_json
from zoo.weights.undrawn import without_drawing

# Any of these says that a folder holds a tokenizer: ours, or those of Hugging Face.
TOKENIZER_FILES = (TOKENIZER_FILE, "vocab.txt", "vocab.json", "spiece.model")
PREPROCESSOR_FILE = "preprocessor.json"


def bring(handle, weights: bool = False, text: bool = False) -> Location:
    """Say where a preset is, with its files checked; those of a hub's model are fetched first, as far as needed.

    Args:
        handle: what `find` takes.
        weights: bool, whether its weights are needed.
        text: bool, whether its tokenizer is.

    Returns:
        `Location`, whose folder is None only where KerasHub must fetch it, or where the card says all that is asked.
    """
    location = find(handle)
    card = location.card
    if card is not None and card.shipped:
        verify(location.folder, card.source.files)
    if location.folder is not None or not location.address.startswith(hub.HUB) or (card and not (weights or text)):
        return location
    # A tokenizer that we refuse is refused before its weights come.
    check = (lambda folder: open_text_parts(dataclasses.replace(location, folder=folder))) if text and weights else None
    folder = hub.fetch(location.address, weights, lambda folder: _is_ours(folder, card), check)
    return dataclasses.replace(location, folder=folder) if published_table(folder) else location


def _is_ours(folder, card):
    table = published_table(folder)
    if card is not None:
        check_published(card, table, folder / CONFIG_FILE)
    return table is not None


def is_published(location: Location) -> bool:
    """Whether it is a folder of Hugging Face's or of Google's that a name table of this package reads."""
    return location.folder is not None and published_table(location.folder) is not None


def kind_of_backbone(location: Location) -> type | None:
    """The class of the backbone, without making one; None if it is none of `zoo.models`."""
    import zoo.models

    if location.card is not None:
        return getattr(zoo.models, location.card.architecture)
    if is_published(location):
        return getattr(zoo.models, published_table(location.folder).architecture)
    if location.folder is None or not (location.folder / CONFIG_FILE).is_file() or _is_foreign(location.folder):
        return None
    configuration = read_configuration(location.folder / CONFIG_FILE)
    if table := keras_hub_table(configuration["registered_name"], configuration["config"]):
        return getattr(zoo.models, table.architecture)
    return getattr(zoo.models, configuration["registered_name"].removeprefix("zoo>"), None)


def open_backbone(location: Location, load_weights: bool, dtype, overrides: Mapping):
    """The backbone of a preset that `bring` has brought; arguments and errors as `zoo.presets.load_backbone`."""
    import keras_hub

    if location.folder is None and location.card is not None and not load_weights:
        return _build_from_card(location.card, dtype, overrides)
    if is_published(location):
        backbone = load_published(location.folder, load_weights, dtype, **overrides)
        if location.card is not None and not overrides:
            check_count(location.card, backbone)
        return backbone
    if location.folder is None or _is_foreign(location.folder):
        preset = str(location.folder or location.address)
        found = keras_hub.models.Backbone.from_preset(preset, load_weights=load_weights, dtype=dtype, **overrides)
        return backbone_here(found, load_weights, dtype)
    return _open_folder(location.folder, load_weights, dtype, overrides)


def _open_folder(folder, load_weights, dtype, overrides):
    """A backbone from a folder in KerasHub's form, of ours or of theirs; those of theirs that we have become ours."""
    import keras_hub

    path = folder / CONFIG_FILE
    configuration = read_configuration(path)
    is_converted = keras_hub_table(configuration["registered_name"], configuration["config"]) is not None
    own = {} if is_converted else overrides
    modes = modes_of_policy(configuration["config"].get("dtype"))
    # What is quantized is computed from what was drawn.
    with without_drawing() if load_weights and not modes else contextlib.nullcontext():
        backbone = deserialize(configuration, keras_hub.models.Backbone, path, dtype=dtype, **own)
    quantize_layers(backbone, modes, str(path))
    if load_weights:
        sharded = folder / SHARDED_WEIGHTS_FILE
        keras_weights.load_weights(backbone, sharded if sharded.is_file() else folder / WEIGHTS_FILE)
    return backbone_here(backbone, load_weights, dtype, overrides) if is_converted else backbone


def _is_foreign(folder):
    """True for a model folder of Hugging Face, which KerasHub converts as it loads."""
    path = folder / CONFIG_FILE
    configuration = read_json(path) if path.is_file() else {}
    return "model_type" in configuration and "registered_name" not in configuration


def _build_from_card(card, dtype, overrides):
    import zoo.models

    backbone = getattr(zoo.models, card.architecture)
    arguments = {**card.backbone, "dtype": dtype, **overrides}
    check_arguments(backbone, arguments, f"preset {card.name}")
    return backbone(**arguments)


def open_tokenizer(location: Location):
    """The tokenizer of a preset that `bring` has brought; errors as `zoo.presets.load_tokenizer`."""
    import keras_hub

    if is_published(location):
        return load_published_tokenizer(location.folder)
    if location.folder is None or _is_foreign(location.folder):
        preset = str(location.folder or location.address)
        return tokenizer_here(keras_hub.tokenizers.Tokenizer.from_preset(preset))
    return tokenizer_here(_with_assets(location.folder, TOKENIZER_FILE, keras_hub.tokenizers.Tokenizer))


def open_text_parts(location: Location) -> dict:
    """What a task is made with to read text: `preprocessor` or `tokenizer`; nothing where the preset has neither."""
    import keras_hub

    path = None if location.folder is None else location.folder / PREPROCESSOR_FILE
    if path is not None and path.is_file() and read_configuration(path)["registered_name"].startswith("zoo>"):
        return {"preprocessor": _with_assets(location.folder, PREPROCESSOR_FILE, keras_hub.models.Preprocessor)}
    return {"tokenizer": open_tokenizer(location)} if has_tokenizer(location) else {}


def has_tokenizer(location: Location) -> bool:
    """Whether a preset has a tokenizer; of one that is not on this machine, it is thought that it has."""
    folder = location.folder
    if folder is None:
        return True
    return any((folder / name).is_file() for name in TOKENIZER_FILES) or released_vocabulary(folder) is not None


def _with_assets(folder, file, base):
    path = folder / file
    saved = deserialize(read_configuration(path), base, path)
    try:
        saved.load_preset_assets(str(folder))
    except (OSError, ValueError) as error:
        raise ValueError(f"The assets of the preset in {folder} cannot be read: {error}") from error
    return saved
