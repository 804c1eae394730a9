"""Tokenizers of KerasHub: written from ours and read as ours, with equal ids, or a word about where they are not."""

import keras_hub
import numpy as np
import pytest

import zoo
from tests.weights.test_keras_hub_presets import ours
from zoo.weights.keras_hub_presets import export_to_keras_hub, save_keras_hub_preset, tokenizer_here
from zoo.weights.keras_hub_presets.tokenizers import MUST_AGREE

TEXTS = [
    "The dogs' bark isn't heard, is it? (No!)",
    "Anna-Maria paid 3 for 12.",
    "今天天气很好。我们去公园",
    "good 😀 dog 👍",
    "mixed 中文 and English",
    "",
]
LEARNT = [*TEXTS[:5], "the dogs bark in the park", "公园天气"] * 3
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s", "bark", "is", "##n", "'", "t", "好", "天"]
SIZES = {"num_layers": 1, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29, "max_sequence_length": 31}
SAID = pytest.mark.filterwarnings(r"ignore:keras_hub\.tokenizers\..* follows rules of its own")


def word_piece(lowercase):
    return zoo.tokenizers.train_word_piece(LEARNT, vocabulary_size=120, lowercase=lowercase, progress=False)


def unigram():
    return zoo.tokenizers.train_unigram(LEARNT, vocabulary_size=110, progress=False)


def byte_pair():
    return zoo.tokenizers.train_byte_pair(LEARNT, 330, progress=False)


KINDS = {
    "cased": (lambda: word_piece(False), zoo.BertBackbone, {"activation": "gelu_approximate"}),
    "uncased": (lambda: word_piece(True), zoo.BertBackbone, {"activation": "gelu_approximate"}),
    "unigram": (unigram, zoo.AlbertBackbone, {"embedding_dim": 5}),
    "byte pairs": (byte_pair, zoo.BartBackbone, {}),
}


def rows(ids):
    return [[int(number) for number in row] for row in ids]


@SAID
@pytest.mark.filterwarnings("ignore:unclosed file .*vocabulary.spm:ResourceWarning")  # KerasHub's
@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_equal_there_and_back(kind, tmp_path):
    make, backbone_class, arguments = KINDS[kind]
    tokenizer = make()
    expected = rows(tokenizer.encode(TEXTS))
    assert len({number for row in expected for number in row}) > 30
    backbone = backbone_class(tokenizer.vocabulary_size(), **SIZES, **arguments)
    save_keras_hub_preset(backbone, tmp_path / "theirs", tokenizer)
    loaded = keras_hub.tokenizers.Tokenizer.from_preset(str(tmp_path / "theirs"))
    assert type(loaded).__module__.startswith("keras_hub.")
    assert rows(loaded(TEXTS)) == expected
    assert (loaded.pad_token_id, loaded.start_token_id) == (tokenizer.pad_token_id, tokenizer.start_token_id)
    back = zoo.presets.load_tokenizer(tmp_path / "theirs")
    assert type(back) is type(tokenizer) and back.fingerprint() == tokenizer.fingerprint()


def test_what_differs_is_said(tmp_path):
    backbone = zoo.BertBackbone(120, **SIZES, activation="gelu_approximate")
    with pytest.warns(UserWarning, match=r"BertTokenizer follows rules.*full-width signs.*joined emoji|joined emoji"):
        save_keras_hub_preset(backbone, tmp_path, word_piece(True))
    pieces = [*PIECES, ",", "，", "a", "b"]
    tokenizer = zoo.tokenizers.WordPiece(pieces, lowercase=True)
    with pytest.warns(UserWarning, match="full-width signs"):
        save_keras_hub_preset(backbone, tmp_path, tokenizer)
    theirs = keras_hub.tokenizers.Tokenizer.from_preset(str(tmp_path))
    assert rows(theirs(["a，b"])) != rows(tokenizer.encode(["a，b"])) == [[17, 16, 18]]


