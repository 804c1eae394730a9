"""Labelled tables from files: TSV, CSV and JSON lines."""

from pathlib import Path

SEPARATORS = {".tsv": "\t", ".csv": ",", ".txt": "\t"}
COMPRESSIONS = (".gz", ".xz", ".bz2", ".zst", ".zip")


def read_table(path):
    """Read a table of texts and labels.

    Args:
        path: str or path of a `.tsv` (no quoting), `.csv` or `.jsonl` file with a header row, plain or
            compressed (`.gz`, `.xz`, `.bz2`, `.zst`).

    Returns:
        A pandas frame.

    Raises:
        ValueError: if the file does not exist, is of another kind, is not UTF-8 or has no rows.
    """
    import csv

    import pandas

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"The table must be a file. Received: {str(path)!r}, which is not there.")
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSIONS]
    kind = suffixes[-1] if suffixes else ""
    try:
        if kind in (".jsonl", ".json"):
            table = pandas.read_json(path, lines=True, dtype=False)
        elif kind in SEPARATORS:
            quoting = csv.QUOTE_MINIMAL if kind == ".csv" else csv.QUOTE_NONE
            table = pandas.read_csv(
                path, sep=SEPARATORS[kind], quoting=quoting, keep_default_na=False, encoding="utf-8-sig"
            )
        else:
            raise ValueError(
                f"The table must be a .tsv, .csv or .jsonl file (perhaps compressed). Received: {str(path)!r}"
            )
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The table must be UTF-8 text. Received: {str(path)!r}, byte {error.start}: {error.reason}. "
            "Convert it, for example with `iconv -t utf-8`."
        ) from error
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError) as error:
        raise ValueError(
            f"The table must have the same columns in every row. Received: {str(path)!r}: {error}"
        ) from error
    if not len(table):
        raise ValueError(f"The table must have at least one row under its header. Received: {str(path)!r}")
    return table
