"""RoBERTa at Hugging Face, and the pre-norm form of it, which is our pre-norm BERT."""

import dataclasses

from zoo.weights.name_table import NameTable
from zoo.weights.published import bert, heads
from zoo.weights.published.bert import ACTIVATIONS, FIXED, SIZES


def unused_positions(config: dict) -> int:
    """Positions are counted from behind the number of the padding token."""
    return config.get("pad_token_id", 1) + 1


ROBERTA = NameTable(
    architecture="BertBackbone",
    published_name="Roberta",
    model_type="roberta",
    arguments={
        **SIZES,
        "dropout": ("hidden_dropout_prob", 0.1),
        "activation": ("hidden_act", "gelu"),
        "epsilon": ("layer_norm_eps", 1e-12),
    },
    values={"activation": ACTIVATIONS},
    constants={"normalize_first": False, "pooler_activation": "tanh", "num_segments": 0},
    fixed={**FIXED, "type_vocab_size": 1},
    layers=bert.layers,
    prefix="roberta.",
    heads=(
        *heads.classification("classifier.out_proj", pooler="classifier.dense"),
        heads.tags(),
        heads.spans(),
        *heads.masked_lm("lm_head.dense", "lm_head.layer_norm", "lm_head", activation="gelu"),
    ),
    ignored=("lm_head.*", "classifier.*", "qa_outputs.*"),
    buffers=("embeddings.position_ids", "embeddings.token_type_ids"),
    copies={"lm_head.decoder.weight": "embeddings.word_embeddings.weight", "lm_head.decoder.bias": "lm_head.bias"},
    optional=("pooler",),
    unused_positions=unused_positions,
    folded={"embeddings.token_type_embeddings.weight": ("embedding/positions/embeddings", "type_vocab_size", 1)},
)


def pre_norm_layers(arguments):
    """The name of each of our layers, with each normalization before its part."""
    found = {**bert.layers(arguments), "final_norm": "LayerNorm"}
    for layer in range(arguments["num_layers"]):
        found[f"layer_{layer}/self_attention_norm"] = f"encoder.layer.{layer}.attention.LayerNorm"
        found[f"layer_{layer}/feed_forward_norm"] = f"encoder.layer.{layer}.intermediate.LayerNorm"
    return found


PRE_NORM = dataclasses.replace(
    ROBERTA,
    published_name="RobertaPreLayerNorm",
    model_type="roberta-prelayernorm",
    arguments={**ROBERTA.arguments, "num_segments": ("type_vocab_size", 2)},
    constants={"normalize_first": True, "pooler_activation": "tanh"},
    fixed=FIXED,
    least={"type_vocab_size": 1},
    layers=pre_norm_layers,
    prefix="roberta_prelayernorm.",
    folded={},
)
