"""BERT: a bidirectional encoder, pre-trained by hiding tokens and by asking what follows what.

Devlin et al. (2019), arXiv 1810.04805.
"""

import keras
import keras_hub

from zoo.layers import FeedForward, MultiHeadAttention, TextEmbedding, TokenEmbedding, TransformerLayer, normalization
from zoo.layers import activation as activation_named
from zoo.models.checks import check_backbone_arguments, check_heads
from zoo.models.encoder import Encoder

EPSILON = 1e-12
INITIALIZER_RANGE = 0.02


def initializer():
    """What every weight matrix of BERT is drawn from."""
    return keras.initializers.TruncatedNormal(stddev=INITIALIZER_RANGE)


def text_embedding(arguments, embedding_dim, dtype, num_segments, epsilon=EPSILON, hidden_dim=None):
    """Pieces, learned positions and segments, summed and normalized (figure 2); projected if `hidden_dim` is given.

    Args:
        arguments: dict, what the backbone is made with.
        embedding_dim: int, size of the vectors.
        dtype: a Keras dtype policy.
        num_segments: int, 0 for an embedding without segments.
        epsilon: float, of the normalization.
        hidden_dim: int, size to project to, or None.
    """
    tokens = TokenEmbedding(
        arguments["vocabulary_size"], embedding_dim, embeddings_initializer=initializer(), dtype=dtype, name="tokens"
    )
    positions = keras_hub.layers.PositionEmbedding(
        arguments["max_sequence_length"], initializer=initializer(), dtype=dtype, name="positions"
    )
    segments = None
    if num_segments:
        segments = keras.layers.Embedding(
            num_segments, embedding_dim, embeddings_initializer=initializer(), dtype=dtype, name="segments"
        )
    return TextEmbedding(
        tokens, positions, segments, epsilon=epsilon, dropout=arguments["dropout"], hidden_dim=hidden_dim, dtype=dtype,
        name="embedding",
    )  # fmt: skip


def self_attention(num_heads, dropout, dtype, name="self_attention"):
    """Attention of every token to every token."""
    return MultiHeadAttention(num_heads, dropout=dropout, kernel_initializer=initializer(), dtype=dtype, name=name)


def feed_forward(intermediate_dim, activation, dtype, name="feed_forward"):
    """The position-wise part."""
    return FeedForward(intermediate_dim, activation, kernel_initializer=initializer(), dtype=dtype, name=name)


def pooler(hidden_dim, dtype, activation="tanh"):
    """A dense layer over the vector of [CLS], as in the released code."""
    return keras.layers.Dense(
        hidden_dim, activation_named(activation), kernel_initializer=initializer(), dtype=dtype, name="pooler"
    )


@keras.saving.register_keras_serializable(package="zoo")
class BertBackbone(Encoder):
    """The encoder of BERT: learned positions, two segments, full attention, a pooler over [CLS].

    Its descendants are it with other numbers: RoBERTa and DistilBERT have no segments (Liu et al. 2019, arXiv
    1907.11692; Sanh et al. 2019, arXiv 1910.01108); ERNIE, MacBERT and ELECTRA were pre-trained in other ways (Sun et
    al. 2019, arXiv 1904.09223; Cui et al. 2020, arXiv 2004.13922; Clark et al. 2020, arXiv 2003.10555).

    Args:
        vocabulary_size: int, number of pieces.
        num_layers: int, number of transformer layers (L of the paper).
        num_heads: int, number of attention heads (A).
        hidden_dim: int, size of the token vectors (H).
        intermediate_dim: int, inner size of the feed-forward part (4 H in the paper).
        dropout: float, probability, on embeddings, attention weights and the output of each part.
        max_sequence_length: int, longest input, in tokens.
        num_segments: int, number of segment ids; 0 for a model that does not tell segments apart.
        activation: str, `"gelu"` (exact) or another name of `zoo.layers.activation`.
        normalize_first: bool, False as in the paper; True is the pre-norm form with a last normalization,
            which trains from nothing at higher rates (Xiong et al. 2020, arXiv 2002.04745).
        pooler_activation: str, of the pooler: `"tanh"`, in DistilBERT's released code `"relu"`, in ELECTRA's `"gelu"`.
        epsilon: float, added to the variance in the normalizations: 1e-12, in RoBERTa 1e-5.
        dtype: the Keras dtype policy, such as `"mixed_bfloat16"`.

    Call arguments:
        A dict of int tensors (batch, length): `token_ids`, `padding_mask` (1 = real token) and, if there are segments,
        `segment_ids`.

    Returns:
        A dict: `sequence_output`, float tensor (batch, length, hidden_dim), and `pooled_output`, float
        tensor (batch, hidden_dim).

    Raises:
        ValueError: if a size is not positive or `num_heads` does not divide `hidden_dim`.

    Example:

    >>> import numpy as np, zoo
    >>> backbone = zoo.BertBackbone(
    ...     vocabulary_size=97, num_layers=2, num_heads=3, hidden_dim=12, intermediate_dim=48
    ... )
    >>> ids = np.ones((2, 7), "int32")
    >>> backbone({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids})["pooled_output"].shape
    TensorShape([2, 12])
    """

    def __init__(
        self,
        vocabulary_size,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
        dropout=0.1,
        max_sequence_length=512,
        num_segments=2,
        activation="gelu",
        normalize_first=False,
        pooler_activation="tanh",
        epsilon=EPSILON,
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
            "num_segments": num_segments,
            "activation": activation,
            "normalize_first": normalize_first,
            "pooler_activation": pooler_activation,
            "epsilon": epsilon,
        }
        check_backbone_arguments(arguments, kwargs, may_be_zero=("num_segments",))
        check_heads(num_heads, hidden_dim)

        layers = [
            TransformerLayer(
                self_attention(num_heads, dropout, dtype),
                feed_forward(intermediate_dim, activation, dtype),
                epsilon=epsilon,
                normalize_first=normalize_first,
                dropout=dropout,
                dtype=dtype,
                name=f"layer_{index}",
            )
            for index in range(num_layers)
        ]
        super().__init__(
            arguments,
            text_embedding(arguments, hidden_dim, dtype, num_segments, epsilon),
            layers,
            final_norm=normalization("layer", epsilon, dtype=dtype, name="final_norm") if normalize_first else None,
            pooler=pooler(hidden_dim, dtype, pooler_activation),
            dtype=dtype,
            **kwargs,
        )
