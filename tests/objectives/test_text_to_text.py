"""The objectives that T5 compares: what is read, what is said, and in which numbers."""

import collections

import numpy as np
import pytest

from tests.objectives.rebuilding import is_within, read_of, said_of, texts_of
from zoo.objectives import BertStyle, Deshuffling, DropTokens, MassStyle, PrefixLM

END = 3


def pairs_of(objective, batch, vocabulary, seed=0):
    noisy = objective(batch, vocabulary, np.random.default_rng(seed))
    return list(zip(texts_of(batch), read_of(noisy), said_of(noisy), strict=True))


def test_a_prefix_is_read_and_the_rest_said(vocabulary, make_texts):
    batch = make_texts(6000, 13, counts=11)
    lengths = collections.Counter()
    for text, read, said in pairs_of(PrefixLM(), batch, vocabulary):
        assert read[:-1] + said[:-1] == text and read[-1] == said[-1] == END
        lengths[len(said) - 1] += 1
    assert set(lengths) == set(range(1, 11)), "something is read and something is said"
    assert min(lengths.values()) > 500 and max(lengths.values()) < 700
    quarter = collections.Counter(len(said) - 1 for *_, said in pairs_of(PrefixLM(0.25), batch, vocabulary))
    # Half of eleven tokens at most, to the even number.
    assert set(quarter) == set(range(1, 7))
    assert PrefixLM().lengths(511) == (512, 511) and PrefixLM(0.25).lengths(511) == (512, 257)
    assert PrefixLM().num_tokens(512) == 511
    with pytest.raises(ValueError, match=r"at most at 0\.5"):
        PrefixLM(0.6)


@pytest.mark.parametrize(("objective", "masks"), [(BertStyle(), 0.9), (MassStyle(), 1.0), (BertStyle(0.5, 0.3), 0.7)])
def test_masks_keep_their_places(objective, masks, vocabulary, make_texts):
    batch = make_texts(401, 251, counts=249, unknown_rate=0.0)
    chosen = masked = 0
    for text, read, said in pairs_of(objective, batch, vocabulary):
        assert said == [*text, END] and len(read) == len(said)
        changed = [new for new, old in zip(read, text, strict=False) if new != old]
        chosen += len(changed)
        masked += changed.count(vocabulary.mask_id)
        if masks == 1.0:
            assert len(changed) == round(objective.rate * 249)
    # A random token is the original one at times.
    assert chosen == pytest.approx(401 * round(objective.rate * 249), rel=0.01)
    assert masked / chosen == pytest.approx(masks, abs=0.01)
    assert objective.lengths(511) == (512, 512)


def test_mass_style_is_bert_style_without_random_tokens(vocabulary, make_texts):
    batch = make_texts(5, 31)
    for one, other in zip(
        pairs_of(MassStyle(0.3), batch, vocabulary), pairs_of(BertStyle(0.3, 0.0), batch, vocabulary), strict=True
    ):
        assert one == other
    with pytest.raises(ValueError, match=r"must be a probability. Received: random_token_rate=1\.2"):
        BertStyle(random_token_rate=1.2)


def test_all_tokens_are_shuffled(vocabulary):
    token_ids = np.tile(np.array([2, 11, 12, 13, 3, 0], "int32"), (6000, 1))
    batch = {"token_ids": token_ids, "padding_mask": (token_ids > 0).astype("int32")}
    orders = collections.Counter()
    for text, read, said in pairs_of(Deshuffling(), batch, vocabulary):
        assert said == [*text, END] and read[-1] == END
        orders[tuple(read[:-1])] += 1
    assert len(orders) == 6 and min(orders.values()) > 850 and max(orders.values()) < 1150


def test_dropped_tokens_are_said_alone(vocabulary, make_texts):
    batch = make_texts(101, 43, counts=np.arange(101) % 42)
    for text, read, said in pairs_of(DropTokens(0.3), batch, vocabulary):
        count = len(text)
        assert len(said) - 1 == (min(max(1, round(0.3 * count)), count - 1) if count > 1 else 0)
        assert is_within(read[:-1], text) and is_within(said[:-1], text)
        assert sorted(read[:-1] + said[:-1]) == sorted(text)
    # As much text as fits: what is dropped leaves room.
    assert DropTokens().num_tokens(512) == 601 and DropTokens().lengths(601) == (512, 91)
