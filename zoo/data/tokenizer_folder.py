"""The tokenizer that a prepared folder holds."""

import json
from pathlib import Path

# As `save_to_preset` of a KerasHub tokenizer names them.
_CONFIGURATION = "tokenizer.json"
_ASSETS = Path("assets") / "tokenizer"


def load_tokenizer(folder):
    """Load the tokenizer with which a folder was prepared.

    Args:
        folder: path of a folder written by `zoo.data.prepare`, or of a preset.

    Returns:
        A zoo tokenizer.

    Raises:
        ValueError: if the folder holds none.
    """
    import keras

    import zoo.tokenizers  # noqa: F401  (registers the classes that the folder may name)

    path = Path(folder).expanduser() / _CONFIGURATION
    if not path.is_file():
        raise ValueError(
            f"Expected a folder written by `zoo.data.prepare`, found no {_CONFIGURATION} in it. "
            f"Received: folder={str(folder)!r}"
        )
    tokenizer = keras.saving.deserialize_keras_object(json.loads(path.read_text(encoding="utf-8")))
    tokenizer.load_assets(str(path.parent / _ASSETS))
    return tokenizer
