"""The two forms of GELU go by two names, because checkpoints differ in which they mean."""

import contextlib
import contextvars
import functools
import math

import keras
from keras import ops

_BY_ERF = contextvars.ContextVar("by_erf", default=False)


@contextlib.contextmanager
def gelu_by_erf():
    """Have the exact GELU computed by erf while this lasts, for a format that knows no erfc, such as ONNX.

    Keras's TensorFlow backend computes it by erfc, which keeps more digits of its small values below zero.
    """
    token = _BY_ERF.set(True)
    try:
        yield
    finally:
        _BY_ERF.reset(token)


def _exact_gelu(x):
    if not _BY_ERF.get():
        return keras.activations.gelu(x, approximate=False)
    return 0.5 * x * (1.0 + ops.erf(x * math.sqrt(0.5)))


_OWN = {
    "gelu": _exact_gelu,
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
