"""TensorFlow checkpoints of the released code of BERT and ALBERT, under the names that Hugging Face gives the tensors.

Devlin et al. (2019), arXiv 1810.04805, and Lan et al. (2020), arXiv 1909.11942, released code: `modeling.py` and
`run_pretraining.py` name the weights, `optimization.py` and `lamb_optimizer.py` what an optimizer keeps beside them.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo.weights.checkpoints import belongs
from zoo.weights.parts import split

# What the last part of a name becomes, and whether the tensor lies the other way round.
DENSE = {"kernel": ("weight", True), "bias": ("bias", False)}
NORM = {"gamma": ("weight", False), "beta": ("bias", False)}
OUTPUT = {"output_weights": ("weight", False), "output_bias": ("bias", False)}
TABLES = {f"{kind}_embeddings": (f"{kind}_embeddings.weight", False) for kind in ("word", "position", "token_type")}
BIAS = {"output_bias": ("bias", False)}

_LAYER, _LAYER_THERE = r"bert/encoder/layer_(\d+)", r"bert.encoder.layer.\1"
_GROUP = r"bert/encoder/transformer/group_(\d+)/inner_group_(\d+)"
_GROUP_THERE = r"albert.encoder.albert_layer_groups.\1.albert_layers.\2"
# For each `model_type`: what precedes the last part of a name (a regular expression), the same there, its last parts.
NAMES = {
    "bert": (
        (r"bert/embeddings", "bert.embeddings", TABLES),
        (r"bert/embeddings/LayerNorm", "bert.embeddings.LayerNorm", NORM),
        (rf"{_LAYER}/attention/self/(query|key|value)", rf"{_LAYER_THERE}.attention.self.\2", DENSE),
        (rf"{_LAYER}/attention/output/dense", rf"{_LAYER_THERE}.attention.output.dense", DENSE),
        (rf"{_LAYER}/attention/output/LayerNorm", rf"{_LAYER_THERE}.attention.output.LayerNorm", NORM),
        (rf"{_LAYER}/intermediate/dense", rf"{_LAYER_THERE}.intermediate.dense", DENSE),
        (rf"{_LAYER}/output/dense", rf"{_LAYER_THERE}.output.dense", DENSE),
        (rf"{_LAYER}/output/LayerNorm", rf"{_LAYER_THERE}.output.LayerNorm", NORM),
        (r"bert/pooler/dense", "bert.pooler.dense", DENSE),
        (r"cls/predictions/transform/dense", "cls.predictions.transform.dense", DENSE),
        (r"cls/predictions/transform/LayerNorm", "cls.predictions.transform.LayerNorm", NORM),
        (r"cls/predictions", "cls.predictions", BIAS),
        (r"cls/seq_relationship", "cls.seq_relationship", OUTPUT),
        (r"cls/squad", "qa_outputs", OUTPUT),
        (r"", "classifier", OUTPUT),
    ),
    "albert": (
        (r"bert/embeddings", "albert.embeddings", TABLES),
        (r"bert/embeddings/LayerNorm", "albert.embeddings.LayerNorm", NORM),
        (r"bert/encoder/embedding_hidden_mapping_in", "albert.encoder.embedding_hidden_mapping_in", DENSE),
        (rf"{_GROUP}/attention_1/self/(query|key|value)", rf"{_GROUP_THERE}.attention.\3", DENSE),
        (rf"{_GROUP}/attention_1/output/dense", rf"{_GROUP_THERE}.attention.dense", DENSE),
        (rf"{_GROUP}/LayerNorm", rf"{_GROUP_THERE}.attention.LayerNorm", NORM),
        (rf"{_GROUP}/ffn_1/intermediate/dense", rf"{_GROUP_THERE}.ffn", DENSE),
        (rf"{_GROUP}/ffn_1/intermediate/output/dense", rf"{_GROUP_THERE}.ffn_output", DENSE),
        (rf"{_GROUP}/LayerNorm_1", rf"{_GROUP_THERE}.full_layer_layer_norm", NORM),
        (r"bert/pooler/dense", "albert.pooler", DENSE),
        (r"cls/predictions/transform/dense", "predictions.dense", DENSE),
        (r"cls/predictions/transform/LayerNorm", "predictions.LayerNorm", NORM),
        (r"cls/predictions", "predictions", BIAS),
        (r"cls/seq_relationship", "sop_classifier.classifier", OUTPUT),
        (r"cls/squad", "qa_outputs", OUTPUT),
        (r"", "classifier", OUTPUT),
    ),
}
# Models saved from TensorFlow Hub's modules have this before each name.
_OF_A_MODULE = "module/"
# Single numbers that training keeps: how far it is, and what Adam has multiplied its rates by.
_COUNTERS = ("global_step", "beta1_power", "beta2_power")
# What an optimizer keeps for a weight stands under the name of the weight: of the released code, of programs that
# followed it, and of TensorFlow's own Adam.
_SLOTS = (
    *("adam_m", "adam_v", "lamb_m", "lamb_v", "Adam", "Adam_1"),
    *("AdamWeightDecayOptimizer", "AdamWeightDecayOptimizer_1", "LAMBOptimizer", "LAMBOptimizer_1"),
)
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_SHARD = re.compile(r"\.data-(\d{5})-of-(\d{5})")


class _Home(NamedTuple):
    name: str
    is_turned: bool


class TensorFlowCheckpoint:
    """The tensors of a checkpoint of the released code, as a model folder of Hugging Face would have them.

    What training keeps beside the weights is left out: the step, and the moments of a weight that is there too, in
    its shape. Every other tensor is in `shapes`, under its own name if the released code has no such weight, so that
    nothing is passed over in silence.

    Args:
        folder: path that holds one checkpoint: `bert_model.ckpt.index` with its `bert_model.ckpt.data-...` files, or
            the same under another name, such as `model.ckpt-best`.
        model_type: str, `"bert"` or `"albert"`.

    Attributes:
        folder: `Path`.
        shapes: dict from the name of a tensor at Hugging Face to its shape there.

    Raises:
        ValueError: if there is none or more than one in the folder, a file is missing, damaged, cut short or leads out
            of the folder, it is a checkpoint of Keras models of TensorFlow 2, or two tensors are the same weight.
    """

    def __init__(self, folder: str | Path, model_type: str):
        self.folder = Path(folder)
        self._prefix = _only_checkpoint(self.folder)
        self._reader = _open(self._prefix)
        there = {name: tuple(shape) for name, shape in self._reader.get_variable_to_shape_map().items()}
        if _OBJECT_GRAPH in there:
            raise ValueError(
                f"{self._prefix} is a checkpoint of Keras models of TensorFlow 2, which have no common names. Expected "
                "one of the released code of BERT or ALBERT, with names such as bert/embeddings/word_embeddings."
            )
        self._check_size(there)
        self._homes, self.shapes = {}, {}
        for name in sorted(there):
            if not _is_of_training(name, there):
                self._add(name, there[name], *_spell(name.removeprefix(_OF_A_MODULE), model_type))

    def read(self, name: str) -> np.ndarray:
        """A tensor, in the type that it is stored in; ValueError if its numbers are damaged."""
        from tensorflow.errors import OpError

        home = self._homes[name]
        try:
            tensor = np.asarray(self._reader.get_tensor(home.name))
        except (OpError, RuntimeError, ValueError) as error:
            raise ValueError(_damaged(self._prefix, f"{home.name}: {error}")) from error
        return tensor.T if home.is_turned else tensor

    def parts(self, name: str) -> Iterator[np.ndarray]:
        """A tensor, some rows at a time, though TensorFlow reads it whole."""
        yield from split(self.read(name))

    def _add(self, name, shape, spelled, is_turned):
        if spelled in self._homes:
            raise ValueError(
                f"Two tensors of {self._prefix} are the same weight, {spelled}: {self._homes[spelled].name} and {name}"
            )
        self._homes[spelled] = _Home(name, is_turned)
        self.shapes[spelled] = shape[::-1] if is_turned else shape

    def _check_size(self, shapes):
        """Find out about files that were cut short before any weight is changed."""
        types = self._reader.get_variable_to_dtype_map()
        needed = sum(int(np.prod(shape, dtype=np.int64)) * types[name].size for name, shape in shapes.items())
        found = sum(path.stat().st_size for path in _shards(self._prefix))
        if found < needed:
            raise ValueError(
                _damaged(self._prefix, f"its tensors have {needed:,} bytes, its data files {found:,} together")
            )


def _spell(name, model_type):
    """The name of a tensor there, and whether it lies the other way round; its own name if no weight is called so."""
    scope, _, last = name.rpartition("/")
    for pattern, there, words in NAMES[model_type]:
        if last in words and (match := re.fullmatch(pattern, scope)):
            word, is_turned = words[last]
            return f"{match.expand(there)}.{word}", is_turned
    return name, False


def _is_of_training(name, shapes):
    weight, _, last = name.rpartition("/")
    if last in _SLOTS:
        return shapes.get(weight) == shapes[name]
    return name in _COUNTERS and shapes[name] == ()


def _only_checkpoint(folder):
    """The path that the names of the only checkpoint in a folder begin with."""
    found = sorted(path.with_suffix("") for path in folder.glob("[!.]*.index"))
    if not found:
        alone = sorted({path.name.split(".data-")[0] for path in folder.glob("*.data-?????-of-?????")})
        raise ValueError(
            "The folder holds no TensorFlow checkpoint: an .index file such as bert_model.ckpt.index was expected, "
            "with its .data-00000-of-00001 file. Received: "
            f"folder={folder}" + (f", with the data but not the index of {', '.join(alone)}" if alone else "")
        )
    if len(found) > 1:
        raise ValueError(
            f"The folder holds more than one checkpoint: {', '.join(path.name for path in found)}. Which one? Move the "
            f"others, .index and .data-... files, to another folder. Received: folder={folder}"
        )
    return found[0]


def _shards(prefix):
    return sorted(path for path in prefix.parent.iterdir() if _shard_of(path, prefix))


def _shard_of(path, prefix):
    return path.name.startswith(prefix.name) and _SHARD.fullmatch(path.name.removeprefix(prefix.name))


def _open(prefix):
    """TensorFlow's reader of a checkpoint, after its files were counted."""
    index, shards = Path(f"{prefix}.index"), _shards(prefix)
    outside = [path.name for path in (index, *shards) if not belongs(path, prefix.parent)]
    if outside:
        raise ValueError(
            f"A file of weights must lie in the folder itself. Received: {', '.join(outside)} in {prefix.parent}"
        )
    numbers = [tuple(map(int, _shard_of(path, prefix).groups())) for path in shards]
    total = numbers[0][1] if numbers else 1
    missing = sorted({(number, total) for number in range(total)} - set(numbers))
    if missing:
        names = ", ".join(f"{prefix.name}.data-{number:05}-of-{of:05}" for number, of in missing)
        raise ValueError(f"{index} has no data files {names} beside it. Download them into the same folder.")
    from tensorflow import train
    from tensorflow.errors import OpError

    try:
        return train.load_checkpoint(str(prefix))
    except (OpError, RuntimeError, ValueError) as error:
        raise ValueError(_damaged(prefix, error)) from error


def _damaged(prefix, why):
    return f"The checkpoint {prefix} is damaged, or was cut short: {why}. Download it again."
