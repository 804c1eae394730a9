import dataclasses

import pytest

from zoo.weights.strict_json import MAX_JSON_BYTES, read_json, to_dataclass


@dataclasses.dataclass(frozen=True)
class Part:
    size: int
    share: float = 0.5


@dataclasses.dataclass(frozen=True)
class Whole:
    name: str
    parts: tuple[Part, ...]
    counts: dict[str, int]
    anything: object
    ready: bool = False
    note: str | None = None


GOOD = {"name": "n", "parts": [{"size": 3}, {"size": 5, "share": 1}], "counts": {"a": 7}, "anything": [1, "x"]}


def test_reads_nested_records():
    whole, problems = to_dataclass(Whole, GOOD)
    assert problems == []
    assert whole == Whole("n", (Part(3), Part(5, 1.0)), {"a": 7}, [1, "x"])
    assert isinstance(whole.parts[1].share, float)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"colour": 1}, "colour: unknown key"),
        ({"parts": [{"size": 3, "weight": 2}]}, "parts[0].weight: unknown key"),
        ({"parts": [{"share": 0.5}]}, "parts[0].size: missing"),
        ({"parts": [{"size": "3"}]}, "parts[0].size: expected int. Received: '3'"),
        ({"parts": [{"size": True}]}, "parts[0].size: expected int. Received: True"),
        ({"parts": {"size": 3}}, "parts: expected a list"),
        ({"counts": {"a": 1.5}}, "counts.a: expected int. Received: 1.5"),
        ({"counts": [1]}, "counts: expected an object"),
        ({"name": None}, "name: expected str. Received: None"),
        ({"ready": 1}, "ready: expected bool. Received: 1"),
        ({"note": 1}, "note: expected str. Received: 1"),
    ],
)
def test_says_what_is_wrong(change, expected):
    _, problems = to_dataclass(Whole, GOOD | change)
    assert len(problems) == 1
    assert problems[0].startswith(expected)


def test_lists_everything_that_is_wrong():
    _, problems = to_dataclass(Whole, {"nmae": "n", "parts": [{"size": "3"}, {}], "counts": {}})
    assert sorted(problems) == [
        "anything: missing",
        "name: missing",
        "nmae: unknown key",
        "parts[0].size: expected int. Received: '3'",
        "parts[1].size: missing",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"a": 1, "a": 2}', "keys given twice"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b"[1]", "an object was expected"),
        (b'{"a": ', "Expecting value"),
        (b'{"a": "\xff"}', "utf-8"),
        (b'{"a": ' + b"[" * 200_000, "recursion"),
        (b'{"a": "' + b"x" * MAX_JSON_BYTES + b'"}', "more than the 1,000,000 allowed"),
    ],
)
def test_refuses_files_that_are_not_plain_json(tmp_path, text, expected):
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(ValueError, match=expected) as error:
        read_json(path)
    assert str(path) in str(error.value)


def test_names_an_absent_file(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.json"):
        read_json(tmp_path / "absent.json")
