import hashlib
import itertools
import json
import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from tests.data.texts import make_documents
from zoo.data import preparation, prepare, pretraining_dataset, split_sentences
from zoo.objectives import MaskedLM, NextSentence, SentenceOrder

PAIRED = MaskedLM("whole_word") + NextSentence()


def assert_same(found, wanted):
    for some, others in zip(found, wanted, strict=True):
        assert some.keys() == others.keys()
        for name in some:
            np.testing.assert_array_equal(some[name], others[name], err_msg=name)


def original_ids(batch):
    """The tokens before they were corrupted."""
    inputs, targets, weights = batch
    ids = inputs["token_ids"].copy()
    rows, slots = np.nonzero(weights["mask_ids"])
    ids[rows, inputs["mask_positions"][rows, slots]] = targets["mask_ids"][rows, slots]
    return ids


@pytest.fixture(scope="module")
def documents():
    return make_documents(11, 61)


@pytest.fixture
def make(tokenizer, documents):
    def build(objective=PAIRED, source=documents, sequence_length=29, batch_size=7, **arguments):
        return pretraining_dataset(source, tokenizer, objective, sequence_length, batch_size, **arguments)

    return build


@pytest.fixture
def folder(tmp_path, write_text, tokenizer, documents, monkeypatch):
    monkeypatch.setattr(preparation, "CHARACTERS_PER_SHARD", 9_000)
    prepare(write_text("a.txt", documents), tmp_path / "prepared", tokenizer, progress=False)
    return tmp_path / "prepared"


def test_features_of_pairs(make, documents):
    dataset = make()
    inputs, targets, weights = dataset[0]
    slots = PAIRED.parts[0].num_predictions(29)
    assert {name: (array.shape, array.dtype) for name, array in {**inputs, **targets}.items()} == {
        "token_ids": ((7, 29), np.int32),
        "segment_ids": ((7, 29), np.int32),
        "padding_mask": ((7, 29), np.int32),
        "mask_positions": ((7, slots), np.int32),
        "mask_ids": ((7, slots), np.int32),
        "sentence_labels": ((7,), np.int32),
    }
    assert targets.keys() == weights.keys() == {"mask_ids", "sentence_labels"}
    np.testing.assert_array_equal(weights["sentence_labels"], np.ones(7))
    assert weights["mask_ids"].dtype == weights["sentence_labels"].dtype == np.float32
    assert dataset.counts["documents"] == len(documents)
    assert len(dataset) == dataset.steps_per_epoch > 20
    assert (dataset.sequence_length, dataset.batch_size, dataset.objective) == (29, 7, PAIRED)
    assert dataset.vocabulary.size == dataset.tokenizer.vocabulary_size()


def test_blocks_hold_the_corpus(make, tokenizer, documents):
    dataset = make(MaskedLM(), batch_size=1)
    ids = np.concatenate([original_ids(dataset[step]) for step in range(len(dataset))])
    assert dataset[0][1].keys() == {"mask_ids"}
    assert (ids[:, 0] == tokenizer.start_token_id).all()
    assert (ids[:, -1] == tokenizer.end_token_id).all()
    counts = np.bincount(ids[:, 1:-1].ravel(), minlength=tokenizer.vocabulary_size())
    encoded = [np.concatenate(tokenizer.encode(document.splitlines())) for document in documents]
    expected = np.bincount(np.concatenate(encoded), minlength=tokenizer.vocabulary_size())
    expected[tokenizer.end_token_id] = len(documents) - 1  # between them
    assert (counts <= expected).all()
    assert expected.sum() - counts.sum() < 27


