"""MASS: an encoder-decoder that is pre-trained to say the fragment of a sentence that its encoder cannot see.

Song et al. (2019), arXiv 1905.02450. The fragment is drawn by `zoo.objectives.MASS()`.
"""

import keras

from zoo.data import features
from zoo.models.bart import stacks
from zoo.models.checks import check_backbone_arguments, check_heads
from zoo.models.encoder_decoder import EncoderDecoder, TextFrame


@keras.saving.register_keras_serializable(package="zoo")
class MassBackbone(EncoderDecoder):
    """The encoder-decoder of MASS: BART's parts, with a decoder that is told where it stands and what to look at.

    In pre-training the decoder says a fragment from the middle of a sentence: its positions are those of the fragment
    in the sentence, and it does not look at what the encoder reads in the fragment's place (released code of MASS).

    Args:
        vocabulary_size: int, number of pieces.
        num_layers: int, number of layers of the encoder, and as many of the decoder.
        num_heads: int, number of attention heads.
        hidden_dim: int, size of the token vectors.
        intermediate_dim: int, inner size of the feed-forward part.
        dropout: float, probability, on embeddings, attention weights and the output of each part.
        max_sequence_length: int, longest input and longest output, in tokens.
        activation: str, `"gelu"` (exact) or another name of `zoo.layers.activation`.
        normalize_first: bool, False as in the paper; True is the pre-norm form, see `zoo.BartBackbone`.
        dtype: the Keras dtype policy, such as `"mixed_bfloat16"`.

    Call arguments:
        A dict of int tensors: `encoder_token_ids`, `encoder_padding_mask`, `cross_attention_mask` (batch,
        encoder_length) and `decoder_token_ids`, `decoder_padding_mask`, `decoder_positions` (batch, target_length).

    Returns:
        A dict: `encoder_sequence_output`, float tensor (batch, encoder_length, hidden_dim), and
        `decoder_sequence_output`, float tensor (batch, target_length, hidden_dim).

    Raises:
        ValueError: if a size is not positive or `num_heads` does not divide `hidden_dim`.
    """

    input_features = (*EncoderDecoder.input_features, features.DECODER_POSITIONS, features.CROSS_ATTENTION_MASK)
    frame = TextFrame(source_starts=True, target_starts=False, first="start")

    def __init__(
        self,
        vocabulary_size,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
        dropout=0.1,
        max_sequence_length=512,
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
        encoder, decoder = stacks(arguments, dtype)
        super().__init__(arguments, encoder, decoder, dtype=dtype, **kwargs)
