"""The tokenizer that a prepared folder holds."""

from pathlib import Path


def load_tokenizer(folder):
    """Load the tokenizer with which a folder was prepared.

    Args:
        folder: path of a folder written by `zoo.data.prepare`.

    Returns:
        A zoo tokenizer.

    Raises:
        ValueError: if the folder holds none.
    """
    import keras_hub

    import zoo.tokenizers  # noqa: F401  (registers the classes that the folder may name)

    if not (Path(folder) / "tokenizer.json").is_file():
        raise ValueError(
            f"Expected a folder written by `zoo.data.prepare`, found no tokenizer.json in it. "
            f"Received: folder={str(folder)!r}"
        )
    return keras_hub.tokenizers.Tokenizer.from_preset(str(folder))
