"""Models of the hub by name, from a stand-in on this machine."""

import collections
import io
import json
import os
import shutil

import numpy as np
import pytest
from huggingface_hub import constants, file_download
from rich.console import Console
from safetensors.numpy import save_file

import zoo
from tests.checks import numbers
from tests.weights.hub_stand_in import HubStandIn
from zoo.weights import hub
from zoo.weights.checkpoints import Checkpoint

HANDLE = "hf://someone/tiny-bert"
NAME = "bert_pico_en_uncased"
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "cat", "bark", "##ed", "##s", ".", "a"]
SIZES = {"vocabulary_size": 13, "num_layers": 1, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29}
CONFIG = {
    "model_type": "bert", "vocab_size": 13, "hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 3,
    "intermediate_size": 29, "max_position_embeddings": 31,
}  # fmt: skip
CARD = {
    "name": NAME, "architecture": "BertBackbone", "description": "For tests.", "language": "en", "casing": "uncased",
    "backbone": SIZES | {"max_sequence_length": 31}, "parameter_count": 2141,
    "tokenizer": {"kind": "WordPiece", "arguments": {"lowercase": True}}, "source": {"handle": HANDLE},
    "licence": "Apache-2.0", "paper": "Somebody (2019), https://example.org",
}  # fmt: skip


@pytest.fixture(scope="module")
def original():
    return zoo.BertBackbone(**SIZES, max_sequence_length=31)


