"""Keras weight files (`.weights.h5`, whole or in shards), loaded with nothing missing and nothing unused."""

import contextlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

MAX_LISTED = 20
OPTIMIZER = "optimizer/"


def load_weights(model, path: str | Path, skip: Sequence = ()) -> None:
    """Load a weight file into a built Keras model, strictly.

    The file is compared with the model before any weight changes. The state of an optimizer, which Keras
    writes beside the weights of a compiled model, is left out of the comparison and is not loaded.

    Args:
        model: a built Keras model or layer.
        path: file ending in `.weights.h5`, or in `.weights.json` for shards lying beside it.
        skip: layers whose weights are in another file.

    Raises:
        ValueError: if the file cannot be read, or lists, by name, every weight that is missing, unused or
            of another shape.
    """
    import keras

    path = Path(path)
    skipped = _skipped(model, skip)
    expected = _model_shapes(model, skipped)
    received = _file_shapes(path)
    _compare(expected, received, path)
    try:
        with _instead_of(model, "load_own_variables", _load_in_type):
            keras.saving.load_weights(model, str(path), objects_to_skip=skipped)
    except Exception as error:
        raise ValueError(_unreadable(path, error)) from error


def save_weights(model, path: str | Path, skip: Sequence = ()) -> None:
    """Save the weights of a built Keras model without the state of its optimizer.

    Args:
        model: a built Keras model or layer.
        path: file ending in `.weights.h5`.
        skip: layers whose weights are in another file.
    """
    import keras

    keras.saving.save_weights(model, str(path), objects_to_skip=_skipped(model, skip))


def _skipped(model, skip):
    optimizer = getattr(model, "optimizer", None)
    return [layer for top in skip for layer in top._flatten_layers()] + ([] if optimizer is None else [optimizer])


def _compare(expected, received, path):
    missing = [f"missing: {name} {shape}" for name, shape in expected.items() if name not in received]
    unused = [f"unused: {name} {shape}" for name, shape in received.items() if name not in expected]
    wrong = [
        f"wrong shape: {name}: expected {shape}. Received: {received[name]}"
        for name, shape in expected.items()
        if name in received and received[name] != shape
    ]
    problems = missing + unused + wrong
    if problems:
        more = [f"and {len(problems) - MAX_LISTED} more"] if len(problems) > MAX_LISTED else []
        raise ValueError(
            f"The weight file {path} does not fit the model ({len(missing)} missing, {len(unused)} unused, "
            f"{len(wrong)} of another shape):\n  " + "\n  ".join(problems[:MAX_LISTED] + more) + "\nBuild the "
            "model with the arguments that the weights were saved with."
        )


def _unreadable(path, error):
    return (
        f"The weight file {path} is corrupt or was cut short: {error}. Save or download it again; "
        "a shipped preset comes back with a reinstall."
    )


def _file_shapes(path):
    """Shapes of the weights in a file or its shards, by their path inside."""
    import h5py

    shapes = {}

    def note(name, item):
        # A damaged name arrives as bytes.
        if isinstance(item, h5py.Dataset) and not (name := str(name)).startswith(OPTIMIZER):
            shapes[name] = item.shape

    for part in _parts(path):
        try:
            with h5py.File(part, "r") as file:
                file.visititems(note)
        except FileNotFoundError as error:
            raise ValueError(f"The weight file {part} is missing. Save or download the preset again.") from error
        except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            raise ValueError(_unreadable(part, error)) from error
    return shapes


def _parts(path):
    if path.suffix == ".h5":
        return [path]
    try:
        weight_map = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        listed = weight_map.values()
        names = {name for value in listed for name in (value if isinstance(value, list) else [value])}
        if not all(name.endswith(".h5") and Path(name).name == name for name in names):
            raise ValueError(f"names of shards beside it were expected. Received: {sorted(names)}")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(_unreadable(path, error)) from error
    return [path.with_name(name) for name in sorted(names)]


def _model_shapes(model, skipped):
    """Shapes of the weights of a model, by the path that Keras gives them in a file.

    Only Keras knows the paths, so it is made to write the file, of empty arrays: a weight (h, w) is
    written as (0, h, w).
    """
    import keras

    with tempfile.TemporaryDirectory() as folder, _instead_of(model, "save_own_variables", _save_only_shapes):
        path = Path(folder) / "layout.weights.h5"
        keras.saving.save_weights(model, str(path), objects_to_skip=skipped)
        return {name: shape[1:] if shape[:1] == (0,) else shape for name, shape in _file_shapes(path).items()}


def _save_only_shapes(layer, save_own_variables):
    def save(store):
        own = {}
        save_own_variables(own)
        # A quantized layer may say None for a part that it does not use.
        for key, value in own.items():
            if value is not None:
                store[key] = np.empty((0, *value.shape), "float32")

    return save


def _load_in_type(layer, load_own_variables):
    """Each weight is read in its own type; JAX would convert later, and hold all until then."""

    def load(store):
        load_own_variables(_StoreInType(store, _types(layer)))

    return load


def _types(layer):
    import keras

    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    return {keras.backend.standardize_dtype(weight.dtype) for weight in own}


class _StoreInType:
    """What Keras reads a layer's weights from, with floats in the type of the layer's weights, if that is one.

    Args:
        store: Keras's.
        dtypes: set of the types of the weights of the layer.
    """

    def __init__(self, store, dtypes):
        self._store = store
        self._dtype = np.dtype(*dtypes) if dtypes in ({"bfloat16"}, {"float16"}) else None

    def __getitem__(self, key):
        value = self._store[key]
        is_wider = self._dtype is not None and value.dtype in (np.float32, np.float64)
        return value.astype(self._dtype) if is_wider else value

    def __len__(self):
        return len(self._store)

    def __contains__(self, key):
        return key in self._store

    def __getattr__(self, name):
        return getattr(self._store, name)


@contextlib.contextmanager
def _instead_of(model, method, replacement):
    """While this lasts, every layer of a model has `replacement(layer, method)` for a method of its."""
    layers = model._flatten_layers()
    layers = list({id(layer): layer for layer in layers}.values())
    try:
        for layer in layers:
            setattr(layer, method, replacement(layer, getattr(layer, method)))
        yield
    finally:
        for layer in layers:
            vars(layer).pop(method, None)
