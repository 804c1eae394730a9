"""The strict engine: every tensor of a checkpoint into its place, after all names and shapes were compared."""

import math
import warnings
from fnmatch import fnmatchcase

from zoo.weights.checkpoints import Checkpoint
from zoo.weights.name_table import Head, NameTable
from zoo.weights.parts import are_equal, is_zero, read_whole

MAX_LISTED = 20


def load_checkpoint(
    table: NameTable, weights, checkpoint: Checkpoint, arguments: dict, config: dict, head: Head | None = None, skip=()
) -> list:
    """Put the tensors of a checkpoint into the weights of a model: none missing, none left.

    A tensor is read in the type of the weight, put into its place, and forgotten, the largest first, when the fewest
    others are there: never are there two copies of the whole.

    Args:
        table: `NameTable` of the architecture.
        weights: Keras variables, those of a backbone, or of a task whose head is `head`.
        checkpoint: `Checkpoint`.
        arguments: dict, what the backbone was made with.
        config: dict, `config.json`.
        head: `Head` of the task; None for a backbone, and then heads are left unread.
        skip: those of the weights that have their values already; they are compared and not read.

    Returns:
        The weights that the checkpoint need not hold and does not; they are as they were, after a warning.

    Raises:
        ValueError: that lists every tensor that is missing, unused or of another shape.
    """
    there = {table.spelled(name): name for name in checkpoint.shapes}
    places = table.places(weights, arguments, config, head or table.published_head(config))
    optional = {*table.optional, *(head.extras if head else ())}
    new = [place.weight for place in places if place.name not in there and _layer(place) in optional]
    places = [place for place in places if place.name in there or _layer(place) not in optional]
    problems = _differences(places, there, checkpoint)
    known = {place.name for place in places} | table.folded.keys()
    problems += [f"missing: {name}" for name in table.folded if name not in there]
    problems += _leftovers(table, there.keys() - known, there, checkpoint, _ignored(table, head))
    if problems:
        more = [f"and {len(problems) - MAX_LISTED} more"] if len(problems) > MAX_LISTED else []
        raise ValueError(
            f"The weights in {checkpoint.folder} do not fit a {table.architecture}:\n  "
            + "\n  ".join(problems[:MAX_LISTED] + more)
        )
    done = {id(weight) for weight in skip}
    places = [place for place in places if id(place.weight) not in done]
    for place in sorted(places, key=lambda place: math.prod(place.shape), reverse=True):
        place.weight.assign(_tensor(place, table, there, checkpoint))
    new = [weight for weight in new if id(weight) not in done]
    if new:
        drawn = ", ".join(weight.path for weight in new)
        warnings.warn(f"The weights do not hold {drawn}, which stay as they were drawn.", stacklevel=2)
    return new


def _tensor(place, table, there, checkpoint):
    """What belongs into a place, in the type of the weight."""
    folded = [name for name, (path, _, _) in table.folded.items() if path == place.weight.path]
    if not folded:
        return place.view(read_whole(checkpoint, there[place.name], place.weight.dtype))
    # A sum in half precision would be rounded twice.
    tensor = place.view(checkpoint.read(there[place.name])).astype("float32")
    for name in folded:
        tensor = tensor + checkpoint.read(there[name])[0].astype("float32")
    return tensor.astype(place.weight.dtype)


def has_extras(table: NameTable, head: Head, checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint holds the second head that a file with this one may have."""
    there = {table.spelled(name) for name in checkpoint.shapes}
    return bool(head.extras) and all(f"{name}.weight" in there for name in head.extras.values())


def _layer(place):
    return place.weight.path.rsplit("/", 1)[0]


def _ignored(table, head):
    """Patterns of the tensors that nothing here has a use for."""
    if head is None:
        return table.ignored + table.buffers
    roots = {name.split(".")[0] for name in (*head.layers.values(), *(name for name, _ in head.rows.values()))}
    others = tuple(pattern for pattern in table.ignored if pattern.split(".")[0] not in roots)
    return others + table.buffers + tuple(head.blanks) + tuple(f"{name}.*" for name in head.extras.values())


def _differences(places, there, checkpoint):
    problems = [f"missing: {place.name} {place.shape}" for place in places if place.name not in there]
    for place in places:
        if place.name in there and checkpoint.shapes[there[place.name]] != place.shape:
            received = checkpoint.shapes[there[place.name]]
            problems.append(f"wrong shape: {place.name}: expected {place.shape}. Received: {received}")
    return problems


def _leftovers(table, names, there, checkpoint, ignored):
    """What is wrong with tensors that have no place."""
    problems = []
    for name in sorted(names):
        if name in table.copies and table.copies[name] in there:
            if not are_equal(checkpoint, there[name], there[table.copies[name]]):
                problems.append(f"differs from {table.copies[name]}, with which it shares a place here: {name}")
        elif any(fnmatchcase(name, pattern) for pattern in ignored):
            continue
        elif name not in table.zeros:
            problems.append(f"unused: {name} {checkpoint.shapes[there[name]]}")
        elif not is_zero(checkpoint, there[name]):
            problems.append(f"not zero, which this package has no place for: {name} {checkpoint.shapes[there[name]]}")
    return problems
