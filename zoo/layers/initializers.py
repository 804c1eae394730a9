"""How the parts share out initializers among their weights."""

import keras


def initializer_for(spec, name: str):
    """A fresh initializer for the weight called `name`.

    Args:
        spec: anything `keras.initializers.get` takes, or a dict from weight names to such things.
        name: str, the weight's name.

    Returns:
        A `keras.initializers.Initializer` of its own, so that no two weights draw the same numbers.
    """
    if isinstance(spec, dict) and "class_name" not in spec:
        spec = spec[name]
    initializer = keras.initializers.get(spec)
    if isinstance(initializer, keras.initializers.Initializer):
        return initializer.clone()
    return initializer
