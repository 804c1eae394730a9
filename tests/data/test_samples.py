"""The embedded review sample: what the loader gives, and rows fit to learn and to judge from."""

import re
from importlib import resources
from itertools import pairwise

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from zoo.data import samples

ROWS = {"train": 600, "dev": 300}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def text_tokens(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\u4e00-\u9fff]|[a-z']+|\d+", text.lower()))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second)


@pytest.fixture(params=samples.LANGUAGES)
def language(request):
    return request.param


def test_splits_have_the_stated_rows_and_class_names(language):
    sample = samples.sentiment(language)
    assert list(sample) == ["train", "dev"]
    for split, (texts, labels) in sample.items():
        assert len(texts) == len(labels) == ROWS[split]
        assert set(labels) == {"negative", "positive"}


def test_labels_follow_the_column_of_the_file(language):
    path = resources.files(samples).joinpath(f"{language}_sentiment.dev.tsv")
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    assert header == "sentence\tlabel"
    column = {"negative": "0", "positive": "1"}
    texts, labels = samples.sentiment(language)["dev"]
    assert lines == [f"{text}\t{column[label]}" for text, label in zip(texts, labels, strict=True)]


def test_english_is_the_default():
    assert samples.sentiment() == samples.sentiment("en")


def test_classes_are_balanced_within_two_percent(language):
    for _, labels in samples.sentiment(language).values():
        assert abs(labels.count("positive") / len(labels) - 0.5) <= 0.01


def test_classes_alternate_irregularly(language):
    for _, labels in samples.sentiment(language).values():
        changes = sum(first != second for first, second in pairwise(labels))
        assert 0.4 < changes / len(labels) < 0.6


def test_rows_are_clean_single_lines(language):
    for texts, _ in samples.sentiment(language).values():
        for text in texts:
            assert text == text.strip() and text.isprintable()
            assert '"' not in text, text  # a reader with quoting on would join rows


def test_english_rows_have_4_to_40_words():
    lengths = [len(t.split()) for texts, _ in samples.sentiment("en").values() for t in texts]
    assert min(lengths) >= 4
    assert 30 <= max(lengths) <= 40


def test_chinese_rows_have_6_to_80_characters_mostly_chinese():
    for texts, _ in samples.sentiment("zh").values():
        for text in texts:
            assert 6 <= len(text) <= 80, text
            assert len(CHINESE.findall(text)) > len(text) / 2, text


def test_no_row_comes_twice(language):
    sample = samples.sentiment(language)
    rows = [text.lower() for texts, _ in sample.values() for text in texts]
    assert len(set(rows)) == len(rows)


def test_no_two_rows_are_nearly_the_same(language):
    sample = samples.sentiment(language)
    rows = [(text, text_tokens(text)) for texts, _ in sample.values() for text in texts]
    for index, (text, tokens) in enumerate(rows):
        for other, other_tokens in rows[:index]:
            assert jaccard(tokens, other_tokens) < 0.7, (text, other)


def test_words_of_the_training_rows_help_on_dev_but_do_not_settle_it(language):
    sample = samples.sentiment(language)
    classifier = make_pipeline(
        TfidfVectorizer(analyzer=lambda text: sorted(text_tokens(text))),
        LogisticRegression(C=10, max_iter=500),
    ).fit(*sample["train"])
    assert 0.55 < classifier.score(*sample["dev"]) < 0.85


@pytest.mark.parametrize("unknown", ["fr", "EN", "", None])
def test_unknown_language_lists_those_available(unknown):
    with pytest.raises(ValueError, match=r"en, zh.*Received: language=") as error:
        samples.sentiment(unknown)
    assert repr(unknown) in str(error.value)
