"""Checkpoints of other libraries: what does not fit or could do harm is refused, by name, before a weight changes."""

import collections
import json
import os
import pickle
import zipfile

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import zoo
from tests.checks import numbers
from zoo.weights.checkpoints import Checkpoint
from zoo.weights.published import BERT, published_table
from zoo.weights.published.heads import class_names
from zoo.weights.settings import backbone_arguments, read_arguments
from zoo.weights.torch_file import TorchFile

CONFIG = {
    "model_type": "bert", "vocab_size": 97, "hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 3,
    "intermediate_size": 29, "max_position_embeddings": 31,
}  # fmt: skip


@pytest.fixture(scope="module")
def backbone():
    return zoo.BertBackbone(97, num_layers=1, num_heads=3, hidden_dim=12, intermediate_dim=29, max_sequence_length=31)


@pytest.fixture
def tensors(backbone):
    """The backbone's weights as a checkpoint has them."""
    found = {}
    for place in BERT.places(backbone.weights, backbone_arguments(backbone), CONFIG):
        found[place.name] = np.zeros(place.shape, "float32")
        place.view(found[place.name])[...] = numbers(place.weight)
    return found


def folder_of(tensors, folder, shards=None):
    (folder / "config.json").write_text(json.dumps(CONFIG))
    if shards is None:
        save_file(tensors, folder / "model.safetensors")
        return folder
    names = sorted(tensors)
    homes = {name: shards[index * len(shards) // len(names)] for index, name in enumerate(names)}
    for shard in shards:
        save_file({name: tensors[name] for name in names if homes[name] == shard}, folder / shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": homes}))
    return folder


def same(found, backbone):
    for one, other in zip(found.weights, backbone.weights, strict=True):
        np.testing.assert_array_equal(numbers(one), numbers(other), err_msg=one.path)


def test_what_is_written_is_read(tensors, backbone, tmp_path):
    same(zoo.presets.load_backbone(folder_of(tensors, tmp_path)), backbone)


def test_shards(tensors, backbone, tmp_path):
    same(zoo.presets.load_backbone(folder_of(tensors, tmp_path, ["a.safetensors", "b.safetensors"])), backbone)


def test_all_that_does_not_fit_is_listed(tensors, tmp_path):
    del tensors["embeddings.LayerNorm.bias"]
    tensors |= {"pooler.dense.bias": np.zeros(11, "float32"), "extra.weight": np.zeros(3, "float32")}
    with pytest.raises(ValueError, match="do not fit a BertBackbone") as caught:
        zoo.presets.load_backbone(folder_of(tensors, tmp_path))
    for problem in (
        "missing: embeddings.LayerNorm.bias (12,)",
        "wrong shape: pooler.dense.bias: expected (12,). Received: (11,)",
        "unused: extra.weight (3,)",
    ):
        assert problem in str(caught.value)


def test_a_file_that_was_cut_short(tensors, tmp_path):
    path = folder_of(tensors, tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="no file of safetensors, or was cut short"):
        zoo.presets.load_backbone(tmp_path)


def test_an_index_and_files_that_do_not_agree(tensors, tmp_path):
    folder_of(tensors, tmp_path, ["a.safetensors"])
    path = tmp_path / "model.safetensors.index.json"
    homes = json.loads(path.read_text())["weight_map"]
    del homes["pooler.dense.bias"]
    path.write_text(json.dumps({"weight_map": {**homes, "new": "a.safetensors"}}))
    with pytest.raises(ValueError, match=r"(?s)do not agree.*new: not in a\.safetensors.*pooler\.dense\.bias: in a"):
        Checkpoint(tmp_path)
    path.write_text(json.dumps({"weight_map": {**homes, "new": "absent.safetensors"}}))
    with pytest.raises(ValueError, match=r"names a file that is not there. Received: .*absent\.safetensors"):
        Checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "deeper/a.safetensors"])
def test_an_index_that_leads_out_of_the_folder(name, tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(ValueError, match="must lie in the folder itself"):
        Checkpoint(tmp_path)


def test_a_link_out_of_the_folder_but_for_the_hubs_cache(tensors, tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    cached, blobs = tmp_path / "models--a--b" / "snapshots" / "1f", tmp_path / "models--a--b" / "blobs"
    for each in (outside, folder, cached, blobs):
        each.mkdir(parents=True)
    save_file(tensors, outside / "w")
    os.link(outside / "w", blobs / "w")
    (folder / "model.safetensors").symlink_to(outside / "w")
    with pytest.raises(ValueError, match="must lie in the folder itself"):
        Checkpoint(folder)
    (cached / "model.safetensors").symlink_to(blobs / "w")
    assert Checkpoint(cached).shapes.keys() == tensors.keys()


# Files of torch, made by hand.


class Names:
    """Pickles as a name of torch, which need not be installed."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Pickler(pickle._Pickler):
    def save(self, thing, save_persistent_id=True):
        if isinstance(thing, Names):
            self.write(pickle.GLOBAL + f"{thing.module}\n{thing.name}\n".encode())
        elif isinstance(thing, Storage):
            super().save(("storage", thing.kind, thing.key, "cpu", 1), save_persistent_id=False)
            self.write(pickle.BINPERSID)
        elif isinstance(thing, Call):
            self.save(thing.function)
            self.save(thing.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(thing, save_persistent_id)


Storage = collections.namedtuple("Storage", "kind key")
Call = collections.namedtuple("Call", "function arguments")
REBUILD = Names("torch._utils", "_rebuild_tensor_v2")


def tensor(key, shape, strides, offset=0, kind="FloatStorage"):
    return Call(REBUILD, (Storage(Names("torch", kind), key), offset, shape, strides, False, {}))


def torch_file(path, state, **storages):
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("archive/data.pkl", "w") as stream:
            Pickler(stream, protocol=2).dump(state)
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key.removeprefix('s')}", values.tobytes())
    return path


def test_views_of_one_storage(tmp_path):
    values = np.arange(12, dtype="float32")
    state = {"a": tensor("0", (3, 4), (4, 1)), "turned": tensor("0", (2, 3), (1, 4), offset=1)}
    file = TorchFile(torch_file(tmp_path / "x.bin", state, s0=values))
    assert file.shapes == {"a": (3, 4), "turned": (2, 3)}
    np.testing.assert_array_equal(file.read("a"), values.reshape(3, 4))
    np.testing.assert_array_equal(file.read("turned"), values.reshape(3, 4).T[1:3])


def test_bfloat16_of_torch(tmp_path):
    values = np.array([1.0, -2.5], ml_dtypes.bfloat16)
    state = {"a": tensor("0", (2,), (1,), kind="BFloat16Storage"), "empty": tensor("0", (0, 3), (3, 1))}
    file = TorchFile(torch_file(tmp_path / "x.bin", state, s0=values))
    assert file.read("a").tolist() == [1.0, -2.5] and file.read("empty").shape == (0, 3)


@pytest.mark.parametrize("call", [("os", "system"), ("builtins", "eval"), ("torch.hub", "load"), ("zoo", "presets")])
def test_a_pickle_that_calls_something_runs_nothing(call, tmp_path):
    state = {"a": Call(Names(*call), (f"touch {tmp_path / 'ran'}",))}
    with pytest.raises(ValueError, match=rf"it names {call[0]}\.{call[1]}, which a file of tensors has no use for"):
        TorchFile(torch_file(tmp_path / "x.bin", state))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("shape", "strides", "offset", "message"),
    [((3, 4), (4, 1), 1, "cut short: a needs 13"), ((2,), (-1,), 1, "cannot be"), ((-2,), (1,), 0, "cannot be")],
)
def test_a_tensor_that_reaches_beyond_its_numbers(shape, strides, offset, message, tmp_path):
    state = {"a": tensor("0", shape, strides, offset)}
    file = TorchFile(torch_file(tmp_path / "x.bin", state, s0=np.zeros(12, "float32")))
    with pytest.raises(ValueError, match=message):
        file.read("a")


@pytest.mark.parametrize("state", [{"a": 3}, [1], {"a": tensor("../0", (1,), (1,))}])
def test_what_is_no_dict_of_tensors(state, tmp_path):
    with pytest.raises(ValueError, match=r"no file of tensors as `torch\.save`"):
        TorchFile(torch_file(tmp_path / "x.bin", state))


def test_what_is_no_archive(tmp_path):
    (tmp_path / "x.bin").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="Save the model anew with safetensors"):
        TorchFile(tmp_path / "x.bin")


def damaged(path, place, value):
    content = bytearray(path.read_bytes())
    content[content.index(place)] = value
    path.write_bytes(content)
    return TorchFile(path)


@pytest.mark.parametrize("use", [TorchFile.read, lambda file, name: list(file.parts(name))], ids=["read", "parts"])
def test_damaged_numbers_are_named(use, tmp_path):
    values = np.arange(3_000, dtype="float32") + 0.5
    state = {"a": tensor("0", (3_000,), (1,))}
    file = damaged(torch_file(tmp_path / "x.bin", state, s0=values), values[7:9].tobytes(), 0xFF)
    with pytest.raises(ValueError, match=r"x\.bin is damaged.*: a cannot be read: Bad CRC-32.*Download it again"):
        use(file, "a")


@pytest.mark.parametrize("code", [b"R", b"(", b"."], ids=["call", "mark", "end"])
def test_a_damaged_pickle_is_named(code, tmp_path):
    state = {"a": tensor("0", (2,), (1,))}
    path = torch_file(tmp_path / "x.bin", state, s0=np.zeros(2, "float32"))
    with zipfile.ZipFile(path) as archive:
        pickled = archive.read("archive/data.pkl")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled.replace(code, b"b"))
    with pytest.raises(ValueError, match=r"x\.bin is no file of tensors.*download it again"):
        TorchFile(path)


def test_a_type_that_numpy_lacks(tmp_path):
    header = json.dumps({"a": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    checkpoint = Checkpoint(tmp_path)
    for use in (checkpoint.read, lambda name: list(checkpoint.parts(name))):
        with pytest.raises(ValueError, match=r"float64 were expected\. Received: a in .*safetensors.*float8"):
            use("a")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_act": ["gelu"]}, r"hidden_act: expected one of .*Received: \['gelu'\]"),
        ({"hidden_dropout_prob": None}, "hidden_dropout_prob: expected a number. Received: None"),
        ({"layer_norm_eps": "1e-12"}, "layer_norm_eps: expected a number. Received: '1e-12'"),
        ({"vocab_size": 97.5}, r"vocab_size: expected an integer\. Received: 97\.5"),
        ({"num_hidden_layers": True}, r"num_hidden_layers: expected an integer\. Received: True"),
    ],
)
def test_settings_of_another_type_are_listed(change, message):
    with pytest.raises(ValueError, match=f"(?s)config.json does not describe a BertBackbone.*{message}"):
        read_arguments(BERT, {**CONFIG, **change}, "config.json")


def test_a_model_type_that_is_no_name(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "model_type": ["bert"]}))
    assert published_table(tmp_path) is None


@pytest.mark.parametrize("names", [["x", "y"], {"a": "x"}, {"1": "x"}], ids=["list", "letter", "gap"])
def test_classes_must_be_numbered(names):
    with pytest.raises(ValueError, match="`id2label` must name the classes 0, 1, 2"):
        class_names({"id2label": names})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"dropuot": 0.1}, ValueError, r"for a preset, not for a task or a backbone\. Received: \['dropuot'\]"),
        ({"max_shard_size": "5GB"}, ValueError, "number of GB above 0.*Received: max_shard_size='5GB'"),
        ({"max_shard_size": float("nan")}, ValueError, "Received: max_shard_size=nan"),
        ({"preset": None}, TypeError, "Received: preset=None of type NoneType"),
    ],
)
def test_what_cannot_be_exported(arguments, error, message, backbone, tmp_path):
    with pytest.raises(error, match=message):
        zoo.presets.export_to_huggingface(**{"preset": backbone, "folder": tmp_path / "new", **arguments})
    assert not (tmp_path / "new").exists()
