"""Training a WordPiece vocabulary: what it learns, from what it reads, and that it learns the same every time."""

import bz2
import gzip
import lzma
import random
from collections import Counter

import numpy as np
import pytest

from tests.tokenizers.multilingual import SPECIAL_TOKENS, draw_texts
from zoo.tokenizers import WordPiece, train_word_piece, training
from zoo.tokenizers.bert_text import build_normalizer, build_pre_tokenizer, character_tables
from zoo.tokenizers.training import WordCounter, choose_alphabet

SENTENCES = [
    "The walker was walking where the talkers talked.",
    "Walking and talking, she walked the longest walk.",
    "他们在公园里走路，走得很慢。",
    "Talk to the walkers: the walk is long!",
    "公园很大，他们走了很久。",
]


def train(texts, **settings):
    return train_word_piece(texts, **{"vocabulary_size": 79, "progress": False, **settings})


def test_special_tokens_come_first_then_characters_then_pieces():
    tokenizer = train(SENTENCES * 3)
    assert isinstance(tokenizer, WordPiece) and tokenizer.lowercase and tokenizer.strip_accents
    pieces = tokenizer.get_vocabulary()
    assert pieces[:5] == SPECIAL_TOKENS and len(pieces) == len(set(pieces)) == 79
    lengths = [len(piece.removeprefix("##")) for piece in pieces[5:]]
    first = next(place for place, length in enumerate(lengths) if length > 1)
    assert set(lengths[:first]) == {1} and min(lengths[first:]) > 1
    assert "walk" in pieces and "the" in pieces
    ids = tokenizer.encode(SENTENCES)
    assert not any(tokenizer.unk_token_id in row for row in ids)
    assert tokenizer.decode(ids[0]) == SENTENCES[0].lower()


def test_the_most_frequent_pair_is_joined_first():
    tokenizer = train(["abab abab abab cd cd"], vocabulary_size=13, limit_alphabet=7)
    # Of ab (3 beginnings), ba, ##ab (3 each) and cd (2), one of the first three comes before cd.
    assert tokenizer.get_vocabulary()[5:12] == ["a", "b", "c", "d", "##a", "##b", "##d"]
    assert len(tokenizer.get_vocabulary()) == 13 and tokenizer.get_vocabulary()[12] in ("ab", "##ab", "##ba")


def test_the_same_text_gives_the_same_vocabulary_in_any_order():
    texts = draw_texts(2003, seed=11)
    expected = train(texts, vocabulary_size=997).get_vocabulary()
    assert len(expected) == 997
    assert train(texts, vocabulary_size=997).get_vocabulary() == expected
    random.Random(0).shuffle(texts)
    assert train(texts, vocabulary_size=997).get_vocabulary() == expected


