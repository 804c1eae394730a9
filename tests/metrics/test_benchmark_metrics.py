"""Metrics of the benchmarks: values worked by hand, and where they are not defined."""

import numpy as np
import pytest

from zoo.metrics.benchmark_metrics import METRICS, check_defined, compute

TARGETS = [1, 1, 1, 0, 0, 1, 0, 0]
ANSWERS = [1, 1, 0, 0, 1, 1, 0, 0]  # 3 true positives, 3 true negatives, 1 of each error


@pytest.mark.parametrize(
    "name, expected", [("accuracy", 0.75), ("f1", 0.75), ("macro_f1", 0.75), ("matthews", (3 * 3 - 1) / 16)]
)
def test_of_two_classes(name, expected):
    assert compute(name, TARGETS, ANSWERS) == pytest.approx(expected)
    assert compute(name, TARGETS, TARGETS) == 1


def test_f1_is_of_the_second_class():
    assert compute("f1", [1, 0, 0], [1, 1, 0]) == pytest.approx(2 / 3)
    assert compute("f1", [1, 0, 0], [0, 0, 0]) == 0


def test_macro_f1_is_the_mean_over_classes():
    # Class 0: 2 of 2 found, one too many; class 1: none found; class 2: found.
    assert compute("macro_f1", [0, 0, 1, 2], [0, 0, 0, 2]) == pytest.approx((0.8 + 0 + 1) / 3)


def test_correlations():
    targets, answers = [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 10.0]
    assert compute("spearman", targets, answers) == pytest.approx(1)
    assert compute("pearson", targets, answers) == pytest.approx(np.corrcoef(targets, answers)[0, 1])
    assert compute("pearson", targets, [-value for value in targets]) == pytest.approx(-1)


@pytest.mark.parametrize("name", ["matthews", "pearson", "spearman"])
def test_answers_that_are_all_the_same_have_no_correlation(name):
    assert compute(name, [0, 1, 1], [1, 1, 1]) == 0


def test_answers_that_are_not_finite_have_no_correlation():
    assert compute("pearson", [0.0, 1.0, 2.0], [0.0, np.nan, 1.0]) == 0


@pytest.mark.parametrize(
    "name, targets",
    [("matthews", [1, 1]), ("macro_f1", [2, 2]), ("f1", [0, 0]), ("pearson", [3.0, 3.0]), ("spearman", [3.0, 3.0])],
)
def test_one_class_or_score_is_refused(name, targets):
    with pytest.raises(ValueError, match=rf"{METRICS[name].title} is only defined for .*Received: my dev set, 2 rows"):
        check_defined(name, targets, "my dev set")
    with pytest.raises(ValueError, match="is only defined for"):
        compute(name, targets, [0, 1])


def test_accuracy_needs_a_row():
    check_defined("accuracy", [1], "my dev set")
    with pytest.raises(ValueError, match="accuracy is only defined for at least one row"):
        check_defined("accuracy", [], "my dev set")


def test_unknown_names_and_lengths_are_refused():
    with pytest.raises(ValueError, match="The metrics are accuracy, f1"):
        compute("acuracy", [1], [1])
    with pytest.raises(ValueError, match="2 targets and 1 predictions"):
        compute("accuracy", [1, 0], [1])


@pytest.mark.parametrize("found", [[[1], [0], [1]], [[0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]])
def test_logits_and_columns_are_no_answers(found):
    with pytest.raises(ValueError, match=r"one number a row\. Received: predictions of shape \(3, [12]\)"):
        compute("accuracy", [1, 0, 1], np.array(found))
