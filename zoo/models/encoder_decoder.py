"""How the parts become an encoder and a decoder."""

import dataclasses

import keras
from keras import ops

from zoo.data import features
from zoo.layers import causal_bias, combine_biases, padding_bias
from zoo.models.backbone import Backbone


@dataclasses.dataclass(frozen=True)
class Stack:
    """One side of an encoder-decoder: its parts, in the order in which they run.

    Attributes:
        embedding: `zoo.layers.TextEmbedding`.
        layers: list of `zoo.layers.TransformerLayer`; a decoder's have cross attention.
        position_bias: `zoo.layers.RelativePositionBias` that all layers share, or None.
        final_norm: a normalization after the last layer (pre-norm stacks need one), or None.
        final_dropout: `keras.layers.Dropout` after it, or None.
    """

    embedding: keras.layers.Layer
    layers: list
    position_bias: keras.layers.Layer | None = None
    final_norm: keras.layers.Layer | None = None
    final_dropout: keras.layers.Layer | None = None

    def finish(self, hidden):
        """What follows the last layer."""
        for part in (self.final_norm, self.final_dropout):
            hidden = hidden if part is None else part(hidden)
        return hidden

    def distance_bias(self, query_positions, key_positions):
        """The bias of relative positions, float32 (1 or batch, heads, query, key), or None."""
        return None if self.position_bias is None else self.position_bias(query_positions, key_positions)


@dataclasses.dataclass(frozen=True)
class TextFrame:
    """The special tokens around a source and a target; both end with the end token.

    Attributes:
        source_starts: bool, whether the source begins with the start token.
        target_starts: bool, whether the decoder must say the start token first.
        first: str, what the decoder reads before it has said anything: the `"start"`, `"end"` or `"padding"` token.
    """

    source_starts: bool
    target_starts: bool
    first: str


