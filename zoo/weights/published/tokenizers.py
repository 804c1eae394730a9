"""Tokenizers of model folders of Hugging Face."""

import json
from pathlib import Path

from zoo.weights.strict_json import read_json

TOKENIZER_FILE, SETTINGS_FILE, ADDED_FILE = "tokenizer.json", "tokenizer_config.json", "added_tokens.json"
# Bytes; the quarter of a million pieces of a multilingual model are 20 million.
LARGEST_TOKENIZER = 64_000_000
SENTENCE_PIECE_FILES = ("spiece.model",)
SENTINELS = 100
# What the classes there do when `tokenizer_config.json` does not say it.
WORD_PIECE_DEFAULTS = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}


# What the classes are called that follow the rules of BERT and of RoBERTa; `...Fast` is the same class.
FOLLOWERS = {
    "WordPiece": {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "ErnieTokenizer"},
    "BPE": {"BartTokenizer", "GPT2Tokenizer", "RobertaTokenizer"},
}


def read_tokenizer(folder: Path, model_type: str):
    """The tokenizer of a model folder, by the files that are there.

    Raises:
        ValueError: if its files are absent or damaged, or ask for what is not implemented.
    """
    path = folder / TOKENIZER_FILE
    if (folder / "vocab.txt").is_file():
        kind = "WordPiece"
    elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        kind = "BPE"
    elif any((folder / name).is_file() for name in SENTENCE_PIECE_FILES):
        return sentence_piece(folder, model_type)
    else:
        kind = (read_json(path, LARGEST_TOKENIZER).get("model") or {}).get("type") if path.is_file() else None
    if kind not in FOLLOWERS:
        raise ValueError(
            f"The folder must hold a vocabulary: vocab.txt, vocab.json and merges.txt, a SentencePiece model "
            f"({', '.join(SENTENCE_PIECE_FILES)}), or a {TOKENIZER_FILE} with WordPiece or BPE. Received: "
            f"folder={folder}, " + ("without any" if kind is None else f"with a {kind} model")
        )
    named = _settings(folder).get("tokenizer_class")
    if named is not None and named.removesuffix("Fast") not in {
        *FOLLOWERS[kind],
        "PreTrainedTokenizer",
        "TokenizersBackend",
    }:
        raise ValueError(
            f"The tokenizer must be one of {', '.join(sorted(FOLLOWERS[kind]))}, whose rules are implemented. "
            f"Received: tokenizer_class={named!r} in {folder}. Give a `tokenizer` of your own."
        )
    return {"WordPiece": word_piece, "BPE": byte_pair}[kind](folder)


def _settings(folder):
    path = folder / SETTINGS_FILE
    return read_json(path) if path.is_file() else {}


def word_piece(folder: Path):
    """The WordPiece of a BERT: `vocab.txt`, or what `tokenizer.json` holds of it.

    Raises:
        ValueError: if neither is there, or a setting is one that we do not implement.
    """
    from zoo.tokenizers import WordPiece

    settings = _settings(folder)
    _check_setting(folder, settings, "do_basic_tokenize", True)
    lowercase, strip_accents, chinese = (settings.get(key, value) for key, value in WORD_PIECE_DEFAULTS.items())
    if (folder / "vocab.txt").is_file():
        vocabulary = str(folder / "vocab.txt")
    else:
        whole = _tokenizer_json(folder, "WordPiece", "vocab.txt")
        vocabulary = _in_order(whole["model"]["vocab"], folder)
        normalizer = whole.get("normalizer") or {}
        if normalizer.get("type") != "BertNormalizer":
            raise ValueError(f"{folder / TOKENIZER_FILE} must have a BertNormalizer. Received: {normalizer!r}")
        _check_part(folder, whole, "pre_tokenizer", {"type": "BertPreTokenizer"})
        lowercase, strip_accents = normalizer["lowercase"], normalizer["strip_accents"]
        chinese = normalizer["handle_chinese_chars"]
    if not chinese:
        raise ValueError(
            "Chinese characters are words of their own here. "
            f"Received: tokenize_chinese_chars={chinese!r} in {folder}, which is not implemented."
        )
    _check_added(folder, settings, lambda: _pieces(vocabulary))
    return WordPiece(vocabulary, lowercase=lowercase, strip_accents=strip_accents)


def _pieces(vocabulary) -> list[str]:
    """The pieces of a `vocab.txt`, or of what was read already."""
    return vocabulary if isinstance(vocabulary, list) else Path(vocabulary).read_text(encoding="utf-8").split("\n")


def _check_setting(folder, settings, name, only):
    if settings.get(name, only) != only:
        raise ValueError(
            f"{name}: only {only!r} is implemented. Received: {settings[name]!r} in {folder / SETTINGS_FILE}"
        )


def _check_part(folder, whole, part, only):
    """A part of `tokenizer.json` must say what we do, and may say more."""
    found = whole.get(part)
    if found is not None and any(found.get(key, value) != value for key, value in only.items()):
        raise ValueError(f"{part}: only {only} is implemented. Received: {found} in {folder / TOKENIZER_FILE}")


