import re

import pytest

import zoo
from tests import texts
from zoo.analysis.occurrences import find_occurrences, locate_pieces


def places(sentences, word, indices=None):
    return [(each.sentence, each.start) for each in find_occurrences(sentences, word, None, indices)]


def pieces(tokenizer, sentences, word):
    located = locate_pieces(find_occurrences(sentences, word, None, None), sentences, tokenizer)
    return [(each.first_piece, [tokenizer.id_to_token(number) for number in each.ids]) for each in located]


def test_every_occurrence_is_found_capitals_or_not():
    assert places(["Banks? A bank, the BANK.", "bank"], "bank") == [(0, 9), (0, 19), (1, 0)]


def test_words_with_spaces_between_them_are_found_whole_and_others_anywhere():
    assert places(["the art of parties, art", "arty art's"], "art") == [(0, 4), (0, 20), (1, 5)]
    assert places(["苹果和水果", "如果"], "果") == [(0, 1), (0, 4), (1, 1)]
    assert places(["我用iPhone拍照"], "iphone") == [(0, 2)]
    assert places(["पानी की कमी है, कम", "पानी कम है"], "कम") == [(0, 16), (1, 5)]
    assert places(["कमीपन पन", "resume\u0301 resume"], ["पन", "resume"]) == [(0, 6), (1, 8)]


def test_an_index_chooses_one_of_them():
    assert places(["苹果和水果", "如果"], "果", [4, 1]) == [(0, 4), (1, 1)]
    assert places(["bankers"], "bank", [0]) == [(0, 0)]


def test_one_word_a_sentence():
    assert places(["the film", "a book"], ["film", "book"]) == [(0, 4), (1, 2)]


def test_pieces_of_a_word():
    tokenizer = texts.word_piece(["##ook"])
    assert pieces(tokenizer, ["the booking", "a book. book"], ["booking", "book"]) == [
        (1, ["book", "##i", "##n", "##g"]),
        (1, ["book"]),
        (3, ["book"]),
    ]


def test_a_character_of_several_bytes():
    tokenizer = zoo.tokenizers.train_byte_pair(["the dogs bark", "a dog"] * 2, 300, progress=False)
    (place, first), (_, second) = pieces(tokenizer, ["苹果和", "如果"], "果")
    assert (place, first, second) == (3, ["æ", "ŀ", "ľ"], ["æ", "ŀ", "ľ"])


def test_a_piece_with_the_space_before_its_word():
    corpus = ["the dogs bark", "a dog barks", "the bark of the dog"] * 3
    tokenizer = zoo.tokenizers.train_unigram(corpus, vocabulary_size=45, progress=False)
    found = pieces(tokenizer, ["the dog barks", "a dog", "dog"], "dog")
    assert [place for place, _ in found] == [found[0][0], found[1][0], 0]
    assert all("".join(names) == "▁dog" for _, names in found)


@pytest.mark.parametrize(
    ("sentences", "word", "senses", "indices", "message"),
    [
        (["a", "b"], " ", None, None, "Received: word=' ' for sentence 0"),
        (["a", "b"], ["a"], None, None, "2 sentences, 1 words"),
        (["a b", "b"], "b", ["x"], None, "2 sentences, 1 senses"),
        (["a b", "b"], "b", ["x", ""], None, r"senses\[1\]=''.*Leave out"),
        (["a b", "b"], "b", ["x", "x"], None, "'x' for all 2 sentences"),
        (["a b", "b"], "b", None, [2], "2 sentences, 1 indices"),
        (["a b", "b"], "b", None, [1, 0], r"'b' and sentences\[0\]='a b' with index 1; 1 such sentences: 0"),
        (["ab", "b"], "b", None, [-1, 0], "with index -1"),
        (["a b", "a", "c"], "b", None, None, r"sentences\[1\]='a'; 2 such sentences: 1, 2"),
        (["a b", "about"], "b", None, None, r"sentences\[1\]='about', where it is a part of another word"),
    ],
)
def test_what_cannot_be_found(sentences, word, senses, indices, message):
    with pytest.raises(ValueError, match=message):
        find_occurrences(sentences, word, senses, indices)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((7, None, None), "Expected a list"),
        ((["b", 7], None, None), "Received: 7 of type int for sentence 1"),
        (("b", "xy", None), "Received: senses='xy'"),
        (("b", ["x", None], None), r"senses\[1\]=None of type NoneType"),
        (("b", ["x", float("nan")], None), r"senses\[1\]=nan"),
        (("b", None, ["0", "0"]), "indices with '0' of type str"),
    ],
)
def test_what_is_of_another_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        find_occurrences(["b", "b"], *arguments)


@pytest.mark.parametrize(
    ("sentences", "word", "message"),
    [
        (["a 鱼"], "鱼", r"must have pieces.*makes \['\[UNK\]'\]"),
        (["a \x00 b"], "\x00", r"must have pieces.*makes \[\]"),
        (["苹果和果", "果"], "果", r"whole pieces.*'苹果和果', where the tokenizer has \['##苹果'\]"),
        (
            ["a film", "the film", "Film"],
            "film",
            r"cut.*into \['film'\]\. Received: \['F', '##i', '##l', '##m'\] in se",
        ),
    ],
)
def test_what_the_tokenizer_cuts_otherwise(sentences, word, message):
    # A vocabulary may have words of several characters, as a Unigram one of Chinese does.
    tokenizer = Joined(texts.word_piece(["F", "和", "##苹果"]))
    with pytest.raises(ValueError, match=re.compile(message)):
        locate_pieces(find_occurrences(sentences, word, None, None), sentences, tokenizer)


class Joined:
    """A tokenizer that makes one piece of 苹果."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __getattr__(self, name):
        return getattr(self.tokenizer, name)

    def encode_with_offsets(self, sentences):
        rows = []
        for text, (ids, offsets) in zip(sentences, self.tokenizer.encode_with_offsets(sentences), strict=True):
            if "苹果" in text:
                place = text.index("苹果")
                ids, offsets = ids[1:], offsets[1:]
                ids[0], offsets[0] = self.token_to_id("##苹果"), (place, place + 2)
            rows.append((ids, offsets))
        return rows
