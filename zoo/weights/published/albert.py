"""ALBERT at Hugging Face."""

from zoo.weights.name_table import NameTable
from zoo.weights.published import heads
from zoo.weights.published.bert import ACTIVATIONS, EMBEDDING, FIXED, SIZES


def layers(arguments):
    """The name of each of our layers."""
    found = {**EMBEDDING, "embedding/projection": "encoder.embedding_hidden_mapping_in", "pooler": "pooler"}
    for group in range(arguments["num_groups"]):
        ours, theirs = f"layer_{group}", f"encoder.albert_layer_groups.{group}.albert_layers.0"
        found |= {
            f"{ours}/self_attention/query": f"{theirs}.attention.query",
            f"{ours}/self_attention/key": f"{theirs}.attention.key",
            f"{ours}/self_attention/value": f"{theirs}.attention.value",
            f"{ours}/self_attention/output": f"{theirs}.attention.dense",
            f"{ours}/self_attention_norm": f"{theirs}.attention.LayerNorm",
            f"{ours}/feed_forward/intermediate": f"{theirs}.ffn",
            f"{ours}/feed_forward/output": f"{theirs}.ffn_output",
            f"{ours}/feed_forward_norm": f"{theirs}.full_layer_layer_norm",
        }
    return found


ALBERT = NameTable(
    architecture="AlbertBackbone",
    published_name="Albert",
    model_type="albert",
    arguments={
        **SIZES,
        "embedding_dim": ("embedding_size", 128),
        "num_groups": ("num_hidden_groups", 1),
        "dropout": ("hidden_dropout_prob", 0.0),
        "activation": ("hidden_act", "gelu_new"),
    },
    values={"activation": ACTIVATIONS},
    constants={"normalize_first": False, "sharing": "all"},
    # The released files carry the settings of an older program, which are at these values in all of them.
    fixed={
        **FIXED,
        "layer_norm_eps": 1e-12,
        "type_vocab_size": 2,
        "inner_group_num": 1,
        "net_structure_type": 0,
        "gap_size": 0,
        "num_memory_blocks": 0,
        "down_scale_factor": 1,
        "layers_to_keep": [],
    },
    layers=layers,
    prefix="albert.",
    heads=(
        *heads.classification("classifier"),
        heads.tags(),
        heads.spans(),
        *heads.masked_lm(
            "predictions.dense", "predictions.LayerNorm", "predictions",
            sentence="sop_classifier.classifier", kind="sentence_order",
        ),
    ),
    ignored=("predictions.*", "sop_classifier.*", "classifier.*", "qa_outputs.*"),
    buffers=("embeddings.position_ids", "embeddings.token_type_ids"),
    copies={
        "predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "predictions.decoder.bias": "predictions.bias",
    },
    optional=("pooler",),
)  # fmt: skip
