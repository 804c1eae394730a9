"""Our models as folders of Hugging Face, which `transformers` loads."""

import json
import math
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from zoo.weights.checkpoints import WHOLE
from zoo.weights.files import CONFIG_FILE, bytes_to_save, writing_folder
from zoo.weights.name_table import Head, NameTable
from zoo.weights.published.sentence_transformers import (
    DENSE_FOLDER,
    LENGTH_FILE,
    MODULES_FILE,
    POOLING_FOLDER,
    check_sentence_head,
    write_sentence_head,
)
from zoo.weights.published.tokenizer_files import SETTINGS_FILE
from zoo.weights.published.tokenizers import write_tokenizer
from zoo.weights.quantization import quantized_layers
from zoo.weights.settings import backbone_arguments, write_settings

GIGABYTE = 10**9
# What is written, and so may be replaced.
ENTRIES = (
    CONFIG_FILE, SETTINGS_FILE, "model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors",
    "vocab.txt", "vocab.json", "merges.txt", MODULES_FILE, LENGTH_FILE, POOLING_FOLDER, DENSE_FOLDER,
)  # fmt: skip


def write_published(
    model, folder: str | os.PathLike, tables: list[NameTable], tokenizer=None, max_shard_size: float = 5
) -> None:
    """Write a folder that `transformers` loads, with equal outputs; of a `zoo.TextEmbedder`, `sentence-transformers`.

    The folder is written beside and renamed, so an error leaves an older one as it was.

    Args:
        model: a task of the zoo, with its head, or a backbone.
        folder: path.
        tables: the name tables that there are; the first that can say what the model is, is taken.
        tokenizer: the tokenizer that is written too, or None.
        max_shard_size: float, GB, largest file of weights.

    Raises:
        ValueError: if no architecture of Hugging Face is the model's, or it has no place for the task's head or for
            the tokenizer; with what is in the way.
    """
    backbone = getattr(model, "backbone", model)
    if quantized := sorted(quantized_layers(model)):
        raise ValueError(
            f"Weights of whole precision can be written. Received: a quantized model ({quantized[0]}, ...). Write the "
            "model that it was made from."
        )
    table, config = _choose(backbone, tables, {} if tokenizer is None else _special_ids(model, tokenizer))
    makes_vectors = type(model).__name__ == "TextEmbedder"
    if makes_vectors:
        check_sentence_head(model)
    head = None if model is backbone or makes_vectors else _head(table, model)
    config["architectures"] = [table.published_name + (table.base_suffix if head is None else head.suffix)]
    if head is not None:
        config |= head.entries(model)
    merged = _merged(model)
    written = backbone if makes_vectors else model
    weights = [weight for weight in _weights(written, head) if "/lora_" not in weight.path]
    places = table.places(weights, backbone_arguments(backbone), config, head)
    with writing_folder(folder, bytes_to_save(model), ENTRIES) as new:
        (new / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        if tokenizer is not None:
            write_tokenizer(tokenizer, new, config)
        if makes_vectors:
            write_sentence_head(model, new)
        _write_weights(_tensors(table, places, backbone, config, head, merged), new, int(max_shard_size * GIGABYTE))


def _special_ids(model, tokenizer):
    backbone = getattr(model, "backbone", model)
    ids = {
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.start_token_id,
        "eos_token_id": tokenizer.end_token_id,
    }
    if hasattr(backbone, "frame"):
        first = {"start": "bos_token_id", "end": "eos_token_id", "padding": "pad_token_id"}[backbone.frame.first]
        ids["decoder_start_token_id"] = ids[first]
    if getattr(model, "force_start", False):
        ids["forced_bos_token_id"] = tokenizer.start_token_id
    return ids


def _choose(backbone, tables, special_ids):
    """The first table that says all of a backbone, and the `config.json` that does."""
    name = type(backbone).__name__
    refusals = []
    for table in (table for table in tables if table.architecture == name):
        config = {"model_type": table.model_type, "torch_dtype": "float32", **special_ids}
        problems = write_settings(table, backbone, config)
        if not problems:
            return table, config
        refusals.append(f"{table.published_name}: {'; '.join(problems)}")
    raise ValueError(
        f"Hugging Face has no architecture for this {name}. Received: a model that differs from each of\n  "
        + ("\n  ".join(refusals) or "none: there is no such architecture")
    )


def _head(table: NameTable, task) -> Head:
    kind = type(task).__name__
    if getattr(task, "pooling", None) is not None:
        raise ValueError(
            f"Hugging Face's heads read one state of a text. Received: a {kind} with pooling={task.pooling!r}. "
            "Its backbone alone (`task.backbone`) can be written."
        )
    found = [head for head in table.heads if head.task == kind and head.refused is None]
    with_pairs = [head for head in found if head.suffix == "ForPreTraining"]
    if getattr(task, "sentence_head", None) is not None and found and not with_pairs:
        warnings.warn(
            f"{table.published_name} has no head for pairs of sentences at Hugging Face; it is left out.", stacklevel=3
        )
    elif getattr(task, "sentence_head", None) is not None:
        found = with_pairs
    if found and found[0].activation in (None, task.backbone.activation):
        return found[0]
    if found:
        raise ValueError(
            f"The head of a {table.published_name} for a {kind} has the activation {found[0].activation!r} at Hugging "
            f"Face. Received: activation={task.backbone.activation!r}. Its backbone alone (`task.backbone`) can be "
            "written."
        )
    raise ValueError(
        f"{table.published_name} has no place for the head of a {kind} at Hugging Face. Received: a {kind} with a "
        f"{table.architecture}. What can be written there: {', '.join(sorted({head.task for head in table.heads}))}, "
        "and the backbone alone (`task.backbone`)."
    )


def _weights(model, head):
    """All weights but those of a second head that has no place."""
    if head is None or head.extras or getattr(model, "sentence_head", None) is None:
        return model.weights
    left_out = {id(weight) for weight in model.sentence_classifier.weights}
    return [weight for weight in model.weights if id(weight) not in left_out]


def _tensors(table, places, backbone, config, head, merged) -> Iterator[tuple[str, int, object]]:
    """Name, bytes, and a function that gives the array, of every tensor that the folder must have."""
    prefix = "" if head is None else table.prefix
    backbone_weights = {id(weight) for weight in backbone.weights}
    gathered = {}
    for place in places:
        name = (prefix if id(place.weight) in backbone_weights and not _is_of_head(place, head) else "") + place.name
        gathered.setdefault(name, []).append(place)
    for name, parts in gathered.items():
        yield name, _bytes(parts[0].shape, parts[0].weight.dtype), lambda parts=parts: _filled(parts, merged)
    width = backbone.token_embedding.output_dim
    blanks = {prefix + name: (config[key], width) for name, (_, key, _) in table.folded.items()}
    if head is not None:
        blanks |= dict(head.blanks)
    for name, shape in blanks.items():
        yield name, _bytes(shape, "float32"), lambda shape=shape: np.zeros(shape, "float32")


def _bytes(shape, dtype):
    return math.prod(shape) * np.dtype(dtype).itemsize


def _is_of_head(place, head):
    """Whether a layer of the backbone is a part of the head there."""
    return head is not None and place.weight.path.rsplit("/", 1)[0] in head.layers


def _merged(model):
    """The layers that LoRA adds to, and the name of what it adds to, by the identity of the variable there."""
    found = {}
    for layer in model._flatten_layers():
        if getattr(layer, "lora_enabled", False):
            name = "kernel" if hasattr(layer, "_kernel") else "embeddings"
            found[id(getattr(layer, f"_{name}"))] = layer, name
    return found


def _filled(parts, merged):
    from keras import ops

    values = [getattr(*merged[id(part.weight)]) if id(part.weight) in merged else part.weight for part in parts]
    arrays = [np.asarray(ops.convert_to_numpy(value)) for value in values]
    tensor = np.zeros(parts[0].shape, arrays[0].dtype)
    for part, array in zip(parts, arrays, strict=True):
        part.view(tensor)[...] = array
    return tensor


def _write_weights(tensors, folder, largest):
    from safetensors.numpy import save_file

    shards, size = [[]], 0
    for name, more, make in tensors:
        if size + more > largest and shards[-1]:
            shards.append([])
            size = 0
        shards[-1].append((name, make))
        size += more
    whole = WHOLE[0]
    if len(shards) == 1:
        names = [whole]
    else:
        stem, suffix = whole.rsplit(".", 1)
        names = [f"{stem}-{number:05}-of-{len(shards):05}.{suffix}" for number in range(1, len(shards) + 1)]
    for file, shard in zip(names, shards, strict=True):
        save_file({name: make() for name, make in shard}, folder / file, metadata={"format": "pt"})
    if len(shards) > 1:
        _write_index(folder / f"{whole}.index.json", names, shards)


def _write_index(path: Path, names, shards):
    total = sum((path.parent / name).stat().st_size for name in names)
    weight_map = {name: file for file, shard in zip(names, shards, strict=True) for name, _ in shard}
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    path.write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", encoding="utf-8")
