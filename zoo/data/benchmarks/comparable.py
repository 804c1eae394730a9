"""Whether a dev set is the one that published scores are on."""

import hashlib


def digest(text: str) -> str:
    """A short hash of a text's letters and digits, equal for equal text however it is spaced and cased.

    Example:

    >>> from zoo.data.benchmarks.comparable import digest
    >>> digest("It's here .") == digest("its here.")
    True
    """
    letters = "".join(character for character in text.lower() if character.isalnum())
    return hashlib.blake2b(letters.encode(), digest_size=8).hexdigest()


def why_not_comparable(task, dev: dict, note: str | None) -> str | None:
    """Say why scores on these dev sets must not be put beside published ones; None if they may.

    Args:
        task: `BenchmarkTask`.
        dev: dict from the name of a dev set to its rows.
        note: str, what the data folder says of the task, or None.
    """
    if note:
        return f"the data folder says: {note}"
    for name, rows in dev.items():
        official = task.splits[name]
        if official.rows is not None and len(rows) != official.rows:
            return f"{len(rows):,} dev rows, and the official set has {official.rows:,}"
        if official.witnesses and not set(official.witnesses) <= {digest(text) for text in rows.texts[0]}:
            return "as many rows as the official dev set, but another cut: rows of the official one are not in it"
    return None
