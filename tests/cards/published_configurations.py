"""What `config.json` of the published models says, in Hugging Face's words, by address.

Written down from the published files, and for ERNIE from PaddleNLP's table and the program that converted it. Keys that
all models of an architecture share and that say nothing of it are left out, but for some that few models have.
"""

SMALL_SIZES = ((layers, width) for layers in range(2, 13, 2) for width in (128, 256, 512, 768))
LABELS = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}


def bert(vocab_size, layers, width, **changes):
    """A BERT: heads of 64, an inner part of four times the width."""
    return {
        "model_type": "bert", "vocab_size": vocab_size, "num_hidden_layers": layers, "hidden_size": width,
        "num_attention_heads": width // 64, "intermediate_size": 4 * width, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "initializer_range": 0.02,
        "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "type_vocab_size": 2, "pad_token_id": 0, **changes,
    }  # fmt: skip


def of_hfl(layers, width):
    """A Chinese BERT, which carries the settings of Google's program."""
    return bert(
        21128, layers, width, architectures=["BertForMaskedLM"], directionality="bidi", output_past=True,
        pooler_fc_size=768, pooler_num_attention_heads=12, pooler_num_fc_layers=3, pooler_size_per_head=128,
        pooler_type="first_token_transform",
    )  # fmt: skip


def roberta(layers, width, **changes):
    """A RoBERTa: its first two positions are never used."""
    return bert(
        50265, layers, width, model_type="roberta", layer_norm_eps=1e-5, max_position_embeddings=514,
        type_vocab_size=1, bos_token_id=0, eos_token_id=2, **{"pad_token_id": 1, **changes},
    )  # fmt: skip


def distilbert(vocab_size, **changes):
    """A DistilBERT; all have one size."""
    return {
        "model_type": "distilbert", "vocab_size": vocab_size, "n_layers": 6, "n_heads": 12, "dim": 768,
        "hidden_dim": 3072, "activation": "gelu", "dropout": 0.1, "attention_dropout": 0.1, "qa_dropout": 0.1,
        "seq_classif_dropout": 0.2, "initializer_range": 0.02, "max_position_embeddings": 512, "pad_token_id": 0,
        "sinusoidal_pos_embds": False, "tie_weights_": True, **changes,
    }  # fmt: skip


def electra(vocab_size, layers, width, embedding_size, **changes):
    """An ELECTRA."""
    return bert(
        vocab_size, layers, width, model_type="electra", architectures=["ElectraForPreTraining"],
        embedding_size=embedding_size, summary_activation="gelu", summary_last_dropout=0.1, summary_type="first",
        summary_use_proj=True, **changes,
    )  # fmt: skip


def ernie3(layers, width, heads, kinds_of_task):
    """An ERNIE 3.0, which tells kinds of text apart."""
    return bert(
        40000, layers, width, model_type="ernie", architectures=["ErnieForMaskedLM"], layer_norm_eps=1e-5,
        num_attention_heads=heads, max_position_embeddings=2048, type_vocab_size=4, use_task_id=True,
        task_type_vocab_size=kinds_of_task,
    )  # fmt: skip


def albert(layers, heads, width, **changes):
    """An ALBERT, as version 2 has it."""
    return {
        "model_type": "albert", "vocab_size": 30000, "embedding_size": 128, "num_hidden_layers": layers,
        "num_attention_heads": heads, "hidden_size": width, "intermediate_size": 4 * width, "hidden_act": "gelu_new",
        "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0, "classifier_dropout_prob": 0.1,
        "initializer_range": 0.02, "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "type_vocab_size": 2,
        "num_hidden_groups": 1, "inner_group_num": 1, "net_structure_type": 0, "gap_size": 0, "num_memory_blocks": 0,
        "down_scale_factor": 1, "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0, **changes,
    }  # fmt: skip


def bart(layers, width, heads, **changes):
    """A BART."""
    return {
        "model_type": "bart", "vocab_size": 50265, "d_model": width, "encoder_layers": layers,
        "decoder_layers": layers, "num_hidden_layers": layers, "encoder_attention_heads": heads,
        "decoder_attention_heads": heads, "encoder_ffn_dim": 4 * width, "decoder_ffn_dim": 4 * width,
        "activation_function": "gelu", "dropout": 0.1, "attention_dropout": 0.0, "activation_dropout": 0.0,
        "classif_dropout": 0.0, "classifier_dropout": 0.0, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0,
        "max_position_embeddings": 1024, "init_std": 0.02, "is_encoder_decoder": True, "normalize_before": False,
        "add_final_layer_norm": False, "scale_embedding": False, "gradient_checkpointing": False, "output_past": True,
        "decoder_start_token_id": 2, "forced_eos_token_id": 2, "bos_token_id": 0, "eos_token_id": 2,
        "pad_token_id": 1, **LABELS, **changes,
    }  # fmt: skip


