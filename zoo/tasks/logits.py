"""Losses and metrics as a user names them, made right for outputs that are logits."""

# Keras's classes by their names in small letters; of its functions these are the names without `_`.
CROSSENTROPIES = {
    name.lower(): name
    for name in (
        "BinaryCrossentropy",
        "BinaryFocalCrossentropy",
        "CategoricalCrossentropy",
        "CategoricalFocalCrossentropy",
        "SparseCategoricalCrossentropy",
    )
} | {"bce": "BinaryCrossentropy"}
OF_PROBABILITIES = ("categoricalgeneralizedcrossentropy", "dice", "kld", "kldivergence", "poisson", "tversky")
# The cross-entropy that goes with the labels, here numbers of classes.
BY_LABELS = ("ce", "crossentropy")


def of_logits(given, of, reduction=None):
    """Losses or metrics, in whatever structure `compile` takes them, so that they read logits.

    Keras's cross-entropies take probabilities unless they are told; of logits they make a number, but a wrong one, and
    the model learns little. Here each is made anew with `from_logits=True`. All else stays as it is.

    Args:
        given: a name, a function, an object, None, or a (nested) list or dict of these.
        of: `keras.losses` or `keras.metrics`, what they are.
        reduction: str, that of losses which are not objects; Keras's own when None.

    Raises:
        ValueError: if one needs probabilities and cannot be told that it is given logits, such as `"kl_divergence"`.

    Example:

    >>> import keras
    >>> from zoo.tasks.logits import of_logits
    >>> of_logits("sparse_categorical_crossentropy", keras.losses).get_config()["from_logits"]
    True
    """
    if isinstance(given, dict):
        return {name: of_logits(each, of, reduction) for name, each in given.items()}
    if isinstance(given, (list, tuple)):
        return [of_logits(each, of, reduction) for each in given]
    name = _plain_name(given, of)
    if name in OF_PROBABILITIES:
        raise ValueError(
            f"A loss or metric of this task is given logits; this one takes probabilities. Received: {given!r}. Leave "
            "it out, name a cross-entropy, such as 'sparse_categorical_crossentropy', or give a function of your own "
            "that takes `keras.ops.softmax` of the outputs."
        )
    kind = getattr(of, CROSSENTROPIES.get(name, ""), None)
    if kind is None:
        return given
    if isinstance(given, kind):
        config = {"dtype": given.dtype, **given.get_config()}
        return given if config.get("from_logits") else kind(**{**config, "from_logits": True})
    return kind(from_logits=True, **({"reduction": reduction} if reduction else {}))


def _plain_name(given, of) -> str:
    """The name of one of Keras's own losses or metrics, in small letters without `_`; otherwise an empty one."""
    if isinstance(given, str):
        name = given.replace("_", "").lower()
        return "sparsecategoricalcrossentropy" if name in BY_LABELS else name
    name = getattr(given, "__name__", type(given).__name__)
    own = getattr(of, name, None)
    return name.replace("_", "").lower() if own is not None and (given is own or type(given) is own) else ""
