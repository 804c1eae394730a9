import json

import numpy as np
import pytest

from zoo.metrics.squad import best_threshold, language_of, score_answers, squad_scores


def scores(prediction, *answers, language=None):
    exact, f1 = score_answers([prediction], [list(answers)], language)
    return exact[0], f1[0]


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "f1"),
    [
        ("The  Eiffel Tower!", ["eiffel tower"], 1, 1),
        ("a dog, an ape and the cat", ["dog ape and cat"], 1, 1),
        ("Mr. O'Neil", ["mr oneil"], 1, 1),
        ("the theatre", ["atre"], 0, 0),  # an article is a word
        ("big red dog", ["red dog"], 0, 2 * (2 / 3) * 1 / (2 / 3 + 1)),
        ("red red dog", ["red dog dog"], 0, 2 / 3),  # one "red" and one "dog" are common
        ("dog red", ["red dog"], 0, 1),  # F1 knows no order
        ("in Paris", ["London", "Paris", "in Paris, France"], 0, 0.8),  # the best of all answers
        ("in Paris", ["Paris", "In Paris."], 1, 1),
        ("", [], 1, 1),
        ("Paris", [], 0, 0),
        ("", ["Paris"], 0, 0),
        ("the", [], 1, 1),  # nothing is left of an article
        ("Paris", ["the", "Paris"], 1, 1),  # nor of this answer, so it does not count
        ("the", ["an", "!"], 1, 1),
        ("don't", ["dont"], 1, 1),
        ("1,000", ["1000"], 1, 1),
        ("über alles", ["Über Alles"], 1, 1),
        ("“Paris”", ["Paris"], 0, 0),  # only ASCII punctuation is dropped
    ],
)
def test_the_rules_of_squad(prediction, answers, exact, f1):
    assert scores(prediction, *answers, language="en") == pytest.approx((exact, f1))


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "f1"),
    [
        ("北京。", ["北京"], 1, 1),
        ("《红楼梦》", ["红楼梦"], 1, 1),
        ("在北京", ["北京"], 0, 2 * 2 / 5),
        ("北京大学", ["北大"], 0, 2 * 1 / 6),  # the longest run in common, not the longest subsequence
        ("上海", ["北京"], 0, 0),
        ("京北", ["北京"], 0, 2 * 1 / 4),
        ("2008年8月", ["2008年"], 0, 2 * 2 / (4 + 2)),  # a number is one segment
        ("NBA总决赛", ["nba 总决赛"], 0, 1),  # a space counts for exact match alone
        ("３.14米", ["3.14米"], 0, 0.5),
        ("1-2年", ["12年"], 1, 1),  # a hyphen is dropped
        ("等等…", ["等等"], 0, 0.8),  # an ellipsis is not
        ("北京", ["上海", "北京市"], 0, 2 * 2 / 5),
        ("", [], 1, 1),
        ("", ["北京"], 0, 0),
        ("the 北京", ["北京"], 0, 0.8),  # articles count
    ],
)
def test_the_rules_of_cmrc(prediction, answers, exact, f1):
    assert scores(prediction, *answers, language="zh") == pytest.approx((exact, f1))


def test_means_and_parts():
    found = squad_scores(["Paris", "", "", "Rome"], [["Paris"], ["Rome"], [], []])
    assert found == {
        "exact_match": 0.5, "f1": 0.5, "has_answer_exact_match": 0.5, "has_answer_f1": 0.5,
        "no_answer_exact_match": 0.5, "no_answer_f1": 0.5,
    }  # fmt: skip
    assert set(squad_scores(["Paris"], [["Paris"]])) == {"exact_match", "f1"}
    assert set(squad_scores([""], [[]])) == {"exact_match", "f1", "no_answer_exact_match", "no_answer_f1"}
    assert json.loads(json.dumps(found)) == found


def test_the_language_is_that_of_most_letters():
    assert language_of(["北京大学", "1998年", "NBA"]) == "zh"
    assert language_of(["Beijing (北京)", "1998"]) == "en"
    assert language_of([]) == "en"
    # The same predictions by either rule: three of four characters in a run, and no word in common.
    assert scores("北京大学", "北京大")[1] == pytest.approx(6 / 7)
    assert scores("北京大学", "北京大", language="en")[1] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], [["a"], ["b"]]), "1 predictions, answers of 2"),
        (([], []), "0 predictions"),
        ((["a"], [["a"]], "fr"), "language='fr'"),
    ],
)
def test_wrong_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        squad_scores(*arguments)


def by_trial(lead, scores, has_answer):
    """Every threshold in turn."""
    best = None
    for threshold in [min(lead) - 1, *sorted(lead)]:
        total = sum(
            float(not has) if one > threshold else score
            for one, score, has in zip(lead, scores, has_answer, strict=True)
        )
        if best is None or total > best[0] + 1e-9:
            best = total, threshold
    return best


def test_the_threshold_is_the_best_of_all():
    rng = np.random.default_rng(0)
    for _ in range(50):
        has_answer = rng.random(11) < 0.5
        scores = np.where(has_answer, rng.integers(0, 3, 11) / 2, 0.0)
        lead = rng.integers(-3, 4, 11).astype("float32")  # with ties
        total, threshold = by_trial(lead.tolist(), scores.tolist(), has_answer.tolist())
        found = best_threshold(lead, scores, has_answer)
        # The same questions are answered, and no question's score is the threshold itself.
        assert ((lead > found) == (lead > threshold)).all() and found not in lead
        assert np.where(lead > found, ~has_answer, scores).sum() == pytest.approx(total)


def test_the_threshold_by_hand():
    lead, has_answer = np.array([-2.0, -1.0, 1.0]), np.array([True, True, False])
    assert best_threshold(lead, np.array([1.0, 1.0, 0.0]), has_answer) == 0.0  # between -1 and 1
    assert best_threshold(lead, np.array([0.0, 0.0, 0.0]), has_answer) == -3.0  # never answer
    assert best_threshold(-lead, np.array([0.5, 1.0, 0.0]), has_answer) == 3.0  # answer all: 1.5 against 1


def test_answers_are_lists():
    with pytest.raises(TypeError, match=r"Received: 'abc'. Write \[\[text\]\]"):
        squad_scores(["abc"], ["abc"])
