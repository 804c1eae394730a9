"""T5's spans: the length rule, exact numbers, every arrangement equally likely, sentinels in order."""

import collections
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.objectives.rebuilding import read_of, said_of
from zoo.objectives import ReplaceSpans, SpanCorruption
from zoo.objectives.span_corruption import draw_spans
from zoo.objectives.text_to_text import Rows


def lengths_of_t5(inputs_length, rate, mean):
    """Text, input and target in tokens: one token more as long as the input fits, as T5's released code searches."""

    def lengths(tokens):
        noise = int(np.round(tokens * rate))
        spans = int(np.round(noise / mean))
        return tokens - noise + spans + 1, noise + spans + 1

    tokens = inputs_length
    while lengths(tokens + 1)[0] <= inputs_length:
        tokens += 1
    inputs, targets = lengths(tokens)
    if rate == 0.5 and targets > inputs:
        return tokens - 1, inputs, targets - 1
    return tokens, inputs, targets


def mask_of(spans, counts):
    """bool (batch, longest): True for the tokens of spans, without the short ways of the objective."""
    mask = np.zeros((len(counts), max(counts, default=0)), bool)
    first = np.cumsum(counts) - counts
    rows = np.repeat(np.arange(len(counts)), spans.per_text)
    for row, start, size in zip(rows, spans.starts, spans.sizes, strict=True):
        assert size > 0 and not mask[row, start - first[row] : start - first[row] + size].any()
        mask[row, start - first[row] : start - first[row] + size] = True
    return mask


def hidden_by(objective, counts, seed=0):
    counts = np.array(counts)
    texts = Rows(np.zeros(counts.sum(), np.int32), counts, int(counts.max(initial=0)))
    return mask_of(objective.hide(texts, np.random.default_rng(seed)), counts)


@pytest.mark.parametrize(
    ("sequence_length", "expected"),
    [(128, (141, 29)), (256, (284, 58)), (512, (568, 114)), (1024, (1137, 229))],
)
def test_the_length_rule(sequence_length, expected):
    objective = SpanCorruption()
    tokens = objective.num_tokens(sequence_length)
    assert (tokens, objective.lengths(tokens)[1]) == expected
    assert objective.lengths(tokens)[0] == sequence_length
    assert objective.block_length(sequence_length) == tokens + 2


@pytest.mark.parametrize("rate", [0.1, 0.15, 0.25, 0.5])
@pytest.mark.parametrize("mean", [2.0, 3.0, 5.0, 10.0])
def test_lengths_of_the_papers_rates_and_spans(rate, mean):
    objective = SpanCorruption(rate, mean)
    for sequence_length in (64, 128, 255, 512, 1024):
        tokens, inputs, targets = lengths_of_t5(sequence_length, rate, mean)
        assert objective.num_tokens(sequence_length) == tokens
        read, said = objective.lengths(tokens)
        # Half of an odd number: the released code subtracts one where the spans may become fewer.
        assert inputs - 1 <= read <= inputs and targets - 1 <= said <= targets
        if rate != 0.5:
            assert (read, said) == (inputs, targets)


def test_half_the_tokens_make_a_target_no_longer_than_the_input():
    for mean in (1.0, 2.0, 3.0, 10.0):
        for sequence_length in range(7, 300, 5):
            objective = SpanCorruption(0.5, mean)
            read, said = objective.lengths(objective.num_tokens(sequence_length))
            assert said <= read <= sequence_length


@pytest.mark.parametrize("anywhere", [False, True])
def test_every_arrangement_is_equally_likely(anywhere):
    """Nine tokens, four of them in two spans, against all arrangements there are."""
    fitting = [
        mask
        for mask in itertools.product([0, 1], repeat=9)
        if sum(mask) == 4
        and sum(mask[i] > (mask[i - 1] if i else 0) for i in range(9)) == 2
        and (anywhere or (mask[0] == 0 and mask[-1] == 1))
    ]
    assert len(fitting) == (45 if anywhere else 12)
    count = np.full(9000, 9)
    drawn = draw_spans(count, np.full(9000, 4), np.full(9000, 2), np.random.default_rng(0), anywhere)
    found = collections.Counter(map(tuple, mask_of(drawn, count).astype(int).tolist()))
    assert set(found) == set(fitting)
    expected = 9000 / len(fitting)
    assert max(abs(times - expected) for times in found.values()) < 5 * np.sqrt(expected)


