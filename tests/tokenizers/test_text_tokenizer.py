"""What every tokenizer does in the same way: batches, places, special tokens, saving, and what it refuses."""

import json
import os
import pickle
import subprocess
import sys
import textwrap

import keras
import keras_hub
import numpy as np
import pytest

import zoo
from tests.tokenizers.multilingual import draw_texts
from zoo.objectives import Vocabulary

TEXT = "the dogs bark, and the dog"


def pieces_of(tokenizer, text):
    return [tokenizer.id_to_token(number) for number in tokenizer.encode([text])[0].tolist()]


def test_ids_are_int32_arrays_and_empty_texts_have_none(each):
    rows = each.encode(["", "the", ""])
    assert [row.dtype for row in rows] == [np.int32] * 3
    assert [row.ndim for row in rows] == [1] * 3 and [len(row) > 0 for row in rows] == [False, True, False]
    assert each.encode([]) == [] and each.encode_with_offsets([]) == []


def test_many_texts_keep_their_order(each):
    texts = ["the", "dog dog", "a bark the"] * 1013
    expected = [each.encode([text])[0].tolist() for text in texts[:3]]
    assert [row.tolist() for row in each.encode(texts)] == expected * 1013


def test_the_text_comes_back(each):
    assert each.decode(each.encode([TEXT])[0]) == TEXT
    framed = [each.start_token_id, *each.encode([TEXT])[0], each.end_token_id, each.pad_token_id]
    assert each.decode(framed) == TEXT
    assert each.decode([]) == ""
    for number in (-1, each.vocabulary_size()):
        with pytest.raises(ValueError, match="range"):
            each.decode([number])


def test_offsets_are_the_places_of_pieces_without_the_spaces_before_them(each):
    ids, offsets = each.encode_with_offsets([TEXT])[0]
    assert offsets.dtype == np.int32 and offsets.shape == (len(ids), 2)
    assert "".join(TEXT[start:end] for start, end in offsets) == TEXT.replace(" ", "")
    starts = offsets[each.word_starts(ids) | (np.arange(len(ids)) == 0), 0]
    assert starts.tolist() == [0, 4, 9, 13, 15, 19, 23]
    (ids, offsets), _ = each.encode_with_offsets(["", "a"])
    assert ids.shape == (0,) and offsets.shape == (0, 2)


def test_offsets_of_many_scripts_follow_each_other(each):
    texts = draw_texts(503, seed=5)
    plain = each.encode(texts)
    for text, row, (ids, offsets) in zip(texts, plain, each.encode_with_offsets(texts), strict=True):
        np.testing.assert_array_equal(ids, row)
        assert (offsets >= 0).all() and (offsets <= len(text)).all() and (offsets[:, 0] <= offsets[:, 1]).all()


def test_offsets_of_a_mask_are_its_own(each):
    text = f"the  {each.mask_token} dog{each.mask_token}"
    ids, offsets = each.encode_with_offsets([text])[0]
    masked = offsets[ids == each.mask_token_id]
    assert [text[start:end] for start, end in masked] == [each.mask_token] * 2


def test_a_mask_takes_the_spaces_before_it(each):
    mask = each.mask_token
    assert pieces_of(each, mask) == [mask]
    the, the_dog = pieces_of(each, "the"), pieces_of(each, "the dog")
    assert pieces_of(each, f"the {mask} dog") == [*the, mask, *the_dog[len(the) :]]
    assert pieces_of(each, f"the{mask}") == pieces_of(each, f"the  {mask}") == [*the, mask]
    assert each.decode(each.encode([f"the {mask} {mask} dog"])[0]) == f"the {mask} {mask} dog"


def test_no_text_gives_another_special_token(each):
    texts = [*draw_texts(1009, seed=3), *(f"the {token} dog" for token in each.special_tokens)]
    ids = np.concatenate(each.encode(texts))
    assert not np.isin(ids, [each.pad_token_id, each.start_token_id, each.end_token_id]).any()
    assert (ids == each.mask_token_id).any()


def test_ids_of_special_tokens(each):
    special = {each.pad_token_id, each.start_token_id, each.end_token_id, each.mask_token_id, each.unk_token_id}
    assert set(each.special_token_ids) == special == {0, 1, 2, 3, 4}
    assert [each.id_to_token(number) for number in each.special_token_ids] == each.special_tokens
    for name in ("pad", "start", "end", "mask", "unk"):
        assert each.token_to_id(getattr(each, f"{name}_token")) == getattr(each, f"{name}_token_id")
    assert each.word_starts(each.special_token_ids).all()
    assert each.vocabulary_size() == len(each.get_vocabulary()) == len(set(each.get_vocabulary()))
    assert Vocabulary.of(each).special_ids == (0, 1, 2, 3, 4)
    with pytest.raises(ValueError, match="token='no piece'"):
        each.token_to_id("no piece")


def test_calling_it_takes_what_people_have(each):
    one = each("the dogs")
    assert isinstance(one, np.ndarray) and one.dtype == np.int32
    expected = [one.tolist(), each("bark").tolist()]
    assert each(["the dogs", "bark"]) == each(("the dogs", "bark")) == each([b"the dogs", "bark"]) == expected
    assert each(np.array(["the dogs", "bark"])) == each(np.array(["the dogs", "bark"], object)) == expected
    assert each([["the dogs"], ["bark"]]) == [[expected[0]], [expected[1]]]
    assert each([]) == []
    with pytest.raises(TypeError, match=r"texts\[1\]=7"):
        each(["the", 7])
    with pytest.raises(ValueError, match="equal lengths"):
        each([["the", "a"], ["bark"]])


def test_detokenize_takes_one_text_or_several(each):
    one, other = each("the dogs"), each("bark")
    assert each.detokenize(one) == each.detokenize(one.tolist()) == "the dogs"
    assert list(each.detokenize([one.tolist(), other.tolist()])) == ["the dogs", "bark"]


