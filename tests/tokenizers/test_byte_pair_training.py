"""Training a byte-pair vocabulary: what it learns, from what it reads, and that it learns the same every time."""

import random

import pytest

from tests.tokenizers.multilingual import draw_texts
from zoo.tokenizers import BytePair, train_byte_pair
from zoo.tokenizers.byte_level import CHARACTERS

SENTENCES = [
    "The walker was walking where the talkers talked.",
    "Walking and talking, she walked the longest walk.",
    "他们在公园里走路，走得很慢。",
    "Talk to the walkers: the walk is long!",
]


def train(texts, **settings):
    return train_byte_pair(texts, **{"vocabulary_size": 307, "progress": False, **settings})


def test_special_tokens_come_first_then_bytes_then_pieces():
    tokenizer = train(SENTENCES * 3)
    assert isinstance(tokenizer, BytePair)
    pieces = tokenizer.get_vocabulary()
    assert pieces[:5] == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    assert sorted(pieces[5:261]) == sorted(CHARACTERS)
    assert len(pieces) == 307 and [merge.replace(" ", "") for merge in tokenizer.merges] == pieces[261:]
    assert {"Ġwalk", "Ġthe", "ing"} <= set(pieces)
    for sentence in [*SENTENCES, "未见过的 Ünseen\ttext"]:
        assert tokenizer.decode(tokenizer.encode([sentence])[0]) == sentence


def test_the_most_frequent_pair_is_joined_first():
    tokenizer = train(["abab abab abab cd cd"], vocabulary_size=262)
    assert tokenizer.merges == ["a b"]


def test_the_same_text_gives_the_same_vocabulary_in_any_order():
    texts = draw_texts(1009, seed=11)
    expected = train(texts, vocabulary_size=997).fingerprint()
    random.Random(0).shuffle(texts)
    assert train(iter(texts), vocabulary_size=997).fingerprint() == expected


def test_pairs_must_occur_often_enough_and_stay_within_words():
    rare = train(["walk talk", "walk"], minimum_frequency=2)
    assert "walk" in rare.get_vocabulary() and "talk" not in rare.get_vocabulary()
    assert not any("Ġ" in piece[1:] for piece in train(SENTENCES * 9, vocabulary_size=401).get_vocabulary())


def test_a_sample_is_learned_from():
    texts = ["walk"] * 500 + ["talk"] * 500
    # Too little for any pair to occur as often as it must.
    assert train(texts, sample_characters=400, minimum_frequency=101).merges == []
    assert train(texts, minimum_frequency=101).merges != []


def test_files_and_texts_give_the_same_vocabulary(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(SENTENCES[:3]) + "\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("\r\n".join(SENTENCES[3:]), encoding="utf-8")
    assert train(f"{tmp_path}/*.txt").fingerprint() == train(SENTENCES).fingerprint()


def test_errors(tmp_path):
    with pytest.raises(ValueError, match="without a word"):
        train(["", " \n"])
    with pytest.raises(TypeError, match="iterable of texts"):
        train(7)
    with pytest.raises(ValueError, match="vocabulary_size=260"):
        train(SENTENCES, vocabulary_size=260)
    assert train(SENTENCES, vocabulary_size=261).merges == []
    with pytest.raises(ValueError, match="minimum_frequency=0"):
        train(SENTENCES, minimum_frequency=0)
    with pytest.raises(ValueError, match="sample_characters=0"):
        train(SENTENCES, sample_characters=0)
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(ValueError, match="not UTF-8: line 1, byte 3"):
        train(tmp_path / "latin.txt")
