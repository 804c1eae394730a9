"""Byte pairs: how words are joined, that every text comes back, what transformers says, and what is refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokenizers.multilingual import POOLS, draw_texts
from zoo.tokenizers import BytePair
from zoo.tokenizers.byte_level import CHARACTERS
from zoo.tokenizers.byte_pair import SPECIAL_TOKENS

MERGES = ["h e", "t he", "Ġ d", "Ġd o", "Ġdo g", "Ġ the", "ä ½", "ä½ ł", "a b", "ab c", "b c", "' s"]


def vocabulary_of(merges, specials=SPECIAL_TOKENS):
    pieces = [*specials, *CHARACTERS, *(merge.replace(" ", "") for merge in merges)]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


@pytest.fixture(scope="module")
def tokenizer():
    return BytePair(vocabulary_of(MERGES), MERGES)


def to_pieces(tokenizer, text):
    return [tokenizer.id_to_token(number) for number in tokenizer.encode([text])[0].tolist()]


def test_pairs_are_joined_in_the_order_in_which_they_were_learned(tokenizer):
    assert to_pieces(tokenizer, "the dogs") == ["the", "Ġdog", "s"]
    assert to_pieces(tokenizer, " the") == ["Ġthe"]
    # "a b" was learned before "b c", though "b c" would leave as many pieces.
    assert to_pieces(tokenizer, "abcbc") == ["abc", "bc"]


def test_words_are_split_as_gpt_2_splits_them(tokenizer):
    assert to_pieces(tokenizer, "the's") == ["the", "'s"]
    # Not across words, whatever their bytes.
    assert to_pieces(tokenizer, "t'he") == ["t", "'", "he"]
    assert to_pieces(tokenizer, "a  dog") == ["a", "Ġ", "Ġdog"]


def test_case_and_unseen_characters_are_kept(tokenizer):
    assert to_pieces(tokenizer, "THE你好") == ["T", "H", "E", "ä½ł", "å", "¥", "½"]
    assert tokenizer.decode(tokenizer.encode(["THE 你好 \x00é"])[0]) == "THE 你好 \x00é"


PARTS = st.one_of(st.sampled_from(["  ", "'s", *"".join(POOLS.values())]), st.characters(exclude_categories=["Cs"]))


@settings(max_examples=300, deadline=None)
@given(text=st.lists(PARTS, max_size=31).map("".join).filter(lambda text: "<mask>" not in text))
def test_every_text_comes_back(tokenizer, text):
    ids = tokenizer.encode([text])[0]
    assert tokenizer.decode(ids) == tokenizer.detokenize(ids) == text


def test_texts_of_many_scripts_come_back(multilingual):
    texts = [text for text in draw_texts(1009, seed=37) if "<mask>" not in text]
    assert [multilingual["byte_pair"].decode(ids) for ids in multilingual["byte_pair"].encode(texts)] == texts


def test_half_of_a_character_is_decoded_as_one_that_cannot_be_read(tokenizer):
    assert tokenizer.decode(tokenizer.encode(["好"])[0][:1]) == "\ufffd"


def test_offsets_of_bytes_of_one_character(tokenizer):
    text = "the 好\u3000你"
    ids, offsets = tokenizer.encode_with_offsets([text])[0]
    sources = [text[start:end] for start, end in offsets]
    assert [tokenizer.id_to_token(number) for number in ids.tolist()][1:5] == ["Ġ", "å", "¥", "½"]
    assert sources[0] == "the" and sources[2:5] == ["好", "", ""] and sources[-1] == "你"
    assert offsets[:, 1].tolist() == sorted(offsets[:, 1].tolist())


def test_word_starts(tokenizer):
    pieces = ["the", "Ġdog", "'s", "s", "Ġ", "9", "ä½ł", "½", "Ã", "Â", ".", "Ċ", "<s>", "<mask>"]
    starts = tokenizer.word_starts([tokenizer.token_to_id(piece) for piece in pieces])
    assert starts.dtype == bool
    assert starts.tolist() == [False, True, True, False, True, False, True, False, False, *[True] * 5]
    assert tokenizer.word_starts(np.zeros((2, 3), int)).shape == (2, 3)


def test_same_ids_as_transformers(multilingual, tmp_path):
    transformers = pytest.importorskip("transformers", reason="the reference is a test extra")
    tokenizer = multilingual["byte_pair"]
    tokenizer.save_vocabulary(tmp_path)
    vocabulary = json.loads((tmp_path / "vocabulary.json").read_bytes())
    merges = (tmp_path / "merges.txt").read_text("utf-8").splitlines()[1:]
    mask = transformers.AddedToken("<mask>", lstrip=True, normalized=False)
    pairs = [tuple(merge.split(" ")) for merge in merges]
    reference = transformers.RobertaTokenizerFast(vocab=vocabulary, merges=pairs, mask_token=mask)
    # The reference takes every special token from a text, ours only the mask: leave the others out.
    texts = [text for text in draw_texts(3001, seed=41) if not any(token in text for token in SPECIAL_TOKENS[:4])]
    expected = reference(texts, add_special_tokens=False)["input_ids"]
    assert len(texts) > 2000 and [row.tolist() for row in tokenizer.encode(texts)] == expected


def test_files(tokenizer, tmp_path):
    tokenizer.save_vocabulary(tmp_path / "new")
    files = tmp_path / "new" / "vocabulary.json", tmp_path / "new" / "merges.txt"
    assert BytePair(*files).fingerprint() == tokenizer.fingerprint()
    assert files[1].read_text("utf-8").splitlines() == ["#version: 0.2", *MERGES]
    files[1].write_text("\n".join(MERGES), "utf-8")
    assert BytePair(*map(str, files)).fingerprint() == tokenizer.fingerprint()


def test_fingerprint_changes_with_the_ids(tokenizer):
    vocabulary = vocabulary_of(MERGES)
    swapped = {**vocabulary, "the": vocabulary["he"], "he": vocabulary["the"]}
    others = [BytePair(vocabulary, MERGES[:-1]), BytePair(vocabulary, MERGES[::-1]), BytePair(swapped, MERGES)]
    assert len({other.fingerprint() for other in [tokenizer, *others]}) == 4


@pytest.mark.parametrize("missing", SPECIAL_TOKENS[:-1])  # a mask may be missing
def test_a_missing_special_token_is_an_error(missing):
    vocabulary = vocabulary_of(MERGES, specials=[token for token in SPECIAL_TOKENS if token != missing])
    with pytest.raises(ValueError, match=rf"without \['{missing}'\]"):
        BytePair(vocabulary, MERGES)


def test_bad_vocabularies_are_errors():
    vocabulary = vocabulary_of(MERGES)
    with pytest.raises(ValueError, match=r"those of 1 bytes: 'Ġ'"):
        BytePair({piece: number for number, piece in enumerate(piece for piece in vocabulary if piece != "Ġ")}, [])
    with pytest.raises(ValueError, match=rf"each once\. .* without {vocabulary['the']}"):
        BytePair({**vocabulary, "the": 1009}, MERGES)
    with pytest.raises(ValueError, match=r"each once\. .* without 7"):
        BytePair({**vocabulary, CHARACTERS[2]: "7"}, MERGES)
    with pytest.raises(ValueError, match=r"merges\[12\]='x y'"):
        BytePair(vocabulary, [*MERGES, "x y"])
    for wrong in ("the", "t h e", "", " he"):
        with pytest.raises(ValueError, match=r"merges\[0\]="):
            BytePair(vocabulary, [wrong])
    with pytest.raises(TypeError, match=r"merges\[0\]=7"):
        BytePair(vocabulary, [7])
    with pytest.raises(TypeError, match="merges=None"):
        BytePair(vocabulary)
    with pytest.raises(TypeError, match="vocabulary=None"):
        BytePair(merges=MERGES)
    with pytest.raises(TypeError, match="of type list"):
        BytePair(list(vocabulary), MERGES)
    with pytest.raises(TypeError, match="add_prefix_space"):
        BytePair(vocabulary, MERGES, add_prefix_space=True)


def test_bad_files_are_errors(tmp_path, tokenizer):
    tokenizer.save_vocabulary(tmp_path)
    vocabulary, merges = tmp_path / "vocabulary.json", tmp_path / "merges.txt"
    with pytest.raises(ValueError, match="not there"):
        BytePair(tmp_path / "none.json", merges)
    with pytest.raises(ValueError, match="a folder"):
        BytePair(tmp_path, merges)
    with pytest.raises(ValueError, match="not there"):
        BytePair(vocabulary, tmp_path / "none.txt")
    good = vocabulary.read_bytes()
    for content in (b"", good[:-9], '{"中": 0}'.encode("gb18030")):
        vocabulary.write_bytes(content)
        with pytest.raises(ValueError, match="not JSON in UTF-8"):
            BytePair(vocabulary, merges)
    vocabulary.write_bytes(b"[1, 2]")
    with pytest.raises(ValueError, match="not a list"):
        BytePair(vocabulary, merges)
    vocabulary.write_bytes(good)
    merges.write_bytes("Ġ 中".encode("gb18030", "ignore"))
    with pytest.raises(ValueError, match="not UTF-8"):
        BytePair(vocabulary, merges)
