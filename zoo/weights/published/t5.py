"""T5, 1.0 and 1.1, at Hugging Face, and mT5, which is 1.1 with other pieces."""

import dataclasses

from zoo.weights.name_table import Head, NameTable, Required

ATTENTION = {"query": "q", "key": "k", "value": "v", "output": "o"}


def layers(arguments):
    """The name of each of our layers."""
    found = {"encoder_embedding/tokens": "shared", "encoder_embedding/tokens/reverse": "lm_head"}
    for side in ("encoder", "decoder"):
        found |= {
            f"{side}_position_bias": f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias",
            f"{side}_final_norm": f"{side}.final_layer_norm",
        }
        parts = [("self_attention", "SelfAttention"), ("cross_attention", "EncDecAttention")]
        if side == "encoder":
            parts = parts[:1]
        for layer in range(arguments["num_layers"]):
            ours, theirs = f"{side}_layer_{layer}", f"{side}.block.{layer}.layer"
            for number, (part, name) in enumerate(parts):
                found |= {f"{ours}/{part}/{each}": f"{theirs}.{number}.{name}.{ATTENTION[each]}" for each in ATTENTION}
                found[f"{ours}/{part}_norm"] = f"{theirs}.{number}.layer_norm"
            dense = f"{theirs}.{len(parts)}.DenseReluDense"
            found |= {
                f"{ours}/feed_forward/intermediate": f"{dense}.wi_0" if arguments["gated"] else f"{dense}.wi",
                f"{ours}/feed_forward/gate": f"{dense}.wi_1",
                f"{ours}/feed_forward/output": f"{dense}.wo",
                f"{ours}/feed_forward_norm": f"{theirs}.{len(parts)}.layer_norm",
            }
    return found


T5 = NameTable(
    architecture="T5Backbone",
    published_name="T5",
    model_type="t5",
    arguments={
        "vocabulary_size": ("vocab_size", Required),
        "num_layers": ("num_layers", Required),
        "num_heads": ("num_heads", Required),
        "hidden_dim": ("d_model", Required),
        "intermediate_dim": ("d_ff", Required),
        "head_dim": ("d_kv", Required),
        "dropout": ("dropout_rate", 0.1),
        "max_sequence_length": ("n_positions", 512),
        "activation": ("feed_forward_proj", "relu"),
        "gated": ("feed_forward_proj", "relu"),
        # Since version 5 of transformers the first of the two says it.
        "tie_embedding": (("scale_decoder_outputs", "tie_word_embeddings"), True),
    },
    values={
        "activation": {"relu": "relu", "gated-gelu": "gelu_approximate"},
        "gated": {"relu": False, "gated-gelu": True},
    },
    fixed={
        "layer_norm_epsilon": 1e-6,
        "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128,
        "is_decoder": False,
        "forced_bos_token_id": None,
    },
    same={"num_decoder_layers": "num_layers"},
    special_ids={"decoder_start_token_id": ("pad_token_id", 0)},
    layers=layers,
    heads=(Head("ForConditionalGeneration", "Seq2SeqLM", {}),),
    base_suffix="ForConditionalGeneration",
    ignored=("classification_head.*", "classifier.*", "qa_outputs.*"),
    # The second name is in the oldest files: a bias that a cross attention never had a use for.
    buffers=("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",),
    copies=dict.fromkeys(
        ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"), "shared.weight"
    ),
)

# The answer always has a matrix of its own, though what new versions of transformers write says that it has not.
MT5 = dataclasses.replace(
    T5,
    published_name="MT5",
    model_type="mt5",
    values={**T5.values, "tie_embedding": {False: False, True: False}},
)
