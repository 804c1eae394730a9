"""Presets of KerasHub: written from ours and read as ours, with equal outputs and ids."""

import inspect
import json

import keras
import keras_hub
import numpy as np
import pytest

import zoo
from tests.checks import numbers, quick
from zoo.weights import keras_hub_presets

# KerasHub's T5 says so of itself.
pytestmark = pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")

SIZES = {"vocabulary_size": 97, "num_layers": 2, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29}
ENCODER = {**SIZES, "max_sequence_length": 31, "dropout": 0.1}
GELU = keras.saving.get_registered_object("keras_hub>gelu_approximate")
# The class and its arguments here, and those that are otherwise there.
MODELS = {
    "bert": ("BertBackbone", {**ENCODER, "num_segments": 3, "activation": "gelu_approximate"}, {"num_segments": 3}),
    "albert": ("AlbertBackbone", {**ENCODER, "num_layers": 4, "num_groups": 2, "embedding_dim": 5}, {}),
    "bart": ("BartBackbone", ENCODER, {}),
    "t5 1.0": (
        "T5Backbone",
        {**SIZES, "num_layers": 1, "head_dim": 5},
        {"key_value_dim": 5, "use_gated_activation": False},
    ),
    "t5 1.1": (
        "T5Backbone",
        {**SIZES, "head_dim": 4, "gated": True, "activation": "gelu_approximate", "tie_embedding": False},
        {"activation": GELU, "tie_embedding_weights": False},
    ),
}
THEIRS = {"activation", "head_dim", "gated", "tie_embedding", "normalize_first", "num_segments"}


def ours(kind):
    name, arguments, _ = MODELS[kind]
    return drawn(getattr(zoo, name)(**arguments))


def theirs(kind):
    name, arguments, other = MODELS[kind]
    shared = {key: value for key, value in arguments.items() if key not in THEIRS}
    return drawn(getattr(keras_hub.models, name)(**shared, **other))


def drawn(backbone):
    rng = np.random.default_rng(0)
    for weight in backbone.weights:
        weight.assign(rng.normal(0, 0.3, weight.shape))
    return backbone


def features(backbone):
    rng = np.random.default_rng(1)
    ids, mask = rng.integers(0, 97, (2, 7)), np.array([[1] * 7, [1] * 5 + [0] * 2])
    if "token_ids" in backbone.input:
        return {"token_ids": ids, "segment_ids": rng.integers(0, 2, (2, 7)), "padding_mask": mask}
    target = {"decoder_token_ids": rng.integers(0, 97, (2, 5)), "decoder_padding_mask": np.ones((2, 5), int)}
    return {"encoder_token_ids": ids, "encoder_padding_mask": mask, **target}


def check_equal(first, second, tolerance=1e-5):
    given = features(first)
    found, expected = first(given), second(given)
    assert found.keys() == expected.keys()
    mask = given.get("padding_mask", given.get("encoder_padding_mask")).astype(bool)
    for name, tensor in found.items():
        a, b = numbers(tensor), numbers(expected[name])
        if name in ("sequence_output", "encoder_sequence_output"):
            a, b = a[mask], b[mask]
        assert np.abs(b).max() > 0.1
        np.testing.assert_allclose(a, b, atol=tolerance)


@pytest.mark.parametrize("kind", quick(MODELS, "bert", "albert", "bart", "t5 1.0"))
def test_ours_in_keras_hub(kind, tmp_path):
    backbone = ours(kind)
    keras_hub_presets.save_keras_hub_preset(backbone, tmp_path / "theirs")
    loaded = keras_hub.models.Backbone.from_preset(str(tmp_path / "theirs"))
    assert type(loaded).__module__.startswith("keras_hub.")
    check_equal(backbone, loaded)
    back = zoo.presets.load_backbone(tmp_path / "theirs")
    assert type(back) is type(backbone) is zoo.presets.backbone_class(tmp_path / "theirs")
    left_out = {"name", "dtype", "max_sequence_length"}
    mine, again = backbone.get_config(), back.get_config()
    assert {key: mine[key] for key in mine.keys() - left_out} == {key: again[key] for key in mine.keys() - left_out}
    for weight, copy in zip(backbone.weights, back.weights, strict=True):
        skipped = 2 if "_positions" in weight.path and kind == "bart" else 0
        np.testing.assert_array_equal(numbers(weight)[skipped:], numbers(copy)[skipped:])


