"""Tables of benchmarks, their layouts, and what is refused in their files."""

import json
import lzma
import string
import sys
import types

import pytest

from zoo.data.benchmarks.comparable import digest
from zoo.data.benchmarks.files import find_file, read_columns
from zoo.data.benchmarks.loading import load_task
from zoo.data.benchmarks.rows import mark_spans
from zoo.data.benchmarks.sources import open_data
from zoo.data.benchmarks.table import BENCHMARKS, Spans, read_benchmark
from zoo.metrics.benchmark_metrics import METRICS

PAIR = ("A dog barks.", "An animal is loud.")
OTHER = ("It rains.", "The sun shines.")


def write(folder, files):
    """Write text files: a list of rows is cells between tabs, a list of dicts JSON lines."""
    for name, rows in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(row) if isinstance(row, dict) else "\t".join(map(str, row)) for row in rows]
        text = "\n".join(lines) + "\n"
        path.write_bytes(lzma.compress(text.encode()) if name.endswith(".xz") else text.encode())
    return folder


def load(data, benchmark, name):
    table = read_benchmark(benchmark)
    return load_task(table.choose([name])[0], open_data(data, table))


def refuses(data, benchmark, name):
    with pytest.raises(ValueError) as refused:
        load(data, benchmark, name)
    return str(refused.value)


# The tables.


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_tables_are_whole(name):
    for task in read_benchmark(name).tasks:
        assert len(task.splits_of("train")) == 1 and task.splits_of("dev"), task.name
        assert all(task.splits[split].rows for split in task.needed), task.name
        assert all(task.splits[split].submission for split in task.splits_of("test")), task.name
        assert "hub" in task.layouts and "official" in task.layouts
        for layout in task.layouts.values():
            assert set(task.needed) <= set(layout.files) <= set(task.splits), task.name
        if task.kind == "question_answering":
            assert task.metrics == ("exact_match", "f1") and task.averaged == ("exact_match",)
            continue
        assert set(task.metrics) <= set(METRICS)
        assert all(any(field for _, field, _, _ in string.Formatter().parse(template)) for template in task.texts)
        assert len(task.texts) in (1, 2)
        assert len(task.submitted) == len(task.class_names) == len(set(task.class_names)), task.name
        assert bool(task.label_range) == (task.kind == "regression")
        assert set((task.aliases or {}).values()) <= set(task.class_names)


def test_the_metrics_and_sizes_of_glue():
    table = {task.name: task for task in read_benchmark("glue").tasks}
    assert {name: task.metrics for name, task in table.items()} == {
        "cola": ("matthews",), "sst2": ("accuracy",), "mrpc": ("f1", "accuracy"), "stsb": ("pearson", "spearman"),
        "qqp": ("f1", "accuracy"), "mnli": ("accuracy",), "qnli": ("accuracy",), "rte": ("accuracy",),
        "wnli": ("accuracy",),
    }  # fmt: skip
    sizes = {name: [task.splits[split].rows for split in task.splits_of("dev")] for name, task in table.items()}
    assert sizes == {
        "cola": [1043], "sst2": [872], "mrpc": [408], "stsb": [1500], "qqp": [40430], "mnli": [9815, 9832],
        "qnli": [5463], "rte": [277], "wnli": [71],
    }  # fmt: skip
    files = [task.splits[split].submission for task in table.values() for split in task.splits_of("test")]
    assert sorted(files) == [
        "AX.tsv", "CoLA.tsv", "MNLI-m.tsv", "MNLI-mm.tsv", "MRPC.tsv", "QNLI.tsv", "QQP.tsv", "RTE.tsv", "SST-2.tsv",
        "STS-B.tsv", "WNLI.tsv",
    ]  # fmt: skip


def test_each_benchmark_has_its_number_of_tasks():
    counts = {name: len(read_benchmark(name).tasks) + len(read_benchmark(name).unsupported) for name in BENCHMARKS}
    assert counts == {"glue": 9, "superglue": 8, "clue": 9}


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="The benchmarks are glue, superglue, clue"):
        read_benchmark("gleu")
    with pytest.raises(ValueError, match=r"The tasks of GLUE are cola, .*Received: tasks=\['rt'\]"):
        read_benchmark("glue").choose(["rte", "rt"])
    with pytest.raises(ValueError, match="record is not supported: it fills a gap"):
        read_benchmark("superglue").choose(["record"])


