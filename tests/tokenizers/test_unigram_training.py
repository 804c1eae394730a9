"""Training a unigram vocabulary: what it learns, that it stays bounded, and that it learns the same every time."""

import numpy as np
import pytest

from tests.tokenizers.multilingual import draw_texts
from zoo.tokenizers import Unigram, train_unigram
from zoo.tokenizers.training_texts import sample_texts
from zoo.tokenizers.unigram_training import different_words, limit_alphabet

SENTENCES = [
    "The walker was walking where the talkers talked.",
    "Walking and talking, she walked the longest walk.",
    "他们在公园里走路，走得很慢。",
    "Talk to the walkers: the walk is long!",
    "公园很大，他们走了很久。",
]


def train(texts, **settings):
    return train_unigram(texts, **{"vocabulary_size": 131, "progress": False, **settings})


def test_special_tokens_come_first_and_every_character_has_a_piece():
    tokenizer = train(SENTENCES * 3)
    assert isinstance(tokenizer, Unigram)
    pieces = tokenizer.get_vocabulary()
    assert pieces[:5] == ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"] and len(set(pieces)) == len(pieces) <= 131
    assert any(len(piece) > 3 for piece in pieces[5:]) and "▁" in pieces
    ids = tokenizer.encode(SENTENCES)
    assert not any(tokenizer.unk_token_id in row for row in ids)
    assert tokenizer.decode(ids[0]) == SENTENCES[0].lower()


def test_the_same_text_gives_the_same_model():
    texts = draw_texts(503, seed=11)
    settings = {"vocabulary_size": 809, "sample_characters": sum(map(len, texts)) // 2}
    expected = train(texts, **settings)
    assert expected.vocabulary_size() == 809
    assert train(iter(texts), **settings).fingerprint() == expected.fingerprint()


def test_more_pieces_than_the_text_has():
    tokenizer = train(["one word"], vocabulary_size=4001)
    assert 9 < tokenizer.vocabulary_size() < 31
    assert tokenizer.decode(tokenizer.encode(["one word"])[0]) == "one word"


def test_rare_characters_leave_room_for_words():
    texts = ["".join(chr(0x4E00 + place) for place in range(300)) + " walking walking walking"] * 3
    tokenizer = train(texts, vocabulary_size=127)
    pieces = tokenizer.get_vocabulary()
    assert len(pieces) <= 127 and "▁walking" in pieces
    assert sum(len(piece) == 1 for piece in pieces[5:]) <= 122 * 3 // 4 + 1
    assert tokenizer.unk_token_id in tokenizer.encode([texts[0]])[0]


def test_limit_alphabet():
    texts = ["Aab Ａ", "中aa\u3000b", "z"]
    # a 5, b 2, 中 1, z 1 of 9.
    assert limit_alphabet(texts, "nmt_nfkc_cf", 1.0, 9) == ["aab a", "中aa b", "z"]
    assert limit_alphabet(texts, "nmt_nfkc_cf", 1.0, 2) == ["aab a", " aa b", " "]
    assert limit_alphabet(texts, "nmt_nfkc_cf", 5 / 9, 9) == ["aa  a", " aa  ", " "]
    # Of characters that are as frequent the first is taken.
    assert limit_alphabet(texts, "nmt_nfkc_cf", 0.8, 9) == ["aab a", " aa b", "z"]
    assert limit_alphabet(["Aa"], "nmt_nfkc", 1.0, 9) == ["Aa"]


def test_case_is_kept_if_asked():
    tokenizer = train(["Café CAFÉ Walk"] * 3, lowercase=False)
    assert tokenizer.decode(tokenizer.encode(["Café"])[0]) == "Café"
    lower = train(["Café CAFÉ Walk"] * 3)
    assert lower.decode(lower.encode(["Café"])[0]) == "café"


def test_a_sample_is_bounded_random_and_of_all_parts():
    texts = [f"{number:04d} text" for number in range(1009)]
    whole = sample_texts(texts, 10**6)
    assert sorted(whole) == texts and whole != texts
    part = sample_texts(iter(texts), 1000)
    assert part == sample_texts(texts, 1000) and 980 < sum(map(len, part)) <= 1000
    assert 350 < np.mean([int(text[:4]) for text in part]) < 650
    assert sample_texts(["", "  \n"], 1000) == []


def test_long_texts_are_cut_at_spaces():
    words = " ".join(f"w{number}" for number in range(1009))
    parts = sample_texts([words], 10**6)
    assert max(map(len, parts)) <= 1000
    assert sorted(" ".join(parts).split()) == sorted(words.split())
    assert sorted(map(len, sample_texts(["走" * 2503], 10**6))) == [503, 1000, 1000]


def test_text_whose_words_hardly_repeat_is_enough_earlier():
    texts = ["the dog barks"] * 50 + [f"word{number:02d}" for number in range(50)]
    assert list(different_words(texts, 23)) == texts[:53]
    assert list(different_words(texts, 10**6)) == texts


def test_files_and_texts_give_the_same_model(tmp_path):
    expected = train(SENTENCES).fingerprint()
    (tmp_path / "a.txt").write_text("\n".join(SENTENCES[:3]) + "\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("\n\n".join(SENTENCES[3:]), encoding="utf-8")
    assert train(f"{tmp_path}/*.txt").fingerprint() == expected
    assert train([tmp_path / "a.txt", str(tmp_path / "b.txt")]).fingerprint() == expected


def test_progress_is_shown(capfd):
    train(SENTENCES, progress=True)
    assert "Learning 131 pieces from" in "".join(capfd.readouterr())
    train(SENTENCES)
    assert "".join(capfd.readouterr()) == ""


def test_errors(tmp_path):
    with pytest.raises(ValueError, match="without a word"):
        train(["", " \n"])
    with pytest.raises(ValueError, match="No file matches"):
        train(f"{tmp_path}/none-*.txt")
    with pytest.raises(TypeError, match=r"files\[1\]=7"):
        train(["text", 7])
    with pytest.raises(ValueError, match="vocabulary_size=6"):
        train(SENTENCES, vocabulary_size=6)
    for wrong in (0.0, 1.5):
        with pytest.raises(ValueError, match=f"character_coverage={wrong}"):
            train(SENTENCES, character_coverage=wrong)
    with pytest.raises(ValueError, match="sample_characters=0"):
        train(SENTENCES, sample_characters=0)
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(ValueError, match="not UTF-8: line 1, byte 3"):
        train(tmp_path / "latin.txt")
