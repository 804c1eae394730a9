"""BART: an encoder-decoder, pre-trained to rebuild a text from a noisy copy of it.

Lewis et al. (2020), arXiv 1910.13461. The noise is `zoo.objectives.SentencePermutation() +
zoo.objectives.TextInfilling()`.
"""

import keras
import keras_hub

from zoo.layers import FeedForward, MultiHeadAttention, TextEmbedding, TokenEmbedding, TransformerLayer, normalization
from zoo.models.checks import check_backbone_arguments, check_heads
from zoo.models.encoder_decoder import EncoderDecoder, Stack, TextFrame

EPSILON = 1e-5
INITIALIZER_RANGE = 0.02
# The first rows of the position tables of the released code are never read.
POSITION_OFFSET = 2


def initializer():
    """What every weight matrix of BART is drawn from."""
    return keras.initializers.RandomNormal(stddev=INITIALIZER_RANGE)


def token_embedding(vocabulary_size, hidden_dim, dtype):
    """The pieces, for the encoder, the decoder and the decoder's answer."""
    return TokenEmbedding(vocabulary_size, hidden_dim, embeddings_initializer=initializer(), dtype=dtype, name="tokens")


def stacks(arguments, dtype, position_offset=0):
    """Encoder and decoder, as a pair, of a backbone made with `arguments`."""
    tokens = token_embedding(arguments["vocabulary_size"], arguments["hidden_dim"], dtype)
    normalize_first, dropout = arguments["normalize_first"], arguments["dropout"]

    def attention(name):
        return MultiHeadAttention(
            arguments["num_heads"], dropout=dropout, kernel_initializer=initializer(), dtype=dtype, name=name
        )

    def layer(side, index):
        return TransformerLayer(
            attention("self_attention"),
            FeedForward(
                arguments["intermediate_dim"], arguments["activation"], kernel_initializer=initializer(), dtype=dtype,
                name="feed_forward",
            ),
            attention("cross_attention") if side == "decoder" else None,
            epsilon=EPSILON, normalize_first=normalize_first, dropout=dropout, dtype=dtype,
            name=f"{side}_layer_{index}",
        )  # fmt: skip

    def stack(side):
        positions = keras_hub.layers.PositionEmbedding(
            arguments["max_sequence_length"] + position_offset, initializer=initializer(), dtype=dtype,
            name=f"{side}_positions",
        )  # fmt: skip
        last = normalization("layer", EPSILON, dtype=dtype, name=f"{side}_final_norm") if normalize_first else None
        return Stack(
            TextEmbedding(
                tokens, positions, epsilon=EPSILON, dropout=dropout, position_offset=position_offset, dtype=dtype,
                name=f"{side}_embedding",
            ),
            [layer(side, index) for index in range(arguments["num_layers"])],
            final_norm=last,
        )  # fmt: skip

    return stack("encoder"), stack("decoder")


@keras.saving.register_keras_serializable(package="zoo")
class BartBackbone(EncoderDecoder):
    """The encoder-decoder of BART: learned positions, normalized embeddings, one matrix for all pieces.

    Args:
        vocabulary_size: int, number of pieces.
        num_layers: int, number of layers of the encoder, and as many of the decoder.
        num_heads: int, number of attention heads.
        hidden_dim: int, size of the token vectors.
        intermediate_dim: int, inner size of the feed-forward part.
        dropout: float, probability, on embeddings, attention weights and the output of each part.
        max_sequence_length: int, longest input and longest output, in tokens.
        activation: str, `"gelu"` (exact) or another name of `zoo.layers.activation`.
        normalize_first: bool, False as in the paper; True is the pre-norm form with a last normalization on both
            sides, as in mBART (Liu et al. 2020, arXiv 2001.08210, section 2.2).
        dtype: the Keras dtype policy, such as `"mixed_bfloat16"`.

    Call arguments:
        A dict of int tensors: `encoder_token_ids`, `encoder_padding_mask` (batch, encoder_length) and
        `decoder_token_ids`, `decoder_padding_mask` (batch, target_length).

    Returns:
        A dict: `encoder_sequence_output`, float tensor (batch, encoder_length, hidden_dim), and
        `decoder_sequence_output`, float tensor (batch, target_length, hidden_dim).

    Raises:
        ValueError: if a size is not positive or `num_heads` does not divide `hidden_dim`.

    Example:

    >>> import numpy as np, zoo
    >>> backbone = zoo.BartBackbone(97, num_layers=2, num_heads=3, hidden_dim=12, intermediate_dim=48)
    >>> source, target = np.ones((2, 7), "int32"), np.ones((2, 5), "int32")
    >>> outputs = backbone({
    ...     "encoder_token_ids": source, "encoder_padding_mask": source,
    ...     "decoder_token_ids": target, "decoder_padding_mask": target,
    ... })
    >>> outputs["decoder_sequence_output"].shape
    TensorShape([2, 5, 12])
    """

    frame = TextFrame(source_starts=True, target_starts=True, first="end")

    def __init__(
        self,
        vocabulary_size,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
        dropout=0.1,
        max_sequence_length=1024,
        activation="gelu",
        normalize_first=False,
        dtype=None,
        **kwargs,
    ):
        arguments = {
            "vocabulary_size": vocabulary_size,
            "num_layers": num_layers,
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "intermediate_dim": intermediate_dim,
            "dropout": dropout,
            "max_sequence_length": max_sequence_length,
            "activation": activation,
            "normalize_first": normalize_first,
        }
        check_backbone_arguments(arguments, kwargs)
        check_heads(num_heads, hidden_dim)
        encoder, decoder = stacks(arguments, dtype, POSITION_OFFSET)
        super().__init__(arguments, encoder, decoder, dtype=dtype, **kwargs)