def test_tasks_come_in_the_order_of_the_benchmark():
    assert [task.name for task in read_benchmark("glue").choose(["wnli", "cola"])] == ["cola", "wnli"]


# Layouts.

PAIR_FILES = {
    "RTE": ("index", "sentence1", "sentence2", "label"),
    "WNLI": ("index", "sentence1", "sentence2", "label"),
    "QNLI": ("index", "question", "sentence", "label"),
    "QQP": ("id", "qid1", "qid2", "question1", "question2", "is_duplicate"),
    "MRPC": ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"),
    "STS-B": ("index", "genre", "filename", "sentence1", "sentence2", "score"),
}


@pytest.mark.parametrize(
    "title, name, label, expected",
    [
        ("RTE", "rte", "not_entailment", 1),
        ("WNLI", "wnli", "1", 1),
        ("QNLI", "qnli", "entailment", 0),
        ("QQP", "qqp", "1", 1),
        ("MRPC", "mrpc", "0", 0),
        ("STS-B", "stsb", "3.800", 3.8),
    ],
)
def test_pairs_of_the_official_layout(tmp_path, title, name, label, expected):
    header = PAIR_FILES[title]
    texts = [column for column in header if column.startswith(("sentence", "question")) or column.endswith("String")]
    label_column = next(column for column in header if column in ("label", "is_duplicate", "Quality", "score"))
    row = {**dict.fromkeys(header, "x"), **dict(zip(texts, PAIR, strict=True)), label_column: label}
    labelled = [header, list(row.values())]
    test_header = ["index" if title == "MRPC" else header[0], *(c for c in header[1:] if c != label_column)]
    test_rows = [test_header, *([number, *(row[column] for column in test_header[1:])] for number in (7, 5))]
    files = {"train": labelled, "dev": labelled, "test": test_rows}
    data = load(write(tmp_path, {f"{title}/{split}.tsv": rows for split, rows in files.items()}), "glue", name)
    assert data.train.texts == ([PAIR[0]], [PAIR[1]])
    assert data.train.labels == [expected]
    assert data.sets["test"].labels is None
    assert data.sets["test"].index == [7, 5]


def test_cola_has_no_header_and_its_test_file_has_one(tmp_path):
    rows = [("gj04", 1, "", "They left."), ("gj04", 0, "*", "They leave they.")]
    test = [("index", "sentence"), (0, "We left.")]
    data = load(write(tmp_path, {"CoLA/train.tsv": rows, "CoLA/dev.tsv": rows, "CoLA/test.tsv": test}), "glue", "cola")
    assert data.train.texts == (["They left.", "They leave they."],)
    assert data.train.labels == [1, 0]
    assert data.sets["test"].texts == (["We left."],)


def test_mnli_has_two_dev_sets_and_the_diagnostic_set(tmp_path):
    header = ("index", "genre", "sentence1", "sentence2", "gold_label")
    rows = [header, (0, "x", *PAIR, "neutral"), (1, "x", *OTHER, "contradiction")]
    files = {f"MNLI/{name}.tsv": rows for name in ("train", "dev_matched", "dev_mismatched", "test_matched")}
    files["diagnostic/diagnostic.tsv"] = [("index", "sentence1", "sentence2"), (0, *PAIR)]
    data = load(write(tmp_path, files), "glue", "mnli")
    assert list(data.of_role("dev")) == ["dev_matched", "dev_mismatched"]
    assert list(data.of_role("test")) == ["test_matched", "diagnostic"]
    assert data.train.labels == [1, 2]


