"""Texts and words as rows of features inside a TensorFlow graph: for models that are exported with their tokenizer.

The same rows as those of `zoo.data.ragged` and `zoo.data.words`, made of string tensors.
"""

import tensorflow as tf

from zoo.data import features
from zoo.data.ragged import separators_of


def text_rows(tokenizer, sequence_length: int, first, second=None) -> dict:
    """Texts or pairs of texts as `zoo.data.ragged.encode_texts` lays them out, padded to the longest.

    Args:
        tokenizer: a zoo tokenizer.
        sequence_length: int, longest result, in tokens, special tokens included.
        first: string tensor (batch,), UTF-8.
        second: string tensor (batch,), or None.

    Returns:
        A dict of int32 tensors (batch, length): `token_ids`, `segment_ids`, `padding_mask`.
    """
    first_ids = tokenizer.tokenize(first)  # (batch, tokens)
    first_lengths = first_ids.row_lengths()
    if second is None:
        kept = tf.minimum(first_lengths, sequence_length - 2)
        return _rows(tokenizer, [_shorten(first_ids, kept)], kept + 2)
    second_ids = tokenizer.tokenize(second)
    second_lengths = second_ids.row_lengths()
    separators = separators_of(tokenizer)
    room = sequence_length - 2 - separators
    # As in `truncate_longest_first`.
    at_least = tf.maximum(room - second_lengths, room - room // 2)
    fits = first_lengths + second_lengths <= room
    kept_first = tf.where(fits, first_lengths, tf.minimum(first_lengths, at_least))
    kept_second = tf.minimum(second_lengths, room - kept_first)
    parts = [_shorten(first_ids, kept_first), _shorten(second_ids, kept_second)]
    return _rows(tokenizer, parts, kept_first + 1 + separators, separators)


def word_rows(tokenizer, sequence_length: int, words) -> tuple[dict, tf.Tensor, tf.Tensor]:
    """Sentences of words as `zoo.data.words.encode_words` lays them out, padded to the longest.

    Args:
        tokenizer: a zoo tokenizer.
        sequence_length: int, longest sentence, in tokens, special tokens included.
        words: string tensor (batch, words), UTF-8; the empty string where there is no word.

    Returns:
        - dict of int32 tensors (batch, length), as `text_rows`;
        - int64 tensor (all words, 2), where the words are in `words`;
        - int64 tensor (all words, 2), row and token of each word's first piece.
    """
    places = tf.where(words != "")  # (all words, 2)
    pieces = tokenizer.tokenize(tf.strings.join([" ", tf.gather_nd(words, places)]))  # (all words, pieces)
    room = sequence_length - 2
    pieces = _shorten(pieces, tf.minimum(pieces.row_lengths(), room))
    unknown = tf.fill([pieces.nrows(), 1], tokenizer.unk_token_id)
    is_empty = tf.cast(pieces.row_lengths() == 0, tf.int64)
    pieces = tf.concat([pieces, tf.RaggedTensor.from_row_lengths(_some(unknown, is_empty), is_empty)], axis=1)
    rows = places[:, 0]
    sentences = tf.RaggedTensor.from_value_rowids(
        pieces.values, tf.gather(rows, pieces.value_rowids()), tf.shape(words, tf.int64)[0]
    )  # (batch, pieces)
    longest = tf.reduce_max(tf.concat([sentences.row_lengths(), [0]], 0))
    message = f"A sentence has more than the model's {sequence_length} tokens. Cut it into shorter ones."
    with tf.control_dependencies([tf.debugging.assert_less_equal(longest, tf.cast(room, tf.int64), message)]):
        lengths = tf.identity(sentences.row_lengths())
    first = pieces.row_starts() - tf.gather(sentences.row_starts(), rows) + 1  # behind the start token
    return _rows(tokenizer, [sentences], lengths + 2), places, tf.stack([rows, first], axis=1)


def _rows(tokenizer, parts, second_starts, separators=1):
    def column(number):
        return tf.fill([parts[0].nrows(), 1], number)

    pieces = [column(tokenizer.start_token_id)]
    for ids in parts[:-1]:
        pieces += [ids, *[column(tokenizer.end_token_id)] * separators]
    pieces += [parts[-1], column(tokenizer.end_token_id)]
    joined = tf.concat(pieces, axis=1)  # (batch, tokens)
    lengths = joined.row_lengths()[:, None]
    token_ids = joined.to_tensor(tokenizer.pad_token_id)  # (batch, length)
    positions = tf.range(tf.shape(token_ids, tf.int64)[1])[None, :]
    real = positions < lengths
    return {
        features.TOKEN_IDS: token_ids,
        features.SEGMENT_IDS: tf.cast((positions >= second_starts[:, None]) & real, tf.int32),
        features.PADDING_MASK: tf.cast(real, tf.int32),
    }


def _shorten(ids, lengths):
    """Ragged `ids` (rows, tokens) with so many tokens of each row, int64 tensor (rows,)."""
    rows = ids.value_rowids()
    positions = tf.range(tf.size(rows, tf.int64)) - tf.gather(ids.row_starts(), rows)
    kept = positions < tf.gather(lengths, rows)
    return tf.RaggedTensor.from_row_lengths(tf.boolean_mask(ids.values, kept), lengths)


def _some(column, wanted):
    """The values of a column (rows, 1) in the rows where `wanted` is 1."""
    return tf.boolean_mask(column[:, 0], wanted == 1)
