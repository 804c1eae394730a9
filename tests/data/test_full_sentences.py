"""RoBERTa's blocks: text across documents, a separator between them (Liu et al. 2019, section 4.2), by hand."""

import numpy as np
import pytest

import zoo
from zoo.data import Document
from zoo.data.corpus import MemoryCorpus
from zoo.data.examples import BlockPlan, assemble
from zoo.objectives import Vocabulary

VOCABULARY = Vocabulary(97, pad_id=0, start_id=1, end_id=2, mask_id=3, special_ids=(0, 1, 2, 3, 4))
START, END = 1, 2


class InOrder:
    """A generator that leaves everything where it is and begins at the token that it is told."""

    def __init__(self, shift: int):
        self._shift = shift

    def permutation(self, number):
        return np.arange(number)

    def integers(self, low, high, endpoint):
        assert low <= self._shift <= high and endpoint
        return self._shift


def make_blocks(sizes, sequence_length, shift=0):
    """The batch of all blocks of documents with `sizes` tokens, whose ids are 10, 11, ..., then 20, 21, ..., ..."""
    documents = []
    for number, size in enumerate(sizes):
        ids = 10 * (number + 1) + np.arange(size)
        documents.append(Document(ids, ids % 2 == 0, np.array([size])))
    corpus = MemoryCorpus(documents, len(documents))
    plan = BlockPlan(corpus.sentence_lengths.token_counts(), sequence_length, InOrder(shift))
    return assemble(plan.spans(np.arange(len(plan)), None), corpus, VOCABULARY, len(plan), sequence_length)


def test_a_separator_stands_between_two_documents():
    batch = make_blocks([3, 2, 4], sequence_length=13)
    np.testing.assert_array_equal(batch["token_ids"], [[START, 10, 11, 12, END, 20, 21, END, 30, 31, 32, 33, END]])
    assert batch["padding_mask"].all() and not batch["segment_ids"].any()
    # Odd ids continue words; what is special begins one.
    np.testing.assert_array_equal(batch["word_starts"], [[1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0, 1]])


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        # The first block ends before the separator, with it, and after it; so the second begins.
        (0, [[START, 10, 11, 12, END], [START, END, 20, 21, END], [START, END, 30, 31, END]]),
        (1, [[START, 11, 12, END, END], [START, 20, 21, END, END], [START, 30, 31, 32, END]]),
        (2, [[START, 12, END, 20, END], [START, 21, END, 30, END], [START, 31, 32, 33, END]]),
    ],
)
def test_a_separator_may_be_first_or_last_in_a_block(shift, expected):
    # 10 11 12 | 20 21 | 30 31 32 33: eleven tokens with separators, three blocks of three and two left over.
    batch = make_blocks([3, 2, 4], sequence_length=5, shift=shift)
    np.testing.assert_array_equal(batch["token_ids"], expected)
    assert batch["padding_mask"].all()
    assert batch["word_starts"][batch["token_ids"] == END].all()
    # The first token of a block begins a word, as no other continues it.
    assert batch["word_starts"][:, 1].all()


def test_short_text_is_padded_after_its_last_end():
    batch = make_blocks([1, 1], sequence_length=7)
    np.testing.assert_array_equal(batch["token_ids"], [[START, 10, END, 20, END, 0, 0]])
    np.testing.assert_array_equal(batch["padding_mask"], [[1, 1, 1, 1, 1, 0, 0]])


def test_one_document_has_no_separator():
    batch = make_blocks([9], sequence_length=5)
    np.testing.assert_array_equal(batch["token_ids"][:, 1:-1], [[10, 11, 12], [13, 14, 15], [16, 17, 18]])


def test_separators_are_never_masked(tokenizer):
    objective = zoo.objectives.MaskedLM(rate=1.0, mask_token_rate=1.0, random_token_rate=0.0)
    documents = ["Ba co du.\n", "Fi ga.\n", "Lo mi nu po.\n"] * 31
    data = zoo.data.pretraining_dataset(documents, tokenizer, objective, sequence_length=17, batch_size=5, seed=0)
    inputs, _, weights = data[0]
    separators = inputs["token_ids"][:, 1:-1] == tokenizer.end_token_id
    assert separators.sum() > 10
    asked = np.zeros(inputs["token_ids"].shape, bool)
    rows = np.arange(len(asked))[:, None]
    used = weights["mask_ids"] > 0
    asked[np.broadcast_to(rows, used.shape)[used], inputs["mask_positions"][used]] = True
    assert not asked[inputs["token_ids"] == tokenizer.end_token_id].any() and asked.any()
