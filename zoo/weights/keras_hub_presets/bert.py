"""BERT in KerasHub."""

from zoo.weights.keras_hub_presets.table import KerasHubTable

EMBEDDING = {
    "embedding/tokens": "token_embedding",
    "embedding/positions": "position_embedding",
    "embedding/segments": "segment_embedding",
    "embedding/norm": "embeddings_layer_norm",
    "pooler": "pooled_dense",
}
COMMON = ("vocabulary_size", "num_layers", "num_heads", "hidden_dim", "intermediate_dim", "dropout")
ATTENTION = {"query": "query", "key": "key", "value": "value", "output": "attention_output"}
FEED_FORWARD = {
    "feed_forward/intermediate": "feedforward_intermediate_dense",
    "feed_forward/output": "feedforward_output_dense",
    "feed_forward_norm": "feedforward_layer_norm",
}


def encoder_layer(ours, theirs):
    """The names of what is in a layer of an encoder."""
    attention = f"{theirs}/self_attention_layer"
    return {
        **{f"{ours}/self_attention/{part}": f"{attention}/{name}" for part, name in ATTENTION.items()},
        f"{ours}/self_attention_norm": f"{theirs}/self_attention_layer_norm",
        **{f"{ours}/{part}": f"{theirs}/{name}" for part, name in FEED_FORWARD.items()},
    }


def layers(arguments):
    """The name of each of our layers."""
    found = dict(EMBEDDING)
    for layer in range(arguments["num_layers"]):
        found |= encoder_layer(f"layer_{layer}", f"transformer_layer_{layer}")
    return found


BERT = KerasHubTable(
    architecture="BertBackbone",
    arguments={name: name for name in (*COMMON, "max_sequence_length", "num_segments")},
    layers=layers,
    fixed={
        "activation": "gelu_approximate", "normalize_first": False, "pooler_activation": "tanh", "epsilon": 1e-12,
    },
)  # fmt: skip
