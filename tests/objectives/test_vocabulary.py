"""What is special in a vocabulary and what may be drawn from it."""

import pickle

import numpy as np
import pytest

import zoo
from zoo.objectives import MaskedLM, Vocabulary, mark_words, preview

PIECES = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused17]", "the", "[unusedx]", "##s", "dog"]


def test_is_read_off_a_tokenizer():
    vocabulary = Vocabulary.of(zoo.tokenizers.WordPiece(PIECES))
    assert vocabulary == Vocabulary(11, pad_id=0, start_id=3, end_id=4, mask_id=5, special_ids=(0, 1, 2, 3, 4, 5, 6))
    np.testing.assert_array_equal(vocabulary.ordinary_ids, [7, 8, 9, 10])
    np.testing.assert_array_equal(vocabulary.is_special, [True] * 7 + [False] * 4)


def test_a_tokenizer_without_a_mask_token():
    class Tokenizer:
        pad_token_id, start_token_id, end_token_id = 0, 1, 2

    with pytest.raises(ValueError, match="mask_token_id"):
        Vocabulary.of(Tokenizer())


def test_travels_without_its_tables():
    vocabulary = Vocabulary(100_003, 0, 1, 2, 3, (3, 2, 1, 0, 0))
    assert vocabulary.special_ids == (0, 1, 2, 3)
    assert len(vocabulary.ordinary_ids) == 99_999
    packed = pickle.dumps(vocabulary)
    assert len(packed) < 1000
    assert pickle.loads(packed) == vocabulary
    assert hash(pickle.loads(packed)) == hash(vocabulary)
    np.testing.assert_array_equal(pickle.loads(packed).ordinary_ids, vocabulary.ordinary_ids)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((7, 0, 1, 2, 3, (0, 1, 2)), "mask_id=3"),
        ((3, 0, 1, 2, 3, (0, 1, 2, 3)), "special_ids"),
        ((7, -1, 1, 2, 3, (-1, 1, 2, 3)), "special_ids"),
        ((4, 0, 1, 2, 3, (0, 1, 2, 3)), "size=4"),
        ((9, 0, 1, 2, 3, (0, 1, 2, 3, 7), (7, 8)), r"sentinel_ids=\(7, 8\)"),
        ((9, 0, 1, 2, 3, (0, 1, 2, 3, 7), (7, 7)), r"sentinel_ids=\(7, 7\)"),
    ],
)
def test_bad_ids(arguments, message):
    with pytest.raises(ValueError, match=f"Received: .*{message}"):
        Vocabulary(*arguments)


@pytest.fixture(scope="module")
def of_keras_hub():
    import keras_hub

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog"]
    return keras_hub.models.BertTokenizer(vocabulary=pieces)


def test_a_tokenizer_of_keras_hub_has_an_unknown_token_too(of_keras_hub):
    assert Vocabulary.of(of_keras_hub).special_ids == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    "use",
    [
        lambda tokenizer: mark_words(["the dog"], tokenizer),
        lambda tokenizer: preview(MaskedLM(), ["the dog"], tokenizer),
        lambda tokenizer: zoo.data.pretraining_dataset(["the dog"], tokenizer, MaskedLM(), 7, batch_size=1),
    ],
    ids=["mark_words", "preview", "pretraining_dataset"],
)
def test_where_words_begin_is_not_known_to_keras_hub(use, of_keras_hub):
    with pytest.raises(TypeError, match=r"tokenizer of `zoo\.tokenizers` was expected\. Received: .*BertTokenizer"):
        use(of_keras_hub)
