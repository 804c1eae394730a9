"""Batches for encoder-decoders: shapes by T5's rule, text without separators, noise by seed and step, resuming."""

import hashlib
import itertools
import json

import numpy as np
import pytest

from tests.data.texts import make_documents
from tests.objectives.rebuilding import fill_sentinels
from zoo.data import prepare, pretraining_dataset
from zoo.objectives import (
    MASS,
    DropTokens,
    PrefixLM,
    SentencePermutation,
    SpanCorruption,
    TextInfilling,
    TokenDeletion,
    ul2,
)

BART = SentencePermutation() + TextInfilling()


@pytest.fixture(scope="module")
def documents():
    return make_documents(5, 53)


@pytest.fixture(scope="module")
def with_sentinels(tokenizer):
    return tokenizer.with_sentinels(100)


@pytest.fixture
def make(with_sentinels, documents):
    def build(objective, sequence_length=64, batch_size=5, source=documents, **arguments):
        return pretraining_dataset(source, with_sentinels, objective, sequence_length, batch_size, **arguments)

    return build


def digest_of(batch):
    digest = hashlib.sha256()
    for part in batch:
        for name in sorted(part):
            digest.update(part[name].tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("objective", "sequence_length", "target_length"),
    [
        (SpanCorruption(), 512, 114),
        (SpanCorruption(), 128, 29),
        (SpanCorruption(0.25, 5.0), 64, 25),
        (BART, 64, 64),
        (TokenDeletion(), 37, 37),
        (MASS(), 64, 31),
        (PrefixLM(), 64, 63),
        (DropTokens(), 64, 12),
        (ul2(regular=(7,), extreme=(8, 9)), 64, 44),
    ],
    ids=str,
)
def test_shapes_are_fixed(objective, sequence_length, target_length, make):
    dataset = make(objective, sequence_length, batch_size=3)
    lengths = {"encoder": sequence_length, "cross": sequence_length}
    for step in (0, 1, len(dataset)):
        inputs, targets, weights = dataset[step]
        assert tuple(inputs) == objective.inputs and targets.keys() == weights.keys() == {"target_ids"}
        for name, value in inputs.items():
            assert value.shape == (3, lengths.get(name.split("_")[0], target_length)), name
            assert value.dtype == np.int32
        assert targets["target_ids"].shape == weights["target_ids"].shape == (3, target_length)
        assert targets["target_ids"].dtype == np.int32 and weights["target_ids"].dtype == np.float32
    assert dataset.sequence_length == sequence_length


def test_span_corruption_fills_both_sides_with_every_token(make, documents, with_sentinels):
    dataset = make(SpanCorruption(), 128, batch_size=1)
    texts = []
    for step in range(len(dataset)):
        inputs, targets, weights = dataset[step]
        assert inputs["encoder_padding_mask"].all() and weights["target_ids"].all()
        read, said = inputs["encoder_token_ids"][0].tolist(), targets["target_ids"][0].tolist()
        assert read[-1] == said[-1] == with_sentinels.end_token_id
        texts.append(fill_sentinels(read[:-1], said[:-1], with_sentinels.sentinel_ids))
    assert {len(text) for text in texts} == {141}
    ids = np.concatenate(texts)
    assert not np.isin(ids, with_sentinels.special_token_ids).any(), "no separator between documents"
    encoded = np.concatenate(with_sentinels.encode([line for document in documents for line in document.splitlines()]))
    counts, all_counts = (np.bincount(some, minlength=with_sentinels.vocabulary_size()) for some in (ids, encoded))
    assert (counts <= all_counts).all() and len(encoded) - len(ids) < 141


