"""In a TensorFlow graph every tokenizer gives the ids that it gives in Python, for any text and any shape."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokenizers.multilingual import POOLS, draw_texts, graph_of
from zoo.tokenizers import train_byte_pair

pytest.importorskip("tensorflow_text", reason="TensorFlow's texts")

CONTRACTIONS = "it's we'll they're 'story 's\n's  's 'lll a'r 'rest \u00a0's x'S ''s 's's '1's 'd've"
SPACES = ["", " ", "\n", "  a  b\n\n c \t", " lead", "end  ", "६ a ६b", "\u3000the \u00a0dog \x85", "a\u2028 b"]


@pytest.fixture(scope="module")
def graphs(multilingual):
    return {tokenizer: graph_of(tokenizer) for tokenizer in multilingual.values()}


def find_differences(tokenizer, graph, texts):
    ids = [row.tolist() for row in tokenizer.encode(texts)]
    pairs = zip(texts, ids, graph(texts), strict=True)
    return [(text, ours, theirs) for text, ours, theirs in pairs if ours != theirs]


def test_many_scripts(each, graphs):
    texts = [*draw_texts(503, seed=7), CONTRACTIONS, *SPACES]
    differing = find_differences(each, graphs[each], texts)
    assert not differing, f"{len(differing)} texts differ, such as {differing[0]!a}"
    ids = np.concatenate(each.encode(texts))
    # The set would prove little if most of it were unknown.
    assert np.mean(ids == each.unk_token_id) < 0.5 and len(np.unique(ids)) > 0.3 * each.vocabulary_size()


PARTS = st.one_of(
    st.sampled_from(["[MASK]", "<mask>", " <mask>", "'s", "'re", *"".join(POOLS.values())]),
    st.characters(exclude_categories=["Cs"]),
)


@settings(max_examples=53, deadline=None)
@given(texts=st.lists(st.lists(PARTS, max_size=23).map("".join), min_size=1, max_size=3))
def test_any_text(graphs, texts):
    for tokenizer, graph in graphs.items():
        assert not find_differences(tokenizer, graph, texts)


def test_bytes_that_are_no_text(each, graphs):
    import tensorflow as tf

    draw = random.Random(19).randrange
    raw = [bytes(draw(256) for _ in range(8)) for _ in range(499)]
    assert graphs[each](raw) == each(raw) == each(tf.constant(raw))


def test_shapes(each):
    import tensorflow as tf

    texts = ["the dogs", "", "bark"]
    dataset = tf.data.Dataset.from_tensor_slices(texts)
    assert [row.numpy().tolist() for row in dataset.map(each)] == each(texts)
    (batch,) = dataset.batch(3).map(each)
    assert batch.to_list() == each(texts)
    tokenize = tf.function(each.tokenize)
    nested = [["the dogs", "bark"], ["", f"dog {each.mask_token}"], ["dog", "the"]]
    assert tokenize(tf.constant(nested)).to_list() == each(nested)
    ragged = tf.ragged.constant([["the dogs", "bark"], [], ["c"]])
    assert tokenize(ragged).to_list() == [each(["the dogs", "bark"]), [], each(["c"])]
    assert tokenize(tf.constant([""])).to_list() == [[]]
    detokenize = tf.function(each.detokenize)
    ids = each.encode(["the uniting"])[0]
    assert detokenize(tf.constant(ids)).numpy().decode() == each.detokenize(ids)
    assert detokenize(tf.ragged.constant([ids.tolist(), []])).numpy().tolist() == [each.detokenize(ids).encode(), b""]


def test_a_saved_model_holds_the_tokenizer(each, tmp_path):
    import tensorflow as tf

    texts = draw_texts(53, seed=23)
    module = tf.Module()
    module.tokenizer = each
    module.tokenize = tf.function(
        lambda texts: each.tokenize(texts).to_tensor(), input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_array_equal(loaded.tokenize(tf.constant(texts)), module.tokenize(tf.constant(texts)))


def test_bytes_alone():
    tokenizer = train_byte_pair(["a"], vocabulary_size=261, progress=False)
    assert not find_differences(tokenizer, graph_of(tokenizer), ["a dog", "", "你好"])
