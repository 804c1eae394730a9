"""Labelled tables from files: TSV, CSV and JSON lines."""

import csv
import json
from pathlib import Path

from zoo.data.text_files import open_text

SEPARATORS = {".tsv": "\t", ".csv": ",", ".txt": "\t"}
JSON_ENDINGS = (".json", ".jsonl")
COMPRESSIONS = (".xz", ".gz", ".bz2", ".zst")
_LONGEST_CELL = 1 << 30  # of a CSV file, in characters; Python's own limit is 131,072


def read_table(path):
    """Read a table of texts and labels.

    Args:
        path: str or path of a `.tsv` (no quoting), `.csv`, `.jsonl` or `.json` file (a list of objects, or one a line),
            plain or compressed (`.gz`, `.xz`, `.bz2`, `.zst`). The first two have a header row.

    Returns:
        A pandas frame. Cells of `.tsv` and `.csv` are str, digits too: `01` is another label than `1`, and `1984` may
        be a text. Those of JSON are as JSON has them.

    Raises:
        ValueError: if the file does not exist, is of another kind, is not UTF-8, has no rows, or a row has more or
            fewer cells than the header; with the line.
    """
    import pandas

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"The table must be a file. Received: {str(path)!r}, which is not there.")
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSIONS]
    kind = suffixes[-1] if suffixes else ""
    if kind not in (*SEPARATORS, *JSON_ENDINGS):
        raise ValueError(
            f"The table must be a .tsv, .csv, .jsonl or .json file (perhaps compressed). Received: {str(path)!r}"
        )
    with open_text(path, whole_lines=True) as lines:
        if kind in JSON_ENDINGS:
            table = pandas.DataFrame(json_rows(lines, path), dtype=object)
            table = table.where(table.notna(), None)
        else:
            header, *rows = _rows(lines, path, SEPARATORS[kind]) or [[]]
            table = pandas.DataFrame(rows, columns=header, dtype=object)
    if not len(table):
        raise ValueError(f"The table must have at least one row under its header. Received: {str(path)!r}")
    return table


def json_rows(lines, path) -> list[dict]:
    """The objects of a JSON file, one a line or all in one list.

    Args:
        lines: iterator of str.
        path: path, for the messages.

    Raises:
        ValueError: if a line is no JSON object, with its number.
    """
    rows, started = [], False
    for number, line in enumerate(lines, start=1):
        if not started and line.lstrip().startswith("["):
            return _listed(line + "\n" + "\n".join(lines), path)
        if not line.strip():
            continue
        started = True
        rows.append(_object(line, path, f"line {number}"))
    return rows


def _listed(text, path):
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise ValueError(f"The file must hold JSON objects. Received: {path}: {error}") from error
    wrong = next((row for row in rows if not isinstance(row, dict)), None)
    if wrong is not None:
        raise ValueError(f"Every item of the list must be a JSON object. Received: {path}: {wrong!r:.80}")
    return rows


def _object(line, path, where) -> dict:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"Every line must be a JSON object. Received: {path}, {where}: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"Every line must be a JSON object. Received: {path}, {where}: {line[:80]!r}")
    return row


def _rows(lines, path, separator) -> list[list[str]]:
    """The cells of all rows, the header first; empty lines are left out."""
    if separator == ",":
        numbered = _quoted(lines, path)
    else:
        numbered = ((number, line.split(separator)) for number, line in enumerate(lines, start=1) if line)
    rows = []
    for number, cells in numbered:
        if rows and len(cells) != len(rows[0]):
            raise ValueError(
                "The table must have the same columns in every row. "
                f"Received: {path}, line {number}, with {len(cells)} cells for the {len(rows[0])} columns "
                f"{', '.join(rows[0])}."
            )
        rows.append(cells)
    if rows and len(set(rows[0])) < len(rows[0]):
        raise ValueError(f"Every column must have a name of its own. Received: {path}, with {', '.join(rows[0])}.")
    return rows


def _quoted(lines, path):
    """The rows of a CSV file, behind the numbers of their last lines."""
    limit = csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader((line + "\n" for line in lines), strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise ValueError(
            f"The table must be CSV, with quotes around cells that have quotes. Received: {path}, line "
            f"{reader.line_num}: {error}"
        ) from error
    finally:
        csv.field_size_limit(limit)
