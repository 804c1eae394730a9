"""`zoo predict`: every task that was fine-tuned answers, in lines."""

import keras
import numpy as np
import pytest

import zoo
from tests import texts
from tests.test_cli import refuses, works

TOKENIZER = texts.word_piece()
TEXTS = ["the film was good .", "the warm room 果 ."]
PAIRS = ["the film was good .\tthe book was bad .", "a song\ta story"]


def lines(task, folder, *given, **options):
    """What is printed about texts, each line as its columns."""
    keras.utils.set_random_seed(3)
    made = task(texts.backbone(TOKENIZER), tokenizer=TOKENIZER, **options)
    made.save_to_preset(folder)
    return made, [line.split("\t") for line in works("predict", folder, *given).splitlines()]


def test_classes_of_pairs(tmp_path):
    made, found = lines(zoo.TextClassifier, tmp_path / "task", *PAIRS, class_names=["no", "yes"])
    expected = made.classify((["the film was good .", "a song"], ["the book was bad .", "a story"]))
    assert [(label, float(number)) for label, number, *_ in found] == [
        (answer.label, pytest.approx(answer.probability, abs=6e-4)) for answer in expected
    ]
    assert [row[2:] for row in found] == [pair.split("\t") for pair in PAIRS]
    assert "1 of 2 texts with one" in refuses("predict", tmp_path / "task", PAIRS[0], TEXTS[0])


def test_numbers(tmp_path):
    made, found = lines(zoo.TextRegressor, tmp_path / "task", *TEXTS)
    np.testing.assert_allclose([float(row[0]) for row in found], made.predict(TEXTS, verbose=0)[:, 0], atol=6e-4)
    assert [row[1] for row in found] == TEXTS


def test_tags_of_words(tmp_path):
    made, found = lines(zoo.TokenClassifier, tmp_path / "task", "the good film.", "果 公", labels=["A", "B", "C"])
    words = [["the", "good", "film", "."], ["果", "公"]]
    tags = made.tag(words)
    first, second = (list(map(list, zip(*pair, strict=True))) for pair in zip(words, tags, strict=True))
    assert found == [*first, [""], *second]


def test_answers_to_questions(tmp_path):
    given = ["which film\tthe film was good .", "which book\tthe book was bad ."]
    made, found = lines(zoo.QuestionAnswering, tmp_path / "task", *given)
    expected = made.answer(["which film", "which book"], ["the film was good .", "the book was bad ."])
    assert found == [
        [answer.text, f"{answer.score:.3f}", question]
        for answer, question in zip(expected, ("which film", "which book"), strict=True)
    ]
    assert "without one" in refuses("predict", tmp_path / "task", "which film")


@pytest.mark.parametrize(
    ("task", "options", "given"),
    [
        (zoo.TokenClassifier, {"labels": ["A", "B", "C"]}, "the good film."),
        (zoo.QuestionAnswering, {}, "which film\tthe film was good ."),
        (zoo.TextClassifier, {"class_names": ["no", "yes"]}, TEXTS[0]),
    ],
)
def test_a_folder_of_hugging_face_answers_as_its_preset_does(tmp_path, task, options, given):
    made, expected = lines(task, tmp_path / "task", given, **options)
    zoo.presets.export_to_huggingface(made, tmp_path / "theirs")
    found = [line.split("\t") for line in works("predict", tmp_path / "theirs", given).splitlines()]
    assert found == expected


def test_text_to_text_is_generated(tmp_path):
    backbone = zoo.BartBackbone(
        TOKENIZER.vocabulary_size(), num_layers=1, num_heads=2, hidden_dim=16, intermediate_dim=29,
        max_sequence_length=37,
    )  # fmt: skip
    zoo.Seq2SeqLM(backbone, tokenizer=TOKENIZER).save_to_preset(tmp_path / "task")
    assert "a Seq2SeqLM: see `zoo generate`" in refuses("predict", tmp_path / "task", "a film")
