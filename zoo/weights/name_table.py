"""How an architecture is written down elsewhere, as a table, and the one strict engine that reads by it."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from zoo.weights.checkpoints import Checkpoint

MAX_LISTED = 20
# What our kinds of weights are called there, and whether they lie the other way round.
KINDS = {
    "kernel": ("weight", True), "bias": ("bias", False), "gamma": ("weight", False), "beta": ("bias", False),
    "scale": ("weight", False), "embeddings": ("weight", False), "reverse_embeddings": ("weight", True),
}  # fmt: skip
# How the oldest files call what the others call weight and bias.
OLD_WORDS = {"gamma": "weight", "beta": "bias"}
# Keys of a model's config.json at Hugging Face that change nothing in what a backbone computes: who wrote it and how,
# special pieces (the tokenizer knows them), how weights are drawn, what is returned, how text is generated; and dropout
# in places of its own, where our models have one probability, which `dropout=...` changes.
WITHOUT_EFFECT = frozenset(
    [
        "_name_or_path",
        "architectures",
        "transformers_version",
        "torch_dtype",
        "dtype",
        "model_type",
        "gradient_checkpointing",
        "use_cache",
        "output_past",
        "language",
        "directionality",
        "initializer_range",
        "initializer_factor",
        "init_std",
        "classifier_dropout",
        "classifier_dropout_prob",
        "classif_dropout",
        "id2label",
        "label2id",
        "num_labels",
        "problem_type",
        "finetuning_task",
        "task_specific_params",
        "pad_token_id",
        "bos_token_id",
        "eos_token_id",
        "sep_token_id",
        "cls_token_id",
        "decoder_start_token_id",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "return_dict",
        "output_attentions",
        "output_hidden_states",
        "torchscript",
        "max_length",
        "min_length",
        "num_beams",
        "length_penalty",
        "no_repeat_ngram_size",
        "early_stopping",
        "do_sample",
        "temperature",
        "top_k",
        "top_p",
        "prefix",
        "chunk_size_feed_forward",
        "is_encoder_decoder",
        "tokenizer_class",
        "pooler_type",
        "pooler_fc_size",
        "attention_probs_dropout_prob",
        "attention_dropout",
        "activation_dropout",
        "dense_act_fn",
        "is_gated_act",
        "pooler_num_attention_heads",
        "pooler_num_fc_layers",
        "pooler_size_per_head",
        "use_bfloat16",
    ]
)


class Required:
    """Stands where a key has no default."""


class Place(NamedTuple):
    """Where a weight is written down elsewhere.

    Attributes:
        weight: Keras variable.
        name: str, the name of the tensor there, as a table spells it.
        is_turned: bool, whether it lies the other way round there.
    """

    weight: object
    name: str
    is_turned: bool


@dataclass(frozen=True)
class NameTable:
    """How the models of an architecture are written down in a folder of Hugging Face.

    Attributes:
        architecture: str, the class of `zoo.models`.
        arguments: dict from an argument of it to `(key, default)` in `config.json`; `Required` for no default, and a
            tuple of keys where the first that is there counts.
        layers: function from the arguments (dict) to a dict: the path of each of our layers, the name of theirs.
        values: dict from an argument to a dict, what its values are called here.
        fixed: dict from a key to the only value that we implement, which is also its default.
        same: dict from a key to the key whose value it must have, where we have one number for both.
        prefix: str, what names begin with in a model that also has a head, such as `"bert."`.
        heads: patterns (`fnmatch`) of the tensors of heads, which a backbone has no use for.
        buffers: patterns of tensors that hold no weights.
        zeros: patterns of tensors that we do not have, and that must be zero.
        copies: dict from the name of a tensor to the one that it must equal.
        optional: layers of ours that a file need not have, because not every head needs them; they stay as drawn.
    """

    architecture: str
    arguments: Mapping[str, tuple]
    layers: Callable[[dict], dict]
    values: Mapping[str, Mapping] = field(default_factory=lambda: MappingProxyType({}))
    fixed: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    same: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    prefix: str = ""
    heads: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    zeros: tuple[str, ...] = ()
    copies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    optional: tuple[str, ...] = ()

    def read_arguments(self, config: dict, where: str) -> dict:
        """The arguments of the backbone that a `config.json` describes.

        Args:
            config: dict.
            where: str, file that it comes from, for errors.

        Raises:
            ValueError: that lists every key that is missing, that we do not know, or whose value we do not implement.
        """
        problems, arguments = [], {}
        known = self.fixed.keys() | self.same.keys() | WITHOUT_EFFECT
        for name, (key, default) in self.arguments.items():
            keys = (key,) if isinstance(key, str) else key
            known |= set(keys)
            value = next((config[each] for each in keys if each in config), default)
            if value is Required:
                problems.append(f"{key}: missing")
            elif name in self.values and value not in self.values[name]:
                problems.append(f"{key}: expected one of {sorted(map(str, self.values[name]))}. Received: {value!r}")
            else:
                arguments[name] = self.values[name][value] if name in self.values else value
        problems += [f"{key}: unknown. Received: {config[key]!r}" for key in sorted(config.keys() - known)]
        for key, value in self.fixed.items():
            if config.get(key, value) != value:
                problems.append(f"{key}: only {value!r} is implemented. Received: {config[key]!r}")
        for key, other in self.same.items():
            if key in config and config[key] != config.get(other, config[key]):
                problems.append(f"{key}: must be the same as {other}={config[other]!r}. Received: {config[key]!r}")
        if problems:
            raise ValueError(
                f"{where} does not describe a {self.architecture} of this package:\n  " + "\n  ".join(problems)
            )
        return arguments

    def load(self, backbone, checkpoint: Checkpoint) -> None:
        """Put the tensors of a checkpoint into a backbone, all of them, after names and shapes were compared.

        A tensor is read, put into its place in the type of the weight, and forgotten: never are there two copies of
        the whole.

        Args:
            backbone: a backbone of this architecture.
            checkpoint: `Checkpoint`.

        Raises:
            ValueError: that lists every tensor that is missing, unused or of another shape.
        """
        there = {self._spelled(name): name for name in checkpoint.shapes}
        places = [place for place in self.places(backbone) if not self._is_left_out(place, there)]
        self._compare(places, there, checkpoint)
        for weight, name, is_turned in places:
            tensor = checkpoint.read(there[name]).astype(weight.dtype)
            weight.assign(tensor.T if is_turned else tensor)
        new = [place.weight.path for place in self.places(backbone) if place.name not in there]
        if new:
            warnings.warn(f"The weights do not hold {', '.join(new)}, which stay as they were drawn.", stacklevel=2)

    def places(self, backbone) -> list[Place]:
        """Where each weight of a backbone is written down."""
        layers = self.layers({name: getattr(backbone, name) for name in self.arguments})
        found = []
        for weight in backbone.weights:
            layer, kind = weight.path.rsplit("/", 1)
            word, is_turned = KINDS[kind]
            theirs = layers[f"{layer}/reverse" if kind == "reverse_embeddings" else layer]
            found.append(Place(weight, f"{theirs}.{word}", is_turned))
        return found

    def _is_left_out(self, place, there):
        return place.name not in there and place.weight.path.rsplit("/", 1)[0] in self.optional

    def _spelled(self, name: str) -> str:
        """A file's name of a tensor, as the table spells it."""
        layer, _, word = name.removeprefix(self.prefix).rpartition(".")
        return f"{layer}.{OLD_WORDS.get(word, word)}" if layer else word

    def _compare(self, places, there, checkpoint):
        expected = {name: weight.shape[::-1] if is_turned else weight.shape for weight, name, is_turned in places}
        shapes = {name: checkpoint.shapes[file_name] for name, file_name in there.items()}
        problems = [f"missing: {name} {tuple(shape)}" for name, shape in expected.items() if name not in shapes]
        problems += [
            f"wrong shape: {name}: expected {tuple(shape)}. Received: {shapes[name]}"
            for name, shape in expected.items()
            if name in shapes and shapes[name] != tuple(shape)
        ]
        for name in sorted(shapes.keys() - expected.keys()):
            if any(fnmatchcase(name, pattern) for pattern in self.heads + self.buffers):
                continue
            if any(fnmatchcase(name, pattern) for pattern in self.zeros):
                if np.any(checkpoint.read(there[name])):
                    problems.append(f"not zero, which this package has no place for: {name} {shapes[name]}")
            elif name in self.copies and self.copies[name] in there:
                first, second = (checkpoint.read(there[each]) for each in (name, self.copies[name]))
                if not np.array_equal(first, second):
                    problems.append(f"differs from {self.copies[name]}, with which it shares a place here: {name}")
            else:
                problems.append(f"unused: {name} {shapes[name]}")
        if problems:
            more = [f"and {len(problems) - MAX_LISTED} more"] if len(problems) > MAX_LISTED else []
            raise ValueError(
                f"The weights in {checkpoint.folder} do not fit a {self.architecture}:\n  "
                + "\n  ".join(problems[:MAX_LISTED] + more)
            )