def test_mrpc_as_downloaded_is_cut_by_the_ids_of_the_dev_rows(tmp_path):
    header = ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String")
    rows = [header, (1, 11, 12, *PAIR), (0, 13, 14, *OTHER), (1, 15, 16, *PAIR)]
    files = {"MRPC/msr_paraphrase_train.txt": rows, "MRPC/msr_paraphrase_test.txt": rows}
    write(tmp_path, files)
    assert "MRPC/dev_ids.tsv" in load(tmp_path, "glue", "mrpc").missing
    data = load(write(tmp_path, {"MRPC/dev_ids.tsv": [(13, 14)]}), "glue", "mrpc")
    assert data.train.texts[0] == [PAIR[0]] * 2
    assert data.sets["dev"].texts[0] == [OTHER[0]]
    assert len(data.sets["test"]) == 3


def test_the_plain_layout_may_be_compressed(tmp_path):
    rows = [("sentence1", "sentence2", "label"), (*PAIR, "entailment"), (*OTHER, 1)]
    data = load(write(tmp_path, {"rte/train.tsv.xz": rows, "rte/dev.tsv": rows}), "glue", "rte")
    assert data.train.texts == ([PAIR[0], OTHER[0]], [PAIR[1], OTHER[1]])
    assert data.train.labels == data.sets["dev"].labels == [0, 1]
    assert data.of_role("test") == {}


def test_case_of_a_folder_counts(tmp_path):
    write(tmp_path, {"CoLA/train.tsv": [("a",)]})
    assert find_file(tmp_path, "CoLA/train.tsv") == tmp_path / "CoLA" / "train.tsv"
    assert find_file(tmp_path, "cola/train.tsv") is None


def test_a_missing_set_is_named(tmp_path):
    rows = [("sentence1", "sentence2", "label"), (*PAIR, "entailment")]
    missing = load(write(tmp_path, {"rte/train.tsv": rows}), "glue", "rte").missing
    assert "rte/dev.tsv" in missing and "RTE/train.tsv" in missing
    assert "rte/train.tsv" not in missing


def rte_sets(names=("entailment", "not_entailment")):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "sentence1": datasets.Value("string"),
            "sentence2": datasets.Value("string"),
            "label": datasets.ClassLabel(names=list(names)),
            "idx": datasets.Value("int32"),
        }
    )
    labelled = {"sentence1": [PAIR[0]] * 2, "sentence2": [PAIR[1]] * 2, "label": [0, 1], "idx": [0, 1]}
    test = {**labelled, "label": [-1, -1], "idx": [4, 3]}
    sets = {"train": labelled, "validation": labelled, "test": test}
    return datasets.DatasetDict(
        {name: datasets.Dataset.from_dict(columns, features=features) for name, columns in sets.items()}
    )


def test_hugging_face_data_sets_in_memory_and_saved(tmp_path):
    rte_sets().save_to_disk(str(tmp_path / "rte"))
    for data in (load({"rte": rte_sets()}, "glue", "rte"), load(tmp_path, "glue", "rte")):
        assert data.train.texts == ([PAIR[0]] * 2, [PAIR[1]] * 2)
        assert data.train.labels == [0, 1]
        assert data.sets["test"].index == [4, 3]


def test_the_class_names_of_a_data_set_count_more_than_its_numbers():
    data = load({"rte": rte_sets(names=("not_entailment", "entailment"))}, "glue", "rte")
    assert data.train.labels == [1, 0]
    message = refuses({"rte": rte_sets(names=("yes", "no"))}, "glue", "rte")
    assert "Received: 'yes' in row 0 of the data sets given, rte, split train" in message


def test_columns_in_memory_and_a_split_that_lacks():
    columns = {"sentence": ["Fine.", "Bad."], "label": [1, 0]}
    assert load({"sst2": {"train": columns, "validation": columns}}, "glue", "sst2").train.labels == [1, 0]
    assert load({"sst2": {"train": columns}}, "glue", "sst2").missing == "data set sst2 with split validation"


