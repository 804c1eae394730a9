"""A mixture of denoisers: shares, prefixes, shapes, and UL2's seven."""

import re

import numpy as np
import pytest

from tests.objectives.conftest import SENTINELS
from tests.objectives.rebuilding import fill_sentinels, read_of, rebuild, said_of, texts_of
from zoo.objectives import (
    MASS,
    BertStyle,
    Composite,
    MaskedLM,
    Mixture,
    PrefixLM,
    SpanCorruption,
    TextInfilling,
    TokenDeletion,
    TokenMasking,
    ul2,
)


def test_parts_have_their_shares(sentinel_vocabulary, make_texts):
    mixture = Mixture((TokenMasking(), TokenDeletion(), BertStyle()), (5, 3, 2), prefixes=((11,), (12, 12), ()))
    batch = make_texts(10_000, 13, counts=11)
    read = read_of(mixture(batch, sentinel_vocabulary, np.random.default_rng(0)))
    start = sentinel_vocabulary.start_id
    shares = [
        np.mean([row[:2] == [11, start] for row in read]),
        np.mean([row[:3] == [12, 12, start] for row in read]),
        np.mean([start not in row for row in read]),
    ]
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.015)
    assert Mixture((PrefixLM(), BertStyle())).shares == (1.0, 1.0)


def test_every_row_is_of_one_part(sentinel_vocabulary, make_texts):
    parts = (SpanCorruption(0.3, 2.0), SpanCorruption(0.5, 3.0), PrefixLM(0.25))
    mixture = Mixture(parts, prefixes=((97, 98), (99,), ()))  # the last sentinels, which no text has
    batch = make_texts(61, 37)
    noisy = mixture(batch, sentinel_vocabulary, np.random.default_rng(1))
    lengths = mixture.lengths(35)
    assert lengths == (36, max(part.lengths(35)[1] for part in parts)) == (36, 25)
    for name in (*mixture.inputs, *mixture.targets):
        assert noisy[name].shape == (61, lengths[0] if "encoder" in name else lengths[1])
        assert noisy[name].dtype == "int32"
    assert noisy["target_weights"].dtype == "float32"
    found = set()
    for row, (read, said, text) in enumerate(zip(read_of(noisy), said_of(noisy), texts_of(batch), strict=True)):
        prefix = next((one for one in mixture.prefixes[:2] if tuple(read[: len(one)]) == one), ())
        part = parts[mixture.prefixes.index(prefix)]
        found.add(part)
        single = {
            "encoder_token_ids": np.array([read[len(prefix) :]]), "target_ids": np.array([said]),
            "encoder_padding_mask": np.ones((1, len(read) - len(prefix))), "target_weights": np.ones((1, len(said))),
        }  # fmt: skip
        assert rebuild(part, single, sentinel_vocabulary) == [text]
        shifted = [sentinel_vocabulary.pad_id, *said[:-1]]
        assert noisy["decoder_token_ids"][row, : len(said)].tolist() == shifted
    assert found == set(parts)


