"""Tokenizers of model folders of Hugging Face."""

from pathlib import Path

from zoo.weights.strict_json import read_json

TOKENIZER_FILE, SETTINGS_FILE = "tokenizer.json", "tokenizer_config.json"
# Bytes; the quarter of a million pieces of a multilingual model are 20 million.
LARGEST_TOKENIZER = 64_000_000
# What the classes there do when `tokenizer_config.json` does not say it.
WORD_PIECE_DEFAULTS = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}


def word_piece(folder: Path):
    """The WordPiece of a BERT: `vocab.txt`, or what `tokenizer.json` holds of it.

    Raises:
        ValueError: if neither is there, or a setting is one that we do not implement.
    """
    from zoo.tokenizers import WordPiece

    path = folder / SETTINGS_FILE
    settings = read_json(path) if path.is_file() else {}
    lowercase, strip_accents, chinese = (settings.get(key, value) for key, value in WORD_PIECE_DEFAULTS.items())
    if (folder / "vocab.txt").is_file():
        vocabulary = str(folder / "vocab.txt")
    else:
        whole = _tokenizer_json(folder, "WordPiece", "vocab.txt")
        vocabulary = _in_order(whole["model"]["vocab"], folder)
        normalizer = whole.get("normalizer") or {}
        if normalizer.get("type") != "BertNormalizer":
            raise ValueError(f"{folder / TOKENIZER_FILE} must have a BertNormalizer. Received: {normalizer!r}")
        lowercase, strip_accents = normalizer["lowercase"], normalizer["strip_accents"]
        chinese = normalizer["handle_chinese_chars"]
    if not chinese:
        raise ValueError(
            "Chinese characters are words of their own here. "
            f"Received: tokenize_chinese_chars={chinese!r} in {folder}, which is not implemented."
        )
    return WordPiece(vocabulary, lowercase=lowercase, strip_accents=strip_accents)


def byte_pair(folder: Path):
    """The byte pairs of a BART: `vocab.json` and `merges.txt`, or what `tokenizer.json` holds of them."""
    from zoo.tokenizers import BytePair

    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return BytePair(str(folder / "vocab.json"), str(folder / "merges.txt"))
    model = _tokenizer_json(folder, "BPE", "vocab.json and merges.txt")["model"]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return BytePair(model["vocab"], merges)


def _tokenizer_json(folder, kind, instead):
    path = folder / TOKENIZER_FILE
    whole = read_json(path, LARGEST_TOKENIZER) if path.is_file() else {}
    found = (whole.get("model") or {}).get("type")
    if found != kind:
        raise ValueError(
            f"The folder must hold {instead}, or a {TOKENIZER_FILE} with a {kind} model. Received: folder={folder}, "
            + (f"with a {found} model" if whole else "without either")
        )
    return whole


def _in_order(ids, folder):
    pieces = sorted(ids, key=ids.get)
    if [ids[piece] for piece in pieces] != list(range(len(pieces))):
        raise ValueError(f"The ids in {folder / TOKENIZER_FILE} must be 0, 1, 2, ..., each once.")
    return pieces
