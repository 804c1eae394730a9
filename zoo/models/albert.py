"""ALBERT: a BERT whose layers share their weights and whose embedding is factorised.

Lan et al. (2020), arXiv 1909.11942. It is pre-trained by masked language modelling of n-grams and by
sentence order (`zoo.objectives.MaskedLM(unit="ngram") + zoo.objectives.SentenceOrder()`).
"""

import keras

from zoo.layers import TransformerLayer, normalization
from zoo.models.bert import EPSILON, feed_forward, pooler, self_attention, text_embedding
from zoo.models.checks import check_backbone_arguments, check_heads
from zoo.models.encoder import Encoder

# What the layers of a group share, section 3.1 and table 4.
SHARING = ("all", "attention", "feed_forward", "none")
NUM_SEGMENTS = 2


@keras.saving.register_keras_serializable(package="zoo")
class AlbertBackbone(Encoder):
    """The encoder of ALBERT: pieces embedded in few dimensions, one layer that runs many times.

    Args:
        vocabulary_size: int, number of pieces (V of the paper).
        num_layers: int, how many layers the text goes through (L).
        num_heads: int, number of attention heads.
        hidden_dim: int, size of the token vectors (H).
        intermediate_dim: int, inner size of the feed-forward part (4 H in the paper).
        embedding_dim: int, size of the embedding before it is projected to `hidden_dim` (E).
        num_groups: int, number of equal groups of layers; only layers of one group share. 1 in the paper.
        sharing: str, what the layers of a group have in common: `"all"`, so that one layer is repeated; only the
            `"attention"` or only the `"feed_forward"` part, each layer having its own rest and its own
            normalizations; or `"none"` (table 4 of the paper).
        dropout: float, probability, on embeddings, attention weights and the output of each part. Version 2
            of the released models has none.
        max_sequence_length: int, longest input, in tokens.
        activation: str, `"gelu_approximate"` as in the released code, or a name of `zoo.layers.activation`.
        normalize_first: bool, False as in the paper; True is the pre-norm form, see `BertBackbone`.
        dtype: the Keras dtype policy, such as `"mixed_bfloat16"`.

    Call arguments:
        A dict of int tensors (batch, length): `token_ids`, `segment_ids`, `padding_mask` (1 = real token).

    Returns:
        A dict: `sequence_output`, float tensor (batch, length, hidden_dim), and `pooled_output`, float
        tensor (batch, hidden_dim).

    Raises:
        ValueError: if a size is not positive, `num_heads` does not divide `hidden_dim` or `num_groups`
            `num_layers`, or `sharing` is unknown.

    Example:

    >>> import zoo
    >>> sizes = dict(vocabulary_size=97, num_heads=3, hidden_dim=12, intermediate_dim=48, embedding_dim=5)
    >>> deep = zoo.AlbertBackbone(num_layers=12, **sizes)
    >>> deep.count_params() == zoo.AlbertBackbone(num_layers=1, **sizes).count_params()
    True
    """

    def __init__(
        self,
        vocabulary_size,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
        embedding_dim=128,
        num_groups=1,
        sharing="all",
        dropout=0.0,
        max_sequence_length=512,
        activation="gelu_approximate",
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
            "embedding_dim": embedding_dim,
            "num_groups": num_groups,
            "sharing": sharing,
            "dropout": dropout,
            "max_sequence_length": max_sequence_length,
            "activation": activation,
            "normalize_first": normalize_first,
        }
        check_backbone_arguments(arguments, kwargs)
        check_heads(num_heads, hidden_dim)
        if sharing not in SHARING:
            raise ValueError(f"`sharing` must be one of {SHARING}. Received: sharing={sharing!r}")
        if num_layers % num_groups:
            raise ValueError(
                f"`num_groups` must divide `num_layers`. Received: num_groups={num_groups}, num_layers={num_layers}"
            )
        layers, order = _layers(arguments, dtype)
        super().__init__(
            arguments,
            text_embedding(arguments, embedding_dim, dtype, NUM_SEGMENTS, hidden_dim=hidden_dim),
            layers,
            order=order,
            final_norm=normalization("layer", EPSILON, dtype=dtype, name="final_norm") if normalize_first else None,
            pooler=pooler(hidden_dim, dtype),
            dtype=dtype,
            **kwargs,
        )


def _layers(arguments, dtype):
    """The layers of a backbone made with `arguments`, and the order in which they run; see `_share`."""
    num_layers, num_groups, dropout = arguments["num_layers"], arguments["num_groups"], arguments["dropout"]

    def layer(attention, inner, index):
        return TransformerLayer(
            attention, inner, epsilon=EPSILON, normalize_first=arguments["normalize_first"], dropout=dropout,
            dtype=dtype, name=f"layer_{index}",
        )  # fmt: skip

    return _share(
        lambda: self_attention(arguments["num_heads"], dropout, dtype),
        lambda: feed_forward(arguments["intermediate_dim"], arguments["activation"], dtype),
        layer,
        groups=[index * num_groups // num_layers for index in range(num_layers)],
        sharing=arguments["sharing"],
    )


def _share(make_attention, make_feed_forward, make_layer, groups, sharing):
    """Layers, and the order in which they run; `groups` names the group of each layer that runs."""

    def parts(make, shared):
        made = [make() for _ in range(groups[-1] + 1 if shared else len(groups))]
        return [made[group] for group in groups] if shared else made

    attentions = parts(make_attention, sharing in ("all", "attention"))
    inners = parts(make_feed_forward, sharing in ("all", "feed_forward"))
    if sharing == "all":  # the normalizations too
        first = [groups.index(group) for group in range(groups[-1] + 1)]
        return [make_layer(attentions[index], inners[index], groups[index]) for index in first], groups
    return [make_layer(*both, index) for index, both in enumerate(zip(attentions, inners, strict=True))], None
