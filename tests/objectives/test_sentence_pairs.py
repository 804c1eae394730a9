"""Next sentence prediction: the plan against the released procedure written out token by token."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from zoo.objectives import NextSentence, Pair, truncate_pair

LENGTH = 61


def make_corpus(documents, seed, most_sentences=23, most_tokens=29):
    rng = np.random.default_rng(seed)
    return [rng.integers(1, most_tokens, rng.integers(1, most_sentences)) for _ in range(documents)]


def truncate_token_by_token(a, b, limit, rng):
    a, b = list(a), list(b)
    while len(a) + len(b) > limit:
        longer = a if len(a) > len(b) else b
        longer.pop(0 if rng.random() < 0.5 else -1)
    return a, b


def reference_examples(documents, document, sequence_length, short_probability, rng):
    """BERT's segment building on lists of tokens; every token is (document, sentence, place)."""
    usable, examples, i = sequence_length - 3, [], 0
    sentences = documents[document]
    while i < len(sentences):
        target = rng.integers(2, usable + 1) if rng.random() < short_probability else usable
        chunk = []
        while i < len(sentences):
            chunk.append(sentences[i])
            i += 1
            if sum(map(len, chunk)) >= target:
                break
        end_of_a = 1 if len(chunk) == 1 else rng.integers(1, len(chunk))
        a = [token for sentence in chunk[:end_of_a] for token in sentence]
        if len(chunk) == 1 or rng.random() < 0.5:
            for _ in range(10):
                other = rng.integers(len(documents))
                if other != document:
                    break
            b, start = [], rng.integers(len(documents[other]))
            for sentence in documents[other][start:]:
                b.extend(sentence)
                if len(b) >= target - len(a):
                    break
            label = 1
            i -= len(chunk) - end_of_a
        else:
            b, label = [token for sentence in chunk[end_of_a:] for token in sentence], 0
        a, b = truncate_token_by_token(a, b, usable, rng)
        examples.append((a, b, label))
    return examples


def tokens_of_corpus(lengths):
    return [
        [[(d, s, k) for k in range(count)] for s, count in enumerate(sentences)] for d, sentences in enumerate(lengths)
    ]


def planned_examples(documents, lengths, document, objective, rng):
    """What the plan says, in the same form."""
    examples = []
    for pair in objective.plan(lengths, document, LENGTH, rng):
        a = [token for one in documents[pair.document_a][pair.start_a : pair.stop_a] for token in one]
        b = [token for one in documents[pair.document_b][pair.start_b : pair.stop_b] for token in one]
        start_a, stop_a, start_b, stop_b = truncate_pair(len(a), len(b), LENGTH - 3, rng)
        examples.append((a[start_a:stop_a], b[start_b:stop_b], pair.label))
    return examples


@pytest.mark.parametrize("short_probability", [0.0, 0.1, 1.0])
def test_the_plan_has_the_distribution_of_the_released_procedure(short_probability):
    lengths = make_corpus(29, seed=2)
    documents = tokens_of_corpus(lengths)
    rng, other_rng = np.random.default_rng(11), np.random.default_rng(12)
    objective = NextSentence(short_probability)
    planned, reference = [], []
    for _ in range(20):
        for document in range(len(lengths)):
            planned += planned_examples(documents, lengths, document, objective, rng)
            reference += reference_examples(documents, document, LENGTH, short_probability, other_rng)
    assert len(planned) == pytest.approx(len(reference), rel=0.05)
    measures = {
        "tokens of A": lambda a, b, label: len(a),
        "tokens of B": lambda a, b, label: len(b),
        "tokens": lambda a, b, label: len(a) + len(b),
        "label": lambda a, b, label: label,
        "first token of A": lambda a, b, label: a[0][2],
        "last token of B": lambda a, b, label: b[-1][2],
        "document of a random B": lambda a, b, label: b[0][0] if label else -1,
        "sentence of a random B": lambda a, b, label: b[0][1] if label else -1,
    }
    for name, measure in measures.items():
        first = np.array([measure(*example) for example in planned])
        second = np.array([measure(*example) for example in reference])
        table = np.stack([np.bincount(values + 1, minlength=64) for values in (first, second)])
        table = table[:, table.sum(axis=0) >= 10]
        assert stats.chi2_contingency(table).pvalue > 1e-3, name


