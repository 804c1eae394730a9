"""The one parts bin: every architecture is assembled from these."""

from zoo.layers.activations import activation
from zoo.layers.attention import MultiHeadAttention, dot_product_attention
from zoo.layers.feed_forward import FeedForward
from zoo.layers.masks import FORBIDDEN, causal_bias, combine_biases, padding_bias
from zoo.layers.normalizations import normalization
from zoo.layers.position_bias import RelativePositionBias
from zoo.layers.text_embedding import TextEmbedding
from zoo.layers.token_embedding import TokenEmbedding
from zoo.layers.transformer_layer import TransformerLayer

__all__ = [
    "FORBIDDEN",
    "FeedForward",
    "MultiHeadAttention",
    "RelativePositionBias",
    "TextEmbedding",
    "TokenEmbedding",
    "TransformerLayer",
    "activation",
    "causal_bias",
    "combine_biases",
    "dot_product_attention",
    "normalization",
    "padding_bias",
]
