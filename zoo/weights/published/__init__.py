"""Model folders of Hugging Face, and Google's: the name tables, a page an architecture, and what is read by them."""

import dataclasses
import math
import os
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from types import MappingProxyType

from zoo.weights.checkpoints import Checkpoint
from zoo.weights.configuration import check_arguments
from zoo.weights.files import CONFIG_FILE, GENERATION_FILE
from zoo.weights.loading import has_extras, load_checkpoint
from zoo.weights.name_table import Head, NameTable
from zoo.weights.published.albert import ALBERT
from zoo.weights.published.bart import BART, MBART
from zoo.weights.published.bert import BERT, ERNIE, ERNIE_OF_TASKS
from zoo.weights.published.distilbert import DISTILBERT
from zoo.weights.published.electra import ELECTRA, SMALL_ELECTRA
from zoo.weights.published.heads import refusal
from zoo.weights.published.released import read_released, released_config, released_tokenizer, released_vocabulary
from zoo.weights.published.roberta import PRE_NORM, ROBERTA
from zoo.weights.published.sentence_transformers import SentenceHead, makes_vectors, sentence_head
from zoo.weights.published.t5 import MT5, T5
from zoo.weights.published.tokenizers import read_tokenizer
from zoo.weights.published.writing import write_published
from zoo.weights.settings import read_arguments
from zoo.weights.strict_json import read_json
from zoo.weights.tensorflow_checkpoint import TensorFlowCheckpoint
from zoo.weights.undrawn import without_drawing

__all__ = [
    "ALBERT",
    "BART",
    "BERT",
    "T5",
    "export_to_huggingface",
    "load_published",
    "load_published_tokenizer",
    "published_head",
    "published_table",
    "released_vocabulary",
]

# By `model_type`; several where `config.json` decides, each of which says what it is for.
TABLES = {
    "bert": (BERT,),
    "roberta": (ROBERTA,),
    "roberta-prelayernorm": (PRE_NORM,),
    "distilbert": (DISTILBERT,),
    "electra": (ELECTRA, SMALL_ELECTRA),
    "ernie": (ERNIE, ERNIE_OF_TASKS),
    "albert": (ALBERT,),
    "bart": (BART,),
    "mbart": (MBART,),
    "t5": (T5,),
    "mt5": (MT5,),
}


def published_table(folder: Path) -> NameTable | None:
    """The name table of a model folder of Hugging Face, or of Google's BERT or ALBERT as they were released.

    None if it is no such folder, or of a model that has none.
    """
    _, config = _read_config(folder)
    if "registered_name" in config:
        return None
    return next((table for table in TABLES.get(str(config.get("model_type")), ()) if table.suits(config)), None)


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

    path, config = _read_config(folder)
    table = published_table(folder)
    kind = getattr(zoo.models, table.architecture)
    arguments = {**read_arguments(table, config, str(path)), **overrides}
    check_arguments(kind, arguments, path)
    if not load_weights:
        return kind(**arguments, dtype=dtype)
    checkpoint = _checkpoint(folder, config)
    with without_drawing() as undrawn:
        backbone = kind(**arguments, dtype=dtype)
    for weight in load_checkpoint(table, backbone.weights, checkpoint, arguments, config):
        undrawn.draw(weight)
    return backbone


@dataclasses.dataclass(frozen=True)
class PublishedHead:
    """The head of a task in a model folder of Hugging Face.

    Attributes:
        folder: `Path`.
        head: `Head`, how it is written down.
        arguments: dict, what the task is made with.
    """

    folder: Path
    head: Head
    arguments: dict

    def load(self, task) -> None:
        """Put the weights of the head into a task whose backbone has its own already; errors as `load_checkpoint`."""
        path, config = _read_config(self.folder)
        table = published_table(self.folder)
        arguments = read_arguments(table, config, str(path))
        checkpoint = _checkpoint(self.folder, config)
        load_checkpoint(table, task.weights, checkpoint, arguments, config, head=self.head, skip=task.backbone.weights)


def published_head(
    folder: Path, task: str, load_weights: bool = True, given: Mapping = MappingProxyType({})
) -> PublishedHead | SentenceHead | None:
    """The head that a model folder of Hugging Face has for a task, or None.

    Args:
        folder: `Path` that `published_table` knows.
        task: str, the class of `zoo.tasks`.
        load_weights: bool, whether its weights will be asked for.
        given: arguments of the task that somebody gave.

    Raises:
        ValueError: if there is one that cannot be taken over.
    """
    if task == "TextEmbedder":
        return sentence_head(folder, **({"pooling": given["pooling"]} if "pooling" in given else {}))
    path, config = _read_config(folder)
    table = published_table(folder)
    head = table.published_head(config, task)
    if head is None:
        return None
    reason = refusal(head, config, read_arguments(table, config, str(path)).get("activation"))
    if reason is not None:
        if {"num_classes", "class_names"} & set(given):
            return None
        classes = {"TextClassifier": "say how many classes there are (`num_classes=...`)"}
        instead = classes.get(task, f"load the backbone and give it to `zoo.{task}`")
        raise ValueError(
            f"{folder} holds a {config['architectures'][0]}, which cannot become a {task}: {reason}. For a new head on "
            f"its backbone {instead}."
        )
    arguments = head.arguments(config)
    if load_weights and has_extras(table, head, _checkpoint(folder, config)):
        arguments |= {name: value for name, value in head.extra_arguments.items() if name not in given}
    return PublishedHead(folder, head, arguments)


