"""How a layer builds its parts."""

import keras

from zoo.layers.initializers import initializer_for


def build_once(part, *shapes) -> None:
    """Build a layer unless it is built: a part may be shared, or come built out of a saved configuration."""
    if part is not None and not part.built:
        part.build(*shapes)


def build_dense(owner, name: str, units: int, input_shape):
    """A built dense layer of `owner`, with the owner's `use_bias`, `kernel_initializer` (by name) and precision."""
    dense = keras.layers.Dense(
        units,
        use_bias=owner.use_bias,
        kernel_initializer=initializer_for(owner.kernel_initializer, name),
        dtype=owner.dtype_policy,
        name=name,
    )
    dense.build(input_shape)
    return dense
