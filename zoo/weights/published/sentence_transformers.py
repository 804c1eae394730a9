"""What a folder of the library `sentence-transformers` says beside its model: how a text becomes a vector."""

from pathlib import Path

from zoo.weights.strict_json import read_json

MODULES_FILE, LENGTH_FILE = "modules.json", "sentence_bert_config.json"
# What ways to pool are called here; there are more there.
POOLINGS = {"mean": "mean", "mean_tokens": "mean", "cls": "cls", "cls_token": "cls"}


def embedder_arguments(folder: Path) -> dict:
    """The arguments of a `zoo.TextEmbedder` that a folder asks for; none where it says nothing of vectors.

    Args:
        folder: `Path` of a model folder of Hugging Face.

    Raises:
        ValueError: if texts become vectors in a way that is not implemented, or a file that says how is absent.
    """
    if not (folder / MODULES_FILE).is_file():
        return {}
    modules = read_json(folder / MODULES_FILE, kind=list)
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or not set(kinds[2:]) <= {"Normalize"}:
        raise ValueError(
            f"{folder / MODULES_FILE} must be a Transformer, a Pooling and perhaps a Normalize. Received: {kinds}. "
            "Load the backbone, and give it to `zoo.TextEmbedder` with a `pooling` of its own."
        )
    path = folder / Path(str(modules[1].get("path", "1_Pooling"))).name / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder / MODULES_FILE} names {path}, which is absent. Fetch the folder whole.")
    length = read_json(folder / LENGTH_FILE).get("max_seq_length") if (folder / LENGTH_FILE).is_file() else None
    return {"pooling": _pooling(read_json(path), path), "sequence_length": length}


def _pooling(config, path):
    """The way to pool, which is one name in new files, and one of several flags in old ones."""
    named = config.get("pooling_mode")
    flags = [name.removeprefix("pooling_mode_") for name in config if name.startswith("pooling_mode_") and config[name]]
    asked = [named] if isinstance(named, str) else named if isinstance(named, list) else flags
    if len(asked) != 1 or asked[0] not in POOLINGS:
        raise ValueError(
            f"{path} must ask for one of {sorted(set(POOLINGS.values()))}. Received: {asked}. Load the backbone, and "
            "give it to `zoo.TextEmbedder` with a `pooling` of its own."
        )
    return POOLINGS[asked[0]]