class EncoderDecoder(Backbone):
    """An encoder that reads a text and a decoder that says one, looking at the encoder's output.

    Vaswani et al. (2017), arXiv 1706.03762, figure 1. An architecture is a subclass whose constructor makes
    the parts and hands them over; it defines no layer itself.

    Args:
        arguments: dict, what the architecture was made with, see `Backbone`.
        encoder: `Stack`.
        decoder: `Stack`; its token embedding is the encoder's.
        logit_scale: float, multiplies the decoder's vectors before they meet the vocabulary.
        dtype: the Keras dtype policy of the model.

    Call arguments (a dict of int tensors, see `zoo.data.features`):
        encoder_token_ids, encoder_padding_mask: (batch, encoder_length).
        decoder_token_ids, decoder_padding_mask: (batch, target_length).

    Returns:
        A dict with `encoder_sequence_output`, float tensor (batch, encoder_length, hidden_dim), and
        `decoder_sequence_output`, float tensor (batch, target_length, hidden_dim).
    """

    input_features = (
        features.ENCODER_TOKEN_IDS,
        features.ENCODER_PADDING_MASK,
        features.DECODER_TOKEN_IDS,
        features.DECODER_PADDING_MASK,
    )
    frame: TextFrame

    def __init__(self, arguments, encoder, decoder, logit_scale=1.0, dtype=None, **kwargs):
        # A Keras model would take dataclasses of layers apart.
        self._stacks = (encoder, decoder)
        self.token_embedding = encoder.embedding.token_embedding
        self.encoder_layers = encoder.layers
        self.decoder_layers = decoder.layers
        self.logit_scale = logit_scale
        inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in self.input_features}
        encoded = self.encode(inputs[features.ENCODER_TOKEN_IDS], inputs[features.ENCODER_PADDING_MASK])
        visible = inputs.get(features.CROSS_ATTENTION_MASK, inputs[features.ENCODER_PADDING_MASK])
        decoded = self.decode(inputs, encoded, padding_bias(visible))
        outputs = {"encoder_sequence_output": encoded, "decoder_sequence_output": decoded}
        super().__init__(inputs, outputs, arguments, dtype=dtype, **kwargs)

    def encode(self, token_ids, padding_mask):
        """The encoder's output, float (batch, encoder_length, hidden_dim), for int tensors (batch, encoder_length)."""
        encoder, _ = self._stacks
        positions = _positions(token_ids)
        hidden = encoder.embedding(token_ids, positions=positions)
        bias = combine_biases(padding_bias(padding_mask), encoder.distance_bias(positions, positions))
        for layer in encoder.layers:
            hidden = layer(hidden, bias=bias)
        return encoder.finish(hidden)

    def decode(self, inputs, encoded, context_bias):
        """The decoder's output, float tensor (batch, target_length, hidden_dim).

        Args:
            inputs: dict, the decoder's part of a call.
            encoded: float tensor (batch, encoder_length, hidden_dim), what `encode` gives.
            context_bias: float32 tensor (batch, 1, 1, encoder_length), what of it is hidden.
        """
        _, decoder = self._stacks
        places = _positions(inputs[features.DECODER_TOKEN_IDS])
        hidden = decoder.embedding(
            inputs[features.DECODER_TOKEN_IDS], positions=inputs.get(features.DECODER_POSITIONS, places)
        )  # (batch, target_length, hidden_dim)
        bias = combine_biases(
            causal_bias(places, places),
            padding_bias(inputs[features.DECODER_PADDING_MASK]),
            decoder.distance_bias(places, places),
        )  # (1 or batch, 1 or heads, target_length, target_length)
        for layer in decoder.layers:
            hidden = layer(hidden, bias=bias, context=encoded, context_bias=context_bias)
        return decoder.finish(hidden)

    @property
    def position_embeddings(self):
        """The layers that hold learned positions; none where positions are relative."""
        parts = [stack.embedding.position_embedding for stack in self._stacks]
        return [part for part in parts if part is not None]

    def logits(self, decoded):
        """Scores of all pieces, (batch, length, vocabulary_size), for the decoder's output (..., hidden_dim)."""
        if self.logit_scale != 1.0:
            decoded = decoded * self.logit_scale
        table = self.token_embedding
        if decoded.shape[1] != 1 or not table.tie_weights or table.quantization_mode is not None:
            return table(decoded, reverse=True)
        # For a few vectors, vectors times the table's transpose takes 2.5 times as long as this on a CPU.
        scores = ops.matmul(ops.cast(table.embeddings, decoded.dtype), ops.transpose(decoded[:, 0]))
        return ops.transpose(scores)[:, None]

    # Decoding step by step: what is fixed for a text is computed once, and each step adds its keys and values.

    def context_caches(self, encoded):
        """Keys and values of the encoder's output, a list of (batch, 2, encoder_length, heads, head_dim) by layer."""
        return [layer.cross_attention.project_context(encoded) for layer in self.decoder_layers]

    def empty_caches(self, context_caches, length):
        """Room for the keys and values of `length` steps, a list of zeros (batch, 2, length, heads, head_dim)."""
        return [ops.zeros((ops.shape(each)[0], 2, length, *each.shape[3:]), each.dtype) for each in context_caches]

    def decode_step(self, token_ids, index, caches, context_caches, context_bias):
        """The decoder's output for the tokens at one step.

        Args:
            token_ids: int tensor (batch, 1), what was said last.
            index: int or scalar tensor, the step, from 0.
            caches: list of `empty_caches`, with what the steps before put in.
            context_caches: list, see `context_caches`.
            context_bias: float32 tensor (batch, 1, 1, encoder_length), what of the encoder's output is hidden.

        Returns:
            pair: float tensor (batch, 1, hidden_dim), and the caches with this step in them.
        """
        _, decoder = self._stacks
        place = ops.reshape(ops.cast(index, "int32"), (1, 1))
        keys = ops.arange(caches[0].shape[2], dtype="int32")
        hidden = decoder.embedding(token_ids, positions=place)
        bias = combine_biases(causal_bias(place, keys), decoder.distance_bias(place, keys))  # (1, heads, 1, steps)
        updated = []
        for layer, cache, context_cache in zip(decoder.layers, caches, context_caches, strict=True):
            hidden, cache = layer(
                hidden, bias=bias, context_bias=context_bias, cache=cache, context_cache=context_cache,
                cache_update_index=index,
            )  # fmt: skip
            updated.append(cache)
        return decoder.finish(hidden), updated


def _positions(token_ids):
    """0, 1, 2, ... as an int tensor (1, length), also where the length is not known yet."""
    return ops.cumsum(ops.ones_like(token_ids[:1, :]), axis=1) - 1
