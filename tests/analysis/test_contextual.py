import keras
import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import numbers

SENTENCES = ["the film was good and bad .", "the book was the film", "a song , a film", "very bad film"]
SENSES = ["x", "y", "x", "y"]


@pytest.fixture(scope="module")
def tokenizer():
    return texts.word_piece()


@pytest.fixture(scope="module")
def backbone(tokenizer):
    return texts.backbone(tokenizer, num_layers=2)


def albert(tokenizer):
    return zoo.AlbertBackbone(
        tokenizer.vocabulary_size(), num_layers=3, num_heads=2, hidden_dim=16, intermediate_dim=29, embedding_dim=5,
        max_sequence_length=37,
    )  # fmt: skip


def outputs(backbone, tokenizer, sentences):
    """The vectors of the sentences' pieces, padded to another length; [CLS] left out."""
    ids = np.zeros((len(sentences), 17), "int32")
    for row, pieces in enumerate(tokenizer.encode(sentences)):
        ids[row, : len(pieces) + 2] = [tokenizer.start_token_id, *pieces, tokenizer.end_token_id]
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": (ids != 0).astype("int32")}
    return numbers(backbone(inputs)["sequence_output"])[:, 1:]


@pytest.mark.parametrize("make", [texts.backbone, albert])
def test_the_vectors_are_those_of_the_word(tokenizer, make):
    backbone = make(tokenizer)
    similarity = zoo.analysis.contextual_similarity(backbone, SENTENCES, "film", SENSES, tokenizer=tokenizer)
    last = len(backbone.order)
    assert similarity.layers == ("embedding", *range(1, last + 1))
    # The rows of one sense stand together.
    assert [each.sentence for each in similarity.occurrences] == [0, 2, 1, 3]
    expected = outputs(backbone, tokenizer, SENTENCES)[[0, 2, 1, 3], [1, 4, 4, 2]]
    np.testing.assert_allclose(similarity.vectors[last], expected, atol=1e-5)
    static = numbers(backbone.token_embedding.embeddings)[tokenizer.token_to_id("film")]
    np.testing.assert_array_equal(similarity.vectors["embedding"], [static] * 4)
    assert similarity.separation["embedding"] == 0
    assert all(similarity.vectors[layer].std(axis=0).max() > 1e-3 for layer in range(1, last + 1))


def test_a_word_of_several_pieces_has_their_mean(tokenizer, backbone):
    sentences = ["the bank was good", "a bank"]
    similarity = zoo.analysis.contextual_similarity(backbone, sentences, "bank", tokenizer=tokenizer)
    expected = outputs(backbone, tokenizer, sentences)[:, 1:5].mean(axis=1)
    np.testing.assert_allclose(similarity.vectors[2], expected, atol=1e-5)
    pieces = [tokenizer.token_to_id(piece) for piece in ("b", "##a", "##n", "##k")]
    expected = numbers(backbone.token_embedding.embeddings)[pieces].mean(axis=0)
    np.testing.assert_allclose(similarity.vectors["embedding"], [expected] * 2, atol=1e-6)


def test_batches_and_the_other_sentences_change_nothing(tokenizer, backbone, monkeypatch):
    whole = zoo.analysis.contextual_similarity(backbone, SENTENCES, "film", SENSES, tokenizer=tokenizer)
    monkeypatch.setattr("zoo.analysis.contextual.BATCH_SIZE", 3)
    parts = zoo.analysis.contextual_similarity(backbone, SENTENCES, "film", SENSES, tokenizer=tokenizer)
    for layer in whole.layers:
        np.testing.assert_allclose(parts.vectors[layer], whole.vectors[layer], atol=1e-5)


def test_every_occurrence_or_the_one_at_an_index(tokenizer, backbone):
    task = zoo.MaskedLM(backbone, tokenizer=tokenizer)
    sentences = ["the film was the film", "a film"]
    every = zoo.analysis.contextual_similarity(task, sentences, "film", layers=[2])
    one = zoo.analysis.contextual_similarity(task, sentences, "film", indices=[17, 2], layers=[2])
    both = zoo.analysis.contextual_similarity(task, sentences, "film", layers=[2, "embedding"])
    assert both.layers == ("embedding", 2)
    assert len(every) == 3 and len(one) == 2
    np.testing.assert_allclose(one.vectors[2], every.vectors[2][1:], atol=1e-6)


