"""Greedy and beam search against `transformers` on copied weights, token for token."""

import json

import numpy as np
import pytest

import zoo
from tests.checks import numbers, quick
from tests.parity import test_bart, test_t5
from tests.parity.reference_weights import copy_weights
from zoo.tasks import Beam, Contrastive, Greedy, Sampling
from zoo.tasks.generation import Generator

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")

PAD, END, START = 0, 2, 3
MAX_LENGTH = 13


def models(kind):
    """Reference, our backbone with its weights, and what the decoder reads first."""
    if kind == "bart":
        model = test_bart.reference(transformers.BartForConditionalGeneration)
        backbone, where, first = test_bart.backbone_like(), test_bart.places("model."), END
    else:
        model = test_t5.reference("relu", tied=True)
        backbone, where, first = test_t5.backbone_like(), test_t5.places(gated=False), PAD
    assert not copy_weights(backbone.weights, model, where)
    return model, backbone, first


def said_by_transformers(model, inputs, first, **options):
    model.generation_config = transformers.GenerationConfig(
        decoder_start_token_id=first, eos_token_id=END, pad_token_id=PAD, max_new_tokens=MAX_LENGTH, do_sample=False,
        **options,
    )  # fmt: skip
    return said_with(model, inputs)


def said_with(model, inputs):
    with torch.no_grad():
        found = model.generate(
            input_ids=torch.tensor(inputs["encoder_token_ids"]),
            attention_mask=torch.tensor(inputs["encoder_padding_mask"]),
        ).numpy()[:, 1:]
    return [_until_end(row) for row in found]


def _until_end(row):
    row = row.tolist()
    return row[: row.index(END) + 1] if END in row else row


def sources():
    rng = np.random.default_rng(3)
    lengths = np.array([7, 5, 6, 2, 7])
    mask = (np.arange(7) < lengths[:, None]).astype("int32")
    return {"encoder_token_ids": np.where(mask, rng.integers(4, 97, mask.shape), PAD), "encoder_padding_mask": mask}


def generator_of(backbone, first, forced):
    """Our generator, and what `transformers` is told beside it."""
    start = START if forced else None
    return Generator(backbone, first, END, PAD, start), {"forced_bos_token_id": start}


@pytest.mark.parametrize(("kind", "forced"), [("bart", False), ("bart", True), ("t5", False)])
def test_greedy(kind, forced):
    model, backbone, first = models(kind)
    inputs = sources()
    generator, options = generator_of(backbone, first, forced)
    steps = generator.tokens(inputs["encoder_token_ids"], inputs["encoder_padding_mask"], MAX_LENGTH, Greedy())
    found = [_until_end(row) for row in np.stack(list(steps), axis=1)]
    assert found == said_by_transformers(model, inputs, first, **options)
    assert forced == all(row[0] == START for row in found)


@pytest.mark.parametrize(
    ("kind", "num_beams", "length_penalty", "forced"),
    [("bart", 5, 2.0, False), ("t5", 3, 0.6, False), ("bart", 4, 1.0, True),
     *quick([("bart", 2, 1.0, False), ("t5", 4, 0.0, False), ("bart", 3, 2.0, True)])],
)  # fmt: skip
def test_beam_search(kind, num_beams, length_penalty, forced):
    model, backbone, first = models(kind)
    inputs = sources()
    generator, options = generator_of(backbone, first, forced)
    beam = Beam(num_beams, length_penalty)
    found = generator.beams(inputs["encoder_token_ids"], inputs["encoder_padding_mask"], MAX_LENGTH, beam)
    options |= {"num_beams": num_beams, "length_penalty": length_penalty}
    assert [_until_end(row) for row in found] == said_by_transformers(model, inputs, first, **options)


@pytest.mark.parametrize(
    "sampler", [Greedy(), Contrastive(penalty=1.0), *quick([Sampling(top_k=5), Sampling(top_p=0.9)])]
)
def test_every_sampler_says_what_is_forced_first(sampler):
    _, backbone, first = models("bart")
    arrays = sources().values()
    found = {
        start: np.stack(list(Generator(backbone, first, END, PAD, start).tokens(*arrays, 5, sampler, rows=range(5))))
        for start in (START, None)
    }
    assert (found[START][0] == START).all() and not (found[None][0] == START).any()
    assert not (found[START][1:] == START).all(axis=1).any()


TOKENIZER = zoo.tokenizers.WordPiece(["[PAD]", "[UNK]", "[SEP]", "[CLS]", "[MASK]", *(f"w{i}" for i in range(92))])


@pytest.mark.parametrize("forced", [True, False])
def test_a_folder_says_whether_the_start_is_forced(forced, tmp_path):
    ids = {"pad_token_id": PAD, "bos_token_id": START, "eos_token_id": END, "decoder_start_token_id": END}
    model = test_bart.reference(transformers.BartForConditionalGeneration)
    for config in (model.config, model.generation_config):
        config.update({**ids, "forced_eos_token_id": None})
    model.generation_config.forced_bos_token_id = START if forced else None
    model.save_pretrained(tmp_path / "theirs")
    task = zoo.Seq2SeqLM.from_preset(tmp_path / "theirs", tokenizer=TOKENIZER)
    assert task.force_start is forced
    zoo.presets.export_to_huggingface(task, tmp_path / "ours")
    inputs = {"encoder_token_ids": np.array([[START, 7, 11, 13, END]]), "encoder_padding_mask": np.ones((1, 5), int)}
    for folder in ("theirs", "ours"):
        again = transformers.BartForConditionalGeneration.from_pretrained(tmp_path / folder)
        assert again.generation_config.forced_bos_token_id == (START if forced else None)
        for sampler, num_beams in (("greedy", 1), ("beam", 4)):
            again.generation_config.update(num_beams=num_beams, do_sample=False, max_new_tokens=MAX_LENGTH)
            again.generation_config.forced_eos_token_id = None
            [row] = said_with(again, inputs)
            said = [each for each in row if each not in (START, PAD, END)]
            text = task.generate("w2 w6 w8", max_length=MAX_LENGTH, sampler=sampler)
            assert text == TOKENIZER.decode(said)
    task.save_to_preset(tmp_path / "preset")
    assert zoo.Seq2SeqLM.from_preset(tmp_path / "preset").force_start is forced


def test_a_model_without_a_head_says_it_too(tmp_path):
    model = test_bart.reference(transformers.BartModel)
    model.save_pretrained(tmp_path)
    assert not zoo.Seq2SeqLM.from_preset(tmp_path).force_start
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"forced_bos_token_id": 0}))
    task = zoo.Seq2SeqLM.from_preset(tmp_path)
    assert task.force_start
    for weight, other in zip(task.backbone.weights, zoo.presets.load_backbone(tmp_path).weights, strict=True):
        np.testing.assert_array_equal(numbers(weight), numbers(other))
    assert not zoo.Seq2SeqLM.from_preset(tmp_path, force_start=False).force_start


def test_targets_that_do_not_begin_with_the_start_token():
    with pytest.raises(ValueError, match=r"T5Backbone do not begin .* Received: force_start=True\. Leave it out"):
        zoo.Seq2SeqLM(zoo.T5Backbone(97, 1, 3, 12, 29), force_start=True)
