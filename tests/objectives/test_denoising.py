"""What holds of every objective of encoder-decoders: shapes, shifts, texts that come back, noise by the seed alone."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.objectives.rebuilding import interleave, read_of, rebuild, said_of, texts_of
from zoo.objectives import (
    MASS,
    BertStyle,
    Deshuffling,
    DocumentRotation,
    DropTokens,
    MaskedLM,
    MassStyle,
    Mixture,
    NextSentence,
    PrefixLM,
    ReplaceSpans,
    SentencePermutation,
    SpanCorruption,
    TextInfilling,
    TokenDeletion,
    TokenMasking,
    parse_objective,
)
from zoo.objectives.noises import Noise
from zoo.objectives.text_to_text import TextToText

NOISES = [
    TokenMasking(random_token_rate=0.3),
    TokenDeletion(rate=0.4),
    TextInfilling(random_token_rate=0.2),
    TextInfilling(rate=0.6, mean_span_length=0.7),
    TextInfilling(unit="whole_word"),
    SentencePermutation(),
    SentencePermutation(rate=0.6),
    DocumentRotation(rate=0.7),
    SentencePermutation() + TextInfilling(),
    SentencePermutation() + TokenMasking() + TokenDeletion() + DocumentRotation(),
    SentencePermutation() + TextInfilling(unit="whole_word") + DocumentRotation(),
]
OTHERS = [
    MASS(),
    MASS(rate=1.0),
    SpanCorruption(),
    SpanCorruption(rate=0.5, mean_span_length=2.0),
    SpanCorruption(rate=0.6, mean_span_length=1.0, anywhere=True),
    SpanCorruption(rate=0.25, mean_span_length=10.0, anywhere=True),
    ReplaceSpans(),
    ReplaceSpans(rate=0.7),
    PrefixLM(),
    PrefixLM(rate=0.25),
    BertStyle(),
    MassStyle(rate=0.5),
    Deshuffling(),
    DropTokens(),
    DropTokens(rate=0.6),
]
EACH = pytest.mark.parametrize("objective", [*NOISES, *OTHERS], ids=str)


def decoder_starts(objective, batch, noisy, vocabulary):
    """The token that the decoder of each row reads first."""
    if isinstance(objective, MASS):
        places = noisy["decoder_positions"][:, 0]
        return np.where(noisy["decoder_padding_mask"][:, 0] == 1, batch["token_ids"][range(len(places)), places], 0)
    return vocabulary.pad_id if isinstance(objective, TextToText) else vocabulary.end_id


@EACH
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_text_comes_back(objective, data, sentinel_vocabulary, make_texts):
    length = data.draw(st.integers(3, 41))
    counts = data.draw(st.sampled_from([None, 0, 1, 2, length - 2]))
    counts = counts if counts is None else min(counts, length - 2)
    batch = make_texts(
        data.draw(st.integers(1, 5)), length, seed=data.draw(st.integers(0, 999)), counts=counts,
        word_start_rate=data.draw(st.sampled_from([0.0, 0.5, 1.0])),
        sentence_rate=data.draw(st.sampled_from([0.0, 0.3, 1.0])),
    )  # fmt: skip
    before = {name: value.copy() for name, value in batch.items()}
    noisy = objective(batch, sentinel_vocabulary, np.random.default_rng(data.draw(st.integers(0, 999))))
    for name, value in before.items():
        np.testing.assert_array_equal(batch[name], value, err_msg="the batch that came in must not change")

    if isinstance(objective, DropTokens):
        for read, said, text in zip(read_of(noisy), said_of(noisy), texts_of(batch), strict=True):
            assert interleave(read[:-1], said[:-1], text)
    else:
        assert rebuild(objective, noisy, sentinel_vocabulary) == texts_of(batch)
    check_features(objective, batch, noisy, sentinel_vocabulary)


def check_features(objective, batch, noisy, vocabulary):
    parts = getattr(objective, "parts", (objective,))
    encoder_length, target_length = parts[0].lengths(batch["token_ids"].shape[1] - 2)
    for name in (*objective.inputs, *objective.targets, *objective.weights.values()):
        expected = encoder_length if "encoder" in name or "cross" in name else target_length
        assert noisy[name].shape == (len(batch["token_ids"]), expected), name
        assert noisy[name].dtype == ("float32" if name == "target_weights" else "int32"), name
    used = noisy["target_weights"] == 1
    for real in (used, noisy["encoder_padding_mask"] == 1):
        assert (np.diff(real.astype(int), axis=1) <= 0).all(), "padding comes last"
    np.testing.assert_array_equal(used, noisy["decoder_padding_mask"] == 1)
    decoder, target, read = noisy["decoder_token_ids"], noisy["target_ids"], noisy["encoder_token_ids"]
    np.testing.assert_array_equal(decoder[:, 1:][used[:, 1:]], target[:, :-1][used[:, 1:]])
    np.testing.assert_array_equal(decoder[:, 0], decoder_starts(objective, batch, noisy, vocabulary))
    assert (decoder[~used] == vocabulary.pad_id).all() and (target[~used] == vocabulary.pad_id).all()
    lengths = noisy["encoder_padding_mask"].sum(axis=1)
    assert (read[np.arange(len(read)), lengths - 1] == vocabulary.end_id).all(), "the encoder always reads an end"
    assert (np.count_nonzero(read == vocabulary.end_id, axis=1) == 1).all()
    starts = np.count_nonzero(read == vocabulary.start_id, axis=1)
    assert (starts == (0 if isinstance(objective, TextToText) else 1)).all()


@EACH
def test_the_seed_decides_alone(objective, sentinel_vocabulary, make_texts):
    batch = make_texts(23, 37, counts=35)
    np.random.seed(1)
    state = np.random.get_state()[1].tolist()
    first, again, other = (objective(batch, sentinel_vocabulary, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert state == np.random.get_state()[1].tolist()
    for name in objective.inputs:
        np.testing.assert_array_equal(first[name], again[name])
    assert any((first[name] != other[name]).any() for name in objective.inputs)
    assert pickle.loads(pickle.dumps(objective)) == objective


@EACH
def test_no_special_token_is_drawn(objective, sentinel_vocabulary, make_texts):
    batch = make_texts(101, 53, unknown_rate=0.0)
    noisy = objective(batch, sentinel_vocabulary, np.random.default_rng(0))
    framing = [sentinel_vocabulary.start_id, sentinel_vocabulary.end_id, sentinel_vocabulary.mask_id]
    found = set(noisy["encoder_token_ids"][noisy["encoder_padding_mask"] == 1].tolist())
    assert found & set(sentinel_vocabulary.special_ids) <= {*framing, *sentinel_vocabulary.sentinel_ids}
    if isinstance(objective, Noise):
        assert not found & set(sentinel_vocabulary.sentinel_ids)


@EACH
def test_one_example_has_the_noise_of_its_length(objective, sentinel_vocabulary, make_texts):
    """A text of one token, and none at all, beside long ones."""
    batch = make_texts(4, 31, counts=[29, 1, 0, 2])
    noisy = objective(batch, sentinel_vocabulary, np.random.default_rng(0))
    read, said, texts = read_of(noisy), said_of(noisy), texts_of(batch)
    end, start = sentinel_vocabulary.end_id, sentinel_vocabulary.start_id
    if isinstance(objective, MASS):
        assert said[1] == texts[1] and read[2] == [start, end] and said[2] == []
    elif isinstance(objective, TextToText):
        assert read[2] == said[2] == [end]
        if not isinstance(objective, BertStyle):
            assert read[1] == [*texts[1], end]
            assert said[1] == ([*texts[1], end] if isinstance(objective, Deshuffling) else [end])
    else:
        assert read[2] == said[2] == [start, end] and said[1] == [start, *texts[1], end]


def test_rows_must_be_texts(sentinel_vocabulary, make_texts, make_batch):
    batch = make_texts(3, 11, counts=[4, 9, 0])
    for change in (
        {"token_ids": np.where(batch["token_ids"] == 2, 7, batch["token_ids"])},
        {"token_ids": np.where(batch["token_ids"] == 3, 7, batch["token_ids"])},
        {"padding_mask": np.zeros_like(batch["padding_mask"])},
    ):
        for objective in (TextInfilling(), SpanCorruption(), MASS()):
            with pytest.raises(ValueError, match=r"Every row must be one text: start token.*token_ids\[0\]"):
                objective({**batch, **change}, sentinel_vocabulary, np.random.default_rng(0))


def test_written_in_any_order_noises_act_in_the_papers_order(vocabulary, make_texts):
    parts = [SentencePermutation(), TextInfilling(), DocumentRotation()]
    joined = parts[0] + parts[1] + parts[2]
    assert parts[2] + parts[0] + parts[1] == parts[1] + parts[2] + parts[0] == joined
    assert list(joined.parts) == parts
    batch = make_texts(5, 29)
    noisy, rng = batch, np.random.default_rng(7)
    for part in parts:
        noisy = part(noisy, vocabulary, rng)
    together = (parts[2] + parts[1] + parts[0])(batch, vocabulary, np.random.default_rng(7))
    for name in joined.inputs:
        np.testing.assert_array_equal(together[name], noisy[name])
    assert joined.inputs == TextInfilling.inputs and joined.targets == ("target_ids",)
    assert joined.weights == {"target_ids": "target_weights"} and not joined.separates_documents


@pytest.mark.parametrize(
    "other", [MaskedLM(), NextSentence(), SpanCorruption(), MASS(), BertStyle(), Mixture((PrefixLM(),))], ids=str
)
def test_what_cannot_be_joined(other):
    for one in (TextInfilling(), SpanCorruption()):
        with pytest.raises(ValueError, match="stands alone; only the noises of BART can be joined"):
            one + other
        with pytest.raises(ValueError, match="stands alone; only the noises of BART can be joined"):
            other + one


def test_a_noise_acts_once():
    with pytest.raises(ValueError, match="Every noise can act once"):
        TokenMasking() + SentencePermutation() + TokenMasking(0.3)


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1, float("nan")])
@pytest.mark.parametrize("kind", [TokenMasking, TokenDeletion, TextInfilling, SentencePermutation, DocumentRotation,
                                  MASS, SpanCorruption, ReplaceSpans, PrefixLM, BertStyle, DropTokens])  # fmt: skip
def test_rates_out_of_range(kind, rate):
    with pytest.raises(ValueError, match=f"`rate` must lie above 0, .*Received: rate={rate}"):
        kind(rate=rate)


@pytest.mark.parametrize("kind", [SpanCorruption, ReplaceSpans, DropTokens])
def test_something_must_stay(kind):
    with pytest.raises(ValueError, match=r"below 1\. Received: rate=1\.0"):
        kind(rate=1.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SentencePermutation + TextInfilling(mean_span_length=3.5)", SentencePermutation() + TextInfilling(0.3, 3.5)),
        ("SpanCorruption(rate=0.5, anywhere=True)", SpanCorruption(0.5, anywhere=True)),
        ("Mixture(parts=(SpanCorruption, PrefixLM(rate=0.25)), shares=[3, 1])",
         Mixture((SpanCorruption(), PrefixLM(0.25)), (3, 1))),
        ("Mixture(parts=[MASS], prefixes=((7, 8),))", Mixture((MASS(),), prefixes=((7, 8),))),
    ],
)  # fmt: skip
def test_written_as_text(text, expected):
    assert parse_objective(text) == expected


@pytest.mark.parametrize("objective", [*NOISES[:7], *OTHERS], ids=str)
def test_what_is_printed_can_be_read(objective):
    assert parse_objective(repr(objective)) == objective


@pytest.mark.parametrize("text", ["Mixture(parts=(SpanCorruption, open))", "Mixture(parts=[x for x in y])", "Noise"])
def test_text_that_is_no_objective(text):
    with pytest.raises(ValueError, match="SpanCorruption"):
        parse_objective(text)
