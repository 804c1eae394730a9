"""Byte pairs as GPT-2 and RoBERTa use them: any text, byte for byte, in pieces of frequent bytes."""

import hashlib
import os
from collections.abc import Mapping, Sequence

import keras
import keras_hub
import numpy as np
import tokenizers

from zoo.tokenizers.byte_level import CHARACTERS, build_pre_tokenizer, piece_to_bytes
from zoo.tokenizers.byte_pair_files import (
    MERGES_FILE,
    VOCABULARY_FILE,
    check_byte_pairs,
    read_merges,
    read_pieces,
    write_byte_pairs,
)
from zoo.tokenizers.text_tokenizer import BackboneOfPresets, TextTokenizer

START, PAD, END, UNKNOWN, MASK = SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_TOKENS_OF_NAMES = {"start": START, "cls": START, "pad": PAD, "end": END, "sep": END, "unk": UNKNOWN, "mask": MASK}
# In UTF-8, a byte of these is not the first of its character.
_INNER_BYTES = range(0x80, 0xC0)
# Those that begin a character of two bytes: Latin, Greek, Cyrillic, Arabic, ... letters, but the signs after 0xC2.
_FIRST_BYTES_OF_LETTERS = range(0xC3, 0xE0)
# What KerasHub leaves open and RoBERTa fixes.
_FIXED = ("sequence_length", "add_prefix_space", "unsplittable_tokens", "dtype")


