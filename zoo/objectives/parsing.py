"""Objectives written as text, for the shell and for files: `MaskedLM(unit='span') + NextSentence()`."""

import ast
from collections.abc import Callable

from zoo.objectives.objective import Objective


def parse_objective(text: str) -> Objective:
    """Read an objective that is written as in Python.

    Only names of objectives (and `ul2`), `+`, and keyword arguments are understood: literals, and tuples or lists
    of objectives. Nothing is evaluated.

    Args:
        text: str, such as `"MaskedLM(unit='whole_word', rate=0.25) + NextSentence"`.

    Returns:
        The objective.

    Raises:
        TypeError: if it is no text.
        ValueError: if the text is not of that form, or names no objective; the known ones are listed.

    Example:

    >>> import zoo
    >>> zoo.objectives.parse_objective("MaskedLM(rate=0.25) + NextSentence").pairing
    NextSentence(short_sequence_probability=0.1)
    """
    if not isinstance(text, str):
        raise TypeError(f"{_message(text)} An objective itself needs no reading.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(_message(text)) from error
    return _build(tree, text)


def _build(node, text):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _build(node.left, text) + _build(node.right, text)
    call = node if isinstance(node, ast.Call) else None
    name = call.func if call else node
    if not isinstance(name, ast.Name) or name.id not in _known() or (call and call.args):
        raise ValueError(_message(text))
    keywords = call.keywords if call else []
    arguments = {keyword.arg: _read_argument(keyword.value, text) for keyword in keywords}
    if None in arguments or len(arguments) < len(keywords):  # **others, or the same name twice
        raise ValueError(_message(text))
    try:
        return _known()[name.id](**arguments)
    except TypeError as error:
        raise ValueError(f"{_message(text)} {error}") from error


def _read_argument(node, text):
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(_read_argument(element, text) for element in node.elts)
    if isinstance(node, (ast.Call, ast.Name, ast.BinOp)):
        return _build(node, text)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError) as error:  # an unhashable key of a dict is a TypeError
        raise ValueError(_message(text)) from error


def _known() -> dict[str, Callable[..., Objective]]:
    from zoo import objectives

    exported = {name: getattr(objectives, name) for name in objectives.__all__}
    classes = {
        name: value
        for name, value in exported.items()
        if isinstance(value, type) and issubclass(value, Objective) and hasattr(value, "__dataclass_fields__")
        and name != "Composite"
    }  # fmt: skip
    return {**classes, "ul2": objectives.ul2}


def _message(text):
    return (
        f"An objective is written as one or several of {sorted(_known())}, joined by +, with keyword arguments, "
        f"such as \"MaskedLM(unit='whole_word') + NextSentence\". Received: {text!r}."
    )
