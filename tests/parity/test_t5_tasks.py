"""Text to text by T5 against a random tiny reference model of `transformers`, weights copied."""

import numpy as np
import pytest

import zoo
from tests import texts
from tests.parity import test_t5
from tests.parity.reference_weights import copy_weights
from zoo.tasks import text_form

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")

TOKENIZER = texts.word_piece()


def test_the_loss_of_the_answers_and_their_probabilities_are_equal():
    model, backbone = test_t5.reference("relu", tied=True), test_t5.backbone_like()
    assert not copy_weights(backbone.weights, model, test_t5.places(gated=False))
    task = zoo.TextToText(backbone, tokenizer=TOKENIZER, form=text_form("mrpc", class_names=["bad", "very good"]))
    pairs, labels = (["the film was good", "a"], ["the book was not", "cold train"]), [1, 0]
    sources = [f"mrpc sentence1: {first} sentence2: {second}" for first, second in zip(*pairs, strict=True)]
    inputs = _padded([[*ids, TOKENIZER.end_token_id] for ids in TOKENIZER.encode(sources)], 0)
    given = {"input_ids": torch.tensor(inputs), "attention_mask": torch.tensor(inputs != 0)}
    answers = [[*ids, TOKENIZER.end_token_id] for ids in TOKENIZER.encode(["bad", "very good"])]

    scores = task.answer_scores(pairs)
    with torch.no_grad():
        expected = model(**given, labels=torch.tensor(_padded([answers[label] for label in labels], -100))).loss
        for number, answer in enumerate(answers):
            logits = model(**given, labels=torch.tensor([answer, answer])).logits.log_softmax(dim=-1)
            each = logits[:, range(len(answer)), answer].sum(dim=1).numpy()
            np.testing.assert_allclose(scores[:, number], each, atol=1e-4, rtol=1e-5)
    found = task.evaluate(pairs, labels, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(float(expected), rel=1e-5)


def _padded(rows, padding):
    found = np.full((len(rows), max(map(len, rows))), padding)
    for row, ids in enumerate(rows):
        found[row, : len(ids)] = ids
    return found
