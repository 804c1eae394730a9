"""Tokenizers of model folders of Hugging Face."""

import json
from pathlib import Path

from zoo.weights.published.tokenizer_files import LARGEST_TOKENIZER, SETTINGS_FILE, TOKENIZER_FILE, TokenizerFiles
from zoo.weights.strict_json import read_json

SENTENCE_PIECE_FILES = ("spiece.model",)
SENTINELS = 100
# What the classes there do when `tokenizer_config.json` does not say it.
WORD_PIECE_DEFAULTS = {"do_lower_case": True, "strip_accents": None}
# What `tokenizer.json` must say of the parts that make pieces of a text.
WORD_PIECES = {"type": "WordPiece", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
BYTE_PAIRS = {"type": "BPE"} | dict.fromkeys(
    ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges")
)
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
# What the classes are called that follow the rules of BERT and of RoBERTa; `...Fast` is the same class.
FOLLOWERS = {
    "WordPiece": {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "ErnieTokenizer"},
    "BPE": {"BartTokenizer", "GPT2Tokenizer", "RobertaTokenizer"},
}
# Those that do what `tokenizer.json` says, and nothing by themselves.
OF_THE_FILE = {"PreTrainedTokenizer", "TokenizersBackend"}


def read_tokenizer(folder: Path, model_type: str):
    """The tokenizer of a model folder, by the files that are there.

    Raises:
        ValueError: if its files are absent or damaged, or ask for what is not implemented.
    """
    files = TokenizerFiles(folder)
    if (folder / "vocab.txt").is_file():
        kind = "WordPiece"
    elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        kind = "BPE"
    elif any((folder / name).is_file() for name in SENTENCE_PIECE_FILES):
        kind = "SentencePiece"
    else:
        kind = files.model
    readers = {
        "WordPiece": word_piece,
        "BPE": byte_pair,
        "SentencePiece": lambda files: sentence_piece(files, model_type),
    }
    if kind not in readers:
        raise ValueError(
            f"The folder must hold a vocabulary: vocab.txt, vocab.json and merges.txt, a SentencePiece model "
            f"({', '.join(SENTENCE_PIECE_FILES)}), or a {TOKENIZER_FILE} with WordPiece or BPE. Received: "
            f"folder={folder}, " + ("without any" if kind is None else f"with a {kind} model")
        )
    if kind in FOLLOWERS and _class(files) not in {None, *FOLLOWERS[kind], *OF_THE_FILE}:
        raise ValueError(
            f"The tokenizer must be one of {', '.join(sorted(FOLLOWERS[kind]))}, whose rules are implemented. "
            f"Received: tokenizer_class={_class(files)!r} in {folder}. Give a `tokenizer` of your own."
        )
    tokenizer = readers[kind](files)
    files.check_added(tokenizer)
    return tokenizer


def _class(files):
    named = files.settings.get("tokenizer_class")
    return None if named is None else named.removesuffix("Fast")


def word_piece(files: TokenizerFiles):
    """The WordPiece of a BERT: `vocab.txt`, or what `tokenizer.json` holds of it.

    Raises:
        ValueError: if the ids are not 0, 1, 2, ..., or a setting is one that we do not implement.
    """
    from zoo.tokenizers import WordPiece

    for name, only in (("do_basic_tokenize", True), ("tokenize_chinese_chars", True), ("never_split", None)):
        files.check_setting(name, only)
    files.check_part("model", WORD_PIECES)
    files.check_part("normalizer", {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True})
    files.check_part("pre_tokenizer", {"type": "BertPreTokenizer"})
    lowercase, strip_accents = (files.settings.get(key, value) for key, value in WORD_PIECE_DEFAULTS.items())
    path = files.folder / "vocab.txt"
    if files.whole and (_class(files) in OF_THE_FILE or not path.is_file()):
        normalizer = files.whole["normalizer"]
        lowercase, strip_accents = normalizer.get("lowercase", True), normalizer.get("strip_accents")
    vocabulary = str(path) if path.is_file() else _in_order(files.whole["model"]["vocab"], files.folder)
    return WordPiece(vocabulary, lowercase=lowercase, strip_accents=strip_accents)


def byte_pair(files: TokenizerFiles):
    """The byte pairs of a BART: `vocab.json` and `merges.txt`, or what `tokenizer.json` holds of them.

    A BART tuned for summaries has no vector for the mask, the last of the pieces in its files: then it is left out.

    Raises:
        ValueError: if a setting is one that we do not implement.
    """
    from zoo.tokenizers import BytePair
    from zoo.tokenizers.byte_pair import MASK

    folder = files.folder
    files.check_setting("add_prefix_space", False)
    files.check_part("model", BYTE_PAIRS)
    files.check_part("normalizer", {"type": None})
    files.check_part("pre_tokenizer", BYTES)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        vocabulary, merges = read_json(folder / "vocab.json", LARGEST_TOKENIZER), str(folder / "merges.txt")
    else:
        model = files.whole["model"]
        vocabulary = model["vocab"]
        merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    rows = read_json(folder / "config.json").get("vocab_size")
    if vocabulary.get(MASK) == rows == len(vocabulary) - 1:
        vocabulary = {piece: number for piece, number in vocabulary.items() if piece != MASK}
    return BytePair(vocabulary, merges)


def sentence_piece(files: TokenizerFiles, model_type: str):
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

    folder, settings = files.folder, files.settings
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
