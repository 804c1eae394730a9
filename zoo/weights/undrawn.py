"""Models whose weights will be loaded, built without drawing random numbers and without memory for them."""

import contextlib
import threading
from collections.abc import Iterator

# Those of Keras that draw; its others are made of these.
DRAWING = ("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal")
_BUILDING = threading.RLock()


class Undrawn:
    """The weights of a model that were not drawn, with what each would have been drawn from."""

    def __init__(self):
        self._initializers = {}
        self._shared = {}

    def draw(self, weight) -> None:
        """Draw a weight now, as it would have been drawn when the model was built.

        Args:
            weight: Keras variable, of a model that was built in `without_drawing`; another is left as it is.
        """
        if id(weight) in self._initializers:
            # The variable is kept beside its initializer, so that its id stays its own.
            _, initializer = self._initializers.pop(id(weight))
            weight.assign(initializer(tuple(weight.shape), dtype=weight.dtype))

    def _note(self, weight, initializer):
        self._initializers[id(weight)] = weight, initializer

    def _reserve(self, shape, dtype=None, **named):
        """A tensor that takes no memory until it is written to, or as little as the backend can; never to be read."""
        import keras

        shape = tuple(shape)
        backend = keras.backend.backend()
        if keras.distribution.distribution() is not None:
            return keras.ops.zeros(shape, dtype)
        if backend == "tensorflow":
            import tensorflow as tf

            return tf.raw_ops.Empty(shape=shape, dtype=dtype, init=False)
        if backend == "jax":
            return self._share(shape, dtype)
        return keras.ops.empty(shape, dtype)

    def _share(self, shape, dtype):
        """One array for all weights of a shape: arrays of JAX do not change, weights are given others."""
        import jax

        if (shape, dtype) not in self._shared:
            with jax.ensure_compile_time_eval():
                self._shared[shape, dtype] = jax.numpy.zeros(shape, dtype)
        return self._shared[shape, dtype]


@contextlib.contextmanager
def without_drawing() -> Iterator[Undrawn]:
    """Build a model in this context if each of its weights will be loaded, or drawn with what the context gives.

    Weights that a layer asks for with an initializer that draws have no value afterwards that may be read; those that
    begin as zeros or ones have it. Other threads, and what they build, are not concerned.

    Yields:
        `Undrawn`.
    """
    import keras

    undrawn, thread = Undrawn(), threading.get_ident()
    with _BUILDING:
        add_weight = keras.Layer.add_weight
        drawing = tuple(getattr(keras.initializers, name) for name in DRAWING)

        def add_undrawn(layer, *positional, **named):
            initializer = keras.initializers.get(named.get("initializer"))
            if threading.get_ident() != thread or not isinstance(initializer, drawing):
                return add_weight(layer, *positional, **named)
            weight = add_weight(layer, *positional, **{**named, "initializer": undrawn._reserve})
            undrawn._note(weight, initializer)
            return weight

        keras.Layer.add_weight = add_undrawn
        try:
            yield undrawn
        finally:
            keras.Layer.add_weight = add_weight
            undrawn._shared.clear()
