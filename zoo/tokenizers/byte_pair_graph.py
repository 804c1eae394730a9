"""Byte pairs inside a TensorFlow graph: for `tf.data` and for models that are exported with their tokenizer."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.tokenizers.bert_text import PAGE
from zoo.tokenizers.byte_level import CONTRACTIONS, SPACE, character_classes

# All white space of Unicode, at the end of a text.
_SPACES_AT_END = r"[\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+$"
_BYTES = 256
# In place of the id of a byte that was joined to the one before it.
_GONE = -1
# In place of a code point: the end of a text.
_END = -1


class GraphBytePair:
    """Byte pairs as TensorFlow operations, with the ids that `BytePair.encode` gives.

    Args:
        contents: for each id the bytes that it stands for.
        byte_ids: for each byte its id.
        merges: the ids of two pieces and of what they make together, in the order in which they are joined.
        mask_id: int, id of the mask token; None if there is none.
    """

    def __init__(
        self,
        contents: Sequence[bytes],
        byte_ids: Sequence[int],
        merges: Sequence[tuple[int, int, int]],
        mask_id: int,
    ):
        self._contents = list(contents)
        self._byte_ids = np.array(byte_ids, np.int64)
        self._mask_id = mask_id
        # No text in UTF-8 has the bytes that stand for none.
        self._mask = b"\xff\xff" if mask_id is None else self._contents[mask_id]
        left, right, self._merged = np.array(merges, np.int64).reshape(-1, 3).T
        keys = left * len(contents) + right
        # A pair that is there twice is joined when it is first there.
        self._pairs, self._ranks = np.unique(keys, return_index=True)
        self._together = np.zeros(_BYTES * _BYTES, bool)
        for content in contents:
            following = np.frombuffer(content, np.uint8).astype(np.int64)
            self._together[following[:-1] * _BYTES + following[1:]] = True

    @tf.autograph.experimental.do_not_convert
    def tokenize(self, texts):
        """Tokenize a string tensor.

        Args:
            texts: string tensor or `tf.RaggedTensor` of any shape, UTF-8; bytes that aren't become U+FFFD.

        Returns:
            int32 `tf.RaggedTensor` (..., tokens), or a tensor (tokens,) for one text.
        """
        if isinstance(texts, tf.RaggedTensor):
            return texts.with_flat_values(self.tokenize(texts.flat_values))
        texts = tf.convert_to_tensor(texts)
        parts = tf.strings.split(tf.reshape(texts, [-1]), self._mask)  # (texts, parts)
        ids = parts.with_values(self._tokenize_parts(parts)).merge_dims(1, 2)  # (texts, tokens)
        if texts.shape.rank == 0:
            return ids.values
        for axis in reversed(range(1, texts.shape.rank)):
            ids = tf.RaggedTensor.from_uniform_row_length(ids, tf.shape(texts, tf.int64)[axis])
        return ids

    def detokenize(self, ids):
        """Return ids (..., tokens), a tensor or `tf.RaggedTensor`, as text, special tokens included."""
        return tf.strings.reduce_join(tf.gather(self._contents, ids), axis=-1)

    def _tokenize_parts(self, parts):
        """Ids (parts, tokens) of what is between masks, each part but its text's last one followed by a mask."""
        before_mask = tf.concat([parts.value_rowids()[1:] == parts.value_rowids()[:-1], [False]], 0)
        trimmed = tf.strings.regex_replace(parts.values, _SPACES_AT_END, "")
        characters = tf.strings.unicode_decode(tf.where(before_mask, trimmed, parts.values), "UTF-8", errors="replace")
        ends = tf.fill([characters.nrows(), 1], _END)
        codes = tf.concat([characters, ends], 1).values
        starts = _word_starts(codes)
        starts = tf.where(tf.boolean_mask(starts, codes != _END))[:, 0]  # (words,)
        words = tf.RaggedTensor.from_row_starts(characters.values, starts, validate=False)  # (words, characters)
        different, places = tf.unique(tf.strings.unicode_encode(words, "UTF-8"))
        ids = tf.gather(self._join_pairs(different), places)  # (words, tokens)
        word_parts = tf.gather(characters.value_rowids(), starts)
        ids = tf.RaggedTensor.from_value_rowids(ids, word_parts, characters.nrows(), validate=False).merge_dims(1, 2)
        masks = tf.fill([tf.math.count_nonzero(before_mask)], self._mask_id or 0)
        masks = tf.RaggedTensor.from_row_lengths(masks, tf.cast(before_mask, tf.int64), validate=False)
        return tf.concat([ids, masks], 1)

    def _join_pairs(self, words):
        """Ids (words, tokens) of words (words,), all pairs joined that can be."""
        split = tf.strings.bytes_split(words)  # (words, bytes)
        content = tf.cast(tf.reshape(tf.io.decode_raw(split.values, tf.uint8), [-1]), tf.int32)  # (bytes,)
        rows = split.value_rowids()
        # A part is what a piece can be in, so that few bytes have to wait for those of one long word.
        apart = (rows[1:] != rows[:-1]) | ~tf.gather(self._together, content[:-1] * _BYTES + content[1:])
        parts = tf.cumsum(tf.cast(tf.concat([[False], apart], 0), tf.int64))
        num_parts = tf.reduce_max(parts) + 1

        def join(ids, places):
            of_places = tf.gather(parts, places)
            left = tf.gather(ids, places[:-1])
            ranks = self._rank(left, tf.gather(ids, places[1:]))  # (bytes at work - 1,)
            ranks = tf.where(of_places[:-1] == of_places[1:], ranks, len(self._merged))
            lowest = tf.math.unsorted_segment_min(ranks, of_places[:-1], num_parts)
            found = (ranks == tf.gather(lowest, of_places[:-1])) & (ranks < len(self._merged))
            first = tf.math.unsorted_segment_min(
                tf.where(found, places[:-1], places.dtype.max), of_places[:-1], num_parts
            )
            joined = found & (places[:-1] == tf.gather(first, of_places[:-1]))  # at most one in a part
            merged = tf.gather(self._merged, tf.boolean_mask(ranks, joined))
            ids = tf.tensor_scatter_nd_update(ids, tf.boolean_mask(places[:-1], joined)[:, None], merged)
            gone = tf.boolean_mask(places[1:], joined)
            ids = tf.tensor_scatter_nd_update(ids, gone[:, None], tf.fill(tf.shape(gone), tf.cast(_GONE, tf.int64)))
            goes_on = tf.gather(lowest < len(self._merged), of_places)
            return ids, tf.boolean_mask(places, goes_on & tf.concat([[True], ~joined], 0))

        ids = tf.gather(self._byte_ids, content)
        ids, _ = tf.while_loop(
            lambda ids, places: tf.size(places) > 1,
            join,
            [ids, tf.range(tf.size(ids, tf.int64))],
            shape_invariants=[tf.TensorShape([None]), tf.TensorShape([None])],
        )
        kept = ids != _GONE
        return tf.RaggedTensor.from_value_rowids(
            tf.cast(tf.boolean_mask(ids, kept), tf.int32), tf.boolean_mask(rows, kept), split.nrows(), validate=False
        )

    def _rank(self, left, right):
        if not len(self._pairs):  # a vocabulary of bytes alone
            return tf.fill(tf.shape(left), tf.cast(len(self._merged), tf.int64))
        keys = left * len(self._contents) + right
        places = tf.minimum(tf.searchsorted(self._pairs, keys), len(self._pairs) - 1)
        return tf.where(tf.gather(self._pairs, places) == keys, tf.gather(self._ranks, places), len(self._merged))


