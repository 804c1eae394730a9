"""Unigram pieces as ALBERT uses them: the most probable way to cut a text, spaces included."""

import hashlib
import os
import unicodedata
from collections.abc import Sequence

import keras
import keras_hub
import numpy as np
import sentencepiece

from zoo.tokenizers.albert_text import split_numbers_from_commas
from zoo.tokenizers.sentence_piece_proto import add_control_pieces, find_in_texts, read_proto
from zoo.tokenizers.text_tokenizer import BackboneOfPresets, TextTokenizer
from zoo.tokenizers.vocabulary_files import write_bytes

PROTO_FILE = "vocabulary.spm"
SPACE = "▁"
PAD, UNKNOWN, START, END, MASK = SPECIAL_TOKENS = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
_TOKENS_OF_NAMES = {"pad": PAD, "unk": UNKNOWN, "cls": START, "start": START, "sep": END, "end": END, "mask": MASK}
# Those of ALBERT's code (`_is_start_piece_sp`), which has no apostrophe among them.
_PUNCTUATION = frozenset('!"#$%&()*+,-./:;?@[\\]^_`{|}~')
# What KerasHub leaves open and ALBERT fixes.
_FIXED = ("sequence_length", "add_bos", "add_eos", "dtype")


@keras.saving.register_keras_serializable(package="zoo")
class Unigram(TextTokenizer, keras_hub.tokenizers.AlbertTokenizer):
    """The tokenizer of ALBERT: a SentencePiece model whose pieces make a text as probable as can be.

    A text becomes the pieces whose probabilities have the largest product (Kudo 2018, arXiv 1804.10959, section 3.2).
    A space is the character `▁` at the beginning of a piece, and a text begins with one (Kudo and Richardson 2018,
    arXiv 1808.06226). Lan et al. (2020), arXiv 1909.11942, use it with these special tokens. Lists of strings are
    tokenized by the `sentencepiece` package on all cores, string tensors of a TensorFlow graph by
    `tensorflow-text`, with the same ids.

    How a text is normalized (lowercase or not, NFKC, spaces) is a part of the model. Accents stay: SentencePiece
    keeps them, and so does KerasHub, whereas ALBERT's released code removes them beforehand. In folders of that code,
    `from_preset` makes what the code does a part of the model.

    `[MASK]` in a text, with the spaces before it, is the mask token; no other special token is made from what a text
    says; characters without pieces become `<unk>`, several in a row one. As in ALBERT's released code, a piece begins
    a word (`word_starts`) if it begins with a space, is a special token or a punctuation mark, or has a character
    that is no Latin letter, so that every Chinese piece does.

    Args:
        proto: the path of a SentencePiece model, or its bytes.
        split_numbers: bool, whether a piece of digits and a comma behind them becomes two, as in ALBERT's released
            code.
        **kwargs: `name`, `trainable` and `config_file` of a KerasHub tokenizer.

    Call arguments:
        A str, a list, array or tensor of them, or a string tensor of a TensorFlow graph (batch,).

    Returns:
        int32 array (tokens,) for one text, lists of int for several, `tf.RaggedTensor` (batch, tokens) in a graph.

    Raises:
        TypeError: if `proto` is neither a path nor bytes.
        ValueError: if the file is absent or no SentencePiece model, or a special token is missing.

    Example:

    >>> import zoo
    >>> texts = ["the dogs bark", "a dog barks", "the bark of the dog"]
    >>> tokenizer = zoo.tokenizers.train_unigram(texts, vocabulary_size=40, progress=False)
    >>> tokenizer.decode(tokenizer.encode(["The dog [MASK]"])[0])
    'the dog [MASK]'
    """

    backbone_cls = BackboneOfPresets("AlbertBackbone")
    tokens_of_names = _TOKENS_OF_NAMES

    def __init__(self, proto=None, split_numbers=False, **kwargs):
        self._check_choices(kwargs, _FIXED, "SentencePieceTokenizer")
        super().__init__(proto=None, **kwargs)
        self.split_numbers = split_numbers
        self.set_proto(proto)

    def get_config(self):
        kept = {key: value for key, value in super().get_config().items() if key not in _FIXED}
        return {**kept, "split_numbers": self.split_numbers}

    @classmethod
    def from_config(cls, config):
        cls._check_configuration(config, "proto")
        return cls(**config)

    def set_proto(self, proto: str | os.PathLike | bytes | None) -> None:
        """Take another model: a path or its bytes, as in the constructor; None for none."""
        if proto is None:
            self.proto = None
            self._set_pieces(None)
            return
        if isinstance(proto, (str, os.PathLike)):
            proto = read_proto(proto)
        elif not isinstance(proto, bytes):
            raise TypeError(
                "The path of a SentencePiece model or its bytes were expected. Received: "
                f"proto={proto!r} of type {type(proto).__name__}"
            )
        self.proto = find_in_texts(proto, self.tokens_of_names["mask"], required=self.special_tokens)
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=self.proto)
        pieces = self._processor.id_to_piece(list(range(len(self._processor))))
        special = set(self.special_tokens)
        self._set_pieces(pieces, [piece in special or _starts_word(piece) for piece in pieces])
        self._space_id = self._processor.piece_to_id(SPACE)
        self._parts = split_numbers_from_commas(self._processor) if self.split_numbers else {}
        self._has_parts = np.zeros(len(pieces), bool)
        self._has_parts[list(self._parts)] = True

    def _encode_batch(self, texts):
        rows = self._processor.encode(texts, return_type="numpy")
        return [self._split(ids[self._kept(ids)]) for ids in rows]

    def _encode_batch_with_offsets(self, texts):
        rows = []
        for text, mapping in zip(texts, self._processor.encode(texts, return_type="offset_mapping"), strict=True):
            ids = np.array(mapping["ids"], np.int32)
            # A piece has the space before it, which is no part of its word.
            places = [(end - len(text[start:end].lstrip()), end) for start, end in mapping["offsets"]]
            kept = self._kept(ids)
            rows.append(self._split_with_places(ids[kept], np.array(places, np.int32).reshape(-1, 2)[kept]))
        return rows

    def _split(self, ids):
        if not self._has_parts[ids].any():
            return ids
        return np.concatenate([self._part_ids(number) for number in ids.tolist()])

    def _part_ids(self, number):
        parts = self._parts.get(number)
        return np.array([number] if parts is None else self._processor.piece_to_id(parts), np.int32)

    def _split_with_places(self, ids, places):
        if not self._has_parts[ids].any():
            return ids, places
        split = []
        for number, (start, end) in zip(ids.tolist(), places.tolist(), strict=True):
            for part in self._parts.get(number, ())[:-1]:
                split.append((start, start + len(part.removeprefix(SPACE))))
                start = split[-1][1]
            split.append((start, end))
        return self._split(ids), np.array(split, np.int32)

    def _kept(self, ids):
        """All but a space before a mask: a masked word takes its space with it."""
        kept = np.ones(len(ids), bool)  # (tokens,)
        kept[:-1] = (ids[:-1] != self._space_id) | (ids[1:] != self.mask_token_id)
        return kept

    def decode(self, ids: Sequence[int]) -> str:
        """Return ids as text; padding, start and end left out.

        Args:
            ids: int sequence (tokens,).

        Raises:
            ValueError: if an id is not in the vocabulary.
        """
        shown = {self.tokens_of_names["mask"], *self._sentinels}
        silent = {self.tokens_of_names[name] for name in ("pad", "start", "end")}
        text = ""
        for number in np.asarray(ids).reshape(-1).tolist():
            piece = self.id_to_token(number)
            if piece in shown:
                text += f" {piece}"
            elif piece not in silent:
                text += piece.replace(SPACE, " ")
        return text.removeprefix(" ")

    def fingerprint(self) -> str:
        """Return 64 hexadecimal digits that differ for tokenizers that can give a text different ids."""
        self._check_ready()
        settings = [type(self).__name__, *(["split_numbers"] if self.split_numbers else [])]
        return hashlib.sha256("\n".join([*settings, ""]).encode() + self.proto).hexdigest()

    def save_vocabulary(self, path: str | os.PathLike) -> None:
        """Write the SentencePiece model to a file, whole or not at all; OSError if that fails."""
        self._check_ready()
        write_bytes(path, self.proto)

    def save_assets(self, dir_path):
        self.save_vocabulary(os.path.join(dir_path, PROTO_FILE))

    def load_assets(self, dir_path):
        self.set_proto(os.path.join(dir_path, PROTO_FILE))

    def _with_pieces(self, pieces):
        return type(self)(**{**self.get_config(), "proto": add_control_pieces(self.proto, pieces)})

    def _build_graph_tokenizer(self):
        from zoo.tokenizers.unigram_graph import GraphUnigram

        parts = {number: self._part_ids(number) for number in self._parts}
        return GraphUnigram(self.proto, self._space_id, self.mask_token_id, parts)


def _starts_word(piece):
    if piece.startswith(SPACE) or piece in _PUNCTUATION:
        return True
    return not all(character in _PUNCTUATION or _is_latin(character) for character in piece)


def _is_latin(character):
    return unicodedata.name(character, "").startswith("LATIN")