def test_strings_files_and_a_folder_give_the_same_batches(make, folder, write_text, documents, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_TEXT_ZOO_CACHE", str(tmp_path / "cache"))
    file = write_text("b.txt", documents)
    from_strings = make()
    for source in (folder, str(folder), file, [file], str(tmp_path / "b*.txt"), [str(file)], iter(documents)):
        dataset = make(source=source)
        assert len(dataset) == len(from_strings)
        assert_same(dataset[3], from_strings[3])
    assert len(list((tmp_path / "cache" / "corpora").iterdir())) == 1


def test_a_folder_knows_its_tokenizer(folder, make):
    dataset = pretraining_dataset(folder, None, PAIRED, 29, 7)
    assert_same(dataset[5], make()[5])


def test_the_cache_knows_that_a_file_changed(make, write_text, documents, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_TEXT_ZOO_CACHE", str(tmp_path / "cache"))
    assert make(source=write_text("b.txt", documents)).counts["documents"] == 61
    assert make(source=write_text("b.txt", documents[:53])).counts["documents"] == 53


def test_iteration_follows_the_steps(make):
    dataset = make()
    for step, batch in enumerate(itertools.islice(dataset, 2 * len(dataset) + 3)):
        assert_same(batch, dataset[step])


@pytest.mark.parametrize("objective", [MaskedLM(), PAIRED], ids=["blocks", "pairs"])
@pytest.mark.parametrize("stop", [0, 5, 150])
def test_resuming_is_exact(make, objective, stop):
    dataset = make(objective)
    iterator = iter(dataset)
    for _ in range(stop):
        next(iterator)
    state = json.loads(json.dumps(iterator.get_state()))
    expected = [next(iterator) for _ in range(4)]
    again = iter(make(objective))
    again.set_state(state)
    for resumed in (
        again,
        iter(make(objective).skip(stop)),
        iter(make(objective).skip(stop - stop // 2).skip(stop // 2)),
    ):
        for batch in expected:
            assert_same(next(resumed), batch)
        assert resumed.get_state() == iterator.get_state()


def test_epochs_differ(make):
    dataset = make()
    first, second = (
        [original_ids(dataset[start + step]) for step in range(len(dataset))] for start in (0, len(dataset))
    )
    assert len({row.tobytes() for row in np.concatenate(first)} & {row.tobytes() for row in np.concatenate(second)}) < (
        0.6 * len(np.concatenate(first))
    )
    # The first text of an epoch is cut in another way, and other tokens are hidden.
    assert not np.array_equal(dataset[0][0]["mask_positions"], dataset[len(dataset)][0]["mask_positions"])


def test_noise_differs_where_the_text_is_the_same(make):
    dataset = make(
        MaskedLM(), source=["ba co du fi ga lo mi nu po ra se ti vo wu ze"], sequence_length=31, batch_size=1
    )
    assert len(dataset) == 1
    np.testing.assert_array_equal(original_ids(dataset[0]), original_ids(dataset[1]))
    assert len({dataset[step][0]["mask_positions"].tobytes() for step in range(7)}) > 4


def test_seeds_differ(make):
    assert not np.array_equal(original_ids(make(seed=0)[0]), original_ids(make(seed=1)[0]))
    assert_same(make(seed=3)[0], make(seed=3)[0])


@pytest.mark.parametrize("objective", [MaskedLM(), PAIRED], ids=["blocks", "pairs"])
def test_shards_part_the_epoch(make, objective):
    whole = make(objective, batch_size=15)
    shards = [make(objective, batch_size=5, shard_index=index, num_shards=3) for index in range(3)]
    assert {len(shard) for shard in shards} == {len(whole)}
    for step in (0, 1, len(whole) - 1, len(whole)):
        together = np.concatenate([original_ids(shard[step]) for shard in shards])
        lengths = np.concatenate([shard[step][0]["padding_mask"].sum(axis=1) for shard in shards])
        full = lengths == 29
        # Pairs that were cut may be cut at the other side by another generator.
        rows = ~full if objective.pairing else full
        np.testing.assert_array_equal(together[rows], original_ids(whole[step])[rows])
    if objective.pairing is None:
        seen = [row.tobytes() for step in range(len(whole)) for shard in shards for row in original_ids(shard[step])]
        assert len(seen) == 15 * len(whole)
        assert len(set(seen)) > 0.98 * len(seen)


def test_workers_of_grain_share_the_steps(make):
    dataset = make()
    expected = [dataset[step] for step in range(2, 11)]
    for first in range(3):
        part = pickle.loads(pickle.dumps(dataset.skip(2)))
        part.set_slice(slice(first, None, 3))
        for batch, wanted in zip(part, expected[first::3], strict=False):
            assert_same(batch, wanted)


def test_a_prepared_dataset_can_be_sent_to_another_process(folder, make):
    dataset = make(source=folder)
    assert_same(pickle.loads(pickle.dumps(dataset))[4], dataset[4])


FIT = """
    import hashlib, sys
    import keras
    from zoo.data import pretraining_dataset
    from zoo.objectives import MaskedLM, NextSentence
    from zoo.training import AdamW
    data = pretraining_dataset(sys.argv[1], None, MaskedLM() + NextSentence(), 29, 7)
    size = data.vocabulary.size
    inputs = {
        name: keras.Input((length,), dtype="int32", name=name)
        for name, length in (("token_ids", 29), ("segment_ids", 29), ("padding_mask", 29), ("mask_positions", 4))
    }
    x = keras.layers.Embedding(size, 13)(inputs["token_ids"]) + keras.layers.Embedding(2, 13)(inputs["segment_ids"])
    x = x * keras.ops.cast(inputs["padding_mask"], "float32")[..., None]
    x = keras.layers.Conv1D(17, 5, padding="same", activation="relu")(x)
    gathered = keras.ops.take_along_axis(x, inputs["mask_positions"][..., None], axis=1)
    outputs = {
        "mask_ids": keras.layers.Dense(size, name="mask_ids")(gathered),
        "sentence_labels": keras.layers.Dense(2, name="sentence_labels")(keras.ops.mean(x, axis=1)),
    }
    model = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(AdamW(0.01), loss={name: loss for name in outputs})
    history = model.fit(
        data, steps_per_epoch=len(data), epochs=3, validation_data=data.feed(5), validation_steps=5, verbose=0
    )
    first, *_, last = history.history["loss"]
    model.fit(data.skip(3).feed(), steps_per_epoch=2, verbose=0)
    values = {model.evaluate(data.feed(3), steps=3, verbose=0, return_dict=True)["loss"] for _ in range(2)}
    digest = hashlib.sha256()
    for step in (0, 5, len(data) + 1):
        for part in data[step]:
            for name in sorted(part):
                digest.update(part[name].tobytes())
    print(keras.config.backend(), last < 0.95 * first, len(values), digest.hexdigest())
"""


@pytest.mark.slow
def test_another_backend_gets_the_same_batches_and_trains_on_them(folder, make):
    pytest.importorskip("jax")
    data = make(MaskedLM() + NextSentence(), folder)
    digest = hashlib.sha256()
    for step in (0, 5, len(data) + 1):
        for part in data[step]:
            for name in sorted(part):
                digest.update(part[name].tobytes())
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FIT), str(folder)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["jax", "True", "1", digest.hexdigest()]


@pytest.mark.parametrize("source", [[], [""], ["", " \n"]])
def test_no_text(make, source):
    with pytest.raises(ValueError, match="Expected text, found none"):
        make(source=source)


def test_too_little_text_for_a_batch(make):
    with pytest.raises(ValueError, match=r"at least one batch of 7 examples.*tokens make \d examples of 29 tokens"):
        make(source=["Ba co du. Fi ga lo. Mi nu."])
    with pytest.raises(ValueError, match=r"in each of 1000 shards.*batch_size=7, num_shards=1000"):
        make(num_shards=1000)


@pytest.mark.filterwarnings("ignore:.* needs documents of several sentences")
@pytest.mark.parametrize(("objective", "least"), [(MaskedLM(), 3), (PAIRED, 5)], ids=["blocks", "pairs"])
def test_sequence_length_must_hold_the_special_tokens(make, objective, least):
    with pytest.raises(ValueError, match=rf"`sequence_length` must be at least {least}.*sequence_length={least - 1}"):
        make(objective, sequence_length=least - 1)
    assert make(objective, sequence_length=least)[0][0]["token_ids"].shape == (7, least)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"batch_size": 0}, ValueError),
        ({"batch_size": 2.5}, TypeError),
        ({"sequence_length": "29"}, TypeError),
        ({"seed": -1}, ValueError),
        ({"seed": None}, TypeError),
        ({"shard_index": 2, "num_shards": 2}, ValueError),
        ({"shard_index": -1}, ValueError),
    ],
)
def test_wrong_numbers(make, arguments, error):
    name, value = next(iter(arguments.items()))
    with pytest.raises(error, match=f"`{name}` must .*Received: {name}={value!r}"):
        make(**arguments)