def test_invariants_of_a_plan():
    lengths = make_corpus(31, seed=3)
    rng = np.random.default_rng(0)
    labels, chunks = [], 0
    for document, own in enumerate(lengths):
        pairs = NextSentence().plan(lengths, document, LENGTH, rng)
        used = set()
        for pair, following in zip(pairs, [*pairs[1:], None], strict=True):
            assert pair.document_a == document and pair.start_a < pair.stop_a <= len(own)
            assert pair.start_b < pair.stop_b <= len(lengths[pair.document_b])
            used |= set(range(pair.start_a, pair.stop_a))
            if pair.label == 0:
                assert (pair.document_b, pair.start_b) == (document, pair.stop_a)
                used |= set(range(pair.start_b, pair.stop_b))
                chunks += 1
                labels.append(0)
            else:
                assert pair.document_b != document
            end = pair.stop_b if pair.label == 0 else pair.stop_a
            assert end == (following.start_a if following else len(own)), "unused sentences go back"
            start_a, stop_a, start_b, stop_b = truncate_pair(
                own[pair.start_a : pair.stop_a].sum(),
                lengths[pair.document_b][pair.start_b : pair.stop_b].sum(),
                LENGTH - 3,
                rng,
            )
            assert stop_a - start_a >= 1 and stop_b - start_b >= 1
            assert stop_a - start_a + stop_b - start_b <= LENGTH - 3
        assert used == set(range(len(own))), "every sentence is used"


def test_half_of_the_pairs_are_random_where_there_is_a_choice():
    # Sentences of 3 tokens and documents of 40 of them: hardly a chunk is a single sentence.
    lengths = [np.full(40, 3) for _ in range(101)]
    rng = np.random.default_rng(1)
    labels = np.array(
        [pair.label for d in range(101) for pair in NextSentence(0.0).plan(lengths, d, 29, rng) if pair.stop_a < 39]
    )
    assert len(labels) > 500
    assert labels.mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / len(labels)))


def test_a_single_sentence_gets_a_random_second_segment():
    lengths = [np.array([200, 200, 7]), np.array([5, 5])]
    for seed in range(20):
        pairs = NextSentence(0.0).plan(lengths, 0, LENGTH, np.random.default_rng(seed))
        assert [(pair.start_a, pair.stop_a, pair.label, pair.document_b) for pair in pairs] == [
            (0, 1, 1, 1),
            (1, 2, 1, 1),
            (2, 3, 1, 1),
        ]


def test_two_sentences_small_and_exact():
    lengths = [np.array([4, 6]), np.array([9])]
    seen = {tuple(NextSentence(0.0).plan(lengths, 0, LENGTH, np.random.default_rng(seed))) for seed in range(40)}
    follows = (Pair(0, 0, 1, 0, 1, 2, 0),)
    replaced = (Pair(0, 0, 1, 1, 0, 1, 1), Pair(0, 1, 2, 1, 0, 1, 1))
    assert seen == {follows, replaced}


def test_a_random_segment_is_filled_up_to_its_budget():
    # A has 10 tokens of 58: sentences of B are taken until there are 48 or more.
    lengths = [np.array([10]), np.full(101, 5)]
    for seed in range(50):
        (pair,) = NextSentence(0.0).plan(lengths, 0, LENGTH, np.random.default_rng(seed))
        assert pair.stop_b - pair.start_b == min(10, 101 - pair.start_b)


def test_the_cut_is_uniform():
    lengths = [np.full(5, 20), np.array([3])]
    cuts = [NextSentence(0.0).plan(lengths, 0, 103, np.random.default_rng(seed))[0].stop_a for seed in range(4000)]
    assert stats.chisquare(np.bincount(cuts, minlength=5)[1:]).pvalue > 1e-3 and min(cuts) == 1


