"""Defects of other implementations of denoising, each a test that it is not here too. Rows as in a list of ours."""

import itertools
import random

import numpy as np
import pytest

import zoo
from tests.objectives.rebuilding import read_of
from zoo.objectives import (
    MASS,
    BertStyle,
    Mixture,
    PrefixLM,
    SentencePermutation,
    SpanCorruption,
    TextInfilling,
    TokenMasking,
    Vocabulary,
)

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "dog",
    "##s",
    "bark",
    "##ed",
    ".",
    "。",
    *"我爱北京天安门",
]
NOISES = pytest.mark.parametrize("objective", [TokenMasking(), TextInfilling(), SentencePermutation()], ids=str)


def masks_of(noisy, vocabulary):
    return [read.count(vocabulary.mask_id) for read in read_of(noisy)]


def kept_of(noisy, vocabulary):
    return [len(read) - read.count(vocabulary.mask_id) - 2 for read in read_of(noisy)]


def test_row_5_empty_spans_insert_masks(vocabulary, make_texts):
    batch = make_texts(301, 103, counts=60, unknown_rate=0.0)
    # With spans of one token on average, a third of all draws are empty; without them no text could become longer.
    noisy = TextInfilling(mean_span_length=1.0)(batch, vocabulary, np.random.default_rng(0))
    assert np.mean([len(read) > 62 for read in read_of(noisy)]) > 0.2


def test_row_5_the_budget_is_every_texts_own(vocabulary, make_texts):
    counts = [97, 10, 51, 3]
    noisy = TextInfilling()(make_texts(4, 101, counts=counts, unknown_rate=0.0), vocabulary, np.random.default_rng(1))
    assert kept_of(noisy, vocabulary) == [67, 7, 35, 2]


def test_row_5_neighbouring_spans_do_not_merge_and_none_goes_round(vocabulary):
    token_ids = np.tile(np.arange(8, 31, dtype="int32"), (2003, 1))
    token_ids[:, 0], token_ids[:, -1] = vocabulary.start_id, vocabulary.end_id
    batch = {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)}
    read = read_of(TextInfilling(rate=0.5)(batch, vocabulary, np.random.default_rng(2)))
    doubled = [row for row in read if any(a == b == vocabulary.mask_id for a, b in itertools.pairwise(row))]
    assert len(doubled) > 200
    for row in read:
        tokens = [token for token in row[1:-1] if token != vocabulary.mask_id]
        assert tokens == sorted(tokens), "a span that went round would take from the front what is missing at the end"


def test_row_5_a_full_stop_before_padding_makes_no_sentence(tokenizer):
    data = zoo.data.pretraining_dataset(["The dogs. Dogs bark. Bark the.\n"], tokenizer, SentencePermutation(), 16, 1)
    orders = {tuple(data[step][0]["encoder_token_ids"][0].tolist()) for step in range(60)}
    assert len(orders) == 6, "three sentences have six orders, with padding at the end in each"
    assert {order[12:] for order in orders} == {(3, 0, 0, 0)}


@NOISES
def test_row_5_every_real_token_of_the_target_counts(objective, vocabulary, make_texts):
    batch = make_texts(17, 41)
    noisy = objective(batch, vocabulary, np.random.default_rng(3))
    np.testing.assert_array_equal(noisy["target_weights"], batch["padding_mask"])
    np.testing.assert_array_equal(noisy["target_ids"], batch["token_ids"])


@pytest.fixture(scope="module")
def tokenizer():
    return zoo.tokenizers.WordPiece(PIECES, lowercase=True)


def test_row_6_sentences_survive_the_blocks(tokenizer):
    documents = ["The dogs bark. The dog barked. Dogs.\n", "我爱北京。天安门。北京的天安门。\n"] * 23
    data = zoo.data.pretraining_dataset(documents, tokenizer, SentencePermutation(), sequence_length=41, batch_size=5)
    moved = 0
    for step in range(len(data)):
        inputs, targets, _ = data[step]
        for read, said in zip(inputs["encoder_token_ids"], targets["target_ids"], strict=True):
            ends = [tokenizer.token_to_id("."), tokenizer.token_to_id("。")]
            cuts = np.flatnonzero(np.isin(said, ends)) + 1
            sentences = [tuple(part) for part in np.split(said[1:-1], cuts - 1) if len(part)]
            rest = list(read[1:-1])
            for sentence in sorted(sentences, key=len, reverse=True):
                places = [i for i in range(len(rest)) if tuple(rest[i : i + len(sentence)]) == sentence]
                assert places, "every sentence of the target is whole in the input"
                rest[places[0] : places[0] + len(sentence)] = [-1]
            assert set(rest) <= {-1}
            moved += (read != said).any()
    assert moved > 0.95 * 5 * len(data), "an order that is the old one is rare"


@NOISES
def test_row_6_padding_stays_at_the_end(objective, vocabulary, make_texts):
    noisy = objective(make_texts(53, 41), vocabulary, np.random.default_rng(4))
    for ids, mask in zip(noisy["encoder_token_ids"], noisy["encoder_padding_mask"], strict=True):
        np.testing.assert_array_equal(ids == vocabulary.pad_id, mask == 0)
        assert ids[mask.sum() - 1] == vocabulary.end_id


