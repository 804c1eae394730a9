"""Batches and vocabularies to corrupt."""

import numpy as np
import pytest

from zoo.objectives import Vocabulary

PAD, UNKNOWN, START, END, MASK, UNUSED = 0, 1, 2, 3, 4, 5
SIZE = 97


@pytest.fixture(scope="session")
def vocabulary():
    return Vocabulary(
        size=SIZE,
        pad_id=PAD,
        start_id=START,
        end_id=END,
        mask_id=MASK,
        special_ids=(PAD, UNKNOWN, START, END, MASK, UNUSED),
    )


@pytest.fixture(scope="session")
def make_batch():
    """Makes `[CLS] A [SEP] B [SEP]` examples of random lengths, words of random numbers of pieces."""

    def make(batch_size, length, seed=0, padded=True, unknown_rate=0.0, word_start_rate=0.7):
        rng = np.random.default_rng(seed)
        token_ids = rng.integers(6, SIZE, (batch_size, length)).astype("int32")
        token_ids[rng.random(token_ids.shape) < unknown_rate] = UNKNOWN
        stops = rng.integers(5, length + 1, batch_size) if padded else np.full(batch_size, length)
        padding_mask = (np.arange(length) < stops[:, None]).astype("int32")
        rows = np.arange(batch_size)
        middle = rng.integers(2, stops - 2)
        token_ids[:, 0] = START
        token_ids[rows, middle] = END
        token_ids[rows, stops - 1] = END
        token_ids[padding_mask == 0] = PAD
        return {
            "token_ids": token_ids,
            "segment_ids": ((np.arange(length) > middle[:, None]) & (padding_mask == 1)).astype("int32"),
            "padding_mask": padding_mask,
            "word_starts": rng.random(token_ids.shape) < word_start_rate,
        }

    return make


SENTINELS = tuple(range(SIZE + 52, SIZE - 1, -1))


@pytest.fixture(scope="session")
def sentinel_vocabulary(vocabulary):
    """`vocabulary` with 53 sentinels after its other ids, the first one last."""
    special = (*vocabulary.special_ids, *SENTINELS)
    return Vocabulary(SIZE + 53, PAD, START, END, MASK, special_ids=special, sentinel_ids=SENTINELS)


@pytest.fixture(scope="session")
def make_texts():
    """Makes `[CLS] text [SEP]` examples, of random lengths or of the lengths that are given."""

    def make(batch_size, length, seed=0, counts=None, unknown_rate=0.05, word_start_rate=0.6, sentence_rate=0.2):
        rng = np.random.default_rng(seed)
        counts = rng.integers(0, length - 1, batch_size) if counts is None else np.broadcast_to(counts, batch_size)
        columns = np.arange(length)
        token_ids = rng.integers(6, SIZE, (batch_size, length)).astype("int32")
        token_ids[rng.random(token_ids.shape) < unknown_rate] = UNKNOWN
        token_ids[:, 0] = START
        token_ids[np.arange(batch_size), counts + 1] = END
        token_ids[columns > counts[:, None] + 1] = PAD
        sentence_starts = rng.random(token_ids.shape) < sentence_rate
        return {
            "token_ids": token_ids,
            "segment_ids": np.zeros_like(token_ids),
            "padding_mask": (columns <= counts[:, None] + 1).astype("int32"),
            "word_starts": sentence_starts | (rng.random(token_ids.shape) < word_start_rate),
            "sentence_starts": sentence_starts,
        }

    return make
