"""JSON read strictly into dataclasses: nothing missing, nothing unknown, and one error that lists it all."""

import dataclasses
import json
import types
import typing
from pathlib import Path

MAX_JSON_BYTES = 1_000_000


def read_json(path: Path, largest: int = MAX_JSON_BYTES, kind: type = dict):
    """Return the object in a JSON file, refusing what JSON forbids or no preset needs.

    Args:
        path: the file.
        largest: int, bytes that it may have.
        kind: what the file must hold: `dict` for an object, or `list`.

    Raises:
        ValueError: if the file is absent, over `largest` bytes, not UTF-8, or not JSON; if it has a key twice, a NaN,
            or no object (or list).
    """
    path = Path(path)
    try:
        if path.stat().st_size > largest:
            raise ValueError(f"it has {path.stat().st_size:,} bytes, more than the {largest:,} allowed")
        record = json.loads(
            path.read_text(encoding="utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_refuse_constant,
        )
        if not isinstance(record, kind):
            expected = "an object" if kind is dict else "a list"
            raise ValueError(f"{expected} was expected, it holds a {type(record).__name__}")
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"Cannot read the JSON file {path}: {error}") from error
    return record


def _distinct(pairs):
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"keys given twice: {sorted({name for name in names if names.count(name) > 1})}")
    return record


def _refuse_constant(name):
    raise ValueError(f"{name} is not a JSON number")


def to_dataclass(kind: type, record: dict) -> tuple[object | None, list[str]]:
    """Return the instance of a dataclass that a JSON object holds, and what is wrong with the object.

    Fields may be str, int, float, bool, dataclasses, `X | None`, `tuple[X, ...]`, `dict[str, X]` and `object`.

    Args:
        kind: a dataclass.
        record: dict, as read from JSON.

    Returns:
        A tuple: the instance, to be used only if there are no problems, and the list of problems, each
        with the path of the key, such as `"source.files.config.json.bytes: missing"`.
    """
    problems = []
    return _convert(kind, record, "", problems), problems


def _convert(kind, value, where, problems):
    """`value` as `kind` (a dataclass, a scalar type, `X | None`, tuple[X, ...] or dict[str, X]), noting problems."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is object:
        return value
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _convert_record(kind, value, where, problems)
    if origin is types.UnionType:
        return None if value is None else _convert(arguments[0], value, where, problems)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(arguments[0], item, f"{where}[{index}]", problems) for index, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _convert(arguments[1], item, _join(where, key), problems) for key, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    expected = {tuple: "a list", dict: "an object"}.get(origin) or getattr(kind, "__name__", str(kind))
    problems.append(f"{where or 'the card'}: expected {expected}. Received: {value!r}")
    return None


def _convert_record(kind, record, where, problems):
    hints = typing.get_type_hints(kind)
    required = {
        field.name for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }  # fmt: skip
    problems += [f"{_join(where, key)}: unknown key" for key in sorted(record.keys() - hints.keys())]
    missing = sorted(required - record.keys())
    problems += [f"{_join(where, key)}: missing" for key in missing]
    values = {
        key: _convert(hints[key], value, _join(where, key), problems) for key, value in record.items() if key in hints
    }
    return None if missing else kind(**values)


def _join(where, key):
    return f"{where}.{key}" if where else key