def test_half_of_a_surrogate_pair_is_a_character_that_cannot_be_read(each):
    assert each.encode(["the\ud83d a", "the"])[0].tolist() == each.encode(["the\ufffd a"])[0].tolist()
    ids, offsets = each.encode_with_offsets(["the\ud83d dog"])[0]
    assert offsets[-1].tolist()[1] == 8 and len(ids) == len(each.encode(["the\ufffd dog"])[0])


def test_encode_refuses_what_is_not_a_list_of_texts(each):
    with pytest.raises(TypeError, match="Put it in a list"):
        each.encode("the dog")
    with pytest.raises(TypeError, match=r"texts\[2\]=None of type NoneType"):
        each.encode(["the", "dog", None])
    with pytest.raises(TypeError, match="of type float"):
        each.encode_with_offsets([float("nan")])


def test_without_a_vocabulary(each):
    empty = type(each)()
    for use in (empty.get_vocabulary, empty.vocabulary_size, empty.fingerprint, lambda: empty.encode(["the"])):
        with pytest.raises(ValueError, match="no vocabulary"):
            use()
    with pytest.raises(ValueError, match="no vocabulary"):
        empty.save_vocabulary("nowhere")


def test_settings_of_keras_hub_that_a_paper_fixes_are_refused(each):
    with pytest.raises(TypeError, match="sequence_length"):
        type(each)(sequence_length=7)


def test_config_round_trip(each, tmp_path):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(each)))
    assert config["registered_name"] == f"zoo>{type(each).__name__}"
    each.save_assets(tmp_path)
    loaded = keras.saving.deserialize_keras_object(config)
    loaded.load_assets(tmp_path)
    assert loaded.fingerprint() == each.fingerprint() and loaded.get_config() == each.get_config()
    for asset in {"vocabulary", "merges", "proto"} & config["config"].keys():
        assert config["config"][asset] is None
        with pytest.raises((TypeError, ValueError), match="keeps its vocabulary in a file beside"):
            keras.saving.deserialize_keras_object({**config, "config": {**config["config"], asset: "/etc/passwd"}})


def test_pickle_round_trip(each):
    assert pickle.loads(pickle.dumps(each)).fingerprint() == each.fingerprint()


def test_saving_fails_whole(each, tmp_path, monkeypatch):
    each.save_assets(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def disk_full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        each.save_assets(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_preset_round_trip(each, tmp_path):
    backbone = type(each).backbone_cls(
        each.vocabulary_size(),
        num_layers=1,
        num_heads=3,
        hidden_dim=12,
        intermediate_dim=17,
        max_sequence_length=7,
    )
    backbone.save_to_preset(str(tmp_path))
    each.save_to_preset(str(tmp_path))
    for load in (type(each).from_preset, keras_hub.tokenizers.Tokenizer.from_preset, zoo.presets.load_tokenizer):
        loaded = load(str(tmp_path))
        assert type(loaded) is type(each) and loaded.fingerprint() == each.fingerprint()
    assert zoo.data.load_tokenizer(tmp_path).fingerprint() == each.fingerprint()


def test_keras_hub_reads_the_files(multilingual, tmp_path):
    unigram, byte_pair = multilingual["unigram"], multilingual["byte_pair"]
    unigram.save_vocabulary(tmp_path / "vocabulary.spm")
    byte_pair.save_vocabulary(tmp_path)
    files = str(tmp_path / "vocabulary.json"), str(tmp_path / "merges.txt")
    # As bytes: KerasHub leaves the file open.
    theirs = keras_hub.tokenizers.AlbertTokenizer((tmp_path / "vocabulary.spm").read_bytes())
    assert [list(row) for row in theirs([TEXT, "你好 dog"])] == unigram([TEXT, "你好 dog"])
    theirs = keras_hub.tokenizers.RobertaTokenizer(*files)
    assert [list(row) for row in theirs([TEXT, "你好 dog"])] == byte_pair([TEXT, "你好 dog"])
    # And the other way round: what KerasHub writes.
    theirs.save_assets(tmp_path)
    assert type(byte_pair)(*files).fingerprint() == byte_pair.fingerprint()


def test_it_serves_a_keras_hub_preprocessor(multilingual):
    preprocessors = {
        "word_piece": keras_hub.models.BertTextClassifierPreprocessor,
        "unigram": keras_hub.models.AlbertTextClassifierPreprocessor,
        "byte_pair": keras_hub.models.RobertaTextClassifierPreprocessor,
    }
    for kind, tokenizer in multilingual.items():
        features = preprocessors[kind](tokenizer, sequence_length=17)(["the dogs", "the"])
        start, end, pad = tokenizer.start_token_id, tokenizer.end_token_id, tokenizer.pad_token_id
        expected = [[start, *tokenizer(text), end, *[pad] * 17][:17] for text in ("the dogs", "the")]
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(features["token_ids"]), expected)


def test_they_need_no_tensorflow():
    script = """
        import sys

        class NoTensorFlow:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in ("tensorflow", "tensorflow_text"):
                    raise ImportError(name)

        sys.meta_path.insert(0, NoTensorFlow())
        from zoo.tokenizers import train_byte_pair, train_unigram, train_word_piece

        for train in train_word_piece, train_unigram, train_byte_pair:
            tokenizer = train(["the dog and the dog"] * 3, vocabulary_size=300, progress=False)
            ids = tokenizer.encode(["the dog"])[0]
            print(tokenizer.decode(ids), tokenizer(["the dog"]) == [ids.tolist()], tokenizer.detokenize(ids))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert result.stdout.split("\n")[:3] == ["the dog True the dog"] * 3, result.stderr