@pytest.mark.parametrize("source", [3, {"a": "b"}, None, [3], ["ba", None], [["ba"]]])
def test_wrong_sources(make, source):
    with pytest.raises(TypeError, match=r"Expected (a list of strings|every item).*Received: source"):
        make(source=source)


def test_strings_need_a_tokenizer(documents):
    with pytest.raises(TypeError, match="Expected a tokenizer"):
        pretraining_dataset(documents, None, PAIRED)


def test_wrong_objective(make):
    with pytest.raises(TypeError, match="Expected an objective"):
        make("masked_lm")


def test_files_that_are_not_there(make, tmp_path):
    for source in (tmp_path / "none.txt", str(tmp_path / "*.txt"), [str(tmp_path / "none.txt.gz")], "just a sentence"):
        with pytest.raises(ValueError, match="No file matches"):
            make(source=source)


def test_a_folder_that_was_not_prepared(make, tmp_path):
    with pytest.raises(ValueError, match=r"Expected a folder written by `zoo\.data\.prepare`"):
        make(source=tmp_path)
    with pytest.raises(ValueError, match=r"found no tokenizer\.json"):
        pretraining_dataset(tmp_path, None, PAIRED)


def test_another_tokenizer_than_the_folders(folder, pieces):
    from zoo.tokenizers import WordPiece

    other = WordPiece([*pieces[:-1], "newpiece"], lowercase=True)
    with pytest.raises(ValueError, match=r"Expected the tokenizer with which .* was prepared.*load_tokenizer"):
        pretraining_dataset(folder, other, PAIRED)


@pytest.mark.parametrize("step", [-1, -7])
def test_steps_begin_at_zero(make, step):
    with pytest.raises(IndexError, match=f"Received: step={step}"):
        make()[step]
    with pytest.raises(ValueError, match=f"Received: steps={step}"):
        make().skip(step)


def test_names_of_files_are_no_texts(make, write_text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    documents = make_documents(5, 7)
    write_text("corpus.md", documents)
    for source in (["corpus.md"], ["c*.md"]):
        assert make(source=source, batch_size=1).counts["documents"] == 7


@pytest.mark.parametrize(("pairing", "label"), [(NextSentence(), "random"), (SentenceOrder(), "swapped")])
def test_texts_of_one_sentence_teach_nothing_of_sentences(make, documents, pairing, label):
    sentences = [sentence for document in documents for sentence in split_sentences(document)]
    with pytest.warns(UserWarning, match=f"have the label '{label}': .* needs documents of several sentences"):
        make(MaskedLM() + pairing, sentences)
