"""`zoo evaluate`: what it trains, scores, leaves, takes up again and refuses."""

import io
import json
import types

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import zoo
from tests import texts
from zoo.cli import app
from zoo.data.benchmarks.rows import TaskRows
from zoo.data.benchmarks.table import read_benchmark
from zoo.training import evaluation
from zoo.training.evaluation_report import notes, summarise, task_score
from zoo.training.evaluation_tasks import KINDS
from zoo.training.optimizers import fine_tuning_grid
from zoo.training.runs import read_metrics

PAIR = ("sentence1", "sentence2", "label")
STARTS = ("pre-trained", "random")


pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    tokenizer = texts.word_piece()
    task = zoo.MaskedLM(texts.backbone(tokenizer, num_layers=1, max_sequence_length=67), tokenizer=tokenizer)
    folder = tmp_path_factory.mktemp("preset") / "tiny"
    task.save_to_preset(folder)
    return str(folder)


def write(folder, files):
    for name, rows in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return folder


def sentences(count, seed=0):
    return [("sentence", "label"), *zip(*texts.reviews(count, seed), strict=True)]


def pairs(count, seed=0, labels=None):
    """Pairs of texts; the label is whether they say the same, or one of those given."""
    found = zip(texts.reviews(count, seed)[0], texts.reviews(count, seed + 1)[0], strict=True)
    rng = np.random.default_rng(seed)
    return [PAIR, *((*pair, labels(rng, row)) for row, pair in enumerate(found))]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Plain SST-2 and STS-B, the latter in the official layout with a test set."""
    header = ("index", "sentence1", "sentence2", "score")
    rows = [(row, *pair) for row, pair in enumerate(pairs(19, labels=lambda rng, row: round(rng.uniform(0, 5), 2))[1:])]
    return write(
        tmp_path_factory.mktemp("glue"),
        {
            "sst2/train.tsv": sentences(23),
            "sst2/dev.tsv": sentences(11, seed=1),
            "STS-B/train.tsv": [header, *rows],
            "STS-B/dev.tsv": [header, *rows[:7]],
            "STS-B/test.tsv": [header[:3], *(row[:3] for row in rows[:5])],
        },
    )


def evaluate(preset, data, benchmark="glue", **settings):
    """Run it; the results and what it printed."""
    shown = io.StringIO()
    settings = {"epochs": 1, "batch_size": 16, **settings}
    return evaluation.evaluate(Console(file=shown, width=140), benchmark, preset, data, **settings), shown.getvalue()


@pytest.fixture(scope="module")
def finished(preset, data, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "glue"
    settings = {"seeds": (0, 1), "compare_random": True, "rows": 16, "run": run}
    return *evaluate(preset, data, **settings), run, settings


def test_scores_and_average(finished):
    results, *_ = finished
    done = {each["task"]: each for each in results["tasks"] if not each["missing"]}
    assert list(done) == ["sst2", "stsb"]
    for each, metrics in ((done["sst2"], ["accuracy"]), (done["stsb"], ["Pearson", "Spearman"])):
        assert list(each["starts"]) == list(STARTS)
        for start in each["starts"].values():
            assert list(start["scores"]) == metrics
            values = np.array([score["values"] for score in start["scores"].values()])
            assert values.shape == (len(metrics), 2)
            assert start["score"]["values"] == pytest.approx(values.mean(axis=0))
            assert start["score"]["mean"] == pytest.approx(values.mean())
            assert start["score"]["spread"] == pytest.approx(values.mean(axis=0).std(ddof=1))
    average = results["average"]["random"]
    scores = [each["starts"]["random"]["score"]["values"] for each in done.values()]
    assert average["values"] == pytest.approx(np.mean(scores, axis=0))
    assert (average["tasks"], average["of"], average["complete"]) == (2, 9, False)


def test_what_is_said_of_the_data(finished):
    results, shown, *_ = finished
    sst2 = next(each for each in results["tasks"] if each["task"] == "sst2")
    assert (sst2["train_rows"], sst2["dev_rows"], sst2["comparable"]) == (16, {"dev": 11}, False)
    assert "SST-2: not comparable with published scores: 11 dev rows, and the official set has 872." in shown
    assert "SST-2: trained on 16 rows, the official set has 67,349." in shown
    assert "MNLI: missing; looked for MNLI/train.tsv, MNLI/dev_matched.tsv" in shown
    assert "incomplete: 2 of 9" in shown and "mean of these tasks" in shown
    assert shown.count("missing") == 2 * 7


def test_what_is_left_behind(finished):
    results, _, run, _ = finished
    assert json.loads((run / "results.json").read_text(encoding="utf-8")) == json.loads(json.dumps(results))
    assert (run / "results.png").read_bytes().startswith(b"\x89PNG")
    parts = {row["part"] for row in read_metrics(run / "metrics.csv")}
    assert parts == {f"{task} {start} seed {seed}" for task in ("sst2", "stsb") for start in STARTS for seed in (0, 1)}
    assert len(list((run / "parts").iterdir())) == len(list((run / "tensorboard").iterdir())) == 8
    assert json.loads((run / "config.json").read_text(encoding="utf-8"))["seeds"] == [0, 1]


def test_answers_in_the_form_of_the_benchmark(finished):
    _, _, run, _ = finished
    lines = (run / "predictions" / "STS-B.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "index\tprediction"
    assert [line.split("\t")[0] for line in lines[1:]] == ["0", "1", "2", "3", "4"]
    assert all(0 <= float(line.split("\t")[1]) <= 5 for line in lines[1:])
    assert sorted(path.name for path in (run / "dev_predictions").iterdir()) == ["SST-2.tsv"]


def test_the_model_that_is_kept_gave_the_answers(finished, data):
    _, _, run, _ = finished
    model = zoo.TextClassifier.from_preset(str(run / "presets" / "sst2"))
    dev = [sentence for sentence, _ in sentences(11, seed=1)[1:]]
    names = {"negative": "0", "positive": "1"}
    expected = [f"{row}\t{names[found.label]}" for row, found in enumerate(model.classify(dev))]
    assert (run / "dev_predictions" / "SST-2.tsv").read_text(encoding="utf-8").splitlines()[1:] == expected


def test_an_interrupted_run_does_only_what_is_lacking(finished, preset, data, monkeypatch):
    results, _, run, settings = finished
    (run / "parts" / "sst2-random-seed-1.json").unlink()
    trained = []
    fine_tune = evaluation.fine_tune
    monkeypatch.setattr(
        evaluation, "fine_tune", lambda *given, **named: trained.append(given[5]) or fine_tune(*given, **named)
    )
    again, _ = evaluate(preset, data, **settings)
    assert trained == ["sst2 random seed 1"]
    assert again["average"] == results["average"]
    rows = [row["part"] for row in read_metrics(run / "metrics.csv")]
    assert len(rows) == len(set(rows)) == 8  # one epoch each: those of the interrupted part are not there twice


def test_another_configuration_is_refused(finished, preset, data):
    *_, settings = finished
    with pytest.raises(ValueError, match=r"epochs: 1 -> 2, seeds: \[0, 1\] -> \[0\]\. Use another"):
        evaluate(preset, data, **{**settings, "seeds": (0,), "epochs": 2})


def test_clue_and_superglue_run_by_the_same_table(preset, tmp_path):
    answers = [{"text": "苹果", "answer_start": 0}]
    paragraph = {"context": "苹果 the film 公司", "qas": [{"id": "q1", "question": "果", "answers": answers}]}
    for name in ("train", "dev"):
        path = tmp_path / "cmrc2018" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"data": [{"paragraphs": [paragraph] * 3}]}), encoding="utf-8")
    results, shown = evaluate(preset, tmp_path, benchmark="clue", run=tmp_path / "run", tasks=["cmrc2018"])
    found = results["tasks"][0]["starts"]["pre-trained"]
    assert list(found["scores"]) == ["exact match", "F1"]
    assert found["score"]["mean"] == found["scores"]["exact match"]["mean"]
    answers = json.loads((tmp_path / "run" / "dev_predictions" / "cmrc2018_predict.json").read_text(encoding="utf-8"))
    assert list(answers) == ["q1"] and isinstance(answers["q1"], str)
    assert "ChID is not supported: " in shown and "Not asked for: AFQMC, TNEWS" in shown


# Choosing from a grid: with a model that only counts.


class Counted:
    """Stands for a model: its answers are right for the first rows, more of them the higher the rate."""

    backbone = types.SimpleNamespace(hidden_dim=16)

    def __init__(self, rate, epochs):
        self.rate, self.epochs = rate, epochs

    def save_to_preset(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rate").write_text(str(self.rate), encoding="utf-8")


@pytest.fixture
def counted(monkeypatch):
    trained = []

    def fine_tune(self, kind, train, name, start, seed, rate, epochs):
        trained.append((start, seed, rate, epochs))
        return Counted(rate, epochs), types.SimpleNamespace(history={"loss": [0.0]})

    def answer(self, model, rows, batch_size):
        right = 3 + 2 * [5e-5, 3e-4, 1e-4, 3e-5].index(model.rate)
        return np.array([label if row < right else 1 - label for row, label in enumerate(rows.labels)])

    monkeypatch.setattr(evaluation.Evaluation, "_fine_tune", fine_tune)
    monkeypatch.setattr(KINDS["classification"], "answer", answer)
    return trained


def test_the_dev_set_chooses_from_the_grid(counted, preset, data, tmp_path):
    run = tmp_path / "run"
    settings = {"grid": True, "epochs": None, "seeds": (2, 3), "tasks": ["sst2"], "run": run}
    results, shown = evaluate(preset, data, **settings)
    assert counted == [
        *(("pre-trained", 2, rate, 4) for rate in (3e-4, 1e-4, 5e-5, 3e-5)),
        ("pre-trained", 3, 3e-5, 4),  # the rate of the best score
    ]
    found = results["tasks"][0]["starts"]["pre-trained"]
    assert (found["learning_rate"], found["epochs"]) == (3e-5, 4)
    assert found["scores"]["accuracy"]["values"] == pytest.approx([9 / 11] * 2)
    assert (run / "presets" / "sst2" / "rate").read_text(encoding="utf-8") == "3e-05"
    assert "chosen by the score on the dev set" in shown
    evaluate(preset, data, **settings)
    assert len(counted) == 5


def test_what_is_given_is_not_tried(counted, preset, data, tmp_path):
    evaluate(preset, data, grid=True, epochs=2, learning_rate=1e-4, tasks=["sst2"], run=tmp_path / "run")
    assert counted == [("pre-trained", 0, 1e-4, 2)]


def test_the_grid_is_that_of_the_papers():
    assert fine_tuning_grid(128) == [(3e-4, 4), (1e-4, 4), (5e-5, 4), (3e-5, 4)]
    assert fine_tuning_grid(768) == [(rate, epochs) for rate in (5e-5, 3e-5, 2e-5) for epochs in (2, 3, 4)]


# Kinds, scores.


def task_of(benchmark, name):
    return read_benchmark(benchmark).choose([name])[0]


def test_a_choice_is_a_pair_for_each(preset):
    kind = KINDS["choice"](task_of("superglue", "copa"))
    rows = TaskRows((["p0", "p1"], ["a0", "a1"], ["b0", "b1"]), [1, 0], [0, 1])
    (first, second), labels = kind.examples(rows)
    assert list(zip(first, second, labels, strict=True)) == [
        ("p0", "a0", 0), ("p1", "a1", 1), ("p0", "b0", 1), ("p1", "b1", 0),
    ]  # fmt: skip
    logits = {"a0": [0, 1], "a1": [0, 9], "b0": [0, 2], "b1": [-5, 3]}
    model = types.SimpleNamespace(predict=lambda x, **named: np.array([logits[text] for text in x[1]], "float32"))
    assert kind.answer(model, rows, 8).tolist() == [1, 0]
    assert kind.submitted([1, 0]) == [1, 0]


def test_a_choice_is_learned_by_a_classifier_of_two_classes(preset, tmp_path):
    header = ("premise", "question", "choice1", "choice2", "label")
    rows = [
        (text, "effect", "the film was good", "the film was bad", row % 2)
        for row, text in enumerate(texts.reviews(9)[0])
    ]
    write(tmp_path, {"copa/train.tsv": [header, *rows], "copa/dev.tsv": [header, *rows]})
    results, _ = evaluate(preset, tmp_path, benchmark="superglue", tasks=["copa"], run=tmp_path / "run")
    assert 0 <= results["average"]["pre-trained"]["mean"] <= 1
    first = (tmp_path / "run" / "dev_predictions" / "COPA.jsonl").read_text(encoding="utf-8").splitlines()[0]
    assert json.loads(first)["idx"] == 0 and json.loads(first)["label"] in (0, 1)


def test_submitted_scores_stay_in_their_range():
    assert KINDS["regression"](task_of("glue", "stsb")).submitted([-0.3, 2.34567, 6.0]) == ["0.000", "2.346", "5.000"]


def test_the_score_of_a_task_is_a_mean_of_means():
    sets = {"dev_matched": {"accuracy": 0.5}, "dev_mismatched": {"accuracy": 0.7}}
    assert task_score(task_of("glue", "mnli"), sets) == pytest.approx(0.6)
    assert task_score(task_of("glue", "mrpc"), {"dev": {"f1": 0.8, "accuracy": 0.7}}) == pytest.approx(0.75)
    assert task_score(task_of("clue", "cmrc2018"), {"dev": {"exact_match": 0.4, "f1": 0.6}}) == pytest.approx(0.4)


def test_a_complete_average_is_the_benchmarks():
    table = read_benchmark("glue")
    loaded, parts = [], {}
    for number, task in enumerate(table.tasks):
        rows = {name: TaskRows((["x"],), [0], [0]) for name in task.needed}
        loaded.append(evaluation.TaskData(task, rows))
        score = number / 10
        scores = {name: dict.fromkeys(task.metrics, score) for name in task.splits_of("dev")}
        part = {"scores": scores, "score": score, "learning_rate": 1e-4, "epochs": 4, "seconds": {}, "train_rows": 1}
        parts[task.name] = {"pre-trained": [part]}
    results = summarise(table, loaded, parts, preset="x", seeds=(0,), grid=False)
    average = results["average"]["pre-trained"]
    assert (average["complete"], average["mean"], average["spread"]) == (True, pytest.approx(0.4), 0.0)
    assert list(results["tasks"][5]["starts"]["pre-trained"]["scores"]) == ["matched accuracy", "mismatched accuracy"]
    assert notes(results)[0] == "Points of 100, one seed: differences of a few points say nothing."


# What is refused before anything is trained.


def test_an_empty_folder_lists_what_was_looked_for(preset, tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(ValueError) as refused:
        evaluate(preset, str(tmp_path / "data"), tasks=["rte"], run=tmp_path / "run")
    assert "No task of GLUE was found" in str(refused.value)
    assert "RTE: RTE/train.tsv, RTE/dev.tsv, rte/train.tsv, rte/dev.tsv, data set rte" in str(refused.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "name, files, message",
    [
        ("cola", [("sentence", "label"), ("We left.", 1), ("We left.", 1)], "Matthews is only defined for rows of two"),
        ("mrpc", [PAIR, ("a", "b", 0)], "F1 is only defined for rows of the second class"),
        ("stsb", [PAIR, ("a", "b", 3), ("c", "d", 3)], "Pearson is only defined for scores that differ"),
    ],
)
def test_a_dev_set_for_which_the_metric_is_not_defined(preset, tmp_path, name, files, message):
    write(tmp_path, {f"{name}/train.tsv": files, f"{name}/dev.tsv": files})
    with pytest.raises(ValueError, match=f"{message}.*Received: the set dev of"):
        evaluate(preset, tmp_path, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_unknown_names(preset, data, tmp_path):
    with pytest.raises(ValueError, match="There is no preset of that name"):
        evaluate("bert_tiny_en_uncased_boks", data)
    with pytest.raises(ValueError, match="The tasks of GLUE are"):
        evaluate(preset, data, tasks=["sst"])


def test_the_shell_command(monkeypatch):
    given = {}
    monkeypatch.setattr(evaluation, "evaluate", lambda console, *places, **named: given.update(named, places=places))
    line = "evaluate glue --preset p --data d --tasks rte,stsb --rows 9 --seeds 2 --grid --compare-random --run r"
    assert CliRunner().invoke(app, line.split()).exit_code == 0
    assert given["places"] == ("glue", "p", "d")
    assert (given["tasks"], given["seeds"], given["rows"], str(given["run"])) == (["rte", "stsb"], (0, 1), 9, "r")
    assert (given["grid"], given["compare_random"], given["epochs"], given["learning_rate"]) == (True, True, None, None)