def test_data_sets_by_name(monkeypatch):
    """The hubs are not in reach of the tests: stand-ins with the calls of the two packages."""
    asked = []
    columns = {"sentence": [b"Fine."], "label": [1], "idx": [0]}
    rows = [{"sentence": b"Fine.", "label": 1, "idx": 0}]
    splits = ("train", "validation", "test")

    def load_dataset(name, configuration):
        asked.append((name, configuration))
        return {split: {**columns, "sentence": ["Fine."]} for split in splits}

    def tfds_load(name, with_info):
        asked.append((name, with_info))
        return dict.fromkeys(splits, rows), types.SimpleNamespace(features={"label": object()})

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    tfds = types.SimpleNamespace(load=tfds_load, as_numpy=lambda rows: rows)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", tfds)
    for handle in ("hf://", "hf://me/mine", "tfds://"):
        data = load(handle, "glue", "sst2")
        assert data.train.texts == (["Fine."],) and data.train.labels == [1]
    assert asked == [("nyu-mll/glue", "sst2"), ("me/mine", "sst2"), ("glue/sst2", True)]
    assert "CLUE has no name of its own there" in refuses("tfds://", "clue", "tnews")


def test_a_package_that_is_absent_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match="pip install tensorflow-datasets"):
        load("tfds://", "glue", "rte")


def test_a_hub_that_does_not_answer(monkeypatch):
    def load_dataset(name, configuration):
        raise ConnectionError("no network.")

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    assert "could not load 'nyu-mll/glue', 'rte': no network." in refuses("hf://", "glue", "rte")


# SuperGLUE and CLUE.


def test_superglue_reads_booleans_choices_and_words(tmp_path):
    boolq = [{"question": "is it so", "passage": "It is.", "label": True, "idx": 3}]
    copa = [
        {"premise": "It rained.", "question": "effect", "choice1": "It was wet.", "choice2": "It was dry.", "label": 0}
    ]
    wic = [{"word": "bank", "sentence1": "A bank.", "sentence2": "The bank.", "label": False}]
    for name, rows in {"BoolQ": boolq, "COPA": copa, "WiC": wic}.items():
        write(tmp_path, {f"{name}/{split}.jsonl": rows for split in ("train", "val")})
    data = load(tmp_path, "superglue", "boolq")
    assert data.train.texts == (["is it so"], ["It is."]) and data.train.labels == [1]
    data = load(tmp_path, "superglue", "copa")
    assert data.train.texts == (["It rained. What happened as a result?"], ["It was wet."], ["It was dry."])
    assert data.train.labels == [0]
    data = load(tmp_path, "superglue", "wic")
    assert data.train.texts == (["bank: A bank."], ["The bank."]) and data.train.labels == [0]


def test_spans_are_marked_by_characters_or_words(tmp_path):
    rows = [("sentence", "span1_index", "span1_text", "span2_index", "span2_text", "label")]
    rows += [("小明说他来。", 0, "小明", 3, "他", "true"), ("他说小明来。", 2, "小明", 0, "他", "f")]
    data = load(write(tmp_path, {f"cluewsc/{name}.tsv": rows for name in ("train", "dev")}), "clue", "cluewsc")
    assert data.train.texts == (["_小明_说[他]来。", "[他]说_小明_来。"],)
    assert data.train.labels == [0, 1]
    target = {"span1_index": 0, "span1_text": "Mark", "span2_index": 3, "span2_text": "his book"}
    wsc = [{"text": "Mark put down his book.", "target": target, "label": False, "idx": 0}]
    data = load(write(tmp_path, {f"WSC/{name}.jsonl": wsc for name in ("train", "val")}), "superglue", "wsc")
    assert data.train.texts == (["_Mark_ put down [his book.]"],) and data.train.labels == [0]


def test_marks_of_neighbours_stay_apart():
    row = {"sentence": "小明他来", "span1_index": 0, "span1_text": "小明", "span2_index": 2, "span2_text": "他"}
    assert mark_spans(Spans("sentence", "characters"), row, "row 0") == "_小明_[他]来"


@pytest.mark.parametrize("unit, index", [("characters", 1), ("characters", "x"), ("words", 2), ("words", -1)])
def test_a_span_that_is_not_in_its_text(unit, index):
    row = {"sentence": "小明 他来", "span1_index": index, "span1_text": "小明", "span2_index": 0, "span2_text": "小"}
    with pytest.raises(ValueError, match=f"Received: '小明' at {index!r} .{unit}. in row 4 of x.tsv"):
        mark_spans(Spans("sentence", unit), row, "row 4 of x.tsv")


