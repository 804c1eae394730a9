"""How a backbone reads a text: what a head on the text, or on each of its tokens, is given."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from zoo import presets
from zoo.data import features
from zoo.models.encoder_decoder import EncoderDecoder

POOLINGS = (None, "mean", "cls")


@dataclass(frozen=True)
class Reading:
    """The symbolic tensors of a backbone that reads a text for a task.

    Attributes:
        inputs: dict, what the task is given of a text: `token_ids`, `padding_mask`, and `segment_ids` where the
            backbone has segments, int tensors (batch, length).
        tokens: float tensor (batch, length, hidden_dim), a state a token.
        text: float tensor (batch, hidden_dim), the vector of the whole text; None if the backbone has none.
        inner_dim: int, `ClassificationHead`'s, for a head on `text`.
    """

    inputs: dict
    tokens: Any
    text: Any
    inner_dim: int | None = None


def answers_in_words(kind: type) -> bool:
    """Whether a backbone of this class has no states that a head could read, as T5, which says all answers in words."""
    return issubclass(kind, EncoderDecoder) and not kind.frame.source_starts


def preset_answers_in_words(preset) -> bool:
    """The same of a preset, without loading it."""
    kind = presets.backbone_class(preset)
    return kind is not None and answers_in_words(kind)


def check_pooling(pooling) -> None:
    """Raises a ValueError if there is no such pooling of the states of a text into its vector."""
    if pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {POOLINGS}. Received: pooling={pooling!r}")


def check_encoder(task: str, backbone) -> None:
    """Raises a ValueError if the backbone has no states of the tokens of a text that it reads once."""
    outputs = getattr(backbone, "output", None)
    if not isinstance(outputs, dict) or "sequence_output" not in outputs:
        hint = "For an encoder-decoder use `zoo.Seq2SeqLM`, whose `generate` fills a text with [MASK] or sentinels too."
        raise ValueError(_wrong_kind(task, "an encoder, such as `zoo.BertBackbone`", backbone, hint))


def check_encoder_decoder(task: str, backbone) -> None:
    """Raises a ValueError if the backbone cannot say a text."""
    if not isinstance(backbone, EncoderDecoder):
        hint = "For an encoder use `zoo.MaskedLM`, or a task with a head on it, such as `zoo.TextClassifier`."
        kinds = "an encoder-decoder: `zoo.BartBackbone`, `zoo.MassBackbone` or `zoo.T5Backbone`"
        raise ValueError(_wrong_kind(task, kinds, backbone, hint))


def _wrong_kind(task, needed, backbone, hint) -> str:
    given = repr(backbone) if isinstance(backbone, str) else f"a {type(backbone).__name__}"
    hint = f"To load a preset by its name: `zoo.{task}.from_preset(...)`." if isinstance(backbone, str) else hint
    return f"{task} takes {needed}. Received: backbone={given}. {hint}"


def read_text(backbone, pooling: str | None = None) -> Reading:
    """Have a backbone read a text.

    An encoder reads it once: the states are its last layer's, and the vector is its pooler's. An encoder-decoder
    is given the same text on both sides, and the decoder's states are read (Lewis et al. 2020, arXiv 1910.13461,
    section 3); the one at the end token, which has seen all of the text, is the vector. As in BART's released
    code, the decoder reads the text one step later, behind the end token, so that its state at a token is the one
    that would say the token.

    MASS (Song et al. 2019, arXiv 1905.02450) does not classify. Its decoder reads a text from the start token on, with
    which the source begins too: so it is given the source as it is, and its state at a token has read the token.

    Args:
        backbone: an encoder or an encoder-decoder.
        pooling: what the vector of the text is: None for the above, or `"mean"` for the mean of the states of all
            tokens, the special ones too (Reimers & Gurevych 2019, arXiv 1908.10084, section 3), or `"cls"` for the
            state of the first token as it is, which an encoder-decoder, whose first token has read nothing, has not.

    Raises:
        ValueError: if the backbone answers in words alone, as T5 does, or the pooling is unknown.
    """
    check_pooling(pooling)
    if pooling == "cls" and isinstance(backbone, EncoderDecoder):
        raise ValueError(
            "The first token of a decoder has read nothing but itself. Received: pooling='cls' with "
            f"{type(backbone).__name__}. Use pooling=None, for the state at the end token, or 'mean'."
        )
    if answers_in_words(type(backbone)):
        raise ValueError(
            f"A head reads the states of a text that begins with a start token. Received: {type(backbone).__name__}, "
            "whose texts have none: T5 says its answers in words. Use `zoo.TextToText` (Raffel et al. 2020, arXiv "
            "1910.10683, section 2.1)."
        )
    reading = _read_on_both_sides(backbone) if isinstance(backbone, EncoderDecoder) else _read_once(backbone)
    if pooling == "mean":
        text = _weighted(reading.tokens, reading.inputs[features.PADDING_MASK], mean=True)
        return dataclasses.replace(reading, text=text)
    if pooling == "cls":
        return dataclasses.replace(reading, text=reading.tokens[:, 0])
    return reading


def _read_once(backbone) -> Reading:
    outputs = backbone(backbone.input)
    return Reading(backbone.input, outputs["sequence_output"], outputs.get("pooled_output"))


def _read_on_both_sides(backbone) -> Reading:
    names = (features.TOKEN_IDS, features.PADDING_MASK)
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    ends = _ends(inputs[features.PADDING_MASK])
    states = backbone(_both_sides(backbone, inputs, ends))["decoder_sequence_output"]
    return Reading(inputs, states, _weighted(states, ends), inner_dim=backbone.hidden_dim)


def _weighted(states, mask, mean=False):
    """The sum or the mean of the states (batch, length, hidden_dim) where the mask (batch, length) is 1."""
    weights = ops.expand_dims(ops.cast(mask, states.dtype), axis=-1)  # (batch, length, 1)
    total = ops.sum(states * weights, axis=1)
    return total / ops.sum(weights, axis=1) if mean else total


def _ends(padding_mask):
    """1 at the last token of each text, its end token, and 0 elsewhere: int tensor (batch, length)."""
    return padding_mask - ops.pad(padding_mask[:, 1:], ((0, 0), (0, 1)))


def _both_sides(backbone, inputs, ends) -> dict:
    """What an encoder-decoder is given of a text, by the names of its features."""
    token_ids, padding_mask = inputs[features.TOKEN_IDS], inputs[features.PADDING_MASK]
    read = token_ids
    if backbone.frame.first == "end":
        first = ops.sum(token_ids * ends, axis=1, keepdims=True)  # (batch, 1)
        read = ops.concatenate([first, token_ids[:, :-1]], axis=1)  # (batch, length)
    given = {
        features.ENCODER_TOKEN_IDS: token_ids,
        features.ENCODER_PADDING_MASK: padding_mask,
        features.DECODER_TOKEN_IDS: read,
        features.DECODER_PADDING_MASK: padding_mask,
        features.DECODER_POSITIONS: ops.cumsum(ops.ones_like(token_ids), axis=1) - 1,
        features.CROSS_ATTENTION_MASK: padding_mask,
    }
    return {name: given[name] for name in backbone.input_features}