@pytest.mark.parametrize("objective", [SpanCorruption(), BART, MASS(), ul2()], ids=["t5", "bart", "mass", "ul2"])
def test_noise_is_by_seed_and_step(objective, make, documents, with_sentinels, tmp_path):
    dataset = make(objective, seed=3)
    digests = [digest_of(dataset[step]) for step in range(len(dataset) + 3)]
    assert len(set(digests)) == len(digests), "every step and every epoch has its own"
    again = make(objective, seed=3)
    assert [digest_of(batch) for batch in itertools.islice(again, len(digests))] == digests
    assert digest_of(make(objective, seed=4)[0]) != digests[0]
    iterator = iter(dataset)
    for _ in range(4):
        next(iterator)
    resumed = iter(make(objective, seed=3))
    resumed.set_state(json.loads(json.dumps(iterator.get_state())))
    assert [digest_of(next(resumed)) for _ in range(3)] == digests[4:7]
    assert digest_of(next(iter(make(objective, seed=3).skip(9)))) == digests[9]
    # From prepared shards the sentences, and so the noise, are the same.
    (tmp_path / "a.txt").write_text("\n\n".join(documents) + "\n", encoding="utf-8")
    prepare(tmp_path / "a.txt", tmp_path / "prepared", with_sentinels, progress=False)
    prepared = make(objective, source=tmp_path / "prepared", seed=3)
    assert [digest_of(prepared[step]) for step in (0, 5)] == [digests[0], digests[5]]


@pytest.mark.parametrize("chinese", [False, True])
def test_sentences_of_both_languages_change_places(chinese, make, with_sentinels):
    documents = make_documents(7, 19, chinese=chinese)
    dataset = make(SentencePermutation(), 61, batch_size=3, source=documents)
    end = with_sentinels.token_to_id("。" if chinese else ".")
    moved = rows = 0
    for step in range(len(dataset)):
        inputs, targets, _ = dataset[step]
        for read, said in zip(inputs["encoder_token_ids"], targets["target_ids"], strict=True):
            inner = said[1:-1]
            sentences = {tuple(part) for part in np.split(inner, np.flatnonzero(inner == end) + 1)[1:-1]}
            shuffled = " ".join(map(str, read))
            assert all(" ".join(map(str, sentence)) in shuffled for sentence in sentences)
            moved += not np.array_equal(read, said)
            rows += len(sentences) > 1
    assert rows > 10 and moved > 0.9 * rows


def test_shards_part_the_epoch(make):
    whole = make(DropTokens(), batch_size=6)
    shards = [make(DropTokens(), batch_size=2, shard_index=index, num_shards=3) for index in range(3)]
    for step in range(2):
        together = [
            np.sort(np.concatenate([inputs["encoder_token_ids"], targets["target_ids"]], axis=1))
            for inputs, targets, _ in (shard[step] for shard in shards)
        ]
        inputs, targets, _ = whole[step]
        np.testing.assert_array_equal(
            np.concatenate(together),
            np.sort(np.concatenate([inputs["encoder_token_ids"], targets["target_ids"]], axis=1)),
        )


def test_sentinels_are_missed_before_the_first_batch(tokenizer, documents):
    message = r"Texts of 141 tokens need 7 sentinels.*Use `tokenizer\.with_sentinels\(7\)`"
    with pytest.raises(ValueError, match=message):
        pretraining_dataset(documents, tokenizer, SpanCorruption(), 128, 5)


@pytest.mark.parametrize(
    ("objective", "message"), [(BART, "at least 3:"), (SpanCorruption(), "at least 3:"), (ul2((7, 8)), "at least 4 ")]
)
def test_a_sequence_holds_some_text(objective, message, make):
    with pytest.raises(ValueError, match=f"`sequence_length` must be {message}"):
        make(objective, sequence_length=2 if message.endswith(":") else 3)


def test_little_text_is_one_padded_example(make, with_sentinels):
    inputs, targets, weights = make(SpanCorruption(), 64, batch_size=1, source=["Ba co du fi."])[0]
    assert inputs["encoder_padding_mask"].sum() == 6 and weights["target_ids"].sum() == 3
    read, said = inputs["encoder_token_ids"][0], targets["target_ids"][0]
    first = with_sentinels.sentinel_ids[0]
    assert read[4] == said[0] == first and with_sentinels.decode([*read[:4], said[1]]) == "ba co du fi."
    (one, said_of_one, _) = make(SpanCorruption(), 64, batch_size=1, source=["ba"])[0]
    assert with_sentinels.decode(one["encoder_token_ids"][0]) == "ba"
    assert said_of_one["target_ids"][0, 0] == with_sentinels.end_token_id
