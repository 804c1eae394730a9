"""Unigram pieces as ALBERT uses them: the most probable way to cut a text, spaces included."""

import hashlib
import os
import unicodedata
from collections.abc import Sequence

import keras
import keras_hub
import numpy as np
import sentencepiece

from zoo.tokenizers.sentence_piece_proto import find_in_texts, read_proto
from zoo.tokenizers.text_tokenizer import BackboneOfPresets, TextTokenizer, in_tensorflow_graph
from zoo.tokenizers.vocabulary_files import write_bytes

PROTO_FILE = "vocabulary.spm"
SPACE = "▁"
PAD, UNKNOWN, START, END, MASK = SPECIAL_TOKENS = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
# ALBERT, `create_pretraining_data.py`, `_is_start_piece_sp`: the apostrophe is not among them, as it is not there.
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
    keeps them, and so does KerasHub, whereas ALBERT's released code removes them beforehand.

    `[MASK]` in a text, with the spaces before it, is the mask token; no other special token is made from what a text
    says; characters without pieces become `<unk>`, several in a row one.

    Args:
        proto: the path of a SentencePiece model, or its bytes.
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

    def __init__(self, proto=None, **kwargs):
        if fixed := sorted(set(_FIXED) & set(kwargs)):
            raise TypeError(
                f"Unigram gives the ids of a text, as ALBERT does, without a choice. Received: {', '.join(fixed)}. "
                "Use `keras_hub.tokenizers.SentencePieceTokenizer` for another kind."
            )
        super().__init__(proto=proto, **kwargs)

    def get_config(self):
        return {key: value for key, value in super().get_config().items() if key not in _FIXED}

    @classmethod
    def from_config(cls, config):
        cls._check_config(config, "proto")
        return cls(**config)

    def set_proto(self, proto: str | os.PathLike | bytes | None) -> None:
        """Take another model: a path or its bytes, as in the constructor; None for none."""
        self._processor = None
        if isinstance(proto, (str, os.PathLike)):
            proto = read_proto(proto)
        elif proto is not None and not isinstance(proto, bytes):
            raise TypeError(
                "The path of a SentencePiece model or its bytes were expected. Received: "
                f"proto={proto!r} of type {type(proto).__name__}"
            )
        if proto is None:
            super().set_proto(None)
            return
        proto = find_in_texts(proto, MASK, required=SPECIAL_TOKENS)
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=proto)
        super().set_proto(proto)
        pieces = self.get_vocabulary()
        self._starts_word = np.array([_starts_word(piece) for piece in pieces])
        self._space_id = self._processor.piece_to_id(SPACE)

    @property
    def special_tokens(self) -> list[str]:
        """All special tokens, `<unk>` among them."""
        return list(SPECIAL_TOKENS)

    @property
    def unk_token(self) -> str:
        """The token of characters that have no pieces."""
        return UNKNOWN

    @property
    def unk_token_id(self) -> int:
        """The id of `unk_token`."""
        return self.token_to_id(UNKNOWN)

    def token_to_id(self, token: str) -> int:
        """Return the id of a piece; ValueError if the vocabulary lacks it."""
        self._check_ready()
        number = self._processor.piece_to_id(token)
        if self._processor.id_to_piece(number) != token:
            raise ValueError(f"A piece of the vocabulary was expected. Received: token={token!r}")
        return number

    def _check_ready(self):
        if self._processor is None:
            raise ValueError(
                "The tokenizer has no vocabulary. Give a SentencePiece model to the constructor or to `set_proto`, or "
                "load the tokenizer with its preset."
            )

    def _encode_batch(self, texts):
        rows = self._processor.encode(texts, return_type="numpy")
        return [ids[self._kept(ids)] for ids in rows]

    def _encode_batch_with_offsets(self, texts):
        rows = []
        for text, mapping in zip(texts, self._processor.encode(texts, return_type="offset_mapping"), strict=True):
            ids = np.array(mapping["ids"], np.int32)
            # A piece has the space before it, which is no part of its word.
            places = [(end - len(text[start:end].lstrip()), end) for start, end in mapping["offsets"]]
            kept = self._kept(ids)
            rows.append((ids[kept], np.array(places, np.int32).reshape(-1, 2)[kept]))
        return rows

    def _kept(self, ids):
        """All but a space before a mask, since a masked word takes its space with it."""
        kept = np.ones(len(ids), bool)  # (tokens,)
        kept[:-1] = (ids[:-1] != self._space_id) | (ids[1:] != self.mask_token_id)
        return kept

    def _tokenize_in_graph(self, inputs):
        import tensorflow as tf

        inputs = tf.convert_to_tensor(inputs) if not isinstance(inputs, tf.RaggedTensor) else inputs
        ids = super()._tokenize_in_graph(inputs)
        if inputs.shape.rank == 0:
            return tf.boolean_mask(ids, self._kept_in_graph(ids))
        return tf.ragged.boolean_mask(ids, ids.with_flat_values(self._kept_in_graph(ids.flat_values)))

    def _kept_in_graph(self, ids):
        import tensorflow as tf

        # A mask that begins a text has its own space before it: no text ends with one.
        following = tf.concat([ids[1:], tf.zeros_like(ids[:1])], 0)
        return (ids != self._space_id) | (following != self.mask_token_id)

    def decode(self, ids: Sequence[int]) -> str:
        """Return ids as text; padding, start and end left out.

        Args:
            ids: int sequence (tokens,).

        Raises:
            ValueError: if an id is not in the vocabulary.
        """
        text = ""
        for number in np.asarray(ids).reshape(-1).tolist():
            piece = self.id_to_token(number)
            if piece not in (PAD, START, END):
                text += f" {piece}" if piece == MASK else piece.replace(SPACE, " ")
        return text.removeprefix(" ")

    def word_starts(self, ids: np.ndarray) -> np.ndarray:
        """Return a bool array of the shape of `ids`, True where a piece begins a word.

        As in ALBERT's released `create_pretraining_data.py`, these are the pieces with a space before them, special
        tokens, punctuation marks, and pieces with any character that is no Latin letter (so every Chinese one).
        """
        self._check_ready()
        return self._starts_word[np.asarray(ids)]

    def fingerprint(self) -> str:
        """Return 64 hexadecimal digits that differ for tokenizers that can give a text different ids."""
        self._check_ready()
        return hashlib.sha256(type(self).__name__.encode() + b"\n" + self.proto).hexdigest()

    def save_vocabulary(self, path: str | os.PathLike) -> None:
        """Write the SentencePiece model to a file, whole or not at all; OSError if that fails."""
        self._check_ready()
        write_bytes(path, self.proto)

    def save_assets(self, dir_path):
        self.save_vocabulary(os.path.join(dir_path, PROTO_FILE))

    def load_assets(self, dir_path):
        self.set_proto(os.path.join(dir_path, PROTO_FILE))

    def detokenize(self, inputs):
        """Return ids as text with KerasHub's rules, special tokens left out; `decode` says more of them."""
        if in_tensorflow_graph():
            return super().detokenize(inputs)
        rows = np.asarray(inputs, object)
        return super().detokenize(inputs) if rows.size else ""


def _starts_word(piece):
    if piece.startswith(SPACE) or piece in SPECIAL_TOKENS or piece in _PUNCTUATION:
        return True
    return not all(character in _PUNCTUATION or _is_latin(character) for character in piece)


def _is_latin(character):
    return unicodedata.name(character, "").startswith("LATIN")
