"""What all tests share: the random state, and small things to test with."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest

EAGERLY = {"run_eagerly": True}

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    # To make a graph faster takes longer than these small ones run.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(autouse=True)
def fixed_random_state():
    """Every test draws the same numbers, whichever tests ran before."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def global_policy():
    """A test that sets a precision does not set it for the next."""
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def eager():
    """For models so small that compiling their steps would take nearly all of the time.

    A test of the module that wants the compiled step, or trains for long, says `run_eagerly=False`. On JAX, where
    nothing is fast without compiling, all is as without the fixture.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    from zoo.tasks import Task

    compiled = Task.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Task, "compile", lambda self, *given, **named: compiled(self, *given, **{**EAGERLY, **named}))
        yield
