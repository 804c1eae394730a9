"""BART's noises: exact numbers, what they do to a text, and that every arrangement has its chance."""

import collections
import itertools

import numpy as np
import pytest

from tests.objectives.rebuilding import is_within, read_of, texts_of
from zoo.objectives import (
    BertStyle,
    DocumentRotation,
    SentencePermutation,
    TextInfilling,
    TokenDeletion,
    TokenMasking,
)
from zoo.objectives.text_infilling import poisson_law

# 100,233 tokens of text.
ROWS, LENGTH = 201, 501


def corrupted(objective, batch, vocabulary, seed=0):
    """What the encoder reads of each row, without start and end token."""
    noisy = objective(batch, vocabulary, np.random.default_rng(seed))
    return [read[1:-1] for read in read_of(noisy)]


def numbered(counts, length, **features):
    """Texts whose tokens are 10, 11, 12, ..."""
    columns = np.arange(length)
    token_ids = np.tile(columns + 9, (len(counts), 1)).astype("int32")
    token_ids[:, 0] = 2
    token_ids[np.arange(len(counts)), np.array(counts) + 1] = 3
    mask = columns <= np.array(counts)[:, None] + 1
    return {"token_ids": np.where(mask, token_ids, 0), "padding_mask": mask.astype("int32"), **features}


def sentences_of(text, starts):
    """The sentences of one text, as tuples."""
    cuts = [0, *(place for place in range(1, len(text)) if starts[place + 1]), len(text)]
    return [tuple(text[first:stop]) for first, stop in itertools.pairwise(cuts) if first < stop]


@pytest.mark.parametrize(("rate", "counts", "expected"), [
    (0.15, [20, 21, 1, 0, 7], [3, 4, 1, 0, 2]),
    (0.07, [100, 10, 15, 0], [7, 1, 2, 0]),  # 0.07 * 100 is a little more than 7 in floating point
    (1.0, [5, 1], [5, 1]),
])  # fmt: skip
def test_budgets_are_exact(rate, counts, expected, vocabulary, make_texts):
    batch = make_texts(len(counts), 103, counts=counts, unknown_rate=0.0)
    masked = corrupted(TokenMasking(rate), batch, vocabulary)
    assert [text.count(vocabulary.mask_id) for text in masked] == expected
    kept = corrupted(TokenDeletion(rate), batch, vocabulary)
    assert [count - len(text) for count, text in zip(counts, kept, strict=True)] == expected
    infilled = corrupted(TextInfilling(rate), batch, vocabulary)
    hidden = [len(text) - text.count(vocabulary.mask_id) for text in infilled]
    assert [count - left for count, left in zip(counts, hidden, strict=True)] == expected


def test_masking_keeps_places_and_deletion_the_order(vocabulary, make_texts):
    batch = make_texts(31, 47)
    for original, masked in zip(texts_of(batch), corrupted(TokenMasking(0.4), batch, vocabulary), strict=True):
        assert len(masked) == len(original)
        pairs = zip(masked, original, strict=True)
        assert all(new in (old, vocabulary.mask_id) for new, old in pairs)
    for original, kept in zip(texts_of(batch), corrupted(TokenDeletion(0.4), batch, vocabulary), strict=True):
        assert is_within(kept, original)


def test_random_tokens_are_a_share_of_the_masks(vocabulary, make_texts):
    batch = make_texts(ROWS, LENGTH, counts=LENGTH - 2, unknown_rate=0.0)
    masked = TokenMasking(0.5, random_token_rate=0.1)(batch, vocabulary, np.random.default_rng(1))
    masks = (masked["encoder_token_ids"] == vocabulary.mask_id).mean(axis=1) * LENGTH / 250
    assert masks.mean() == pytest.approx(0.9, abs=0.01)
    changed = masked["encoder_token_ids"][masked["encoder_token_ids"] != batch["token_ids"]]
    assert set(changed.tolist()) == {vocabulary.mask_id, *vocabulary.ordinary_ids.tolist()}


