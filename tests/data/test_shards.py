import os

import numpy as np
import pytest

from zoo.data import Document
from zoo.data.corpus import SentenceLengths, ShardCorpus
from zoo.data.shards import load_lengths, pack_record, shard_path, token_dtype, unpack_record, write_shard


def make_document(rng, sentences, largest_id=70_000):
    lengths = rng.integers(1, 30, sentences)
    size = int(lengths.sum())
    return Document(rng.integers(0, largest_id, size), rng.random(size) < 0.4, lengths)


def assert_same(found, wanted):
    np.testing.assert_array_equal(found.token_ids, wanted.token_ids)
    np.testing.assert_array_equal(found.word_starts, wanted.word_starts)
    np.testing.assert_array_equal(found.sentence_lengths, wanted.sentence_lengths)
    assert found.word_starts.dtype == bool


@pytest.mark.parametrize(
    ("vocabulary_size", "bytes_per_id"), [(8_000, 2), (65_535, 2), (65_536, 2), (65_537, 4), (250_002, 4)]
)
def test_the_smallest_type_that_holds_every_id(vocabulary_size, bytes_per_id):
    dtype = token_dtype(vocabulary_size)
    assert dtype.itemsize == bytes_per_id
    ids = np.array([0, vocabulary_size - 1])
    document = Document(ids, np.array([True, False]), np.array([2]))
    assert_same(unpack_record(pack_record(document, dtype), dtype), document)


@pytest.mark.parametrize("tokens", [1, 7, 8, 9, 16_384])
def test_a_record_gives_the_document_back(tokens):
    rng = np.random.default_rng(tokens)
    document = Document(rng.integers(0, 97, tokens), rng.random(tokens) < 0.5, np.array([tokens]))
    record = pack_record(document, token_dtype(97))
    assert len(record) == 8 + 2 * tokens + 2 + -(-tokens // 8)
    assert_same(unpack_record(record, token_dtype(97)), document)


def test_a_shard_is_written_whole(tmp_path):
    rng = np.random.default_rng(1)
    documents = [make_document(rng, sentences) for sentences in (3, 1, 50)]
    counts = write_shard(tmp_path, 2, documents, 101, token_dtype(70_000))
    assert sorted(os.listdir(tmp_path)) == ["shard-00002.array_record", "shard-00002.npz"]
    lengths, offsets, number = load_lengths(tmp_path / "shard-00002.npz")
    assert number == counts["documents"] == 3
    assert counts["tokens"] == lengths.sum() == sum(len(document.token_ids) for document in documents)
    assert counts["records"] == len(offsets) - 1 > 3
    corpus = ShardCorpus([shard_path(tmp_path, 2)], SentenceLengths(lengths, offsets), token_dtype(70_000), counts)
    assert_same(corpus[0], documents[0])
    assert_same(corpus[1], documents[1])
    rest = [corpus[record] for record in range(2, counts["records"])]
    assert max(len(record.token_ids) for record in rest) <= 101
    np.testing.assert_array_equal(np.concatenate([record.token_ids for record in rest]), documents[2].token_ids)


def test_a_failed_shard_leaves_no_shard(tmp_path):
    def documents():
        yield make_document(np.random.default_rng(1), 3)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_shard(tmp_path, 0, documents(), 101, token_dtype(70_000))
    assert not shard_path(tmp_path, 0).exists()


def test_the_cache_is_bounded_and_transparent(tmp_path):
    rng = np.random.default_rng(5)
    documents = [make_document(rng, 7, 997) for _ in range(13)]
    counts = write_shard(tmp_path, 0, documents, 16_384, token_dtype(997))
    lengths, offsets, _ = load_lengths(tmp_path / "shard-00000.npz")
    corpus = ShardCorpus(
        [shard_path(tmp_path, 0)], SentenceLengths(lengths, offsets), token_dtype(997), counts, cache_bytes=1_000
    )
    for document in rng.integers(0, 13, 97):
        assert_same(corpus[document], documents[document])
    assert 1 <= len(corpus._cached) < 13


def test_an_index_of_another_shard_is_refused(tmp_path):
    write_shard(tmp_path, 0, [make_document(np.random.default_rng(1), 3)], 16_384, token_dtype(70_000))
    lengths = SentenceLengths(np.array([1, 2, 3]), np.array([0, 1, 3]))
    with pytest.raises(ValueError, match=r"Expected 2 records.*found 1"):
        ShardCorpus([shard_path(tmp_path, 0)], lengths, token_dtype(70_000), {})
