"""One check for every layer, and one for every task."""

import copy
import dataclasses
import pickle

import keras
import numpy as np
import pytest
from keras import ops

LOOSE = 3e-2  # bfloat16 keeps 8 bits, and a few operations lose some of them


def quick(values, *chosen):
    """The values as parameters of a test, all marked as slow but those that are chosen for the default run."""
    return [
        value
        if value in chosen
        else pytest.param(*(value if isinstance(value, tuple) else [value]), marks=pytest.mark.slow)
        for value in values
    ]


def numbers(tensor):
    """A tensor as a float32 array."""
    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")))


def count_without_memory(make):
    """Number of weights of the backbone that `make()` gives; its variables have shapes and no values."""
    return counts_without_memory([make])[0]


def counts_without_memory(makes):
    """What `count_without_memory` says for each of several, in less time than one after the other."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            return [make().count_params() for make in makes]
    finally:
        # Keras would make the values up for them when the next model is built.
        keras.utils.clear_session()


def check_layer(make, inputs, expected_shape, call_arguments=None, expect_every_gradient=True):
    """Build, run, serialize, save, lower the precision, and send a gradient to every weight.

    Args:
        make: function from keyword arguments (`dtype`, `name`) to a new layer.
        inputs: array, the first argument of the call.
        expected_shape: tuple, of the (first) output.
        call_arguments: dict, further arguments of the call.
        expect_every_gradient: bool, whether every weight must get a gradient that is not zero.
    """
    arguments = call_arguments or {}
    layer = make(name="layer")
    output = numbers(_first(layer(inputs, **arguments)))
    assert output.shape == expected_shape
    assert np.isfinite(output).all()
    _check_round_trip(layer, inputs, arguments, output)
    _check_half_precision(make, layer, inputs, arguments, output)
    if expect_every_gradient:
        _check_gradients(layer, inputs, arguments)


def check_task(task, answers, folder):
    """Save as a file of Keras, pickle and copy a task, without a warning: each gives the same answers.

    Args:
        task: a task with a tokenizer.
        answers: function from a task to what it says of some raw text: arrays, texts, or objects with numbers.
        folder: path, an empty folder.
    """
    expected = answers(task)
    task.save(folder / "task.keras")
    for each in (
        keras.models.load_model(folder / "task.keras"),
        pickle.loads(pickle.dumps(task)),
        copy.deepcopy(task),
    ):
        assert each.get_config() == task.get_config()
        assert each.tokenizer.get_vocabulary() == task.tokenizer.get_vocabulary()
        _assert_alike(answers(each), expected)


def _assert_alike(found, expected):
    if dataclasses.is_dataclass(expected):
        found, expected = vars(found), vars(expected)
    if isinstance(expected, dict):
        found, expected = ([each[name] for name in sorted(expected)] for each in (found, expected))
    if isinstance(expected, (list, tuple)):
        for each in zip(found, expected, strict=True):
            _assert_alike(*each)
    elif isinstance(expected, (float, np.ndarray)):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    else:
        assert found == expected


def _first(output):
    return output[0] if isinstance(output, (tuple, list)) else output


def _check_round_trip(layer, inputs, arguments, output):
    config = keras.layers.serialize(layer)
    copy = keras.layers.deserialize(config)
    assert keras.layers.serialize(copy) == config
    copy(inputs, **arguments)
    assert [tuple(weight.shape) for weight in copy.weights] == [tuple(weight.shape) for weight in layer.weights]
    copy.set_weights(layer.get_weights())
    np.testing.assert_allclose(numbers(_first(copy(inputs, **arguments))), output, atol=1e-6)


def _check_half_precision(make, layer, inputs, arguments, output):
    half = make(name="half", dtype="mixed_bfloat16")
    half(inputs, **arguments)
    assert all(weight.dtype == "float32" for weight in half.weights)
    half.set_weights(layer.get_weights())
    # Of the whole, not of each number: one that is the difference of larger ones has few bits left.
    difference = numbers(_first(half(inputs, **arguments))) - output
    assert np.linalg.norm(difference) <= LOOSE * np.linalg.norm(output)


def gradients(function, weights):
    """Gradients of the number that `function()` returns, on any backend, as arrays."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = function()
        found = tape.gradient(loss, [weight.value for weight in weights])
        return [None if each is None else np.asarray(tf.convert_to_tensor(each)) for each in found]
    if backend == "jax":
        import jax

        def of(values):
            with keras.StatelessScope(state_mapping=list(zip(weights, values, strict=True))):
                return function()

        return [np.asarray(each) for each in jax.grad(of)([weight.value for weight in weights])]
    loss = function()
    loss.backward()
    return [None if weight.value.grad is None else weight.value.grad.numpy() for weight in weights]


def _check_gradients(layer, inputs, arguments):
    def loss():
        output = ops.cast(_first(layer(inputs, **arguments)), "float32")
        # Not a plain sum: a normalization makes that constant.
        return ops.sum(ops.sin(output * 3.0 + ops.reshape(ops.arange(output.shape[-1], dtype="float32"), (-1,))))

    found = gradients(loss, layer.trainable_weights)
    silent = [
        weight.path
        for weight, gradient in zip(layer.trainable_weights, found, strict=True)
        if gradient is None or not np.any(np.abs(gradient) > 1e-9)
    ]
    assert not silent, f"no gradient reaches {silent}"
