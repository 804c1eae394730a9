"""What `zoo convert` can make of a preset: for each target the function that makes it."""

from collections.abc import Callable
from pathlib import Path

# What to do about a setting that KerasHub does not have; the first one decides, because all must go.
LACKING = {
    "normalize_first": "This model is pre-norm (every part of a layer normalizes what it reads), which no layer of "
    "KerasHub's class is: no option makes the same model of it. A BERT goes with `--to huggingface`; for KerasHub, "
    "pre-train one with `zoo pretrain ... --set normalize_first=false --set activation=gelu_approximate`.",
    "activation": "With `--set activation=gelu_approximate` it can be written; its outputs then differ a little.",
}


def to_keras_hub(preset: str, folder: Path, tokenizer: bool = True, **changes) -> None:
    """A preset of KerasHub: the backbone, and the tokenizer unless it is not wanted.

    Raises:
        ValueError: as `zoo.presets.export_to_keras_hub` does, with what can be done in the shell.
    """
    from zoo.presets import export_to_keras_hub

    try:
        export_to_keras_hub(preset, folder, tokenizer=tokenizer, **changes)
    except ValueError as error:
        settings = (setting for setting in LACKING if f"{setting}: KerasHub has only" in str(error))
        advice = LACKING.get(next(settings, None), "")
        raise ValueError(f"{error}\n{advice}".rstrip()) from error


def to_huggingface(preset: str, folder: Path, tokenizer: bool = True, **changes) -> None:
    """A model folder of Hugging Face: the backbone, the head of a task, and the tokenizer unless it is not wanted."""
    from zoo.presets import export_to_huggingface

    export_to_huggingface(preset, folder, tokenizer=tokenizer, **changes)


def to_saved_model(preset: str, folder: Path, tokenizer: bool = True, **changes) -> None:
    """A SavedModel of a fine-tuned task, with the tokenizer inside unless it is not wanted.

    Raises:
        ValueError: if the preset is none of a fine-tuned task, or there is something at `folder` already.
    """
    from zoo.presets import task_class

    kind = task_class(preset)
    if kind is None:
        raise ValueError(
            "A SavedModel is made of a fine-tuned task, such as runs/.../preset of `zoo finetune`. "
            f"Received: preset={preset!r}, which has no head."
        )
    if changes:
        raise ValueError(f"A fine-tuned task is exported as it is. Received: --set {', '.join(changes)}")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"The folder must be new or empty. Received: folder={str(folder)!r}")
    task = kind.from_preset(preset)
    task.export(folder, verbose=False, input_signature=None if tokenizer else [task.input])


TARGETS: dict[str, Callable] = {
    "huggingface": to_huggingface,
    "keras-hub": to_keras_hub,
    "saved-model": to_saved_model,
}


def convert(preset: str, target: str, folder: Path, tokenizer: bool = True, **changes) -> None:
    """Write a preset in the form of another library.

    Args:
        preset: a name, a folder or a handle.
        target: a key of `TARGETS`.
        folder: path to write to.
        tokenizer: bool, whether the tokenizer goes with it.
        **changes: arguments of the backbone that replace those of the preset, as strings.

    Raises:
        ValueError: if there is no such target, or as its function does.
    """
    if target not in TARGETS:
        raise ValueError(f"`--to` must be one of {', '.join(TARGETS)}. Received: {target!r}")
    TARGETS[target](preset, folder, tokenizer=tokenizer, **changes)
