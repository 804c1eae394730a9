"""`zoo finetune` and `zoo evaluate` on encoder-decoders: BART by heads, T5 in words."""

import io
import json
import types

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import zoo
from tests import texts
from tests.tasks.test_reading import remarks
from zoo.cli import app
from zoo.data.benchmarks.rows import TaskRows
from zoo.data.benchmarks.table import read_benchmark
from zoo.data.question_answering import read_questions
from zoo.metrics import bleu_score
from zoo.training import evaluation
from zoo.training.evaluation_tasks import KINDS, KINDS_IN_WORDS, kind_for
from zoo.training.finetuning import finetune
from zoo.training.runs import read_metrics

TOKENIZER = texts.word_piece([*"0123456789:", "##.", "##0", "##2", "##4", "##6", "##8"])
SIZES = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 13, "max_sequence_length": 64}


pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """Folders of pre-trained models without a head."""
    folder = tmp_path_factory.mktemp("presets")
    for name, kind in (("t5", zoo.T5Backbone), ("bart", zoo.BartBackbone), ("bert", zoo.BertBackbone)):
        backbone = kind(TOKENIZER.vocabulary_size(), **SIZES)
        task = zoo.MaskedLM if name == "bert" else zoo.Seq2SeqLM
        task(backbone, tokenizer=TOKENIZER).save_to_preset(folder / name)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("glue")
    sentences, labels = remarks(8)
    pairs = [("sentence1", "sentence2", "label"), *zip(sentences, sentences[::-1], np.arange(8) / 2, strict=True)]
    rows = {"sst2": [("sentence", "label"), *zip(sentences, labels, strict=True)], "stsb": pairs}
    for task, lines in rows.items():
        (folder / task).mkdir()
        for name in ("train", "dev"):
            text = "".join("\t".join(map(str, row)) + "\n" for row in lines)
            (folder / task / f"{name}.tsv").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("kind", "tasks"), [pytest.param("t5", ["sst2", "stsb"], marks=pytest.mark.slow), ("bart", ["sst2"])]
)
def test_a_benchmark_is_done_in_words_or_by_heads(kind, tasks, presets, data, tmp_path):
    results = evaluation.evaluate(
        Console(file=io.StringIO()), "glue", str(presets / kind), data, tasks=tasks, run=tmp_path, epochs=1,
        batch_size=8,
    )  # fmt: skip
    done = [each for each in results["tasks"] if not each["missing"]]
    assert [each["task"] for each in done] == tasks
    assert all(np.isfinite(each["starts"]["pre-trained"]["score"]["mean"]) for each in done)
    saved = json.loads((tmp_path / "presets" / "sst2" / "task.json").read_text(encoding="utf-8"))
    assert saved["registered_name"] == ("zoo>TextToText" if kind == "t5" else "zoo>TextClassifier")
    answers = (tmp_path / "dev_predictions" / "SST-2.tsv").read_text(encoding="utf-8").splitlines()
    assert len(answers) == 9 and {line.split("\t")[1] for line in answers[1:]} <= {"0", "1"}


def test_the_kind_goes_by_the_backbone(presets):
    sst2 = next(task for task in read_benchmark("glue").choose(None) if task.name == "sst2")
    for name, kinds in (
        ("t5", KINDS_IN_WORDS),
        ("bart", KINDS),
        ("bert", KINDS),
        ("t5_small_v1_1_en_cased", KINDS_IN_WORDS),
    ):
        preset = name if "_" in name else str(presets / name)
        assert type(kind_for(sst2, preset)) is kinds["classification"]


def test_the_forms_are_those_of_the_paper_or_by_its_rule():
    found = {}
    for name in ("glue", "superglue", "clue"):
        for task in read_benchmark(name).choose(None):
            form = KINDS_IN_WORDS[task.kind](task)._form()
            found[task.name] = form if isinstance(form, str) else form.template
    assert found["mnli"] == "mnli hypothesis: {hypothesis} premise: {premise}"
    assert found["cmrc2018"] == "squad"
    assert found["ocnli"] == "ocnli sentence1: {sentence1} sentence2: {sentence2}"
    assert found["tnews"] == "tnews sentence: {sentence}"
    assert found["copa"] == "copa sentence1: {sentence1} sentence2: {sentence2}"


