"""Tags of words against a random tiny BertForTokenClassification of `transformers`, weights copied."""

import numpy as np
import pytest

import zoo
from tests.checks import numbers
from tests.parity.test_bert import copy_weights, reference

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")


def test_outputs_and_loss_are_equal():
    encoder = reference("gelu")
    encoder.config.num_labels = 5
    theirs = transformers.BertForTokenClassification(encoder.config).eval()
    theirs.bert = encoder
    for parameter in theirs.classifier.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ours = zoo.TokenClassifier(
        zoo.BertBackbone(97, 3, 3, 12, 29, max_sequence_length=31), labels=["A", "B", "C", "D", "E"]
    )
    copy_weights(encoder, ours.backbone)
    ours.classifier.set_weights([parameter.detach().numpy().T for parameter in theirs.classifier.parameters()])

    rng = np.random.default_rng(0)
    token_ids, labels = rng.integers(0, 97, (2, 7)), rng.integers(0, 5, (2, 7))
    padding_mask = np.array([[1] * 7, [1] * 5 + [0] * 2])
    counted = padding_mask * np.array([0, 1, 1, 0, 1, 1, 0])
    with torch.no_grad():
        expected = theirs(
            torch.tensor(token_ids),
            attention_mask=torch.tensor(padding_mask),
            labels=torch.tensor(np.where(counted, labels, -100)),
        )
    features = {"token_ids": token_ids, "segment_ids": 0 * token_ids, "padding_mask": padding_mask}
    real = padding_mask.astype(bool)
    np.testing.assert_allclose(numbers(ours(features))[real], expected.logits.numpy()[real], atol=1e-5)
    loss = ours.evaluate(features, labels, sample_weight=counted.astype("float32"), verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(float(expected.loss), abs=1e-5)
