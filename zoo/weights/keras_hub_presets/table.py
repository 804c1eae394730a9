"""How an architecture is written down in KerasHub, as a table, and the strict engine that goes by it, both ways."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

MAX_LISTED = 20
# Arguments of every backbone there that do not say what it computes.
WITHOUT_EFFECT = frozenset(["name", "trainable", "dtype"])
# A layer that was given no name there is numbered through the whole process.
UNNAMED = re.compile(r"t5_layer_norm(_\d+)?(?=/)")
# What they call our kinds of weights, where it is another name.
KINDS = {"scale": "weight"}


class Pair(NamedTuple):
    """A weight here and the same one there.

    Attributes:
        ours: Keras variable.
        theirs: Keras variable, of as many values in the same order.
        unread: int, rows at the beginning of ours that no model reads, and that they do not have.
    """

    ours: object
    theirs: object
    unread: int


@dataclass(frozen=True)
class KerasHubTable:
    """How the backbones of an architecture are written down in KerasHub, where its class has the same name.

    Attributes:
        architecture: str, the class of `zoo.models`, and of `keras_hub.models`.
        arguments: dict from an argument of ours to the name there.
        layers: function from our arguments (dict) to a dict: the path of each of our layers, the path there.
        values: dict from an argument of ours to a dict, what its values are called there.
        fixed: dict from an argument of ours that they do not have to the only value that they implement.
        theirs: dict from an argument of theirs that we do not have to the only value that we implement.
        ours_alone: arguments of ours that change nothing in what the backbone computes.
        derived: dict from an argument of ours to a function of their arguments (dict), where None stands there.
        unread_rows: dict from a path of ours to a number of rows, see `Pair`.
    """

    architecture: str
    arguments: Mapping[str, str]
    layers: Callable[[dict], dict]
    values: Mapping[str, Mapping] = field(default_factory=lambda: MappingProxyType({}))
    fixed: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    theirs: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    ours_alone: tuple[str, ...] = ()
    derived: Mapping[str, Callable[[dict], object]] = field(default_factory=lambda: MappingProxyType({}))
    unread_rows: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def arguments_there(self, backbone) -> dict:
        """The arguments of KerasHub's class for a backbone of ours.

        Raises:
            ValueError: that lists every setting that KerasHub does not have.
        """
        problems = [
            f"{name}: KerasHub has only {value!r}. Received: {getattr(backbone, name)!r}"
            for name, value in self.fixed.items()
            if getattr(backbone, name) != value
        ]
        found = {}
        for name, there in self.arguments.items():
            value = getattr(backbone, name)
            if name in self.values:
                if value not in self.values[name]:
                    problems.append(f"{name}: KerasHub has only {sorted(self.values[name])}. Received: {value!r}")
                    continue
                value = self.values[name][value]
            found[there] = value
        known = self.arguments.keys() | self.fixed.keys() | set(self.ours_alone) | WITHOUT_EFFECT
        problems += [f"{name}: not known here" for name in sorted(backbone.get_config().keys() - known)]
        if any("int" in weight.dtype for weight in backbone.weights):
            problems.append("weights: quantized ones are not converted; export the preset that they were made of")
        if problems:
            raise ValueError(
                f"keras_hub.models.{self.architecture} cannot express this {self.architecture}:\n  "
                + "\n  ".join(problems)
            )
        return {**found, **self.theirs}

    def arguments_here(self, config: Mapping) -> dict | None:
        """The arguments of our class for a configuration of KerasHub's, or None if our class has no such settings."""
        dtype = config.get("dtype")
        if isinstance(dtype, Mapping) and dtype.get("class_name") != "DTypePolicy":
            return None  # quantized
        config = {**self._defaults_there(), **config}
        if config.keys() - set(self.arguments.values()) - self.theirs.keys() - WITHOUT_EFFECT:
            return None
        if any(config[name] != value for name, value in self.theirs.items()):
            return None
        found = dict(self.fixed)
        for name, there in self.arguments.items():
            value = config[there]
            if name in self.values:
                value = next((ours for ours, other in self.values[name].items() if _same_value(other, value)), None)
                if value is None:
                    return None
            found[name] = self.derived[name](config) if value is None and name in self.derived else value
        return found

    def _defaults_there(self):
        import keras_hub

        parameters = inspect.signature(getattr(keras_hub.models, self.architecture).__init__).parameters.values()
        return {each.name: each.default for each in parameters if each.default is not each.empty}

    def pairs(self, ours, theirs) -> list[Pair]:
        """Every weight of a backbone of ours with the one of KerasHub's.

        Raises:
            ValueError: that lists every weight that only one of the two has, or that has another size there.
        """
        layers = self.layers({name: getattr(ours, name) for name in self.arguments})
        there = weights_by_place(theirs)
        found, problems = [], []
        for weight in ours.weights:
            layer, kind = weight.path.rsplit("/", 1)
            place = f"{layers.get(layer, layer)}/{KINDS.get(kind, kind)}"
            unread = self.unread_rows.get(layer, 0)
            other = there.pop(place, None)
            if other is None:
                problems.append(f"only here: {weight.path} {tuple(weight.shape)}, expected there as {place}")
            elif np.prod(other.shape) != np.prod((weight.shape[0] - unread, *weight.shape[1:])):
                problems.append(f"of another size: {weight.path} {tuple(weight.shape)}, there {tuple(other.shape)}")
            else:
                found.append(Pair(weight, other, unread))
        problems += [f"only there: {place} {tuple(weight.shape)}" for place, weight in there.items()]
        if problems:
            more = [f"and {len(problems) - MAX_LISTED} more"] if len(problems) > MAX_LISTED else []
            raise ValueError(
                f"The weights of this {self.architecture} are not those of KerasHub's, perhaps because this version of "
                "KerasHub is another one:\n  " + "\n  ".join(problems[:MAX_LISTED] + more)
            )
        return found

    def copy_there(self, ours, theirs) -> None:
        """Give a backbone of KerasHub the weights of ours, one at a time; raises as `pairs` does."""
        for weight, other, unread in self.pairs(ours, theirs):
            other.assign(_numbers(weight)[unread:].reshape(other.shape))

    def copy_here(self, theirs, ours) -> None:
        """Give a backbone of ours the weights of KerasHub's, one at a time; raises as `pairs` does."""
        for weight, other, unread in self.pairs(ours, theirs):
            rows = _numbers(other).reshape((weight.shape[0] - unread, *weight.shape[1:]))
            weight.assign(np.concatenate([np.zeros((unread, *rows.shape[1:]), rows.dtype), rows]))


def weights_by_place(backbone) -> dict:
    """The weights of a backbone of KerasHub, each by a name that is the same in every process.

    The name is the weight's path, behind the name of the layer of the model that has it. Layers without a name of
    their own are counted within that layer: `transformer_encoder_layer_0/t5_layer_norm:1/weight` is its second one.
    """
    found = {}
    for layer in backbone.layers:
        unnamed = {}
        for weight in layer.weights:
            path = weight.path.removeprefix(f"{layer.name}/")
            match = UNNAMED.search(path)
            if match and not layer.name.startswith("t5_layer_norm"):
                number = unnamed.setdefault(match[0], len(unnamed))
                path = f"{path[: match.start()]}t5_layer_norm:{number}{path[match.end() :]}"
            found[f"{layer.name}/{path}"] = weight
    return found


def _same_value(ours, value) -> bool:
    """Whether a value of an argument is the one in a configuration, where a function stands by its name."""
    if isinstance(value, Mapping):
        value = value.get("config")
    if isinstance(ours, str):
        return value == ours
    import keras

    return isinstance(value, str) and keras.saving.get_registered_object(value) is ours


def _numbers(weight) -> np.ndarray:
    from keras import ops

    return ops.convert_to_numpy(weight)
