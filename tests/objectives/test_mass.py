"""MASS: the fragment, its start law, its positions, what the decoder may see, and its two ends (section 3.3)."""

import collections

import numpy as np
import pytest

from tests.objectives.rebuilding import read_of, said_of, texts_of
from zoo.objectives import MASS, MaskedLM

MASKS_ONLY = {"mask_token_rate": 1.0, "random_token_rate": 0.0}


def test_one_small_case_by_hand(vocabulary):
    token_ids = np.array([[2, 11, 12, 13, 14, 15, 3, 0], [2, 21, 22, 3, 0, 0, 0, 0]], "int32")
    batch = {"token_ids": token_ids, "padding_mask": (token_ids > 0).astype("int32")}
    objective = MASS(rate=0.4, **MASKS_ONLY)
    noisy = objective(batch, vocabulary, np.random.default_rng(0))
    # round(0.4 * 5) = 2 of five, round(0.4 * 2) = 1 of two; round(0.4 * 6) = 2 slots.
    start = int(np.argmax(noisy["encoder_token_ids"][0] == 4))
    expected = token_ids[0].copy()
    expected[start : start + 2] = 4
    np.testing.assert_array_equal(noisy["encoder_token_ids"][0], expected)
    np.testing.assert_array_equal(noisy["target_ids"][0], token_ids[0, start : start + 2])
    np.testing.assert_array_equal(noisy["decoder_token_ids"][0], token_ids[0, start - 1 : start + 1])
    np.testing.assert_array_equal(noisy["decoder_positions"][0], [start - 1, start])
    np.testing.assert_array_equal(noisy["cross_attention_mask"][0], (expected != 4) & (expected > 0))
    np.testing.assert_array_equal(noisy["decoder_padding_mask"], [[1, 1], [1, 0]])
    np.testing.assert_array_equal(noisy["target_weights"], [[1, 1], [1, 0]])
    assert noisy["decoder_positions"][1, 1] == noisy["target_ids"][1, 1] == noisy["decoder_token_ids"][1, 1] == 0


def test_the_start_law(vocabulary, make_texts):
    batch = make_texts(20_000, 15, counts=12)
    noisy = MASS(rate=0.5)(batch, vocabulary, np.random.default_rng(1))
    starts = np.bincount(noisy["decoder_positions"][:, 0], minlength=7) / 20_000
    # Six of twelve tokens begin at one of seven places: 0.2 at each end, and 0.6 shared by all.
    expected = 0.6 / 7 + np.array([0.2, 0, 0, 0, 0, 0, 0.2])
    assert starts == pytest.approx(expected, abs=0.012)
    assert noisy["target_ids"].shape == (20_000, 6)


@pytest.mark.parametrize(("rate", "counts", "sizes"), [(0.5, [7, 10, 1, 0, 13], [4, 5, 1, 0, 6]),
                                                       (1.0, [7, 10, 1, 0, 13], [7, 10, 1, 0, 13]),
                                                       (0.01, [7, 10, 1, 0, 13], [1, 1, 1, 0, 1])])  # fmt: skip
def test_fragments_have_their_size(rate, counts, sizes, vocabulary, make_texts):
    batch = make_texts(5, 15, counts=counts)
    noisy = MASS(rate=rate, **MASKS_ONLY)(batch, vocabulary, np.random.default_rng(2))
    assert [len(said) for said in said_of(noisy)] == sizes
    assert [read.count(vocabulary.mask_id) for read in read_of(noisy)] == sizes
    for said, text in zip(said_of(noisy), texts_of(batch), strict=True):
        assert any(text[first : first + len(said)] == said for first in range(len(text) + 1)), "tokens in a row"


def test_one_token_is_masked_language_modelling(vocabulary, make_texts):
    """The encoder reads what BERT's does, and the decoder knows no more than the token before."""
    batch = make_texts(503, 19, counts=17, unknown_rate=0.0)
    noisy = MASS(rate=1e-9, **MASKS_ONLY)(batch, vocabulary, np.random.default_rng(3))
    places = noisy["decoder_positions"][:, 0] + 1
    restored = noisy["encoder_token_ids"].copy()
    restored[np.arange(503), places] = noisy["target_ids"][:, 0]
    np.testing.assert_array_equal(restored, batch["token_ids"])
    bert = MaskedLM(rate=1 / 19, **MASKS_ONLY)(batch, vocabulary, np.random.default_rng(3))
    assert noisy["target_ids"].shape == bert["mask_ids"].shape == (503, 1)
    for one in (noisy["encoder_token_ids"], bert["token_ids"]):
        assert (np.count_nonzero(one == vocabulary.mask_id, axis=1) == 1).all()
    assert collections.Counter(places.tolist()).keys() == set(range(1, 18))


def test_all_tokens_are_language_modelling(vocabulary, make_texts):
    """The decoder reads the text from its start token on, at its positions, and has nothing else to look at."""
    batch = make_texts(7, 19, counts=17)
    noisy = MASS(rate=1.0, **MASKS_ONLY)(batch, vocabulary, np.random.default_rng(4))
    np.testing.assert_array_equal(noisy["decoder_token_ids"], batch["token_ids"][:, :-2])
    np.testing.assert_array_equal(noisy["target_ids"], batch["token_ids"][:, 1:-1])
    np.testing.assert_array_equal(noisy["decoder_positions"], np.tile(np.arange(17), (7, 1)))
    seen = noisy["encoder_token_ids"][noisy["cross_attention_mask"] == 1]
    assert set(seen.tolist()) == {vocabulary.start_id, vocabulary.end_id}


def test_the_decoder_sees_masks_no_more_than_padding(vocabulary, make_texts):
    batch = make_texts(101, 41)
    noisy = MASS()(batch, vocabulary, np.random.default_rng(5))
    hidden = (noisy["encoder_token_ids"] == vocabulary.mask_id) | (noisy["encoder_padding_mask"] == 0)
    np.testing.assert_array_equal(noisy["cross_attention_mask"] == 0, hidden)
    assert (noisy["cross_attention_mask"].sum(axis=1) >= 2).all(), "start and end token remain"


def test_proportions_on_100000_tokens(vocabulary, make_texts):
    batch = make_texts(401, 503, counts=501, unknown_rate=0.0)
    noisy = MASS()(batch, vocabulary, np.random.default_rng(6))
    places = noisy["decoder_positions"] + 1
    after, before = np.take_along_axis(noisy["encoder_token_ids"], places, axis=1), noisy["target_ids"]
    assert before.size == 401 * 250
    ordinary = len(vocabulary.ordinary_ids)
    assert (after == vocabulary.mask_id).mean() == pytest.approx(0.8, abs=0.006)
    assert (after == before).mean() == pytest.approx(0.1 + 0.1 / ordinary, abs=0.006)
    outside = np.ones(noisy["encoder_token_ids"].shape, bool)
    np.put_along_axis(outside, places, False, axis=1)
    np.testing.assert_array_equal(noisy["encoder_token_ids"][outside], batch["token_ids"][outside])
    assert not vocabulary.is_special[after[after != vocabulary.mask_id]].any()


def test_wrong_rates():
    with pytest.raises(ValueError, match=r"mask_token_rate=0\.9, random_token_rate=0\.2"):
        MASS(mask_token_rate=0.9, random_token_rate=0.2)
