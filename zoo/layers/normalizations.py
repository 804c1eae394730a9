"""The two normalizations by name."""

import keras
from keras import ops


def normalization(kind: str, epsilon: float, **kwargs) -> keras.layers.Layer:
    """A normalization layer over the last axis, computed in float32.

    Args:
        kind: `"layer"` (Ba et al. 2016, arXiv 1607.06450) or `"rms"`, without mean and bias (Zhang &
            Sennrich 2019, arXiv 1910.07467, equation 4; T5).
        epsilon: float, added to the variance.
        **kwargs: `name` and `dtype` of the layer.

    Raises:
        ValueError: if `kind` is neither.
    """
    if kind not in _KINDS:
        raise ValueError(f"`normalization` must be one of {sorted(_KINDS)}. Received: normalization={kind!r}")
    return _KINDS[kind](epsilon=epsilon, **kwargs)


@keras.saving.register_keras_serializable(package="zoo")
class LayerNormalization(keras.layers.LayerNormalization):
    """Keras's layer with its gradient written out, which TensorFlow would make of seven times as many operations.

    In a small model these are much of the time to compile a training step, and some of a step's.
    """

    def call(self, inputs):
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        weights = (ops.cast(weight, dtype) for weight in (self.gamma, self.beta))
        return ops.cast(_standardized(ops.cast(inputs, dtype), *weights, self.epsilon), self.compute_dtype)


def _standardized(inputs, gamma, beta, epsilon):
    """`inputs`, float tensor (..., size), with mean `beta` and standard deviation `gamma`, both (size,)."""

    @ops.custom_gradient
    def forward(inputs, gamma, beta):
        centred = inputs - ops.mean(inputs, axis=-1, keepdims=True)
        scale = ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + epsilon)  # (..., 1)
        unit = centred * scale

        def backward(*given, upstream=None):
            upstream = given[0] if upstream is None else upstream
            others = tuple(range(len(inputs.shape) - 1))
            of_unit = upstream * gamma
            along = ops.mean(of_unit * unit, axis=-1, keepdims=True)
            of_inputs = scale * (of_unit - ops.mean(of_unit, axis=-1, keepdims=True) - unit * along)
            return of_inputs, ops.sum(upstream * unit, axis=others), ops.sum(upstream, axis=others)

        return unit * gamma + beta, backward

    return forward(inputs, gamma, beta)


_KINDS = {"layer": LayerNormalization, "rms": keras.layers.RMSNormalization}
