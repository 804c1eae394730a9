"""What float16 cannot hold. It ends at 65,504, and infinity minus infinity is no number.

bfloat16 and float32 reach far enough, and pass through here as they are.
"""

import keras
from keras import ops

_GREATEST = 65504.0


def _is_half(tensor):
    return keras.backend.standardize_dtype(tensor.dtype) == "float16"


def finite(tensor):
    """`tensor`, in float16 with its greatest numbers in the place of infinities, as `transformers` keeps T5 finite."""
    return ops.clip(tensor, -_GREATEST, _GREATEST) if _is_half(tensor) else tensor


def in_type_of(bias, scores):
    """The float32 `bias` in the type of `scores`; what is too low for it is its lowest number."""
    return ops.cast(ops.maximum(bias, -_GREATEST) if _is_half(scores) else bias, scores.dtype)
