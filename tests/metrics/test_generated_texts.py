"""ROUGE, BLEU and exact match: against the libraries, by hand, in Chinese, and what is refused."""

import pytest
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU

from zoo.metrics import bleu_score, exact_match, generation_scores, rouge_scores

SAID = ["The dog barked at the tall man.", "a cat_1 sleeps", "Nothing\nof it", "runners were running quickly"]
RIGHT = ["A dog barked at a man.", "the cat sleeps here", "of it nothing\nat all", "the runner ran quickly"]
SAID_ZH, RIGHT_ZH = ["我喜欢吃苹果和香蕉", "他走了 very fast"], ["我喜欢吃苹果和梨子", "他走得 very fast"]
NAMES = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL", "rouge_l_sum": "rougeLsum"}


@pytest.mark.parametrize("stem", [False, True])
def test_rouge_of_english_is_the_librarys(stem):
    scorer = rouge_scorer.RougeScorer(list(NAMES.values()), use_stemmer=stem)
    rows = [scorer.score(right, said) for said, right in zip(SAID, RIGHT, strict=True)]
    expected = {name: sum(row[theirs].fmeasure for row in rows) / len(rows) for name, theirs in NAMES.items()}
    found = rouge_scores(SAID, RIGHT, stem=stem)
    assert found == pytest.approx(expected)
    assert 0 < found["rouge_2"] < found["rouge_l"] < 1
    assert found["rouge_l"] != found["rouge_l_sum"]  # the third pair has lines


def test_rouge_by_hand():
    # 4 of 7 words are there (dog, barked, at, man) of 6 in the reference; "dog barked", "barked at" are 2 of 6 and 5.
    found = rouge_scores(["The dog barked at the tall man."], ["A dog barked at a man."])
    assert found["rouge_1"] == found["rouge_l"] == pytest.approx(2 * 4 / (7 + 6))
    assert found["rouge_2"] == pytest.approx(2 * 2 / (6 + 5))


def test_rouge_counts_chinese_characters_and_letters_with_accents():
    # 7 of 9 characters; the library alone finds no token at all, and so 0.
    assert rouge_scores(SAID_ZH[:1], RIGHT_ZH[:1])["rouge_1"] == pytest.approx(7 / 9)
    assert rouge_scores(SAID_ZH[:1], RIGHT_ZH[:1])["rouge_2"] == pytest.approx(6 / 8)
    assert rouge_scorer.RougeScorer(["rouge1"]).score(RIGHT_ZH[0], SAID_ZH[0])["rouge1"].fmeasure == 0
    assert rouge_scores(SAID_ZH[1:], RIGHT_ZH[1:])["rouge_1"] == pytest.approx(4 / 5)
    assert rouge_scores(["größe"], ["größer"])["rouge_1"] == 0
    assert rouge_scores(["GRÖSSE"], ["grösse"])["rouge_1"] == 1


def test_rouge_does_not_part_a_letter_from_its_marks():
    assert rouge_scores(["हिन्दी"], ["हिन्दू"])["rouge_1"] == 0  # one word each, not letters that they share
    assert rouge_scores(["यह हिन्दी है"], ["वह हिन्दी है"])["rouge_1"] == pytest.approx(2 / 3)
    assert rouge_scores(["gro\u0308ßer"], ["gro\u0308ßte"])["rouge_1"] == 0


def test_bleu_is_sacrebleus():
    for said, right, tokenizer in ((SAID, RIGHT, "13a"), (SAID_ZH, RIGHT_ZH, "zh")):
        expected = BLEU(tokenize=tokenizer).corpus_score(said, [right]).score / 100
        assert bleu_score(said, right) == bleu_score(said, right, tokenizer=tokenizer) == pytest.approx(expected)
        assert 0 < expected < 1
    assert bleu_score(SAID_ZH, RIGHT_ZH, tokenizer="13a") != bleu_score(SAID_ZH, RIGHT_ZH)
    assert bleu_score(SAID, RIGHT, lowercase=True) > bleu_score(SAID, RIGHT)


def test_exact_match_does_not_count_spaces():
    assert exact_match(["a  dog", "A dog", "cat", ""], ["a dog ", "a dog", "cat", "cat"]) == 0.5


def test_right_and_empty_answers():
    names = {*NAMES, "bleu", "exact_match"}
    assert generation_scores(RIGHT, RIGHT) == dict.fromkeys(names, 1.0)
    assert generation_scores(["", " "], RIGHT[:2]) == dict.fromkeys(names, 0.0)
    assert generation_scores(SAID, RIGHT, tokenizer="char")["bleu"] == bleu_score(SAID, RIGHT, tokenizer="char")


@pytest.mark.parametrize("score", [rouge_scores, bleu_score, exact_match, generation_scores])
def test_bad_input_is_refused(score):
    with pytest.raises(ValueError, match="Received: 1 predictions and 2 references"):
        score(["a"], ["a", "b"])
    with pytest.raises(ValueError, match=r"at least one\. Received: 0 predictions and 0"):
        score([], [])
    with pytest.raises(TypeError, match=r"Received: predictions='a dog'. Write \[text\]"):
        score("a dog", ["a dog"])
    with pytest.raises(TypeError, match=r"Received: references\[1\]=7 of type int; 1 such rows"):
        score(["a", "b"], ["a", 7])


def test_an_unknown_tokenizer_is_refused():
    with pytest.raises(ValueError, match=r"one of \[.*'13a'.*Received: tokenizer='words'"):
        bleu_score(["a"], ["a"], tokenizer="words")