@pytest.mark.parametrize("kind", [TokenMasking, TextInfilling, BertStyle])
@pytest.mark.parametrize("rate", [1.5, -0.5, float("nan")])
def test_a_rate_of_random_tokens_is_a_probability(kind, rate):
    with pytest.raises(ValueError, match=f"`random_token_rate` must be a probability. Received: .*={rate}"):
        kind(random_token_rate=rate)


def test_words_move_with_their_sentences_and_are_not_known_after_other_noises(vocabulary):
    starts = np.zeros((1, 9), bool)
    starts[0, [1, 3, 6]] = True
    batch = numbered([7], 9, word_starts=starts, sentence_starts=starts)
    noisy = SentencePermutation()(batch, vocabulary, np.random.default_rng(3))
    assert (noisy["token_ids"] != batch["token_ids"]).any() and "sentence_starts" not in noisy
    for token, word in zip(noisy["token_ids"][0, 1:-1], noisy["word_starts"][0, 1:-1], strict=True):
        assert word == (token in (10, 12, 15))
    for noise in (TokenDeletion(), TextInfilling(), TokenMasking(), DocumentRotation()):
        assert not {"word_starts", "sentence_starts"} & set(noise(batch, vocabulary, np.random.default_rng(0)))


def test_sentences_change_places_as_wholes(vocabulary, make_texts):
    batch = make_texts(67, 53, sentence_rate=0.3, unknown_rate=0.0)
    shuffled = corrupted(SentencePermutation(), batch, vocabulary)
    moved = 0
    for original, text, starts in zip(texts_of(batch), shuffled, batch["sentence_starts"], strict=True):
        sentences = sentences_of(original, starts)
        left = collections.Counter(sentences)
        place = 0
        while place < len(text):  # the text is sentences of the original, each once
            fitting = [one for one in left if left[one] and tuple(text[place : place + len(one)]) == one]
            assert fitting
            longest = max(fitting, key=len)
            left[longest] -= 1
            place += len(longest)
        assert not +left
        moved += text != original
    assert moved > 50


def test_every_order_of_sentences_is_equally_likely(vocabulary):
    starts = np.zeros((6000, 9), bool)
    starts[:, [1, 3, 6]] = True
    batch = numbered([7] * 6000, 9, sentence_starts=starts)
    orders = collections.Counter(map(tuple, corrupted(SentencePermutation(), batch, vocabulary)))
    assert len(orders) == 6
    assert min(orders.values()) > 850 and max(orders.values()) < 1150
    assert orders[10, 11, 12, 13, 14, 15, 16] > 850, "also the one of the text"


def test_a_share_of_the_sentences_stays(vocabulary):
    starts = np.ones((5000, 13), bool)
    batch = numbered([11] * 5000, 13, sentence_starts=starts)
    moved = np.array(corrupted(SentencePermutation(rate=0.3), batch, vocabulary)) != np.arange(10, 21)
    # ceil(0.3 * 11) = 4 exchange their places; of four in a random order one stays on average.
    assert moved.sum(axis=1).max() == 4 and moved.sum(axis=1).mean() == pytest.approx(3.0, abs=0.06)
    assert moved.mean(axis=0) == pytest.approx(np.full(11, 3 / 11), abs=0.03)


def test_sentences_must_be_told(vocabulary, make_texts):
    batch = make_texts(3, 11)
    del batch["sentence_starts"]
    with pytest.raises(ValueError, match=r"needs the feature `sentence_starts`\. Received: batch with"):
        SentencePermutation()(batch, vocabulary, np.random.default_rng(0))
    del batch["word_starts"]
    TextInfilling()(batch, vocabulary, np.random.default_rng(0))
    with pytest.raises(ValueError, match="unit='whole_word' needs the feature `word_starts`"):
        TextInfilling(unit="whole_word")(batch, vocabulary, np.random.default_rng(0))


