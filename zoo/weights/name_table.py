"""How an architecture is written down at Hugging Face, as a table: each of our weights, the tensor that holds it."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

# What our kinds of weights are called there, and whether they lie the other way round.
KINDS = {
    "kernel": ("weight", True), "bias": ("bias", False), "gamma": ("weight", False), "beta": ("bias", False),
    "scale": ("weight", False), "embeddings": ("weight", False), "reverse_embeddings": ("weight", True),
}  # fmt: skip
# How the oldest files call what the others call weight and bias.
OLD_WORDS = {"gamma": "weight", "beta": "bias"}
POSITIONS = "embedding/positions/embeddings"


def _nothing():
    return dataclasses.field(default_factory=lambda: MappingProxyType({}))


class Required:
    """Stands where a key has no default."""


class Place(NamedTuple):
    """Where a weight is written down.

    Attributes:
        weight: Keras variable.
        name: str, the name of the tensor there, as a table spells it.
        shape: tuple, the tensor's.
        view: function from the tensor to the part of it, in our orientation, that the weight is: a NumPy view, so that
            the part can be written too.
    """

    weight: object
    name: str
    shape: tuple
    view: Callable


@dataclasses.dataclass(frozen=True)
class Head:
    """The head of a task, as the models of an architecture that have it hold it.

    Attributes:
        suffix: str, what the names of their classes end with, such as `"ForSequenceClassification"`.
        task: str, the class of `zoo.tasks`.
        layers: dict: the path of each of our layers, the name of theirs; those of the backbone that stand in another
            place there, too.
        arguments: function from `config.json` (dict) to the arguments of the task, or to None if the head there is of
            another task.
        entries: function from the task to what `config.json` says of its head.
        rows: dict from the path of a weight of ours to the tensor that holds it, and the row of it.
        blanks: dict from a tensor that changes nothing here to its shape; written as zeros.
        extras: dict as `layers`, of a second head that a file may have as well, and `extra_arguments` that make it.
        refused: str, why a head of this kind cannot be taken over, or None.
        activation: str, the head's there, whatever the backbone's is; None where it is the backbone's, or none.
    """

    suffix: str
    task: str
    layers: Mapping[str, str]
    arguments: Callable[[dict], dict | None] = lambda config: {}
    entries: Callable = lambda task: {}
    rows: Mapping[str, tuple[str, int]] = _nothing()
    blanks: Mapping[str, tuple] = _nothing()
    extras: Mapping[str, str] = _nothing()
    extra_arguments: Mapping[str, object] = _nothing()
    refused: str | None = None
    activation: str | None = None


@dataclasses.dataclass(frozen=True)
class NameTable:
    """How the models of an architecture are written down in a folder of Hugging Face.

    Attributes:
        architecture: str, the class of `zoo.models`.
        published_name: str, what the names of their classes begin with, such as `"Bert"`.
        model_type: str, the architecture's name in `config.json`.
        arguments: dict from an argument of our class to `(key, default)` in `config.json`; `Required` for no default,
            and a tuple of keys where the first that is there counts.
        layers: function from the arguments (dict) to a dict: the path of each of our layers, the name of theirs.
        suits: function from `config.json` (dict) to whether this table is for it, of several with its `model_type`.
        values: dict from an argument to a dict, what its values are called here.
        constants: dict from an argument of ours that this architecture fixes to its value.
        fixed: dict from a key to the only value that we implement, which is also its default.
        same: dict from a key to the key whose value it must have, where we have one number for both.
        least: dict from a key to its least value.
        prefix: str, what names begin with in a model that also has a head, such as `"bert."`.
        heads: the heads that we have too.
        ignored: patterns (`fnmatch`) of the tensors of heads, which a backbone has no use for.
        buffers: patterns of tensors that hold no weights.
        zeros: names of tensors that we do not have, and that must be zero.
        copies: dict from the name of a tensor to the one that it must equal.
        optional: layers of ours that a file need not have, because not every head needs them; they stay as drawn.
        unused_positions: function from `config.json` to the number of rows at the head of the table of positions that
            no token uses, which we do without.
        folded: dict from a tensor whose first row is added to every token, because all tokens are of one kind there, to
            the path of the weight of ours that takes it up, and the key that counts its rows, with the default.
        special_ids: dict from a key that names a token to `(key, default)` of the token that it must be, where it is
            said: our models begin a text with no other.
        base_suffix: str, what follows `published_name` in the class of a model without a head.
    """

    architecture: str
    published_name: str
    model_type: str
    arguments: Mapping[str, tuple]
    layers: Callable[[dict], dict]
    suits: Callable[[dict], bool] = lambda config: True
    values: Mapping[str, Mapping] = _nothing()
    constants: Mapping[str, object] = _nothing()
    fixed: Mapping[str, object] = _nothing()
    same: Mapping[str, str] = _nothing()
    least: Mapping[str, int] = _nothing()
    prefix: str = ""
    heads: tuple[Head, ...] = ()
    ignored: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    zeros: tuple[str, ...] = ()
    copies: Mapping[str, str] = _nothing()
    optional: tuple[str, ...] = ()
    unused_positions: Callable[[dict], int] = lambda config: 0
    folded: Mapping[str, tuple[str, str, int]] = _nothing()
    special_ids: Mapping[str, tuple[str, int]] = _nothing()
    base_suffix: str = "Model"

    def published_head(self, config: dict, task: str | None = None) -> Head | None:
        """The head that a `config.json` says its model has.

        Args:
            config: dict.
            task: str, the class of `zoo.tasks` whose head it must be; None for any.
        """
        classes = config.get("architectures") or ()
        for head in self.heads:
            is_asked_for = task is None or (task == head.task and head.arguments(config) is not None)
            if is_asked_for and f"{self.published_name}{head.suffix}" in classes:
                return head
        return None

    def spelled(self, name: str) -> str:
        """A file's name of a tensor, as the table spells it."""
        layer, _, word = name.removeprefix(self.prefix).rpartition(".")
        return f"{layer}.{OLD_WORDS.get(word, word)}" if layer else word

    def places(self, weights, arguments: dict, config: dict, head: Head | None = None) -> list[Place]:
        """Where each of the `weights` of a model with these arguments is written down.

        Args:
            weights: Keras variables, of the backbone or of the task's head.
            arguments: dict, what the backbone is made with.
            config: dict, `config.json`.
            head: `Head` of the model there, or None.
        """
        layers = dict(self.layers(arguments))
        if head is not None:
            layers |= {**head.extras, **head.layers}
        return [self._place(weight, layers, config, head) for weight in weights]

    def _place(self, weight, layers, config, head):
        shape = tuple(weight.shape)
        if head is not None and weight.path in head.rows:
            name, row = head.rows[weight.path]
            return Place(weight, name, (len(head.rows), *shape), lambda tensor: tensor[row])
        layer, kind = weight.path.rsplit("/", 1)
        word, is_turned = KINDS[kind]
        name = f"{layers[f'{layer}/reverse' if kind == 'reverse_embeddings' else layer]}.{word}"
        if weight.path == POSITIONS and (unused := self.unused_positions(config)):
            return Place(weight, name, (shape[0] + unused, *shape[1:]), lambda tensor: tensor[unused:])
        if is_turned:
            return Place(weight, name, shape[::-1], lambda tensor: tensor.T)
        return Place(weight, name, shape, lambda tensor: tensor)
