import gzip
import json
import lzma
import unicodedata

import numpy as np
import pytest

import zoo
from tests import texts
from zoo.data.question_answering import Questions, read_questions
from zoo.data.windows import encode_windows

CONTEXT = "The dog barked at the cat. The cat ran."
FLAT = [
    {
        "id": "a",
        "question": "Who barked?",
        "context": CONTEXT,
        "answers": {"text": ["dog", "The dog"], "answer_start": [4, 0]},
    },
    {"id": "b", "question": "Who ran?", "context": CONTEXT, "answers": {"text": ["The cat"], "answer_start": [27]}},
    {"id": "c", "question": "Who sang?", "context": "No bird sang.", "answers": {"text": [], "answer_start": []}},
]


def squad():
    """FLAT in the form of SQuAD 2.0, with what CMRC 2018 and DRCD add."""

    def question(record):
        answers = zip(record["answers"]["text"], record["answers"]["answer_start"], strict=True)
        return {
            "id": record["id"],
            "question": record["question"],
            "answers": [{"text": text, "answer_start": start} for text, start in answers],
            "is_impossible": not record["answers"]["text"],
        }

    paragraphs = [
        {"id": "1-1", "context": CONTEXT, "qas": [question(FLAT[0]), question(FLAT[1])]},
        {"id": "1-2", "context": "No bird sang.", "qas": [question(FLAT[2])]},
    ]
    return {"version": "v2.0", "data": [{"title": "animals", "id": "1", "paragraphs": paragraphs}]}


def same(found, expected):
    assert found.passage_numbers.tolist() == expected.passage_numbers.tolist()
    for name in ("ids", "texts", "passages", "labels"):
        assert getattr(found, name) == getattr(expected, name), name


@pytest.fixture(scope="module")
def expected():
    return read_questions(FLAT)


def test_what_is_read(expected):
    assert expected.passages == [CONTEXT, "No bird sang."]
    assert expected.passage_numbers.tolist() == [0, 0, 1]
    assert expected.labels == [(("dog", 4), ("The dog", 0)), (("The cat", 27),), ()]
    assert expected.answers == [["dog", "The dog"], ["The cat"], []]
    assert read_questions(expected) is expected


def columns():
    return {name: [record[name] for record in FLAT] for name in FLAT[0]}


def hugging_face():
    return pytest.importorskip("datasets").Dataset.from_list(FLAT)


def frame():
    import pandas

    return pandas.DataFrame(FLAT)


def tf_data():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_generator(
        lambda: iter(FLAT),
        output_signature={
            "id": tf.TensorSpec((), tf.string),
            "question": tf.TensorSpec((), tf.string),
            "context": tf.TensorSpec((), tf.string),
            "answers": {"text": tf.TensorSpec((None,), tf.string), "answer_start": tf.TensorSpec((None,), tf.int32)},
        },
    )


@pytest.mark.parametrize(
    "make",
    [squad, lambda: squad()["data"], lambda: squad()["data"][0]["paragraphs"], columns, hugging_face, frame, tf_data],
)
def test_the_forms_that_people_have(make, expected):
    same(read_questions(make()), expected)


@pytest.mark.parametrize("ending", [".json", ".json.gz", ".json.xz"])
@pytest.mark.parametrize("indent", [None, 2])
def test_files(ending, indent, expected, tmp_path):
    opener = {".json": open, ".json.gz": gzip.open, ".json.xz": lzma.open}[ending]
    path = tmp_path / f"records{ending}"
    with opener(path, "wt", encoding="utf-8") as file:
        json.dump(squad(), file, indent=indent, ensure_ascii=False)
    same(read_questions(path), expected)
    same(read_questions(str(path)), expected)


def test_a_file_of_json_lines_and_a_damaged_one(expected, tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in FLAT) + "\n", encoding="utf-8")
    same(read_questions(path), expected)
    path.write_text('{"data": [', encoding="utf-8")
    with pytest.raises(ValueError, match=r"must hold JSON. Received: .*records.jsonl"):
        read_questions(path)
    with pytest.raises(ValueError, match="Cannot open"):
        read_questions(tmp_path / "absent.json")