@pytest.mark.parametrize("kind", quick(MODELS, "bert", "albert", "bart", "t5 1.0"))
def test_theirs_here(kind, tmp_path):
    backbone = theirs(kind)
    backbone.save_to_preset(str(tmp_path))
    loaded = zoo.presets.load_backbone(tmp_path, dropout=0.3)
    assert type(loaded) is getattr(zoo, MODELS[kind][0]) and loaded.dropout == 0.3
    check_equal(loaded, backbone)
    assert zoo.presets.load_backbone(tmp_path, load_weights=False).count_params() == loaded.count_params()


def test_half_precision(tmp_path):
    backbone = zoo.BertBackbone(**MODELS["bert"][1], dtype="bfloat16")
    keras_hub_presets.save_keras_hub_preset(backbone, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["config"]["dtype"]["config"]["name"] == "bfloat16"
    check_equal(zoo.presets.load_backbone(tmp_path), keras_hub.models.Backbone.from_preset(str(tmp_path)))


def test_a_table_knows_every_argument_of_both_classes():
    for name, table in keras_hub_presets._tables().items():
        here = set(inspect.signature(getattr(zoo, name).__init__).parameters) - {"self", "kwargs", "dtype"}
        assert here == table.arguments.keys() | table.fixed.keys() | set(table.ours_alone)
        there = set(inspect.signature(getattr(keras_hub.models, name).__init__).parameters)
        assert there - {"self", "kwargs", "dtype"} == set(table.arguments.values()) | table.theirs.keys()


@pytest.mark.parametrize(
    ("name", "arguments", "listed"),
    [
        ("BertBackbone", {"normalize_first": True}, ["normalize_first: KerasHub has only False", "activation: "]),
        ("AlbertBackbone", {"sharing": "attention"}, ["sharing: KerasHub has only 'all'. Received: 'attention'"]),
        ("BartBackbone", {"activation": "relu"}, ["activation: KerasHub has only 'gelu'. Received: 'relu'"]),
        ("T5Backbone", {"activation": "silu"}, ["activation: KerasHub has only"]),
    ],
)
def test_what_keras_hub_lacks_is_listed_before_anything_is_written(name, arguments, listed, tmp_path):
    backbone = getattr(zoo, name)(**SIZES, **arguments)
    with pytest.raises(ValueError, match="cannot express this") as error:
        keras_hub_presets.save_keras_hub_preset(backbone, tmp_path / "new")
    assert all(text in str(error.value) for text in listed)
    assert list(tmp_path.iterdir()) == []


def test_weights_that_keras_hub_has_no_place_for(tmp_path):
    backbone = ours("bert")
    backbone.enable_lora(2)
    with pytest.raises(ValueError, match=r"only here: .*lora_kernel_a"):
        keras_hub_presets.save_keras_hub_preset(backbone, tmp_path / "new")
    with pytest.raises(ValueError, match=r"that KerasHub has too was expected.*Received: MassBackbone"):
        keras_hub_presets.save_keras_hub_preset(zoo.MassBackbone(**SIZES), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [{"num_inner_repetitions": 2}, {"num_segments": 3}],
)
def test_settings_that_ours_lacks_stay_keras_hubs(arguments, tmp_path):
    backbone = keras_hub.models.AlbertBackbone(**SIZES, embedding_dim=5, **arguments)
    backbone.save_to_preset(str(tmp_path))
    loaded = zoo.presets.load_backbone(tmp_path, dropout=0.2)
    assert type(loaded) is keras_hub.models.AlbertBackbone and loaded.dropout == 0.2
    assert zoo.presets.backbone_class(tmp_path) is None


def test_architectures_that_ours_lacks_and_older_names(tmp_path):
    keras_hub.models.RobertaBackbone(**SIZES).save_to_preset(str(tmp_path / "other"))
    assert type(zoo.presets.load_backbone(tmp_path / "other")) is keras_hub.models.RobertaBackbone
    theirs("bert").save_to_preset(str(tmp_path / "old"))
    config = tmp_path / "old" / "config.json"
    config.write_text(config.read_text().replace("keras_hub", "keras_nlp"))
    assert type(zoo.presets.load_backbone(tmp_path / "old")) is zoo.BertBackbone


def test_no_other_function_is_read(tmp_path):
    theirs("t5 1.1").save_to_preset(str(tmp_path))
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace("keras_hub>gelu_approximate", "os>system"))
    with pytest.raises(ValueError, match=r"what a preset may not contain: builtins\.function"):
        zoo.presets.load_backbone(tmp_path)
