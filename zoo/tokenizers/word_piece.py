"""WordPiece as BERT uses it: words into the longest pieces of a vocabulary, from the left."""

import hashlib
import os
import re
import sys
from collections.abc import Iterator, Sequence

import keras
import keras_hub
import numpy as np
import tokenizers

from zoo.tokenizers.bert_text import MAX_WORD_CHARACTERS, build_normalizer, build_pre_tokenizer
from zoo.tokenizers.spacing import join_words
from zoo.tokenizers.text_inputs import as_strings, check_texts, restore_shape
from zoo.tokenizers.vocabulary_files import check_pieces, read_vocabulary, write_vocabulary

VOCABULARY_FILE = "vocabulary.txt"
CONTINUATION = "##"
PAD, UNKNOWN, START, END, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_TOKENS_OF_NAMES = {"pad": PAD, "cls": START, "start": START, "sep": END, "end": END, "mask": MASK}
# Texts that are tokenized at once: enough for all cores, few enough for memory to stay small.
_BATCH = 1024
_SURROGATE = re.compile("[\ud800-\udfff]")
# What KerasHub's WordPiece leaves open and BERT fixes.
_FIXED = ("sequence_length", "split", "suffix_indicator", "oov_token", "special_tokens", "dtype")


class _BackboneOfPresets:
    # KerasHub finds a preset's tokenizer by the class of its backbone, which must not be loaded before it's needed.
    def __get__(self, instance, owner):
        from zoo.models import BertBackbone

        return BertBackbone


