"""What all tests share: the random state, and small things to test with."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest


@pytest.fixture(autouse=True)
def fixed_random_state():
    """Every test draws the same numbers, whichever tests ran before."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def global_policy():
    """A test that sets a precision does not set it for the next."""
    yield
    keras.config.set_dtype_policy("float32")
