import itertools
import json

import numpy as np
import pytest
from rich.console import Console

import zoo
from tests import texts
from zoo.data.inputs import class_labels
from zoo.training.finetuning import finetune
from zoo.training.finetuning_kinds import KINDS

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


def test_a_regressor_is_fitted_and_scored_by_its_correlation(preset, tmp_path):
    table = tmp_path / "pairs.tsv"
    rows = [("a good film", "a great film", 4.5), ("a bad room", "a kind song", 0.5), ("the town", "a town", 4.0)]
    table.write_text("sentence1\tsentence2\tscore\n" + "".join(map("{0[0]}\t{0[1]}\t{0[2]}\n".format, rows)))
    columns = {"text_columns": ("sentence1", "sentence2"), "label_column": "score"}
    console = Console(record=True, width=200)
    finetune(
        console, preset, table, table, task="regression", epochs=1, pooling="mean", run=tmp_path / "run", **columns
    )
    assert "validation pearson" in console.export_text()
    loaded = zoo.TextRegressor.from_preset(tmp_path / "run" / "preset")
    assert loaded.pooling == "mean"
    (score,) = json.loads((tmp_path / "run" / "scores.json").read_text())
    found = loaded.predict(([row[0] for row in rows], [row[1] for row in rows]), verbose=0)[:, 0]
    assert score["mean"] == pytest.approx(np.corrcoef(found, [row[2] for row in rows])[0, 1], abs=1e-4)

    table.write_text("sentence\tlabel\na good film\t4\na film\tmuch\n")
    with pytest.raises(ValueError, match=r"pairs\.tsv: Every label must be a finite number. Received: y\[1\]='much'"):
        finetune(console, preset, table, table, task="regression", run=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def squad(path, count):
    """Records about passages, two questions each, and one record whose answer is elsewhere."""
    passages = [f"the {thing} was {good} ." for thing, good in itertools.product(texts.THINGS, texts.GOOD)][:count]
    paragraphs = [
        {
            "context": passage,
            "qas": [
                {"id": f"{number}-{word}", "question": question, "answers": [{"text": word, "answer_start": start}]}
                for question, word, start in (("what", words[1], 4), ("how", words[3], passage.index(words[3])))
            ],
        }
        for number, passage in enumerate(passages)
        for words in [passage.split()]
    ]
    paragraphs[0]["qas"].append({"id": "odd", "question": "odd", "answers": [{"text": "film", "answer_start": 5}]})
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    return path


def test_a_reader_is_fitted_and_scored_by_its_f1(preset, tmp_path):
    train, dev = squad(tmp_path / "train.json", 13), squad(tmp_path / "dev.json", 7)
    console = Console(record=True, width=200)
    options = {"task": "question-answering", "epochs": 2, "compare_random": True, "rows": 11}
    with pytest.warns(UserWarning, match=r"1 of (15|27) records were left out.*odd") as caught:
        finetune(console, preset, train, dev, run=tmp_path / "run", **options)
    assert sum("1 of 27 records" in str(warning.message) for warning in caught) == 1
    printed = console.export_text()
    assert "11 rows of" in printed and "judged on 14 rows" in printed and "validation f1" in printed
    kept, random = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert (kept["start"], random["start"], kept["metric"]) == ("pre-trained", "random", "f1")
    loaded = zoo.QuestionAnswering.from_preset(tmp_path / "run" / "preset")
    with pytest.warns(UserWarning, match="1 of 15"):
        assert kept["mean"] == pytest.approx(loaded.evaluate_records(dev, on_bad_record="skip")["f1"])
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="training_rows: 11 -> 10"):
        finetune(console, preset, train, dev, run=tmp_path / "run", **{**options, "rows": 10})


@pytest.mark.parametrize(
    ("header", "texts_read", "second"),
    [
        ("文本\t标签", ["好", "坏"], None),
        ("标签\t句子", ["1", "0"], None),
        ("文本1\t文本2\t标签", ["好", "坏"], ["是", "否"]),
        ("text\t文本\t标签", ["好", "坏"], None),
    ],
)
def test_chinese_names_of_columns_are_usual_too(tmp_path, header, texts_read, second):
    columns = header.split("\t")
    rows = [["好", "是", "1"], ["坏", "否", "0"]] if len(columns) == 3 else [["好", "1"], ["坏", "0"]]
    path = tmp_path / "table.tsv"
    path.write_text("\n".join("\t".join(row) for row in [columns, *rows]), encoding="utf-8")
    examples = KINDS["text"].read(path, None, None)
    assert (examples.texts, examples.second) == (texts_read, second)
    assert examples.labels == [row[columns.index("标签")] for row in rows]


@pytest.mark.parametrize("task", ["regression", "question-answering", "tagging"])
def test_what_says_its_answers_in_words_is_refused(task, tmp_path):
    with pytest.raises(ValueError, match="a T5Backbone, which says its answers in words"):
        finetune(Console(), "t5_tiny_en_cased_books", "none.tsv", "none.tsv", task=task)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "tags"}, r"'question-answering', 'seq2seq'\). Received: task='tags'"),
        ({"task": "tagging", "text_columns": ("words",)}, r"text_columns=\('words',\)"),
        ({"task": "tagging", "label_column": "7"}, r"column=7, but .*words\.txt, line 1 has 3 columns"),
        ({"task": "tagging", "label_column": "UPOS"}, "column='UPOS'"),
        ({"task": "tagging", "pooling": "mean"}, "pooling='mean' with task='tagging'"),
        ({"task": "question-answering", "label_column": "answer"}, "fixed names.*label_column='answer'"),
        ({"task": "question-answering", "pooling": "mean"}, "pooling='mean' with task='question-answering'"),
        ({"task": "tagging", "layer_decay": 0}, "Received: layer_decay=0"),
    ],
)
def test_wrong_options_are_refused_before_a_folder_is_made(preset, tagged, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        finetune(Console(), preset, tagged, tagged, run=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_row_without_a_label_is_refused(preset, tmp_path):
    table = tmp_path / "gaps.tsv"
    table.write_text("sentence\tlabel\na film\t1\na book\t\na room\t0\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"gaps.tsv must have a label. Received: 1 rows without: 1"):
        finetune(Console(), preset, table, table, run=tmp_path / "run")
    assert class_labels([0.0, 1.0], "x") == ["0", "1"] and class_labels([0.5, 1.0], "x") == ["0.5", "1.0"]
