import numpy as np
import pytest

import zoo
from tests import texts
from zoo.training.warm_start import static_embedding, warm_start


def sequences(count=600, seed=0):
    """Two groups of ids that never meet: 5-14 and 15-24; 30-39 never come."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 10, 11) + (5 if rng.random() < 0.5 else 15) for _ in range(count)]


def test_pieces_that_meet_the_same_pieces_are_near():
    embedding = static_embedding(sequences(), 40, 3)
    unit = embedding[5:25] / np.linalg.norm(embedding[5:25], axis=1, keepdims=True)
    cosines = unit @ unit.T
    same, other = cosines[:10, :10].mean(), cosines[:10, 10:].mean()
    assert same > other + 0.5
    assert not embedding[30:].any() and np.isfinite(embedding).all()


def test_chunks_do_not_change_the_counts():
    from zoo.training.warm_start import _cooccurrences

    whole = _cooccurrences(sequences(), 40, 4).toarray()
    parts = _cooccurrences(sequences(), 40, 4, chunk=100).toarray()
    np.testing.assert_array_equal(whole, parts)
    brute = np.zeros((40, 40))
    for sequence in sequences():
        for left in range(len(sequence)):
            for right in range(left + 1, min(left + 5, len(sequence))):
                brute[sequence[left], sequence[right]] += 1
                brute[sequence[right], sequence[left]] += 1
    np.testing.assert_array_equal(whole, brute)


def test_special_ids_are_not_counted():
    assert not static_embedding(sequences(), 40, 3, special_ids=[7])[7].any()


def test_warm_start_sets_what_was_seen_and_leaves_the_rest():
    backbone = texts.backbone(texts.word_piece())
    size, dimensions = backbone.token_embedding.embeddings.shape
    embedding = np.zeros((size, dimensions), "float32")
    embedding[5:25] = np.random.default_rng(0).normal(size=(20, dimensions))
    before = np.asarray(backbone.token_embedding.embeddings).copy()
    assert warm_start(backbone, embedding, stddev=0.1) == 20
    after = np.asarray(backbone.token_embedding.embeddings)
    np.testing.assert_allclose(after[5:25], 0.1 * embedding[5:25], rtol=1e-5)
    np.testing.assert_array_equal(after[25:], before[25:])
    with pytest.raises(ValueError, match="Received: embedding of shape"):
        warm_start(backbone, embedding[:-1])


def test_positions_start_as_waves_of_which_one_rotation_takes_each_to_the_next():
    backbone = texts.backbone(texts.word_piece())
    size, dimensions = backbone.token_embedding.embeddings.shape
    warm_start(backbone, np.ones((size, dimensions), "float32"), stddev=0.1)
    (part,) = backbone.position_embeddings
    table = np.asarray(part.position_embeddings)
    assert np.sqrt((table**2).mean()) == pytest.approx(0.1, rel=1e-3)
    rotation, *_ = np.linalg.lstsq(table[:-1], table[1:], rcond=None)
    np.testing.assert_allclose(table[:-1] @ rotation, table[1:], atol=1e-4)


def test_the_vectors_get_the_size_that_the_model_is_made_for():
    rows = np.random.default_rng(0).normal(size=(53, 16)).astype("float32")
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 29}
    for kind, expected in ((zoo.BertBackbone, 0.05), (zoo.T5Backbone, 1.0)):
        backbone = kind(53, **sizes)
        warm_start(backbone, rows)
        assert np.asarray(backbone.token_embedding.embeddings).std() == pytest.approx(expected, rel=0.1)


def test_too_little_text():
    with pytest.raises(ValueError, match="Received: 20 pieces in the text, dimensions=31"):
        static_embedding(sequences(), 40, 31)
