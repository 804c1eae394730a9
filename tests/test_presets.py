import hashlib
import io
import json

import keras
import keras_hub
import numpy as np
import pytest
from rich.console import Console

import zoo
from zoo import presets

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "cat", "bark", "##ed", "##s", "."]
SIZES = {"vocabulary_size": 13, "num_layers": 2, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 48}
NAME = "bert_pico_en_uncased_tales"
CARD = {
    "name": NAME,
    "architecture": "BertBackbone",
    "description": "For tests.",
    "language": "en",
    "casing": "uncased",
    "backbone": SIZES | {"max_sequence_length": 11},
    "tokenizer": {"kind": "WordPiece", "arguments": {"lowercase": True}},
    "licence": "Apache-2.0",
    "paper": "Devlin et al. (2019), https://arxiv.org/abs/1810.04805",
    "training": {
        "corpora": [{"name": "tales", "licence": "CC0-1.0", "address": "https://example.org", "tokens": 1009}],
        "objective": "MaskedLM()",
        "command": "zoo pretrain tales.txt",
        "seed": 3,
        "steps": 101,
        "tokens_seen": 20201,
        "minutes": 61.5,
        "machine": "two CPU cores",
        "held_out": {"loss": 3.5, "masked_lm_accuracy": 0.31},
    },
    "scores": [
        {
            "task": "SST-2",
            "split": "dev",
            "metric": "accuracy",
            "mean": 0.81,
            "spread": 0.012,
            "seeds": [0, 1, 2],
            "random_mean": 0.71,
            "random_spread": 0.02,
            "command": "zoo finetune",
        }
    ],
}


def bert(**changes):
    return zoo.BertBackbone(**{**SIZES, "max_sequence_length": 11, **changes})


def word_piece():
    return zoo.tokenizers.WordPiece(VOCABULARY, lowercase=True)


def same_weights(one, two):
    assert len(one.weights) == len(two.weights)
    return all(
        np.array_equal(*map(keras.ops.convert_to_numpy, pair)) for pair in zip(one.weights, two.weights, strict=True)
    )


@pytest.fixture(scope="module")
def backbone():
    return bert()


@pytest.fixture
def folder(backbone, tmp_path):
    """A preset of a backbone and a tokenizer."""
    backbone.save_to_preset(tmp_path / "folder")
    word_piece().save_to_preset(tmp_path / "folder")
    return tmp_path / "folder"


@pytest.fixture
def shipped(folder, monkeypatch):
    """The same folder with a card, as the package ships it."""
    root = folder.parent
    folder = folder.rename(root / NAME)
    files = {
        path.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in folder.rglob("*")
        if path.is_file()
    }
    card = CARD | {"source": {"files": files}, "parameter_count": bert().count_params()}
    (root / f"{NAME}.json").write_text(json.dumps(card))
    monkeypatch.setenv("ZOO_PRESETS", str(root))
    return folder


def test_loads_a_backbone_from_a_folder(folder, backbone):
    loaded = presets.load_backbone(folder)
    assert type(loaded) is zoo.BertBackbone
    assert same_weights(loaded, backbone)
    assert same_weights(presets.load_backbone(str(folder)), backbone)


def test_loads_a_backbone_by_name(shipped, backbone):
    assert NAME in zoo.list_presets("bert_pico_*")
    assert same_weights(presets.load_backbone(NAME), backbone)


def test_classes_load_by_name(shipped, backbone):
    loaded = zoo.BertBackbone.from_preset(NAME, dropout=0.3)
    assert same_weights(loaded, backbone) and loaded.dropout == 0.3
    assert not same_weights(zoo.BertBackbone.from_preset(NAME, load_weights=False), backbone)
    assert zoo.tokenizers.WordPiece.from_preset(NAME).vocabulary == VOCABULARY
    with pytest.raises(ValueError, match=r"AlbertBackbone.*of that class.*of BertBackbone"):
        zoo.AlbertBackbone.from_preset(NAME)
    with pytest.raises(ValueError, match=r"Unigram.*of that class.*a WordPiece"):
        zoo.tokenizers.Unigram.from_preset(NAME)
    with pytest.raises(ValueError, match=f"nearest names are: {NAME}"):
        zoo.BertBackbone.from_preset(NAME[:-1])


def test_keras_hub_loads_the_same_folder(folder, backbone):
    loaded = keras_hub.models.Backbone.from_preset(str(folder))
    assert type(loaded) is zoo.BertBackbone
    assert same_weights(loaded, backbone)


def test_random_weights_on_request(shipped, backbone):
    keras.utils.set_random_seed(1)  # of every test it is 0, which the backbone may be drawn from
    loaded = presets.load_backbone(NAME, load_weights=False)
    assert loaded.num_heads == backbone.num_heads
    assert not same_weights(loaded, backbone)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", keras.DTypePolicy("bfloat16")])
def test_loads_in_the_precision_asked_for(folder, backbone, dtype):
    loaded = presets.load_backbone(folder, dtype=dtype)
    assert loaded.dtype_policy.name == keras.dtype_policies.get(dtype).name
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(keras.ops.cast(loaded.weights[0], "float32")), backbone.weights[0], atol=1e-3
    )


def test_the_global_policy_rules_otherwise(folder):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert presets.load_backbone(folder).dtype_policy.name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")


def test_arguments_replace_those_of_the_preset(folder, backbone):
    loaded = presets.load_backbone(folder, dropout=0.0, name="mine")
    assert loaded.dropout == 0.0
    assert loaded.name == "mine"
    assert same_weights(loaded, backbone)
    with pytest.raises(ValueError, match="16 missing"):
        presets.load_backbone(folder, num_layers=3)
    assert presets.load_backbone(folder, load_weights=False, num_layers=3).num_layers == 3
    with pytest.raises(ValueError, match="no argument depth"):
        presets.load_backbone(folder, depth=3)


