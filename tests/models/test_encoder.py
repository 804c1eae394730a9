import numpy as np
import pytest

import zoo
from tests.checks import numbers

SIZES = {"vocabulary_size": 97, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29, "max_sequence_length": 13}


def bert(num_layers, **options):
    return zoo.BertBackbone(num_layers=num_layers, **SIZES, **options)


def albert(num_layers, **options):
    return zoo.AlbertBackbone(num_layers=num_layers, embedding_dim=5, **SIZES, **options)


def features(padding=2):
    ids = np.random.default_rng(1).integers(1, 97, (2, 7)).astype("int32")
    mask = np.ones_like(ids)
    mask[0, -padding:] = 0
    return {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": mask}


@pytest.mark.parametrize("make", [bert, albert])
@pytest.mark.parametrize("normalize_first", [False, True])
def test_the_last_hidden_state_is_the_output_without_dropout(make, normalize_first):
    backbone = make(2, normalize_first=normalize_first, dropout=0.5)
    states = backbone.hidden_states(features())
    assert [tuple(state.shape) for state in states] == [(2, 7, 12)] * 2
    np.testing.assert_allclose(numbers(states[-1]), numbers(backbone(features())["sequence_output"]), atol=1e-6)


@pytest.mark.parametrize("make", [bert, albert])
def test_a_hidden_state_is_the_output_of_a_shallower_encoder(make):
    deep, shallow = make(3), make(2)
    states = deep.hidden_states(features())
    shallow.embedding.set_weights(deep.embedding.get_weights())
    for layer, same in zip(shallow.transformer_layers, deep.transformer_layers, strict=False):
        layer.set_weights(same.get_weights())
    expected = numbers(shallow(features())["sequence_output"])
    np.testing.assert_allclose(numbers(states[1]), expected, atol=1e-5)
    assert np.abs(numbers(states[0]) - numbers(states[1])).max() > 1e-3
