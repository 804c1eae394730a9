"""BART at Hugging Face, and mBART, whose pre-norm form is our pre-norm BART."""

import dataclasses

from zoo.weights.name_table import Head, NameTable, Required
from zoo.weights.published import heads
from zoo.weights.published.bert import ACTIVATIONS

ATTENTION = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}


def layers(arguments):
    """The name of each of our layers."""
    found = {"tokens": "shared"}
    for side in ("encoder", "decoder"):
        found |= {
            f"{side}_embedding/tokens": "shared",
            f"{side}_embedding/{side}_positions": f"{side}.embed_positions",
            f"{side}_embedding/norm": f"{side}.layernorm_embedding",
        }
        for layer in range(arguments["num_layers"]):
            ours, theirs = f"{side}_layer_{layer}", f"{side}.layers.{layer}"
            for part, name in (("self_attention", "self_attn"), ("cross_attention", "encoder_attn")):
                found |= {f"{ours}/{part}/{each}": f"{theirs}.{name}.{ATTENTION[each]}" for each in ATTENTION}
                found[f"{ours}/{part}_norm"] = f"{theirs}.{name}_layer_norm"
            found |= {
                f"{ours}/feed_forward/intermediate": f"{theirs}.fc1",
                f"{ours}/feed_forward/output": f"{theirs}.fc2",
                f"{ours}/feed_forward_norm": f"{theirs}.final_layer_norm",
            }
    return found


def is_forced(config):
    """Whether what the decoder says is made to begin with the start token."""
    return config.get("forced_bos_token_id") is not None


BART = NameTable(
    architecture="BartBackbone",
    published_name="Bart",
    model_type="bart",
    arguments={
        "vocabulary_size": ("vocab_size", Required),
        "num_layers": ("encoder_layers", Required),
        "num_heads": ("encoder_attention_heads", Required),
        "hidden_dim": ("d_model", Required),
        "intermediate_dim": ("encoder_ffn_dim", Required),
        "max_sequence_length": ("max_position_embeddings", Required),
        "dropout": ("dropout", 0.1),
        "activation": ("activation_function", "gelu"),
    },
    values={"activation": ACTIVATIONS},
    constants={"normalize_first": False},
    fixed={
        "scale_embedding": False,
        "normalize_before": False,
        "add_final_layer_norm": False,
        "normalize_embedding": True,
        "static_position_embeddings": False,
        "add_bias_logits": False,
        "extra_pos_embeddings": 2,
        "encoder_layerdrop": 0.0,
        "decoder_layerdrop": 0.0,
        "tie_word_embeddings": True,
        "is_decoder": False,
        "add_cross_attention": False,
    },
    same={
        "decoder_layers": "encoder_layers",
        "num_hidden_layers": "encoder_layers",
        "decoder_attention_heads": "encoder_attention_heads",
        "decoder_ffn_dim": "encoder_ffn_dim",
    },
    # The decoder begins with the end token, and what it says with the start token.
    special_ids={"decoder_start_token_id": ("eos_token_id", 2), "forced_bos_token_id": ("bos_token_id", 0)},
    layers=layers,
    prefix="model.",
    heads=(
        *heads.classification("classification_head.out_proj", inner="classification_head.dense"),
        heads.spans(),
        Head("ForConditionalGeneration", "Seq2SeqLM", {}, lambda config: {"force_start": is_forced(config)}),
        # There is no more in a head than in the model without it, and it may say how it would speak with one.
        Head("Model", "Seq2SeqLM", {}, lambda config: {"force_start": True} if is_forced(config) else None),
    ),
    ignored=("classification_head.*", "qa_outputs.*"),
    zeros=("final_logits_bias",),
    copies=dict.fromkeys(
        ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"), "shared.weight"
    ),
)


def pre_norm_layers(arguments):
    """The name of each of our layers, with a last normalization on both sides."""
    last = {f"{side}_final_norm": f"{side}.layer_norm" for side in ("encoder", "decoder")}
    return {**layers(arguments), **last}


MBART = dataclasses.replace(
    BART,
    published_name="MBart",
    model_type="mbart",
    constants={"normalize_first": True},
    fixed={**BART.fixed, "normalize_before": True, "add_final_layer_norm": True},
    layers=pre_norm_layers,
)