def test_choices_and_questions_in_words(presets):
    preset = str(presets / "t5")
    choice = KINDS_IN_WORDS["choice"](
        types.SimpleNamespace(name="copa", class_names=("choice1", "choice2"), texts=("",))
    )
    rows = TaskRows((["the film .", "the book ."], ["good", "bad"], ["bad", "good"]), [0, 1], [0, 1])
    model = choice.make(preset)
    model.fit(*choice.examples(rows), epochs=1, verbose=0)
    assert set(choice.answer(model, rows, 4)) <= {0, 1}

    kind = KINDS_IN_WORDS["question_answering"](types.SimpleNamespace(name="cmrc2018", texts=()))
    record = {"question": "good ?", "context": "the film was kind ."}
    answered = read_questions([{**record, "answers": {"text": ["kind"], "answer_start": [13]}}])
    model = kind.make(preset)
    model.fit(*kind.examples(answered), epochs=1, verbose=0)
    assert [type(answer) for answer in kind.answer(model, answered, 4)] == [str]


def test_fine_tuning_in_words(presets, tmp_path):
    sentences, labels = remarks(8)
    table = tmp_path / "table.tsv"
    rows = zip(sentences, ("good" if label else "bad" for label in labels), strict=True)
    table.write_text("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows), encoding="utf-8")
    console = Console(record=True, width=200)
    finetune(console, presets / "t5", table, table, epochs=1, run=tmp_path / "run")
    assert "validation answer_accuracy" in console.export_text()
    loaded = zoo.TextToText.from_preset(tmp_path / "run" / "preset")
    assert loaded.form.template == "classify sentence: {sentence}" and loaded.form.class_names == ("bad", "good")
    found = CliRunner().invoke(app, ["predict", str(tmp_path / "run" / "preset"), "the film was good ."])
    assert found.exit_code == 0, found.output
    assert found.stdout.splitlines()[-1].split("\t")[0] in ("bad", "good")


def test_text_to_text_is_scored_by_what_is_said(presets, tmp_path, monkeypatch):
    table = tmp_path / "pairs.tsv"
    rows = {"the film was good .": "a very good film", "the book was bad .": "a very bad book"}
    table.write_text("text\tsaid\n" + "".join(map("{0[0]}\t{0[1]}\n".format, rows.items())), encoding="utf-8")
    lengths = []

    def generate(self, sources, max_length):
        lengths.append(max_length)
        return [rows[source] if "good" in source else "a very bad film" for source in sources]

    monkeypatch.setattr(zoo.Seq2SeqLM, "generate", generate)
    console = Console(record=True, width=200)
    finetune(
        console, presets / "bart", table, table, task="seq2seq", text_columns=("text",), label_column="said", epochs=2,
        learning_rate=0.25, compare_random=True, run=tmp_path / "run",
    )  # fmt: skip
    bleu = bleu_score(["a very good film", "a very bad film"], list(rows.values()))
    assert 0.5 < bleu < 1
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert {score["start"]: (score["metric"], score["mean"]) for score in scores} == {
        "pre-trained": ("bleu", pytest.approx(bleu)), "random": ("bleu", pytest.approx(bleu)),
    }  # fmt: skip
    assert f"{bleu:.3f}" in console.export_text()
    history = read_metrics(tmp_path / "run" / "metrics.csv")
    assert [float(row["val_exact_match"]) for row in history] == [0.5] * 4
    assert lengths == [6] * 6  # four words and two ends; two epochs and the end, of two starts
    assert json.loads((tmp_path / "run" / "config.json").read_text())["learning_rate"] == 0.25
    assert isinstance(zoo.Seq2SeqLM.from_preset(tmp_path / "run" / "preset").backbone, zoo.BartBackbone)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("bert", {}, "an encoder-decoder, such as a BART or T5. Received: .*a BertBackbone"),
        ("bart", {"text_columns": ("a", "b")}, r"one column of the table. Received: text_columns=\('a', 'b'\)"),
        ("bart", {"text_columns": ("a",)}, "'target'"),
    ],
)
def test_text_to_text_that_cannot_be(kind, options, message, presets, tmp_path):
    table = tmp_path / "pairs.tsv"
    table.write_text("a\tb\nx\ty\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        finetune(Console(), presets / kind, table, table, task="seq2seq", run=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_tags_in_words_are_refused_before_a_folder_is_made(presets, tmp_path):
    with pytest.raises(ValueError, match=r"t5', a T5Backbone, which says its answers in words"):
        finetune(Console(), presets / "t5", "absent", "absent", task="tagging", run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
