"""Greedy and beam search against `transformers` on copied weights, token for token."""

import numpy as np
import pytest

from tests.parity import test_bart, test_t5
from tests.parity.reference_weights import copy_weights
from zoo.tasks import Beam, Greedy
from zoo.tasks.generation import Generator

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")

PAD, END = 0, 2
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


@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_greedy(kind):
    model, backbone, first = models(kind)
    inputs = sources()
    generator = Generator(backbone, first, END, PAD)
    steps = generator.tokens(inputs["encoder_token_ids"], inputs["encoder_padding_mask"], MAX_LENGTH, Greedy())
    found = [_until_end(row) for row in np.stack(list(steps), axis=1)]
    assert found == said_by_transformers(model, inputs, first)


@pytest.mark.parametrize(
    ("kind", "num_beams", "length_penalty"),
    [("bart", 2, 1.0), ("t5", 4, 0.0), ("bart", 5, 2.0), ("t5", 3, 0.6)],
)
def test_beam_search(kind, num_beams, length_penalty):
    model, backbone, first = models(kind)
    inputs = sources()
    generator = Generator(backbone, first, END, PAD)
    beam = Beam(num_beams, length_penalty)
    found = generator.beams(inputs["encoder_token_ids"], inputs["encoder_padding_mask"], MAX_LENGTH, beam)
    expected = said_by_transformers(model, inputs, first, num_beams=num_beams, length_penalty=length_penalty)
    assert [_until_end(row) for row in found] == expected
