"""T5, 1.0 and 1.1, in KerasHub."""

import keras
import keras_hub  # noqa: F401  (registers its functions)

from zoo.weights.keras_hub_presets.bert import COMMON
from zoo.weights.keras_hub_presets.table import KerasHubTable

ATTENTION = {part: f"{part}_projector" for part in ("query", "key", "value", "output")}
FEED_FORWARD = {"intermediate": "input_projector", "gate": "gate_projector", "output": "output_projector"}


def layers(arguments):
    """The name of each of our layers."""
    found = {"encoder_embedding/tokens": "token_embedding"}
    for side in ("encoder", "decoder"):
        found |= {
            f"{side}_position_bias": f"transformer_{side}_layer_0/self_attention",
            f"{side}_final_norm": f"{side}_output_layer_norm",
        }
        attentions = ["self_attention"] if side == "encoder" else ["self_attention", "cross_attention"]
        for layer in range(arguments["num_layers"]):
            ours, theirs = f"{side}_layer_{layer}", f"transformer_{side}_layer_{layer}"
            for attention in attentions:
                found |= {
                    f"{ours}/{attention}/{part}": f"{theirs}/{attention}/{name}" for part, name in ATTENTION.items()
                }
            found |= {f"{ours}/feed_forward/{part}": f"{theirs}/{name}" for part, name in FEED_FORWARD.items()}
            for number, part in enumerate([*attentions, "feed_forward"]):
                found[f"{ours}/{part}_norm"] = f"{theirs}/t5_layer_norm:{number}"
    return found


T5 = KerasHubTable(
    architecture="T5Backbone",
    arguments={
        **{name: name for name in COMMON},
        "head_dim": "key_value_dim",
        "activation": "activation",
        "gated": "use_gated_activation",
        "tie_embedding": "tie_embedding_weights",
    },
    values={
        "activation": {
            "relu": "relu",
            "gelu": "gelu",
            "gelu_approximate": keras.saving.get_registered_object("keras_hub>gelu_approximate"),
        }
    },
    layers=layers,
    theirs={"layer_norm_epsilon": 1e-6},
    derived={"head_dim": lambda arguments: arguments["hidden_dim"] // arguments["num_heads"]},
    ours_alone=("max_sequence_length",),
)
