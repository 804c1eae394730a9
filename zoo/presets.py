"""Presets: find them by name, list them, load them, save them.

A preset is a folder in KerasHub's form (`config.json`, `model.weights.h5`, `tokenizer.json`, ...). A card,
a JSON file beside the folder, gives it a name; see `zoo.cards`. Cards and shipped folders travel with the
package. A folder in the environment variable `ZOO_PRESETS` is searched first, for cards of one's own.
"""

import os
from fnmatch import fnmatchcase

from zoo.cards import Location, PresetList, card_view, find, read_card, read_cards
from zoo.weights import keras_weights
from zoo.weights.configuration import check_arguments, deserialize, read_configuration
from zoo.weights.files import (
    CONFIG_FILE,
    SHARDED_WEIGHTS_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    bytes_to_save,
    verify,
    writing_folder,
)
from zoo.weights.keras_hub_presets import backbone_here, export_to_keras_hub, keras_hub_table, tokenizer_here
from zoo.weights.keras_weights import save_weights
from zoo.weights.published import load_published, load_published_tokenizer, published_table
from zoo.weights.strict_json import read_json

__all__ = [
    "Location",
    "backbone_class",
    "bytes_to_save",
    "describe",
    "export_to_keras_hub",
    "find",
    "list_presets",
    "load_backbone",
    "load_task",
    "load_tokenizer",
    "read_card",
    "read_cards",
    "save_weights",
    "verify",
    "writing_folder",
]

# Any of these says that a folder holds a tokenizer: ours, or those of Hugging Face.
TOKENIZER_FILES = (TOKENIZER_FILE, "vocab.txt", "vocab.json", "spiece.model")
TASK_FILE = "task.json"
TASK_WEIGHTS_FILE = "task.weights.h5"
PREPROCESSOR_FILE = "preprocessor.json"
# Arguments of a task that leave the shape and the meaning of its head as they are.
NOT_OF_THE_HEAD = {
    *("backbone", "preprocessor", "name", "seed", "dropout", "sequence_length", "trainable", "dtype"),
    *("stride", "max_question_length", "max_answer_length", "no_answer_threshold"),
}


def list_presets(pattern: str = "*") -> PresetList:
    """Return the names of the presets that match a pattern.

    Args:
        pattern: str, with `*` and `?` as in a shell.

    Returns:
        A sequence of str that a terminal or a notebook shows as a table.

    Example:

    >>> import zoo
    >>> "bert_tiny_en_uncased" in zoo.list_presets("bert_*_uncased")
    True
    """
    return PresetList(card for card in read_cards() if fnmatchcase(card.name, pattern))


def describe(name: str):
    """Return all that is known of a preset, to be printed with `rich.print`.

    Raises:
        ValueError: if there is no card of that name, with the nearest names.
    """
    return card_view(read_card(name))


def _checked(handle):
    location = find(handle)
    if location.card is not None and location.card.shipped:
        verify(location.folder, location.card.source.files)
    return location


def backbone_class(handle: str | os.PathLike) -> type | None:
    """The class of a preset's backbone, without making one; None if it is none of `zoo.models`.

    Args:
        handle: what `find` takes.

    Raises:
        ValueError: if there is no such preset, or its configuration cannot be read.
    """
    import zoo.models

    location = find(handle)
    if location.card is not None:
        return getattr(zoo.models, location.card.architecture)
    if location.folder is None or not (location.folder / CONFIG_FILE).is_file():
        return None
    if table := published_table(location.folder):
        return getattr(zoo.models, table.architecture)
    if _is_foreign(location.folder):
        return None
    configuration = read_configuration(location.folder / CONFIG_FILE)
    if table := keras_hub_table(configuration["registered_name"], configuration["config"]):
        return getattr(zoo.models, table.architecture)
    return getattr(zoo.models, configuration["registered_name"].removeprefix("zoo>"), None)


def load_backbone(handle: str | os.PathLike, load_weights: bool = True, dtype=None, **overrides):
    """Load a backbone.

    Args:
        handle: what `find` takes.
        load_weights: bool, False for the same architecture with random weights.
        dtype: a Keras dtype policy; Keras's global one when None, unless the preset is quantized.
        **overrides: arguments of the backbone that replace those of the preset, such as `dropout`.

    Returns:
        One of `zoo.models` where this package has the architecture, whoever wrote the preset; another
        `keras_hub.models.Backbone` where it has not, or a preset of KerasHub is quantized.

    Raises:
        ValueError: if there is no such preset, its files are damaged, its configuration names anything
            else than known classes and arguments, or weights are missing, unused or of another shape.
    """
    return _load_backbone(_checked(handle), load_weights, dtype, overrides)


def _load_backbone(location, load_weights_too, dtype, overrides):
    import keras_hub

    if location.folder is None and location.card is not None:
        return _build_published(location.card, load_weights_too, dtype, overrides)
    if location.folder is not None and published_table(location.folder) is not None:
        return load_published(location.folder, load_weights_too, dtype, **overrides)
    if location.folder is None or _is_foreign(location.folder):
        preset = location.address or str(location.folder)
        found = keras_hub.models.Backbone.from_preset(preset, load_weights=load_weights_too, dtype=dtype, **overrides)
        return backbone_here(found, load_weights_too, dtype)
    path = location.folder / CONFIG_FILE
    configuration = read_configuration(path)
    if dtype is None and "PolicyMap" in str(configuration["config"].get("dtype")):
        dtype = configuration["config"]["dtype"]
    converted = keras_hub_table(configuration["registered_name"], configuration["config"]) is not None
    own = {} if converted else overrides
    backbone = deserialize(configuration, keras_hub.models.Backbone, path, dtype=dtype, **own)
    if load_weights_too:
        sharded = location.folder / SHARDED_WEIGHTS_FILE
        keras_weights.load_weights(backbone, sharded if sharded.is_file() else location.folder / WEIGHTS_FILE)
    return backbone_here(backbone, load_weights_too, dtype, overrides) if converted else backbone


