"""Checks of a backbone: of its arguments, before it makes a weight, and of the tokenizer beside it."""

import difflib
import numbers
from collections.abc import Iterable, Sequence

OF_A_MODEL = ("name", "trainable")  # arguments that every Keras model takes


def check_backbone_arguments(arguments: dict, others: dict, may_be_zero: Sequence[str] = ()) -> None:
    """Raise an error unless a backbone can be made with its arguments.

    Args:
        arguments: dict, what the architecture is to be made with.
        others: dict, what else was given.
        may_be_zero: names of numbers that may be 0 too.

    Raises:
        TypeError: if others than the arguments of a Keras model were given.
        ValueError: if a size or a number of things is no positive integer, an epsilon is not above 0, or an activation
            is no name.
    """
    check_others("A backbone", others, arguments)
    wrong = {
        name: value
        for name, value in arguments.items()
        if _is_size(name) and not _is_positive(value) and not (name in may_be_zero and value == 0)
    }
    if wrong:
        received = ", ".join(f"{name}={size!r}" for name, size in wrong.items())
        raise ValueError(f"The sizes of a backbone must be positive integers. Received: {received}")
    for name, value in arguments.items():
        if name.endswith("activation") and not isinstance(value, str):
            raise ValueError(f"`{name}` must be a str, such as 'gelu'. Received: {name}={value!r}")
        if name == "epsilon" and not value > 0:
            raise ValueError(f"`epsilon` must be above 0. Received: epsilon={value!r}")


def check_others(what: str, others: Iterable[str], known: Iterable[str]) -> None:
    """Raise a TypeError if arguments that go on to Keras are none of a Keras model's, which it would pass over.

    Args:
        what: str, what takes them, such as `"A backbone"`.
        others: names of the arguments.
        known: names of what was taken already, to be proposed for a misspelt one.
    """
    for name in others:
        if name not in OF_A_MODEL:
            nearest = difflib.get_close_matches(name, [*known, *OF_A_MODEL], n=1)
            hint = f" Did you mean `{nearest[0]}`?" if nearest else ""
            raise TypeError(f"{what} of this kind has no argument of that name. Received: {name}=...{hint}")


def check_heads(num_heads: int, hidden_dim: int) -> None:
    """Raise a ValueError unless the heads share `hidden_dim` evenly."""
    if hidden_dim % num_heads:
        raise ValueError(
            f"`num_heads` must divide `hidden_dim`. Received: num_heads={num_heads}, hidden_dim={hidden_dim}"
        )


def check_vocabulary(backbone, tokenizer) -> None:
    """Raise a ValueError if the tokenizer has pieces that the backbone has no embedding for."""
    if tokenizer.vocabulary_size() > backbone.vocabulary_size:
        raise ValueError(
            "The backbone must have an embedding for every piece of the tokenizer. Received: "
            f"tokenizer.vocabulary_size()={tokenizer.vocabulary_size()}, "
            f"backbone.vocabulary_size={backbone.vocabulary_size}. Build them of one vocabulary."
        )


def _is_size(name) -> bool:
    return name.startswith("num_") or name.endswith(("_size", "_dim", "_length"))


def _is_positive(size) -> bool:
    return isinstance(size, numbers.Integral) and not isinstance(size, bool) and size > 0
