"""The comparison of sentence objectives, tiny: what it measures, that it is taken up again, what it refuses."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

import zoo
from tests import texts
from zoo.training import sentence_objectives
from zoo.training.sentence_objectives import compare_sentence_objectives, judge, table_of

SETTINGS = {
    "like": "bert_tiny_en_uncased",
    "changes": {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 29, "max_sequence_length": 37},
    "steps": 2, "batch_size": 5, "sequence_length": 37, "dtype": "float32", "report_every": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "text.txt").write_text("\n\n".join(texts.documents(61)), encoding="utf-8")
    tokenizer = texts.word_piece()
    zoo.data.prepare(folder / "text.txt", folder / "prepared", tokenizer, progress=False)
    return folder / "prepared"


@pytest.mark.slow
def test_all_three_are_trained_measured_and_taken_up_again(corpus, tmp_path, monkeypatch):
    rows = compare_sentence_objectives(corpus, corpus, tmp_path / "run", seeds=(0,), pairs=128, **SETTINGS)
    assert [row["objective"] for row in rows] == ["none", "next sentence", "sentence order"]
    assert rows[0]["next_sentence"] is None and rows[0]["sentence_order"] is None
    for row in rows:
        measured = {name: score for name, score in row.items() if name != "objective" and score is not None}
        assert all(0 <= score.mean <= 1 and len(score.values) == 1 for score in measured.values())
        assert {"masked_lm", "next_sentence_probe", "sentence_order_probe"} <= measured.keys()
    console = Console(width=150, file=io.StringIO())
    console.print(table_of(rows))
    assert "no head" in console.file.getvalue()
    # A second call reads what is there.
    monkeypatch.setattr(sentence_objectives, "judge", lambda *_: pytest.fail("it was judged already"))
    again = compare_sentence_objectives(corpus, corpus, tmp_path / "run", seeds=(0,), pairs=128, **SETTINGS)
    assert again == rows
    assert len(json.loads((tmp_path / "run" / "results.json").read_text())) == 3


def test_another_configuration_is_refused_before_work(corpus, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"command": "pretrain"}))
    with pytest.raises(ValueError, match="taken up with the configuration"):
        compare_sentence_objectives(corpus, corpus, tmp_path, seeds=(0,), **SETTINGS)
    with pytest.raises(ValueError, match="An objective is written as"):
        compare_sentence_objectives(corpus, corpus, tmp_path / "new", masking="Masks", seeds=(0,), **SETTINGS)
    assert not (tmp_path / "new").exists()


def test_a_head_that_always_says_the_same_is_at_chance(corpus, tmp_path):
    tokenizer = texts.word_piece()
    for sign in (1, -1):
        task = zoo.MaskedLM(
            texts.backbone(tokenizer, max_sequence_length=37), tokenizer=tokenizer, sentence_head="sentence_order"
        )
        weights = task.sentence_classifier.get_weights()
        task.sentence_classifier.set_weights([0 * weights[0], sign * np.array([-1.0, 1.0], "float32")])
        task.save_to_preset(tmp_path / "preset")
        found = judge(tmp_path / "preset", corpus, corpus, 128, 37, 0)
        assert found["sentence_order"] == found["next_sentence"] == 0.5


def test_order_is_judged_on_segments_of_one_document():
    lengths = [np.array([30, 3, 3, 40, 4]), np.array([5, 5])]
    for seed in range(20):
        pairs = sentence_objectives.NeighbourOrder().plan(lengths, 0, 37, np.random.default_rng(seed))
        assert all(pair.document_a == pair.document_b == 0 for pair in pairs)