def test_clue_reads_codes_lists_and_leaves_out_what_has_no_label(tmp_path):
    files = {
        "tnews_public": [{"label": "116", "label_desc": "news_game", "sentence": "新的游戏", "keywords": ""}],
        "csl_public": [{"id": 1, "abst": "本文研究语言。", "keyword": ["语言", "模型"], "label": "1"}],
        "afqmc_public": [{"sentence1": "怎么还款", "sentence2": "如何还款", "label": "1"}],
    }
    for folder, rows in files.items():
        write(tmp_path, {f"{folder}/{name}.json": rows for name in ("train", "dev")})
    ocnli = [
        {"sentence1": "下雨", "sentence2": "地湿", "label": "-"},
        {"sentence1": "下雨", "sentence2": "地湿", "label": "entailment"},
    ]
    write(tmp_path, {"ocnli_public/train.50k.json": ocnli, "ocnli_public/dev.json": ocnli})
    assert load(tmp_path, "clue", "tnews").train.labels == [14]
    data = load(tmp_path, "clue", "csl")
    assert data.train.texts == (["语言 模型"], ["本文研究语言。"]) and data.train.labels == [1]
    assert load(tmp_path, "clue", "afqmc").train.labels == [1]
    data = load(tmp_path, "clue", "ocnli")
    assert data.train.labels == data.sets["dev"].labels == [1]


def test_questions_are_read_as_questions(tmp_path):
    answers = [{"text": "北京", "answer_start": 2}]
    article = {
        "paragraphs": [{"context": "他在北京。", "qas": [{"id": "A", "question": "他在哪？", "answers": answers}]}]
    }
    write(tmp_path, {f"cmrc2018/{name}.json": [{"data": [article]}] for name in ("train", "dev", "test")})
    data = load(tmp_path, "clue", "cmrc2018")
    assert data.sets["dev"].answers == [["北京"]]
    assert data.sets["test"].labels is None


# What is refused, and what is left out.


def rte(folder, rows, header=("sentence1", "sentence2", "label")):
    good = [("sentence1", "sentence2", "label"), (*PAIR, "entailment")]
    return write(folder, {"rte/train.tsv": good, "rte/dev.tsv": [header, *rows]})


def test_missing_columns_are_named_with_their_file(tmp_path):
    message = refuses(rte(tmp_path, [("x", "y")], header=("sentence_1", "label")), "glue", "rte")
    assert "The file of RTE lacks columns: sentence1, sentence2." in message
    assert f"{tmp_path}/rte/dev.tsv with the columns 'sentence_1', 'label'" in message


def test_a_file_without_rows(tmp_path):
    assert "rte/dev.tsv with none that can be used" in refuses(rte(tmp_path, []), "glue", "rte")


@pytest.mark.parametrize("label", ["2", "maybe", "", "0.5"])
def test_an_unknown_label_is_named_with_its_row(tmp_path, label):
    message = refuses(rte(tmp_path, [(*PAIR, "1"), (*PAIR, label), (*PAIR, label)]), "glue", "rte")
    assert "must be one of entailment, not_entailment, or its number from 0 to 1" in message
    assert f"Received: {label!r} in row 1 of {tmp_path}/rte/dev.tsv; 2 such rows" in message


@pytest.mark.parametrize("label", ["5.1", "nan", "high"])
def test_a_score_must_be_in_its_range(tmp_path, label):
    header = ("sentence1", "sentence2", "label")
    good, bad = [header, (*PAIR, "5")], [header, (*PAIR, label)]
    message = refuses(write(tmp_path, {"stsb/train.tsv": good, "stsb/dev.tsv": bad}), "glue", "stsb")
    assert f"must be a number from 0 to 5. Received: {label!r} in row 0" in message


