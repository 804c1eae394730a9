"""The two forms of GELU go by two names, because checkpoints differ in which they mean."""

import functools

import keras

_OWN = {
    "gelu": functools.partial(keras.activations.gelu, approximate=False),
    "gelu_approximate": functools.partial(keras.activations.gelu, approximate=True),
}


def activation(name: str):
    """Return the activation function called `name`.

    `"gelu"` is the exact form `x * Phi(x)` computed with erf (BERT, BART), `"gelu_approximate"` the tanh
    form (ALBERT, T5 1.1); both are Hendrycks & Gimpel (2016), arXiv 1606.08415, section 2. Every other
    name is looked up in `keras.activations`.

    Args:
        name: str, such as `"gelu"`, `"gelu_approximate"`, `"relu"`, `"silu"` or `"tanh"`.

    Returns:
        A function from a tensor to a tensor of the same shape.

    Raises:
        ValueError: if no activation has this name.
    """
    if name in _OWN:
        return _OWN[name]
    try:
        return keras.activations.get(name)
    except ValueError as error:
        raise ValueError(
            "`activation` must be 'gelu', 'gelu_approximate' or a name that `keras.activations.get` knows. "
            f"Received: activation={name!r}"
        ) from error
