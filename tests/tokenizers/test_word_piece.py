"""WordPiece: its ids, its special tokens, what it gives back, and what it refuses."""

import json

import keras
import numpy as np
import pytest

from tests.tokenizers.multilingual import SPECIAL_TOKENS
from zoo.tokenizers import WordPiece


def to_pieces(tokenizer, text):
    return [tokenizer.id_to_token(number) for number in tokenizer.encode([text])[0]]


def test_words_become_the_longest_pieces(tokenizer):
    assert to_pieces(tokenizer, "The dogs barked!") == ["the", "dog", "##s", "bark", "##ed", "!"]
    assert to_pieces(tokenizer, "unaffordable cat") == ["un", "##afford", "##able", "[UNK]"]


def test_chinese_characters_stand_alone(tokenizer):
    assert to_pieces(tokenizer, "我爱你。the我") == ["我", "爱", "你", "。", "the", "我"]


def test_case_and_accents(pieces):
    uncased, cased = WordPiece(pieces, lowercase=True), WordPiece(pieces)
    accents = WordPiece(pieces, lowercase=True, strip_accents=False)
    assert to_pieces(uncased, "The NAÏVE café") == ["the", "naive", "caf", "##e"]
    assert to_pieces(cased, "The naïve café") == ["The", "naïve", "caf", "##é"]
    assert to_pieces(accents, "The NAÏVE café") == ["the", "naïve", "caf", "##é"]


def test_control_characters_and_spaces(tokenizer):
    assert to_pieces(tokenizer, "th\x00e\u200b \u3000do\u00adgs\tbark\u00a0a") == ["the", "dog", "##s", "bark", "a"]


def test_mask_in_a_text_is_the_mask_token(tokenizer):
    assert to_pieces(tokenizer, "the[MASK]dog [MASK]s") == ["the", "[MASK]", "dog", "[MASK]", "[UNK]"]
    assert to_pieces(tokenizer, "[mask]") == ["[", "mask", "]"]


def test_no_other_special_token_is_made_from_text(tokenizer, pieces):
    for token in SPECIAL_TOKENS:
        if token != "[MASK]":
            ids = tokenizer.encode([f"the {token} dog"])[0]
            assert not {tokenizer.pad_token_id, tokenizer.start_token_id, tokenizer.end_token_id} & set(ids.tolist())
            assert len(ids) == 5
    assert to_pieces(tokenizer, "[CLS]") == ["[", "cls", "]"]
    asked = WordPiece(pieces, lowercase=True, special_tokens_in_strings=True)
    assert to_pieces(asked, "[CLS] the [SEP][PAD][UNK][MASK]") == ["[CLS]", "the", "[SEP]", "[PAD]", "[UNK]", "[MASK]"]


def test_offsets_point_into_the_text_as_given(tokenizer):
    text = "Naïve\u200b dogs, 我爱[MASK] cafe\u0301!"
    ids, offsets = tokenizer.encode_with_offsets([text])[0]
    assert offsets.dtype == np.int32 and offsets.shape == (len(ids), 2)
    np.testing.assert_array_equal(ids, tokenizer.encode([text])[0])
    sources = [text[start:end] for start, end in offsets]
    assert sources[:7] == ["Naïve", "dog", "s", ",", "我", "爱", "[MASK]"]
    assert sources[7] == "caf" and sources[8].startswith("e") and sources[9] == "!"
    (ids, offsets), _ = tokenizer.encode_with_offsets(["", "a"])
    assert ids.shape == (0,) and offsets.shape == (0, 2)


def test_decode_joins_pieces_and_leaves_out_what_pads(tokenizer):
    ids = tokenizer.encode(["The dogs barked, [MASK]s!"])[0]
    framed = [tokenizer.start_token_id, *ids, tokenizer.end_token_id, tokenizer.pad_token_id]
    assert tokenizer.decode(framed) == "the dogs barked, [MASK] [UNK]!"
    assert tokenizer.decode(tokenizer.encode(["我爱你。 the dog"])[0]) == "我爱你。 the dog"
    assert tokenizer.decode([]) == ""
    suffix = tokenizer.token_to_id("##s")
    assert tokenizer.decode([tokenizer.mask_token_id, suffix]) == "[MASK] ##s"
    with pytest.raises(ValueError, match="range"):
        tokenizer.decode([tokenizer.vocabulary_size()])


def test_word_starts(tokenizer):
    ids = tokenizer.encode(["the dogs 我[MASK]"])[0]
    starts = tokenizer.word_starts(ids)
    assert starts.dtype == bool and starts.tolist() == [True, True, False, True, True]
    assert tokenizer.word_starts(np.stack([ids, ids])).shape == (2, 5)


