"""Weights and the files around them: read strictly, written whole or not at all."""

from zoo.weights.configuration import deserialize, read_configuration
from zoo.weights.files import bytes_to_save, verify, writing_folder
from zoo.weights.keras_weights import load_weights, save_weights
from zoo.weights.strict_json import read_json, to_dataclass

__all__ = [
    "bytes_to_save",
    "deserialize",
    "load_weights",
    "read_configuration",
    "read_json",
    "save_weights",
    "to_dataclass",
    "verify",
    "writing_folder",
]
