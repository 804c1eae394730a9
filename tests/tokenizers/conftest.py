"""What the tests of tokenizers share: a vocabulary written for them."""

import pytest

from tests.tokenizers.multilingual import SPECIAL_TOKENS


@pytest.fixture
def pieces() -> list[str]:
    words = ["the", "dog", "##s", "bark", "##ed", "un", "##afford", "##able", "naive", "naïve", "The", "[", "]"]
    return [*SPECIAL_TOKENS, *words, "mask", "cls", ".", ",", "!", "我", "爱", "你", "。", "caf", "##e", "##é", "a"]


@pytest.fixture
def tokenizer(pieces):
    from zoo.tokenizers import WordPiece

    return WordPiece(pieces, lowercase=True)
