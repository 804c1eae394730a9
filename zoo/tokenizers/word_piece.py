"""WordPiece as BERT uses it: words into the longest pieces of a vocabulary, from the left."""

import hashlib
import os
from collections.abc import Sequence

import keras
import keras_hub
import numpy as np
import tokenizers

from zoo.tokenizers.bert_text import MAX_WORD_CHARACTERS, build_normalizer, build_pre_tokenizer
from zoo.tokenizers.spacing import join_words
from zoo.tokenizers.text_tokenizer import BackboneOfPresets, TextTokenizer
from zoo.tokenizers.vocabulary_files import check_pieces, read_vocabulary, write_vocabulary

VOCABULARY_FILE = "vocabulary.txt"
CONTINUATION = "##"
PAD, UNKNOWN, START, END, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_TOKENS_OF_NAMES = {"pad": PAD, "unk": UNKNOWN, "cls": START, "start": START, "sep": END, "end": END, "mask": MASK}
# What KerasHub's WordPiece leaves open and BERT fixes.
_FIXED = ("sequence_length", "split", "suffix_indicator", "oov_token", "special_tokens", "dtype")


@keras.saving.register_keras_serializable(package="zoo")
class WordPiece(TextTokenizer, keras_hub.tokenizers.BertTokenizer):
    """The tokenizer of BERT: words split at whitespace, punctuation and Chinese characters, then into pieces.

    A word becomes the longest piece that it begins with, the rest the longest `##` piece, and so on; a word that
    does not come out even, or has more than 100 characters, becomes `[UNK]`. Devlin et al. (2019), arXiv
    1810.04805, with the rules of its released code; the pieces are those of Wu et al. (2016), arXiv 1609.08144,
    section 4.1. Lists of strings are tokenized by the `tokenizers` package on all cores, string tensors of a
    TensorFlow graph by `tensorflow-text`, with the same ids.

    `[MASK]` in a text is the mask token; no other special token is made from what a text says; words without
    pieces become `[UNK]`. A piece begins a word (`word_starts`) if it isn't a `##` piece.

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

    backbone_cls = BackboneOfPresets("BertBackbone")
    tokens_of_names = _TOKENS_OF_NAMES

    def __init__(self, vocabulary=None, lowercase=False, strip_accents=None, special_tokens_in_strings=False, **kwargs):
        self._check_choices(kwargs, _FIXED, "WordPieceTokenizer")
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
        cls._check_configuration(config, "vocabulary")
        return cls(**config)

    def set_vocabulary(self, vocabulary: str | os.PathLike | Sequence[str] | None) -> None:
        """Take another vocabulary: a path or the pieces, as in the constructor; None for none."""
        if vocabulary is None:
            self.vocabulary = None
            self._set_pieces(None)
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
        self._set_pieces(pieces, ~np.array(continues))

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

    def _encode_batch(self, texts):
        encodings = self._rust.encode_batch_fast(texts, add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in encodings]

    def _encode_batch_with_offsets(self, texts):
        return [
            (np.array(encoding.ids, np.int32), np.array(encoding.offsets, np.int32).reshape(-1, 2))
            for encoding in self._rust.encode_batch(texts, add_special_tokens=False)
        ]

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
            joins = words and not self._starts_word[number]
            if joins and words[-1] not in SPECIAL_TOKENS and words[-1] not in self._sentinels:
                words[-1] += piece.removeprefix(CONTINUATION)
            else:
                words.append(piece)
        return join_words(words)

    def fingerprint(self) -> str:
        """Return 64 hexadecimal digits that differ for tokenizers that can give a text different ids."""
        self._check_ready()
        settings = [type(self).__name__, self.lowercase, self.strip_accents, self.special_tokens_in_strings]
        return hashlib.sha256("\n".join([repr(settings), *self.vocabulary]).encode()).hexdigest()

    def save_vocabulary(self, path: str | os.PathLike) -> None:
        """Write the vocabulary to a file, one piece a line, whole or not at all; OSError if that fails."""
        self._check_ready()
        write_vocabulary(path, self.vocabulary)

    def save_assets(self, dir_path):
        self.save_vocabulary(os.path.join(dir_path, VOCABULARY_FILE))

    def load_assets(self, dir_path):
        self.set_vocabulary(os.path.join(dir_path, VOCABULARY_FILE))

    def _with_pieces(self, pieces):
        return type(self)(**{**self.get_config(), "vocabulary": [*self.vocabulary, *pieces]})

    def _build_graph_tokenizer(self):
        from zoo.tokenizers.word_piece_graph import GraphWordPiece

        return GraphWordPiece(self.vocabulary, self.lowercase, self.strip_accents, self.tokens_in_strings)
