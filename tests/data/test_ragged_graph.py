"""Rows of features made in a TensorFlow graph are those that `fit` is given."""

import numpy as np
import pytest

import zoo
from zoo.data.ragged import encode_texts
from zoo.data.words import encode_words

tf = pytest.importorskip("tensorflow", reason="the graph is TensorFlow's")

LEARNT = ["the dogs bark in the park", "今天天气很好。我们去公园", "good 😀 dog 👍", "it isn't a naïve Café!"] * 3
LONG = "the dogs bark in the park and in the park and isn't it good"
TEXTS = ["the dogs", "今天天气很好，公园", "Café [MASK] <mask> 😀 isn't\u00a0it?", LONG, "a", LONG]
SECOND = ["公园", LONG, "dog", "a", LONG, LONG]
WORDS = [["the", "dogs", "bark", "!"], ["今", "天", "\u200b"], ["isn't", "😀"]]
TOKENIZERS = {
    "word_piece": lambda: zoo.tokenizers.train_word_piece(LEARNT, vocabulary_size=120, lowercase=True, progress=False),
    "unigram": lambda: zoo.tokenizers.train_unigram(LEARNT, vocabulary_size=100, progress=False),
    "byte_pair": lambda: zoo.tokenizers.train_byte_pair(LEARNT, 330, progress=False),
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]()


def check_rows(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("second", [None, SECOND])
def test_texts(tokenizer, second):
    from zoo.data.ragged_graph import text_rows

    columns = [TEXTS] if second is None else [TEXTS, second]
    rows = tf.function(lambda length, *texts: text_rows(tokenizer, length, *texts), autograph=False)
    for length in (11, 12, 97):
        encoded = encode_texts(TEXTS, second, tokenizer, length)
        expected = encoded.rows(np.arange(len(TEXTS)), encoded.lengths.max(), tokenizer.pad_token_id)
        check_rows(rows(tf.constant(length, tf.int64), *map(tf.constant, columns)), expected)


def test_words(tokenizer):
    from zoo.data.ragged_graph import word_rows

    names = ("token_ids", "segment_ids", "padding_mask")
    encoded = encode_words(WORDS, tokenizer, names, 97)
    words = tf.constant([[*row, *[""] * (4 - len(row))] for row in WORDS])
    rows, places, first = tf.function(lambda words: word_rows(tokenizer, 97, words), autograph=False)(words)
    check_rows(rows, encoded.batch(np.arange(3), encoded.lengths.max())[0])
    assert places.numpy().tolist() == [[row, word] for row in range(3) for word in range(len(WORDS[row]))]
    expected = np.argwhere(encoded._first_pieces(np.arange(3), encoded.lengths.max()))
    np.testing.assert_array_equal(first, expected)


def test_a_sentence_that_is_too_long_is_said(tokenizer):
    from zoo.data.ragged_graph import word_rows

    words = tf.constant([WORDS[0], ["the"] * 4])
    count = encode_words([WORDS[0], ["the"] * 4], tokenizer, ("token_ids",), 97).lengths.max()
    read = tf.function(lambda words, length: word_rows(tokenizer, length, words)[0], autograph=False)
    assert read(words, tf.constant(count))["token_ids"].shape[1] == count
    with pytest.raises(tf.errors.InvalidArgumentError, match="A sentence has more than the model"):
        read(words, tf.constant(count - 1))
