"""What the tests of tokenizers share: a vocabulary written for them, and a tokenizer of each kind for any script."""

import pytest

from tests.tokenizers.multilingual import SPECIAL_TOKENS, draw_texts, vocabulary


@pytest.fixture
def pieces() -> list[str]:
    words = ["the", "dog", "##s", "bark", "##ed", "un", "##afford", "##able", "naive", "naïve", "The", "[", "]"]
    return [*SPECIAL_TOKENS, *words, "mask", "cls", ".", ",", "!", "我", "爱", "你", "。", "caf", "##e", "##é", "a"]


@pytest.fixture
def tokenizer(pieces):
    from zoo.tokenizers import WordPiece

    return WordPiece(pieces, lowercase=True)


@pytest.fixture(scope="session")
def multilingual():
    """A tokenizer of each kind whose pieces are of many scripts."""
    from zoo.tokenizers import WordPiece, train_byte_pair, train_unigram

    texts = [*draw_texts(1009, seed=17), *["the uniting dogs bark, and the dog barks."] * 101]
    return {
        "word_piece": WordPiece([*vocabulary(), "dog", "bark"], lowercase=True),
        "unigram": train_unigram(texts, 1201, progress=False),
        "byte_pair": train_byte_pair(texts, 701, progress=False),
    }


@pytest.fixture(params=["word_piece", "unigram", "byte_pair"])
def each(request, multilingual):
    """The tokenizers of `multilingual`, one after the other."""
    return multilingual[request.param]