def test_questions_alone_need_no_answers():
    bare = [{"question": "Who?", "context": CONTEXT}, {"question": "What?", "context": CONTEXT}]
    found = read_questions(bare, labelled=False)
    assert found.ids == ["record 0", "record 1"] and found.labels is None and len(found.passages) == 1
    assert read_questions(bare[0], labelled=False).texts == ["Who?"]
    assert read_questions(FLAT).without_labels().labels is None


def changed(**values):
    return [*FLAT, {**FLAT[1], "id": "bad", **values}]


BAD = [
    (changed(answers={"text": ["The cat"], "answer_start": [26]}), "an answer that is not at its offset: 1 (bad)"),
    (changed(answers={"text": ["the cat"], "answer_start": [27]}), "an answer that is not at its offset: 1 (bad)"),
    (changed(answers={"text": ["ran."], "answer_start": [39]}), "an answer beyond the context: 1 (bad)"),
    (changed(answers={"text": ["ran."], "answer_start": [-4]}), "an answer beyond the context: 1 (bad)"),
    (changed(answers={"text": ["dog", "ran"], "answer_start": [4]}), "without its text or its offset: 1 (bad)"),
    (changed(answers={"text": [" "], "answer_start": [3]}), "without its text or its offset: 1 (bad)"),
    (changed(answers=[{"text": "dog"}]), "without its text or its offset: 1 (bad)"),
    (changed(answers=["dog"]), "without its text or its offset: 1 (bad)"),
    (changed(is_impossible=True), "marked impossible, with answers: 1 (bad)"),
    (changed(answers=[]), "no answer, and not marked impossible: 1 (bad)"),
    (changed(answers={"text": [], "answer_start": []}, is_impossible=False), "not marked impossible: 1 (bad)"),
    (changed(answers=None), "no answer, and not marked impossible: 1 (bad)"),
    (changed(question="  "), "no text in the question: 1 (bad)"),
    (changed(question=None), "no text in the question: 1 (bad)"),
    (changed(context="\n"), "no text in the context: 1 (bad)"),
]


@pytest.mark.parametrize(("records", "message"), BAD)
def test_a_bad_record_is_named_or_skipped_and_counted(records, message, expected):
    with pytest.raises(ValueError) as error:
        read_questions(records)
    assert "1 of 4 records" in str(error.value) and message in str(error.value)
    with pytest.warns(UserWarning) as warned:
        found = read_questions(records, on_bad_record="skip")
    assert "1 of 4 records were left out" in str(warned[0].message) and message in str(warned[0].message)
    same(found, expected)


def test_ten_bad_records_are_named_and_all_counted():
    records = [{**FLAT[1], "id": f"q{number}", "answers": {"text": ["x"], "answer_start": [0]}} for number in range(13)]
    with pytest.raises(ValueError, match=r"13 of 13 records with .*offset: 13 \(q0, q1, .*q9, \.\.\.\)"):
        read_questions(records, on_bad_record="skip")  # nothing would be left


@pytest.mark.parametrize(
    ("records", "error", "message"),
    [
        ([], ValueError, "at least one question"),
        ({"data": []}, ValueError, "at least one question"),
        ([{"sentence": "a", "label": 1}], ValueError, r"\['label', 'sentence'\]"),
        ({"train": FLAT}, ValueError, r"\['train'\]"),
        (["a text"], TypeError, "'a text' of type str"),
        (3, TypeError, "int"),
    ],
)
def test_other_data_are_refused(records, error, message):
    with pytest.raises(error, match=message):
        read_questions(records)


def test_on_bad_record_has_two_values():
    with pytest.raises(ValueError, match="on_bad_record='ignore'"):
        read_questions(FLAT, on_bad_record="ignore")


def test_questions_are_taken_with_their_passages():
    taken = read_questions(FLAT).take(np.array([2, 0]))
    assert (taken.ids, taken.texts) == (["c", "a"], ["Who sang?", "Who barked?"])
    assert [taken.passages[number] for number in taken.passage_numbers] == ["No bird sang.", CONTEXT]
    assert taken.answers == [[], ["dog", "The dog"]]
    assert read_questions(FLAT).take(np.array([1])).passages == [CONTEXT]