@pytest.fixture
def folder(original, tmp_path):
    """A model folder of Hugging Face, with files that nobody here has a use for."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    zoo.presets.export_to_huggingface(original, tmp_path / "written")
    (tmp_path / "written" / "model.safetensors").rename(folder / "model.safetensors")
    for name in ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "model.onnx", "modeling.py", "README.md"):
        (folder / name).write_bytes(b"nothing for us")
    return folder


@pytest.fixture
def served(folder, tmp_path, monkeypatch):
    with HubStandIn() as stand_in:
        stand_in.models["someone/tiny-bert"] = folder
        stand_in.be_the_hub(monkeypatch, tmp_path / "cache")
        yield stand_in


@pytest.fixture
def write_card(tmp_path, monkeypatch):
    root = tmp_path / "cards"
    root.mkdir()
    monkeypatch.setenv("ZOO_PRESETS", str(root))

    def write(**changes):
        (root / f"{NAME}.json").write_text(json.dumps({**CARD, **changes}))

    write()
    return write


def same(found, original):
    assert type(found) is type(original)
    for one, other in zip(found.weights, original.weights, strict=True):
        np.testing.assert_array_equal(numbers(one), numbers(other), err_msg=one.path)


def shard(folder):
    """The weights in two files with an index."""
    checkpoint = Checkpoint(folder)
    names = sorted(checkpoint.shapes)
    homes = {name: f"model-{index % 2}.safetensors" for index, name in enumerate(names)}
    for home in sorted(set(homes.values())):
        save_file({name: checkpoint.read(name) for name in names if homes[name] == home}, folder / home)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": homes}))


# What is loaded.


def test_a_model_by_its_address_is_that_of_the_folder(served, folder, original):
    same(zoo.presets.load_backbone(HANDLE), original)
    assert zoo.presets.backbone_class(HANDLE) is zoo.BertBackbone
    tokenizer = zoo.presets.load_tokenizer(HANDLE)
    texts = ["the dog barked.", "THE dogs"]
    assert [each.tolist() for each in tokenizer.encode(texts)] == [[5, 6, 8, 9, 11], [1, 6, 10]]
    task = zoo.TextClassifier.from_preset(HANDLE, num_classes=3)
    same(task.backbone, original)
    assert task.tokenizer.fingerprint() == tokenizer.fingerprint()
    assert tokenizer.fingerprint() == zoo.presets.load_tokenizer(folder).fingerprint()
    same(zoo.presets.load_backbone(HANDLE, dropout=0.3), original)


def test_only_what_is_needed_comes_and_comes_once(served, original, monkeypatch):
    zoo.TextClassifier.from_preset(HANDLE, num_classes=3)
    assert served.files_asked() == ["config.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"]
    served.asked.clear()
    zoo.TextClassifier.from_preset(HANDLE, num_classes=3)
    assert served.asked == ["GET api"]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    served.asked.clear()
    task = zoo.TextClassifier.from_preset(HANDLE, num_classes=3)
    same(task.backbone, original)
    assert list(task.tokenizer.get_vocabulary()) == PIECES
    assert served.asked == []


def test_a_tokenizer_is_refused_before_the_weights_come(served, folder, original):
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_basic_tokenize": False}))
    with pytest.raises(ValueError, match="do_basic_tokenize: only True is implemented"):
        zoo.TextClassifier.from_preset(HANDLE, num_classes=3)
    assert "model.safetensors" not in served.files_asked()
    same(zoo.TextClassifier.from_preset(HANDLE, num_classes=3, tokenizer=None).backbone, original)


def test_how_a_model_says_texts_comes_too(served, folder):
    zoo.presets.export_to_huggingface(zoo.BartBackbone(13, 1, 3, 12, 29), folder.parent / "bart")
    path = folder.parent / "bart" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"architectures": ["BartForConditionalGeneration"]}))
    (path.parent / "generation_config.json").write_text(json.dumps({"forced_bos_token_id": 0}))
    served.models["someone/tiny-bart"] = path.parent
    assert zoo.Seq2SeqLM.from_preset("hf://someone/tiny-bart", tokenizer=None, preprocessor=None).force_start
    assert served.files_asked() == ["config.json", "generation_config.json", "model.safetensors"]


def test_a_card_leads_to_the_hub(served, write_card, original):
    same(zoo.presets.load_backbone(NAME), original)
    assert list(zoo.presets.load_tokenizer(NAME).get_vocabulary()) == PIECES
    with pytest.warns(UserWarning, match="no head for this MaskedLM"):
        task = zoo.MaskedLM.from_preset(NAME)
    same(task.backbone, original)
    assert task.tokenizer is not None


def test_the_first_configurations_name_no_architecture(served, folder, write_card, original):
    (folder / "config.json").write_text(
        json.dumps({key: CONFIG[key] for key in CONFIG if key != "model_type"} | {"type_vocab_size": 2})
    )
    same(zoo.presets.load_backbone(NAME), original)
    assert list(zoo.presets.load_tokenizer(HANDLE).get_vocabulary()) == PIECES
    assert zoo.presets.backbone_class(HANDLE) is zoo.BertBackbone


def test_random_weights_need_no_weights(served, write_card, original):
    assert zoo.presets.load_backbone(NAME, load_weights=False).count_params() == original.count_params()
    assert zoo.TextClassifier.from_preset(NAME, load_weights=False, num_classes=2, tokenizer=None).tokenizer is None
    assert served.asked == []
    task = zoo.TextClassifier.from_preset(NAME, load_weights=False, num_classes=2)
    assert list(task.tokenizer.get_vocabulary()) == PIECES
    assert zoo.presets.load_backbone(HANDLE, load_weights=False).num_heads == 3
    assert "model.safetensors" not in served.files_asked()


@pytest.mark.parametrize("where", ["hub", "cache"])
def test_shards(where, served, folder, original, monkeypatch):
    shard(folder)
    if where == "cache":
        hub.fetch(HANDLE)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    same(zoo.presets.load_backbone(HANDLE), original)
    assert served.files_asked()[-3:] == ["model.safetensors.index.json", "model-0.safetensors", "model-1.safetensors"]


def test_weights_of_torch_where_there_are_no_others(served, folder):
    (folder / "model.safetensors").unlink()
    hub.fetch(HANDLE)
    assert served.files_asked()[-1] == "pytorch_model.bin"
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(ValueError, match=r"no weights that can be read here: none of model\.safeten.*It has: .*tf_mod"):
        hub.fetch(HANDLE)


def test_a_new_commit_brings_what_is_new(served, folder):
    old = hub.fetch(HANDLE)
    (folder / "vocab.txt").write_text("\n".join([*PIECES, "b"]) + "\n")
    served.asked.clear()
    new = hub.fetch(HANDLE)
    assert new != old and new.name == served.commit("someone/tiny-bert")
    assert served.files_asked() == ["vocab.txt"]
    served.asked.clear()
    with pytest.raises(ValueError, match=f"no revision '{old.name}'"):  # this hub keeps no history
        hub.fetch(f"{HANDLE}@{old.name}")
    assert hub.fetch(f"{HANDLE}@{new.name}") == new
    assert served.files_asked() == []


def test_a_commit_that_comes_in_between(served, folder, monkeypatch):
    fetch_configuration = hub._fetch_configuration

    def late(listing):
        (folder / "vocab.txt").write_text("\n".join([*PIECES, "b"]) + "\n")
        return fetch_configuration(listing)

    monkeypatch.setattr(hub, "_fetch_configuration", late)
    found = hub.fetch(HANDLE)
    assert found.name == served.commit("someone/tiny-bert")
    assert (found / "vocab.txt").read_text().endswith("b\n") and (found / "model.safetensors").is_file()


# What has no table here.


def test_an_unknown_architecture_goes_to_keras_hub_and_asks_for_no_weights(served, folder, monkeypatch):
    import keras_hub

    (folder / "config.json").write_text(json.dumps(CONFIG | {"model_type": "unheard_of"}))
    asked = []
    monkeypatch.setattr(keras_hub.models.Backbone, "from_preset", lambda *a, **k: asked.append((a, k)) or "backbone")
    monkeypatch.setattr(keras_hub.tokenizers.Tokenizer, "from_preset", lambda *a: asked.append(a) or "tokenizer")
    assert zoo.presets.load_backbone(HANDLE, dtype="bfloat16", dropout=0.0) == "backbone"
    assert zoo.presets.load_tokenizer(HANDLE) == "tokenizer"
    assert asked == [((HANDLE,), {"load_weights": True, "dtype": "bfloat16", "dropout": 0.0}), (HANDLE,)]
    assert zoo.presets.backbone_class(HANDLE) is None
    assert set(served.files_asked()) == {"config.json"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"architecture": "AlbertBackbone", "name": "albert_pico_en_uncased"},
            "architecture: AlbertBackbone, there Be",
        ),
        ({"backbone": CARD["backbone"] | {"num_layers": 2}}, r"num_layers: 2, there 1\nCorrect the card"),
        ({"backbone": CARD["backbone"] | {"activation": "relu"}}, "activation: 'relu', there 'gelu'"),
        ({"parameter_count": 2143}, "parameter_count: 2,143, there 2,141"),
    ],
)
def test_a_card_that_says_something_else(changes, message, served, write_card, tmp_path):
    write_card(**changes)
    name = changes.get("name", NAME)
    (tmp_path / "cards" / f"{NAME}.json").rename(tmp_path / "cards" / f"{name}.json")
    with pytest.raises(ValueError, match=f"(?s)does not describe what is published at {HANDLE}.*{message}"):
        zoo.presets.load_backbone(name)
    assert ("model.safetensors" in served.files_asked()) == ("parameter_count" in changes)


# What goes wrong.


def test_a_cut_download_goes_on_where_it_was(served, folder, original, monkeypatch):
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1009)  # bytes; what is kept of a cut file is whole chunks
    served.cut["model.safetensors"] = 3001
    same(zoo.presets.load_backbone(HANDLE), original)
    assert served.asked[-2:] == ["GET model.safetensors", "GET model.safetensors bytes=2018-"]


def test_a_hub_that_breaks_down(served, monkeypatch):
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    served.failing["someone/tiny-bert"] = (503, None)
    with pytest.raises(
        ConnectionError, match=rf"config\.json could not be downloaded to its end; ask again .*{HANDLE}"
    ):
        zoo.presets.load_backbone(HANDLE)


def test_a_file_that_is_not_what_the_hub_says_is_removed(served, tmp_path, original):
    served.damaged.add("model.safetensors")
    with pytest.raises(ValueError, match=r"model\.safetensors came as another file than the hub says, and was removed"):
        zoo.presets.load_backbone(HANDLE)
    assert not [path for path in (tmp_path / "cache").rglob("*") if len(path.name) == 64 or "safetensors" in path.name]
    served.damaged.clear()
    same(zoo.presets.load_backbone(HANDLE), original)


def test_a_check_that_was_interrupted_leaves_nothing_unchecked(served, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hub.hashlib, "file_digest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            hub.fetch(HANDLE)
    assert not list((tmp_path / "cache").rglob("model.safetensors"))


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "GatedRepo", r"accept its terms first: do so at http://127\S+/someone/tiny-bert, then .*`hf auth login`"),
        (401, None, r"no model of that name, or does not show it to you \(status 401\).*HF_TOKEN"),
        (403, None, r"does not show it to you \(status 403\).*a token that may read it"),
        (404, "EntryNotFound", r"no file config\.json; http://127\S+/someone/tiny-bert/tree/main shows them"),
    ],
)
def test_a_refusal_says_what_to_do(status, code, message, served):
    served.failing["someone/tiny-bert"] = (status, code)
    with pytest.raises(ValueError, match=rf"{message}.*Received: {HANDLE}"):
        zoo.presets.load_backbone(HANDLE)


@pytest.mark.parametrize(
    ("handle", "message"),
    [
        ("hf://someone/absent", "no model of that name, or does not show it to you .*Received: hf://someone/absent"),
        (f"{HANDLE}@v3", f"no revision 'v3'; http.*shows them. Received: {HANDLE}@v3"),
        ("hf://a/b/c", "is hf://organisation/model, or hf://organisation/model@revision. Received: 'hf://a/b/c'"),
        ("hf://a/../b", "is hf://organisation/model"),
        (f"{HANDLE}@../../x", "is hf://organisation/model"),
    ],
)
def test_what_is_not_there(handle, message, served):
    for load in (zoo.presets.load_backbone, zoo.presets.load_tokenizer):
        with pytest.raises(ValueError, match=message):
            load(handle)


def test_a_model_without_a_configuration(served, folder):
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match=r"has no config\.json, which says what it is\. It has: README\.md, flax"):
        zoo.presets.load_backbone(HANDLE)


def test_offline_without_the_files(served, write_card, monkeypatch):
    hub.fetch(HANDLE, weights=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert list(zoo.presets.load_tokenizer(NAME).get_vocabulary()) == PIECES
    with pytest.raises(ConnectionError, match=f"{HANDLE} is not on this machine in full, .*HF_HUB_OFFLINE"):
        zoo.presets.load_backbone(HANDLE)
    with pytest.raises(ConnectionError, match=r"hf://someone/other is not on this machine, .*give the folder"):
        zoo.presets.load_backbone("hf://someone/other")


def test_a_hub_that_cannot_be_reached(served, original, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ConnectionError, match=r"the hub cannot be asked \(http://127\.0\.0\.1:1: .*[Cc]onnect"):
        zoo.presets.load_backbone(HANDLE)
    monkeypatch.setattr(constants, "ENDPOINT", served.address)
    hub.fetch(HANDLE)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    same(zoo.presets.load_backbone(HANDLE), original)


def test_a_full_disk_is_seen_before_the_weights_come(served, folder, monkeypatch):
    Usage = collections.namedtuple("Usage", "total used free")
    size = (folder / "model.safetensors").stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 0, size - 1))
    with pytest.raises(OSError, match=rf"needs {size:,} bytes more in .*cache, where {size - 1:,} are free"):
        zoo.presets.load_backbone(HANDLE)
    assert served.files_asked()[-1] == "vocab.txt"


@pytest.mark.parametrize(("name", "size"), [("config.json", 1_000_001), ("vocab.txt", 64_000_001)])
def test_a_file_that_is_too_large_does_not_come(name, size, served, folder):
    os.truncate(folder / name, size)
    with pytest.raises(ValueError, match=rf"has at most [\d,]+ bytes\. Received: {name}: {size:,} of {HANDLE}"):
        zoo.presets.load_backbone(HANDLE)
    assert name not in served.files_asked()


def test_an_index_that_names_what_is_not_there(served, folder):
    shard(folder)
    (folder / "model-1.safetensors").unlink()
    with pytest.raises(ValueError, match=r"must name files that are beside it\. Absent: model-1\.safetensors"):
        zoo.presets.load_backbone(HANDLE)
    assert "model-0.safetensors" not in served.files_asked()


def test_a_file_that_models_share_in_the_cache(served, tmp_path, original):
    """As the newest `huggingface_hub` keeps the files of its newest storage."""
    path = hub.fetch(HANDLE) / "model.safetensors"
    blob, shared = path.resolve(), tmp_path / "cache" / "blobs" / "1f" / ("1f" * 32)
    shared.parent.mkdir(parents=True)
    blob.rename(shared)
    blob.symlink_to(shared)
    same(zoo.presets.load_backbone(HANDLE), original)
    elsewhere = shared.rename(shared.with_name("elsewhere"))
    blob.unlink()
    blob.symlink_to(elsewhere)
    with pytest.raises(ValueError, match="must lie in the folder itself"):
        zoo.presets.load_backbone(HANDLE)


# What is shown.


def test_the_list_says_what_is_here(served, write_card):
    def shown():
        console = Console(width=150, file=io.StringIO())
        console.print(zoo.presets.describe(NAME))
        return repr(zoo.list_presets(NAME)), console.file.getvalue()

    before = shown()
    assert "≈ 0.0 MB" in before[0] and "to download" in before[0]
    assert "about 0.0 MB" in before[1] and f"to download, {HANDLE}" in before[1]
    hub.fetch(HANDLE, weights=False)
    assert "to download" in shown()[0]
    hub.fetch(HANDLE)
    served.asked.clear()
    after = shown()
    assert "cached" in after[0] and "≈" not in after[0]
    assert f"cached, {HANDLE}" in after[1]
    assert served.asked == []