def _is_foreign(folder):
    """True for a model folder of Hugging Face, which KerasHub converts as it loads."""
    path = folder / CONFIG_FILE
    configuration = read_json(path) if path.is_file() else {}
    return "model_type" in configuration and "registered_name" not in configuration


def _build_published(card, load_weights_too, dtype, overrides):
    import zoo.models

    if load_weights_too:
        raise ValueError(
            f"The weights of {card.name} are published at {card.source.handle}, and this version cannot convert "
            "them yet. What works now: `load_weights=False` for the same architecture with random weights, or "
            f"a preset whose weights are shipped: {_shipped_names()}."
        )
    backbone = getattr(zoo.models, card.architecture)
    arguments = {**card.backbone, "dtype": dtype, **overrides}
    check_arguments(backbone, arguments, f"preset {card.name}")
    return backbone(**arguments)


def _shipped_names():
    return ", ".join(card.name for card in read_cards() if card.shipped) or "none is in this copy"


def load_tokenizer(handle: str | os.PathLike):
    """Load the tokenizer of a preset, with its vocabulary.

    Args:
        handle: what `find` takes.

    Raises:
        ValueError: if the preset has no tokenizer on this machine, or its files are damaged.
    """
    return _load_tokenizer(_checked(handle))


def _load_tokenizer(location):
    import keras_hub

    if location.folder is None and location.card is not None:
        raise ValueError(
            f"The vocabulary of {location.card.name} is published at {location.card.source.handle}, and this version "
            "cannot fetch it yet. Download its vocab.txt and give it to `zoo.tokenizers.WordPiece`, or use a preset "
            f"that is shipped: {_shipped_names()}."
        )
    if location.folder is not None and published_table(location.folder) is not None:
        tokenizer = load_published_tokenizer(location.folder)
        if tokenizer is not None:
            return tokenizer
    if location.folder is None or _is_foreign(location.folder):
        return tokenizer_here(keras_hub.tokenizers.Tokenizer.from_preset(location.address or str(location.folder)))
    return tokenizer_here(_with_assets(location.folder, TOKENIZER_FILE, keras_hub.tokenizers.Tokenizer))


def _with_assets(folder, file, base):
    path = folder / file
    saved = deserialize(read_configuration(path), base, path)
    try:
        saved.load_preset_assets(str(folder))
    except (OSError, ValueError) as error:
        raise ValueError(f"The assets of the preset in {folder} cannot be read: {error}") from error
    return saved


def load_task(kind: type, handle: str | os.PathLike, load_weights: bool = True, dtype=None, **arguments):
    """Load a task: backbone, tokenizer and, where the preset has the one that is asked for, the head.

    Args:
        kind: a class of `zoo.tasks`.
        handle: what `find` takes.
        load_weights: bool, False for random weights everywhere.
        dtype: a Keras dtype policy; Keras's global one when None.
        **arguments: what the constructor of `kind` takes; `tokenizer` or `preprocessor` replace the preset's.

    Returns:
        The task. Its head is the preset's if that was saved from a task of this kind and no argument asks
        for another one; otherwise it is new.

    Raises:
        ValueError: as `load_backbone` and `load_tokenizer` do.
    """
    location = _checked(handle)
    arguments["backbone"] = _load_backbone(location, load_weights, dtype, {})
    if not {"tokenizer", "preprocessor"} & arguments.keys():
        arguments |= _text_parts(location)
    saved = _saved_head(kind, location)
    arguments = {name: list(value) if isinstance(value, tuple) else value for name, value in arguments.items()}
    if any(name in saved and saved[name] != value for name, value in arguments.items() if name not in NOT_OF_THE_HEAD):
        saved = {}
    task = kind(**{**saved, **arguments})
    if load_weights and saved and _same_head(task.get_config(), saved):
        weights = location.folder / TASK_WEIGHTS_FILE
        if weights.is_file() or task.has_task_weights():
            keras_weights.load_weights(task, weights, skip=[task.backbone])
    return task


def _text_parts(location):
    import keras_hub

    if location.folder is None and location.card is not None:
        return {}
    path = None if location.folder is None else location.folder / PREPROCESSOR_FILE
    if path is not None and path.is_file() and _is_of_zoo(path):
        return {"preprocessor": _with_assets(location.folder, PREPROCESSOR_FILE, keras_hub.models.Preprocessor)}
    if location.folder is not None and not any((location.folder / name).is_file() for name in TOKENIZER_FILES):
        return {}
    return {"tokenizer": _load_tokenizer(location)}


def _is_of_zoo(path):
    return read_configuration(path)["registered_name"].startswith("zoo>")


def _saved_head(kind, location):
    """Arguments of the head in a preset of this kind of task; none for other presets."""
    if location.folder is None or not (location.folder / TASK_FILE).is_file():
        return {}
    configuration = read_configuration(location.folder / TASK_FILE)
    if configuration["registered_name"] != f"zoo>{kind.__name__}":
        return {}
    return {key: value for key, value in configuration["config"].items() if key not in ("backbone", "preprocessor")}


def _same_head(configuration, saved):
    return all(configuration[key] == value for key, value in saved.items() if key not in NOT_OF_THE_HEAD)