def test_row_6_defaults_are_the_papers_and_mean_what_they_say():
    assert (TextInfilling().rate, TextInfilling().mean_span_length) == (0.3, 3.0)
    assert SentencePermutation().rate == 1.0 and TextInfilling().random_token_rate == 0.0


@pytest.mark.parametrize("objective", [SpanCorruption(), SpanCorruption(anywhere=True), BertStyle(), MASS()], ids=str)
def test_row_7_the_encoder_always_reads_an_end(objective, sentinel_vocabulary, make_texts):
    noisy = objective(make_texts(201, 41), sentinel_vocabulary, np.random.default_rng(5))
    for read in read_of(noisy):
        assert read.count(sentinel_vocabulary.end_id) == 1 and read[-1] == sentinel_vocabulary.end_id


def test_row_8_a_share_in_floating_point_adds_no_mask(vocabulary, make_texts):
    assert np.ceil(0.07 * 100) == 8, "the product is a little over 7"
    batch = make_texts(3, 105, counts=100, unknown_rate=0.0)
    assert masks_of(TokenMasking(0.07)(batch, vocabulary, np.random.default_rng(0)), vocabulary) == [7] * 3
    assert kept_of(TextInfilling(0.07)(batch, vocabulary, np.random.default_rng(0)), vocabulary) == [93] * 3


def test_row_9_a_text_can_begin_with_a_span_and_end_with_text(sentinel_vocabulary):
    token_ids = np.tile(np.array([2, *range(20, 33), 3], "int32"), (3001, 1))
    batch, first = (
        {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)},
        sentinel_vocabulary.sentinel_ids[0],
    )
    places = []
    for objective in (SpanCorruption(), SpanCorruption(anywhere=True)):
        noisy = objective(batch, sentinel_vocabulary, np.random.default_rng(6))
        places.append(np.bincount(np.argmax(noisy["encoder_token_ids"] == first, axis=1), minlength=12))
    assert places[0].tolist() == [0] * 11 + [3001], "T5's law, which is the default: one span, at the end"
    # Two tokens of thirteen in one span, at one of twelve places.
    assert len(places[1]) == 12 and places[1].min() > 190 and places[1].max() < 320


def test_row_12_the_mask_is_the_tokenizers_whatever_is_added(tokenizer, make_texts):
    more = tokenizer.with_sentinels(7)
    plain, wide = Vocabulary.of(tokenizer), Vocabulary.of(more)
    assert plain.mask_id == wide.mask_id == tokenizer.token_to_id("[MASK]")
    texts = ["the dogs barked. the dog.\n"]
    for objective in (TextInfilling(), TokenMasking(), MASS(), BertStyle()):
        one, other = (
            zoo.data.pretraining_dataset(texts, some, objective, 12, 1, seed=1)[0][0]["encoder_token_ids"]
            for some in (tokenizer, more)
        )
        np.testing.assert_array_equal(one, other)


def test_row_13_the_denoiser_is_drawn_by_the_generator_and_by_weight(sentinel_vocabulary, make_texts):
    mixture = Mixture((SpanCorruption(), PrefixLM()), shares=(3, 1), prefixes=((7,), (8,)))
    batch, results = make_texts(4001, 13, counts=11), []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        results.append(mixture(batch, sentinel_vocabulary, np.random.default_rng(9))["encoder_token_ids"])
    np.testing.assert_array_equal(*results)
    assert np.mean(results[0][:, 0] == 7) == pytest.approx(0.75, abs=0.03)


def test_row_14_a_single_mask_is_seldom_a_random_token_and_never_a_special_one(vocabulary, make_texts):
    batch = make_texts(5003, 9, counts=1, unknown_rate=0.0)
    read = TokenMasking(rate=1.0, random_token_rate=0.1)(batch, vocabulary, np.random.default_rng(0))
    middle = read["encoder_token_ids"][:, 1]
    assert np.mean(middle == vocabulary.mask_id) == pytest.approx(0.9, abs=0.015)
    drawn = middle[middle != vocabulary.mask_id]
    assert not vocabulary.is_special[drawn].any() and len(set(drawn.tolist())) > 85
    spans = TextInfilling(rate=1.0, random_token_rate=0.1)(batch, vocabulary, np.random.default_rng(0))
    tokens = spans["encoder_token_ids"][:, 1:-1]
    tokens = tokens[(tokens != vocabulary.end_id) & (tokens != vocabulary.pad_id)]
    assert np.mean(tokens == vocabulary.mask_id) == pytest.approx(0.9, abs=0.015)


def test_row_15_no_span_deletes_the_mask_of_another(vocabulary, make_texts):
    batch = make_texts(401, 103, counts=101, unknown_rate=0.0)
    for objective in (TextInfilling(), TextInfilling(rate=0.8), TextInfilling(mean_span_length=12.0)):
        generator = np.random.default_rng(8)
        # The same generator first draws the spans, then arranges them.
        budget = np.full(401, int(np.ceil(objective.rate * 101 - 1e-9)))
        spans, per_text = objective._draw_spans(budget, np.zeros(401, int), np.random.default_rng(8))
        noisy = objective(batch, vocabulary, generator)
        assert masks_of(noisy, vocabulary) == per_text.tolist()
        assert (spans.sum(axis=1) == budget).all()
        assert kept_of(noisy, vocabulary) == (101 - budget).tolist()
