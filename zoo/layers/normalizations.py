"""The two normalizations by name."""

import keras

_KINDS = {"layer": keras.layers.LayerNormalization, "rms": keras.layers.RMSNormalization}


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
