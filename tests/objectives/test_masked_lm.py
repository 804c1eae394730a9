"""Masked language modelling: budgets, proportions, laws, and what can be put back."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from zoo.objectives import MaskedLM, Vocabulary
from zoo.objectives.masked_lm import ngram_law, span_law

UNITS = ("token", "whole_word", "ngram", "span")
# 101,303 tokens, padding not counted.
ROWS, LENGTH = 199, 509


def restore(noisy):
    """The token ids with the targets put back."""
    token_ids = noisy["token_ids"].copy()
    rows, slots = np.nonzero(noisy["mask_weights"])
    token_ids[rows, noisy["mask_positions"][rows, slots]] = noisy["mask_ids"][rows, slots]
    return token_ids


def chosen_of(noisy):
    """Bool (batch, length): what is to be predicted."""
    chosen = np.zeros(noisy["token_ids"].shape, bool)
    rows, slots = np.nonzero(noisy["mask_weights"])
    chosen[rows, noisy["mask_positions"][rows, slots]] = True
    return chosen


def budgets(batch, objective):
    """The number of tokens of the specification, example by example."""
    tokens = batch["padding_mask"].sum(axis=1).tolist()
    slots = objective.num_predictions(batch["token_ids"].shape[1])
    return np.array([min(slots, max(1, round(objective.rate * count))) for count in tokens])


def word_numbers(candidates, word_starts):
    """A number for each word of one example, -1 for special tokens; token by token."""
    numbers, number, inside = [], -1, False
    for candidate, start in zip(candidates, word_starts, strict=True):
        if candidate and (start or not inside):
            number += 1
        inside = candidate
        numbers.append(number if candidate else -1)
    return np.array(numbers)


def test_one_small_case_by_hand(vocabulary):
    token_ids = np.array([[2, 11, 12, 13, 14, 3, 0], [2, 21, 22, 3, 0, 0, 0]], "int32")
    batch = {"token_ids": token_ids, "padding_mask": (token_ids > 0).astype("int32")}
    objective = MaskedLM(rate=0.5, mask_token_rate=1.0, random_token_rate=0.0)
    noisy = objective(batch, vocabulary, np.random.default_rng(0))
    # round(0.5 * 6) = 3 of four, round(0.5 * 4) = 2 of two; round(0.5 * 7) = 4 slots.
    np.testing.assert_array_equal(noisy["mask_weights"], [[1, 1, 1, 0], [1, 1, 0, 0]])
    np.testing.assert_array_equal(noisy["mask_positions"][1], [1, 2, 0, 0])
    np.testing.assert_array_equal(noisy["mask_ids"][1], [21, 22, 0, 0])
    np.testing.assert_array_equal(noisy["token_ids"][1], [2, 4, 4, 3, 0, 0, 0])
    assert (noisy["token_ids"][0] == 4).sum() == 3
    assert token_ids[0, 1] == 11, "the batch that came in must not change"
    for name, dtype in (("token_ids", "int32"), ("mask_positions", "int32"), ("mask_ids", "int32")):
        assert noisy[name].dtype == dtype
    assert noisy["mask_weights"].dtype == "float32"


@pytest.mark.parametrize("unit", UNITS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_putting_the_targets_back_gives_the_input(unit, data, vocabulary, make_batch):
    batch = make_batch(
        batch_size=data.draw(st.integers(1, 7)),
        length=data.draw(st.integers(5, 67)),
        seed=data.draw(st.integers(0, 999)),
        unknown_rate=data.draw(st.sampled_from([0.0, 0.2, 1.0])),
        word_start_rate=data.draw(st.sampled_from([0.0, 0.4, 1.0])),
    )
    objective = MaskedLM(
        unit,
        rate=data.draw(st.sampled_from([0.01, 0.15, 0.5, 1.0])),
        max_predictions=data.draw(st.sampled_from([None, 1, 3, 83])),
    )
    noisy = objective(batch, vocabulary, np.random.default_rng(data.draw(st.integers(0, 999))))

    np.testing.assert_array_equal(restore(noisy), batch["token_ids"])
    used = noisy["mask_weights"] == 1
    assert (noisy["mask_positions"][~used] == 0).all() and (noisy["mask_ids"][~used] == 0).all()
    candidates = (batch["padding_mask"] == 1) & ~vocabulary.is_special[batch["token_ids"]]
    assert not (chosen_of(noisy) & ~candidates).any()
    counts, budget = used.sum(axis=1), budgets(batch, objective)
    assert (counts <= budget).all()
    for row, count in enumerate(counts):
        assert used[row, :count].all(), "slots in use come first"
        assert (np.diff(noisy["mask_positions"][row, :count]) > 0).all(), "ascending and distinct"
    if unit == "token":
        np.testing.assert_array_equal(counts, np.minimum(budget, candidates.sum(axis=1)))
    else:
        chosen = chosen_of(noisy)
        for row in range(len(counts)):
            numbers = word_numbers(candidates[row], batch["word_starts"][row])
            of_chosen = np.isin(numbers, numbers[chosen[row]]) & (numbers >= 0)
            np.testing.assert_array_equal(of_chosen, chosen[row], "words are whole")


@pytest.mark.parametrize("unit", UNITS)
def test_proportions_on_100000_tokens(unit, vocabulary, make_batch):
    batch = make_batch(ROWS, LENGTH, padded=False, word_start_rate=0.8)
    objective = MaskedLM(unit)
    noisy = objective(batch, vocabulary, np.random.default_rng(1))
    chosen = chosen_of(noisy)
    budget = budgets(batch, objective)
    assert budget[0] == 76
    assert chosen.sum() == budget.sum() if unit == "token" else chosen.sum() >= 0.999 * budget.sum()

    before, after = batch["token_ids"][chosen], noisy["token_ids"][chosen]
    ordinary = len(vocabulary.ordinary_ids)
    # A random token is the original one at times, so a few more seem kept.
    expected = np.array([0.8, 0.1 * (ordinary - 1) / ordinary, 0.1 + 0.1 / ordinary])
    measured = np.array([(after == 4).mean(), ((after != 4) & (after != before)).mean(), (after == before).mean()])
    # The tokens of a span share one roll of the dice: fewer rolls, a wider bound.
    rolls = len(before) / (1 if unit != "span" else 7)
    bound = 4 * np.sqrt(expected * (1 - expected) / rolls)
    assert (np.abs(measured - expected) < bound).all(), measured
    np.testing.assert_array_equal(noisy["token_ids"][~chosen], batch["token_ids"][~chosen])


def test_every_position_is_equally_likely(vocabulary, make_batch):
    batch = make_batch(1009, 103, padded=False)
    candidates = ~vocabulary.is_special[batch["token_ids"]]
    # Fewer slots than the rate asks for: a draw that is cut off afterwards would favour the front.
    objective = MaskedLM(max_predictions=7)
    total = np.zeros(103)
    for seed in range(5):
        total += chosen_of(objective(batch, vocabulary, np.random.default_rng(seed))).sum(axis=0)
    expected = 5 * (candidates * 7 / candidates.sum(axis=1, keepdims=True)).sum(axis=0)
    inside = slice(1, 102)
    assert stats.chisquare(total[inside], expected[inside]).pvalue > 1e-3


def test_every_word_is_equally_likely(vocabulary):
    token_ids = np.tile(np.arange(6, 6 + 61, dtype="int32"), (2003, 1))
    batch = {
        "token_ids": token_ids,
        "padding_mask": np.ones_like(token_ids),
        "word_starts": np.ones(token_ids.shape, bool),
    }
    noisy = MaskedLM("whole_word")(batch, vocabulary, np.random.default_rng(3))
    assert stats.chisquare(chosen_of(noisy).sum(axis=0)).pvalue > 1e-3


@pytest.mark.parametrize(("unit", "law"), [("ngram", ngram_law()), ("span", span_law())])
def test_lengths_follow_the_law(unit, law, vocabulary):
    # So few of so many words that spans hardly ever meet: runs of chosen words are the spans.
    token_ids = np.full((41, 8191), 7, "int32")
    batch = {
        "token_ids": token_ids,
        "padding_mask": np.ones_like(token_ids),
        "word_starts": np.ones(token_ids.shape, bool),
    }
    chosen = chosen_of(MaskedLM(unit, rate=0.02)(batch, vocabulary, np.random.default_rng(5)))
    edges = np.diff(chosen.astype(int), axis=1, prepend=0, append=0)
    lengths = np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1]
    counts = np.bincount(lengths, minlength=len(law) + 1)[1 : len(law) + 1]
    frequencies = counts / counts.sum()
    assert counts.sum() > 1500
    # Two percent is what spans that touch each other and the last one of an example may move.
    np.testing.assert_allclose(frequencies, law, atol=0.02 + 3 * np.sqrt(0.25 / counts.sum()))


def test_the_laws_are_those_of_the_papers():
    np.testing.assert_allclose(ngram_law(), [6 / 11, 3 / 11, 2 / 11])
    law = span_law()
    assert len(law) == 10 and law.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(law[1:] / law[:-1], 0.8)
    assert (law * np.arange(1, 11)).sum() == pytest.approx(3.8, abs=0.01)


def test_a_span_is_masked_replaced_or_kept_as_a_whole(vocabulary):
    token_ids = np.tile(np.arange(6, 6 + 89, dtype="int32"), (211, 1))
    batch = {
        "token_ids": token_ids,
        "padding_mask": np.ones_like(token_ids),
        "word_starts": np.ones(token_ids.shape, bool),
    }
    # A budget that one span nearly fills: what is chosen is a span, or two.
    objective = MaskedLM("span", max_predictions=3, mask_token_rate=0.5, random_token_rate=0.0)
    noisy = objective(batch, vocabulary, np.random.default_rng(7))
    masked = noisy["token_ids"] == 4
    chosen = chosen_of(noisy)
    whole = chosen[:, 1:-1] & chosen[:, :-2] & chosen[:, 2:]  # the middle of three: a single span
    rows, middle = np.nonzero(whole)
    share = np.stack([masked[rows, middle], masked[rows, middle + 1], masked[rows, middle + 2]])
    assert len(rows) > 50 and 0.3 < share[0].mean() < 0.7
    assert (share[0] == share[1]).mean() > 0.9 and (share[0] == share[2]).mean() > 0.9


def test_random_tokens_are_uniform(vocabulary, make_batch):
    objective = MaskedLM(rate=1.0, mask_token_rate=0.0, random_token_rate=1.0)
    batch = make_batch(31, 499, padded=False)
    noisy = objective(batch, vocabulary, np.random.default_rng(0))
    drawn = noisy["token_ids"][chosen_of(noisy)]
    counts = np.bincount(drawn, minlength=vocabulary.size)[vocabulary.ordinary_ids]
    assert counts.sum() == len(drawn) > 15000
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("unit", UNITS)
def test_the_same_seed_makes_the_same_noise(unit, vocabulary, make_batch):
    batch = make_batch(5, 61)
    first, same, other = (MaskedLM(unit)(batch, vocabulary, np.random.default_rng(seed)) for seed in (3, 3, 4))
    for name in first:
        np.testing.assert_array_equal(first[name], same[name])
    assert (first["token_ids"] != other["token_ids"]).any()


@pytest.mark.parametrize("unit", UNITS)
def test_examples_without_candidates_get_no_mask(unit, vocabulary):
    token_ids = np.array([[2, 3, 0, 0, 0], [2, 1, 5, 4, 3], [0, 0, 0, 0, 0]], "int32")
    batch = {
        "token_ids": token_ids,
        "padding_mask": (token_ids > 0).astype("int32"),
        "word_starts": np.ones(token_ids.shape, bool),
    }
    noisy = MaskedLM(unit)(batch, vocabulary, np.random.default_rng(0))
    np.testing.assert_array_equal(noisy["token_ids"], token_ids)
    assert noisy["mask_weights"].shape == (3, 1) and not noisy["mask_weights"].any()


def test_a_word_beyond_the_budget_is_skipped_and_the_next_one_taken(vocabulary):
    # One word of six pieces, one of two, one of one; three tokens may be chosen.
    token_ids = np.array([[2, 11, 12, 13, 14, 15, 16, 17, 18, 19, 3]], "int32")
    starts = np.array([[1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1]], bool)
    batch = {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids), "word_starts": starts}
    for seed in range(20):
        noisy = MaskedLM("whole_word", rate=0.3)(batch, vocabulary, np.random.default_rng(seed))
        np.testing.assert_array_equal(noisy["mask_positions"], [[7, 8, 9]])


@pytest.mark.parametrize("unit", ["ngram", "span"])
def test_a_gram_beyond_the_budget_becomes_shorter(unit, vocabulary):
    token_ids = np.array([[2, *range(11, 26), 3]], "int32")
    batch = {
        "token_ids": token_ids,
        "padding_mask": np.ones_like(token_ids),
        "word_starts": np.ones(token_ids.shape, bool),
    }
    for seed in range(20):
        noisy = MaskedLM(unit, max_predictions=2)(batch, vocabulary, np.random.default_rng(seed))
        assert noisy["mask_weights"].sum() == 2


@pytest.mark.parametrize("unit", ["ngram", "span"])
def test_spans_end_at_special_tokens(unit, vocabulary):
    # Five words, a separator, five words: with the longest spans only, some would cross it.
    token_ids = np.tile(np.array([2, 11, 12, 3, 13, 14, 3], "int32"), (101, 1))
    batch = {
        "token_ids": token_ids,
        "padding_mask": np.ones_like(token_ids),
        "word_starts": np.ones(token_ids.shape, bool),
    }
    noisy = MaskedLM(unit, rate=1.0)(batch, vocabulary, np.random.default_rng(0))
    assert (noisy["token_ids"][:, 3] == 3).all()
    assert (chosen_of(noisy).sum(axis=1) == 4).all()


def test_default_number_of_slots():
    assert MaskedLM().num_predictions(128) == 19
    assert MaskedLM().num_predictions(512) == 77
    assert MaskedLM().num_predictions(3) == 1
    assert MaskedLM(max_predictions=20).num_predictions(128) == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"unit": "word"}, "unit='word'"),
        ({"rate": 0.0}, "rate=0.0"),
        ({"rate": 1.1}, "rate=1.1"),
        ({"mask_token_rate": 0.8, "random_token_rate": 0.3}, "random_token_rate=0.3"),
        ({"mask_token_rate": -0.1}, "mask_token_rate=-0.1"),
        ({"max_predictions": 0}, "max_predictions=0"),
        ({"max_predictions": 2.5}, "max_predictions=2.5"),
        ({"mask_token_rate": float("nan")}, "mask_token_rate=nan"),
        ({"random_token_rate": float("nan")}, "random_token_rate=nan"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=f"Received: .*{message}"):
        MaskedLM(**arguments)


@pytest.mark.parametrize("name", ["rate", "mask_token_rate", "random_token_rate"])
def test_what_is_no_number(name):
    with pytest.raises(TypeError, match=f"`{name}` must be a number. Received: {name}='0.15' of type str"):
        MaskedLM(**{name: "0.15"})


def test_missing_word_starts(vocabulary, make_batch):
    batch = make_batch(2, 13)
    del batch["word_starts"]
    with pytest.raises(ValueError, match="word_starts"):
        MaskedLM("whole_word")(batch, vocabulary, np.random.default_rng(0))
    MaskedLM("token")(batch, vocabulary, np.random.default_rng(0))


def test_is_frozen_and_comparable():
    assert MaskedLM("span") == MaskedLM("span") != MaskedLM("ngram")
    with pytest.raises(dataclasses.FrozenInstanceError):
        MaskedLM().rate = 0.2


def test_a_token_outside_the_vocabulary_is_an_error(vocabulary, make_batch):
    batch = make_batch(2, 13)
    batch["token_ids"][1, 1] = vocabulary.size
    with pytest.raises(IndexError):
        MaskedLM()(batch, vocabulary, np.random.default_rng(0))


def test_the_smallest_vocabulary():
    vocabulary = Vocabulary(5, 0, 1, 2, 3, (0, 1, 2, 3))
    token_ids = np.array([[1, 4, 4, 2]], "int32")
    batch = {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)}
    noisy = MaskedLM(mask_token_rate=0.0, random_token_rate=1.0)(batch, vocabulary, np.random.default_rng(0))
    np.testing.assert_array_equal(noisy["token_ids"], token_ids)
