"""Weights of `transformers` models, put into ours by a table of places."""

KINDS = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias", "embeddings": "weight",
         "scale": "weight", "reverse_embeddings": "weight"}  # fmt: skip


def copy_weights(weights, model, where):
    """Copy a `transformers` model into Keras weights; give back the names of what was not copied.

    Args:
        weights: list of Keras variables.
        model: the reference model.
        where: dict from the path of one of our layers to the name of theirs.
    """
    state = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    for weight in weights:
        place, kind = weight.path.rsplit("/", 1)
        if kind == "reverse_embeddings":
            place = f"{place}/reverse"
        value = state.pop(f"{where[place]}.{KINDS[kind]}")
        weight.assign(value.T if kind in ("kernel", "reverse_embeddings") else value)
    return set(state)