def test_words_are_counted_as_the_tokenizer_splits_them():
    texts = draw_texts(997, seed=13)
    counter = WordCounter(character_tables(lowercase=True, strip_accents=True))
    for text in texts:
        counter.add(text)
    normalizer, splitter = build_normalizer(True, True), build_pre_tokenizer()
    expected = Counter()
    for text in texts:
        expected.update(word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    assert counter.finish() == {word: count for word, count in expected.items() if len(word) <= 100}
    assert counter.characters == sum(map(len, texts))


def test_rare_words_are_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(training, "_MAX_WORDS", 500)
    monkeypatch.setattr(training, "_CHUNK", 1000)
    counter = WordCounter(character_tables(lowercase=True, strip_accents=True))
    for number in range(2003):
        counter.add(f"often w{number:04d}x seldom")
    counts = counter.finish()
    assert counts["often"] == counts["seldom"] == 2003 and len(counts) <= 500


def test_minimum_frequency_and_alphabet():
    counts = {"aab": 5, "b": 4, "中": 3, "z": 1}
    assert choose_alphabet(counts, minimum_frequency=2, limit=7) == ["a", "b", "中", "##a", "##b"]
    assert choose_alphabet(counts, minimum_frequency=1, limit=7) == ["a", "b", "z", "中", "##a", "##b"]
    # Characters with as many occurrences are taken in their own order.
    assert choose_alphabet({"é": 2, "d": 2, "c": 2}, minimum_frequency=1, limit=2) == ["c", "d"]
    assert choose_alphabet(counts, minimum_frequency=1, limit=2) == ["a", "##a"]
    seldom = train(["walk talk"] * 3 + ["xylophone"], minimum_frequency=2)
    assert "x" not in seldom.get_vocabulary() and "walk" in seldom.get_vocabulary()


def test_rare_chinese_characters_leave_room_for_words():
    texts = ["".join(chr(0x4E00 + place) for place in range(300)) + " walking walking walking"] * 2
    tokenizer = train(texts, vocabulary_size=113)
    assert len(tokenizer.get_vocabulary()) <= 113 and "walking" in tokenizer.get_vocabulary()
    few = train(texts, vocabulary_size=113, limit_alphabet=40)
    assert sum(len(piece.removeprefix("##")) == 1 for piece in few.get_vocabulary()) <= 40
    assert few.unk_token_id in few.encode([texts[0]])[0]


def test_cased_training_keeps_case_and_accents():
    tokenizer = train(["Café CAFÉ Walk"] * 3, lowercase=False)
    assert {"C", "W"} <= set(tokenizer.get_vocabulary()) and not tokenizer.lowercase
    assert tokenizer.decode(tokenizer.encode(["Café"])[0]) == "Café"
    accents = train(["Café"] * 3, strip_accents=False)
    assert accents.decode(accents.encode(["CAFÉ"])[0]) == "café"


def test_files_of_all_kinds_and_an_iterator_give_the_same_vocabulary(tmp_path):
    expected = train(SENTENCES).get_vocabulary()
    assert train(iter(SENTENCES)).get_vocabulary() == expected
    assert train(np.array(SENTENCES)).get_vocabulary() == expected
    text = "\n".join(SENTENCES).encode()
    (tmp_path / "a.txt").write_bytes(b"\n".join(text.split(b"\n")[:2]))
    with gzip.open(tmp_path / "b.txt.gz", "wb") as file:
        file.write(text.split(b"\n")[2])
    with lzma.open(tmp_path / "c.txt.xz", "wb") as file:
        file.write(text.split(b"\n")[3] + b"\r\n\r\n")
    with bz2.open(tmp_path / "d.txt.bz2", "wb") as file:
        file.write(text.split(b"\n")[4] + b"\n")
    assert train(f"{tmp_path}/*").get_vocabulary() == expected
    assert train(tmp_path / "*.txt*").get_vocabulary() == expected
    assert train([f"{tmp_path}/a.txt", tmp_path / "b.txt.gz", f"{tmp_path}/[cd].*"]).get_vocabulary() == expected


def test_a_trained_vocabulary_survives_its_file(tmp_path):
    tokenizer = train(SENTENCES)
    tokenizer.save_vocabulary(tmp_path / "vocabulary.txt")
    assert WordPiece(tmp_path / "vocabulary.txt", lowercase=True).fingerprint() == tokenizer.fingerprint()


def test_progress_is_shown(capsys):
    train(SENTENCES, progress=True)
    shown = capsys.readouterr()
    assert "Learning 79 pieces from 38 different words" in shown.out + shown.err
    train(SENTENCES)
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""


def test_errors(tmp_path):
    with pytest.raises(ValueError, match="No file matches"):
        train(f"{tmp_path}/none-*.txt")
    with pytest.raises(ValueError, match="No file matches"):
        train([f"{tmp_path}/none.txt"])
    with pytest.raises(ValueError, match="without a word"):
        train(["", " \n\x00"])
    with pytest.raises(ValueError, match="without a word"):
        train(iter([]))
    with pytest.raises(ValueError, match="without a word"):
        train([])
    with pytest.raises(TypeError, match=r"files\[1\]=7"):
        train(["text", 7])
    for wrong in (7, None, b"bytes", {"a": 1}):
        with pytest.raises(TypeError, match="iterable of texts"):
            train(wrong)
    with pytest.raises(ValueError, match="vocabulary_size=5"):
        train(SENTENCES, vocabulary_size=5)
    with pytest.raises(ValueError, match="limit_alphabet=75"):
        train(SENTENCES, limit_alphabet=75)
    with pytest.raises(ValueError, match="minimum_frequency=0"):
        train(SENTENCES, minimum_frequency=0)
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(ValueError, match="not UTF-8: line 1, byte 3"):
        train(tmp_path / "latin.txt")


def test_the_smallest_vocabularies_have_letters():
    assert 5 < train(SENTENCES, vocabulary_size=8).vocabulary_size() <= 8
