"""Tables from files: every cell in its column, digits as text, and damage named with its line."""

import gzip
import json

import pytest

from zoo.data.inputs import read_examples
from zoo.data.tables import read_table


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("trailing_tab.tsv", "one\tother\tlabel\nA man.\tHe.\tyes\t\nA cat.\tIt.\tno\t\n", "line 2, with 4 cells"),
        ("tab_inside.tsv", "text\tlabel\nA cat\tyes\nA man\teats\tno\n", "line 3, with 3 cells"),
        ("too_few.csv", "text,label\nfine film\n", "line 2, with 1 cells for the 2 columns text, label"),
        ("twice.tsv", "text\ttext\na\tb\n", "a name of its own"),
        ("quote.csv", 'text,label\n"a film,1\n', "quotes around cells"),
        ("none.tsv", "text\tlabel\n", "at least one row"),
        ("empty.csv", "", "at least one row"),
        ("cut.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "lab', "line 2"),
        ("number.jsonl", "7\n", "line 1: '7'"),
        ("numbers.json", "[7]", "Received: .*numbers.json: 7"),
        ("cut.json", '[{"text": "a"},', r"cut\.json: Expecting"),
        ("table.xlsx", "a", r"\.tsv, \.csv, \.jsonl or \.json"),
    ],
)  # fmt: skip
def test_damage_is_named(tmp_path, name, text, line):
    with pytest.raises(ValueError, match=line):
        read_table(written(tmp_path / name, text))


def test_digits_are_text(tmp_path):
    examples = read_examples(read_table(written(tmp_path / "years.tsv", "text\tlabel\n1984\t01\n2001\t1\n")))
    assert (examples.texts, examples.labels) == (["1984", "2001"], ["01", "1"])


def test_a_carriage_return_inside_a_cell_ends_no_row(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(b"text\tlabel\r\nbad\rx\t0\r\n\r\ngood\t1\r\n")
    table = read_table(path)
    assert table["text"].tolist() == ["bad\rx", "good"] and table["label"].tolist() == ["0", "1"]


def test_cells_in_quotes(tmp_path):
    long = "very " * 40_000
    path = tmp_path / "t.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(f'\ufefftext,label\n"a ""film"",\nand more",1\n{long},0\n')
    assert read_table(path).to_dict("list") == {"text": ['a "film",\nand more', long], "label": ["1", "0"]}


@pytest.mark.parametrize("form", ["lines", "list", "indented"])
def test_json_as_it_is(tmp_path, form):
    rows = [{"text": "a", "label": 1, "date": "2020-01-02"}, {"text": "b", "label": None}]
    text = (
        "\n".join(map(json.dumps, rows))
        if form == "lines"
        else json.dumps(rows, indent=2 if form == "indented" else None)
    )
    table = read_table(written(tmp_path / "t.json", "\ufeff" + text))
    assert table["text"].tolist() == ["a", "b"] and table["date"].tolist() == ["2020-01-02", None]
    assert table["label"].tolist() == [1, None] and type(table["label"][0]) is int


def test_long_lines_and_cells_stay_whole(tmp_path):
    text = "很好看 " * 300_000
    rows = [{"text": text, "label": 1}, {"text": "short", "label": 0}]
    (tmp_path / "a.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "a.csv").write_text(f'text,label\n"{text}",1\nshort,0\n', encoding="utf-8")
    (tmp_path / "a.tsv").write_text(f"text\tlabel\n{text}\t1\nshort\t0\n", encoding="utf-8")
    for name in ("a.json", "a.jsonl", "a.csv", "a.tsv"):
        assert read_table(tmp_path / name)["text"].tolist() == [text, "short"], name
