"""ALBERT against random tiny reference models of `transformers`, weights copied."""

import numpy as np
import pytest

import zoo
from tests.checks import numbers
from tests.parity.reference_weights import copy_weights
from zoo.weights.published import ALBERT

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")


def reference(activation, num_groups, kind=None):
    config = transformers.AlbertConfig(
        vocab_size=97, embedding_size=5, hidden_size=12, num_hidden_layers=6, num_hidden_groups=num_groups,
        num_attention_heads=3, intermediate_size=29, max_position_embeddings=31, hidden_act=activation,
    )  # fmt: skip
    torch.manual_seed(0)
    model = (kind or transformers.AlbertModel)(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def backbone_like(activation="gelu_approximate", num_groups=1):
    return zoo.AlbertBackbone(
        vocabulary_size=97, num_layers=6, num_heads=3, hidden_dim=12, intermediate_dim=29, embedding_dim=5,
        num_groups=num_groups, max_sequence_length=31, activation=activation,
    )  # fmt: skip


def places(num_groups):
    """Where each of our layers is in a transformers AlbertModel."""
    return ALBERT.layers({"num_groups": num_groups})


def inputs():
    rng = np.random.default_rng(0)
    return {
        "token_ids": rng.integers(0, 97, (2, 7)),
        "segment_ids": np.array([[0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0]]),
        "padding_mask": np.array([[1] * 7, [1] * 5 + [0] * 2]),
    }


def outputs_of(model, features):
    with torch.no_grad():
        return model(
            torch.tensor(features["token_ids"]),
            attention_mask=torch.tensor(features["padding_mask"]),
            token_type_ids=torch.tensor(features["segment_ids"]),
        )


@pytest.mark.parametrize(
    ("ours", "theirs", "num_groups"), [("gelu_approximate", "gelu_new", 1), ("gelu", "gelu", 1), ("relu", "relu", 3)]
)
def test_outputs_are_equal(ours, theirs, num_groups):
    model, backbone = reference(theirs, num_groups), backbone_like(ours, num_groups)
    assert not copy_weights(backbone.weights, model, places(num_groups))
    features = inputs()
    expected, found = outputs_of(model, features), backbone(features)
    real = features["padding_mask"].astype(bool)
    np.testing.assert_allclose(
        numbers(found["sequence_output"])[real], expected.last_hidden_state.numpy()[real], atol=1e-5
    )
    np.testing.assert_allclose(numbers(found["pooled_output"]), expected.pooler_output.numpy(), atol=1e-5)


def test_pre_training_heads_are_equal():
    model, backbone = reference("gelu_new", 1, transformers.AlbertForPreTraining), backbone_like()
    task = zoo.MaskedLM(backbone, sentence_head="sentence_order", compile=False)
    where = {place: f"albert.{there}" for place, there in places(1).items()}
    where |= {
        "masked_lm_head/dense": "predictions.dense",
        "masked_lm_head/norm": "predictions.LayerNorm",
        "masked_lm_head": "predictions",
        "sentence_head/dense": "sop_classifier.classifier",
    }
    assert not copy_weights(task.weights, model, where)
    features = inputs()
    expected = outputs_of(model, features)
    positions = np.array([[1, 4], [0, 2]])
    found = task({**features, "mask_positions": positions})
    logits = np.take_along_axis(expected.prediction_logits.numpy(), positions[:, :, None], axis=1)
    np.testing.assert_allclose(numbers(found["mask_ids"]), logits, atol=1e-5)
    np.testing.assert_allclose(numbers(found["sentence_labels"]), expected.sop_logits.numpy(), atol=1e-5)