def test_one_example_in_ten_is_short():
    lengths = [np.full(400, 1), np.full(400, 1)]
    rng = np.random.default_rng(4)
    tokens = np.array(
        [
            pair.stop_a - pair.start_a + pair.stop_b - pair.start_b
            for _ in range(30)
            for pair in NextSentence().plan(lengths, 0, LENGTH, rng)
            if pair.label == 0 and pair.stop_b < 400
        ]
    )
    short = tokens[tokens < LENGTH - 3]
    assert len(short) / len(tokens) == pytest.approx(0.1 * 56 / 57, abs=4 * np.sqrt(0.09 / len(tokens)))
    assert short.min() >= 2 and abs(np.median(short) - 30) < 12


def test_a_corpus_of_one_document():
    pairs = NextSentence().plan([np.array([9, 9, 9, 9])], 0, 23, np.random.default_rng(0))
    assert {pair.document_b for pair in pairs} == {0}
    assert {pair.label for pair in NextSentence().plan([np.array([9])], 0, 23, np.random.default_rng(0))} == {1}


def test_the_same_seed_makes_the_same_plan():
    lengths = make_corpus(7, seed=5)
    first, same, other = (NextSentence().plan(lengths, 3, LENGTH, np.random.default_rng(s)) for s in (1, 1, 2))
    assert first == same != other


def test_an_empty_document_has_no_examples():
    assert NextSentence().plan([np.array([], int), np.array([3])], 0, LENGTH, np.random.default_rng(0)) == []


@pytest.mark.parametrize(
    ("lengths", "document", "sequence_length", "message"),
    [
        ([np.array([3]), np.array([4])], 0, 4, "sequence_length=4"),
        ([np.array([3]), np.array([4])], 2, 61, "document=2"),
        ([np.array([3, 0]), np.array([4])], 0, 61, "length of 0"),
        ([np.array([3]), np.array([], int)], 0, 61, "is empty"),
    ],
)
def test_bad_plans(lengths, document, sequence_length, message):
    with pytest.raises(ValueError, match=message):
        NextSentence().plan(lengths, document, sequence_length, np.random.default_rng(0))


@pytest.mark.parametrize("probability", [-0.1, 1.5])
def test_bad_probability(probability):
    with pytest.raises(ValueError, match="short_sequence_probability"):
        NextSentence(probability)


def test_truncation_leaves_the_lengths_of_the_loop():
    rng = np.random.default_rng(0)
    for length_a in range(1, 14):
        for length_b in range(1, 14):
            for limit in range(2, 27):
                a, b = truncate_token_by_token(range(length_a), range(length_b), limit, rng)
                start_a, stop_a, start_b, stop_b = truncate_pair(length_a, length_b, limit, rng)
                assert (stop_a - start_a, stop_b - start_b) == (len(a), len(b))
                assert 0 <= start_a <= stop_a <= length_a and 0 <= start_b <= stop_b <= length_b


def test_truncation_takes_front_and_back_with_equal_odds():
    rng = np.random.default_rng(3)
    start_a, _, start_b, _ = truncate_pair(np.full(20000, 23), np.full(20000, 17), 30, rng)
    for start, dropped in ((start_a, 8), (start_b, 2)):
        counts = np.bincount(start, minlength=dropped + 1)
        expected = 20000 * stats.binom.pmf(np.arange(dropped + 1), dropped, 0.5)
        assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-3


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=1), st.integers(2, 120))
def test_truncation_of_many_pairs_at_once(pairs, limit):
    length_a, length_b = np.array(pairs).T
    start_a, stop_a, start_b, stop_b = truncate_pair(length_a, length_b, limit, np.random.default_rng(0))
    kept = stop_a - start_a + stop_b - start_b
    np.testing.assert_array_equal(kept, np.minimum(length_a + length_b, limit))
    assert ((stop_a - start_a >= 1) & (stop_b - start_b >= 1)).all()
    fits = length_a + length_b <= limit
    assert (start_a[fits] == 0).all() and (stop_b[fits] == length_b[fits]).all()


def test_truncation_without_room():
    with pytest.raises(ValueError, match="max_tokens=1"):
        truncate_pair(3, 3, 1, np.random.default_rng(0))
