import json

import pytest
from rich.console import Console

import zoo
from tests import texts
from zoo.training.quickstart import finetune

TAGGED = """Good X B-GOOD
films X O

the X O
bad X B-BAD
cold X I-BAD
room X O
"""


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "bert"
    tokenizer = texts.word_piece()
    zoo.MaskedLM(texts.backbone(tokenizer), tokenizer=tokenizer).save_to_preset(folder)
    return folder


@pytest.fixture
def tagged(tmp_path):
    (tmp_path / "words.txt").write_text(TAGGED, encoding="utf-8")
    return tmp_path / "words.txt"


def test_a_tagger_is_fitted_scored_by_its_f1_and_saved(preset, tagged, tmp_path):
    console = Console(record=True, width=200)
    finetune(console, preset, tagged, tagged, task="tagging", epochs=1, run=tmp_path / "run")
    printed = console.export_text()
    assert "2 rows of" in printed and "validation f1" in printed and "zoo.TokenClassifier.from_preset(" in printed
    assert json.loads((tmp_path / "run" / "scores.json").read_text())[0]["metric"] == "f1"
    assert json.loads((tmp_path / "run" / "config.json").read_text())["task"] == "TokenClassifier"
    loaded = zoo.TokenClassifier.from_preset(tmp_path / "run" / "preset")
    assert loaded.labels == ["B-BAD", "B-GOOD", "I-BAD", "O"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "tags"}, r"\('text', 'tagging', 'seq2seq'\). Received: task='tags'"),
        ({"task": "tagging", "text_columns": ("words",)}, r"text_columns=\('words',\)"),
        ({"task": "tagging", "label_column": "7"}, r"column=7, but .*words\.txt, line 1 has 3 columns"),
        ({"task": "tagging", "label_column": "UPOS"}, "column='UPOS'"),
        ({"task": "tagging", "pooling": "mean"}, "pooling='mean' with task='tagging'"),
        ({"task": "tagging", "layer_decay": 0}, "Received: layer_decay=0"),
    ],
)
def test_wrong_options_are_refused_before_a_folder_is_made(preset, tagged, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        finetune(Console(), preset, tagged, tagged, run=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()
