import json

import keras
import keras_hub
import pytest

import zoo
from zoo.weights import deserialize, read_configuration

SIZES = {"vocabulary_size": 97, "num_layers": 2, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 48}
BERT = {
    "module": "zoo.models.bert",
    "class_name": "BertBackbone",
    "config": SIZES,
    "registered_name": "zoo>BertBackbone",
}
POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "bfloat16"}, "registered_name": None}


@pytest.fixture
def written(tmp_path):
    def write(configuration):
        path = tmp_path / "config.json"
        path.write_text(configuration if isinstance(configuration, str) else json.dumps(configuration))
        return path

    return write


def build(path, **overrides):
    return deserialize(read_configuration(path), keras_hub.models.Backbone, path, **overrides)


def test_builds_what_was_saved(written):
    backbone = build(written(BERT | {"config": SIZES | {"dtype": POLICY, "activation": "gelu"}}))
    assert type(backbone) is zoo.BertBackbone
    assert backbone.num_heads == 3
    assert backbone.dtype_policy.name == "bfloat16"


def test_overrides_replace_arguments(written):
    backbone = build(written(BERT), num_layers=1, dtype=keras.DTypePolicy("mixed_bfloat16"))
    assert backbone.num_layers == 1
    assert backbone.dtype_policy.name == "mixed_bfloat16"


@pytest.mark.parametrize("kind", [zoo.BertBackbone, keras_hub.models.BertBackbone])
def test_takes_what_keras_writes(written, kind):
    backbone = kind(**SIZES, dtype="mixed_bfloat16", name="mine")
    saved = build(written(keras.saving.serialize_keras_object(backbone)))
    assert type(saved) is kind
    assert saved.get_config() == backbone.get_config()


LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {
        "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None, "closure": None}}
    },
    "registered_name": None,
}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (LAMBDA, "keras.layers.Lambda"),
        ({"module": "os", "class_name": "system", "config": "true", "registered_name": None}, "os.system"),
        (
            {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"},
            "builtins.function",
        ),
        ({"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "x"}}, "TFSMLayer"),
        ({"module": "keras", "class_name": "Model", "config": {}, "registered_name": None}, "keras.Model"),
        ({"module": "zoo.models", "class_name": "A", "config": {}, "registered_name": "zoo>Absent"}, "zoo.models.A"),
        (
            {"module": "zoo", "class_name": "BertBackbone", "config": {}, "registered_name": "Custom>BertBackbone"},
            "zoo.Bert",
        ),
        (
            {"module": "keras_hub.src.utils", "class_name": "os", "config": {}, "registered_name": None},
            "keras_hub.src.utils.os",
        ),
        ({"class_name": "DTypePolicy", "config": {}}, "None.DTypePolicy"),
        ({"vocabulary": "/etc/passwd"}, "vocabulary='/etc/passwd'"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda entry: entry, lambda entry: {"a": [{"b": entry}]}])
def test_refuses_what_could_run_code_or_read_files(written, entry, expected, wrap):
    with pytest.raises(ValueError, match="may not contain") as error:
        read_configuration(written(BERT | {"config": SIZES | {"dropout": wrap(entry)}}))
    assert expected in str(error.value)


def test_refuses_a_forbidden_class_at_the_top(written):
    with pytest.raises(ValueError, match=r"keras\.layers\.Lambda"):
        read_configuration(written(LAMBDA))


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"model_type": "bert", "hidden_size": 12}, "not the configuration of a Keras object"),
        (BERT | {"config": None}, "not the configuration of a Keras object"),
        ("{", "Cannot read the JSON file"),
        ('{"a": "' + "x" * 2_000_000 + '"}', "more than the 1,000,000 allowed"),
    ],
)
def test_refuses_what_is_no_configuration(written, configuration, expected):
    path = written(configuration)
    with pytest.raises(ValueError, match=expected) as error:
        read_configuration(path)
    assert str(path) in str(error.value)


def test_names_an_absent_file(tmp_path):
    with pytest.raises(ValueError, match=r"The preset has no tokenizer\.json"):
        read_configuration(tmp_path / "tokenizer.json")


def test_lists_every_unknown_argument(written):
    path = written(BERT | {"config": SIZES | {"hidden_size": 12, "layers_count": 2}})
    with pytest.raises(ValueError, match="no argument hidden_size, layers_count") as error:
        build(path)
    assert "It takes: vocabulary_size, num_layers, num_heads" in str(error.value)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (SIZES | {"num_heads": 5}, "`num_heads` must divide `hidden_dim`"),
        ({"num_layers": 2}, "missing 4 required positional arguments"),
        (SIZES | {"activation": "no such"}, "no such"),
    ],
)
def test_says_which_file_does_not_build(written, config, expected):
    path = written(BERT | {"config": config})
    with pytest.raises(ValueError, match=expected) as error:
        build(path)
    assert str(path) in str(error.value)


def test_refuses_an_object_of_another_kind(written):
    path = written(BERT)
    with pytest.raises(ValueError, match=r"must hold a Tokenizer\. Received: zoo>BertBackbone"):
        deserialize(read_configuration(path), keras_hub.tokenizers.Tokenizer, path)
