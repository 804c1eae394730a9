"""Folders of the library `sentence-transformers`: what stands beside a model there says how a text becomes a vector."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.weights.checkpoints import WHOLE, Checkpoint
from zoo.weights.files import CONFIG_FILE
from zoo.weights.strict_json import read_json

MODULES_FILE, LENGTH_FILE = "modules.json", "sentence_bert_config.json"
POOLING_FOLDER, DENSE_FOLDER = "1_Pooling", "2_Dense"
# What ways to pool are called there, in new files and in old ones; there are more.
POOLINGS = {"mean": "mean", "mean_tokens": "mean", "cls": "cls", "cls_token": "cls"}
IDENTITY = "torch.nn.modules.linear.Identity"
KERNEL, BIAS = "linear.weight", "linear.bias"


@dataclasses.dataclass(frozen=True)
class SentenceHead:
    """How the texts of a folder become vectors.

    Attributes:
        arguments: dict, what a `zoo.TextEmbedder` is made with.
        dense: `Path` of the folder of the linear layer, or None.
    """

    arguments: Mapping
    dense: Path | None

    def load(self, task) -> None:
        """Put the weights of the linear layer into a task whose backbone has its own already.

        Raises:
            ValueError: if they are missing, of another shape, or there are more.
        """
        if self.dense is None:
            return
        checkpoint = Checkpoint(self.dense)
        kernel, bias = task.get_layer("projection").kernel_and_bias()
        shapes = {KERNEL: tuple(kernel.shape)[::-1], BIAS: tuple(bias.shape)}
        if checkpoint.shapes != shapes:
            raise ValueError(f"The weights in {self.dense} must be {shapes}. Received: {dict(checkpoint.shapes)}")
        kernel.assign(np.asarray(checkpoint.read(KERNEL)).T)
        bias.assign(checkpoint.read(BIAS))


def makes_vectors(folder: Path) -> bool:
    """Whether a model folder says how its texts become vectors."""
    return (folder / MODULES_FILE).is_file()


def sentence_head(folder: Path, **given) -> SentenceHead | None:
    """What a model folder of Hugging Face says of vectors of texts; None if it says nothing.

    Args:
        folder: `Path`.
        **given: `pooling`, if somebody asks for one. If it is another than the folder's, only the length of texts is
            the folder's.

    Raises:
        ValueError: if texts become vectors in a way that is not implemented, or a file that says how is absent.
    """
    if not makes_vectors(folder):
        return None
    length = read_json(folder / LENGTH_FILE).get("max_seq_length") if (folder / LENGTH_FILE).is_file() else None
    try:
        found = _read_head(folder)
    except ValueError:
        if not given:
            raise
        found = None
    if found is None or (given and given["pooling"] != found.arguments["pooling"]):
        found = SentenceHead(given, None)
    return dataclasses.replace(found, arguments={**found.arguments, "sequence_length": length})


def _read_head(folder):
    modules = read_modules(folder / MODULES_FILE)
    kinds = [kind for kind, _ in modules]
    has_dense = kinds[2:3] == ["Dense"]
    if kinds[:2] != ["Transformer", "Pooling"] or not set(kinds[2 + has_dense :]) <= {"Normalize"}:
        raise _refusal(
            folder / MODULES_FILE, "must be a Transformer, a Pooling, and perhaps a Dense and a Normalize", kinds
        )  # fmt: skip
    homes = [folder / path for _, path in modules]
    arguments = {"pooling": _pooling(_config(homes[1]))}
    if not has_dense:
        return SentenceHead(arguments, None)
    config, path = _config(homes[2])
    if config.get("activation_function", IDENTITY) != IDENTITY or not config.get("bias", True):
        raise _refusal(path, "must be a linear layer with a bias", config)
    return SentenceHead(arguments | {"embedding_dim": config.get("out_features")}, homes[2])


def read_modules(path: Path) -> list[tuple[str, str]]:
    """What a `modules.json` lists: kinds of modules, and the names of their folders beside it.

    Raises:
        ValueError: if it is no list of modules, or a folder lies elsewhere.
    """
    found = []
    for module in read_json(path, kind=list):
        kind, home = (module.get("type"), module.get("path", "")) if isinstance(module, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(home, str) or (home and Path(home).name != home) or home == "..":
            raise ValueError(f"{path} must list modules with a type, in folders beside it. Received: {module!r}")
        found.append((kind.rpartition(".")[2], home))
    return found


def _config(home):
    path = home / CONFIG_FILE
    if not path.is_file():
        raise ValueError(f"{home.parent / MODULES_FILE} names {path}, which is absent. Fetch the folder whole.")
    return read_json(path), path


def _pooling(found):
    """The way to pool, which is one name in new files, and one of several flags in old ones."""
    config, path = found
    named = config.get("pooling_mode")
    flags = [name.removeprefix("pooling_mode_") for name in config if name.startswith("pooling_mode_") and config[name]]
    asked = [named] if isinstance(named, str) else named if isinstance(named, list) else flags
    if len(asked) != 1 or not isinstance(asked[0], str) or asked[0] not in POOLINGS:
        raise _refusal(path, f"must ask for one of {sorted(set(POOLINGS.values()))}", asked)
    return POOLINGS[asked[0]]


def _refusal(path, expected, received):
    return ValueError(
        f"{path} {expected}. Received: {received}. Say what the vector is to be instead: `pooling='mean'`, or 'cls'."
    )


def check_sentence_head(task) -> None:
    """Raise a ValueError if `sentence-transformers` has no way to make the vectors of a `zoo.TextEmbedder`."""
    if task.pooling not in POOLINGS.values():
        raise ValueError(
            f"In sentence-transformers a vector is pooled by 'mean' or 'cls'. Received: pooling={task.pooling!r}. Its "
            "backbone alone (`task.backbone`) can be written."
        )


def write_sentence_head(task, folder: Path) -> None:
    """Write what `sentence_head` reads beside the model of a `zoo.TextEmbedder`."""
    from safetensors.numpy import save_file

    width = task.backbone.hidden_dim
    parts = [("", "Transformer"), (POOLING_FOLDER, "Pooling")]
    flags = {f"pooling_mode_{name}": POOLINGS[name] == task.pooling for name in ("cls_token", "mean_tokens")}
    _write(folder / POOLING_FOLDER / CONFIG_FILE, {"word_embedding_dimension": width, **flags})
    if task.embedding_dim is not None:
        parts.append((DENSE_FOLDER, "Dense"))
        sizes = {"in_features": width, "out_features": task.embedding_dim}
        _write(folder / DENSE_FOLDER / CONFIG_FILE, {**sizes, "bias": True, "activation_function": IDENTITY})
        kernel, bias = (np.array(weight, "float32") for weight in task.get_layer("projection").kernel_and_bias())
        save_file({KERNEL: np.ascontiguousarray(kernel.T), BIAS: bias}, folder / DENSE_FOLDER / WHOLE[0])
    parts.append((f"{len(parts)}_Normalize", "Normalize"))
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (path, kind) in enumerate(parts)
    ]
    _write(folder / MODULES_FILE, modules)
    length = (task.preprocessor or task).sequence_length or task.backbone.max_sequence_length
    _write(folder / LENGTH_FILE, {"max_seq_length": length, "do_lower_case": False})


def _write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
