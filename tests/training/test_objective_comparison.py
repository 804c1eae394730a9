"""The comparison of objectives, tiny: equal texts, what it measures, that it is taken up again, what it refuses."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

import zoo
from tests import texts
from zoo.training import objective_comparison
from zoo.training.comparison import fine_tune
from zoo.training.objective_comparison import NONE, OBJECTIVES, compare_objectives
from zoo.training.objective_tasks import ClassTask, SaidClassTask, TextTask, read_task

TINY = {
    "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 29, "max_sequence_length": 41,
    "normalize_first": True, "dropout": 0.0,
}  # fmt: skip
SETTINGS = {"changes": TINY, "tokens": 1000, "text_length": 31, "batch_size": 7, "epochs": 1, "sample": 5}
pytestmark = pytest.mark.usefixtures("eager")
OBJECTIVE, OTHER = "SentencePermutation + TextInfilling", "SpanCorruption"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "text.txt").write_text("\n\n".join(texts.documents(61)), encoding="utf-8")
    tokenizer = texts.word_piece().with_sentinels(10)
    zoo.data.prepare(folder / "text.txt", folder / "prepared", tokenizer, progress=False)
    return folder / "prepared"


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """A file of texts and labels each for training and dev, and tables of sources and targets."""
    folder = tmp_path_factory.mktemp("tasks")
    for name, count in (("train", 21), ("dev", 9)):
        rows = zip(*texts.reviews(count, seed=count), strict=True)
        lines = ["sentence\tlabel", *(f"{text}\t{label}" for text, label in rows)]
        (folder / f"{name}.tsv").write_text("\n".join(lines), encoding="utf-8")
    pairs = [
        {"source": [f"{thing} {word}" for thing in texts.THINGS], "target": [f"the {thing}" for thing in texts.THINGS]}
        for word in ("good", "bad")
    ]
    return {"mood": (folder / "train.tsv", folder / "dev.tsv"), "thing": tuple(pairs)}


def compare(corpus, tasks, run, objectives=(OBJECTIVE,), **options):
    printed = io.StringIO()
    results = compare_objectives(
        Console(width=150, file=printed), corpus, tasks, run, objectives=objectives, **{**SETTINGS, **options}
    )
    return results, printed.getvalue()


def stop_at_thing(*arguments, **options):
    if "thing" in arguments[-1]:
        raise ZeroDivisionError
    return fine_tune(*arguments, **options)


def pretrain_other(*_, objective, **__):
    if objective != OTHER:
        pytest.fail("it is done")
    raise ZeroDivisionError


@pytest.mark.slow
def test_it_is_taken_up_again_and_grows(corpus, tasks, tmp_path, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(objective_comparison, "fine_tune", stop_at_thing)
        with pytest.raises(ZeroDivisionError):
            compare(corpus, tasks, tmp_path)
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()}
    assert sorted(path.name for path in done) == [
        "SentencePermutation-TextInfilling-0.json",
        "mood-SentencePermutation-TextInfilling-0.json",
        "mood-no-pre-training-0.json",
    ]
    results, printed = compare(corpus, tasks, tmp_path)
    assert all(path.stat().st_mtime_ns == time for path, time in done.items()), "a part that was done is done again"
    assert [row["objective"] for row in results["rows"]] == [OBJECTIVE, NONE]
    for row in results["rows"]:
        accuracy, said = row["scores"]["mood"]["accuracy"], row["scores"]["thing"]
        assert 0 <= accuracy.mean <= 1 and len(accuracy.values) == 1
        assert list(said) == ["perplexity", "rouge_l", "bleu", "exact_match"] and said["perplexity"].mean > 1
        assert row["objective"] in printed and f"{100 * accuracy.mean:.1f}" in printed
    assert results["rows"][0]["scores"] != results["rows"][1]["scores"]
    assert results["tokens"] % (7 * 31) == 0 and abs(results["tokens"] - 1000) <= 7 * 31 / 2
    assert (tmp_path / "results.png").stat().st_size > 1000
    written = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert written["rows"][1]["scores"]["mood"]["accuracy"]["values"] == [
        results["rows"][1]["scores"]["mood"]["accuracy"].mean
    ]
    # All that is there is only read; then another objective is trained, and nothing else.
    monkeypatch.setattr(objective_comparison, "fine_tune", lambda *_, **__: pytest.fail("it is done"))
    monkeypatch.setattr(objective_comparison, "pretrain_like", pretrain_other)
    assert compare(corpus, tasks, tmp_path)[0] == results
    with pytest.raises(ZeroDivisionError):
        compare(corpus, tasks, tmp_path, objectives=(OBJECTIVE, OTHER))
    with pytest.raises(ValueError, match="Received: epochs: 1 -> 2"):
        compare(corpus, tasks, tmp_path, epochs=2)


def test_all_objectives_read_the_same_texts(corpus):
    lengths, count = objective_comparison._lengths(corpus, OBJECTIVES, zoo.BartBackbone, 64, 62)
    assert 50 < count <= 62
    tokenizer = zoo.data.load_tokenizer(corpus)
    of_all = {}
    for name, length in lengths.items():
        data = zoo.data.pretraining_dataset(
            str(corpus), tokenizer, zoo.objectives.parse_objective(name), sequence_length=length, batch_size=5, seed=3
        )
        inputs, targets, _ = data[2]
        of_all[name] = inputs["encoder_token_ids"], targets["target_ids"]
    special = {*tokenizer.special_token_ids, *tokenizer.sentinel_ids} - set(tokenizer.encode(["?"])[0].tolist())

    def text(name):
        """What an objective that says the whole text says, without special tokens."""
        return [[int(i) for i in row if i not in special] for row in of_all[name][1]]

    whole = [name for name in OBJECTIVES if name not in ("PrefixLM", "SpanCorruption")]
    assert all(text(name) == text("TextInfilling") for name in whole)
    assert all(len(row) == count for row in text("TextInfilling"))
    for read, said, right in zip(*of_all["PrefixLM"], text("TextInfilling"), strict=True):
        assert [int(i) for i in np.concatenate([read, said]) if i not in special] == right
    for row, right in zip(of_all["SpanCorruption"][0], text("TextInfilling"), strict=True):
        assert {int(i) for i in row if i not in special} <= set(right)


def test_a_task_is_of_texts_or_of_classes(tasks):
    rng = np.random.default_rng(0)
    mood = read_task("mood", *tasks["mood"], rows=5, sample=3, in_words=False, rng=rng)
    assert type(mood) is ClassTask and len(mood.train) == 5 and len(mood.dev) == 9
    assert set(mood.train.labels) <= {"0", "1"}
    assert type(read_task("mood", *tasks["mood"], None, 3, True, rng)) is SaidClassTask
    assert type(read_task("thing", *tasks["thing"], None, 3, False, rng)) is TextTask
    pair = {"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [0, 1]}
    said = read_task("pair", pair, pair, None, 3, True, rng)
    assert said.fitted(said.dev) == (["sentence1: a sentence2: c", "sentence1: b sentence2: d"], ["0", "1"])
    heard = read_task("pair", pair, pair, None, 3, False, rng)
    assert heard.fitted(heard.dev) == ((["a", "b"], ["c", "d"]), ["0", "1"])


def test_bad_input_is_refused_before_work(corpus, tasks, tmp_path):
    run = tmp_path / "run"
    for options, message in (
        ({"objectives": ("MASS",)}, r"Received: \['MASS'\].*take MassStyle"),
        ({"objectives": ("MaskedLM",)}, r"BartBackbone reads.*Received: \['MaskedLM'\]"),
        ({"objectives": (OTHER, OTHER)}, "must be there once"),
        ({"objectives": ("Masks",)}, "An objective is written as"),
        ({"objectives": ("ReplaceSpans(rate=0.4)",), "text_length": 39}, r"need \d+ sentinels"),
        ({"text_length": 40}, "at most the model's 41. Received: text_length=40"),
        ({"like": "bert_tiny_en_uncased"}, "by an encoder-decoder. Received: like='bert_tiny_en_uncased'"),
    ):
        with pytest.raises(ValueError, match=message):
            compare(corpus, tasks, run, **options)
    review = {"text": ["a", "b"], "label": ["x", "y"]}
    for pair, message in (
        ((review, {"text": ["a"], "label": ["z"]}), r"\['x', 'y'\], and \['z'\] only in the second"),
        (({"text": ["a"], "label": ["x"]},) * 2, "at least 2 classes"),
        ((review, {"text": ["a"]}), "needs the columns source and target, or a text and its label"),
        ((tasks["thing"][0], review), "no such column"),
        (("none.tsv", "none.tsv"), "which is not there"),
    ):
        with pytest.raises(ValueError, match=message):
            compare(corpus, {"task": pair}, run)
    with pytest.raises(ValueError, match="at least one task"):
        compare(corpus, {}, run)
    assert not run.exists()