def test_a_split_keeps_a_passage_on_one_side():
    records = [
        {"id": f"{passage}-{number}", "question": f"{number}?", "context": f"passage {passage}", "answers": []}
        | {"is_impossible": True}
        for passage in range(7)
        for number in range(passage + 1)
    ]
    questions = read_questions(records)
    rest, held_out = questions.split(0.3, seed=5)
    assert len(held_out.passages) == 2 and sorted([*rest.ids, *held_out.ids]) == sorted(questions.ids)
    assert not set(rest.passages) & set(held_out.passages)
    for part in (rest, held_out):
        for name, number in zip(part.ids, part.passage_numbers, strict=True):
            assert part.passages[number] == f"passage {name[0]}"
        assert part.labels == [()] * len(part)
    with pytest.raises(ValueError, match=r"validation_split=0\.01"):
        questions.split(0.01, seed=5)


# Windows.

TOKENIZER = texts.word_piece()
NAMES = ("token_ids", "segment_ids", "padding_mask", "answer_mask")


def windows(records, sequence_length=13, stride=3, max_question_length=64, tokenizer=TOKENIZER, labelled=True):
    questions = read_questions(records, labelled=labelled)
    return encode_windows(questions, tokenizer, NAMES, sequence_length, stride, max_question_length)


def record(question, context, *answers, name="q"):
    return {
        "id": name,
        "question": question,
        "context": context,
        "answers": {"text": list(answers), "answer_start": [context.index(answer) for answer in answers]},
    }


def read_back(row, tokenizer=TOKENIZER):
    return " ".join(tokenizer.id_to_token(int(piece)) for piece in row)


LONG = "a very good film and a very bad song and the story was dull"