def _word_starts(codes):
    """Where words begin.

    GPT-2's pattern, `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`, looks ahead,
    which patterns in TensorFlow cannot.

    Args:
        codes: int32 tensor (characters,), code points of all texts, end to end, each text with a -1 at its end.

    Returns:
        bool tensor (characters,).
    """
    table = character_classes()
    pages = tf.gather(table.page_starts, tf.maximum(codes, 0) // PAGE)
    classes = tf.where(codes == _END, _END, tf.gather(table.numbers, pages + codes % PAGE))
    last, after = _shifted(classes, -1), _shifted(classes, 1)
    # The last of several spaces goes with the word after it.
    starts_space = (last != SPACE) | ((after != SPACE) & (after != _END))
    starts_word = (last != classes) & (_shifted(codes, -1) != ord(" "))
    starts = tf.where(classes == SPACE, starts_space, starts_word)
    first, second = _shifted(codes, 1), _shifted(codes, 2)
    apostrophes = starts & (codes == ord("'"))
    for length in (1, 2):
        endings = [[ord(letter) for letter in ending] for ending in CONTRACTIONS if len(ending) == length]
        letters = tf.stack([first, second][:length], 1)  # (characters, length)
        matched = tf.reduce_any(tf.reduce_all(letters[:, None] == endings, 2), 1) & apostrophes
        starts = (starts & ~_shifted(matched, -1, False)) | _shifted(matched, -1 - length, False)
    return starts


def _shifted(values, steps, beyond=_END):
    """The value `steps` characters further on, `beyond` at the ends."""
    ends = tf.fill([tf.minimum(abs(steps), tf.size(values))], tf.cast(beyond, values.dtype))
    return tf.concat([values[steps:], ends] if steps > 0 else [ends, values[:steps]], 0)
