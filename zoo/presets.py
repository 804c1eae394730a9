"""Presets: find them by name, list them, load them, save them.

A preset is a folder in KerasHub's form (`config.json`, `model.weights.h5`, `tokenizer.json`, ...). A card,
a JSON file beside the folder, gives it a name; see `zoo.cards`. Cards and shipped folders travel with the
package. A folder in the environment variable `ZOO_PRESETS` is searched first, for cards of one's own.
"""

import contextlib
import dataclasses
import os
from fnmatch import fnmatchcase

from zoo.cards import Location, PresetList, card_view, find, read_card, read_cards
from zoo.cards.published import check_count, check_published
from zoo.weights import hub, keras_weights
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
from zoo.weights.keras_weights import save_weights
from zoo.weights.published import (
    export_to_huggingface,
    load_published,
    load_published_tokenizer,
    published_head,
    published_table,
    released_vocabulary,
)
from zoo.weights.quantization import modes_of_policy, quantize_layers
from zoo.weights.strict_json import read_json
from zoo.weights.undrawn import without_drawing

__all__ = [
    "Location",
    "backbone_class",
    "bytes_to_save",
    "describe",
    "export_to_huggingface",
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


def _checked(handle, weights=False, text=False):
    """Where a preset is, its files checked; those of a hub's model are fetched, unless a card says what is asked."""
    location = find(handle)
    card = location.card
    if card is not None and card.shipped:
        verify(location.folder, card.source.files)
    if location.folder is not None or not location.address.startswith(hub.HUB) or (card and not (weights or text)):
        return location
    folder = hub.fetch(location.address, weights, lambda folder: _is_ours(folder, card))
    return dataclasses.replace(location, folder=folder) if published_table(folder) else location


def _is_ours(folder, card):
    table = published_table(folder)
    if card is not None:
        check_published(card, table, folder / CONFIG_FILE)
    return table is not None


def backbone_class(handle: str | os.PathLike) -> type | None:
    """The class of a preset's backbone, without making one; None if it is none of `zoo.models`.

    Args:
        handle: what `find` takes.

    Raises:
        ValueError: if there is no such preset, or its configuration cannot be read.
        ConnectionError: if it is a hub's, without a card, and the hub cannot be reached.
    """
    import zoo.models

    location = _checked(handle)
    if location.card is not None:
        return getattr(zoo.models, location.card.architecture)
    if location.folder is not None and (table := published_table(location.folder)):
        return getattr(zoo.models, table.architecture)
    if location.folder is None or not (location.folder / CONFIG_FILE).is_file():
        return None
    if _is_foreign(location.folder):
        return None
    registered_name = read_configuration(location.folder / CONFIG_FILE)["registered_name"]
    return getattr(zoo.models, registered_name.removeprefix("zoo>"), None)


def load_backbone(handle: str | os.PathLike, load_weights: bool = True, dtype=None, **overrides):
    """Load a backbone.

    Args:
        handle: what `find` takes.
        load_weights: bool, False for the same architecture with random weights.
        dtype: a Keras dtype policy; Keras's global one when None, unless the preset is quantized.
        **overrides: arguments of the backbone that replace those of the preset, such as `dropout`.

    Returns:
        A `keras_hub.models.Backbone`; one of `zoo.models` where the preset is of this package.

    Raises:
        ValueError: if there is no such preset, its files are damaged, its configuration names anything
            else than known classes and arguments, or weights are missing, unused or of another shape; or the hub has
            no such model, or does not let it be read.
        ConnectionError: if the hub cannot be reached, and not all that is needed is on this machine.
        OSError: if there is no room for what is to be downloaded.
    """
    return _load_backbone(_checked(handle, weights=load_weights), load_weights, dtype, overrides)


def _load_backbone(location, load_weights_too, dtype, overrides):
    import keras_hub

    if location.folder is None and location.card is not None and not load_weights_too:
        return _build_from_card(location.card, dtype, overrides)
    if location.folder is not None and published_table(location.folder) is not None:
        backbone = load_published(location.folder, load_weights_too, dtype, **overrides)
        if location.card is not None and not overrides:
            check_count(location.card, backbone)
        return backbone
    if location.folder is None or _is_foreign(location.folder):
        preset = str(location.folder or location.address)
        return keras_hub.models.Backbone.from_preset(preset, load_weights=load_weights_too, dtype=dtype, **overrides)
    path = location.folder / CONFIG_FILE
    configuration = read_configuration(path)
    modes = modes_of_policy(configuration["config"].get("dtype"))
    # What is quantized is computed from what was drawn.
    with without_drawing() if load_weights_too and not modes else contextlib.nullcontext():
        backbone = deserialize(configuration, keras_hub.models.Backbone, path, dtype=dtype, **overrides)
    quantize_layers(backbone, modes, str(path))
    if load_weights_too:
        sharded = location.folder / SHARDED_WEIGHTS_FILE
        keras_weights.load_weights(backbone, sharded if sharded.is_file() else location.folder / WEIGHTS_FILE)
    return backbone


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


def load_tokenizer(handle: str | os.PathLike):
    """Load the tokenizer of a preset, with its vocabulary.

    Args:
        handle: what `find` takes.

    Raises:
        ValueError: if the preset has no tokenizer, or its files are damaged; and as `load_backbone` does.
        ConnectionError, OSError: as `load_backbone` does.
    """
    return _load_tokenizer(_checked(handle, text=True))


def _load_tokenizer(location):
    import keras_hub

    if location.folder is not None and published_table(location.folder) is not None:
        return load_published_tokenizer(location.folder)
    if location.folder is None or _is_foreign(location.folder):
        return keras_hub.tokenizers.Tokenizer.from_preset(str(location.folder or location.address))
    return _with_assets(location.folder, TOKENIZER_FILE, keras_hub.tokenizers.Tokenizer)


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
        ValueError, ConnectionError, OSError: as `load_backbone` and `load_tokenizer` do.
    """
    needs_text = not {"tokenizer", "preprocessor"} & arguments.keys()
    location = _checked(handle, load_weights, needs_text)
    arguments["backbone"] = _load_backbone(location, load_weights, dtype, {})
    if needs_text:
        arguments |= _text_parts(location)
    saved = _saved_head(kind, location)
    head = _published_head(kind, location, load_weights, arguments)
    if head is not None:
        saved = head.arguments
    arguments = {name: list(value) if isinstance(value, tuple) else value for name, value in arguments.items()}
    if any(name in saved and saved[name] != value for name, value in arguments.items() if name not in NOT_OF_THE_HEAD):
        saved, head = {}, None
    modes = saved.pop("quantized_layers", {})
    task = kind(**{**saved, **arguments})
    if not load_weights or not _same_head(task.get_config(), saved):
        return task
    quantize_layers(task, modes, TASK_FILE)
    if head is not None:
        head.load(task)
    elif saved:
        weights = location.folder / TASK_WEIGHTS_FILE
        if weights.is_file() or task.has_task_weights():
            keras_weights.load_weights(task, weights, skip=[task.backbone])
    return task


def _text_parts(location):
    import keras_hub

    if location.folder is not None and (location.folder / PREPROCESSOR_FILE).is_file():
        return {"preprocessor": _with_assets(location.folder, PREPROCESSOR_FILE, keras_hub.models.Preprocessor)}
    if location.folder is not None and not _has_tokenizer(location.folder):
        return {}
    return {"tokenizer": _load_tokenizer(location)}


def _published_head(kind, location, load_weights, arguments):
    """The head for this kind of task in a model folder of Hugging Face, or None."""
    if location.folder is None or published_table(location.folder) is None:
        return None
    return published_head(location.folder, kind.__name__, load_weights, given=arguments)


def _has_tokenizer(folder):
    return any((folder / name).is_file() for name in TOKENIZER_FILES) or released_vocabulary(folder) is not None


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