def published_task(folder: Path) -> str | None:
    """The class of `zoo.tasks` that takes over the head of a model folder of Hugging Face; None if there is none."""
    _, config = _read_config(folder)
    table = published_table(folder)
    tasks = dict.fromkeys(head.task for head in table.heads)
    found = next((task for task in tasks if table.published_head(config, task) is not None), None)
    return "TextEmbedder" if found is None and makes_vectors(folder) else found


def load_published_tokenizer(folder: Path):
    """The tokenizer of a folder that `published_table` knows.

    Raises:
        ValueError: if its files are absent or damaged, or ask for what is not implemented.
    """
    if released_config(folder) is not None:
        return released_tokenizer(folder)
    return read_tokenizer(folder, _read_config(folder)[1]["model_type"])


def export_to_huggingface(
    preset, folder: str | os.PathLike, tokenizer: bool = True, max_shard_size: float = 5, **overrides
) -> None:
    """Write a model as a folder that `transformers` loads, with equal outputs.

    Architecture, head and tokenizer are written down as Hugging Face has them: a pre-norm BERT is a
    `RobertaPreLayerNorm` there, a pre-norm BART an `MBart`. What LoRA has learned is added to the weights that are
    written; the model itself stays as it is.

    Args:
        preset: a name of `zoo.list_presets()`, a folder or a handle; or a task or a backbone.
        folder: path. What was exported there before is replaced when all went well.
        tokenizer: bool, False to leave the tokenizer out.
        max_shard_size: float, GB, largest file of weights.
        **overrides: arguments of the backbone that replace those of a preset without a head.

    Raises:
        ValueError: if Hugging Face has no such architecture, head or tokenizer, with what is in the way; if the model
            is quantized; or the folder holds anything else than an export.
    """
    from zoo import presets

    _check_export(preset, max_shard_size, overrides)
    model, text = preset, getattr(preset, "tokenizer", None)
    if isinstance(preset, (str, os.PathLike)):
        kind = presets.task_class(preset)
        if kind is not None and overrides:
            raise ValueError(f"A task is written as it is. Received: {', '.join(overrides)}")
        model = presets.load_backbone(preset, **overrides) if kind is None else kind.from_preset(preset)
        if presets.has_tokenizer(presets.find(preset)):
            text = presets.load_tokenizer(preset)
    tables = [table for each in TABLES.values() for table in each]
    write_published(model, folder, tables, text if tokenizer else None, max_shard_size)


def _check_export(preset, max_shard_size, overrides):
    import keras

    if not isinstance(preset, (str, os.PathLike, keras.Model)):
        raise TypeError(
            "A preset's name, folder or handle was expected, or a task or a backbone. "
            f"Received: preset={preset!r} of type {type(preset).__name__}"
        )
    if overrides and isinstance(preset, keras.Model):
        raise ValueError(
            f"Arguments of a backbone are for a preset, not for a task or a backbone. Received: {sorted(overrides)}"
        )
    is_number = isinstance(max_shard_size, Real) and not isinstance(max_shard_size, bool)
    if not (is_number and 0 < max_shard_size < math.inf):
        raise ValueError(
            f"`max_shard_size` must be a number of GB above 0, such as 5. Received: max_shard_size={max_shard_size!r}"
        )


def _read_config(folder):
    """Path and content of the configuration in a folder; no content if there is none."""
    released = released_config(folder)
    if released is not None:
        return released, read_released(released)
    path = folder / CONFIG_FILE
    config = read_json(path) if path.is_file() else {}
    if (folder / GENERATION_FILE).is_file():  # where it is, it alone says how texts begin, as in `transformers`
        said = read_json(folder / GENERATION_FILE)
        config["forced_bos_token_id"] = said.get("forced_bos_token_id")
        config |= {key: said[key] for key in ("decoder_start_token_id",) if key in said}
    # Those of the first BERTs, Google's own, have the key of a BERT and no name.
    if "type_vocab_size" in config and not {"model_type", "embedding_size", "registered_name"} & config.keys():
        config["model_type"] = "bert"
    return path, config


def _checkpoint(folder, config):
    if released_config(folder) is not None:
        return TensorFlowCheckpoint(folder, config["model_type"])
    return Checkpoint(folder)