SUMMARIZER = {
    "vocab_size": 50264, "_num_labels": 3, "architectures": ["BartForConditionalGeneration"], "early_stopping": True,
    "no_repeat_ngram_size": 3, "prefix": " ",
}  # fmt: skip


def t5(layers, width, heads, head_width, inner, **changes):
    """A T5."""
    return {
        "model_type": "t5", "vocab_size": 32128, "num_layers": layers, "d_model": width, "num_heads": heads,
        "d_kv": head_width, "d_ff": inner, "dropout_rate": 0.1, "layer_norm_epsilon": 1e-6,
        "relative_attention_num_buckets": 32, "initializer_factor": 1.0, "is_encoder_decoder": True,
        "decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0, **changes,
    }  # fmt: skip


FIRST = {"n_positions": 512, "output_past": True, "architectures": ["T5WithLMHeadModel"]}
GATED = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
OF_FLAN = {**GATED, "n_positions": 512, "dense_act_fn": "gelu_new", "is_gated_act": True}
OF_MT5 = {**GATED, "model_type": "mt5", "vocab_size": 250112, "tokenizer_class": "T5Tokenizer"}
# Layers, width, heads, inner size of version 1.1.
GATED_SIZES = {
    "small": (8, 512, 6, 1024), "base": (12, 768, 12, 2048), "large": (24, 1024, 16, 2816),
    "xl": (24, 2048, 32, 5120), "xxl": (24, 4096, 64, 10240),
}  # fmt: skip


def gated(prefix, changes):
    """All sizes of what was made in the way of T5 1.1."""
    return {
        f"{prefix}{size}": t5(layers, width, heads, 64, inner, num_decoder_layers=layers, **changes)
        for size, (layers, width, heads, inner) in GATED_SIZES.items()
    }


