"""ALBERT in KerasHub."""

from zoo.weights.keras_hub_presets.bert import COMMON, EMBEDDING, encoder_layer
from zoo.weights.keras_hub_presets.table import KerasHubTable


def layers(arguments):
    """The name of each of our layers."""
    found = {**EMBEDDING, "embedding/projection": "embedding_projection"}
    for group in range(arguments["num_groups"]):
        found |= encoder_layer(f"layer_{group}", f"group_{group}_inner_layer_0")
    return found


ALBERT = KerasHubTable(
    architecture="AlbertBackbone",
    arguments={name: name for name in (*COMMON, "max_sequence_length", "embedding_dim", "num_groups")},
    layers=layers,
    fixed={"activation": "gelu_approximate", "normalize_first": False, "sharing": "all"},
    theirs={"num_inner_repetitions": 1, "num_segments": 2},
)