@settings(deadline=None)
@given(data=st.data())
def test_numbers_are_exact_for_every_text(data):
    counts = np.array(data.draw(st.lists(st.integers(0, 60), min_size=1, max_size=5)))
    rate = data.draw(st.sampled_from([0.01, 0.15, 0.5, 0.9]))
    mean, anywhere = data.draw(st.sampled_from([1.0, 3.0, 64.0])), data.draw(st.booleans())
    hide = hidden_by(SpanCorruption(rate, mean, anywhere), counts, seed=data.draw(st.integers(0, 99)))
    for count, mask in zip(counts.tolist(), hide, strict=True):
        assert not mask[count:].any()
        hidden = min(max(round(rate * count), 1), count - 1) if count > 1 else 0
        spans = min(max(1, round(hidden / mean)), count - hidden) if hidden else 0
        assert mask.sum() == hidden
        assert np.count_nonzero(np.diff(mask.astype(int), prepend=0) == 1) == spans
        if not anywhere and count > 1:
            assert not mask[0] and mask[count - 1]


def test_sentinels_are_in_order_and_close_only_before_text(sentinel_vocabulary, make_texts):
    first = list(sentinel_vocabulary.sentinel_ids)
    batch = make_texts(101, 67, unknown_rate=0.0)
    closings = collections.Counter()
    for objective in (SpanCorruption(0.3, 2.0), SpanCorruption(0.3, 2.0, anywhere=True), ReplaceSpans(0.4)):
        noisy = objective(batch, sentinel_vocabulary, np.random.default_rng(0))
        for read, said in zip(read_of(noisy), said_of(noisy), strict=True):
            shown = [token for token in read if token in first]
            named = [token for token in said if token in first]
            assert shown == first[: len(shown)], "one sentinel a span, from the first on"
            closes = len(shown) > 0 and read[-2] not in first
            assert named == first[: len(shown) + closes]
            assert closes == (len(said) > 1 and said[-2] in first), "before a span, and behind the last one"
            closings[type(objective).__name__, getattr(objective, "anywhere", None), closes] += 1
            assert all(len(list(run)) == 1 for key, run in itertools.groupby(said, first.__contains__) if key)
    assert closings["SpanCorruption", False, True] == 0
    for kind in (("SpanCorruption", True), ("ReplaceSpans", None)):
        assert closings[*kind, True] > 10 and closings[*kind, False] > 10


def test_replaced_tokens_are_chosen_one_by_one(sentinel_vocabulary):
    hide = hidden_by(ReplaceSpans(0.3), [7] * 8000)
    found = collections.Counter(map(tuple, hide.tolist()))
    assert len(found) == 21 and min(found.values()) > 300 and max(found.values()) < 470


@pytest.mark.parametrize(
    ("objective", "tokens", "needed"),
    [
        (SpanCorruption(), 568, 28),
        (SpanCorruption(anywhere=True), 568, 29),
        (SpanCorruption(0.5, 1.0), 101, 50),
        (ReplaceSpans(), 511, 78),
        (ReplaceSpans(0.7), 11, 4),
    ],
)
def test_fewer_sentinels_than_spans(objective, tokens, needed, sentinel_vocabulary):
    assert objective.num_sentinels(tokens) == needed
    vocabulary = sentinel_vocabulary
    for count in (0, needed - 1, needed):
        special = (*range(6), *range(97, 97 + count))
        vocabulary = type(vocabulary)(97 + count, 0, 2, 3, 4, special, tuple(range(97, 97 + count)))
        if count == needed:
            objective.check_vocabulary(vocabulary, tokens + 2)
            continue
        with pytest.raises(ValueError, match=rf"need {needed} sentinels.*with {count}\. Use `tokenizer.with_sentinels"):
            objective.check_vocabulary(vocabulary, tokens + 2)


def test_called_with_too_few_sentinels(vocabulary, make_texts):
    with pytest.raises(ValueError, match=r"need 1 sentinels with SpanCorruption.*a vocabulary with 0\."):
        SpanCorruption()(make_texts(2, 23), vocabulary, np.random.default_rng(0))


@pytest.mark.parametrize("mean", [0.0, 0.9, -3.0, float("nan"), float("inf")])
def test_spans_have_a_token(mean):
    with pytest.raises(ValueError, match=f"must be finite and at least 1. Received: mean_span_length={mean}"):
        SpanCorruption(mean_span_length=mean)


def test_a_sequence_must_hold_a_token():
    assert SpanCorruption().num_tokens(2) == 1
    with pytest.raises(ValueError, match=r"`sequence_length` must be at least 2 .*Received: sequence_length=1"):
        SpanCorruption().num_tokens(1)
