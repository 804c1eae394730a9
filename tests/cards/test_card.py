import copy
import json

import pytest

from zoo.cards import ShippedFile, parse_card, read_card_file
from zoo.cards.card import FAMILIES

PUBLISHED = {
    "name": "bert_tiny_en_uncased",
    "architecture": "BertBackbone",
    "description": "A small one.",
    "language": "en",
    "casing": "uncased",
    "backbone": {"vocabulary_size": 97, "num_layers": 2, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 48},
    "parameter_count": 5292,
    "tokenizer": {"kind": "WordPiece", "arguments": {"lowercase": True}},
    "source": {"handle": "hf://someone/a-model_L-2"},
    "licence": "Apache-2.0",
    "paper": "Somebody (2019), https://example.org",
}
TRAINING = {
    "corpora": [{"name": "stories", "licence": "CC0-1.0", "address": "https://example.org", "tokens": 1009}],
    "objective": "MaskedLM() + NextSentence()",
    "command": "zoo pretrain",
    "seed": 3,
    "steps": 101,
    "tokens_seen": 20201,
    "minutes": 61.5,
    "machine": "two CPU cores",
    "held_out": {"loss": 3.5, "masked_lm_accuracy": 0.31},
}
SCORE = {
    "task": "SST-2",
    "split": "dev",
    "metric": "accuracy",
    "mean": 0.81,
    "spread": 0.01,
    "seeds": [0, 1, 2],
    "random_mean": 0.7,
    "random_spread": 0.02,
    "command": "zoo finetune",
}
SHIPPED = PUBLISHED | {
    "name": "bert_tiny_en_uncased_stories",
    "source": {
        "files": {
            "config.json": {"sha256": "0" * 64, "bytes": 7},
            "model.weights.h5": {"sha256": "a" * 64, "bytes": 1_000_003},
        }
    },
    "training": TRAINING,
    "scores": [SCORE],
}


def test_reads_a_published_card():
    card = parse_card(PUBLISHED)
    assert not card.shipped
    assert card.size_in_bytes == 5292 * 4
    assert card.backbone["num_heads"] == 3
    assert card.training is None
    assert card.scores == ()


def test_reads_a_shipped_card():
    card = parse_card(SHIPPED)
    assert card.shipped
    assert card.size_in_bytes == 1_000_010
    assert card.source.files["config.json"] == ShippedFile("0" * 64, 7)
    assert card.training.corpora[0].tokens == 1009
    assert card.scores[0].seeds == (0, 1, 2)


def test_a_handle_may_name_a_commit():
    handle = "hf://someone/a-model_L-2@1f2e3d"
    assert parse_card(PUBLISHED | {"source": {"handle": handle}}).source.handle == handle


def test_lists_every_unknown_key():
    record = copy.deepcopy(SHIPPED) | {"colour": "red"}
    record["training"]["optimiser"] = "Adam"
    record["scores"][0]["f1"] = 0.5
    with pytest.raises(ValueError, match="not valid") as error:
        parse_card(record)
    for key in ("colour", "training.optimiser", "scores[0].f1"):
        assert f"{key}: unknown key" in str(error.value)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("bert_l6_h256_en_uncased", {}),
        ("bert_large_wwm_en_uncased", {}),
        ("bert_base_zh", {"language": "zh", "casing": None}),
        ("bert_base_multi_cased", {"language": "multi", "casing": "cased"}),
        ("albert_base_en_uncased", {"architecture": "AlbertBackbone"}),
        ("roberta_base_en_uncased", {}),
        ("roberta_large_mnli_en_uncased", {}),
        ("electra_small_en_uncased", {"architecture": "AlbertBackbone"}),
        ("electra_base_en_uncased", {}),
        ("flan_t5_base_multi", {"architecture": "T5Backbone", "language": "multi", "casing": None}),
        ("mass_base_en_uncased", {"architecture": "MassBackbone"}),
        ("bert_tiny_en_uncased_books", {"training": TRAINING}),
        ("bert_tiny_zh_wiki_news", {"language": "zh", "casing": None, "training": TRAINING}),
    ],
)
def test_takes_names_by_the_law(name, change):
    assert parse_card(PUBLISHED | {"name": name} | change).name == name


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("bert_en_uncased", {}),
        ("bert_tiny_uncased", {}),
        ("bert_tiny_en", {}),
        ("bert_tiny_en_cased", {}),
        ("bert_tiny_en_cased", {"casing": None, "training": TRAINING}),
        ("tiny_bert_en_uncased", {}),
        ("bert_Tiny_en_uncased", {}),
        ("bert_tiny_zh_uncased", {}),
        ("albert_tiny_en_uncased", {}),
        ("roberta_tiny_en_uncased", {"architecture": "AlbertBackbone"}),
        ("mass_tiny_en_uncased", {"architecture": "T5Backbone"}),
        ("distilbert_en_uncased", {}),
        ("bert_tiny_en_uncased_books", {}),
        ("bert_tiny_en_uncased", {"training": TRAINING}),
        ("bert_tiny_en_uncased_", {"training": TRAINING}),
        ("../bert_tiny_en_uncased", {}),
    ],
)
def test_refuses_other_names(name, change):
    with pytest.raises(ValueError, match="name: "):
        parse_card(PUBLISHED | {"name": name} | change)


