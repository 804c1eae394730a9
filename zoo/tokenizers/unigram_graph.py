"""Unigram pieces inside a TensorFlow graph: for `tf.data` and for models that are exported with their tokenizer."""

import tensorflow as tf
import tensorflow_text as tf_text


class GraphUnigram:
    """A SentencePiece model as TensorFlow operations, with the ids that `Unigram.encode` gives.

    Args:
        proto: bytes of the SentencePiece model.
        space_id: int, id of a space alone.
        mask_id: int, id of the mask token, which takes a space before it with it.
    """

    def __init__(self, proto: bytes, space_id: int, mask_id: int):
        self._space_id = space_id
        self._mask_id = mask_id
        # The model belongs to the tokenizer, not to the graph that is being traced when it is first needed.
        with tf.init_scope():
            self._pieces = tf_text.SentencepieceTokenizer(proto, out_type=tf.int32)

    def tokenize(self, texts):
        """Tokenize a string tensor.

        Args:
            texts: string tensor or `tf.RaggedTensor` of any shape, UTF-8; bytes that aren't are left out.

        Returns:
            int32 `tf.RaggedTensor` (..., tokens), or a tensor (tokens,) for one text.
        """
        # What is no UTF-8 becomes what it is in Python before SentencePiece has a say.
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        ids = self._pieces.tokenize(texts)
        if isinstance(ids, tf.RaggedTensor):
            return tf.ragged.boolean_mask(ids, ids.with_flat_values(self._kept(ids.flat_values)))
        return tf.boolean_mask(ids, self._kept(ids))

    def detokenize(self, ids):
        """Return ids (..., tokens), a tensor or `tf.RaggedTensor`, as text."""
        return self._pieces.detokenize(tf.cast(ids, tf.int32))

    def _kept(self, ids):
        # Texts lie end to end here, but none ends with a space that a mask of the next could take.
        following = tf.concat([ids[1:], tf.zeros_like(ids[:1])], 0)
        return (ids != self._space_id) | (following != self._mask_id)
