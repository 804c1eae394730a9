import numpy as np
import pytest

from zoo.data import Document
from zoo.data.corpus import MemoryCorpus
from zoo.data.examples import BlockPlan, PairPlan, Spans, assemble
from zoo.objectives import NextSentence, Vocabulary

VOCABULARY = Vocabulary(997, pad_id=0, start_id=1, end_id=2, mask_id=3, special_ids=(0, 1, 2, 3, 4))


def make_corpus(sentence_lengths) -> MemoryCorpus:
    """Documents whose ids tell where they are from: 10 and up, every token of the corpus another id."""
    documents, token = [], 10
    for lengths in sentence_lengths:
        size = sum(lengths)
        ids = np.arange(token, token + size)
        documents.append(Document(ids, ids % 3 == 0, np.array(lengths)))
        token += size
    return MemoryCorpus(documents, len(documents))


def test_one_row_by_hand():
    corpus = make_corpus([[3, 2], [4]])
    numbers = np.array([[0, 0, 1, 1, 1], [0, 1, 0, 0, 1], [0, 1, 0, 1, 1], [1, 0, 4, 0, 2], [3, 3, 5, 2, 4]])
    spans = Spans(*numbers, closes=np.array([True, True, False, True, True]))
    batch = assemble(spans, corpus, VOCABULARY, 2, 9)
    np.testing.assert_array_equal(
        batch["token_ids"], [[1, 11, 12, 2, 15, 16, 17, 2, 0], [1, 14, 15, 16, 2, 17, 18, 2, 0]]
    )
    np.testing.assert_array_equal(batch["segment_ids"], [[0, 0, 0, 0, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1, 1, 1, 0]])
    np.testing.assert_array_equal(batch["padding_mask"], [[1] * 8 + [0]] * 2)
    # 12, 15 and 18 begin words; so does what is special or first in its segment.
    expected = [[1, 1, 1, 1, 1, 0, 0, 1, 1], [1, 1, 1, 0, 1, 1, 1, 1, 1]]
    np.testing.assert_array_equal(batch["word_starts"], np.array(expected, bool))
    # 10, 13 and 15 begin sentences; so does what is first in its segment.
    expected = [[0, 1, 0, 0, 1, 0, 0, 0, 0], [0, 1, 1, 0, 0, 1, 0, 0, 0]]
    np.testing.assert_array_equal(batch["sentence_starts"], np.array(expected, bool))
    assert {name: array.dtype for name, array in batch.items()} == {
        "token_ids": np.int32,
        "segment_ids": np.int32,
        "padding_mask": np.int32,
        "word_starts": bool,
        "sentence_starts": bool,
    }


@pytest.mark.parametrize("sequence_length", [3, 11, 64])
def test_blocks_hold_every_token_once(sequence_length):
    rng = np.random.default_rng(7)
    corpus = make_corpus([rng.integers(1, 13, rng.integers(1, 6)).tolist() for _ in range(41)])
    counts = corpus.sentence_lengths.token_counts()
    plan = BlockPlan(counts, sequence_length, np.random.default_rng(3))
    # With a separator between two documents.
    assert len(plan) == (counts.sum() + len(counts) - 1) // (sequence_length - 2)
    batch = assemble(plan.spans(np.arange(len(plan)), rng), corpus, VOCABULARY, len(plan), sequence_length)
    assert batch["padding_mask"].all()
    assert not batch["segment_ids"].any()
    assert (batch["token_ids"][:, 0] == 1).all()
    assert (batch["token_ids"][:, -1] == 2).all()
    inside = batch["token_ids"][:, 1:-1]
    seen = inside[inside != VOCABULARY.end_id]
    assert len(set(seen.tolist())) == len(seen) > counts.sum() - sequence_length
    assert len(counts) - sequence_length <= (inside == VOCABULARY.end_id).sum() < len(counts)
    # Text goes on within a block wherever a document does; a separator is where one ends and another begins.
    ends = set((10 + np.cumsum(counts) - 1).tolist())
    for before, after in zip(inside[:, :-1].ravel(), inside[:, 1:].ravel(), strict=True):
        if after == VOCABULARY.end_id:
            assert before in ends
        elif before == VOCABULARY.end_id:
            assert after == 10 or after - 1 in ends
        else:
            assert after == before + 1


