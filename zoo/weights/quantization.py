"""Which layers of a model are quantized, to be written down and to be done again before their weights are loaded."""

import contextlib
import gc
import warnings


def quantized_layers(model, skip=()) -> dict[str, str]:
    """The mode (`"int8"`, ...) of every layer of a model that is quantized, by its path.

    Args:
        model: a Keras model.
        skip: models inside it whose layers are left out.
    """
    left_out = {id(layer) for each in skip for layer in each._flatten_layers()}
    layers = (layer for layer in model._flatten_layers() if id(layer) not in left_out)
    return {layer.path: layer.quantization_mode for layer in layers if layer.quantization_mode is not None}


def quantize_layers(model, modes: dict[str, str], where: str) -> None:
    """Quantize layers of a model.

    Args:
        model: a built Keras model.
        modes: dict from the path of a layer to its mode.
        where: str, file that they come from, for errors.

    Raises:
        ValueError: if the model has no such layer, or it cannot be quantized so.
    """
    layers = {layer.path: layer for layer in model._flatten_layers()}
    problems = [f"{path}: no such layer" for path in modes if path not in layers]
    with quantizing():
        for path, mode in modes.items() if not problems else ():
            try:
                layers[path].quantize(mode)
            except (NotImplementedError, ValueError, TypeError) as error:
                problems.append(f"{path}: {error}")
    if problems:
        raise ValueError(
            f"The layers that {where} says are quantized do not fit the model:\n  " + "\n  ".join(problems)
        )


def modes_of_policy(policy) -> dict[str, str]:
    """The modes that a saved `DTypePolicyMap` holds, by the paths of layers; none of any other policy.

    Args:
        policy: what a saved configuration holds as `dtype`.
    """
    if not isinstance(policy, dict) or policy.get("class_name") != "DTypePolicyMap":
        return {}
    policies = policy["config"].get("policy_map") or {}
    found = {path: (each.get("config") or {}).get("mode") for path, each in policies.items()}
    return {path: mode for path, mode in found.items() if mode is not None}


@contextlib.contextmanager
def quantizing():
    """While a model is quantized: without a warning for every layer that has nothing to quantize, and without delay.

    Keras has Python look for garbage once a layer, through all objects of the process, which takes nearly all of the
    time for a small model. What is there before is no garbage, and is passed over.
    """
    gc.freeze()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Layer .* does not have a `quantize` method implemented")
            yield
    finally:
        gc.unfreeze()
