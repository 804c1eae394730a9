"""BART against random tiny reference models of `transformers`, weights copied."""

import numpy as np
import pytest

import zoo
from tests.checks import numbers
from tests.parity.reference_weights import copy_weights
from zoo.weights.published import BART

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")


def reference(kind, activation="gelu"):
    config = transformers.BartConfig(
        vocab_size=97, d_model=12, encoder_layers=2, decoder_layers=2, encoder_attention_heads=3,
        decoder_attention_heads=3, encoder_ffn_dim=29, decoder_ffn_dim=29, max_position_embeddings=31,
        activation_function=activation,
    )  # fmt: skip
    torch.manual_seed(0)
    model = kind(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def backbone_like(activation="gelu"):
    return zoo.BartBackbone(
        97, num_layers=2, num_heads=3, hidden_dim=12, intermediate_dim=29, max_sequence_length=31, activation=activation
    )


def places(prefix=""):
    """Where each of our layers is in a transformers BartModel."""
    return {ours: f"{prefix}{theirs}" for ours, theirs in BART.layers({"num_layers": 2}).items()}


def inputs():
    rng = np.random.default_rng(0)
    return {
        "encoder_token_ids": rng.integers(4, 97, (2, 7)),
        "encoder_padding_mask": np.array([[1] * 7, [1] * 5 + [0] * 2]),
        "decoder_token_ids": rng.integers(4, 97, (2, 5)),
        "decoder_padding_mask": np.array([[1] * 4 + [0], [1] * 5]),
    }


def outputs_of(model, features, **options):
    with torch.no_grad():
        return model(
            input_ids=torch.tensor(features["encoder_token_ids"]),
            attention_mask=torch.tensor(features["encoder_padding_mask"]),
            decoder_input_ids=torch.tensor(features["decoder_token_ids"]),
            decoder_attention_mask=torch.tensor(features["decoder_padding_mask"]),
            **options,
        )


@pytest.mark.parametrize(("ours", "theirs"), [("gelu", "gelu"), ("relu", "relu")])
def test_outputs_are_equal(ours, theirs):
    model, backbone = reference(transformers.BartModel, theirs), backbone_like(ours)
    assert not copy_weights(backbone.weights, model, places())
    features = inputs()
    expected, found = outputs_of(model, features), backbone(features)
    for side, theirs_output in (
        ("encoder", expected.encoder_last_hidden_state),
        ("decoder", expected.last_hidden_state),
    ):
        real = features[f"{side}_padding_mask"].astype(bool)
        np.testing.assert_allclose(
            numbers(found[f"{side}_sequence_output"])[real], theirs_output.numpy()[real], atol=1e-5
        )


def test_logits_are_equal():
    model, backbone = reference(transformers.BartForConditionalGeneration), backbone_like()
    assert not copy_weights(backbone.weights, model, places("model."))
    features = inputs()
    found = backbone.logits(backbone(features)["decoder_sequence_output"])
    real = features["decoder_padding_mask"].astype(bool)
    np.testing.assert_allclose(numbers(found)[real], outputs_of(model, features).logits.numpy()[real], atol=2e-5)
