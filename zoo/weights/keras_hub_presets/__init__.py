"""Presets of KerasHub: backbones and tokenizers that both have, one as the other; one page an architecture.

A backbone of KerasHub is made, and the weights are copied one at a time; for this moment there are two of them.
"""

import os
from collections.abc import Mapping

from zoo.weights.configuration import check_arguments
from zoo.weights.files import bytes_to_save, writing_folder
from zoo.weights.keras_hub_presets.tokenizers import tokenizer_here, tokenizer_there

__all__ = [
    "backbone_here",
    "export_to_keras_hub",
    "keras_hub_table",
    "save_keras_hub_preset",
    "tokenizer_here",
    "tokenizer_there",
]

# KerasHub registers its classes by its older name too.
PACKAGES = ("keras_hub", "keras_nlp")


def keras_hub_table(registered_name: str, config: Mapping):
    """The table of a backbone of KerasHub that this package has too, by what stands in `config.json`.

    Returns:
        `KerasHubTable`, or None for other classes and for settings that ours does not have.
    """
    table = _table_of_class(registered_name)
    return None if table is None or table.arguments_here(config) is None else table


def _table_of_class(registered_name):
    package, _, name = str(registered_name).partition(">")
    return _tables().get(name) if package in PACKAGES else None


def backbone_here(theirs, load_weights: bool = True, dtype=None, overrides: Mapping | None = None):
    """A backbone of KerasHub as one of `zoo.models`.

    Args:
        theirs: a `keras_hub.models.Backbone`.
        load_weights: bool, False for random weights.
        dtype: a Keras dtype policy; Keras's global one when None.
        overrides: arguments of our backbone that replace those of KerasHub's, such as `dropout`.

    Returns:
        A backbone with the same outputs; `theirs` if this package has none like it.

    Raises:
        ValueError: if `overrides` has what our class does not take, or a weight has no place.
    """
    import keras

    import zoo.models

    table = _table_of_class(keras.saving.get_registered_name(type(theirs)))
    arguments = None if table is None else table.arguments_here(theirs.get_config())
    if arguments is None:
        return theirs
    kind = getattr(zoo.models, table.architecture)
    arguments |= overrides or {}
    check_arguments(kind, arguments, f"keras_hub.models.{table.architecture}")
    ours = kind(**arguments, dtype=dtype)
    if load_weights:
        table.copy_here(theirs, ours)
    return ours


def save_keras_hub_preset(backbone, folder: str | os.PathLike, tokenizer=None) -> None:
    """Write a folder that `keras_hub.models.Backbone.from_preset` loads, without this package, with the same outputs.

    It is written beside and renamed, so an error leaves an older preset as it was. Warns of the kinds of text to which
    KerasHub's tokenizer gives other ids.

    Args:
        backbone: one of `zoo.models`.
        folder: path of the preset.
        tokenizer: the tokenizer, or None to write none.

    Raises:
        ValueError: before anything is written, that lists every setting that KerasHub does not have; or if it has no
            such architecture or no such tokenizer.
        OSError: if the disk is full.
    """
    import keras_hub

    table = _tables().get(type(backbone).__name__)
    if table is None or not type(backbone).__module__.startswith("zoo."):
        raise ValueError(
            f"A backbone of zoo.models that KerasHub has too was expected: {', '.join(_tables())}. "
            f"Received: {type(backbone).__name__}"
        )
    arguments = table.arguments_there(backbone)
    if tokenizer is not None:
        tokenizer = tokenizer_there(tokenizer, table.architecture)
    theirs = getattr(keras_hub.models, table.architecture)(**arguments, dtype=backbone.dtype_policy)
    table.copy_there(backbone, theirs)
    with writing_folder(folder, bytes_to_save(theirs)) as temporary:
        theirs.save_to_preset(str(temporary))
        if tokenizer is not None:
            tokenizer.save_to_preset(str(temporary))


def export_to_keras_hub(preset, folder: str | os.PathLike, tokenizer: bool = True, **overrides) -> None:
    """Write the backbone and the tokenizer of a preset as a preset of KerasHub; see `save_keras_hub_preset`.

    The head of a task is not written.

    Args:
        preset: a name of `zoo.list_presets()`, a folder or a handle; or a task.
        folder: path of the new preset.
        tokenizer: bool, False to write the backbone alone.
        **overrides: arguments of the backbone that replace those of the preset. The exact `"gelu"` of a BERT, which
            KerasHub does not have, can be replaced by `activation="gelu_approximate"`; outputs differ a little then.

    Raises:
        ValueError: before anything is written, as `zoo.presets.load_backbone` and `save_keras_hub_preset` do.
    """
    from zoo import presets

    if hasattr(preset, "backbone"):
        if overrides:
            raise ValueError(f"Arguments of a backbone are for a preset, not for a task. Received: {sorted(overrides)}")
        save_keras_hub_preset(preset.backbone, folder, preset.tokenizer if tokenizer else None)
        return
    backbone = presets.load_backbone(preset, **overrides)
    reads_text = tokenizer and presets.has_tokenizer(presets.find(preset))
    save_keras_hub_preset(backbone, folder, presets.load_tokenizer(preset) if reads_text else None)


def _tables():
    # Here, because they ask KerasHub for its functions, which takes seconds.
    from zoo.weights.keras_hub_presets.albert import ALBERT
    from zoo.weights.keras_hub_presets.bart import BART
    from zoo.weights.keras_hub_presets.bert import BERT
    from zoo.weights.keras_hub_presets.t5 import T5

    return {table.architecture: table for table in (ALBERT, BART, BERT, T5)}
