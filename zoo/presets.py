"""Presets: find them by name, list them, load them, save them.

A preset is a folder in KerasHub's form (`config.json`, `model.weights.h5`, `tokenizer.json`, ...). A card,
a JSON file beside the folder, gives it a name; see `zoo.cards`. Cards and shipped folders travel with the
package. A folder in the environment variable `ZOO_PRESETS` is searched first, for cards of one's own.
"""

import os
import warnings
from fnmatch import fnmatchcase

from zoo.cards import Location, PresetList, card_view, find, read_card, read_cards
from zoo.cards.contents import (
    bring,
    has_tokenizer,
    is_published,
    kind_of_backbone,
    open_backbone,
    open_text_parts,
    open_tokenizer,
)
from zoo.weights import keras_weights
from zoo.weights.configuration import check_arguments, read_configuration
from zoo.weights.files import TASK_FILE, TASK_WEIGHTS_FILE, bytes_to_save, verify, writing_folder
from zoo.weights.keras_hub_presets import export_to_keras_hub
from zoo.weights.keras_weights import save_weights
from zoo.weights.memory import check_room
from zoo.weights.published import export_to_huggingface, published_head, published_task
from zoo.weights.quantization import quantize_layers

__all__ = [
    "Location",
    "backbone_class",
    "bytes_to_save",
    "describe",
    "export_to_huggingface",
    "export_to_keras_hub",
    "find",
    "has_tokenizer",
    "list_presets",
    "load_backbone",
    "load_task",
    "load_tokenizer",
    "read_card",
    "read_cards",
    "save_weights",
    "task_class",
    "verify",
    "writing_folder",
]