def test_random_weights_are_of_the_same_shape_and_drawn_from_their_seed(tokenizer):
    task = zoo.MaskedLM(texts.backbone(tokenizer, num_layers=1), tokenizer=tokenizer)
    before = task.get_weights()
    similarity = zoo.analysis.contextual_similarity(task, SENTENCES, "film", SENSES, random_seeds=[5, 6, 5])
    first, second, third = similarity.random
    for layer in similarity.layers:
        np.testing.assert_allclose(first.vectors[layer], third.vectors[layer], atol=1e-6)
        assert np.abs(first.vectors[layer] - second.vectors[layer]).max() > 1e-3
        assert np.abs(first.vectors[layer] - similarity.vectors[layer]).max() > 1e-3
    for weight, same in zip(task.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)


def test_half_precision(tokenizer):
    backbone = texts.backbone(tokenizer, dtype="mixed_bfloat16", num_layers=2)
    similarity = zoo.analysis.contextual_similarity(backbone, SENTENCES, "film", SENSES, tokenizer=tokenizer)
    assert {vectors.dtype.name for vectors in similarity.vectors.values()} == {"float32"}
    assert similarity.separation["embedding"] == 0


def test_a_context_that_is_too_long_is_cut_with_a_warning(tokenizer, backbone):
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than the model's 37 tokens"):
        zoo.analysis.contextual_similarity(backbone, ["film" + " a" * 99, "film"], "film", tokenizer=tokenizer)


@pytest.mark.filterwarnings("ignore:.*were truncated")
@pytest.mark.parametrize(
    ("sentences", "options", "error", "message"),
    [
        ([], {}, ValueError, "at least one text"),
        ("the film", {}, TypeError, r"must be a list of texts.*Received: x='the film'"),
        (["the film", 7], {}, TypeError, "row 1"),
        ([("the film", "a"), ("film", "b")], {}, ValueError, "Single sentences were expected"),
        (["a film", "a book"], {}, ValueError, r"'film' and sentences\[1\]='a book'"),
        (["a film", "film"], {"senses": ["x", "x"]}, ValueError, "At least two senses"),
        (["a film", "film"], {"layers": ["embedding", 3]}, ValueError, r"some of \['embedding', 1, 2\]\. Received"),
        (["a film", "film"], {"layers": []}, ValueError, r"Received: layers=\[\]"),
        (["a film", "film"], {"tokenizer": None}, ValueError, "Received: tokenizer=None and BertBackbone"),
        (["a film", "film"], {"tokenizer": "bert"}, TypeError, "Received: tokenizer='bert'"),
        (["a film", "a" + " a" * 35 + " film"], {}, ValueError, r"'film' at character 72 of sentences\[1\], whose fi"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_work(
    tokenizer, backbone, monkeypatch, sentences, options, error, message
):
    monkeypatch.setattr(backbone, "hidden_states", lambda inputs: pytest.fail("the model was run"))
    with pytest.raises(error, match=message):
        zoo.analysis.contextual_similarity(backbone, sentences, "film", **{"tokenizer": tokenizer, **options})


def test_a_tokenizer_of_another_vocabulary(backbone):
    with pytest.raises(ValueError, match="an embedding for every piece"):
        zoo.analysis.contextual_similarity(backbone, SENTENCES, "film", tokenizer=texts.word_piece(["more"]))


def test_a_model_of_something_else(tokenizer):
    with pytest.raises(TypeError, match=r"Received: model of type Sequential\. A preset is loaded"):
        zoo.analysis.contextual_similarity(keras.Sequential(), SENTENCES, "film", tokenizer=tokenizer)
    with pytest.raises(TypeError, match="Received: model of type str"):
        zoo.analysis.contextual_similarity("bert_tiny_zh_mixed", SENTENCES, "film")
