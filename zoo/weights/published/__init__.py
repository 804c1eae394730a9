"""The name tables of published models: one page an architecture, by the `model_type` of Hugging Face."""

from pathlib import Path

from zoo.weights.checkpoints import Checkpoint
from zoo.weights.configuration import check_arguments
from zoo.weights.files import CONFIG_FILE
from zoo.weights.name_table import NameTable
from zoo.weights.published.albert import ALBERT
from zoo.weights.published.bart import BART
from zoo.weights.published.bert import BERT
from zoo.weights.published.t5 import T5
from zoo.weights.published.tokenizers import byte_pair, word_piece
from zoo.weights.strict_json import read_json

TABLES = {"albert": ALBERT, "bart": BART, "bert": BERT, "t5": T5}

# Those of the others, for which KerasHub's are taken, follow other rules.
TOKENIZERS = {"bart": byte_pair, "bert": word_piece}


def published_table(folder: Path) -> NameTable | None:
    """The name table of a model folder of Hugging Face; None if it is no such folder, or of a model that has none."""
    path = folder / CONFIG_FILE
    configuration = read_json(path) if path.is_file() else {}
    return None if "registered_name" in configuration else TABLES.get(_model_type(configuration))


def _model_type(configuration):
    """What it calls itself; the configurations of the first BERTs, Google's own, have the key of a BERT and no name."""
    if "model_type" not in configuration and "type_vocab_size" in configuration:
        return None if "embedding_size" in configuration else "bert"
    return configuration.get("model_type")


def load_published(folder: Path, load_weights: bool = True, dtype=None, **overrides):
    """A backbone from a model folder of Hugging Face.

    Args:
        folder: `Path` that `published_table` knows.
        load_weights: bool, False for random weights.
        dtype: a Keras dtype policy.
        **overrides: arguments of the backbone that replace those of the folder, such as `dropout`.

    Raises:
        ValueError: if `config.json` holds what we do not implement, or the weights do not fit; all problems are listed.
    """
    import zoo.models

    path = folder / CONFIG_FILE
    table = published_table(folder)
    kind = getattr(zoo.models, table.architecture)
    arguments = {**table.read_arguments(read_json(path), str(path)), **overrides}
    check_arguments(kind, arguments, path)
    checkpoint = Checkpoint(folder) if load_weights else None
    backbone = kind(**arguments, dtype=dtype)
    if load_weights:
        table.load(backbone, checkpoint)
    return backbone


def load_published_tokenizer(folder: Path):
    """The tokenizer of a model folder of Hugging Face, or None if this package has none for it.

    Raises:
        ValueError: if its files are absent or damaged, or ask for what is not implemented.
    """
    make = TOKENIZERS.get(_model_type(read_json(folder / CONFIG_FILE)))
    return None if make is None else make(folder)