def test_the_seed_decides_alone(sentinel_vocabulary, make_texts):
    batch, mixture = make_texts(29, 37), ul2()
    first, again, other = (mixture(batch, sentinel_vocabulary, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first["encoder_token_ids"], again["encoder_token_ids"])
    assert (first["encoder_token_ids"] != other["encoder_token_ids"]).any()


def test_a_part_can_be_there_twice(sentinel_vocabulary, make_texts):
    batch = make_texts(31, 17, counts=15)
    for part in (PrefixLM(), SpanCorruption(0.3, 2.0)):
        mixture = Mixture((part, part), prefixes=((97,), (98, 98)))
        noisy = mixture(batch, sentinel_vocabulary, np.random.default_rng(0))
        assert {row[0] for row in noisy["encoder_token_ids"].tolist()} == {97, 98}
        for read, said, text in zip(read_of(noisy), said_of(noisy), texts_of(batch), strict=True):
            left = read[2 if read[0] == 98 else 1 : -1]
            filled = fill_sentinels(left, said[:-1], SENTINELS) if SENTINELS[0] in left else left + said[:-1]
            assert filled == text


def test_all_inputs_of_mass(vocabulary, make_texts):
    mixture = Mixture((MASS(), MASS(rate=0.2)), prefixes=((7, 8), ()))
    noisy = mixture(make_texts(41, 17, counts=15), vocabulary, np.random.default_rng(0))
    assert mixture.inputs == MASS.inputs
    prefixed = noisy["encoder_token_ids"][:, 0] == 7
    assert 10 < prefixed.sum() < 31
    assert (noisy["cross_attention_mask"][prefixed, :2] == 1).all()
    assert (noisy["decoder_padding_mask"].sum(axis=1) == np.where(prefixed, 8, 3)).all()


def test_ul2():
    mixture = ul2(regular=(21,), extreme=(22, 23), sequential=(24,))
    assert [(part.mean_span_length, part.rate) for part in mixture.parts[:6]] == [
        (3.0, 0.15), (8.0, 0.15), (3.0, 0.5), (8.0, 0.5), (64.0, 0.15), (64.0, 0.5),
    ]  # fmt: skip
    assert mixture.parts[6] == PrefixLM(0.25) and mixture.shares == (1.0,) * 7
    # A mean of 12 tokens or more, or a rate of 0.3 or more, is extreme.
    for part, prefix in zip(mixture.parts[:6], mixture.prefixes, strict=False):
        assert prefix == ((22, 23) if part.mean_span_length >= 12 or part.rate >= 0.3 else (21,))
    assert mixture.prefixes[6] == (24,)
    # One token of the prefix less than 511.
    assert mixture.num_tokens(512) == 510 and mixture.lengths(510)[0] == 512


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parts": ()}, "0 parts"),
        ({"parts": (PrefixLM(),), "shares": (1, 2)}, "1 parts"),
        ({"parts": (PrefixLM(), BertStyle()), "shares": (1, 0)}, r"shares=\(1\.0, 0\.0\)"),
        ({"parts": (PrefixLM(), BertStyle()), "shares": (1, float("nan"))}, r"shares=\(1\.0, nan\)"),
        ({"parts": (PrefixLM(), BertStyle()), "shares": (1, float("inf"))}, r"shares=\(1\.0, inf\)"),
        ({"parts": (PrefixLM(), BertStyle()), "prefixes": ((3,),)}, "1 prefixes"),
        ({"parts": (PrefixLM(), MASS())}, "must make the same inputs"),
    ],
)
def test_wrong_parts(arguments, message):
    with pytest.raises(ValueError, match=message):
        Mixture(**arguments)


@pytest.mark.parametrize("part", [MaskedLM(), TokenMasking() + TextInfilling(), "PrefixLM"], ids=str)
def test_parts_must_be_of_encoder_decoders(part):
    with pytest.raises(TypeError, match="Every part of a mixture must be an objective of an encoder-decoder"):
        Mixture((PrefixLM(), part))


@pytest.mark.parametrize("prefix", ["12", "[NLU]", 5, (1.5,), ("3",)])
def test_a_prefix_is_ids(prefix):
    for make in (lambda: ul2(regular=prefix), lambda: Mixture((PrefixLM(),), prefixes=(prefix,))):
        with pytest.raises(TypeError, match=re.escape(f"gives them. Received: {prefix!r} of type")):
            make()
    assert ul2(regular=np.array([3, 4], "int32")).prefixes[0] == (3, 4)


@pytest.mark.parametrize("shares", ["31", 3, ("1", 2)])
def test_shares_are_numbers(shares):
    with pytest.raises(TypeError, match=re.escape(f"Received: shares={shares!r}")):
        Mixture((PrefixLM(), BertStyle()), shares)


@pytest.mark.parametrize("kind", [Mixture, Composite])
def test_parts_are_a_tuple(kind):
    with pytest.raises(TypeError, match=r"Received: parts=SpanCorruption\(.*Put it in a tuple"):
        kind(SpanCorruption())


def test_ids_that_the_vocabulary_lacks(sentinel_vocabulary, vocabulary, make_texts):
    batch = make_texts(3, 11)
    with pytest.raises(ValueError, match=r"below 150\. Received: \[150, 999\]"):
        Mixture((PrefixLM(),), prefixes=((5, 999, 150),))(batch, sentinel_vocabulary, np.random.default_rng(0))
    with pytest.raises(ValueError, match="sentinels"):
        ul2()(batch, vocabulary, np.random.default_rng(0))
