import keras
import numpy as np

from tests.checks import check_layer, numbers
from zoo.heads import ClassificationHead, MaskedLMHead, gather_positions

RNG = np.random.default_rng(0)
HIDDEN = RNG.normal(size=(2, 7, 12)).astype("float32")
POSITIONS = np.array([[1, 4, 6], [0, 0, 3]], "int32")


def test_gathering_takes_each_examples_own_positions():
    found = numbers(gather_positions(HIDDEN, POSITIONS))
    np.testing.assert_array_equal(found, np.take_along_axis(HIDDEN, POSITIONS[..., None], axis=1))


def test_no_position_is_in_another_text():
    found = numbers(gather_positions(HIDDEN, np.array([[-1, 8], [-3, 7]], "int32")))
    np.testing.assert_array_equal(found, HIDDEN[:, [0, 6]])


def masked_lm_head(embedding_dim=12, **options):
    embedding = keras.layers.ReversibleEmbedding(97, embedding_dim, dtype=options.get("dtype"))
    return MaskedLMHead(embedding, **options)


def test_masked_lm_head():
    # The embedding's gradient comes by the tied projection.
    check_layer(masked_lm_head, HIDDEN, (2, 3, 97), {"mask_positions": POSITIONS})
    check_layer(lambda **options: masked_lm_head(5, **options), HIDDEN, (2, 7, 97))


def test_masked_positions_get_what_all_positions_would():
    head = masked_lm_head()
    everywhere = numbers(head(HIDDEN))
    found = numbers(head(HIDDEN, mask_positions=POSITIONS))
    np.testing.assert_allclose(found, np.take_along_axis(everywhere, POSITIONS[..., None], axis=1), atol=1e-5)


def test_the_projection_is_the_token_embedding():
    head = masked_lm_head()
    before = numbers(head(HIDDEN))
    table = head.token_embedding.embeddings
    changed = numbers(table).copy()
    changed[13] = 0
    table.assign(changed)
    after = numbers(head(HIDDEN))
    np.testing.assert_allclose(after[..., 13], 0, atol=1e-6)
    np.testing.assert_allclose(np.delete(after, 13, -1), np.delete(before, 13, -1), atol=1e-6)


def test_classification_head():
    check_layer(lambda **options: ClassificationHead(5, **options), HIDDEN[:, 0], (2, 5))
    check_layer(lambda **options: ClassificationHead(5, **options), HIDDEN, (2, 7, 5))
    check_layer(lambda **options: ClassificationHead(5, inner_dim=11, **options), HIDDEN[:, 0], (2, 5))