def _check_added(folder, settings, pieces):
    """Refuse tokens that were added to a tokenizer and are not in its vocabulary, which `pieces` gives."""
    path = folder / ADDED_FILE
    added = set(read_json(path)) if path.is_file() else set()
    added |= {entry["content"] for entry in (settings.get("added_tokens_decoder") or {}).values()}
    if unknown := sorted(added - set(pieces())) if added else []:
        raise ValueError(
            f"Tokens that are not in the vocabulary are not implemented. Received: {unknown[:5]} in {folder}. Add them "
            "to the vocabulary file, at the places that their ids say."
        )


def byte_pair(folder: Path):
    """The byte pairs of a BART: `vocab.json` and `merges.txt`, or what `tokenizer.json` holds of them.

    A BART tuned for summaries has no vector for the mask, the last of the pieces in its files: then it is left out.
    """
    from zoo.tokenizers import BytePair
    from zoo.tokenizers.byte_pair import MASK

    settings = _settings(folder)
    _check_setting(folder, settings, "add_prefix_space", False)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        vocabulary, merges = read_json(folder / "vocab.json", LARGEST_TOKENIZER), str(folder / "merges.txt")
    else:
        whole = _tokenizer_json(folder, "BPE", "vocab.json and merges.txt")
        model, vocabulary = whole["model"], whole["model"]["vocab"]
        _check_part(folder, whole, "normalizer", {"type": None})
        _check_part(folder, whole, "pre_tokenizer", {"type": "ByteLevel", "add_prefix_space": False})
        merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    _check_added(folder, settings, lambda: vocabulary)
    rows = read_json(folder / "config.json").get("vocab_size")
    if vocabulary.get(MASK) == rows == len(vocabulary) - 1:
        vocabulary = {piece: number for piece, number in vocabulary.items() if piece != MASK}
    return BytePair(vocabulary, merges)


def sentence_piece(folder: Path, model_type: str):
    """The SentencePiece model of an ALBERT or a T5: `spiece.model`.

    Raises:
        ValueError: if it is of another model, whose special tokens or rules are others.
    """
    from zoo.tokenizers import T5Unigram, Unigram
    from zoo.tokenizers.albert_text import prepare_as_albert
    from zoo.tokenizers.sentence_piece_proto import (
        add_control_pieces,
        parse_proto,
        read_proto,
        rename_to_control_pieces,
    )

    settings = _settings(folder)
    proto = read_proto(folder / SENTENCE_PIECE_FILES[0])
    if model_type == "albert":
        if settings.get("keep_accents", False) or not settings.get("remove_space", True):
            raise ValueError(
                "Accents are removed and spaces joined, as in ALBERT's code. Received: keep_accents="
                f"{settings.get('keep_accents')}, remove_space={settings.get('remove_space')} in {folder}"
            )
        return Unigram(prepare_as_albert(proto, settings.get("do_lower_case", True), replace_quotes=True))
    if model_type not in ("t5", "mt5"):
        raise ValueError(
            f"SentencePiece models of ALBERT and T5 are read. Received: model_type={model_type!r} in {folder}. "
            "Give a `tokenizer` of your own."
        )
    # In the model of mT5 they are there, each with the space before it; in T5's they are not.
    proto = rename_to_control_pieces(
        proto, {f"▁<extra_id_{number}>": f"<extra_id_{number}>" for number in range(SENTINELS)}
    )
    there = {piece.piece for piece in parse_proto(proto).pieces}
    names = [f"<extra_id_{number}>" for number in reversed(range(settings.get("extra_ids", SENTINELS)))]
    return T5Unigram(add_control_pieces(proto, [name for name in names if name not in there]))


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


def write_tokenizer(tokenizer, folder: Path, config: dict) -> None:
    """Write a tokenizer of the zoo into a model folder of Hugging Face.

    Args:
        tokenizer: `WordPiece` or `BytePair`.
        folder: `Path`.
        config: dict, `config.json` of the model.

    Raises:
        ValueError: if `transformers` has none that gives the same ids.
    """
    from zoo.tokenizers import BytePair, WordPiece

    if isinstance(tokenizer, WordPiece):
        tokenizer.save_vocabulary(folder / "vocab.txt")
        settings = {
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": tokenizer.lowercase,
            "strip_accents": tokenizer.strip_accents,
            "tokenize_chinese_chars": True,
        }
    elif isinstance(tokenizer, BytePair):
        tokenizer.save_vocabulary(folder)
        (folder / "vocabulary.json").rename(folder / "vocab.json")
        settings = {"tokenizer_class": "BartTokenizer" if config["model_type"] == "bart" else "RobertaTokenizer"}
    else:
        raise ValueError(
            "The tokenizers of transformers that read SentencePiece change texts by rules of their own, beside those "
            f"of the model. Received: a {type(tokenizer).__name__}. Write the model without it: `tokenizer=False`, "
            "in the shell `--no-tokenizer`."
        )
    if "type_vocab_size" not in config or config["type_vocab_size"] < 2:
        settings["model_input_names"] = ["input_ids", "attention_mask"]
    settings["model_max_length"] = _longest(config)
    text = json.dumps(settings, indent=2, sort_keys=True)
    (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")


def _longest(config):
    return config.get("max_position_embeddings", config.get("n_positions"))