CONFIGURATIONS = {
    "google-bert/bert-base-uncased": bert(30522, 12, 768),
    "google-bert/bert-base-cased": bert(28996, 12, 768),
    "google-bert/bert-large-uncased": bert(30522, 24, 1024),
    "google-bert/bert-large-cased": bert(28996, 24, 1024),
    "google-bert/bert-large-uncased-whole-word-masking": bert(30522, 24, 1024),
    "google-bert/bert-large-cased-whole-word-masking": bert(28996, 24, 1024),
    "google-bert/bert-base-multilingual-cased": bert(119547, 12, 768),
    "google-bert/bert-base-multilingual-uncased": bert(105879, 12, 768),
    "google-bert/bert-base-chinese": of_hfl(12, 768),
    "google-bert/bert-large-uncased-whole-word-masking-finetuned-squad": bert(30522, 24, 1024),
    "google-bert/bert-large-cased-whole-word-masking-finetuned-squad": bert(28996, 24, 1024),
    **{
        f"google/bert_uncased_L-{layers}_H-{width}_A-{width // 64}": bert(30522, layers, width)
        for layers, width in SMALL_SIZES
    },
    "hfl/chinese-bert-wwm": of_hfl(12, 768),
    "hfl/chinese-bert-wwm-ext": of_hfl(12, 768),
    "hfl/chinese-roberta-wwm-ext": of_hfl(12, 768) | {"bos_token_id": 0, "eos_token_id": 2},
    "hfl/chinese-roberta-wwm-ext-large": of_hfl(24, 1024) | {"bos_token_id": 0, "eos_token_id": 2},
    "hfl/rbt3": of_hfl(3, 768),
    "hfl/rbt4": of_hfl(4, 768),
    "hfl/rbt6": of_hfl(6, 768),
    "hfl/rbtl3": of_hfl(3, 1024),
    "hfl/chinese-macbert-base": of_hfl(12, 768),
    "hfl/chinese-macbert-large": of_hfl(24, 1024),
    "FacebookAI/roberta-base": roberta(12, 768),
    "FacebookAI/roberta-large": roberta(24, 1024),
    "FacebookAI/roberta-large-mnli": roberta(24, 1024, _num_labels=3, **LABELS),
    "distilbert/distilroberta-base": roberta(6, 768),
    "distilbert/distilbert-base-uncased": distilbert(30522),
    "distilbert/distilbert-base-cased": distilbert(28996, output_past=True),
    "distilbert/distilbert-base-multilingual-cased": distilbert(119547, output_past=True),
    "distilbert/distilbert-base-uncased-finetuned-sst-2-english": distilbert(
        30522, finetuning_task="sst-2", output_past=True, **LABELS
    ),
    "distilbert/distilbert-base-uncased-distilled-squad": distilbert(30522, sinusoidal_pos_embds=True),
    "distilbert/distilbert-base-cased-distilled-squad": distilbert(28996, output_past=True),
    "google/electra-small-discriminator": electra(30522, 12, 256, 128),
    "google/electra-base-discriminator": electra(30522, 12, 768, 768),
    "google/electra-large-discriminator": electra(30522, 24, 1024, 1024),
    "hfl/chinese-electra-180g-small-discriminator": electra(21128, 12, 256, 128, _num_labels=2, output_past=True),
    "hfl/chinese-electra-180g-small-ex-discriminator": electra(21128, 24, 256, 256, directionality="bidi"),
    "hfl/chinese-electra-180g-base-discriminator": electra(21128, 12, 768, 768, directionality="bidi"),
    "hfl/chinese-electra-180g-large-discriminator": electra(21128, 24, 1024, 1024),
    "nghuyong/ernie-1.0-base-zh": bert(
        18000, 12, 768, model_type="ernie", hidden_act="relu", layer_norm_eps=1e-5, max_position_embeddings=513
    ),
    "nghuyong/ernie-3.0-nano-zh": ernie3(4, 312, 12, 16),
    "nghuyong/ernie-3.0-micro-zh": ernie3(4, 384, 12, 16),
    "nghuyong/ernie-3.0-mini-zh": ernie3(6, 384, 12, 16),
    "nghuyong/ernie-3.0-medium-zh": ernie3(6, 768, 12, 16),
    "nghuyong/ernie-3.0-base-zh": ernie3(12, 768, 12, 3),
    "nghuyong/ernie-3.0-xbase-zh": ernie3(20, 1024, 16, 16),
    "albert/albert-base-v1": albert(12, 12, 768, hidden_act="gelu", hidden_dropout_prob=0.1),
    "albert/albert-large-v1": albert(24, 16, 1024, hidden_act="gelu", hidden_dropout_prob=0.1),
    "albert/albert-xlarge-v1": albert(24, 16, 2048, hidden_act="gelu", hidden_dropout_prob=0.1),
    "albert/albert-xxlarge-v1": albert(12, 64, 4096, hidden_act="gelu"),
    "albert/albert-base-v2": albert(12, 12, 768),
    "albert/albert-large-v2": albert(24, 16, 1024),
    "albert/albert-xlarge-v2": albert(24, 16, 2048),
    "albert/albert-xxlarge-v2": albert(12, 64, 4096),
    "facebook/bart-base": bart(6, 768, 12, add_bias_logits=False, normalize_embedding=True),
    "facebook/bart-large": bart(12, 1024, 16, add_bias_logits=False),
    "facebook/bart-large-mnli": bart(12, 1024, 16, _num_labels=3),
    "facebook/bart-large-cnn": bart(
        12, 1024, 16, **SUMMARIZER, force_bos_token_to_be_generated=True, forced_bos_token_id=0, min_length=56
    ),
    "facebook/bart-large-xsum": bart(
        12, 1024, 16, **SUMMARIZER, eos_token_ids=[2], extra_pos_embeddings=2, replacing_rate=0, min_length=11,
        static_position_embeddings=False, student_decoder_layers=None, student_encoder_layers=None,
    ),
    "google-t5/t5-small": t5(6, 512, 8, 64, 2048, **FIRST),
    "google-t5/t5-base": t5(12, 768, 12, 64, 3072, **FIRST),
    "google-t5/t5-large": t5(24, 1024, 16, 64, 4096, **FIRST),
    "google-t5/t5-3b": t5(24, 1024, 32, 128, 16384, **FIRST),
    "google-t5/t5-11b": t5(24, 1024, 128, 128, 65536, **FIRST),
    **gated("google/t5-v1_1-", GATED),
    **gated("google/flan-t5-", OF_FLAN),
    **gated("google/mt5-", OF_MT5),
    "sentence-transformers/all-MiniLM-L6-v2": bert(
        30522, 6, 384, num_attention_heads=12, architectures=["BertModel"], gradient_checkpointing=False,
        position_embedding_type="absolute", use_cache=True,
    ),
}  # fmt: skip
