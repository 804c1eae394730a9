"""Which parts of a model are trained, to be written down and set again before the optimizer's state is loaded."""


def trained_parts(model) -> dict:
    """What of a model is not trained as a new one would be; what is as in a new one is left out.

    Returns:
        dict: `lora_ranks`, from the paths of layers to their ranks; `frozen_layers`, a list of paths.
    """
    layers = [layer for layer in model._flatten_layers(include_self=False) if layer.path]
    ranks = {layer.path: layer.lora_rank for layer in layers if getattr(layer, "lora_rank", None)}
    # Whole: LoRA freezes what is around the layers that it is in.
    frozen = [layer.path for layer in layers if not any(part.trainable for part in layer._flatten_layers())]
    return {name: found for name, found in (("lora_ranks", ranks), ("frozen_layers", frozen)) if found}


def set_trained_parts(model, lora_ranks: dict, frozen_layers: list, where: str) -> None:
    """Set what `trained_parts` found; layers that were frozen whole stay so.

    Args:
        model: a built Keras model.
        lora_ranks: dict from the paths of layers to their ranks.
        frozen_layers: list of paths of layers.
        where: str, file that they come from, for errors.

    Raises:
        ValueError: if the model has no such layer.
    """
    layers = {layer.path: layer for layer in model._flatten_layers(include_self=False)}
    unknown = sorted({*lora_ranks, *frozen_layers} - layers.keys())
    if unknown:
        raise ValueError(f"The layers that {where} says are frozen or have LoRA must be there. Received: {unknown}")
    for path, rank in lora_ranks.items():
        layers[path].enable_lora(rank)
    for path in frozen_layers:
        layers[path].trainable = False
