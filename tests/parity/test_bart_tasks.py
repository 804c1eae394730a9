"""Classes, tags and answers of BART against random tiny reference models of `transformers`, weights copied."""

import numpy as np
import pytest

import zoo
from tests.checks import numbers
from tests.parity import test_bart
from tests.parity.reference_weights import copy_weights

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")

START, PAD, END = 0, 1, 2


def texts():
    """A text of seven tokens and one of five, padded; the reference itself makes what its decoder reads of them."""
    ids = np.random.default_rng(0).integers(4, 97, (2, 7))
    mask = np.array([[1] * 7, [1] * 5 + [0] * 2])
    ids[:, 0], ids[[0, 1], [6, 4]] = START, END
    return {"token_ids": np.where(mask, ids, PAD), "padding_mask": mask}


def outputs_of(model, features, **options):
    with torch.no_grad():
        return model(
            input_ids=torch.tensor(features["token_ids"]),
            attention_mask=torch.tensor(features["padding_mask"]),
            **options,
        )


def reference(kind, num_labels=2):
    model = test_bart.reference(lambda config: kind(_with_labels(config, num_labels)))
    model.config.problem_type = None
    return model


def _with_labels(config, count):
    config.num_labels = count
    return config


@pytest.mark.parametrize("num_labels", [3, 1])
def test_classes_and_numbers_of_texts_and_their_loss_are_equal(num_labels):
    model, backbone = reference(transformers.BartForSequenceClassification, num_labels), test_bart.backbone_like()
    if num_labels == 1:
        task, labels = zoo.TextRegressor(backbone), np.array([[0.5], [-2.0]], "float32")
        head, targets = task.regressor, torch.tensor(labels)[:, 0]
    else:
        task, labels = zoo.TextClassifier(backbone, num_classes=num_labels), np.array([2, 0])
        head, targets = task.classifier, torch.tensor(labels)
    left = copy_weights(backbone.weights, model, test_bart.places("model."))
    name = "classification_head"
    assert left == {f"{name}.{part}.{kind}" for part in ("dense", "out_proj") for kind in ("weight", "bias")}
    places = {f"{head.name}/inner": f"{name}.dense", f"{head.name}/dense": f"{name}.out_proj"}
    copy_weights(head.weights, model, places)
    expected = outputs_of(model, texts(), labels=targets)
    np.testing.assert_allclose(numbers(task(texts())), expected.logits.numpy(), atol=1e-5)
    loss = task.evaluate(texts(), labels, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(float(expected.loss), abs=1e-5)


def test_places_of_answers_are_equal():
    model, backbone = reference(transformers.BartForQuestionAnswering), test_bart.backbone_like()
    task = zoo.QuestionAnswering(backbone)
    assert copy_weights(backbone.weights, model, test_bart.places("model.")) == {
        "qa_outputs.weight",
        "qa_outputs.bias",
    }
    vectors, bias = (parameter.detach().numpy() for parameter in model.qa_outputs.parameters())
    for weight, vector in zip(task.span_head.weights, vectors, strict=True):
        weight.assign(vector)
    expected = outputs_of(model, texts())
    found = task({**texts(), "answer_mask": texts()["padding_mask"]})
    real = texts()["padding_mask"] == 1
    pairs = {"start_positions": expected.start_logits, "end_positions": expected.end_logits}
    # The bias of the reference is the same number for every token: it has no part in any probability.
    for (name, logits), constant in zip(pairs.items(), bias, strict=True):
        np.testing.assert_allclose(numbers(found[name])[real] + constant, logits.numpy()[real], atol=1e-5)


def test_tags_are_read_off_the_same_states():
    """The reference has no tags for BART: what they are read off are its states."""
    model, backbone = test_bart.reference(transformers.BartModel), test_bart.backbone_like()
    task = zoo.TokenClassifier(backbone, labels=["A", "B", "C"])
    assert not copy_weights(backbone.weights, model, test_bart.places())
    kernel, bias = task.classifier.get_weights()
    expected = outputs_of(model, texts()).last_hidden_state.numpy() @ kernel + bias
    real = texts()["padding_mask"] == 1
    np.testing.assert_allclose(numbers(task(texts()))[real], expected[real], atol=1e-5)
