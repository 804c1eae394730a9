"""What an objective makes of a text, as text."""

import io

import numpy as np
import pytest
from rich.console import Console

import zoo
from zoo.objectives import (
    MASS,
    Deshuffling,
    MaskedLM,
    NextSentence,
    SentenceOrder,
    SentencePermutation,
    SpanCorruption,
    TextInfilling,
    preview,
)

PIECES = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *["the", "dog", "##s", "bark", "##ed", "it", "was", "old", "cat", "ran", "away", ".", ",", "<", "&"],
    *"我爱北京天安门很大。",
]
TEXTS = ["The dogs barked. It was old. The cat ran away.", "The old cat was away. The dog ran."]


@pytest.fixture(scope="module")
def tokenizer():
    return zoo.tokenizers.WordPiece(PIECES, lowercase=True)


def terminal(shown, width=200):
    buffer = io.StringIO()
    Console(file=buffer, force_terminal=True, width=width, color_system="truecolor").print(shown)
    return buffer.getvalue()


def test_masks_and_answers(tokenizer):
    shown = preview(MaskedLM(mask_token_rate=1.0, random_token_rate=0.0), TEXTS, tokenizer, seed=3)
    assert len(shown) == 2
    for (given, target), text in zip(shown, TEXTS, strict=True):
        assert given.startswith("[CLS]") and given.endswith("[SEP]")
        assert given.count("[MASK]") >= target.count("…") + 1 >= 2
        for answer in target.split(" … "):
            assert answer in text.lower()


def test_everything_masked(tokenizer):
    objective = MaskedLM(rate=1.0, mask_token_rate=1.0, random_token_rate=0.0)
    given, target = preview(objective, ["The dogs barked, it was old."], tokenizer)[0]
    assert given == " ".join(["[CLS]", *["[MASK]"] * 10, "[SEP]"])
    assert target == "the dogs barked, it was old."


def test_states_are_told_apart(tokenizer):
    for objective, mark, state in (
        (MaskedLM(rate=1.0, mask_token_rate=1.0, random_token_rate=0.0), "[MASK]", "masked"),
        (MaskedLM(rate=1.0, mask_token_rate=0.0, random_token_rate=1.0), "<", "random"),
        (MaskedLM(rate=1.0, mask_token_rate=0.0, random_token_rate=0.0), "_dog_", "kept"),
    ):
        shown = preview(objective, ["the dog barked. the cat ran."], tokenizer, seed=1)
        states = [piece.state for piece in shown.examples[0].pieces]
        assert states[0] == states[-1] == "plain"
        assert states.count(state) >= 7
        assert mark in str(shown) and mark in repr(shown)


def test_colours_in_a_terminal(tokenizer):
    shown = preview(MaskedLM(rate=0.5, mask_token_rate=0.4, random_token_rate=0.3), TEXTS, tokenizer, seed=5)
    states = {piece.state for example in shown.examples for piece in example.pieces}
    assert states == {"plain", "masked", "random", "kept"}
    text = terminal(shown)
    for style in ("43m", "41m", "42m"):
        # At least once in an example and once in the legend.
        assert text.count(style) >= 2, style
    plain = Console(file=io.StringIO(), width=200)
    plain.print(shown)
    assert "[MASK]" in plain.file.getvalue() and "\x1b" not in plain.file.getvalue()


def test_a_page_is_escaped(tokenizer):
    shown = preview(MaskedLM(rate=0.5, mask_token_rate=0.5, random_token_rate=0.0), ["the < & dog"], tokenizer)
    page = shown._repr_html_()
    assert "&lt;" in page and "&amp;" in page and "< &" not in page
    assert page.count("<span") == page.count("</span>") >= 4


def test_pairs(tokenizer):
    objective = MaskedLM() + NextSentence()
    shown = [preview(objective, TEXTS, tokenizer, seed=seed, sequence_length=31) for seed in range(5)]
    assert {example.label for one in shown for example in one.examples} == {"next", "random"}
    for one in shown:
        for (given, target), example in zip(one, one.examples, strict=True):
            assert given.count("[SEP]") == 2
            assert target.endswith(f"| {example.label}")
            assert {piece.segment for piece in example.pieces} == {0, 1}
    assert "input A" in str(shown[0]) and "input B" in terminal(shown[0]) and "label" in shown[0]._repr_html_()


def test_pairs_alone(tokenizer):
    for given, target in preview(NextSentence(), TEXTS, tokenizer):
        assert "[MASK]" not in given and target in ("next", "random")


def test_chinese_words_are_masked_whole(tokenizer):
    objective = MaskedLM("whole_word", rate=0.4, mask_token_rate=1.0, random_token_rate=0.0)
    seen = set()
    for seed in range(30):
        ((given, _),) = preview(objective, ["我爱北京天安门。"], tokenizer, seed=seed)
        given = given.replace(" ", "").removeprefix("[CLS]").removesuffix("[SEP]").replace("[MASK]", "?")
        assert len(given) == 8 and given.count("?") <= 4
        assert given[2:4] in ("北京", "??") and given[4:7] in ("天安门", "???")
        seen.add(given[4:7])
    assert seen == {"天安门", "???"}


