"""BART in KerasHub."""

from zoo.weights.keras_hub_presets.bert import ATTENTION, COMMON, FEED_FORWARD, encoder_layer
from zoo.weights.keras_hub_presets.table import KerasHubTable

# The rows of a position table that the released code never reads, and that KerasHub leaves out.
UNREAD_ROWS = 2


def layers(arguments):
    """The name of each of our layers."""
    found = {"encoder_embedding/tokens": "token_embedding"}
    for side in ("encoder", "decoder"):
        found |= {
            f"{side}_embedding/{side}_positions": f"{side}_position_embedding",
            f"{side}_embedding/norm": f"{side}_embeddings_layer_norm",
        }
    for layer in range(arguments["num_layers"]):
        found |= encoder_layer(f"encoder_layer_{layer}", f"transformer_encoder_layer_{layer}")
        ours, theirs = f"decoder_layer_{layer}", f"transformer_decoder_layer_{layer}"
        for attention in ("self_attention", "cross_attention"):
            found |= {f"{ours}/{attention}/{part}": f"{theirs}/{attention}/{name}" for part, name in ATTENTION.items()}
            found[f"{ours}/{attention}_norm"] = f"{theirs}/{attention}_layer_norm"
        found |= {f"{ours}/{part}": f"{theirs}/{name}" for part, name in FEED_FORWARD.items()}
    return found


BART = KerasHubTable(
    architecture="BartBackbone",
    arguments={name: name for name in (*COMMON, "max_sequence_length")},
    layers=layers,
    fixed={"activation": "gelu", "normalize_first": False},
    unread_rows={f"{side}_embedding/{side}_positions": UNREAD_ROWS for side in ("encoder", "decoder")},
)