def test_sentences_are_found_across_documents_and_blocks():
    corpus = make_corpus([[3, 2, 5], [1], [4, 4]])
    begins = set((10 + np.cumsum([0, *corpus.sentence_lengths.flat])).tolist())
    for separate, sequence_length in ((True, 7), (False, 7), (False, 30)):
        plan = BlockPlan(corpus.sentence_lengths.token_counts(), sequence_length, np.random.default_rng(1), separate)
        batch = assemble(plan.spans(np.arange(len(plan)), None), corpus, VOCABULARY, len(plan), sequence_length)
        for ids, starts in zip(batch["token_ids"], batch["sentence_starts"], strict=True):
            assert starts[1], "the first token of a block begins a sentence, or what is left of one"
            for column in range(2, sequence_length):
                assert starts[column] == (ids[column] in begins)


def test_documents_without_a_separator_follow_each_other():
    corpus = make_corpus([[3], [2], [4]])
    plan = BlockPlan(corpus.sentence_lengths.token_counts(), 11, np.random.default_rng(0), separate=False)
    batch = assemble(plan.spans(np.arange(1), None), corpus, VOCABULARY, 1, 11)
    assert sorted(batch["token_ids"][0].tolist()) == [1, 2, *range(10, 19)]
    assert batch["token_ids"][0, -1] == VOCABULARY.end_id and batch["padding_mask"].all()


def test_little_text_is_one_short_block():
    corpus = make_corpus([[2], [3]])
    plan = BlockPlan(corpus.sentence_lengths.token_counts(), 13, np.random.default_rng(0))
    assert len(plan) == 1
    batch = assemble(plan.spans(np.arange(1), None), corpus, VOCABULARY, 1, 13)
    assert batch["token_ids"][0, :8].tolist() in ([1, 10, 11, 2, 12, 13, 14, 2], [1, 12, 13, 14, 2, 10, 11, 2])
    assert not batch["token_ids"][0, 8:].any()
    np.testing.assert_array_equal(batch["padding_mask"][0], [1] * 8 + [0] * 5)


def test_one_document_is_cut_elsewhere_in_another_epoch():
    starts = {
        BlockPlan(np.array([1_000]), 13, np.random.default_rng(seed)).spans(np.arange(1), None).starts[0] % 11
        for seed in range(97)
    }
    assert len(starts) == 1_000 % 11 + 1


def test_block_plans_differ_by_generator():
    counts = np.arange(1, 60)
    first, again, other = (
        BlockPlan(counts, 13, np.random.default_rng(seed)).spans(np.arange(5), None).documents for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert len(first) != len(other) or (first != other).any()


@pytest.mark.parametrize("sequence_length", [5, 17, 64])
def test_pairs_say_what_they_are(sequence_length):
    rng = np.random.default_rng(2)
    corpus = make_corpus([rng.integers(1, 13, rng.integers(1, 20)).tolist() for _ in range(43)])
    plan = PairPlan(corpus.sentence_lengths, NextSentence(), sequence_length, np.random.default_rng(5))
    examples = np.arange(len(plan))
    batch = assemble(plan.spans(examples, rng), corpus, VOCABULARY, len(plan), sequence_length)
    labels = plan.labels(examples)
    assert 0 < labels.mean() < 1
    ends = 10 + np.cumsum(corpus.sentence_lengths.token_counts())
    for ids, segments, mask, label in zip(
        *(batch[name] for name in ("token_ids", "segment_ids", "padding_mask")), labels, strict=True
    ):
        length = mask.sum()
        assert mask[:length].all()
        assert not ids[length:].any()
        assert not segments[length:].any()
        (first_end, second_end) = np.flatnonzero(ids == 2)
        assert second_end == length - 1
        np.testing.assert_array_equal(segments[:length], np.arange(length) > first_end)
        first, second = ids[1:first_end], ids[first_end + 1 : second_end]
        assert len(first) > 0 and len(second) > 0
        for part in (first, second):
            np.testing.assert_array_equal(part, np.arange(part[0], part[0] + len(part)))
        document_of_first, document_of_second = np.searchsorted(ends, [first[0], second[0]], side="right")
        if label == 0:
            assert document_of_first == document_of_second
            assert first[-1] < second[0]
            if length < sequence_length:
                assert second[0] == first[-1] + 1


def test_pairs_are_shuffled_across_documents():
    corpus = make_corpus([[5] * 8] * 11)
    plan = PairPlan(corpus.sentence_lengths, NextSentence(), 23, np.random.default_rng(5))
    documents = plan.spans(np.arange(len(plan)), np.random.default_rng(0)).documents[::2]
    assert np.abs(np.diff(documents)).mean() > 2
