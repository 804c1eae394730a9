"""Unigram pieces inside a TensorFlow graph: for `tf.data` and for models that are exported with their tokenizer."""

import re

import tensorflow as tf
import tensorflow_text as tf_text

from zoo.tokenizers.sentence_piece_proto import parse_proto

_PRIVATE = range(0x10FFF0, 0x10FFFE)


class GraphUnigram:
    """A SentencePiece model as TensorFlow operations, with the ids that `Unigram.encode` gives.

    The operations know no token that is found in texts whatever is around it. So the mask is a private character in
    the model and in texts, and what a text has of that character becomes another one without a piece.

    Args:
        proto: bytes of the SentencePiece model.
        space_id: int, id of a space alone.
        mask_id: int, id of the mask token, which takes a space before it with it.
        parts: dict from an id to the ids, a sequence of int, that take its place.
    """

    def __init__(self, proto: bytes, space_id: int, mask_id: int, parts: dict | None = None):
        model = parse_proto(proto)
        split = [(parts or {}).get(number, [number]) for number in range(len(model.pieces))]
        used = {character for piece in model.pieces for character in piece.piece}
        self._placeholder, self._its_own = [chr(code) for code in _PRIVATE if chr(code) not in used][:2]
        mask = model.pieces[mask_id]
        self._mask = mask.piece
        mask.piece, mask.type = self._placeholder, mask.NORMAL
        self._space_id = space_id
        self._mask_id = mask_id
        # The model belongs to the tokenizer, not to the graph that is being traced when it is first needed. (The
        # other class of `tf_text` loses its model when a random seed is set.)
        with tf.init_scope():
            self._pieces = tf_text.FastSentencepieceTokenizer(model.SerializeToString())
            self._parts = tf.ragged.constant(split, tf.int32) if parts else None  # (pieces, parts)

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
        flat = tf.strings.unicode_transcode(tf.reshape(texts, [-1]), "UTF-8", "UTF-8", errors="replace")
        flat = tf.strings.regex_replace(flat, self._placeholder, self._its_own)
        flat = tf.strings.regex_replace(flat, re.escape(self._mask), self._placeholder)
        ids = self._pieces.tokenize(flat).with_row_splits_dtype(tf.int64)  # (texts, tokens)
        ids = tf.ragged.boolean_mask(ids, ids.with_values(self._kept(ids.values)))
        if self._parts is not None:
            ids = tf.gather(self._parts, ids).merge_dims(1, 2)
        if texts.shape.rank == 0:
            return ids.values
        for axis in reversed(range(1, texts.shape.rank)):
            ids = tf.RaggedTensor.from_uniform_row_length(ids, tf.shape(texts, tf.int64)[axis])
        return ids

    def detokenize(self, ids):
        """Return ids (..., tokens), a tensor or `tf.RaggedTensor`, as text."""
        if isinstance(ids, tf.RaggedTensor):
            ids = ids.with_row_splits_dtype(tf.int32)
        texts = self._pieces.detokenize(tf.cast(ids, tf.int32))
        return tf.strings.regex_replace(texts, self._placeholder, self._mask)

    def _kept(self, ids):
        # Texts lie end to end here, but none ends with a space that a mask of the next could take.
        following = tf.concat([ids[1:], tf.zeros_like(ids[:1])], 0)
        return (ids != self._space_id) | (following != self._mask_id)
