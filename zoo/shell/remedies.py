"""What to do in the shell where the message of an error says it for Python."""

# What a message has in it, and what the same is for people who type commands.
REMEDIES = {
    "`tokenizer.with_sentinels(": "a corpus with sentinels is made by `zoo prepare ... --sentinels 100`",
    "`zoo.data.prepare": "a corpus is made of text files by `zoo prepare FILES --to FOLDER`",
    "text_columns=": "columns are named by `--text-columns NAME` (a pair: `ONE,TWO`) and `--label-column NAME`",
    "`label_column`": "a column is named by `--label-column NAME`",
    "no such column": "columns are named by `--text-columns NAME` and `--label-column NAME`",
    "`zoo.list_presets()`": "`zoo list` shows all names",
}


def remedy(message: str) -> str:
    """The first of `REMEDIES` that fits a message, as a sentence; empty where none does."""
    said = next((there for here, there in REMEDIES.items() if here in message), None)
    return "" if said is None else f"In the shell, {said}."