def test_rotation_begins_anywhere(vocabulary):
    batch = numbered([7, 5] * 3500, 9)
    rotated = corrupted(DocumentRotation(), batch, vocabulary)
    firsts = collections.Counter(text[0] for text in rotated[::2])
    assert set(firsts) == set(range(10, 17)) and min(firsts.values()) > 420 and max(firsts.values()) < 580
    for text, count in zip(rotated, [7, 5] * 3500, strict=True):
        place = text.index(10)
        assert text[place:] + text[:place] == list(range(10, 10 + count))
    half = corrupted(DocumentRotation(rate=0.5), batch, vocabulary)
    assert np.mean([text[0] != 10 for text in half[::2]]) == pytest.approx(0.5 * 6 / 7, abs=0.03)


def test_the_law_of_lengths():
    law = poisson_law(3.0)
    assert law[:3] == pytest.approx(np.exp(-3.0) * np.array([1, 3, 4.5]), rel=1e-6)
    assert law.sum() == pytest.approx(1.0) and (law @ np.arange(len(law))) == pytest.approx(3.0, abs=1e-4)
    assert law[-1] >= 1e-7 and len(poisson_law(127.0)) == 128


def test_lengths_of_spans_follow_the_law(vocabulary):
    """Numbered tokens show how many a mask stands for, where no two masks are neighbours."""
    batch = numbered([LENGTH - 2] * ROWS, LENGTH)
    lengths = collections.Counter()
    for text in corrupted(TextInfilling(rate=0.1), batch, vocabulary):
        for before, token, after in zip(text[:-2], text[1:-1], text[2:], strict=True):
            if token == vocabulary.mask_id and vocabulary.mask_id not in (before, after):
                lengths[after - before - 1] += 1
    measured = np.array([lengths[length] for length in range(7)]) / lengths.total()
    # Of 50 hidden tokens the last span is cut, which makes some spans shorter.
    assert measured == pytest.approx(poisson_law(3.0)[:7], abs=0.035)


def test_spans_lie_anywhere(vocabulary):
    batch = numbered([23] * 4001, 25)
    hidden = np.zeros(23)
    for text in corrupted(TextInfilling(rate=0.3), batch, vocabulary):
        hidden += ~np.isin(np.arange(10, 33), text)
    # 7 of 23 tokens. Fewer arrangements cover a token at an end, where only a span can that begins or ends there.
    assert hidden.sum() == 7 * 4001
    assert hidden / 4001 == pytest.approx(hidden[::-1] / 4001, abs=0.04)
    assert hidden[4:-4] / 4001 == pytest.approx(np.full(15, 7 / 23), abs=0.06)
    assert hidden.min() / 4001 > 0.1


def test_whole_words_are_hidden_together(vocabulary):
    starts = np.zeros((997, 25), bool)
    starts[:, [1, 4, 5, 9, 11, 12, 16, 20]] = True
    words = np.cumsum(starts[0, 1:24])  # (tokens,), 8 words
    batch = numbered([23] * 997, 25, word_starts=starts)
    for text in corrupted(TextInfilling(rate=0.35, unit="whole_word"), batch, vocabulary):
        kept = np.isin(np.arange(10, 33), text)
        shares = np.bincount(words, kept, minlength=9)[1:] / np.bincount(words, minlength=9)[1:]
        assert set(shares.tolist()) <= {0.0, 1.0} and (shares == 0).sum() == 3


def test_empty_spans_that_do_not_fit_are_left_out(vocabulary):
    """Mostly empty spans in texts that fill the batch: no token is lost, no row is too long."""
    batch = numbered([7, 6, 3], 9)
    longest = 0
    for seed in range(50):
        noisy = TextInfilling(rate=0.5, mean_span_length=0.2)(batch, vocabulary, np.random.default_rng(seed))
        read = [row[1:-1] for row in read_of(noisy)]
        assert [len([token for token in row if token != vocabulary.mask_id]) for row in read] == [3, 3, 1]
        assert max(map(len, read)) == 7, "what fits is not left out"
        longest = max(longest, len(read[2]))
    assert longest > 3, "a short text may become longer"
    with pytest.raises(ValueError, match="mean_span_length=0"):
        TextInfilling(mean_span_length=0)
    with pytest.raises(ValueError, match="`unit` must be one of"):
        TextInfilling(unit="span")
    with pytest.raises(ValueError, match=r"random_token_rate=1\.5"):
        TextInfilling(random_token_rate=1.5)
