"""Weights and the files around them: read strictly, written whole or not at all."""

from zoo.weights.configuration import deserialize, read_configuration
from zoo.weights.files import size_in_bytes, verify, writing_folder
from zoo.weights.keras_weights import load_weights

__all__ = ["deserialize", "load_weights", "read_configuration", "size_in_bytes", "verify", "writing_folder"]
