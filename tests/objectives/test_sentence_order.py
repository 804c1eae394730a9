"""Sentence order prediction: small exact cases, proportions, and what it shares with next-sentence prediction."""

import numpy as np
import pytest

import zoo
from zoo.objectives import MaskedLM, NextSentence, Pair, SentenceOrder

LENGTH = 61


def make_corpus(documents, seed, most_sentences=23, most_tokens=29):
    rng = np.random.default_rng(seed)
    return [rng.integers(1, most_tokens, rng.integers(1, most_sentences)) for _ in range(documents)]


def plans(lengths, objective, seed=0):
    rng = np.random.default_rng(seed)
    return [pair for document in range(len(lengths)) for pair in objective.plan(lengths, document, LENGTH, rng)]


def test_two_sentences_small_and_exact():
    lengths = [np.array([4, 6]), np.array([9])]
    seen = {tuple(SentenceOrder(0.0).plan(lengths, 0, LENGTH, np.random.default_rng(seed))) for seed in range(40)}
    assert seen == {(Pair(0, 0, 1, 0, 1, 2, 0),), (Pair(0, 1, 2, 0, 0, 1, 1),)}


def test_both_segments_are_neighbours_of_one_document_and_every_sentence_is_used_once():
    lengths = make_corpus(31, seed=3)
    for document, own in enumerate(lengths):
        end = 0
        for pair in SentenceOrder().plan(lengths, document, LENGTH, np.random.default_rng(document)):
            first, second = (pair.start_a, pair.stop_a), (pair.start_b, pair.stop_b)
            assert pair.document_a == document
            if pair.document_b != document:  # a chunk of one sentence
                assert pair.label == 1 and pair.stop_a == pair.start_a + 1 and pair.start_a == end
                end = pair.stop_a
                continue
            if pair.label == 1:
                first, second = second, first
            assert first[0] == end and first[1] == second[0]
            end = second[1]
        assert end == len(own)


def test_half_of_the_pairs_are_swapped_where_there_is_a_choice():
    lengths = [np.full(40, 3) for _ in range(101)]
    labels = np.array([pair.label for pair in plans(lengths, SentenceOrder(0.0)) if pair.document_a == pair.document_b])
    assert len(labels) > 100
    assert labels.mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / len(labels)))


def test_a_single_sentence_gets_a_random_second_segment_and_is_not_in_order():
    lengths = [np.array([200, 200, 7]), np.array([5, 5])]
    for seed in range(20):
        pairs = SentenceOrder(0.0).plan(lengths, 0, LENGTH, np.random.default_rng(seed))
        assert [(pair.start_a, pair.stop_a, pair.label, pair.document_b) for pair in pairs] == [
            (0, 1, 1, 1),
            (1, 2, 1, 1),
            (2, 3, 1, 1),
        ]


def test_segments_are_those_of_next_sentence_prediction():
    """The segments of both objectives are cut alike, so that only the question differs."""
    lengths = [np.full(400, 5)] * 2
    order = [pair for pair in plans(lengths, SentenceOrder(0.0)) if pair.document_a == pair.document_b]
    follows = [pair for pair in plans(lengths, NextSentence(0.0), seed=1) if pair.label == 0]
    sizes = [
        np.bincount([min(pair.stop_a - pair.start_a, pair.stop_b - pair.start_b) for pair in found], minlength=7)
        for found in (order, follows)
    ]
    shares = [counts / counts.sum() for counts in sizes]
    np.testing.assert_allclose(shares[0], shares[1], atol=0.2)


def test_order_composes_with_any_masking_and_with_no_other_pairing():
    for unit in ("token", "whole_word", "ngram", "span"):
        objective = MaskedLM(unit=unit) + SentenceOrder()
        assert objective.targets == ("mask_ids", "sentence_labels")
        assert objective.pairing.sentence_head == "sentence_order"
    with pytest.raises(ValueError, match="At most one part may plan sentence pairs"):
        SentenceOrder() + NextSentence()


def test_preview_shows_the_swap():
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "one", "two", "."]
    seen = {
        zoo.objectives.preview(SentenceOrder(0.0), ["One . Two ."], zoo.tokenizers.WordPiece(pieces, lowercase=True),
                               seed=seed)[0]
        for seed in range(12)
    }  # fmt: skip
    assert seen == {
        ("[CLS] one. [SEP] two. [SEP]", "in order"),
        ("[CLS] two. [SEP] one. [SEP]", "swapped"),
    }


def test_a_task_takes_the_head_of_the_objective():
    backbone = zoo.BertBackbone(97, 1, 1, 8, 16, max_sequence_length=31)
    task = zoo.MaskedLM(backbone, objective=MaskedLM() + SentenceOrder(), compile=False)
    assert task.sentence_head == "sentence_order" and "sentence_labels" in task.output
    assert zoo.objectives.parse_objective("MaskedLM(unit='ngram') + SentenceOrder") == (
        MaskedLM(unit="ngram") + SentenceOrder()
    )
