"""Objectives composed with `+`."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from zoo.objectives import Composite, MaskedLM, NextSentence, Objective, TokenDeletion, Vocabulary, parse_objective


class Shift(Objective):
    """Adds one to every token."""

    def __call__(self, batch, vocabulary, rng):
        return {**batch, "token_ids": batch["token_ids"] + 1}


class Double(Objective):
    """Doubles every token."""

    def __call__(self, batch, vocabulary, rng):
        return {**batch, "token_ids": batch["token_ids"] * 2}


def test_parts_act_in_their_order(vocabulary):
    batch = {"token_ids": np.array([[3, 5]])}
    np.testing.assert_array_equal((Shift() + Double())(batch, vocabulary, None)["token_ids"], [[8, 12]])
    np.testing.assert_array_equal((Double() + Shift())(batch, vocabulary, None)["token_ids"], [[7, 11]])


def test_a_composite_is_flat():
    shift, double, pairs, masks = Shift(), Double(), NextSentence(), MaskedLM()
    assert ((shift + pairs) + (double + masks)).parts == (shift, pairs, double, masks)
    assert isinstance(shift + pairs, Composite)
    assert masks + pairs == MaskedLM() + NextSentence()
    assert pickle.loads(pickle.dumps(masks + pairs)) == masks + pairs


def test_roles():
    objective = MaskedLM() + NextSentence(0.2)
    assert objective.pairing == NextSentence(0.2)
    assert objective.inputs == ("token_ids", "segment_ids", "padding_mask", "mask_positions")
    assert objective.targets == ("mask_ids", "sentence_labels")
    assert objective.weights == {"mask_ids": "mask_weights"}
    assert MaskedLM().pairing is None and NextSentence().pairing == NextSentence()
    assert NextSentence().inputs == ("token_ids", "segment_ids", "padding_mask")
    assert NextSentence().targets == ("sentence_labels",) and NextSentence().weights == {}


def test_a_composite_plans_and_corrupts_as_its_parts(vocabulary, make_batch):
    objective, lengths = NextSentence() + MaskedLM(), [np.array([5, 7, 3]), np.array([11, 2])]
    planned = objective.plan(lengths, 0, 17, np.random.default_rng(3))
    assert planned == NextSentence().plan(lengths, 0, 17, np.random.default_rng(3))
    batch = make_batch(3, 19)
    noisy = objective(batch, vocabulary, np.random.default_rng(5))
    alone = MaskedLM()(batch, vocabulary, np.random.default_rng(5))
    np.testing.assert_array_equal(noisy["token_ids"], alone["token_ids"])


def test_at_most_one_pairing_part():
    with pytest.raises(ValueError, match="At most one part may plan sentence pairs"):
        NextSentence() + MaskedLM() + NextSentence(0.3)


def test_masks_twice():
    with pytest.raises(ValueError, match="mask_ids"):
        MaskedLM() + NextSentence() + MaskedLM("span")


def test_only_objectives_compose():
    with pytest.raises(TypeError):
        MaskedLM() + "span"
    with pytest.raises(TypeError, match="of type int"):
        Composite((MaskedLM(), 3))
    with pytest.raises(ValueError, match=r"parts=\(\)"):
        Composite(())


def test_no_plan_without_a_pairing_part():
    with pytest.raises(ValueError, match="NextSentence"):
        MaskedLM().plan([np.array([3])], 0, 17, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("MaskedLM", MaskedLM()),
        ("MaskedLM(unit='span', rate=0.25)+NextSentence", MaskedLM("span", 0.25) + NextSentence()),
        ("NextSentence() + MaskedLM()", NextSentence() + MaskedLM()),
        (repr(MaskedLM() + NextSentence()), MaskedLM() + NextSentence()),
    ],
)
def test_written_as_text(text, objective):
    assert parse_objective(text) == objective


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Objective",
        "MaskedLM('span')",
        "MaskedLM(units='span')",
        "open('x')",
        "MaskedLM(rate=x)",
        "MaskedLM(rate=0.1, rate=0.2)",
        "MaskedLM(**{'rate': 0.1})",
        "MaskedLM(rate={[]: 1})",
    ],
)
def test_text_that_is_no_objective(text):
    with pytest.raises(ValueError, match="MaskedLM"):
        parse_objective(text)


@pytest.mark.parametrize("objective", [MaskedLM(), TokenDeletion()], ids=["masks", "deletion"])
def test_a_batch_without_a_padding_mask(objective, vocabulary, make_batch):
    batch = {name: value for name, value in make_batch(2, 13).items() if name != "padding_mask"}
    with pytest.raises(ValueError, match=r"Received: batch with .*Add padding_mask"):
        objective(batch, vocabulary, np.random.default_rng(0))


def test_what_is_no_text():
    with pytest.raises(TypeError, match=r"written as .*Received: 5"):
        parse_objective(5)


@pytest.mark.parametrize("first", ["zoo.objectives", "zoo.data", "zoo.data.examples", "zoo.metrics"])
def test_objectives_need_no_keras(first):
    code = (
        f"import sys, {first}, zoo.objectives\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'jieba', 'rich', 'grain'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["MASS", "TextInfilling", "SpanCorruption", "ReplaceSpans", "BertStyle", "DropTokens"])
@pytest.mark.parametrize(("rows", "width"), [(0, 9), (2, 2)])
def test_no_rows_and_empty_texts(name, rows, width):
    vocabulary = Vocabulary(97, 0, 1, 2, 3, special_ids=(0, 1, 2, 3, 94, 95, 96), sentinel_ids=(96, 95, 94))
    token_ids = np.zeros((rows, width), "int32")
    token_ids[:, :2] = 1, 2
    batch = {"token_ids": token_ids, "padding_mask": np.minimum(token_ids, 1)}
    noisy = parse_objective(name)(batch, vocabulary, np.random.default_rng(0))
    assert len(noisy["encoder_token_ids"]) == rows