# What a configuration says of single layers, and what goes without saying.
STATES_OF_LAYERS = {"quantized_layers": {}, "lora_ranks": {}, "frozen_layers": []}
# Arguments of a task that leave the shape and the meaning of its head as they are.
NOT_OF_THE_HEAD = {
    *("backbone", "preprocessor", "name", "seed", "dropout", "sequence_length", "trainable", "dtype"),
    *("stride", "max_question_length", "max_answer_length", "no_answer_threshold"),
    *("max_target_length", "label_smoothing", "force_start"),
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


def backbone_class(handle: str | os.PathLike) -> type | None:
    """The class of a preset's backbone, without making one; None if it is none of `zoo.models`.

    Args:
        handle: what `find` takes.

    Raises:
        ValueError: if there is no such preset, or its configuration cannot be read.
        ConnectionError: if it is a hub's, without a card, and the hub cannot be reached.
    """
    return kind_of_backbone(bring(handle))


def task_class(handle: str | os.PathLike) -> type | None:
    """The class of `zoo.tasks` that a preset was saved from, or that has the head of a folder of Hugging Face.

    Args:
        handle: what `find` takes.

    Returns:
        The class, or None: without a head, or with one that no task has.

    Raises:
        ValueError: if there is no such preset, or its configuration cannot be read.
        ConnectionError: if it is a hub's, and the hub cannot be reached.
    """
    import zoo.tasks

    location = bring(handle, text=True)
    folder = location.folder
    if is_published(location) and not (folder / TASK_FILE).is_file():
        return getattr(zoo.tasks, published_task(folder) or "", None)
    if folder is None or not (folder / TASK_FILE).is_file():
        return None
    return getattr(zoo.tasks, read_configuration(folder / TASK_FILE)["registered_name"].removeprefix("zoo>"), None)


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
            else than known classes and arguments, or weights are missing, unused or of another shape; or the hub has
            no such model, or does not let it be read.
        ConnectionError: if the hub cannot be reached, and not all that is needed is on this machine.
        OSError: if there is no room for what is to be downloaded.
        MemoryError: if the weights that a card speaks of need more memory than is free; nothing is downloaded then.
    """
    check_room(find(handle).card, dtype, overrides)
    return open_backbone(bring(handle, weights=load_weights), load_weights, dtype, overrides)


def load_tokenizer(handle: str | os.PathLike):
    """Load the tokenizer of a preset, with its vocabulary.

    Args:
        handle: what `find` takes.

    Raises:
        ValueError: if the preset has no tokenizer, or its files are damaged; and as `load_backbone` does.
        ConnectionError, OSError: as `load_backbone` does.
    """
    return open_tokenizer(bring(handle, text=True))


def load_task(kind: type, handle: str | os.PathLike, load_weights: bool = True, dtype=None, **arguments):
    """Load a task: backbone, tokenizer and, where the preset has the one that is asked for, the head.

    Args:
        kind: a class of `zoo.tasks`.
        handle: what `find` takes.
        load_weights: bool, False for random weights everywhere.
        dtype: a Keras dtype policy; Keras's global one when None.
        **arguments: what the constructor of `kind` takes; `backbone`, `tokenizer` or `preprocessor` replace the
            preset's.

    Returns:
        The task. Its head is the preset's if that was saved from a task of this kind and no argument asks
        for another one; otherwise it is new, with a warning where it was to know something before `fit`.

    Raises:
        ValueError: if `kind` has no such argument, or a `dtype` is asked for beside a `backbone`, which has its own.
        ValueError, ConnectionError, OSError, MemoryError: as `load_backbone` and `load_tokenizer` do.
    """
    check_arguments(kind, arguments, f"{kind.__name__}.from_preset")
    if dtype is not None and "backbone" in arguments:
        raise ValueError(f"A backbone that is given has its type already. Received: backbone=..., dtype={dtype!r}.")
    if "backbone" not in arguments:
        check_room(find(handle).card, dtype)
    needs_text = not {"tokenizer", "preprocessor"} & arguments.keys()
    location = bring(handle, load_weights, needs_text)
    if needs_text:
        arguments |= open_text_parts(location)
    if "backbone" not in arguments:
        arguments["backbone"] = open_backbone(location, load_weights, dtype, {})
    saved = _saved_head(kind, location)
    head = _published_head(kind, location, load_weights, arguments)
    if head is not None:
        saved = head.arguments
    arguments = {name: list(value) if isinstance(value, tuple) else value for name, value in arguments.items()}
    if _asks_for_another(arguments, saved):
        saved, head = {}, None
    # What a preset was trained with is no matter of who fine-tunes it.
    modes, *_ = [saved.pop(*each) for each in STATES_OF_LAYERS.items()]
    task = kind(**{**saved, **arguments})
    if not load_weights:
        return task
    if kind.__name__ == "TextEmbedder" and head is None and is_published(location) and "pooling" not in arguments:
        said = f"{str(handle)!r} does not say how its texts become vectors: they are pooled by {task.pooling!r}."
        warnings.warn(said, stacklevel=3)
    if (head is None and not saved) or not _same_head(task.get_config(), saved):
        said = f"{str(handle)!r} has no head for this {kind.__name__}: it is new, and knows nothing before `fit`."
        if kind.head_is_pretrained:
            warnings.warn(said, stacklevel=3)
        elif task.has_task_weights():
            task.warn_at_predictions(said)
        return task
    quantize_layers(task, modes, TASK_FILE)
    if head is not None:
        head.load(task)
        return task
    weights = location.folder / TASK_WEIGHTS_FILE
    if weights.is_file() or task.has_task_weights():
        keras_weights.load_weights(task, weights, skip=[task.backbone])
    return task


def _asks_for_another(arguments, saved):
    """Whether an argument asks for another head than the saved one."""
    return any(
        name in saved and saved[name] != value for name, value in arguments.items() if name not in NOT_OF_THE_HEAD
    )


def _published_head(kind, location, load_weights, arguments):
    """The head for this kind of task in a model folder of Hugging Face, or None."""
    if not is_published(location):
        return None
    return published_head(location.folder, kind.__name__, load_weights, given=arguments)


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
