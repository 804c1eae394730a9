"""BERT against a random tiny reference model of `transformers`, weights copied."""

import numpy as np
import pytest

import zoo
from tests.checks import numbers
from tests.parity import reference_weights
from zoo.weights.published import BERT

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")


def reference(activation):
    config = transformers.BertConfig(
        vocab_size=97, hidden_size=12, num_hidden_layers=3, num_attention_heads=3, intermediate_size=29,
        max_position_embeddings=31, hidden_act=activation,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.BertModel(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def copy_weights(model, backbone):
    """Copy a transformers BertModel into a BertBackbone."""
    assert not reference_weights.copy_weights(backbone.weights, model, BERT.layers({"num_layers": 3}))


@pytest.mark.parametrize(("ours", "theirs"), [("gelu", "gelu"), ("gelu_approximate", "gelu_new"), ("relu", "relu")])
def test_outputs_are_equal(ours, theirs):
    model = reference(theirs)
    backbone = zoo.BertBackbone(
        vocabulary_size=97, num_layers=3, num_heads=3, hidden_dim=12, intermediate_dim=29, max_sequence_length=31,
        activation=ours,
    )  # fmt: skip
    copy_weights(model, backbone)
    rng = np.random.default_rng(0)
    token_ids = rng.integers(0, 97, (2, 7))
    segment_ids = np.array([[0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0]])
    padding_mask = np.array([[1] * 7, [1] * 5 + [0] * 2])
    with torch.no_grad():
        expected = model(
            torch.tensor(token_ids),
            attention_mask=torch.tensor(padding_mask),
            token_type_ids=torch.tensor(segment_ids),
        )
    found = backbone({"token_ids": token_ids, "segment_ids": segment_ids, "padding_mask": padding_mask})
    real = padding_mask.astype(bool)
    np.testing.assert_allclose(
        numbers(found["sequence_output"])[real], expected.last_hidden_state.numpy()[real], atol=1e-5
    )
    np.testing.assert_allclose(numbers(found["pooled_output"]), expected.pooler_output.numpy(), atol=1e-5)


def test_the_two_gelus_differ_here():
    model = reference("gelu")
    backbone = zoo.BertBackbone(97, 3, 3, 12, 29, max_sequence_length=31, activation="gelu_approximate")
    copy_weights(model, backbone)
    ids = np.arange(14).reshape(2, 7)
    with torch.no_grad():
        expected = model(torch.tensor(ids)).last_hidden_state.numpy()
    found = backbone({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1})["sequence_output"]
    assert np.abs(numbers(found) - expected).max() > 1e-5
