"""`zoo convert`: a preset in the form of another library."""

import keras
import keras_hub
import numpy as np
import pytest

import zoo
from tests.test_cli import shell

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s", "bark"]
SIZES = {"num_layers": 1, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29, "max_sequence_length": 17}


def task():
    tokenizer = zoo.tokenizers.WordPiece(PIECES)
    return zoo.TextClassifier(zoo.BertBackbone(9, **SIZES), tokenizer=tokenizer, num_classes=2)


def test_to_keras_hub(tmp_path):
    task().save_to_preset(tmp_path / "own")
    code, _, error = shell("convert", tmp_path / "own", tmp_path / "theirs", "--to", "keras-hub")
    assert code == 2 and "activation: KerasHub has only 'gelu_approximate'" in error
    assert "With `--set activation=gelu_approximate` it can be written" in error
    arguments = ("--to", "keras-hub", "--set", "activation=gelu_approximate", "--no-tokenizer")
    code, out, error = shell("convert", tmp_path / "own", tmp_path / "theirs", *arguments)
    assert (code, out.strip(), error) == (0, str(tmp_path / "theirs"), "")
    assert type(keras_hub.models.Backbone.from_preset(str(tmp_path / "theirs"))) is keras_hub.models.BertBackbone
    assert not (tmp_path / "theirs" / "tokenizer.json").exists()


def test_that_keras_hub_has_no_pre_norm_is_said_plainly(tmp_path):
    arguments = ("bert_tiny_en_uncased_books", tmp_path / "theirs", "--to", "keras-hub")
    for more in ((), ("--set", "activation=gelu_approximate")):
        code, _, error = shell("convert", *arguments, *more)
        assert code == 2 and "This model is pre-norm" in error and "`--to huggingface`" in error
        assert "it can be written" not in error  # the activation alone does not help
    assert not (tmp_path / "theirs").exists()


def test_to_huggingface(tmp_path):
    task().save_to_preset(tmp_path / "own")
    code, out, error = shell("convert", tmp_path / "own", tmp_path / "theirs", "--to", "huggingface")
    assert (code, out.strip(), error) == (0, str(tmp_path / "theirs"), "")
    again = zoo.TextClassifier.from_preset(tmp_path / "theirs")
    texts = ["the dogs bark", "bark"]
    np.testing.assert_array_equal(
        again.predict(texts, verbose=0), zoo.TextClassifier.from_preset(tmp_path / "own").predict(texts, verbose=0)
    )
    code, _, error = shell("convert", "albert_tiny_en_uncased_books", tmp_path / "new", "--to", "huggingface")
    assert code == 2 and "normalize_first=True: it has False" in error


@pytest.mark.skipif(keras.config.backend() == "torch", reason="Keras writes no SavedModel from its PyTorch backend")
def test_to_saved_model(tmp_path):
    tokenizer = zoo.tokenizers.train_unigram(["the dogs bark", "a dog"] * 3, vocabulary_size=40, progress=False)
    backbone = zoo.BertBackbone(tokenizer.vocabulary_size(), **SIZES)
    zoo.TokenClassifier(backbone, tokenizer=tokenizer, labels=["O", "B-PER"]).save_to_preset(tmp_path / "own")
    code, _, error = shell("convert", tmp_path / "own", tmp_path / "served", "--to", "saved-model")
    assert (code, error) == (0, "") and (tmp_path / "served" / "saved_model.pb").is_file()
    code, _, error = shell("convert", tmp_path / "own", tmp_path / "served", "--to", "saved-model")
    assert code == 2 and "must be new or empty" in error


def test_what_is_refused(tmp_path):
    task().backbone.save_to_preset(str(tmp_path / "backbone"))
    for arguments, expected in [
        (("--to", "saved-model"), "made of a fine-tuned task"),
        (("--to", "onyx"), "`--to` must be one of huggingface, keras-hub, saved-model. Received: 'onyx'"),
    ]:
        code, _, error = shell("convert", tmp_path / "backbone", tmp_path / "new", *arguments)
        assert code == 2 and expected in error
    assert not (tmp_path / "new").exists()
