"""Files of benchmarks: found by exact name, plain or compressed, and read into columns."""

from pathlib import Path

from zoo.data.tables import COMPRESSIONS, JSON_ENDINGS, json_rows
from zoo.data.text_files import open_text


def find_file(folder: Path, name: str) -> Path | None:
    """The file of this name in a folder, as it is or compressed (`.xz`, `.gz`, `.bz2`, `.zst`), or None.

    Upper and lower case count on every system, because layouts differ in nothing else (`CoLA/`, `cola/`).

    Args:
        folder: path of the data folder.
        name: path in it, with forward slashes.
    """
    *parents, last = name.split("/")
    for parent in parents:
        if parent not in _names(folder):
            return None
        folder = folder / parent
    present = _names(folder)
    return next((folder / each for each in (last, *(last + end for end in COMPRESSIONS)) if each in present), None)


def _names(folder):
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


def read_columns(path: Path, header=None) -> dict[str, list]:
    """Read a table into columns.

    Args:
        path: a file of JSON lines (`.json`, `.jsonl`) or of cells between tabs, without quoting; perhaps compressed.
        header: names of the columns of a file that has no header row.

    Returns:
        dict from column to its cells: str for tabs, what JSON gives for JSON lines, where the parts of a nested
        object are columns of their own, `outer.inner`. A cell that a row lacks is None.

    Raises:
        ValueError: if the file is not UTF-8, a row has more cells than the header, or a line is not a JSON object.
    """
    is_json = any(suffix in JSON_ENDINGS for suffix in path.suffixes[-2:])
    with open_text(path, whole_lines=True) as lines:
        if is_json:
            return as_columns(json_rows(lines, path))
        first_line = 1 if header else 2
        header = list(header or next(lines, "").split("\t"))
        rows = list(_tab_rows(lines, path, header, first_line))
    return {name: [cells[place] for cells in rows] for place, name in enumerate(header)}


def as_columns(rows: list[dict]) -> dict[str, list]:
    """Rows as columns, with the parts of nested objects as columns of their own, `outer.inner`; None for no cell."""
    rows = [_flat(row) for row in rows]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _flat(row):
    found = {}
    for name, value in row.items():
        inner = {f"{name}.{key}": part for key, part in _flat(value).items()} if isinstance(value, dict) else {}
        found |= inner or {name: value}
    return found


def _tab_rows(lines, path, header, first_line):
    for number, line in enumerate(lines, start=first_line):
        cells = line.split("\t")
        if len(cells) > len(header):
            raise ValueError(
                f"A row must not have more cells than the table has columns. Received: {path}, line {number}, with "
                f"{len(cells)} cells for the {len(header)} columns {', '.join(header)}."
            )
        if line:
            yield [*cells, *[None] * (len(header) - len(cells))]
