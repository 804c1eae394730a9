"""Loading holds each weight once: no random numbers first, no second copy of a tensor, no detour by float32."""

import threading
import tracemalloc
import types
import weakref

import keras
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import zoo
from tests.checks import numbers
from zoo.weights import loading, parts
from zoo.weights.checkpoints import Checkpoint
from zoo.weights.loading import load_checkpoint
from zoo.weights.name_table import Place
from zoo.weights.published import BERT
from zoo.weights.settings import backbone_arguments
from zoo.weights.torch_file import TorchFile
from zoo.weights.undrawn import without_drawing


def bert(**named):
    return zoo.BertBackbone(1009, 2, num_heads=3, hidden_dim=12, intermediate_dim=29, max_sequence_length=31, **named)


@pytest.fixture(scope="module")
def backbone():
    return bert()


@pytest.fixture(scope="module")
def published(backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published") / "model"
    zoo.presets.export_to_huggingface(backbone, folder)
    return folder


@pytest.fixture(scope="module")
def preset(backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "model"
    backbone.save_to_preset(folder)
    return folder


@pytest.fixture
def small_parts(monkeypatch):
    # rows_of_a_part reads it when it is called.
    monkeypatch.setattr(parts, "PART", 97)


def refuse(*positional, **named):
    raise AssertionError("a weight was drawn that is about to be loaded")


@pytest.mark.parametrize("form", ["published", "preset"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "mixed_bfloat16"])
def test_loads_into_the_type_asked_for_without_drawing(form, dtype, backbone, request, monkeypatch, small_parts):
    folder = request.getfixturevalue(form)
    monkeypatch.setattr(keras.initializers.TruncatedNormal, "__call__", refuse)
    loaded = zoo.presets.load_backbone(folder, dtype=dtype)
    kept = "bfloat16" if dtype == "bfloat16" else "float32"
    for one, other in zip(loaded.weights, backbone.weights, strict=True):
        assert keras.backend.standardize_dtype(one.dtype) == kept
        expected = numbers(other).astype(ml_dtypes.bfloat16 if kept == "bfloat16" else "float32")
        np.testing.assert_array_equal(numbers(one).astype("float32"), expected.astype("float32"), err_msg=one.path)


def test_what_a_checkpoint_lacks_is_drawn_after_all(published, tmp_path):
    (tmp_path / "config.json").write_text((published / "config.json").read_text())
    tensors = load_file(published / "model.safetensors")
    without = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler")}
    assert len(without) == len(tensors) - 2
    save_file(without, tmp_path / "model.safetensors")
    with pytest.warns(UserWarning, match=r"do not hold pooler/kernel, pooler/bias, which stay as they were drawn"):
        loaded = zoo.presets.load_backbone(tmp_path)
    kernel, bias = (numbers(weight) for weight in loaded.pooler.weights)
    assert len(np.unique(kernel)) > 100
    assert 0.01 < kernel.std() < 0.03
    assert np.abs(kernel).max() <= 0.0401
    assert not bias.any()


def test_only_this_thread_and_only_for_a_while():
    drawn = {}

    def build(name):
        drawn[name] = keras.layers.Dense(13, kernel_initializer="he_normal")
        drawn[name].build((None, 11))

    before = keras.Layer.add_weight
    with without_drawing() as undrawn:
        build("inside")
        thread = threading.Thread(target=build, args=["beside"])
        thread.start()
        thread.join()
    build("after")
    assert keras.Layer.add_weight is before
    for name in ("beside", "after"):
        assert len(np.unique(numbers(drawn[name].kernel))) > 100
        before = numbers(drawn[name].kernel).copy()
        undrawn.draw(drawn[name].kernel)
        np.testing.assert_array_equal(numbers(drawn[name].kernel), before)
    undrawn.draw(drawn["inside"].kernel)
    assert len(np.unique(numbers(drawn["inside"].kernel))) > 100
    assert not numbers(drawn["inside"].bias).any()


def test_an_error_while_building_leaves_keras_as_it_was():
    before = keras.Layer.add_weight
    with pytest.raises(ValueError, match="num_heads"), without_drawing():
        zoo.BertBackbone(97, 1, num_heads=5, hidden_dim=12, intermediate_dim=29)
    assert keras.Layer.add_weight is before


def test_one_part_is_held_at_a_time(backbone, published, small_parts, monkeypatch):
    checkpoint = Checkpoint(published)
    held, most, given = {}, [], []
    read_parts = Checkpoint.parts

    def watched(self, name):
        for rows in read_parts(self, name):
            number = len(given)
            held[number] = weakref.ref(rows, lambda _, number=number: held.pop(number))
            given.append(rows.size)
            most.append(len(held))
            yield rows

    monkeypatch.setattr(Checkpoint, "parts", watched)
    monkeypatch.setattr(Checkpoint, "read", refuse)
    other = bert()
    config = {"architectures": ["BertModel"]}
    load_checkpoint(BERT, other.weights, checkpoint, backbone_arguments(other), config)
    assert len(given) > 130
    assert sum(given) == other.count_params()
    assert max(given) <= 97
    # The one that is being put into its place, and the next.
    assert max(most) <= 2
    for one, another in zip(other.weights, backbone.weights, strict=True):
        np.testing.assert_array_equal(numbers(one), numbers(another), err_msg=one.path)


def written(form, tensor, folder):
    if form == "safetensors":
        save_file({"weight": tensor}, folder / "model.safetensors")
        return Checkpoint(folder)
    torch = pytest.importorskip("torch", reason="writes the file that is read")
    torch.save({"weight": torch.from_numpy(tensor)}, folder / "pytorch_model.bin")
    return Checkpoint(folder)


@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_a_tensor_is_never_there_in_the_type_of_the_file(form, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "PART", 2**14)
    tensor = np.random.default_rng(0).normal(size=(10_007, 101)).astype("float32")
    checkpoint = written(form, tensor, tmp_path)
    size = 2 * tensor.size
    tracemalloc.start()
    try:
        found = parts.read_whole(checkpoint, "weight", "bfloat16")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(found, tensor.astype(ml_dtypes.bfloat16))
    assert size <= peak < 1.3 * size


def test_tensors_are_compared_in_parts(tmp_path, small_parts):
    tensor = np.arange(1.0, 302.0, dtype="float32").reshape(43, 7)
    other, zeros = tensor.copy(), np.zeros_like(tensor)
    other[-1, -1], zeros[-1, -1] = 0, 1
    save_file(
        {"one": tensor, "same": tensor.astype("float64"), "other": other, "turned": np.ascontiguousarray(tensor.T),
         "zeros": 0 * zeros, "last": zeros, "number": np.zeros((), "float32")},
        tmp_path / "model.safetensors",
    )  # fmt: skip
    checkpoint = Checkpoint(tmp_path)
    assert parts.are_equal(checkpoint, "one", "same")
    assert not parts.are_equal(checkpoint, "one", "other")
    assert not parts.are_equal(checkpoint, "one", "turned")
    assert parts.is_zero(checkpoint, "zeros")
    assert parts.is_zero(checkpoint, "number")
    assert not parts.is_zero(checkpoint, "last")


def test_parts_of_torch_files(tmp_path, small_parts):
    torch = pytest.importorskip("torch", reason="writes the file that is read")
    whole = torch.arange(43 * 11, dtype=torch.float32).reshape(43, 11)
    tensors = {
        "whole": whole, "turned": whole.T, "rows": whole[5:40], "columns": whole[:, 3:7], "number": torch.tensor(3.0),
        "none": torch.zeros(0, 5), "row": whole[7:8].T, "half": whole.to(torch.bfloat16)[2:],
    }  # fmt: skip
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    file = TorchFile(tmp_path / "pytorch_model.bin")
    for name, tensor in tensors.items():
        expected = tensor.float().numpy()
        found = list(file.parts(name))
        assert all(rows.size <= 97 for rows in found)
        if tensor.ndim and tensor.numel():
            np.testing.assert_array_equal(np.concatenate(found).astype("float32"), expected, err_msg=name)
        else:
            assert sum(rows.size for rows in found) == tensor.numel()
        np.testing.assert_array_equal(file.read(name).astype("float32"), expected, err_msg=name)


def test_writing_holds_one_shard(tmp_path):
    wide = zoo.BertBackbone(1009, 7, num_heads=2, hidden_dim=128, intermediate_dim=512, max_sequence_length=31)
    whole = 4 * wide.count_params()
    tracemalloc.start()
    try:
        zoo.presets.export_to_huggingface(wide, tmp_path / "model", max_shard_size=1.2e-3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    shards = [path.stat().st_size for path in (tmp_path / "model").glob("*.safetensors")]
    assert len(shards) > 4
    assert max(shards) < 1.25e6
    assert peak < 2.5e6 < whole / 2
    loaded = zoo.presets.load_backbone(tmp_path / "model")
    for one, other in zip(loaded.weights, wide.weights, strict=True):
        np.testing.assert_array_equal(numbers(one), numbers(other), err_msg=one.path)


def test_what_is_folded_is_added_in_float32():
    def of(value):
        return np.full((1, 1), value, "float16")

    stored = {"weight": of(1.0), "one": of(2**-12), "other": of(2**-12)}
    weight = types.SimpleNamespace(path="there", dtype="float32")
    place = Place(weight, "weight", (1, 1), lambda tensor: tensor)
    table = types.SimpleNamespace(folded={name: ("there", "key", 1) for name in ("one", "other")})
    checkpoint = types.SimpleNamespace(read=stored.get)
    assert loading._tensor(place, table, {name: name for name in stored}, checkpoint).item() == 1 + 2**-11