def test_ids_of_special_tokens(tokenizer, pieces):
    assert tokenizer.vocabulary_size() == len(pieces) and tokenizer.get_vocabulary() == pieces
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id) == (0, 1, 4)
    assert tokenizer.start_token_id == tokenizer.cls_token_id == 2
    assert tokenizer.end_token_id == tokenizer.sep_token_id == 3
    assert tokenizer.special_token_ids == [0, 1, 2, 3, 4] and tokenizer.special_tokens == SPECIAL_TOKENS
    assert tokenizer.mask_token == "[MASK]" and tokenizer.unk_token == "[UNK]"
    assert tokenizer.token_to_id("dog") == pieces.index("dog")
    with pytest.raises(ValueError, match="token='cat'"):
        tokenizer.token_to_id("cat")
    shuffled = WordPiece(pieces[::-1])
    assert shuffled.pad_token_id == len(pieces) - 1
    assert to_pieces(shuffled, "the [MASK]") == ["the", "[MASK]"]


def test_fingerprint_changes_with_the_ids(pieces):
    tokenizers = [
        WordPiece(pieces, lowercase=True),
        WordPiece(pieces),
        WordPiece(pieces, lowercase=True, strip_accents=False),
        WordPiece(pieces, lowercase=True, special_tokens_in_strings=True),
        WordPiece([*pieces, "cat"], lowercase=True),
        WordPiece([*pieces[:-2], *pieces[:-3:-1]], lowercase=True),
    ]
    assert len({tokenizer.fingerprint() for tokenizer in tokenizers}) == len(tokenizers)
    assert WordPiece(pieces, lowercase=True).fingerprint() == tokenizers[0].fingerprint()
    assert WordPiece(pieces, lowercase=True, strip_accents=True).fingerprint() == tokenizers[0].fingerprint()


def test_vocabulary_file(tmp_path, pieces, tokenizer):
    tokenizer.save_vocabulary(tmp_path / "new" / "vocabulary.txt")
    path = tmp_path / "new" / "vocabulary.txt"
    assert path.read_bytes().decode("utf-8").split("\n") == [*pieces, ""]
    assert WordPiece(path, lowercase=True).fingerprint() == tokenizer.fingerprint()
    assert WordPiece(str(path), lowercase=True).fingerprint() == tokenizer.fingerprint()
    # As a Windows editor saves it.
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(pieces).encode())
    assert WordPiece(path, lowercase=True).fingerprint() == tokenizer.fingerprint()


@pytest.mark.parametrize("missing", SPECIAL_TOKENS)
def test_a_missing_special_token_is_an_error(pieces, missing):
    pieces.remove(missing)
    with pytest.raises(ValueError, match=rf"without \['\[{missing[1:-1]}\]'\]"):
        WordPiece(pieces)


def test_bad_vocabularies_are_errors(pieces):
    with pytest.raises(ValueError, match="2 pieces more than once: 'the', 'dog'"):
        WordPiece([*pieces, "dog", "the"])
    with pytest.raises(ValueError, match=r"vocabulary\[\d+\]=''"):
        WordPiece([*pieces, ""])
    with pytest.raises(ValueError, match="line ends"):
        WordPiece([*pieces, "two\nlines"])
    with pytest.raises(TypeError, match=r"vocabulary\[\d+\]=7"):
        WordPiece([*pieces, 7])
    with pytest.raises(ValueError, match="without"):
        WordPiece([])
    with pytest.raises(TypeError, match="path or a list"):
        WordPiece(7)
    with pytest.raises(TypeError, match="split"):
        WordPiece(pieces, split=False)


def test_bad_vocabulary_files_are_errors(tmp_path, pieces):
    path = tmp_path / "vocabulary.txt"
    with pytest.raises(ValueError, match="not there"):
        WordPiece(path)
    with pytest.raises(ValueError, match="a folder"):
        WordPiece(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="is empty"):
        WordPiece(path)
    path.write_text("\n".join([*pieces[:7], "", *pieces[7:]]), encoding="utf-8")
    with pytest.raises(ValueError, match="line 8"):
        WordPiece(path)
    path.write_bytes("\n".join(pieces).encode("gb18030", "ignore"))
    with pytest.raises(ValueError, match="not UTF-8: line"):
        WordPiece(path)


def test_without_a_vocabulary(tokenizer):
    empty = WordPiece()
    with pytest.raises(ValueError, match="no vocabulary"):
        empty.encode(["the"])
    empty.set_vocabulary(tokenizer.get_vocabulary())
    assert empty.encode(["the"])[0].tolist() == tokenizer.encode(["the"])[0].tolist()


def test_config_round_trip(pieces, tmp_path):
    tokenizer = WordPiece(pieces, lowercase=True, strip_accents=False, special_tokens_in_strings=True, name="pieces")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(tokenizer)))
    assert config["registered_name"] == "zoo>WordPiece" and config["config"]["vocabulary"] is None
    tokenizer.save_assets(tmp_path)
    loaded = keras.saving.deserialize_keras_object(config)
    loaded.load_assets(tmp_path)
    assert loaded.fingerprint() == tokenizer.fingerprint() and loaded.name == "pieces"
    config["config"]["vocabulary"] = "/etc/passwd"
    with pytest.raises((TypeError, ValueError), match="keeps its vocabulary in a file beside"):
        keras.saving.deserialize_keras_object(config)
