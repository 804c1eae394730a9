"""Where words begin: pieces, segmenters, mixed text."""

import logging
import re

import numpy as np
import pytest

import zoo
from zoo.objectives import mark_words
from zoo.objectives.words import jieba_words, segmented_word_starts

PIECES = [
    *(
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "the",
        "dog",
        "##s",
        "bark",
        "##ed",
        ".",
        ",",
        "3",
        "14",
        "t",
        "ok",
    ),
    *"我爱北京天安门很大卡拉恤模型。，",
]


@pytest.fixture(scope="module")
def tokenizer():
    return zoo.tokenizers.WordPiece(PIECES, lowercase=True)


def words_of(texts, tokenizer, segmenter="auto"):
    """The words of each text as marked, their pieces joined."""
    found = []
    for ids, starts in zip(*mark_words(texts, tokenizer, segmenter), strict=True):
        words = []
        for number, start in zip(ids.tolist(), starts.tolist(), strict=True):
            piece = tokenizer.id_to_token(number).removeprefix("##")
            if start:
                words.append(piece)
            else:
                words[-1] += piece
        found.append(words)
    return found


def test_words_of_pieces(tokenizer):
    assert words_of(["The dogs barked, 3.14."], tokenizer) == [["the", "dogs", "barked", ",", "3", ".", "14", "."]]


def test_chinese_words_by_default_from_jieba(tokenizer):
    (words,) = words_of(["我爱北京天安门，天安门很大。"], tokenizer)
    assert words[:6] == ["我", "爱", "北京", "天安门", "，", "天安门"]
    assert "".join(words[6:]) == "很大。"


def test_without_a_segmenter_every_character_is_a_word(tokenizer):
    assert words_of(["北京很大"], tokenizer, None) == [["北", "京", "很", "大"]]


def test_a_segmenter_of_ones_own(tokenizer):
    def pairs(text):
        return [text[i : i + 2] for i in range(0, len(text), 2)]

    assert words_of(["北京很大门"], tokenizer, pairs) == [["北京", "很大", "门"]]


def test_mixed_text(tokenizer):
    def segment(text):
        return re.findall(r"T恤|北京|卡拉OK|\w|\s+|.", text)

    # Only Chinese follows the segmenter, which cuts "dogs" into letters.
    assert words_of(["the dogs T恤，北京 卡拉OK barked."], tokenizer, segment) == [
        ["the", "dogs", "t恤", "，", "北京", "卡拉", "ok", "barked", "."]
    ]


def test_order_is_kept_when_only_some_texts_are_segmented(tokenizer):
    texts = ["the dogs", "北京 dogs", "", "barked", "天安门"]
    assert words_of(texts, tokenizer) == [["the", "dogs"], ["北京", "dogs"], [], ["barked"], ["天安门"]]
    ids, starts = mark_words(texts, tokenizer)
    for one, encoded in zip(ids, tokenizer.encode(texts), strict=True):
        np.testing.assert_array_equal(one, encoded)
    assert [one.dtype for one in starts] == [np.dtype(bool)] * 5
    assert mark_words([], tokenizer) == ([], [])


def test_japanese_is_left_to_the_tokenizer_by_default(tokenizer):
    calls = []

    def segment(text):
        calls.append(text)
        return [text]

    assert words_of(["北京の天安門"], tokenizer)[0][:2] == ["北", "京"]
    mark_words(["the dog"], tokenizer, segment)
    assert calls == ["the dog"], "a function is asked about every text"


def test_white_space_may_be_missing_between_words(tokenizer):
    assert words_of([" 北京 天安门\t大 "], tokenizer, str.split) == [["北京", "天安门", "大"]]


@pytest.mark.parametrize("words", [["北京", "大"], ["北京"], ["北京", "很大", "门"], ["京北", "很大"], []])
def test_words_that_are_not_the_text(words, tokenizer):
    with pytest.raises(ValueError, match=r"Expected at character \d"):
        mark_words(["北京很大"], tokenizer, lambda text: words)


def test_a_segmenter_that_returns_no_strings(tokenizer):
    with pytest.raises(TypeError, match="of type tuple"):
        mark_words(["北京"], tokenizer, lambda text: [("北京", 0, 2)])


@pytest.mark.parametrize(("texts", "received"), [("abc def", "texts='abc def'"), ([b"abc"], r"texts\[0\]=b'abc'")])
def test_texts_are_a_list_of_str(texts, received, tokenizer):
    with pytest.raises(TypeError, match=f"Received: {received}"):
        mark_words(texts, tokenizer)


def test_unknown_segmenter(tokenizer):
    with pytest.raises(ValueError, match="segmenter='pkuseg'"):
        mark_words(["北京"], tokenizer, "pkuseg")


def test_jieba_missing(monkeypatch):
    from zoo.objectives import words

    monkeypatch.setitem(__import__("sys").modules, "jieba", None)
    words._jieba.cache_clear()
    with pytest.raises(ImportError, match="pip install jieba"):
        jieba_words("北京")
    words._jieba.cache_clear()


def test_jieba_is_quiet(capfd, caplog):
    with caplog.at_level(logging.DEBUG):
        assert jieba_words("我爱北京天安门") == ["我", "爱", "北京", "天安门"]
    captured = capfd.readouterr()
    assert captured.out == captured.err == "" and not caplog.records


def test_pieces_of_several_characters():
    # As of a unigram tokenizer: "我爱" begins a word, "京天" holds the beginning of one, "安门" none.
    starts = segmented_word_starts(
        ["我爱北京天安门", "北京"],
        [["我", "爱", "北京", "天安门"], ["北京"]],
        [np.array([[0, 2], [2, 3], [3, 5], [5, 7]]), np.array([[0, 1], [1, 2]])],
        [np.zeros(4, bool), np.ones(2, bool)],
    )
    assert [one.tolist() for one in starts] == [[True, True, True, False], [True, False]]


def test_characters_beyond_the_basic_plane_and_halves_of_them():
    (starts,) = segmented_word_starts(
        ["𠮷野\ud842大"],
        [["𠮷野", "\ud842", "大"]],
        [np.array([[0, 1], [1, 2], [2, 3], [3, 4]])],
        [np.ones(4, bool)],
    )
    np.testing.assert_array_equal(starts, [True, False, True, True])
