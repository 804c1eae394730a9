import json

import h5py
import keras
import numpy as np
import pytest

import zoo
from zoo.weights import load_weights, save_weights


def bert(**changes):
    sizes = dict(vocabulary_size=97, num_layers=2, num_heads=3, hidden_dim=12, intermediate_dim=48)
    return zoo.BertBackbone(**{**sizes, "max_sequence_length": 13, **changes})


def features(length=7):
    ids = np.arange(2 * length).reshape(2, length) % 97
    return {"token_ids": ids, "segment_ids": ids % 2, "padding_mask": np.ones_like(ids)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    backbone = bert()
    path = tmp_path_factory.mktemp("saved") / "model.weights.h5"
    backbone.save_weights(path)
    return backbone, path


@pytest.fixture
def path(saved, tmp_path):
    copy = tmp_path / "model.weights.h5"
    copy.write_bytes(saved[1].read_bytes())
    return copy


def test_loads_every_weight(saved):
    backbone, path = saved
    other = bert()
    load_weights(other, path)
    for one, two in zip(backbone.weights, other.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    expected = keras.ops.convert_to_numpy(backbone(features())["sequence_output"])
    received = keras.ops.convert_to_numpy(other(features())["sequence_output"])
    np.testing.assert_allclose(received, expected, atol=1e-6)


def test_saving_works_as_before_after_loading(saved, tmp_path):
    backbone, path = saved
    load_weights(backbone, path)
    backbone.save_weights(tmp_path / "again.weights.h5")
    load_weights(bert(), tmp_path / "again.weights.h5")
    assert not any("save_own_variables" in vars(layer) for layer in backbone._flatten_layers())


def test_lists_what_is_missing_unused_and_misshapen(path):
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/7"] = np.zeros((3, 5))
        del file["layers/text_embedding/token_embedding/vars/0"]
        file["layers/text_embedding/token_embedding/vars/0"] = np.zeros((101, 12))
    other = bert()
    before = [keras.ops.convert_to_numpy(weight) for weight in other.weights]
    with pytest.raises(ValueError, match="1 missing, 1 unused, 1 of another shape") as error:
        load_weights(other, path)
    for line in (
        "missing: layers/dense/vars/1 (12,)",
        "unused: layers/dense/vars/7 (3, 5)",
        "wrong shape: layers/text_embedding/token_embedding/vars/0: expected (97, 12). Received: (101, 12)",
    ):
        assert line in str(error.value)
    for old, new in zip(before, other.weights, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_layers": 3}, "16 missing, 0 unused, 0 of another shape"),
        ({"num_layers": 1}, "0 missing, 16 unused, 0 of another shape"),
        ({"intermediate_dim": 36}, "0 missing, 0 unused, 6 of another shape"),
        ({"normalize_first": True}, "2 missing, 0 unused, 0 of another shape"),
        ({"num_layers": 5}, "and 28 more"),
    ],
)
def test_refuses_another_architecture(path, changes, expected):
    with pytest.raises(ValueError, match=expected):
        load_weights(bert(**changes), path)


@pytest.mark.parametrize("part", [0, 1, 100, 0.5, 0.999])
def test_refuses_a_file_that_was_cut_short(path, part):
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content)) if isinstance(part, float) else part])
    with pytest.raises(ValueError, match="corrupt or was cut short") as error:
        load_weights(bert(), path)
    assert str(path) in str(error.value)


def test_refuses_a_file_of_another_kind(path):
    path.write_text("not weights, and longer than the header that HDF5 looks for " * 97)
    with pytest.raises(ValueError, match="corrupt or was cut short"):
        load_weights(bert(), path)


def test_refuses_a_damaged_index(path):
    content = bytearray(path.read_bytes())
    content[96:4096] = bytes(4000)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=str(path)):
        load_weights(bert(), path)


def test_names_an_absent_file(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.weights\.h5 is missing"):
        load_weights(bert(), tmp_path / "absent.weights.h5")


@pytest.mark.parametrize("link", [h5py.SoftLink("/layers/dense/vars/0"), h5py.ExternalLink("other.h5", "/a")])
def test_follows_no_links(path, link):
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = link
    with pytest.raises(ValueError, match="missing: layers/dense/vars/0"):
        load_weights(bert(), path)


def test_loads_shards(saved, tmp_path):
    backbone, _ = saved
    path = tmp_path / "model.weights.json"
    backbone.save_weights(path, max_shard_size=1e-5)
    assert len(list(tmp_path.glob("*.h5"))) > 1
    other = bert()
    load_weights(other, path)
    for one, two in zip(backbone.weights, other.weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_names_an_absent_shard(saved, tmp_path):
    path = tmp_path / "model.weights.json"
    saved[0].save_weights(path, max_shard_size=1e-5)
    shard = sorted(tmp_path.glob("*.h5"))[0]
    shard.unlink()
    with pytest.raises(ValueError, match=f"{shard.name} is missing"):
        load_weights(bert(), path)


@pytest.mark.parametrize("weight_map", [{"a": "../elsewhere.weights.h5"}, {"a": "/tmp/a.h5"}, {"a": 3}, [], None])
def test_shards_lie_beside_their_index(tmp_path, weight_map):
    path = tmp_path / "model.weights.json"
    path.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(ValueError, match=str(path)):
        load_weights(bert(), path)


def classifier(num_classes):
    backbone = bert()
    outputs = keras.layers.Dense(num_classes, name="classifier")(backbone(backbone.input)["pooled_output"])
    model = keras.Model(backbone.input, outputs)
    model.compile("adam", "mse")
    return backbone, model


def test_loads_a_head_alone_and_leaves_the_optimizer(tmp_path):
    backbone, model = classifier(5)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(7)
    path = tmp_path / "task.weights.h5"
    keras.saving.save_weights(model, path, objects_to_skip=list(backbone._flatten_layers()))
    with h5py.File(path) as file:
        assert "optimizer" in file
    other_backbone, other = classifier(5)
    before = [keras.ops.convert_to_numpy(weight) for weight in other_backbone.weights]
    load_weights(other, path, skip=[other_backbone])
    np.testing.assert_array_equal(other.layers[-1].kernel, model.layers[-1].kernel)
    for old, new in zip(before, other_backbone.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    assert int(other.optimizer.iterations) == 0


def test_saves_a_head_without_the_optimizer(tmp_path):
    backbone, model = classifier(5)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(7)
    path = tmp_path / "task.weights.h5"
    save_weights(model, path, skip=[backbone])
    with h5py.File(path) as file:
        assert set(file["layers"]) == {"dense"}
        assert "optimizer" not in file
    other_backbone, other = classifier(5)
    load_weights(other, path, skip=[other_backbone])
    np.testing.assert_array_equal(other.layers[-1].kernel, model.layers[-1].kernel)


def test_a_head_of_another_size_is_refused(tmp_path):
    backbone, model = classifier(5)
    path = tmp_path / "task.weights.h5"
    keras.saving.save_weights(model, path, objects_to_skip=list(backbone._flatten_layers()))
    other_backbone, other = classifier(7)
    with pytest.raises(ValueError, match=r"expected \(12, 7\)\. Received: \(12, 5\)"):
        load_weights(other, path, skip=[other_backbone])
