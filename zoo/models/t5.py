"""T5: an encoder-decoder with relative positions that turns every task into text to text.

Raffel et al. (2020), arXiv 1910.10683; version 1.1 has gated feed-forward parts (Shazeer 2020, arXiv 2002.05202) and
an output matrix of its own (released code). It is pre-trained by `zoo.objectives.SpanCorruption()`.
"""

import keras

from zoo.layers import (
    FeedForward,
    MultiHeadAttention,
    RelativePositionBias,
    TextEmbedding,
    TokenEmbedding,
    TransformerLayer,
    normalization,
)
from zoo.models.checks import check_backbone_arguments
from zoo.models.encoder_decoder import EncoderDecoder, Stack, TextFrame

EPSILON = 1e-6
NUM_BUCKETS = 32
MAX_DISTANCE = 128


def normal(stddev):
    """What a weight matrix is drawn from: in T5 its spread stands for the scale of the attention scores."""
    return keras.initializers.RandomNormal(stddev=stddev)


@keras.saving.register_keras_serializable(package="zoo")
class T5Backbone(EncoderDecoder):
    """The encoder-decoder of T5: no biases, pre-norm without means, relative positions that all layers share.

    Args:
        vocabulary_size: int, rows of the embedding; the released models have 32,128 for 32,100 pieces.
        num_layers: int, number of layers of the encoder, and as many of the decoder.
        num_heads: int, number of attention heads.
        hidden_dim: int, size of the token vectors.
        intermediate_dim: int, inner size of the feed-forward part.
        head_dim: int, size of a head; heads times this need not be `hidden_dim`.
        activation: str, `"relu"` (1.0), or `"gelu_approximate"` (1.1); see `zoo.layers.activation`.
        gated: bool, whether the feed-forward part is gated (1.1).
        tie_embedding: bool, whether the answer is read off the pieces' embedding (1.0) or a matrix of its own (1.1).
        dropout: float, probability, on embeddings, attention weights, inside and behind each part.
        max_sequence_length: int, the length that tasks cut texts to, in tokens; the model itself has no limit.
        dtype: the Keras dtype policy, such as `"mixed_bfloat16"`. In float16 what overflows is cut.

    Call arguments:
        A dict of int tensors: `encoder_token_ids`, `encoder_padding_mask` (batch, encoder_length) and
        `decoder_token_ids`, `decoder_padding_mask` (batch, target_length).

    Returns:
        A dict: `encoder_sequence_output`, float tensor (batch, encoder_length, hidden_dim), and
        `decoder_sequence_output`, float tensor (batch, target_length, hidden_dim).

    Raises:
        ValueError: if a size is not positive.
    """

    frame = TextFrame(source_starts=False, target_starts=False, first="padding")

    def __init__(
        self,
        vocabulary_size,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
        head_dim=64,
        activation="relu",
        gated=False,
        tie_embedding=True,
        dropout=0.1,
        max_sequence_length=512,
        dtype=None,
        **kwargs,
    ):
        arguments = {
            "vocabulary_size": vocabulary_size,
            "num_layers": num_layers,
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "intermediate_dim": intermediate_dim,
            "head_dim": head_dim,
            "activation": activation,
            "gated": gated,
            "tie_embedding": tie_embedding,
            "dropout": dropout,
            "max_sequence_length": max_sequence_length,
        }
        check_backbone_arguments(arguments, kwargs)
        tokens = TokenEmbedding(
            vocabulary_size, hidden_dim, tie_weights=tie_embedding, embeddings_initializer=normal(1.0), dtype=dtype,
            name="tokens",
        )  # fmt: skip
        super().__init__(
            arguments,
            _stack("encoder", tokens, arguments, dtype),
            _stack("decoder", tokens, arguments, dtype),
            # The embedding is drawn with spread 1; only a tied answer is scaled back.
            logit_scale=hidden_dim**-0.5 if tie_embedding else 1.0,
            dtype=dtype,
            **kwargs,
        )


def _stack(side, tokens, arguments, dtype):
    dropout = arguments["dropout"]
    return Stack(
        TextEmbedding(tokens, normalization=None, dropout=dropout, dtype=dtype, name=f"{side}_embedding"),
        [_layer(side, f"{side}_layer_{index}", arguments, dtype) for index in range(arguments["num_layers"])],
        position_bias=RelativePositionBias(
            arguments["num_heads"], NUM_BUCKETS, MAX_DISTANCE, bidirectional=side == "encoder", dtype=dtype,
            name=f"{side}_position_bias",
        ),
        final_norm=normalization("rms", EPSILON, dtype=dtype, name=f"{side}_final_norm"),
        final_dropout=keras.layers.Dropout(dropout, dtype=dtype, name=f"{side}_dropout"),
    )  # fmt: skip


def _layer(side, name, arguments, dtype):
    hidden_dim, inner = arguments["hidden_dim"], arguments["num_heads"] * arguments["head_dim"]
    intermediate_dim, dropout = arguments["intermediate_dim"], arguments["dropout"]
    shared = {"use_bias": False, "dropout": dropout, "dtype": dtype}

    def attention(part):
        return MultiHeadAttention(
            arguments["num_heads"],
            arguments["head_dim"],
            scale=1.0,
            kernel_initializer={
                "query": normal((hidden_dim * arguments["head_dim"]) ** -0.5),
                "key": normal(hidden_dim**-0.5),
                "value": normal(hidden_dim**-0.5),
                "output": normal(inner**-0.5),
            },
            name=part,
            **shared,
        )

    feed_forward = FeedForward(
        intermediate_dim,
        arguments["activation"],
        gated=arguments["gated"],
        kernel_initializer={
            "intermediate": normal(hidden_dim**-0.5),
            "gate": normal(hidden_dim**-0.5),
            "output": normal(intermediate_dim**-0.5),
        },
        name="feed_forward",
        **shared,
    )
    return TransformerLayer(
        attention("self_attention"), feed_forward, attention("cross_attention") if side == "decoder" else None,
        normalization="rms", epsilon=EPSILON, normalize_first=True, dropout=dropout, dtype=dtype, name=name,
    )  # fmt: skip