def test_it_is_what_training_gets(tokenizer):
    objective = MaskedLM("span", rate=0.3) + NextSentence()
    shown = preview(objective, TEXTS, tokenizer, seed=7, sequence_length=29)
    dataset = zoo.data.pretraining_dataset(TEXTS, tokenizer, objective, 29, batch_size=1, seed=7)
    assert len(shown) == len(dataset)
    for step, example in enumerate(shown.examples):
        inputs, targets, weights = dataset[step]
        ids = inputs["token_ids"][0][inputs["padding_mask"][0] == 1]
        pieces = [tokenizer.id_to_token(number).removeprefix("##") for number in ids.tolist()]
        assert "".join(pieces) == example.input.replace(" ", "").replace("##", "")
        answers = targets["mask_ids"][0][weights["mask_ids"][0] > 0]
        states = np.array([piece.state != "plain" for piece in example.pieces])
        assert states.sum() == len(answers)


def test_the_same_seed_shows_the_same(tokenizer):
    first, same, other = (str(preview(MaskedLM(rate=0.4), TEXTS, tokenizer, seed=seed)) for seed in (1, 1, 2))
    assert first == same != other


def test_one_text_instead_of_a_list(tokenizer):
    assert list(preview(MaskedLM(), "the dog.", tokenizer)) == list(preview(MaskedLM(), ["the dog."], tokenizer))


def test_a_text_that_looks_like_a_file_name(tokenizer):
    ((given, _),) = preview(NextSentence(), ["was.txt"], tokenizer)
    assert given.startswith("[CLS] was. [UNK] [SEP]")


def test_an_empty_text(tokenizer):
    with pytest.raises(ValueError, match="found none"):
        preview(MaskedLM(), ["the dog.", ""], tokenizer)


def test_what_a_decoder_must_say(tokenizer):
    objective = SentencePermutation() + TextInfilling()
    seen = set()
    for seed in range(20):
        ((given, target),) = preview(objective, TEXTS[:1], tokenizer, seed=seed)
        assert target == "[CLS] the dogs barked. it was old. the cat ran away. [SEP]"
        assert given.startswith("[CLS]") and given.endswith("[SEP]") and "[MASK]" in given
        seen.add(given)
    assert len(seen) > 15


def test_sentinels_are_shown(tokenizer):
    shown = preview(SpanCorruption(rate=0.3), TEXTS[:1], tokenizer.with_sentinels(17), seed=1)
    ((given, target),) = shown
    assert "<extra_id_0>" in given and target.startswith("<extra_id_0> ") and target.endswith(" [SEP]")
    left = [word for word in given.split() if not word.startswith("<extra")]
    said = [word for word in target.split() if not word.startswith("<extra")]
    assert len(left) + len(said) < len(TEXTS[0].split()) + 6
    assert [piece.state for piece in shown.examples[0].said].count("masked") == target.count("<extra_id_")
    assert "target" in str(shown) and "43m" in terminal(shown) and "41m" not in terminal(shown)
    assert "&lt;extra_id_0&gt;" in shown._repr_html_()
    with pytest.raises(ValueError, match="with_sentinels"):
        preview(SpanCorruption(), TEXTS, tokenizer)


def test_a_fragment_is_shown_alone(tokenizer):
    objective = MASS(mask_token_rate=1.0, random_token_rate=0.0)
    ((given, target),) = preview(objective, ["The old cat ran."], tokenizer, seed=2)
    assert given.count("[MASK]") == 2 and target in "the old cat ran ."
    ((given, target),) = preview(Deshuffling(), ["The old cat ran away"], tokenizer, seed=2)
    assert sorted(given.split()) == sorted(target.split()) and target == "the old cat ran away [SEP]"


NAIVE = "The naïve café — 你好 😀 was “nice” today."


@pytest.fixture(scope="module")
def byte_pair():
    return zoo.tokenizers.train_byte_pair(["the old dog was nice", "a dog today"] * 2, 300, progress=False)


def test_characters_of_several_pieces_are_whole(byte_pair):
    given, target = preview(SentencePermutation(), [NAIVE], byte_pair)[0]
    assert given == target == f"<s> {NAIVE} </s>"
    shown = preview(MaskedLM(rate=1.0, mask_token_rate=1.0, random_token_rate=0.0), [NAIVE], byte_pair)
    assert shown[0][1] == NAIVE
    texts = [piece.original for piece in shown.examples[0].pieces]
    assert len(texts) > len(NAIVE) and "".join(texts).count(" 你好 😀") == 1 and "" in texts


def test_a_part_of_a_character_to_predict_has_a_sign(byte_pair):
    objective = MaskedLM(rate=0.1, mask_token_rate=1.0, random_token_rate=0.0)
    found = {preview(objective, ["你"], byte_pair, seed=seed)[0][1] for seed in range(20)}
    assert found == {"\ufffd", "你"}


@pytest.mark.parametrize("objective", [MaskedLM() + NextSentence(), SentenceOrder()], ids=["next", "order"])
def test_one_document_has_no_random_segments_of_others(objective, tokenizer):
    assert "Give two texts or more" in preview(objective, TEXTS[:1], tokenizer).note
    assert not preview(objective, TEXTS, tokenizer).note and not preview(MaskedLM(), TEXTS[:1], tokenizer).note


def test_some_examples(tokenizer):
    shown = preview(MaskedLM(), TEXTS, tokenizer)
    assert shown[:1] == [shown[0]] and shown[::-1] == [shown[1], shown[0]]


def test_arguments_of_another_kind(tokenizer):
    with pytest.raises(TypeError, match="Received: objective='MaskedLM'"):
        preview("MaskedLM", TEXTS, tokenizer)
    with pytest.raises(ValueError, match=r"Received: texts=\[\]"):
        preview(MaskedLM(), [], tokenizer)
    with pytest.raises(TypeError, match=r"Received: texts\[0\]=5 of type int"):
        preview(MaskedLM(), [5], tokenizer)
