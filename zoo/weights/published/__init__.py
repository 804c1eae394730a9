"""The name tables of published models: one page an architecture, by the `model_type` of Hugging Face."""

from pathlib import Path

from zoo.weights.checkpoints import Checkpoint
from zoo.weights.configuration import check_arguments
from zoo.weights.files import CONFIG_FILE
from zoo.weights.name_table import NameTable
from zoo.weights.published.albert import ALBERT
from zoo.weights.published.bart import BART
from zoo.weights.published.bert import BERT
from zoo.weights.published.released import read_released, released_config, released_tokenizer, released_vocabulary
from zoo.weights.published.t5 import T5
from zoo.weights.published.tokenizers import byte_pair, word_piece
from zoo.weights.strict_json import read_json
from zoo.weights.tensorflow_checkpoint import TensorFlowCheckpoint

__all__ = [
    "ALBERT",
    "BART",
    "BERT",
    "T5",
    "load_published",
    "load_published_tokenizer",
    "published_table",
    "released_vocabulary",
]

TABLES = {"albert": ALBERT, "bart": BART, "bert": BERT, "t5": T5}

# Those of the others, for which KerasHub's are taken, follow other rules.
TOKENIZERS = {"bart": byte_pair, "bert": word_piece}


def published_table(folder: Path) -> NameTable | None:
    """The name table of a model folder of Hugging Face, or of Google's BERT or ALBERT as they were released.

    None if it is no such folder, or of a model that has none.
    """
    _, configuration = _read_configuration(folder)
    return None if "registered_name" in configuration else TABLES.get(configuration.get("model_type"))


def load_published(folder: Path, load_weights: bool = True, dtype=None, **overrides):
    """A backbone from a model folder of Hugging Face, or from one of Google's with a TensorFlow checkpoint.

    Args:
        folder: `Path` that `published_table` knows.
        load_weights: bool, False for random weights.
        dtype: a Keras dtype policy.
        **overrides: arguments of the backbone that replace those of the folder, such as `dropout`.

    Raises:
        ValueError: if the configuration holds what we do not implement, or the weights do not fit; all is listed.
    """
    import zoo.models

    path, configuration = _read_configuration(folder)
    table = published_table(folder)
    kind = getattr(zoo.models, table.architecture)
    arguments = {**table.read_arguments(configuration, str(path)), **overrides}
    check_arguments(kind, arguments, path)
    checkpoint = _checkpoint(folder, configuration) if load_weights else None
    backbone = kind(**arguments, dtype=dtype)
    if load_weights:
        table.load(backbone, checkpoint)
    return backbone


def load_published_tokenizer(folder: Path):
    """The tokenizer of a folder that `published_table` knows, or None if this package has none for it.

    Raises:
        ValueError: if its files are absent or damaged, or ask for what is not implemented.
    """
    if released_config(folder) is not None:
        return released_tokenizer(folder)
    make = TOKENIZERS.get(read_json(folder / CONFIG_FILE)["model_type"])
    return None if make is None else make(folder)


def _read_configuration(folder):
    """Path and content of the configuration in a folder; no content if there is none."""
    released = released_config(folder)
    if released is not None:
        return released, read_released(released)
    path = folder / CONFIG_FILE
    return path, read_json(path) if path.is_file() else {}


def _checkpoint(folder, configuration):
    if released_config(folder) is not None:
        return TensorFlowCheckpoint(folder, configuration["model_type"])
    return Checkpoint(folder)