def test_the_layout_of_a_window():
    found, num_cut = windows([record("good film", "the song was bad", "bad")])
    ((inputs, targets),) = [found.batch(np.array([0]), 11)]
    assert read_back(inputs["token_ids"][0]) == "[CLS] good film [SEP] the song was bad [SEP] [PAD] [PAD]"
    assert inputs["segment_ids"][0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert inputs["padding_mask"][0].tolist() == [1] * 9 + [0, 0]
    assert inputs["answer_mask"][0].tolist() == [1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0]
    assert targets["start_positions"].tolist() == targets["end_positions"].tolist() == [7]
    assert found.lengths.tolist() == [9] and num_cut == 0
    assert {array.dtype for array in [*inputs.values(), *targets.values()]} == {np.dtype("int32")}


def test_a_long_passage_becomes_overlapping_windows():
    found, _ = windows([record("good film", LONG, "very bad song"), record("the", "good", name="r")])
    inputs, targets = found.batch(np.arange(len(found.lengths)), 13)
    words = LONG.split()
    rows = [read_back(row) for row in inputs["token_ids"]]
    assert rows[:3] == [f"[CLS] good film [SEP] {' '.join(words[start : start + 8])} [SEP]" for start in (0, 3, 6)]
    assert rows[3] == "[CLS] the [SEP] good [SEP]" + " [PAD]" * 8
    # The answer is the words 6 to 8: whole in the second and the third window only.
    assert targets["start_positions"].tolist() == [0, 4 + 3, 4 + 0, 0]
    assert targets["end_positions"].tolist() == [0, 4 + 5, 4 + 2, 0]


def test_a_stride_beyond_the_window_leaves_no_gap():
    found, _ = windows([record("good film", LONG)], stride=100)
    inputs, _ = found.batch(np.arange(2), 13)
    seen = [read_back(row).split(" [SEP] ")[1].split(" [SEP]")[0] for row in inputs["token_ids"]]
    assert " ".join(seen) == LONG


def test_rows_and_padding_do_not_depend_on_the_batch():
    found, _ = windows([record("good film", LONG, "dull"), record("the room", "the good room was kind", "kind")])
    everything = found.batch(np.arange(4), 13)
    for row in range(4):
        length = int(found.lengths[row])
        inputs, targets = found.batch(np.array([row]), length)
        for name in NAMES:
            np.testing.assert_array_equal(inputs[name][0], everything[0][name][row, :length])
        assert targets["start_positions"][0] == everything[1]["start_positions"][row]


def test_each_token_is_owned_by_the_window_with_most_context():
    rng = np.random.default_rng(0)
    for _ in range(40):
        count, length, stride = rng.integers(1, 40), rng.integers(7, 17), rng.integers(1, 12)
        found, _ = windows([record("good", " ".join(["very"] * count))], int(length), int(stride))
        first, last = found.own()
        tokens = np.arange(count)[None, :]
        left = tokens - found.starts[:, None]
        right = found.starts[:, None] + found.sizes[:, None] - 1 - tokens
        owners = np.argmax(np.minimum(left, right), axis=0)  # the first of equal ones
        for window in range(len(found.starts)):
            expected = np.flatnonzero(owners == window) - found.starts[window]
            assert np.arange(first[window], last[window]).tolist() == expected.tolist()
            assert (expected >= 0).all() and (expected < found.sizes[window]).all()


def test_a_question_keeps_at_most_half_of_the_room():
    found, num_cut = windows([record("very " * 9, LONG), record("good", "the film", name="r")])
    assert num_cut == 1 and found.question_ids.lengths.tolist() == [5, 1]
    found, num_cut = windows([record("very " * 9, LONG)], max_question_length=2)
    assert num_cut == 1 and found.question_ids.lengths.tolist() == [2]
    assert found.lengths.max() == 13


def test_an_answer_takes_the_pieces_that_cover_it():
    # "lovely" in "unlovely" begins within a word; the word has no pieces but letters.
    found, _ = windows([record("good", "so unlovely a film", "lovely a f")], 40)
    _, targets = found.batch(np.array([0]), 40)
    tokens = read_back(found.passage_ids.token_ids).split()
    start, end = targets["start_positions"][0] - 3, targets["end_positions"][0] - 3
    assert tokens[start : end + 1] == ["##l", "##o", "##v", "##e", "##l", "##y", "a", "film"]


MULTILINGUAL = [
    ("苹果公司的总部在哪里", "果公司的总", "果公司的总"),
    ("🍎 the 👩‍🔬 film 🎬 was good 🎉", "film", "film"),
    ("the 👍🏽 film 🎬 was", "🎬", "🎬"),
    ("the café was good", "café", "café"),
    (unicodedata.normalize("NFD", "the café was good"), unicodedata.normalize("NFD", "café"), "café"),
    (unicodedata.normalize("NFD", "Ünal Übel 果 film"), "film", "film"),
    ("\ufeffthe\u200b film\u00a0was good", "film\u00a0was", "film\u00a0was"),
    ("THE FILM WAS GOOD", "FILM WAS", "FILM WAS"),
]


@pytest.mark.parametrize(("context", "answer", "covered"), MULTILINGUAL)
@pytest.mark.parametrize("lowercase", [True, False])
def test_offsets_are_those_of_the_original_text(context, answer, covered, lowercase):
    tokenizer = zoo.tokenizers.WordPiece(TOKENIZER.vocabulary, lowercase=lowercase)
    found, _ = windows([record("good", context, answer)], 60, tokenizer=tokenizer)
    _, targets = found.batch(np.array([0]), 60)
    first, last = targets["start_positions"][0] - 3, targets["end_positions"][0] - 3
    start, end = found.characters[first, 0], found.characters[last, 1]
    # A mark that follows the last letter may have been dropped with its accent.
    assert (
        unicodedata.normalize("NFC", context[start:end] + context[end : context.index(answer) + len(answer)]) == covered
    )
    assert start == context.index(answer)


def test_what_has_no_token_is_refused():
    with pytest.raises(ValueError, match="a context without any in 1 questions: q"):
        windows([record("good", "\u200b\u200b")])
    with pytest.raises(ValueError, match="an answer without any in 1 questions: q"):
        windows([record("good", "the \u200b film", "\u200b")])


def test_questions_and_passages_are_stored_once():
    records = [record("good film", LONG, name=str(number)) for number in range(5)]
    found, _ = windows(records)
    assert isinstance(found.questions, Questions)
    assert len(found.passage_ids.token_ids) == len(LONG.split()) and len(found.numbers) == 5 * 3
    assert found.batch(np.array([2, 14]), 13)[0]["token_ids"].shape == (2, 13)
    assert len(windows(records, labelled=False)[0].batch(np.array([0]), 13)) == 1


def test_a_frame_without_a_mark_for_some_questions():
    pandas = pytest.importorskip("pandas")
    marked = {**FLAT[2], "is_impossible": True}
    frame = pandas.DataFrame([FLAT[0], marked])  # the first has NaN
    found = read_questions(frame)
    assert [len(answers) for answers in found.labels] == [2, 0]
    frame["is_impossible"] = pandas.array([None, True], "boolean")
    assert [len(answers) for answers in read_questions(frame).labels] == [2, 0]