def test_rows_with_too_many_or_too_few_cells(tmp_path):
    message = refuses(rte(tmp_path, [(*PAIR, "1"), (*PAIR, "1", "x")]), "glue", "rte")
    assert "rte/dev.tsv, line 3, with 4 cells for the 3 columns" in message
    message = refuses(rte(tmp_path, [(*PAIR, "1"), PAIR]), "glue", "rte")
    assert "Received: None in row 1" in message
    header = ("label", "sentence1", "sentence2")
    message = refuses(rte(tmp_path, [("1", *PAIR), ("1", PAIR[0])], header=header), "glue", "rte")
    assert "must have all its cells. Received: row 1 of" in message


def test_training_rows_that_lack_something_are_left_out_and_counted(tmp_path):
    header = ("sentence1", "sentence2", "label")
    train = [header, (*PAIR, "1"), PAIR, (PAIR[0], "", "1"), ("", ""), (*OTHER, "0")]
    dev = [header, (PAIR[0], "", "1"), (*OTHER, "0")]
    data = load(write(tmp_path, {"rte/train.tsv": train, "rte/dev.tsv": dev}), "glue", "rte")
    assert (len(data.train), data.train.left_out) == (2, 3)
    assert data.train.texts[0] == [PAIR[0], OTHER[0]] and data.train.labels == [1, 0]
    assert data.sets["dev"].texts[1] == ["-", OTHER[1]] and data.sets["dev"].left_out == 0


def test_a_cell_that_is_none_of_the_known_values(tmp_path):
    rows = [("premise", "question", "choice1", "choice2", "label"), ("a", "why", "b", "c", 0)]
    data = write(tmp_path, {"copa/train.tsv": rows, "copa/dev.tsv": rows})
    assert "question of COPA takes cause, effect. Received: 'why' in row 0" in refuses(data, "superglue", "copa")


def test_lines_that_are_not_json(tmp_path):
    path = tmp_path / "train.json"
    path.write_text('{"a": 1}\n[1]\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"train.json, line 2: '\[1\]'"):
        read_columns(path)
    path.write_text('{"a": {"b": 1}, "c": 2}\n\n{"a": {"b": 3}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"train.json, line 3: "):
        read_columns(path)


def test_columns_of_nested_objects_and_absent_cells(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text('{"a": {"b": 1}}\n{"c": 2}\n', encoding="utf-8")
    assert read_columns(path) == {"a.b": [1, None], "c": [None, 2]}


def test_data_that_is_no_folder(tmp_path):
    with pytest.raises(ValueError, match=r"must be a folder, or hf:// or tfds://. Received: data='.*nowhere'"):
        load(tmp_path / "nowhere", "glue", "rte")


# Comparable dev sets.


def sst2(folder, count):
    rows = [("sentence", "label"), *((f"film {number}", number % 2) for number in range(count))]
    return write(folder, {"sst2/train.tsv": rows, "sst2/dev.tsv": rows})


def test_a_dev_set_of_another_size_is_not_comparable(tmp_path):
    assert load(sst2(tmp_path, 872), "glue", "sst2").not_comparable is None
    reason = load(sst2(tmp_path, 871), "glue", "sst2").not_comparable
    assert reason == "871 dev rows, and the official set has 872"


def test_a_note_in_the_folder_is_believed(tmp_path):
    sst2(tmp_path, 872)
    (tmp_path / "sst2" / "note.txt").write_text("Our own cut.\n", encoding="utf-8")
    assert load(tmp_path, "glue", "sst2").not_comparable == "the data folder says: Our own cut."


def test_a_cut_of_the_same_size_is_told_by_its_rows(tmp_path):
    header = ("sentence1", "sentence2", "label")
    rows = [header, *((f"text {number}", f"other {number}", number % 2) for number in range(408))]
    data = load(write(tmp_path, {"mrpc/train.tsv": rows, "mrpc/dev.tsv": rows}), "glue", "mrpc")
    assert "another cut" in data.not_comparable


def test_a_digest_hears_letters_only():
    assert digest("It 's HERE .") == digest("it's here")
    assert digest("it's here") != digest("it's there")
