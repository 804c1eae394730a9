"""Vectorised choices against the same choices made one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.objectives.selection import (
    accept_in_order,
    choose_places,
    choose_spans,
    choose_tokens,
    find_words,
    shuffle_positions,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_skipping_what_does_not_fit(data):
    rows, entries = data.draw(st.integers(1, 5)), data.draw(st.integers(0, 13))
    draw = np.random.default_rng(data.draw(st.integers(0, 9999)))
    sizes = draw.integers(0, 5, (rows, entries))
    room = draw.integers(0, 17, rows)
    accepted, spent = accept_in_order(sizes, room)
    for row in range(rows):
        left, expected = room[row], []
        for size in sizes[row]:
            expected.append(0 < size <= left)
            left -= size if expected[-1] else 0
        np.testing.assert_array_equal(accepted[row], np.array(expected, bool))
        assert spent[row] == room[row] - left


def test_words_of_a_batch():
    candidates = np.array([[0, 1, 1, 1, 0, 1, 1, 0], [0, 0, 1, 1, 1, 1, 1, 1]], bool)
    starts = np.array([[1, 0, 0, 1, 1, 1, 1, 1], [1, 1, 0, 1, 0, 0, 0, 1]], bool)
    words = find_words(candidates, starts)
    np.testing.assert_array_equal(words.number[candidates], [0, 0, 1, 2, 3, 4, 5, 5, 5, 5, 6])
    np.testing.assert_array_equal(np.diff(words.first_token), [2, 1, 1, 1, 1, 4, 1])
    np.testing.assert_array_equal(words.run_stop, [2, 2, 4, 4, 7, 7, 7])


def test_positions_come_in_every_order_equally_often():
    allowed = np.tile(np.array([0, 1, 1, 0, 1], bool), (6000, 1))
    order = shuffle_positions(allowed, 3, np.random.default_rng(1))
    orders, counts = np.unique(order, axis=0, return_counts=True)
    assert len(orders) == 6 and set(orders.ravel()) == {1, 2, 4}
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_spans_never_share_a_word_and_spend_the_budget():
    rng = np.random.default_rng(0)
    candidates = rng.random((101, 53)) < 0.9
    words = find_words(candidates, np.ones_like(candidates))
    budget = rng.integers(0, 23, 101)
    chosen, begins = choose_spans(words, budget, np.array([0.2, 0.3, 0.5]), rng)
    assert not (chosen & ~candidates).any() and not (begins & ~chosen).any()
    np.testing.assert_array_equal(chosen.sum(axis=1), np.minimum(budget, candidates.sum(axis=1)))
    spans = np.cumsum(begins.ravel())[chosen.ravel()]
    assert np.bincount(spans)[1:].max() == 3
    after_gap = np.diff(chosen.astype(int), axis=1, prepend=0) == 1
    assert begins[after_gap].all()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_as_many_tokens_as_asked_for_and_only_candidates(data):
    rows, length = data.draw(st.integers(0, 5)), data.draw(st.integers(1, 13))
    draw = np.random.default_rng(data.draw(st.integers(0, 9999)))
    candidates = draw.random((rows, length)) < data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    budget = draw.integers(0, 17, rows) if data.draw(st.booleans()) else np.full(rows, draw.integers(0, 17))
    chosen = choose_tokens(candidates, budget, draw)
    assert not (chosen & ~candidates).any()
    np.testing.assert_array_equal(chosen.sum(axis=1), np.minimum(budget, candidates.sum(axis=1)))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_as_many_places_as_asked_for(data):
    rows = data.draw(st.integers(0, 5))
    numbers = st.lists(st.integers(0, 17), min_size=rows, max_size=rows)
    counts, budget = (np.array(data.draw(numbers), int) for _ in range(2))
    width = counts.max(initial=0) + data.draw(st.integers(0, 3))
    chosen = choose_places(counts, budget, width, np.random.default_rng(data.draw(st.integers(0, 9999))))
    assert chosen.shape == (rows, width)
    np.testing.assert_array_equal(chosen.sum(axis=1), np.minimum(budget, counts))
    assert not (chosen & (np.arange(width) >= counts[:, None])).any()


@pytest.mark.parametrize("budget", [2, 3])  # of five: those that are chosen are drawn, and those that are not
def test_every_set_of_places_is_equally_likely(budget):
    rows = 20_000
    chosen = choose_places(np.full(rows, 5), np.full(rows, budget), 6, np.random.default_rng(7))
    sets, counts = np.unique(chosen, axis=0, return_counts=True)
    assert len(sets) == 10
    assert np.abs(counts - rows / 10).max() < 5 * np.sqrt(rows * 0.1 * 0.9)


def test_every_set_of_tokens_is_equally_likely():
    candidates = np.tile(np.array([1, 0, 1, 1, 1], bool), (6000, 1))
    for budget in (np.full(6000, 2), np.where(np.arange(6000) % 2, 2, 1)):
        chosen = choose_tokens(candidates, budget, np.random.default_rng(1))[budget == 2]
        sets, counts = np.unique(chosen, axis=0, return_counts=True)
        expected = len(chosen) / 6
        assert len(sets) == 6 and np.abs(counts - expected).max() < 5 * np.sqrt(expected)
