"""T5, versions 1.0 and 1.1, against random tiny reference models of `transformers`, weights copied."""

import numpy as np
import pytest

import zoo
from tests.checks import numbers
from tests.parity.reference_weights import copy_weights
from tests.parity.test_bart import inputs, outputs_of
from zoo.weights.published import T5

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")

VERSIONS = {
    "1.0": ("relu", {}),
    "1.1": ("gated-gelu", {"activation": "gelu_approximate", "gated": True, "tie_embedding": False}),
}


def reference(projection, tied):
    config = transformers.T5Config(
        vocab_size=97, d_model=12, d_kv=5, d_ff=29, num_layers=2, num_decoder_layers=2, num_heads=3,
        feed_forward_proj=projection, tie_word_embeddings=tied, decoder_start_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.T5ForConditionalGeneration(config).eval()
    if not tied:  # new versions of transformers tie it until a checkpoint is loaded
        model.lm_head = torch.nn.Linear(12, 97, bias=False)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def backbone_like(**options):
    return zoo.T5Backbone(97, num_layers=2, num_heads=3, hidden_dim=12, intermediate_dim=29, head_dim=5, **options)


def places(gated):
    """Where each of our layers is in a transformers T5ForConditionalGeneration."""
    return T5.layers({"num_layers": 2, "gated": gated})


@pytest.mark.parametrize("version", VERSIONS)
def test_outputs_and_logits_are_equal(version):
    projection, options = VERSIONS[version]
    model, backbone = reference(projection, tied=version == "1.0"), backbone_like(**options)
    assert not copy_weights(backbone.weights, model, places(gated=version == "1.1"))
    features = inputs()
    expected, found = outputs_of(model, features, output_hidden_states=True), backbone(features)
    for side, output in (
        ("encoder", expected.encoder_last_hidden_state),
        ("decoder", expected.decoder_hidden_states[-1]),
    ):
        real = features[f"{side}_padding_mask"].astype(bool)
        np.testing.assert_allclose(numbers(found[f"{side}_sequence_output"])[real], output.numpy()[real], atol=1e-5)
    logits = numbers(backbone.logits(found["decoder_sequence_output"]))
    np.testing.assert_allclose(logits[real], expected.logits.numpy()[real], atol=1e-5)