@keras.saving.register_keras_serializable(package="zoo")
class WordPiece(keras_hub.tokenizers.BertTokenizer):
    """The tokenizer of BERT: words split at whitespace, punctuation and Chinese characters, then into pieces.

    A word becomes the longest piece that it begins with, the rest the longest `##` piece, and so on; a word that
    does not come out even, or has more than 100 characters, becomes `[UNK]`. Devlin et al. (2019), arXiv
    1810.04805, with the rules of its released code; the pieces are those of Wu et al. (2016), arXiv 1609.08144,
    section 4.1. Lists of strings are tokenized by the `tokenizers` package on all cores, string tensors of a
    TensorFlow graph by `tensorflow-text`, with the same ids.

    `[MASK]` in a text is the mask token; no other special token is made from what a text says; words without
    pieces become `[UNK]`.

    Args:
        vocabulary: the path of a vocabulary file (UTF-8, one piece a line), or the list of the pieces.
        lowercase: bool, whether to lowercase the text, as "uncased" models do.
        strip_accents: bool, whether to remove accents; None to do so if `lowercase`, as BERT does.
        special_tokens_in_strings: bool, whether `[CLS]`, `[SEP]`, `[PAD]` and `[UNK]` in a text are these tokens
            too, rather than a word in brackets.
        **kwargs: `name`, `trainable` and `config_file` of a KerasHub tokenizer.

    Call arguments:
        A str, a list, array or tensor of them, or a string tensor of a TensorFlow graph (batch,).

    Returns:
        int32 array (tokens,) for one text, lists of int for several, `tf.RaggedTensor` (batch, tokens) in a graph.

    Raises:
        TypeError: if the vocabulary is neither a path nor a list of strings.
        ValueError: if the file is absent or not UTF-8, a special token is missing, or a piece is twice there.

    Example:

    >>> import zoo
    >>> pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s", "bark"]
    >>> tokenizer = zoo.tokenizers.WordPiece(pieces, lowercase=True)
    >>> tokenizer.encode(["The dogs", "the [MASK] barks"])
    [array([5, 6, 7], dtype=int32), array([5, 4, 8, 7], dtype=int32)]
    """

    backbone_cls = _BackboneOfPresets()

    def __init__(self, vocabulary=None, lowercase=False, strip_accents=None, special_tokens_in_strings=False, **kwargs):
        if fixed := sorted(set(_FIXED) & set(kwargs)):
            raise TypeError(
                "WordPiece splits words and marks pieces as BERT does, without a choice. Received: "
                f"{', '.join(fixed)}. Use `keras_hub.tokenizers.WordPieceTokenizer` for another kind."
            )
        self._rust = self._graph = None
        super().__init__(
            vocabulary=vocabulary,
            lowercase=lowercase,
            strip_accents=lowercase if strip_accents is None else strip_accents,
            special_tokens_in_strings=special_tokens_in_strings,
            **kwargs,
        )

    def get_config(self):
        return {key: value for key, value in super().get_config().items() if key not in _FIXED}

    @classmethod
    def from_config(cls, config):
        # A configuration from elsewhere must not choose which file of this machine is read.
        if isinstance(config.get("vocabulary"), (str, os.PathLike)):
            raise ValueError(
                "A saved tokenizer keeps its vocabulary in a file beside its configuration, not the path of one. "
                f"Received: vocabulary={config['vocabulary']!r} in the configuration."
            )
        return cls(**config)

    def set_vocabulary(self, vocabulary: str | os.PathLike | Sequence[str] | None) -> None:
        """Take another vocabulary: a path or the pieces, as in the constructor; None for none."""
        self._rust = self._graph = None
        if vocabulary is None:
            self.vocabulary = None
            return
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = read_vocabulary(vocabulary)
        elif not isinstance(vocabulary, Sequence):
            raise TypeError(
                f"A path or a list of the pieces was expected. Received: vocabulary={vocabulary!r} "
                f"of type {type(vocabulary).__name__}"
            )
        pieces = list(vocabulary)
        check_pieces(pieces, SPECIAL_TOKENS)
        self.vocabulary = pieces
        self._rust = self._build_rust(pieces)
        continues = [len(piece) > len(CONTINUATION) and piece.startswith(CONTINUATION) for piece in pieces]
        self._starts_word = ~np.array(continues)
        for name, token in _TOKENS_OF_NAMES.items():
            setattr(self, f"{name}_token_id", self.token_to_id(token))

    def _build_rust(self, pieces):
        rust = tokenizers.Tokenizer(
            tokenizers.models.WordPiece(
                vocab={piece: number for number, piece in enumerate(pieces)},
                unk_token=UNKNOWN,
                continuing_subword_prefix=CONTINUATION,
                max_input_chars_per_word=MAX_WORD_CHARACTERS,
            )
        )
        rust.normalizer = build_normalizer(self.lowercase, self.strip_accents)
        rust.pre_tokenizer = build_pre_tokenizer()
        rust.add_special_tokens([tokenizers.AddedToken(token, normalized=False) for token in self.tokens_in_strings])
        return rust

    @property
    def tokens_in_strings(self) -> tuple[str, ...]:
        """The special tokens that a text can hold."""
        return SPECIAL_TOKENS if self.special_tokens_in_strings else (MASK,)

    @property
    def special_tokens(self) -> list[str]:
        """All special tokens, `[UNK]` among them."""
        return list(SPECIAL_TOKENS)

    @property
    def special_token_ids(self) -> list[int]:
        """The ids of `special_tokens`."""
        return [self.token_to_id(token) for token in SPECIAL_TOKENS]

    @property
    def unk_token(self) -> str:
        """The token of words that have no pieces."""
        return UNKNOWN

    @property
    def unk_token_id(self) -> int:
        """The id of `unk_token`."""
        return self.token_to_id(UNKNOWN)

    def token_to_id(self, token: str) -> int:
        """Return the id of a piece; ValueError if the vocabulary lacks it."""
        number = self._tokenizer().token_to_id(token)
        if number is None:
            raise ValueError(f"A piece of the vocabulary was expected. Received: token={token!r}")
        return number

    def _tokenizer(self):
        if self._rust is None:
            raise ValueError(
                "The tokenizer has no vocabulary. Give one to the constructor or to `set_vocabulary`, or load the "
                "tokenizer with its preset."
            )
        return self._rust

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Tokenize texts, on all cores, without adding special tokens.

        Args:
            texts: sequence of str.

        Returns:
            list of int32 arrays (tokens,), one a text.

        Raises:
            TypeError: if `texts` is one str, or an element of it is not a str.
        """
        return [np.array(encoding.ids, np.int32) for encoding in self._encodings(texts, offsets=False)]

    def encode_with_offsets(self, texts: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Tokenize texts and say where each token comes from.

        Args:
            texts: sequence of str.

        Returns:
            list of pairs, one a text: int32 (tokens,), the ids, and int32 (tokens, 2), where each token begins
            and ends in the text as it was given, in characters, the end excluded.

        Raises:
            TypeError: if `texts` is one str, or an element of it is not a str.
        """
        return [
            (np.array(encoding.ids, np.int32), np.array(encoding.offsets, np.int32).reshape(-1, 2))
            for encoding in self._encodings(texts, offsets=True)
        ]

    def _encodings(self, texts, offsets) -> Iterator:
        texts = check_texts(texts)
        tokenizer = self._tokenizer()
        encode_batch = tokenizer.encode_batch if offsets else tokenizer.encode_batch_fast
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            try:
                encodings = encode_batch(batch, add_special_tokens=False)
            except (TypeError, UnicodeEncodeError):
                # Half of a surrogate pair is no character: it counts as one that could not be read.
                batch = [_SURROGATE.sub("\ufffd", text) for text in batch]
                encodings = encode_batch(batch, add_special_tokens=False)
            yield from encodings

    def decode(self, ids: Sequence[int]) -> str:
        """Return ids as text: pieces joined to words; padding, start and end left out.

        Spaces are as in print where that is certain: none between Chinese characters or before a full stop.

        Args:
            ids: int sequence (tokens,).

        Raises:
            ValueError: if an id is not in the vocabulary.
        """
        words, left_out = [], {PAD, START, END}
        for number in np.asarray(ids).reshape(-1).tolist():
            piece = self.id_to_token(number)
            if piece in left_out:
                continue
            if words and not self._starts_word[number] and words[-1] not in SPECIAL_TOKENS:
                words[-1] += piece.removeprefix(CONTINUATION)
            else:
                words.append(piece)
        return join_words(words)

    def word_starts(self, ids: np.ndarray) -> np.ndarray:
        """Return a bool array of the shape of `ids`, True where a piece begins a word, False for `##` pieces."""
        self._tokenizer()
        return self._starts_word[np.asarray(ids)]

    def fingerprint(self) -> str:
        """Return 64 hexadecimal digits that differ for tokenizers that can give a text different ids."""
        self._tokenizer()
        settings = [type(self).__name__, self.lowercase, self.strip_accents, self.special_tokens_in_strings]
        return hashlib.sha256("\n".join([repr(settings), *self.vocabulary]).encode()).hexdigest()

    def save_vocabulary(self, path: str | os.PathLike) -> None:
        """Write the vocabulary to a file, one piece a line, whole or not at all; OSError if that fails."""
        self._tokenizer()
        write_vocabulary(path, self.vocabulary)

    def save_assets(self, dir_path):
        self.save_vocabulary(os.path.join(dir_path, VOCABULARY_FILE))

    def load_assets(self, dir_path):
        self.set_vocabulary(os.path.join(dir_path, VOCABULARY_FILE))

    def tokenize(self, inputs):
        """Return the ids of texts; see the class."""
        if _in_tensorflow_graph():
            return self._graph_tokenizer().tokenize(inputs)
        texts, shape = as_strings(inputs)
        return restore_shape(self.encode(texts), shape)

    def detokenize(self, inputs):
        """Return ids as words separated by spaces, special tokens included; `decode` makes text of them."""
        if _in_tensorflow_graph():
            return self._graph_tokenizer().detokenize(inputs)
        return super().detokenize(inputs)

    def _graph_tokenizer(self):
        self._tokenizer()
        if self._graph is None:
            from zoo.tokenizers.word_piece_graph import GraphWordPiece

            self._graph = GraphWordPiece(self.vocabulary, self.lowercase, self.strip_accents, self.tokens_in_strings)
        return self._graph


def _in_tensorflow_graph():
    tensorflow = sys.modules.get("tensorflow")
    return hasattr(tensorflow, "executing_eagerly") and not tensorflow.executing_eagerly()