@keras.saving.register_keras_serializable(package="zoo")
class BytePair(TextTokenizer, keras_hub.tokenizers.RobertaTokenizer):
    """The tokenizer of RoBERTa: words as bytes, of which the pairs that were learned first are joined first.

    Pairs are joined within words (Sennrich et al. 2016, arXiv 1508.07909, algorithm 1), a word being letters, digits
    or signs with the space before them, and begin as bytes, so that no text is unknown and `decode` gives back the
    very text (Radford et al. 2019, section 2.2; Liu et al. 2019, arXiv 1907.11692, section 4.4). Lists of strings are
    tokenized by the `tokenizers` package on all cores, string tensors of a TensorFlow graph by TensorFlow, with
    the same ids.

    `<mask>` in a text, with the white space before it, is the mask token; no other special token is made from what a
    text says. A vocabulary may lack it, as that of a model tuned for summaries does: then `mask_token_id` is None, and
    `<mask>` is text like any other. Case matters, and so does a space: ` dog` within a text is another piece than `dog`
    at its beginning. A piece begins a word (`word_starts`) if it begins with white space, a sign, or a character beyond
    U+07FF, as Chinese has them, or is a special token.

    Args:
        vocabulary: the path of a vocabulary file (JSON, `{piece: id}`), or a dict. A space in a piece is `Ġ`; other
            bytes that aren't printable have characters of their own, too.
        merges: the path of a file of merges (UTF-8, two pieces with a space a line, in the order in which they are
            joined), or the list of its lines.
        **kwargs: `name`, `trainable` and `config_file` of a KerasHub tokenizer.

    Call arguments:
        A str, a list, array or tensor of them, or a string tensor of a TensorFlow graph (batch,).

    Returns:
        int32 array (tokens,) for one text, lists of int for several, `tf.RaggedTensor` (batch, tokens) in a graph.

    Raises:
        TypeError: if the vocabulary or the merges are neither a path nor what is in such a file, or one is missing.
        ValueError: if a file is absent or has something else in it, a special token or a byte is missing, the ids
            are not `0, 1, 2, ...`, or a merge joins or makes what is no piece.

    Example:

    >>> import zoo
    >>> tokenizer = zoo.tokenizers.train_byte_pair(["the dogs bark", "the dog"] * 2, 300, progress=False)
    >>> [tokenizer.id_to_token(piece) for piece in tokenizer.encode(["the dog 好<mask>"])[0]]
    ['the', 'Ġdog', 'Ġ', 'å', '¥', '½', '<mask>']
    """

    # RoBERTa is BERT with another recipe.
    backbone_cls = BackboneOfPresets("BertBackbone")
    tokens_of_names = _TOKENS_OF_NAMES
    separators = 2  # as in the released code of RoBERTa and of BART

    def __init__(self, vocabulary=None, merges=None, **kwargs):
        self._check_choices(kwargs, _FIXED, "BytePairTokenizer")
        super().__init__(vocabulary=vocabulary, merges=merges, **kwargs)

    def get_config(self):
        return {key: value for key, value in super().get_config().items() if key not in _FIXED}

    @classmethod
    def from_config(cls, config):
        cls._check_configuration(config, "vocabulary", "merges")
        return cls(**config)

    def set_vocabulary_and_merges(
        self,
        vocabulary: str | os.PathLike | Mapping[str, int] | None,
        merges: str | os.PathLike | Sequence[str] | None,
    ) -> None:
        """Take another vocabulary: paths or what is in the files, as in the constructor; None and None for none."""
        if vocabulary is None and merges is None:
            self.vocabulary = self.merges = None
            self._set_pieces(None)
            return
        pieces, merges = read_pieces(vocabulary), read_merges(merges)
        pairs = check_byte_pairs(pieces, merges, SPECIAL_TOKENS[:-1])
        self.tokens_of_names = {name: token for name, token in _TOKENS_OF_NAMES.items() if token in set(pieces)}
        self.mask_token_id = None
        self.vocabulary = {piece: number for number, piece in enumerate(pieces)}
        self.merges = merges
        self._bytes = [piece_to_bytes(piece) for piece in pieces]
        self._rust = self._build_rust(pairs)
        first_bytes = [content[0] for content in self._bytes]
        self._set_pieces(pieces, [_starts_word(byte) for byte in first_bytes])
        self._starts_word[self.special_token_ids] = True
        self._continues_character = np.array([byte in _INNER_BYTES for byte in first_bytes])

    def _build_rust(self, pairs):
        rust = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=dict(self.vocabulary), merges=pairs))
        rust.pre_tokenizer = build_pre_tokenizer()
        # Without this, the space before a word would be a part of its place.
        rust.post_processor = tokenizers.processors.ByteLevel(trim_offsets=True)
        if MASK in self.vocabulary:
            rust.add_special_tokens([tokenizers.AddedToken(MASK, normalized=False, lstrip=True)])
        return rust

    def _encode_batch(self, texts):
        encodings = self._rust.encode_batch_fast(texts, add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in encodings]

    def _encode_batch_with_offsets(self, texts):
        rows = []
        for encoding in self._rust.encode_batch(texts, add_special_tokens=False):
            ids = np.array(encoding.ids, np.int32)
            places = np.array(encoding.offsets, np.int32).reshape(-1, 2)
            # Of several pieces with bytes of one character, the first has it, and the others begin after it.
            places[:, 0] += self._continues_character[ids]
            masks = ids == self.mask_token_id
            places[masks, 0] = places[masks, 1] - len(MASK)
            rows.append((ids, places))
        return rows

    def decode(self, ids: Sequence[int]) -> str:
        """Return ids as text, byte for byte; padding, start and end left out, a space before a mask or sentinel.

        Args:
            ids: int sequence (tokens,). Bytes that are no UTF-8 become U+FFFD.

        Raises:
            ValueError: if an id is not in the vocabulary.
        """
        parts = []
        for number in np.asarray(ids).reshape(-1).tolist():
            piece = self.id_to_token(number)
            if piece == MASK or piece in self._sentinels:
                parts.append(f" {piece}".encode() if parts else piece.encode())
            elif piece not in (PAD, START, END):
                parts.append(self._bytes[number])
        return b"".join(parts).decode("utf-8", "replace")

    def fingerprint(self) -> str:
        """Return 64 hexadecimal digits that differ for tokenizers that can give a text different ids."""
        self._check_ready()
        parts = [type(self).__name__, *self._pieces, "", *self.merges]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def save_vocabulary(self, folder: str | os.PathLike) -> None:
        """Write `vocabulary.json` and `merges.txt` to a folder, each whole or not at all; OSError if that fails."""
        self._check_ready()
        write_byte_pairs(folder, self._pieces, self.merges)

    def save_assets(self, dir_path):
        self.save_vocabulary(dir_path)

    def load_assets(self, dir_path):
        self.set_vocabulary_and_merges(os.path.join(dir_path, VOCABULARY_FILE), os.path.join(dir_path, MERGES_FILE))

    def _detokenize(self, inputs):
        rows = inputs.to_list() if hasattr(inputs, "to_list") else np.asarray(inputs, object).tolist()
        if any(isinstance(row, (list, np.ndarray)) for row in rows):
            return [self._detokenize(row) for row in rows]
        return b"".join(self._bytes[number] for number in rows).decode("utf-8", "replace")

    def _with_pieces(self, pieces):
        vocabulary = {piece: number for number, piece in enumerate([*self._pieces, *pieces])}
        return type(self)(**{**self.get_config(), "vocabulary": vocabulary, "merges": self.merges})

    def _build_graph_tokenizer(self):
        from zoo.tokenizers.byte_pair_graph import GraphBytePair

        pairs = [merge.split(" ") for merge in self.merges]
        merges = [(self._ids[left], self._ids[right], self._ids[left + right]) for left, right in pairs]
        byte_ids = [self._ids[character] for character in CHARACTERS]
        return GraphBytePair(self._bytes, byte_ids, merges, self.mask_token_id)


def _starts_word(first_byte):
    if first_byte < _INNER_BYTES.start:
        return not chr(first_byte).isalnum()
    return first_byte not in _INNER_BYTES and first_byte not in _FIRST_BYTES_OF_LETTERS