@pytest.mark.parametrize("file", ["config.json", "model.weights.h5", "assets/tokenizer/vocabulary.txt"])
def test_checks_shipped_files_before_it_uses_them(shipped, file):
    content = bytearray((shipped / file).read_bytes())
    content[len(content) // 2] ^= 1
    (shipped / file).write_bytes(content)
    for load in (presets.load_backbone, presets.load_tokenizer):
        with pytest.raises(ValueError, match=rf"{file}: expected SHA-256 \w+\. Received: \w+(.|\n)*Reinstall"):
            load(NAME)


def test_says_which_shipped_folder_is_missing(shipped):
    shipped.rename(shipped.with_name("elsewhere"))
    with pytest.raises(ValueError, match=r"model\.weights\.h5: missing"):
        presets.load_backbone(NAME)


def test_a_truncated_weight_file_is_named(folder):
    weights = folder / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-1009])
    with pytest.raises(ValueError, match=r"model\.weights\.h5 is corrupt or was cut short"):
        presets.load_backbone(folder)


def test_a_missing_weight_file_is_named(folder):
    (folder / "model.weights.h5").unlink()
    with pytest.raises(ValueError, match=r"model\.weights\.h5 is missing"):
        presets.load_backbone(folder)


def test_loads_sharded_weights(backbone, tmp_path):
    backbone.save_to_preset(tmp_path, max_shard_size=1e-5)
    assert (tmp_path / "model.weights.json").is_file()
    assert same_weights(presets.load_backbone(tmp_path), backbone)


def test_published_sizes_build_with_random_weights():
    loaded = presets.load_backbone("bert_tiny_en_uncased", load_weights=False, dtype="bfloat16", dropout=0.0)
    assert loaded.count_params() == 4_385_920
    assert loaded.dtype_policy.name == "bfloat16"
    assert loaded.dropout == 0.0
    with pytest.raises(ValueError, match=r"no argument depth \(in preset bert_tiny_en_uncased\)"):
        presets.load_backbone("bert_tiny_en_uncased", load_weights=False, depth=3)


def test_shows_a_card_with_its_training_and_scores(shipped):
    console = Console(width=150, file=io.StringIO())
    console.print(presets.describe(NAME))
    text = console.file.getvalue()
    for part in ("shipped", "101 steps", "tales: 1,009 tokens, CC0-1.0", "masked_lm_accuracy 0.31", "0.81 ± 0.012"):
        assert part in text
    assert "0.71 ± 0.02" in text


def test_kaggle_is_asked_through_keras_hub(monkeypatch):
    handle, asked = "kaggle://someone/fnet/keras/model", []
    theirs = keras_hub.models.FNetBackbone(13, 1, 6, 11)  # which this package does not have
    monkeypatch.setattr(keras_hub.models.Backbone, "from_preset", lambda *a, **k: asked.append((a, k)) or theirs)
    assert presets.load_backbone(handle, dtype="bfloat16", dropout=0.0) is theirs
    assert asked == [((handle,), {"load_weights": True, "dtype": "bfloat16", "dropout": 0.0})]
    tokenizer = keras_hub.tokenizers.ByteTokenizer()
    monkeypatch.setattr(keras_hub.tokenizers.Tokenizer, "from_preset", lambda *a: asked.append(a) or tokenizer)
    assert presets.load_tokenizer(handle) is tokenizer
    assert asked[1] == (handle,)


def test_loads_a_preset_of_keras_hub(tmp_path):
    original = keras_hub.models.BertBackbone(**SIZES, max_sequence_length=11)
    original.save_to_preset(tmp_path)
    keras_hub.tokenizers.BertTokenizer(VOCABULARY, lowercase=True).save_to_preset(tmp_path)
    loaded = presets.load_backbone(tmp_path)
    assert type(loaded) is zoo.BertBackbone and loaded.activation == "gelu_approximate"
    assert loaded.count_params() == original.count_params()
    assert presets.load_tokenizer(tmp_path).get_vocabulary() == VOCABULARY


def test_loads_a_tokenizer(folder, shipped):
    for handle in (shipped, NAME):
        tokenizer = presets.load_tokenizer(handle)
        assert type(tokenizer) is zoo.tokenizers.WordPiece
        assert list(tokenizer.get_vocabulary()) == VOCABULARY
        assert tokenizer.encode(["The dog barked."])[0].tolist() == [5, 6, 8, 9, 11]


def test_a_folder_may_hold_a_tokenizer_alone(tmp_path):
    word_piece().save_to_preset(tmp_path)
    assert list(presets.load_tokenizer(tmp_path).get_vocabulary()) == VOCABULARY
    with pytest.raises(ValueError, match=r"The preset has no config\.json"):
        presets.load_backbone(tmp_path)


def test_a_missing_vocabulary_is_named(folder):
    (folder / "assets" / "tokenizer" / "vocabulary.txt").unlink()
    with pytest.raises(ValueError, match=r"vocabulary\.txt"):
        presets.load_tokenizer(folder)


def test_a_tokenizer_never_reads_a_path(folder):
    path = folder / "tokenizer.json"
    configuration = json.loads(path.read_text())
    configuration["config"]["vocabulary"] = "/etc/passwd"
    path.write_text(json.dumps(configuration))
    with pytest.raises(ValueError, match="vocabulary='/etc/passwd'"):
        presets.load_tokenizer(folder)
