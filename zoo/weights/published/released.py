"""Model folders as Google released BERT and ALBERT: a configuration and a vocabulary beside a TensorFlow checkpoint."""

from pathlib import Path

from zoo.weights.files import CONFIG_FILE, RELEASED_CONFIG_FILES
from zoo.weights.strict_json import read_json

_MODEL_TYPES = dict(zip(RELEASED_CONFIG_FILES, ("bert", "albert"), strict=True))
# What was released is the model of pre-training, with both heads.
_CLASSES = {"bert": "BertForPreTraining", "albert": "AlbertForPreTraining"}
# The second is of the Chinese ALBERT, which has word pieces.
WORD_PIECES = ("vocab.txt", "vocab_chinese.txt")
SENTENCE_PIECE = "*.model"
SETTINGS_FILE = "tokenizer_config.json"


def released_config(folder: Path) -> Path | None:
    """The configuration of such a folder; None if it is none, or one of Hugging Face.

    Raises:
        ValueError: if there is one of a BERT and one of an ALBERT.
    """
    if (folder / CONFIG_FILE).is_file():
        return None
    found = [folder / name for name in RELEASED_CONFIG_FILES if (folder / name).is_file()]
    if len(found) > 1:
        raise ValueError(
            f"The folder holds configurations of two models, {' and '.join(path.name for path in found)}. Keep one. "
            f"Received: folder={folder}"
        )
    return found[0] if found else None


def read_released(path: Path) -> dict:
    """The configuration as Hugging Face writes it.

    What `"gelu"` means was never written down. BERT's code computed the exact form when its models were released, and
    the tanh form from 2019 on; `transformers` takes the exact form for them, and so do we. ALBERT's code has known
    nothing but the tanh form. `activation=...` asks for the other one.

    Args:
        path: path of `bert_config.json` or `albert_config.json`; the name of the file says which model it is.
    """
    model_type = _MODEL_TYPES[path.name]
    config = {**read_json(path), "model_type": model_type, "architectures": [_CLASSES[model_type]]}
    if config["model_type"] == "albert" and config.get("hidden_act") == "gelu":
        config["hidden_act"] = "gelu_new"
    return config


def released_vocabulary(folder: Path) -> Path | None:
    """The vocabulary of such a folder: of ALBERT its SentencePiece model, else the list of its word pieces.

    Raises:
        ValueError: if there is more than one SentencePiece model.
    """
    config = released_config(folder)
    if config is None:
        return None
    models = sorted(folder.glob(SENTENCE_PIECE)) if _MODEL_TYPES[config.name] == "albert" else []
    if len(models) > 1:
        raise ValueError(
            f"The folder holds more than one SentencePiece model: {', '.join(path.name for path in models)}. Keep the "
            f"one that the model was trained with. Received: folder={folder}"
        )
    lists = [folder / name for name in WORD_PIECES if (folder / name).is_file()]
    return next(iter(models + lists), None)


def released_tokenizer(folder: Path):
    """The tokenizer of such a folder.

    Whether texts are lowercased is in no file of it. They are, unless the vocabulary has one of the letters A to Z as
    a piece, which no text in lowercase needs and every other alphabet begins with; `do_lower_case` in a
    `tokenizer_config.json` says otherwise.

    Raises:
        ValueError: if there is no vocabulary.
    """
    from zoo.tokenizers import Unigram, WordPiece
    from zoo.tokenizers.albert_text import prepare_as_albert
    from zoo.tokenizers.sentence_piece_proto import parse_proto, read_proto

    path = released_vocabulary(folder)
    if path is None:
        raise ValueError(
            f"The folder holds no vocabulary: {' or '.join(WORD_PIECES)} was expected, or the SentencePiece model "
            f"({SENTENCE_PIECE}) of an ALBERT. Received: folder={folder}"
        )
    if path.name in WORD_PIECES:
        pieces = _word_pieces(path)
        return WordPiece(pieces, lowercase=_lowercases(folder, pieces))
    proto = read_proto(path)
    pieces = [piece.piece for piece in parse_proto(proto).pieces]
    return Unigram(prepare_as_albert(proto, _lowercases(folder, pieces)), split_numbers=True)


def _word_pieces(path):
    from zoo.tokenizers.vocabulary_files import read_vocabulary

    # As the released code reads it: a line may have a number after the piece.
    return [(line.split() or [line])[0] for line in read_vocabulary(path)]


def _lowercases(folder, pieces):
    path = folder / SETTINGS_FILE
    settings = read_json(path) if path.is_file() else {}
    capitals = {chr(code) for code in range(ord("A"), ord("Z") + 1)}
    return bool(settings.get("do_lower_case", capitals.isdisjoint(pieces)))
