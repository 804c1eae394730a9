"""The shell command: what it prints, what it leaves, and how it refuses."""

import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pytest

import zoo
from tests import texts
from zoo import cli
from zoo.shell import options
from zoo.shell.options import LANGUAGES, console
from zoo.shell.recipes import read_recipe
from zoo.shell.remedies import remedy
from zoo.training import quickstart, sentence_objectives
from zoo.training.comparison import Score
from zoo.training.runs import write_metrics

TINY = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 29, "max_sequence_length": 37}
SETTINGS = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]


def shell(*arguments, stdin="", columns=160):
    """Run `zoo` in this process; its exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["zoo", *map(str, arguments)]),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        mock.patch.dict(os.environ, {"COLUMNS": str(columns)}),
        mock.patch.object(console, "_width", columns),  # as wide as the process that made it, under pytest-xdist
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main()
    return ended.value.code or 0, out.getvalue(), err.getvalue()


def works(*arguments, **options):
    code, out, err = shell(*arguments, **options)
    assert code == 0, err
    return out


def refuses(*arguments, **options):
    """The message of a command that must end with code 2, in one line."""
    code, out, err = shell(*arguments, **options)
    assert code == 2, out + err
    assert "Traceback" not in err
    return " ".join(err.split())


def write_table(path, rows, header=("sentence", "label")):
    path.write_text("\n".join("\t".join(map(str, row)) for row in [header, *rows]) + "\n", encoding="utf-8")
    return path


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A preset with random weights and a length that holds the reviews of the embedded sample."""
    tokenizer = texts.word_piece()
    task = zoo.MaskedLM(texts.backbone(tokenizer, max_sequence_length=211), tokenizer=tokenizer)
    folder = tmp_path_factory.mktemp("preset") / "tiny"
    task.save_to_preset(folder)
    return folder


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    return [
        write_table(folder / f"{name}.tsv", zip(*texts.reviews(count, seed=count), strict=True))
        for name, count in (("train", 61), ("dev", 23))
    ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder of `zoo prepare`, from two files that a pattern names; and what it printed."""
    folder = tmp_path_factory.mktemp("corpus")
    for number, part in enumerate((texts.documents(19), texts.documents(11, seed=1))):
        (folder / f"part{number}.text").write_text("\n\n".join(part), encoding="utf-8")
    printed = works("prepare", folder / "part*.text", "--to", folder / "prepared", "--vocabulary-size", 131)
    return folder / "prepared", printed


def pretraining(corpus, run, *more):
    return [
        "pretrain", corpus, "--run", run, *SETTINGS, "--steps", 6, "--report-every", 4, "--batch-size", 5,
        "--sequence-length", 37, "--dtype", "float32", *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def pretrained(corpus, tmp_path_factory):
    run = tmp_path_factory.mktemp("pretraining") / "run"
    more = ("--validation", corpus[0], "--warm-start-tokens", 1009, "--dropout", 0)
    return run, works(*pretraining(corpus[0], run, *more))


def finetuning(run, pretrained, tables, *more):
    train, dev = tables
    return [
        "finetune", pretrained[0] / "preset", "--train", train, "--validation", dev, "--epochs", 2, "--rows", 53,
        "--pooling", "mean", "--compare-random", "--run", run, *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def finetuned(pretrained, tables, tmp_path_factory):
    """A fine-tuning run with `[brackets]` in its path, which `rich` would take for markup."""
    run = tmp_path_factory.mktemp("finetuning") / "my [bold]run"
    return run, works(*finetuning(run, pretrained, tables, "--layer-decay", 0.9))


# Looking.


def test_help_names_every_command():
    printed = works("--help")
    commands = (
        "list show quickstart finetune evaluate predict generate corrupt prepare recipes pretrain distill convert "
        "compare-objectives"
    )
    for name in [*commands.split(), "compare-sentence-objectives"]:
        assert re.search(rf"^\s+{name}\s", printed, re.MULTILINE), name


@pytest.mark.parametrize("task", ["mood", "mood=train.tsv", "=a.tsv,b.tsv", "mood=a.tsv,b.tsv,c.tsv", "mood=a.tsv,"])
def test_a_task_to_compare_by_has_a_name_and_two_tables(tmp_path, task):
    message = refuses("compare-objectives", tmp_path, "--run", tmp_path / "run", "--task", task)
    assert "such as sst2=train.tsv,dev.tsv" in message and f"Received: {task!r}" in message
    assert not (tmp_path / "run").exists()


def test_list_takes_a_pattern():
    printed = works("list", "bert_base_*")
    assert "bert_base_en_uncased" in printed
    assert "bert_tiny" not in printed


def test_show_tells_what_the_card_holds():
    printed = works("show", "bert_base_zh")
    assert "bert_base_zh" in printed
    assert f"{zoo.presets.read_card('bert_base_zh').parameter_count:,}" in printed


def test_a_pipe_gets_plain_and_complete_lines():
    card = zoo.presets.read_card("bert_tiny_zh_mixed")
    shown = works("show", card.name, columns=80)
    lines = shown.splitlines()
    assert f"name: {card.name}" in lines and f"description: {card.description}" in lines
    assert f"trained by: {card.training.command}" in lines
    for score in card.scores:
        assert any(line.endswith(f": {score.command}") for line in lines)
        assert any(line.startswith(f"{score.task} {score.split}\t{score.metric}\t{score.mean:.4g} ") for line in lines)
    assert not re.search("[─│┃━]", shown)
    listed = [line.split("\t") for line in works("list", "bert_tiny_*", columns=80).splitlines()]
    assert [row[0] for row in listed] == list(zoo.presets.list_presets("bert_tiny_*"))
    assert [row[-1] for row in listed if row[0] == card.name] == [card.description]
    recipes = [line.split("\t") for line in works("recipes", columns=80).splitlines()]
    assert ["albert", "albert_base_v2_en_uncased", "", read_recipe("albert").description] in recipes


def test_a_terminal_shows_commands_uncut_below_the_tables(monkeypatch):
    card = zoo.presets.read_card("bert_tiny_zh_mixed")
    monkeypatch.setattr(cli, "console", cli.Console(force_terminal=True, width=80, color_system=None))
    tables, commands = works("show", card.name).split("\ntrained by\n")
    assert max(map(len, tables.splitlines())) == 80 and card.training.command[:30] not in tables
    lines = commands.splitlines()
    assert lines[0] == card.training.command
    assert {score.command for score in card.scores} <= set(lines)
    assert "bert_tiny_zh_mixed" in works("list", "bert_tiny_*") and "presets" in works("list", "bert_tiny_*")


@pytest.mark.parametrize(("pattern", "nearest"), [("bret*", "bert_"), ("*_uncaesd", "_uncased")])
def test_a_pattern_without_a_match_names_the_nearest(pattern, nearest):
    message = refuses("list", pattern)
    assert f"Received: pattern='{pattern}'" in message
    names = message.partition("nearest names are: ")[2].partition(". ")[0].split(", ")
    assert len(names) == 5 and all(nearest in name for name in names)
    assert "nearest" not in refuses("list", "nothing?")


def test_version():
    assert works("--version") == f"zoo {zoo.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["recipes"], 0),
        (["recipes", "albert"], 0),
        (["list", "bret*"], 2),
        (["pretrain", "corpus", "--run", "run", "--recipe", "brt"], 2),
        (["corrupt", "--language", "xx", "a film"], 2),
        (["corrupt", "--objective", "MaskedLn", "a film"], 2),
    ],
)
def test_what_needs_no_keras_does_not_wait_for_it(arguments, code):
    said = (
        f"import sys; from zoo import cli; sys.argv = ['zoo', *{arguments!r}]\n"
        "try: cli.main()\n"
        "except SystemExit as ended: assert (ended.code or 0) == " + str(code) + ", ended.code\n"
        "assert not {'keras', 'tensorflow', 'pandas', 'grain'} & set(sys.modules), 'heavy'"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_languages_are_those_of_quickstart():
    assert LANGUAGES == quickstart.PRESETS


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Use `tokenizer.with_sentinels(3)`", "`zoo prepare ... --sentinels 100`"),
        ("Expected a folder written by `zoo.data.prepare`", "`zoo prepare FILES --to FOLDER`"),
        ("Name the column, `text_columns='...'`", "`--text-columns NAME`"),
    ],
)
def test_a_remedy_in_python_is_one_of_the_shell_too(message, expected):
    assert expected in remedy(message) and remedy("The disk is full") == ""


def test_an_unknown_preset_lists_the_nearest_names():
    message = refuses("show", "bert_bsae_zh")
    assert "ValueError" in message
    assert "bert_base_zh" in message


def test_the_traceback_can_be_asked_for(monkeypatch):
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    monkeypatch.setattr(sys, "argv", ["zoo", "show", "no_such_preset"])
    with pytest.raises(ValueError, match="no preset of that name"):
        cli.main()


def test_corrupt_shows_input_and_target(preset):
    arguments = ["corrupt", "--preset", preset, "--objective", "MaskedLM(mask_token_rate=1.0, random_token_rate=0.0)"]
    printed = works(*arguments, "the film was good and the book was bad .", "--seed", 3)
    assert "[MASK]" in printed
    assert re.search(r"^target +[a-z]", printed, re.MULTILINE)
    assert works(*arguments, "the film was good and the book was bad .", "--seed", 3) == printed
    assert works(*arguments, "the film was good and the book was bad .", "--seed", 4) != printed


def test_corrupt_tells_random_and_kept_tokens_apart_without_colours(preset):
    objective = "MaskedLM(rate=1.0, mask_token_rate=0.0, random_token_rate=0.5)"
    printed = works("corrupt", "--preset", preset, "--objective", objective, "the film was very good and kind .")
    assert re.search(r"<[^>]+>", printed)
    assert re.search(r"_[^_]+_", printed)


def test_corrupt_shows_what_a_decoder_must_say(preset):
    text = "the film was good. the book was bad. the meal was warm."
    printed = works("corrupt", "--preset", preset, "--objective", "TextInfilling + SentencePermutation", text)
    assert "[MASK]" in printed
    assert "target   [CLS] the film was good. the book was bad. the meal was warm. [SEP]" in printed
    printed = works("corrupt", "--preset", preset, "--objective", "SpanCorruption(rate=0.3)", text)
    assert re.search(r"^input .*<extra_id_0>", printed, re.MULTILINE)
    assert re.search(r"^target +<extra_id_0> ", printed, re.MULTILINE)


def test_corrupt_says_that_one_text_has_no_other_document(preset):
    objective = ("corrupt", "--preset", preset, "--objective", "MaskedLM + NextSentence")
    one, other = "the film was good. the book was bad.", "the meal was warm. the room was cold."
    assert "note     Random segments are drawn from other documents" in works(*objective, one)
    assert "note" not in works(*objective, one, other)
    assert "note" in works("corrupt", "--preset", preset, "--objective", "SentenceOrder", one)  # no next one
    shown = zoo.objectives.preview(zoo.objectives.NextSentence(), one, zoo.presets.load_tokenizer(preset))
    assert f"<p>note: {shown.note}</p>" in shown._repr_html_()
    with mock.patch.object(cli, "console", cli.Console(force_terminal=True, width=1000, color_system="truecolor")):
        assert f"note: {shown.note}" in works(*objective, one)


def test_corrupt_refuses_an_unknown_objective(preset):
    message = refuses("corrupt", "--preset", preset, "--objective", "MaskedLn", "the film was good .")
    assert "MaskedLM" in message
    assert "NextSentence" in message


def test_corrupt_refuses_an_unknown_language():
    message = refuses("corrupt", "--language", "xx", "the film was good .")
    assert "language='xx'" in message
    assert "'en', 'zh'" in message


# Preparing and pre-training.


def test_prepare_counts_what_it_wrote(corpus):
    folder, printed = corpus
    assert (folder / "manifest.json").is_file()
    assert "30 documents" in printed
    assert "131 pieces\n" in printed
    assert zoo.data.load_tokenizer(folder).vocabulary_size() <= 131


def test_prepare_says_that_there_were_too_few_pieces(tmp_path):
    (tmp_path / "tale.txt").write_text("The dog barked.\n", encoding="utf-8")
    printed = works("prepare", tmp_path / "tale.txt", "--to", tmp_path / "to", "--vocabulary-size", 300)
    made = zoo.data.load_tokenizer(tmp_path / "to").vocabulary_size()
    assert f"{made} pieces, and not 300: there is too little text for more\n" in printed


def test_prepare_leaves_a_finished_folder_as_it_is(corpus):
    folder, printed = corpus
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.array_record")}
    message = refuses(
        "prepare", folder.parent / "part*.text", "--to", folder, "--vocabulary-size", 97, "--no-lowercase"
    )
    assert "vocabulary_size: 131 -> 97, lowercase: True -> False" in message
    again = works("prepare", folder.parent / "part*.text", "--to", folder, "--vocabulary-size", 131)
    assert again == printed.splitlines(keepends=True)[-1]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.array_record")} == before


def test_prepare_takes_a_vocabulary(tmp_path):
    vocabulary, text = tmp_path / "vocabulary.txt", tmp_path / "tale.txt"
    vocabulary.write_text("\n".join([*texts.SPECIAL, "the", "dog", "barked", "."]) + "\n", encoding="utf-8")
    text.write_text("The dog barked.\n", encoding="utf-8")
    assert "4 tokens" in works("prepare", text, "--to", tmp_path / "to", "--vocabulary", vocabulary)


def test_prepare_refuses_files_that_are_not_there(tmp_path):
    message = refuses("prepare", tmp_path / "corups", "--to", tmp_path / "to")
    assert "corups" in message
    assert not (tmp_path / "to").exists()


def test_prepare_refuses_text_in_another_encoding(tmp_path):
    (tmp_path / "old.txt").write_bytes("床前明月光".encode("gb18030"))
    message = refuses("prepare", tmp_path / "old.txt", "--to", tmp_path / "to")
    assert "not UTF-8" in message
    assert "GB18030" in message


def test_prepare_refuses_another_tokenizer_for_the_same_folder(corpus, tmp_path):
    folder, _ = corpus
    vocabulary = tmp_path / "vocabulary.txt"
    vocabulary.write_text("\n".join([*texts.SPECIAL, "the", "film", "."]) + "\n", encoding="utf-8")
    message = refuses("prepare", folder.parent / "part*.text", "--to", folder, "--vocabulary", vocabulary)
    assert "tokenizer" in message


def test_pretrain_leaves_a_run(pretrained):
    run, printed = pretrained
    for name in ("config.json", "metrics.csv", "curves.png", "result.json", "tensorboard", "checkpoint", "preset"):
        assert (run / name).exists(), name
    assert [int(row["step"]) for row in read_rows(run / "metrics.csv")] == [4, 6]
    assert json.loads((run / "result.json").read_text())["steps"] == 6
    assert "'steps': 6" in printed
    assert all(row["val_loss"] for row in read_rows(run / "metrics.csv"))


def test_pretrain_uses_the_settings(pretrained):
    run, _ = pretrained
    model = zoo.MaskedLM.from_preset(run / "preset")
    assert {name: getattr(model.backbone, name) for name in TINY} == TINY
    assert model.sentence_head == "next_sentence"
    assert model.backbone.vocabulary_size == model.tokenizer.vocabulary_size() <= 131


def dropout_of(model):
    return max(layer.rate for layer in model.backbone._flatten_layers() if isinstance(layer, keras.layers.Dropout))


def test_dropout_of_pretraining_is_not_that_of_fine_tuning(pretrained, corpus, tmp_path):
    model = zoo.MaskedLM.from_preset(pretrained[0] / "preset")
    assert model.backbone.dropout == dropout_of(model) == 0.1
    with mock.patch("zoo.training.recipes.pretrain", return_value={}) as trains:
        works(*pretraining(corpus[0], tmp_path / "run", "--dropout", 0.25))
    assert dropout_of(trains.call_args.args[0]) == 0.25


def test_pretrain_does_not_repeat_a_finished_run(pretrained, corpus):
    run, _ = pretrained
    before = (run / "metrics.csv").read_bytes()
    more = ("--validation", corpus[0], "--warm-start-tokens", 1009, "--dropout", 0)
    works(*pretraining(corpus[0], run, *more))
    assert (run / "metrics.csv").read_bytes() == before


def test_pretrain_refuses_to_go_on_with_another_configuration(pretrained, corpus):
    run, _ = pretrained
    message = refuses(*pretraining(corpus[0], run, "--learning-rate", "2e-3"))
    assert "learning_rate: 0.001 -> 0.002" in message
    assert "warm_start_tokens: 1009 -> 0" in message
    assert "steps" not in message.replace("warmup_steps", "")


def test_a_finished_run_is_gone_on_from_and_not_made_longer(pretrained, corpus):
    run, _ = pretrained
    message = refuses(*pretraining(corpus[0], run, "--steps", 9))
    assert "ended after 6 steps" in message and "Received: steps=9" in message
    assert f"`--from {run / 'preset'}`" in message


@pytest.mark.parametrize("objective", ["MaskedLM + NextSentence", "MaskedLM", "MaskedLM + SentenceOrder"])
def test_pretrain_goes_on_from_a_preset(pretrained, tmp_path, objective):
    start = pretrained[0] / "preset"
    (tmp_path / "own.txt").write_text("\n\n".join(texts.documents(13, seed=5)), encoding="utf-8")
    works("prepare", tmp_path / "own.txt", "--to", tmp_path / "own", "--vocabulary", start)
    short = ("--steps", 2, "--batch-size", 5, "--sequence-length", 37, "--dtype", "float32")
    run = tmp_path / "run"
    works(
        "pretrain", tmp_path / "own", "--run", run, "--from", start, "--objective", objective,
        "--learning-rate", "1e-9", "--dropout", 0, *short,
    )  # fmt: skip
    before, after = (zoo.MaskedLM.from_preset(folder) for folder in (start, run / "preset"))
    assert after.backbone.dropout == 0.1
    kept = [(model.backbone.weights, model.masked_lm_head.weights) for model in (before, after)]
    if "NextSentence" in objective:
        kept = [(model.weights,) for model in (before, after)]
    # So slowly that nothing has changed.
    for one, other in zip(*map(chain.from_iterable, kept), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6, err_msg=one.path)
    assert json.loads((run / "config.json").read_text())["start"] == str(start)


def test_pretrain_goes_on_with_the_preset_as_it_is(pretrained, corpus, tmp_path):
    start, run = pretrained[0] / "preset", tmp_path / "run"
    bare = ("pretrain", corpus[0], "--run", run, "--from", start)
    assert "changes={'num_layers': '3'}" in refuses(*bare, "--set", "num_layers=3")
    assert "--like bert_tiny_en_uncased" in refuses(*bare, "--like", "bert_tiny_en_uncased")
    quantized = zoo.MaskedLM.from_preset(start)
    quantized.quantize("int8")
    quantized.save_to_preset(tmp_path / "quantized")
    message = refuses("pretrain", corpus[0], "--run", run, "--from", tmp_path / "quantized")
    assert "a backbone of the zoo that is not quantized" in message
    (tmp_path / "own.txt").write_text("\n\n".join(texts.documents(13)), encoding="utf-8")
    works("prepare", tmp_path / "own.txt", "--to", tmp_path / "own", "--vocabulary-size", 70)
    message = refuses("pretrain", tmp_path / "own", "--run", run, "--from", start)
    assert f"zoo prepare ... --vocabulary {start}" in message
    assert not run.exists()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--set", "hidden_dims=16"], "hidden_dims"),
        (["--set", "dropout"], "name=value"),
        (["--set", "num_heads=3"], "num_heads=3"),
        (["--objective", "NextSentense"], "NextSentence"),
        (["--like", "bert_tiny_en_uncasd"], "bert_tiny_en_uncased"),
        (["--validation", "nowhere"], "nowhere"),
        (["--sequence-length", "3"], "sequence_length=3"),
        (["--sequence-length", "38"], "--set max_sequence_length=38"),
    ],
)
def test_pretrain_refuses_before_it_writes_anything(corpus, tmp_path, more, expected):
    run = tmp_path / "run"
    assert expected in refuses(*pretraining(corpus[0], run, *more))
    assert not run.exists()


def test_pretrain_refuses_a_folder_that_was_not_prepared(tmp_path):
    (tmp_path / "corpus.txt").write_text("The dog barked.", encoding="utf-8")
    for path in (tmp_path, tmp_path / "corpus.txt"):
        assert "`zoo prepare FILES --to FOLDER`" in refuses(*pretraining(path, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_recipe_brings_its_objective_and_optimizer(corpus, tmp_path):
    works(*pretraining(corpus[0], tmp_path / "run", "--recipe", "roberta"))
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["objective"] == "MaskedLM" and config["optimizer"]["beta_2"] == 0.98
    assert zoo.MaskedLM.from_preset(tmp_path / "run" / "preset").sentence_head is None
    assert "'roberta'" in refuses(*pretraining(corpus[0], tmp_path / "other", "--recipe", "xlnet"))


@pytest.mark.parametrize(
    ("recipe", "kind"), [("albert", "AlbertBackbone"), ("mass", "MassBackbone"), ("bart", "BartBackbone")]
)
def test_a_recipe_brings_its_architecture(corpus, tmp_path, recipe, kind):
    with mock.patch("zoo.training.recipes.pretrain", return_value={}) as trains:
        works(*pretraining(corpus[0], tmp_path / "run", "--recipe", recipe))
    task, batches = trains.call_args.args[:2]
    assert type(task.backbone).__name__ == kind
    inputs, *_ = next(iter(batches.feed()))
    assert set(task.input) == set(inputs)


def test_a_recipe_for_a_machine_brings_its_settings_and_what_is_given_comes_first(corpus, tmp_path):
    small = ["--set", "num_layers=1", "--set", "hidden_dim=8", "--set", "intermediate_dim=16", "--steps", 2]
    works("pretrain", corpus[0], "--run", tmp_path / "run", "--recipe", "bert_laptop", *small)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["steps"], config["batch_size"], config["sequence_length"]) == (2, 32, 64)
    assert config["backbone"]["normalize_first"] and config["backbone"]["hidden_dim"] == 8
    assert config["objective"] == "MaskedLM(rate=0.25) + NextSentence" and config["warm_start_tokens"] == 20_000_000


def test_recipes_are_listed_and_shown():
    listed = works("recipes")
    assert all(name in listed for name in ("roberta", "bert_laptop", "bert_gpu", "bert_tpu"))
    shown = works("recipes", "bert_gpu")
    assert "MaskedLM(rate=0.25)" in shown and "expect: Not run by this project" in shown
    assert "'bert_laptop'" in refuses("recipes", "bert_desktop")


def test_batches_are_shared_by_jax_alone(corpus, tmp_path):
    if keras.config.backend() == "jax":
        pytest.skip("Keras shares batches on JAX")
    for command in (
        pretraining(corpus[0], tmp_path / "run"),
        ("finetune", "bert_tiny_en_uncased_books", "--train", "train.tsv", "--validation", "dev.tsv"),
        ("evaluate", "glue", "--preset", "bert_tiny_en_uncased_books", "--data", "glue"),
    ):
        assert "KERAS_BACKEND=jax" in refuses(*command, "--data-parallel")


@pytest.mark.slow
def test_an_encoder_decoder_is_pre_trained_too(corpus, tmp_path):
    bart = ["--like", "bart_base_en_cased", "--recipe", "bart"]
    works(*pretraining(corpus[0], tmp_path / "run", *bart))
    model = zoo.Seq2SeqLM.from_preset(tmp_path / "run" / "preset")
    assert isinstance(model.backbone, zoo.BartBackbone)
    said = model.generate(["the film", "a film"], max_length=5)
    sources = "the film\n\na film\n"
    printed = works("generate", tmp_path / "run" / "preset", "--max-length", 5, stdin=sources)
    assert printed.splitlines() == said
    beam = works("generate", tmp_path / "run" / "preset", "the film", "--sampler", "beam", "--max-length", 5)
    assert beam.splitlines() == [model.generate("the film", max_length=5, sampler="beam")]
    assert "Received: sampler='best'" in refuses("generate", tmp_path / "run" / "preset", "a film", "--sampler", "best")
    assert "sentinels" in refuses(*pretraining(corpus[0], tmp_path / "other", *bart[:2], "--recipe", "t5"))
    bert = ("--recipe", "bart", "--like", "bert_tiny_en_uncased")
    assert "encoder-decoders" in refuses(*pretraining(corpus[0], tmp_path / "other", *bert))


def test_distill_leaves_a_preset_whose_vectors_can_be_asked_for(tmp_path):
    pieces = texts.word_piece()
    for name, width in (("teacher", 24), ("small", 16)):
        backbone = texts.backbone(pieces, hidden_dim=width, normalize_first=True)
        zoo.TextEmbedder(backbone, tokenizer=pieces).save_to_preset(tmp_path / name)
    file = tmp_path / "text.txt"
    file.write_text("\n\n".join(texts.documents(30, sentences=5)), encoding="utf-8")
    command = (
        "distill", file, "--teacher", tmp_path / "teacher", "--from", tmp_path / "small", "--run", tmp_path / "run",
        "--texts", 32, "--pairs", 16, "--held-out", 8, "--epochs", 1, "--batch-size", 8,
    )  # fmt: skip
    assert "val_vectors_cosine" in works(*command)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["texts"], config["pooling"], config["load_weights"]) == (32, None, True)
    assert "texts: 32 -> 33" in refuses(*command, "--texts", 33)
    line = works("predict", tmp_path / "run" / "preset", "the film was very good .")
    vector, text = line.rstrip("\n").split("\t")
    assert text == "the film was very good ." and len(vector.split()) == 24
    assert sum(float(number) ** 2 for number in vector.split()) == pytest.approx(1, abs=1e-3)
    assert "must have 5,008 different texts" in refuses(*command, "--texts", 5000, "--run", tmp_path / "other")


def test_sentence_objectives_are_compared_in_a_table(tmp_path, monkeypatch):
    # What is compared is tested in tests/training; here, that it is given what was asked for, and shown.
    given = {}

    def compare(*arguments, **options):
        given.update(options, arguments=arguments)
        score = Score("none", (0.25, 0.75))
        return [{"objective": name, **dict.fromkeys(sentence_objectives.TITLES, score)} for name in ("none", "both")]

    monkeypatch.setattr(sentence_objectives, "compare_sentence_objectives", compare)
    printed = works(
        "compare-sentence-objectives", "corpus", "--validation", "held-out", "--run", tmp_path / "run", *SETTINGS,
        "--like", "albert_base_v2_en_uncased", "--masking", "MaskedLM(rate=0.2)", "--seeds", 2, "--steps", 3,
        "--batch-size", 5, "--sequence-length", 37, "--learning-rate", 0.25, "--warm-start-tokens", 1009,
    )  # fmt: skip
    assert given == {
        "arguments": (Path("corpus"), Path("held-out"), tmp_path / "run", "MaskedLM(rate=0.2)"),
        "changes": {name: str(value) for name, value in TINY.items()},
        "like": "albert_base_v2_en_uncased", "seeds": (0, 1), "steps": 3, "batch_size": 5, "sequence_length": 37,
        "learning_rate": 0.25, "warm_start_tokens": 1009, "dtype": "float32",
    }  # fmt: skip
    for row in ("none", "both"):
        assert re.search(rf"│ {row} +│ 50.0 ± 35.4 +│", printed), row


# Fine-tuning and using.


def test_finetune_leaves_a_run(finetuned):
    run, printed = finetuned
    for name in ("config.json", "metrics.csv", "curves.png", "scores.json", "tensorboard", "preset"):
        assert (run / name).exists(), name
    rows = read_rows(run / "metrics.csv")
    assert [(row["part"], row["epoch"]) for row in rows] == [
        ("pre-trained", "1"), ("pre-trained", "2"), ("random", "1"), ("random", "2"),
    ]  # fmt: skip
    scores = {score["start"]: score for score in json.loads((run / "scores.json").read_text())}
    assert set(scores) == {"pre-trained", "random"}
    assert scores["random"]["mean"] == pytest.approx(float(rows[-1]["val_accuracy"]))
    assert f"{scores['pre-trained']['mean']:.3f}" in printed
    config = json.loads((run / "config.json").read_text())
    assert (config["training_rows"], config["layer_decay"], config["pooling"]) == (53, 0.9, "mean")


def test_finetune_prints_paths_as_they_are(finetuned):
    run, printed = finetuned
    assert f'zoo.TextClassifier.from_preset("{run / "preset"}")' in printed


def test_finetune_refuses_a_folder_that_holds_another_run(finetuned, pretrained, tables):
    run, _ = finetuned
    before = (run / "metrics.csv").read_bytes()
    message = refuses(*finetuning(run, pretrained, tables))
    assert "layer_decay: 0.9 -> 1.0" in message
    assert (run / "metrics.csv").read_bytes() == before


def test_finetune_tries_again_where_nothing_was_done(pretrained, tables, tmp_path):
    assert "flaot32" in refuses(*finetuning(tmp_path / "run", pretrained, tables, "--dtype", "flaot32"))
    works(*finetuning(tmp_path / "run", pretrained, tables))


def test_finetune_goes_on_where_it_was_interrupted(finetuned, pretrained, tables, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finetuned[0], run)
    rows = read_rows(run / "metrics.csv")
    # As if it had been killed in the second fine-tuning, after an epoch.
    (run / "parts" / "random.json").unlink()
    write_metrics(run / "metrics.csv", rows[:-1])
    works(*finetuning(run, pretrained, tables, "--layer-decay", 0.9))
    again = read_rows(run / "metrics.csv")
    assert again[:2] == rows[:2]  # not done twice
    for row in (*again, *rows):
        del row["seconds"]
    assert again == rows
    assert (run / "scores.json").read_text() == (finetuned[0] / "scores.json").read_text()


def test_predict_writes_lines_with_tabs(finetuned):
    run, _ = finetuned
    shown = ["the film was good .", "the [/bold] book was [MASK] ."]
    lines = [line.split("\t") for line in works("predict", run / "preset", *shown).splitlines()]
    assert [line[2] for line in lines] == shown
    assert all(label in ("0", "1") and 0.5 <= float(probability) <= 1 for label, probability, _ in lines)


def test_predict_of_a_run_and_of_a_folder_of_hugging_face(finetuned, tmp_path):
    run, _ = finetuned
    assert f"Its preset is '{run / 'preset'}'" in refuses("predict", run, "the film was good .")
    words = zoo.TokenClassifier(texts.backbone(texts.word_piece()), tokenizer=texts.word_piece(), labels=["A", "B"])
    zoo.presets.export_to_huggingface(words, tmp_path / "words")
    assert works("predict", tmp_path / "words", "the film").startswith("the\t")


def test_predict_reads_standard_input(finetuned):
    run, _ = finetuned
    printed = works("predict", run / "preset", stdin="the film was good .\n\nthe book was bad .\n")
    assert [line.split("\t")[2] for line in printed.splitlines()] == ["the film was good .", "the book was bad ."]


def test_predict_shows_a_table_in_a_terminal(finetuned, monkeypatch):
    run, _ = finetuned
    monkeypatch.setattr(options, "console", cli.Console(force_terminal=True, width=160))
    printed = works("predict", run / "preset", "the [/bold] film was good .")
    assert "probability" in printed
    assert "the [/bold] film was good ." in printed


def test_predict_refuses_a_preset_without_classes(preset):
    message = refuses("predict", preset, "the film was good .")
    assert "fine-tuned as one of TextClassifier, TextRegressor" in message
    assert message.endswith("a MaskedLM.")


def test_finetune_refuses_an_unknown_column(preset, tables):
    train, dev = tables
    message = refuses("finetune", preset, "--train", train, "--validation", dev, "--text-columns", "sentense")
    assert "sentense" in message
    assert "sentence" in message.replace("sentense", "")


def test_finetune_names_its_options_where_columns_have_other_names(preset, tables, tmp_path):
    odd = write_table(tmp_path / "odd.tsv", [("好书", "1")], header=("内容", "情感"))
    message = refuses("finetune", preset, "--train", odd, "--validation", odd)
    assert "['内容', '情感']" in message and "--text-columns NAME" in message and "--label-column NAME" in message
    message = refuses("finetune", preset, "--train", odd, "--validation", odd, "--text-columns", "内容")
    assert "--label-column NAME" in message


def test_finetune_refuses_a_table_for_a_file_of_words(preset, tables, tmp_path):
    train, dev = tables
    run = tmp_path / "run"
    message = refuses("finetune", preset, "--task", "tagging", "--train", train, "--validation", dev, "--run", run)
    assert "train.tsv, a table of whole texts" in message and not run.exists()


def test_finetune_refuses_a_table_without_labels(preset, tables, tmp_path):
    bare = write_table(tmp_path / "bare.tsv", [("the film was good .",)], header=("sentence",))
    message = refuses("finetune", preset, "--train", bare, "--validation", tables[1])
    assert "bare.tsv" in message
    assert "label" in message


def test_finetune_refuses_a_label_outside(preset, tables, tmp_path):
    odd = write_table(tmp_path / "odd.tsv", [("the film was good .", 1), ("the book was odd .", 7)])
    run = tmp_path / "run"
    message = refuses("finetune", preset, "--train", tables[0], "--validation", odd, "--run", run)
    assert "y[1]='7'" in message
    assert "['0', '1']" in message
    assert not (run / "metrics.csv").exists()


def test_finetune_refuses_text_in_another_encoding(preset, tables, tmp_path):
    old = tmp_path / "old.tsv"
    old.write_bytes("sentence\tlabel\n好书\t1\n".encode("gb18030"))
    message = refuses("finetune", preset, "--train", tables[0], "--validation", old)
    assert "UTF-8" in message
    assert "old.tsv" in message


def test_finetune_refuses_a_file_that_is_not_there(preset, tables, tmp_path):
    message = refuses("finetune", preset, "--train", tables[0], "--validation", tmp_path / "none.tsv")
    assert "none.tsv" in message


def test_finetune_refuses_an_empty_text(preset, tables, tmp_path):
    empty = write_table(tmp_path / "empty.tsv", [("the film was good .", 1), ("", 0)])
    message = refuses("finetune", preset, "--train", tables[0], "--validation", empty)
    assert "empty" in message


@pytest.mark.parametrize("option", ["--epochs", "--rows", "--seeds", "--batch-size"])
def test_finetune_refuses_numbers_below_one(preset, tables, option):
    train, dev = tables
    message = refuses("finetune", preset, "--train", train, "--validation", dev, option, 0)
    assert option in message


def test_finetune_leaves_no_folder_for_an_unknown_preset(tables, tmp_path):
    train, dev = tables
    run = tmp_path / "run"
    refuses("finetune", "bert_tiny_xx", "--train", train, "--validation", dev, "--run", run)
    assert not run.exists()


# The first minutes.


def test_quickstart_on_the_embedded_sample(preset, tmp_path):
    printed = works("quickstart", "--preset", preset, "--epochs", 1, "--run", tmp_path / "run")
    assert "600 reviews" in printed
    assert [row["part"] for row in read_rows(tmp_path / "run" / "metrics.csv")] == ["pre-trained", "random"]
    answers = zoo.TextClassifier.from_preset(tmp_path / "run" / "preset").classify(["the film was good ."])
    assert answers[0].label in ("negative", "positive")


def test_quickstart_on_own_tables(preset, tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train, dev = tables
    printed = works("quickstart", "--train", train, "--validation", dev, "--preset", preset, "--epochs", 1)
    assert re.search(r"pre-trained\W+\d\.\d{3}", printed)
    assert re.search(r"random\W+\d\.\d{3}", printed)
    (run,) = (tmp_path / "runs").iterdir()
    assert (run / "preset").is_dir()


def test_quickstart_needs_both_tables(preset, tables):
    message = refuses("quickstart", "--train", tables[0], "--preset", preset)
    assert "validation=None" in message


def test_quickstart_refuses_an_unknown_language():
    assert "language='fr'" in refuses("quickstart", "--language", "fr")
