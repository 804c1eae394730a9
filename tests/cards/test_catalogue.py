import json
import subprocess
import sys

import pytest

from zoo import presets
from zoo.cards import catalogue, find, read_card, read_cards

CARD = {
    "name": "bert_pico_en_uncased",
    "architecture": "BertBackbone",
    "description": "Smaller <than> any.",
    "language": "en",
    "casing": "uncased",
    "backbone": {"vocabulary_size": 97, "num_layers": 2, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 48},
    "parameter_count": 5292,
    "tokenizer": {"kind": "WordPiece", "arguments": {"lowercase": True}},
    "source": {"handle": "hf://someone/a-model"},
    "licence": "Apache-2.0",
    "paper": "Somebody (2019), https://example.org",
}


@pytest.fixture
def own_root(tmp_path, monkeypatch):
    root = tmp_path / "own"
    root.mkdir()
    monkeypatch.setenv("ZOO_PRESETS", str(root))
    (root / "bert_pico_en_uncased.json").write_text(json.dumps(CARD))
    return root


def test_finds_own_cards_first(own_root):
    mine = CARD | {"name": "bert_tiny_en_uncased", "description": "Mine."}
    (own_root / "bert_tiny_en_uncased.json").write_text(json.dumps(mine))
    assert read_card("bert_tiny_en_uncased").description == "Mine."
    names = [card.name for card in read_cards()]
    assert names.count("bert_tiny_en_uncased") == 1
    assert {"bert_pico_en_uncased", "bert_base_zh"} <= set(names)


def test_looks_in_the_package_then_in_the_checkout(tmp_path, monkeypatch):
    package, checkout = tmp_path / "zoo" / "_presets", tmp_path / "presets"
    monkeypatch.delenv("ZOO_PRESETS", raising=False)
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / "zoo" / "cards" / "catalogue.py"))
    for folder, description in ((checkout, "Checkout."), (package, "Package.")):
        folder.mkdir(parents=True)
        (folder / "bert_pico_en_uncased.json").write_text(json.dumps(CARD | {"description": description}))
        assert [card.description for card in read_cards()] == [description]


def test_a_root_that_is_no_folder_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_PRESETS", str(tmp_path / "absent"))
    with pytest.raises(ValueError, match="ZOO_PRESETS must name a folder"):
        presets.list_presets()


def test_a_card_with_an_unknown_key_is_an_error(own_root):
    (own_root / "bert_pico_en_uncased.json").write_text(json.dumps(CARD | {"colour": "red"}))
    with pytest.raises(ValueError, match=r"bert_pico_en_uncased\.json is not valid:\n  colour: unknown key"):
        presets.list_presets()


def test_finds_names_folders_and_hubs(own_root, tmp_path):
    assert find("bert_pico_en_uncased").address == "hf://someone/a-model"
    assert find("bert_pico_en_uncased").folder is None
    assert find("hf://a/b").address == "hf://a/b"
    assert find("kaggle://keras/bert/keras/bert_tiny_en_uncased").card is None
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    assert find(folder).folder == folder
    assert find(str(folder)).folder == folder


def test_a_shipped_card_leads_to_its_folder(own_root):
    files = {name: {"sha256": "0" * 64, "bytes": 1} for name in ("config.json", "model.weights.h5")}
    (own_root / "bert_pico_en_uncased.json").write_text(json.dumps(CARD | {"source": {"files": files}}))
    location = find("bert_pico_en_uncased")
    assert location.folder == own_root / "bert_pico_en_uncased"
    assert location.address is None


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("bert_tny_en_uncased", "bert_tiny_en_uncased"),
        ("bert-base-chinese-zh", "bert_base_zh"),
        ("BERT_large_en_cased", "bert_large_en_cased"),
    ],
)
def test_an_unknown_name_gets_the_nearest(asked, nearest):
    for look in (find, read_card, presets.load_backbone, presets.load_tokenizer, presets.describe):
        with pytest.raises(ValueError, match=rf"nearest names are: .*\b{nearest}\b.*preset='{asked}'"):
            look(asked)


@pytest.mark.parametrize("handle", ["", "  ", 3, None, b"bert"])
def test_refuses_what_is_no_handle(handle):
    with pytest.raises(ValueError, match="Received: preset="):
        find(handle)


def test_a_folder_without_a_configuration_is_no_preset(tmp_path):
    with pytest.raises(ValueError, match=r"has no config\.json and no tokenizer\.json"):
        find(tmp_path)


def test_lists_names_by_pattern():
    every, base = presets.list_presets(), presets.list_presets("bert_base_*")
    assert 0 < len(base) < len(every)
    assert all(name.startswith("bert_base_") for name in base)
    assert base[0] in base
    assert list(base[1:]) == list(base)[1:]
    assert "bert_tiny_en_uncased" not in base
    assert len(presets.list_presets("no such")) == 0


def test_shows_itself_as_a_table(own_root):
    found = presets.list_presets("bert_pico_*")
    for cell in ("bert_pico_en_uncased", "5,292", "to download", "Apache-2.0", "Smaller <than> any."):
        assert cell in repr(found)
    assert "<td>bert_pico_en_uncased</td><td>5,292</td>" in found._repr_html_()
    assert "Smaller &lt;than&gt; any." in found._repr_html_()


def test_names_are_shown_whole_where_there_is_little_room(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    found = presets.list_presets()
    shown = repr(found)
    assert max(map(len, found)) > 30
    assert [name for name in found if name not in shown] == []


def test_listing_needs_no_keras():
    code = (
        "import sys, zoo; repr(zoo.list_presets()); zoo.presets.describe('bert_base_zh');"
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'h5py')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
