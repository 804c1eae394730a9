"""Whether the weights of a preset find room in the memory of this machine, asked before they are made or fetched."""

from pathlib import Path

# What a container may use (version 2 of Linux's control groups); the machine may have more.
LIMIT_FILE = Path("/sys/fs/cgroup/memory.max")
# Arguments of a backbone that leave the number of its weights as it is.
NOT_OF_THE_SIZE = {"dropout", "activation", "name", "trainable"}
GIGABYTE = 1e9


def check_room(card, dtype, overrides=()) -> None:
    """Raise unless the weights that a card speaks of fit into memory that is free.

    Only what is certain is refused: the weights alone are counted, without activations and optimizer. Nothing is
    checked where Keras puts weights on an accelerator, whose own error says how much it has.

    Args:
        card: `zoo.cards.Card`, or None for a model without one, which is let through.
        dtype: a Keras dtype policy; Keras's global one when None. Weights of a quantized policy count a byte each.
        overrides: names of the arguments that replace those of the card; a model of another size is let through.

    Raises:
        MemoryError: if they do not fit, with what is needed, what is free, and what to do.
    """
    import keras

    if card is None or not NOT_OF_THE_SIZE.issuperset(overrides):
        return
    policy = keras.dtype_policies.get(dtype)
    bytes_each = 1 if policy.quantization_mode else _bytes_of(policy.variable_dtype)
    needed, free = card.parameter_count * bytes_each, available_bytes()
    if needed <= free or _has_accelerator():
        return
    half = f'`dtype="bfloat16"` ({card.parameter_count * 2 / GIGABYTE:,.1f} GB), ' if bytes_each > 2 else ""
    raise MemoryError(
        f"The weights of {card.name} need {needed / GIGABYTE:,.1f} GB of memory ({card.parameter_count:,} weights of "
        f"{bytes_each} bytes), and {free / GIGABYTE:,.1f} GB are free. Take {half}a smaller preset, as "
        f"`zoo.list_presets()` shows them, or a machine with more memory. Received: dtype={policy.name!r}"
    )


def available_bytes() -> int:
    """Bytes of main memory that this process can get without swapping, and is allowed to."""
    import psutil

    free = psutil.virtual_memory().available
    limit = LIMIT_FILE.read_text().strip() if LIMIT_FILE.is_file() else "max"
    return min(free, int(limit)) if limit.isdecimal() else free


def _bytes_of(dtype):
    import ml_dtypes  # noqa: F401  (teaches NumPy bfloat16)
    import numpy as np

    return np.dtype(dtype).itemsize


def _has_accelerator():
    import keras

    if keras.config.backend() == "torch":
        import torch

        return torch.cuda.is_available()
    return any(not device.startswith("cpu") for device in keras.distribution.list_devices())