def test_says_what_the_models_of_an_architecture_are_called():
    with pytest.raises(
        ValueError, match=r"<family>_<size>_en_uncased.* of `AlbertBackbone` one of albert, electra\. Re"
    ):
        parse_card(PUBLISHED | {"architecture": "AlbertBackbone"})
    with pytest.raises(
        ValueError, match=r"the family of `BartBackbone` one of bart\. Received: 'bert_tiny_en_uncased'"
    ):
        parse_card(PUBLISHED | {"architecture": "BartBackbone"})


@pytest.mark.parametrize("architecture", FAMILIES)
def test_an_architecture_keeps_its_own_name(architecture):
    assert architecture.removesuffix("Backbone").lower() in FAMILIES[architecture]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"parameter_count": 0}, "parameter_count: must be positive"),
        ({"licence": " "}, "licence: must not be empty"),
        ({"language": "English"}, "language: "),
        ({"casing": "lower"}, "casing: "),
        ({"architecture": "Bert"}, "architecture: "),
        ({"architecture": "NopeBackbone", "name": "nope_tiny_en_uncased"}, "architecture: .*Received: 'NopeBackbone'"),
        ({"source": {}}, "source: needs either"),
        ({"source": {"handle": "hf://a/b", "files": {}}}, "source: needs either"),
        ({"source": {"handle": "https://a/b"}}, "source.handle: must be hf://"),
        ({"source": {"files": {"config.json": {"sha256": "0" * 64, "bytes": 7}}}}, "model.weights.h5 is missing"),
        ({"scores": [SCORE | {"seeds": []}]}, r"scores\[0\].seeds: must not be empty"),
        ({"name": SHIPPED["name"], "training": TRAINING | {"corpora": []}}, "training: needs at least one corpus"),
    ],
)
def test_refuses_impossible_values(change, expected):
    with pytest.raises(ValueError, match=expected):
        parse_card(PUBLISHED | change)


@pytest.mark.parametrize("path", ["../../passwd", "/etc/passwd", "assets/../../a", "assets\\a"])
def test_shipped_files_stay_in_their_folder(path):
    record = copy.deepcopy(SHIPPED)
    record["source"]["files"][path] = {"sha256": "0" * 64, "bytes": 7}
    with pytest.raises(ValueError, match="must stay in the folder"):
        parse_card(record)


@pytest.mark.parametrize("file", [{"sha256": "0" * 63, "bytes": 7}, {"sha256": "g" * 64, "bytes": 7}])
def test_refuses_what_is_no_checksum(file):
    record = copy.deepcopy(SHIPPED)
    record["source"]["files"]["config.json"] = file
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        parse_card(record)


def test_a_card_is_named_like_its_file(tmp_path):
    path = tmp_path / "bert_small_en_uncased.json"
    path.write_text(json.dumps(PUBLISHED))
    with pytest.raises(ValueError, match="must be named like its file"):
        read_card_file(path)
    path = path.rename(tmp_path / "bert_tiny_en_uncased.json")
    assert read_card_file(path) == parse_card(PUBLISHED)
