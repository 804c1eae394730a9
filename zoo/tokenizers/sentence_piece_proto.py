"""SentencePiece models as files: what is read, checked and changed of one."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def read_proto(path: str | os.PathLike) -> bytes:
    """Return the bytes of a SentencePiece model; ValueError if there is no such file."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"A SentencePiece model (.spm, .model) was expected. Received: proto={str(path)!r}, "
            f"which is {'a folder' if path.is_dir() else 'not there'}."
        )
    return path.read_bytes()


def parse_proto(proto: bytes):
    """Return a SentencePiece model as a message of protocol buffers, whose `pieces` are in the order of their ids.

    Raises:
        ValueError: if the bytes are no SentencePiece model.
    """
    from google.protobuf.message import DecodeError
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    try:
        model = ModelProto.FromString(proto)
    except DecodeError as error:
        raise ValueError(_no_model(proto, str(error))) from error
    if not model.pieces:
        raise ValueError(_no_model(proto, "it has no pieces"))
    return model


def _no_model(proto, why):
    return (
        f"A SentencePiece model was expected. Received: proto={proto[:20]!r}... of {len(proto)} bytes, which can't be "
        f"read as one: {why}. Train one with `zoo.tokenizers.train_unigram`."
    )


def find_in_texts(proto: bytes, token: str, required: Sequence[str]) -> bytes:
    """Return a model that makes a token of what looks like it in a text, whatever comes before and after it.

    Args:
        proto: a SentencePiece model.
        token: str, the token.
        required: the tokens that the model must have.

    Raises:
        ValueError: if the bytes are no SentencePiece model, or it lacks a required token.
    """
    model = parse_proto(proto)
    pieces = {piece.piece: piece for piece in model.pieces}
    missing = [name for name in required if name not in pieces]
    if missing:
        raise ValueError(
            f"The model must have the special tokens {list(required)}. Received: a model of {len(model.pieces)} "
            f"pieces without {missing}. Train one with `zoo.tokenizers.train_unigram`."
        )
    if pieces[token].type == pieces[token].USER_DEFINED:
        return proto
    pieces[token].type = pieces[token].USER_DEFINED
    return model.SerializeToString(deterministic=True)


def rename_to_control_pieces(proto: bytes, names: Mapping[str, str]) -> bytes:
    """Return a model in which some pieces have other names and the same ids, and no text gives them.

    Args:
        proto: bytes of a SentencePiece model.
        names: dict from a piece, which need not be there, to its new name.
    """
    model = parse_proto(proto)
    for piece in model.pieces:
        if piece.piece in names:
            piece.piece, piece.type = names[piece.piece], piece.CONTROL
    return model.SerializeToString(deterministic=True)


def add_control_pieces(proto: bytes, pieces: Sequence[str]) -> bytes:
    """Return a model with more pieces, after its own, that no text gives: control symbols, as SentencePiece says."""
    model = parse_proto(proto)
    for piece in pieces:
        model.pieces.add(piece=piece, score=0.0, type=model.pieces[0].CONTROL)
    return model.SerializeToString(deterministic=True)
