"""Question answering against a random tiny `BertForQuestionAnswering` of `transformers`, weights copied."""

import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import numbers
from tests.parity.test_bert import copy_weights
from zoo.data.question_answering import read_questions
from zoo.data.windows import encode_windows

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")


def reference():
    config = transformers.BertConfig(
        vocab_size=97, hidden_size=12, num_hidden_layers=3, num_attention_heads=3, intermediate_size=29,
        max_position_embeddings=31,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.BertForQuestionAnswering(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_logits_are_equal():
    model = reference()
    backbone = zoo.BertBackbone(
        vocabulary_size=97, num_layers=3, num_heads=3, hidden_dim=12, intermediate_dim=29, max_sequence_length=31
    )
    task = zoo.QuestionAnswering(backbone)
    # transformers leaves the pooler out of this model; nothing here depends on it.
    pooler = transformers.BertModel(model.config)
    pooler.load_state_dict(model.bert.state_dict(), strict=False)
    copy_weights(pooler, backbone)
    vectors, bias = (parameter.detach().numpy() for parameter in model.qa_outputs.parameters())
    for weight, vector in zip(task.span_head.weights, vectors, strict=True):
        weight.assign(vector)
    rng = np.random.default_rng(0)
    token_ids = rng.integers(0, 97, (2, 7))
    segment_ids = np.array([[0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0]])
    padding_mask = np.array([[1] * 7, [1] * 5 + [0] * 2])
    answer_mask = np.array([[1, 0, 0, 0, 1, 1, 0], [1, 0, 1, 1, 0, 0, 0]])
    with torch.no_grad():
        expected = model(
            torch.tensor(token_ids),
            attention_mask=torch.tensor(padding_mask),
            token_type_ids=torch.tensor(segment_ids),
        )
    found = task(
        {
            "token_ids": token_ids,
            "segment_ids": segment_ids,
            "padding_mask": padding_mask,
            "answer_mask": answer_mask,
        }
    )
    shown = answer_mask == 1
    pairs = {"start_positions": expected.start_logits, "end_positions": expected.end_logits}
    # The bias of the reference is the same number for every token: it has no part in any probability.
    for (name, logits), constant in zip(pairs.items(), bias, strict=True):
        np.testing.assert_allclose(numbers(found[name])[shown] + constant, logits.numpy()[shown], atol=1e-5)


def test_windows_are_those_of_the_fast_tokenizer():
    """Window for window the ids and offsets of `transformers`, whose `stride` is the overlap."""
    tokenizer = texts.word_piece()
    theirs = transformers.BertTokenizerFast(
        vocab={piece: number for number, piece in enumerate(tokenizer.vocabulary)}, do_lower_case=False
    )
    rng = np.random.default_rng(0)
    words = [*texts.GOOD, *texts.BAD, *texts.THINGS, "the", "unlovely", "苹果公司"]
    records = [
        {"question": "the good film", "context": " ".join(rng.choice(words, size=size))} for size in (3, 17, 29, 71)
    ]
    windows, _ = encode_windows(
        read_questions(records, labelled=False), tokenizer, ("token_ids", "segment_ids", "padding_mask"), 24, 11, 64
    )
    room = 24 - 3 - 3
    expected = theirs(
        [record["question"] for record in records],
        [record["context"] for record in records],
        max_length=24, stride=room - 11, truncation="only_second", padding="max_length",
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    (inputs,) = windows.batch(np.arange(len(windows.numbers)), 24)
    np.testing.assert_array_equal(inputs["token_ids"], expected["input_ids"])
    np.testing.assert_array_equal(inputs["segment_ids"], expected["token_type_ids"])
    np.testing.assert_array_equal(inputs["padding_mask"], expected["attention_mask"])
    assert windows.numbers.tolist() == expected["overflow_to_sample_mapping"]
    for row, offsets in enumerate(expected["offset_mapping"]):
        first, size, start = windows.firsts[row], windows.sizes[row], windows.starts[row]
        assert windows.characters[start : start + size].tolist() == [
            list(pair) for pair in offsets[first : first + size]
        ]