def test_a_preset_by_name_and_a_task(tmp_path):
    tokenizer = zoo.tokenizers.WordPiece(PIECES, lowercase=False)
    task = zoo.TextClassifier(zoo.BertBackbone(19, **SIZES), tokenizer=tokenizer, num_classes=3)
    task.save_to_preset(tmp_path / "own")
    with pytest.raises(ValueError, match=r"activation: KerasHub has only 'gelu_approximate'\. Received: 'gelu'"):
        export_to_keras_hub(tmp_path / "own", tmp_path / "theirs")
    assert not (tmp_path / "theirs").exists()
    with pytest.warns(UserWarning, match="follows rules of its own"):
        export_to_keras_hub(tmp_path / "own", tmp_path / "theirs", activation="gelu_approximate")
    loaded = keras_hub.models.Backbone.from_preset(str(tmp_path / "theirs"))
    approximate = zoo.presets.load_backbone(tmp_path / "own", activation="gelu_approximate")
    inputs = {"token_ids": np.array([[2, 5, 3]]), "segment_ids": np.zeros((1, 3), int), "padding_mask": np.ones((1, 3))}
    np.testing.assert_allclose(loaded(inputs)["pooled_output"], approximate(inputs)["pooled_output"], atol=1e-5)
    with pytest.raises(ValueError, match="for a preset, not for a task"):
        export_to_keras_hub(task, tmp_path / "theirs", activation="gelu_approximate")
    export_to_keras_hub(tmp_path / "own", tmp_path / "alone", tokenizer=False, activation="gelu_approximate")
    assert not (tmp_path / "alone" / "tokenizer.json").exists()


def test_a_tokenizer_that_keras_hub_lacks(tmp_path):
    with pytest.raises(ValueError, match="KerasHub has no tokenizer like Unigram for its T5Backbone"):
        save_keras_hub_preset(ours("t5 1.0"), tmp_path / "new", unigram())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")
def test_every_task_works_on_a_preset_of_keras_hub(tmp_path):
    """KerasHub's own classifier, saved; our classifier made from it reads text as KerasHub's does."""
    pieces = [*PIECES, *"abcdefgh"]
    tokenizer = keras_hub.tokenizers.BertTokenizer(pieces, lowercase=True)
    backbone = keras_hub.models.BertBackbone(len(pieces), **SIZES)
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=13)
    keras_hub.models.BertTextClassifier(backbone, num_classes=2, preprocessor=preprocessor).save_to_preset(
        str(tmp_path)
    )
    task = zoo.TextClassifier.from_preset(tmp_path, num_classes=3)
    assert type(task.tokenizer) is zoo.tokenizers.WordPiece and type(task.backbone) is zoo.BertBackbone
    texts = ["the dogs bark", "isn't the dog a dog", "天好"]
    given = preprocessor(texts)
    expected = backbone({name: np.asarray(value) for name, value in given.items()})["pooled_output"]
    found = task.backbone(task.preprocessor(texts))["pooled_output"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    history = task.fit(texts, [0, 1, 2], epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert task.predict(texts, verbose=0).shape == (3, 3)


def test_tokenizers_with_other_settings_stay_keras_hubs():
    for settings in ({"split_on_cjk": False}, {"sequence_length": 5}):
        theirs = keras_hub.tokenizers.BertTokenizer(PIECES, **settings)
        assert tokenizer_here(theirs) is theirs
    no_mask = {piece: number for number, piece in enumerate(["<s>", "<pad>", "</s>", "a", "aa"])}
    theirs = keras_hub.tokenizers.BartTokenizer(no_mask, ["a a"])
    assert tokenizer_here(theirs) is theirs


def test_plain_text_must_agree(monkeypatch, tmp_path):
    """A KerasHub whose tokenizer gave plain text other ids would not be written for."""
    monkeypatch.setattr(keras_hub.tokenizers.BertTokenizer, "tokenize", lambda self, texts: [[1]] * len(texts))
    backbone = zoo.BertBackbone(19, **SIZES, activation="gelu_approximate")
    with pytest.raises(ValueError, match="gives other ids than this WordPiece to plain text") as error:
        save_keras_hub_preset(backbone, tmp_path / "new", zoo.tokenizers.WordPiece(PIECES))
    assert MUST_AGREE[0] in str(error.value)
    assert list(tmp_path.iterdir()) == []
