"""BERT at Hugging Face."""

from zoo.weights.name_table import NameTable, Required

ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_approximate", "relu": "relu"}
SIZES = {
    "vocabulary_size": ("vocab_size", Required),
    "num_layers": ("num_hidden_layers", Required),
    "num_heads": ("num_attention_heads", Required),
    "hidden_dim": ("hidden_size", Required),
    "intermediate_dim": ("intermediate_size", Required),
    "max_sequence_length": ("max_position_embeddings", Required),
}
FIXED = {
    "position_embedding_type": "absolute", "layer_norm_eps": 1e-12, "is_decoder": False, "add_cross_attention": False,
    "cross_attention_hidden_size": None, "pruned_heads": {}, "tie_word_embeddings": True,
}  # fmt: skip


def layers(arguments):
    """The name of each of our layers."""
    found = {
        "embedding/tokens": "embeddings.word_embeddings",
        "embedding/positions": "embeddings.position_embeddings",
        "embedding/segments": "embeddings.token_type_embeddings",
        "embedding/norm": "embeddings.LayerNorm",
        "pooler": "pooler.dense",
    }
    for layer in range(arguments["num_layers"]):
        ours, theirs = f"layer_{layer}", f"encoder.layer.{layer}"
        found |= {
            f"{ours}/self_attention/query": f"{theirs}.attention.self.query",
            f"{ours}/self_attention/key": f"{theirs}.attention.self.key",
            f"{ours}/self_attention/value": f"{theirs}.attention.self.value",
            f"{ours}/self_attention/output": f"{theirs}.attention.output.dense",
            f"{ours}/self_attention_norm": f"{theirs}.attention.output.LayerNorm",
            f"{ours}/feed_forward/intermediate": f"{theirs}.intermediate.dense",
            f"{ours}/feed_forward/output": f"{theirs}.output.dense",
            f"{ours}/feed_forward_norm": f"{theirs}.output.LayerNorm",
        }
    return found


BERT = NameTable(
    architecture="BertBackbone",
    arguments={
        **SIZES,
        "num_segments": ("type_vocab_size", 2),
        "dropout": ("hidden_dropout_prob", 0.1),
        "activation": ("hidden_act", "gelu"),
    },
    values={"activation": ACTIVATIONS},
    fixed=FIXED,
    layers=layers,
    prefix="bert.",
    heads=("cls.*", "classifier.*", "qa_outputs.*"),
    buffers=("embeddings.position_ids", "embeddings.token_type_ids"),
    optional=("pooler",),
)
