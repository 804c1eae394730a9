"""ELECTRA at Hugging Face: a BERT, or in its small form an ALBERT that shares nothing."""

from zoo.weights.name_table import NameTable
from zoo.weights.published import bert, heads
from zoo.weights.published.bert import ACTIVATIONS, FIXED, SIZES

# Where a `config.json` does not say it.
EMBEDDING_SIZE, HIDDEN_SIZE = 128, 256
REFUSED = "its head has the activation gelu over the first token, and a factorised embedding comes with tanh here"

SHARED = {
    "published_name": "Electra",
    "model_type": "electra",
    "values": {"activation": ACTIVATIONS},
    "prefix": "electra.",
    "ignored": (
        "discriminator_predictions.*", "generator_predictions.*", "generator_lm_head.*", "classifier.*", "qa_outputs.*",
    ),
    "buffers": ("embeddings.position_ids", "embeddings.token_type_ids"),
    "copies": {"generator_lm_head.weight": "embeddings.word_embeddings.weight"},
    "optional": ("pooler",),
}  # fmt: skip
# How the heads summarize a text, which our own heads do by their own rule.
SUMMARY = {
    "summary_type": "first", "summary_use_proj": True, "summary_activation": "gelu", "summary_last_dropout": 0.1,
    "is_decoder": False, "position_embedding_type": "absolute",
}  # fmt: skip
OF_TOKENS = (
    heads.tags(),
    heads.spans(),
    *heads.masked_lm(
        "generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head", activation="gelu"
    ),
)


def has_full_embedding(config: dict) -> bool:
    """Whether the embedding is as wide as the layers."""
    return config.get("embedding_size", EMBEDDING_SIZE) == config.get("hidden_size", HIDDEN_SIZE)


def small_layers(arguments):
    """The name of each of our layers, with a factorised embedding."""
    return {**bert.layers(arguments), "embedding/projection": "embeddings_project"}


ELECTRA = NameTable(
    architecture="BertBackbone",
    arguments={
        **SIZES,
        "num_segments": ("type_vocab_size", 2),
        "dropout": ("hidden_dropout_prob", 0.1),
        "activation": ("hidden_act", "gelu"),
        "epsilon": ("layer_norm_eps", 1e-12),
    },
    constants={"normalize_first": False, "pooler_activation": "gelu"},
    fixed={**FIXED, **SUMMARY},
    same={"embedding_size": "hidden_size"},
    least={"type_vocab_size": 1},
    suits=has_full_embedding,
    layers=bert.layers,
    heads=(*heads.classification("classifier.out_proj", pooler="classifier.dense"), *OF_TOKENS),
    **SHARED,
)

SMALL_ELECTRA = NameTable(
    architecture="AlbertBackbone",
    arguments={
        **SIZES,
        "embedding_dim": ("embedding_size", EMBEDDING_SIZE),
        "dropout": ("hidden_dropout_prob", 0.1),
        "activation": ("hidden_act", "gelu"),
    },
    constants={"normalize_first": False, "sharing": "none", "num_groups": 1},
    fixed={**FIXED, **SUMMARY, "type_vocab_size": 2, "layer_norm_eps": 1e-12},
    layers=small_layers,
    heads=(*heads.classification("classifier.out_proj", refused=REFUSED), *OF_TOKENS),
    **SHARED,
)
