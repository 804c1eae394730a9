"""Checks of a backbone: of its arguments, before it makes a weight, and of the tokenizer beside it."""

from collections.abc import Sequence


def check_backbone_arguments(arguments: dict, may_be_zero: Sequence[str] = ()) -> None:
    """Raise a ValueError unless all sizes and numbers of things in `arguments` are positive integers.

    Args:
        arguments: dict, what a backbone is to be made with.
        may_be_zero: names of numbers that may be 0 too.
    """
    wrong = {
        name: value
        for name, value in arguments.items()
        if _is_size(name) and not _is_positive(value) and not (name in may_be_zero and value == 0)
    }
    if wrong:
        received = ", ".join(f"{name}={size!r}" for name, size in wrong.items())
        raise ValueError(f"The sizes of a backbone must be positive integers. Received: {received}")


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
    try:
        return not isinstance(size, bool) and int(size) == size and size > 0
    except (TypeError, ValueError):
        return False
