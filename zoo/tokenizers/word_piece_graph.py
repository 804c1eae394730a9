"""WordPiece inside a TensorFlow graph: for `tf.data` and for models that are exported with their tokenizer."""

import re
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from zoo.tokenizers.bert_text import ITSELF, MAX_WORD_CHARACTERS, PAGE, Expansion, character_tables

_BYTES_PER_CHARACTER = 4
# Private characters stand for the special tokens in a text until its words are split. A text's own ones first
# become the mark of what can't be read, which BERT removes, as it removes private characters.
_FIRST_PLACEHOLDER = 0x10FFF0
_UNREADABLE = "\ufffd"
# More than there are ranks of marks.
_RANKS = 256


class GraphWordPiece:
    """WordPiece as TensorFlow operations, with the ids that `WordPiece.encode` gives.

    Args:
        vocabulary: the pieces in the order of their ids.
        lowercase: bool, as in `WordPiece`.
        strip_accents: bool, as in `WordPiece`.
        tokens_in_strings: the special tokens that a text can hold.
        unknown: the piece of words that have no pieces.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        lowercase: bool,
        strip_accents: bool,
        tokens_in_strings: Sequence[str],
        unknown: str = "[UNK]",
    ):
        tables = character_tables(lowercase, strip_accents)
        spelled = [[ord(character) for character in f" {token} "] for token in tokens_in_strings]
        self._placeholders = {token: chr(_FIRST_PLACEHOLDER + i) for i, token in enumerate(tokens_in_strings)}
        self._clean = _GraphExpansion(tables.clean, [[ITSELF]] * len(spelled))
        self._split = _GraphExpansion(tables.split, spelled)
        self._ranks = tables.ranks
        self._unknown = unknown
        # The pieces belong to the tokenizer, not to the graph that is being traced when they are first needed.
        with tf.init_scope():
            self._pieces = tf_text.FastWordpieceTokenizer(
                vocab=list(vocabulary),
                token_out_type=tf.int32,
                unknown_token=unknown,
                max_bytes_per_word=MAX_WORD_CHARACTERS * _BYTES_PER_CHARACTER,
                no_pretokenization=True,
                support_detokenization=True,
            )

    @tf.autograph.experimental.do_not_convert
    def tokenize(self, texts):
        """Tokenize a string tensor.

        Args:
            texts: string tensor or `tf.RaggedTensor` of any shape, UTF-8; bytes that aren't are left out.

        Returns:
            int32 `tf.RaggedTensor` (..., tokens), or a tensor (tokens,) for one text.
        """
        if isinstance(texts, tf.RaggedTensor):
            return texts.with_flat_values(self.tokenize(texts.flat_values))
        texts = tf.convert_to_tensor(texts)
        words = self._split_words(tf.reshape(texts, [-1]))  # (texts, words)
        too_long = tf.strings.length(words.values, unit="UTF8_CHAR") > MAX_WORD_CHARACTERS
        words = words.with_values(tf.where(too_long, self._unknown, words.values))
        ids = self._pieces.tokenize(words).merge_dims(-2, -1)  # (texts, tokens)
        if texts.shape.rank == 0:
            return ids.values
        for axis in reversed(range(1, texts.shape.rank)):
            ids = tf.RaggedTensor.from_uniform_row_length(ids, tf.shape(texts, tf.int64)[axis])
        return ids

    def detokenize(self, ids):
        """Return ids (..., tokens), a tensor or `tf.RaggedTensor`, as words separated by spaces."""
        if not isinstance(ids, tf.RaggedTensor) and ids.shape.rank == 1:
            return self._pieces.detokenize(ids[tf.newaxis])[0]
        return self._pieces.detokenize(ids)

    def _split_words(self, texts):
        texts = tf.strings.regex_replace(texts, f"[{''.join(self._placeholders.values())}]", _UNREADABLE)
        for token, placeholder in self._placeholders.items():
            texts = tf.strings.regex_replace(texts, re.escape(token), placeholder)
        texts = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")  # (texts, characters)
        texts = self._clean(texts)
        if self._ranks is not None:
            texts = self._order_marks(texts)
        texts = self._split(texts)
        return tf.strings.split(tf.strings.unicode_encode(texts, "UTF-8"))  # (texts, words)

    def _order_marks(self, texts):
        ranks = _look_up(self._ranks, texts.values)
        # A text begins a run of marks as a character that isn't a mark does.
        runs = tf.cumsum(tf.cast(ranks == 0, tf.int64)) + texts.value_rowids()
        keys = runs * _RANKS + tf.cast(ranks, tf.int64)
        places = tf.range(tf.size(keys, tf.int64))

        def reorder():
            return tf.gather(texts.values, tf.argsort(keys * tf.size(keys, tf.int64) + places))

        in_order = tf.reduce_all(keys[:-1] <= keys[1:])
        return texts.with_values(tf.cond(in_order, lambda: texts.values, reorder))


class _GraphExpansion:
    """`Expansion` on ragged tensors of code points, with rows of its own for the placeholders."""

    def __init__(self, expansion: Expansion, placeholder_rows: Sequence[Sequence[int]]):
        lengths = [len(row) for row in placeholder_rows]
        self._table = expansion.rows
        self._num_placeholders = len(placeholder_rows)
        self._first_row = len(expansion.starts)
        starts = len(expansion.values) + np.cumsum(lengths) - lengths
        self._starts = np.concatenate([expansion.starts, starts]).astype(np.int32)
        self._lengths = np.concatenate([expansion.lengths, lengths]).astype(np.int32)
        self._values = np.concatenate([expansion.values, *placeholder_rows]).astype(np.int32)

    def __call__(self, texts):
        code_points = texts.values
        number = code_points - _FIRST_PLACEHOLDER
        placeholder = (number >= 0) & (number < self._num_placeholders)
        rows = tf.where(placeholder, self._first_row + number, _look_up(self._table, code_points))
        lengths = tf.gather(self._lengths, rows)
        ends = tf.cumsum(lengths)
        shifts = tf.repeat(tf.gather(self._starts, rows) - (ends - lengths), lengths)  # (results,)
        values = tf.gather(self._values, shifts + tf.range(tf.size(shifts)))
        values = tf.where(values == ITSELF, tf.repeat(code_points, lengths), values)
        ends = tf.concat([[0], ends], 0)
        return tf.RaggedTensor.from_row_splits(values, tf.cast(tf.gather(ends, texts.row_splits), tf.int64))


def _look_up(table, code_points):
    starts = tf.gather(table.page_starts, code_points // PAGE)
    return tf.gather(table.numbers, starts + (code_points % PAGE))
