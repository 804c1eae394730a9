"""DistilBERT at Hugging Face: half of the layers of a BERT, without segments."""

from zoo.weights.name_table import NameTable, Required
from zoo.weights.published import heads
from zoo.weights.published.bert import ACTIVATIONS


def layers(arguments):
    """The name of each of our layers."""
    found = {
        "embedding/tokens": "embeddings.word_embeddings",
        "embedding/positions": "embeddings.position_embeddings",
        "embedding/norm": "embeddings.LayerNorm",
        "pooler": "pre_classifier",
    }
    for layer in range(arguments["num_layers"]):
        ours, theirs = f"layer_{layer}", f"transformer.layer.{layer}"
        found |= {
            f"{ours}/self_attention/query": f"{theirs}.attention.q_lin",
            f"{ours}/self_attention/key": f"{theirs}.attention.k_lin",
            f"{ours}/self_attention/value": f"{theirs}.attention.v_lin",
            f"{ours}/self_attention/output": f"{theirs}.attention.out_lin",
            f"{ours}/self_attention_norm": f"{theirs}.sa_layer_norm",
            f"{ours}/feed_forward/intermediate": f"{theirs}.ffn.lin1",
            f"{ours}/feed_forward/output": f"{theirs}.ffn.lin2",
            f"{ours}/feed_forward_norm": f"{theirs}.output_layer_norm",
        }
    return found


DISTILBERT = NameTable(
    architecture="BertBackbone",
    published_name="DistilBert",
    model_type="distilbert",
    arguments={
        "vocabulary_size": ("vocab_size", Required),
        "num_layers": ("n_layers", Required),
        "num_heads": ("n_heads", Required),
        "hidden_dim": ("dim", Required),
        "intermediate_dim": ("hidden_dim", Required),
        "max_sequence_length": ("max_position_embeddings", Required),
        "dropout": ("dropout", 0.1),
        "activation": ("activation", "gelu"),
    },
    values={"activation": ACTIVATIONS},
    constants={"num_segments": 0, "pooler_activation": "relu", "epsilon": 1e-12, "normalize_first": False},
    fixed={"pruned_heads": {}, "tie_word_embeddings": True, "tie_weights_": True},
    layers=layers,
    prefix="distilbert.",
    heads=(
        *heads.classification("classifier"),
        heads.tags(),
        heads.spans(),
        *heads.masked_lm("vocab_transform", "vocab_layer_norm", "vocab_projector"),
    ),
    ignored=("vocab_transform.*", "vocab_layer_norm.*", "vocab_projector.*", "classifier.*", "qa_outputs.*"),
    copies={"vocab_projector.weight": "embeddings.word_embeddings.weight"},
    optional=("pooler",),
)
