"""Defects of other implementations of these objectives, each a test that it is not here too."""

import random
import tracemalloc

import numpy as np
import pytest

import zoo
from zoo.objectives import MaskedLM, NextSentence, mark_words
from zoo.objectives.selection import choose_spans, find_words

UNITS = ("token", "whole_word", "ngram", "span")
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s", "bark", "##ed", ".", *"我爱北京天安门"]


@pytest.fixture(scope="module")
def tokenizer():
    return zoo.tokenizers.WordPiece(PIECES, lowercase=True)


def batch_of_ones(token_ids):
    """Words of one piece, no padding."""
    return {
        "token_ids": token_ids,
        "padding_mask": np.ones_like(token_ids),
        "word_starts": np.ones(token_ids.shape, bool),
    }


def used(noisy, name):
    return noisy[name][noisy["mask_weights"] == 1]


def changed_ids(batch, noisy):
    return noisy["token_ids"][noisy["token_ids"] != batch["token_ids"]]


def test_row_1_words_are_not_found_by_gaps_between_characters(tokenizer):
    _, (chinese, english) = mark_words(["我爱北京天安门", "the dogs barked."], tokenizer)
    np.testing.assert_array_equal(chinese, [1, 1, 1, 0, 1, 0, 0])
    np.testing.assert_array_equal(english, [1, 1, 0, 1, 0, 1])


@pytest.mark.parametrize("unit", ["whole_word", "ngram", "span"])
def test_row_1_larger_units_keep_random_and_unchanged_tokens(unit, vocabulary, make_batch):
    batch = make_batch(101, 127)
    noisy = MaskedLM(unit)(batch, vocabulary, np.random.default_rng(0))
    after = np.take_along_axis(noisy["token_ids"], noisy["mask_positions"], axis=1)[noisy["mask_weights"] == 1]
    before = used(noisy, "mask_ids")
    assert (after == vocabulary.mask_id).mean() == pytest.approx(0.8, abs=0.06)
    assert ((after != vocabulary.mask_id) & (after != before)).mean() == pytest.approx(0.1, abs=0.04)
    assert (after == before).mean() == pytest.approx(0.1, abs=0.04)


def test_row_1_memory_does_not_grow_with_the_square_of_the_length(vocabulary, make_batch):
    peaks = []
    for length in (251, 1009):
        batch = make_batch(16, length, padded=False)
        MaskedLM("whole_word")(batch, vocabulary, np.random.default_rng(0))
        tracemalloc.start()
        MaskedLM("whole_word")(batch, vocabulary, np.random.default_rng(0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 5 * peaks[0]
    assert peaks[1] < 16 * 1009 * 1009 / 4, "less than a matrix of words by words"


@pytest.mark.parametrize("unit", UNITS)
def test_row_2_and_17_random_tokens_are_never_special(unit, vocabulary, make_batch):
    batch = make_batch(53, 251, unknown_rate=0.1)
    objective = MaskedLM(unit, rate=0.9, mask_token_rate=0.0, random_token_rate=1.0)
    noisy = objective(batch, vocabulary, np.random.default_rng(0))
    drawn = changed_ids(batch, noisy)
    assert len(drawn) > 3000
    assert not vocabulary.is_special[drawn].any()
    assert set(drawn) == set(vocabulary.ordinary_ids), "and every other one is drawn"


@pytest.mark.parametrize("unit", UNITS)
def test_row_3_and_10_only_the_generator_that_is_passed_in_decides(unit, vocabulary, make_batch):
    batch, lengths = make_batch(7, 61), [np.array([5, 7, 3, 9, 4]), np.array([11, 2])]
    objective = MaskedLM(unit) + NextSentence()
    results = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        states = random.getstate(), np.random.get_state()[1].tolist()
        rng = np.random.default_rng(3)
        results.append((objective(batch, vocabulary, rng), objective.plan(lengths, 0, 17, rng)))
        assert states == (random.getstate(), np.random.get_state()[1].tolist())
    for name in results[0][0]:
        np.testing.assert_array_equal(results[0][0][name], results[1][0][name])
    assert results[0][1] == results[1][1]


def test_row_3_the_number_of_predictions_is_exact_and_nothing_is_dropped(vocabulary):
    token_ids = np.random.default_rng(0).integers(6, 97, (1009, 101)).astype("int32")
    for slots, expected in ((None, 15), (20, 15), (5, 5)):
        noisy = MaskedLM(max_predictions=slots)(batch_of_ones(token_ids), vocabulary, np.random.default_rng(1))
        assert (noisy["mask_weights"].sum(axis=1) == expected).all()
        # The middle of what is chosen lies in the middle of the text: the back is not cut off.
        assert used(noisy, "mask_positions").mean() == pytest.approx(50, abs=2)


def test_row_10_grams_never_overlap(vocabulary):
    words = find_words(np.ones((101, 89), bool), np.ones((101, 89), bool))
    chosen, begins = choose_spans(words, np.full(101, 60), np.array([0.0, 0.0, 1.0]), np.random.default_rng(0))
    assert (chosen.sum(axis=1) == 60).all(), "a token chosen twice would leave fewer"
    assert np.bincount(np.cumsum(begins.ravel())[chosen.ravel()])[1:].max() == 3


def test_row_10_the_label_says_what_it_is_documented_to_say():
    lengths = [np.array([9, 9, 9, 9]), np.array([5, 5])]
    assert NextSentence.label_names == ("next", "random")
    for seed in range(20):
        for pair in NextSentence().plan(lengths, 0, 23, np.random.default_rng(seed)):
            assert (pair.document_b == 1) == (pair.label == 1)


def test_row_11_whole_words_of_chinese_are_masked_together(tokenizer):
    vocabulary = zoo.objectives.Vocabulary.of(tokenizer)
    (ids,), (starts,) = mark_words(["我爱北京天安门" * 3], tokenizer)
    batch = {**batch_of_ones(ids[None]), "word_starts": starts[None]}
    together = 0
    for seed in range(50):
        noisy = MaskedLM("whole_word", rate=0.3)(batch, vocabulary, np.random.default_rng(seed))
        chosen = set(used(noisy, "mask_positions").tolist())
        for first in (2, 9, 16):
            assert (first in chosen) == (first + 1 in chosen)
            assert (first + 2 in chosen) == (first + 3 in chosen) == (first + 4 in chosen)
            together += first + 2 in chosen
    assert together > 10


@pytest.mark.parametrize("unit", UNITS)
def test_row_16_positions_are_distinct(unit, vocabulary):
    token_ids = np.random.default_rng(0).integers(6, 97, (211, 23)).astype("int32")
    noisy = MaskedLM(unit, rate=0.5)(batch_of_ones(token_ids), vocabulary, np.random.default_rng(1))
    for row in range(211):
        positions = noisy["mask_positions"][row][noisy["mask_weights"][row] == 1]
        assert len(set(positions.tolist())) == len(positions) == round(0.5 * 23)


@pytest.mark.parametrize("unit", ["whole_word", "ngram", "span"])
def test_row_17_the_last_word_is_not_lost(unit, vocabulary):
    # Nothing follows the last word: no end token, no padding. It has three pieces.
    token_ids = np.tile(np.arange(11, 24, dtype="int32"), (4001, 1))
    batch = batch_of_ones(token_ids)
    batch["word_starts"][:, 11:] = False
    noisy = MaskedLM(unit, rate=0.5)(batch, vocabulary, np.random.default_rng(2))
    times = np.bincount(used(noisy, "mask_positions"), minlength=13)
    assert times[10] == times[11] == times[12] > 800
