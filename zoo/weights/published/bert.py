"""BERT at Hugging Face, and ERNIE, which is written down in the same way."""

import dataclasses

from zoo.weights.name_table import NameTable, Required
from zoo.weights.published import heads

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
    "position_embedding_type": "absolute", "is_decoder": False, "add_cross_attention": False,
    "cross_attention_hidden_size": None, "pruned_heads": {}, "tie_word_embeddings": True,
}  # fmt: skip


EMBEDDING = {
    "embedding/tokens": "embeddings.word_embeddings",
    "embedding/positions": "embeddings.position_embeddings",
    "embedding/segments": "embeddings.token_type_embeddings",
    "embedding/norm": "embeddings.LayerNorm",
}


def layers(arguments):
    """The name of each of our layers."""
    found = {**EMBEDDING, "pooler": "pooler.dense"}
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
    published_name="Bert",
    model_type="bert",
    arguments={
        **SIZES,
        "num_segments": ("type_vocab_size", 2),
        "dropout": ("hidden_dropout_prob", 0.1),
        "activation": ("hidden_act", "gelu"),
        "epsilon": ("layer_norm_eps", 1e-12),
    },
    values={"activation": ACTIVATIONS},
    constants={"normalize_first": False, "pooler_activation": "tanh"},
    fixed=FIXED,
    least={"type_vocab_size": 1},
    layers=layers,
    prefix="bert.",
    heads=(
        *heads.classification("classifier"),
        heads.tags(),
        heads.spans(),
        *heads.masked_lm(
            "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions",
            sentence="cls.seq_relationship",
        ),
    ),
    ignored=("cls.*", "classifier.*", "qa_outputs.*"),
    buffers=("embeddings.position_ids", "embeddings.token_type_ids"),
    copies={
        "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    optional=("pooler",),
)  # fmt: skip

ERNIE = dataclasses.replace(
    BERT,
    published_name="Ernie",
    model_type="ernie",
    fixed={**FIXED, "use_task_id": False, "task_type_vocab_size": 3},
    prefix="ernie.",
    suits=lambda config: not config.get("use_task_id"),
)
# Version 3 was trained on several kinds of text, which it tells apart by one more embedding; all text is of kind 0
# unless somebody says otherwise.
ERNIE_OF_TASKS = dataclasses.replace(
    ERNIE,
    suits=lambda config: True,
    fixed=FIXED | {"use_task_id": True},
    folded={"embeddings.task_type_embeddings.weight": ("embedding/segments/embeddings", "task_type_vocab_size", 3)},
)
