"""Model folders as `transformers` writes them, loaded by `from_preset`: every architecture in every form of file."""

import json
import random

import numpy as np
import pytest

import zoo
from tests.checks import numbers

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")

BERT = {
    "vocab_size": 97, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 29,
    "max_position_embeddings": 31,
}  # fmt: skip
ALBERT = {**BERT, "embedding_size": 5}
BART = {
    "vocab_size": 97, "d_model": 12, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 3,
    "decoder_attention_heads": 3, "encoder_ffn_dim": 29, "decoder_ffn_dim": 29, "max_position_embeddings": 31,
}  # fmt: skip
T5 = {"vocab_size": 97, "d_model": 12, "d_kv": 5, "d_ff": 29, "num_layers": 2, "num_heads": 3}
# DistilBERT has names of its own.
DISTILBERT = {
    "vocab_size": 97, "dim": 12, "n_layers": 2, "n_heads": 3, "hidden_dim": 29, "max_position_embeddings": 31,
}  # fmt: skip
ELECTRA = {**BERT, "embedding_size": 12}
ROBERTA = {**BERT, "max_position_embeddings": 33, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
PRE_NORM = {**BERT, "max_position_embeddings": 35, "type_vocab_size": 3, "pad_token_id": 3}
# The name of the model and of its configuration there, its sizes, and the class here.
MODELS = {
    "bert": ("BertModel", "BertConfig", BERT, zoo.BertBackbone),
    "bert with a head": ("BertForPreTraining", "BertConfig", {**BERT, "hidden_act": "gelu_new"}, zoo.BertBackbone),
    "bert without a pooler": ("BertForMaskedLM", "BertConfig", BERT, zoo.BertBackbone),
    "roberta": ("RobertaModel", "RobertaConfig", ROBERTA, zoo.BertBackbone),
    "roberta-prelayernorm": ("RobertaPreLayerNormModel", "RobertaPreLayerNormConfig", PRE_NORM, zoo.BertBackbone),
    "distilbert": ("DistilBertModel", "DistilBertConfig", DISTILBERT, zoo.BertBackbone),
    "electra": ("ElectraModel", "ElectraConfig", ELECTRA, zoo.BertBackbone),
    "small electra": ("ElectraForPreTraining", "ElectraConfig", {**BERT, "embedding_size": 5}, zoo.AlbertBackbone),
    "ernie": ("ErnieModel", "ErnieConfig", {**BERT, "hidden_act": "relu", "layer_norm_eps": 1e-5}, zoo.BertBackbone),
    "ernie of tasks": ("ErnieModel", "ErnieConfig", {**BERT, "use_task_id": True}, zoo.BertBackbone),
    "albert": ("AlbertModel", "AlbertConfig", {**ALBERT, "num_hidden_groups": 2}, zoo.AlbertBackbone),
    "albert with a head": ("AlbertForPreTraining", "AlbertConfig", ALBERT, zoo.AlbertBackbone),
    "bart": ("BartModel", "BartConfig", BART, zoo.BartBackbone),
    "bart with a head": ("BartForConditionalGeneration", "BartConfig", BART, zoo.BartBackbone),
    "mbart": ("MBartForConditionalGeneration", "MBartConfig", BART, zoo.BartBackbone),
    "mt5": (
        "MT5ForConditionalGeneration", "MT5Config",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}, zoo.T5Backbone,
    ),
    "t5 1.0": ("T5ForConditionalGeneration", "T5Config", T5, zoo.T5Backbone),
    "t5 1.1": (
        "T5ForConditionalGeneration", "T5Config",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}, zoo.T5Backbone,
    ),
}  # fmt: skip
# Those that are read from every form of file; how files are read has nothing to do with the architecture.
FORMS = ("bert with a head", "albert", "bart with a head", "t5 1.1")


def reference(kind):
    model_name, config_name, sizes, _ = MODELS[kind]
    torch.manual_seed(0)
    model = getattr(transformers, model_name)(getattr(transformers, config_name)(**sizes)).eval()
    if kind in ("t5 1.1", "mt5"):  # tied by new versions of transformers until a checkpoint is loaded
        model.lm_head = torch.nn.Linear(12, 97, bias=False)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def write(model, folder, form):
    """The model as a folder: `safetensors`, in `shards`, `torch`, or `old torch`, which has older names."""
    model.save_pretrained(folder, max_shard_size="6KB" if form == "shards" else "5GB")
    if form == "shards":
        assert len(list(folder.glob("model-*.safetensors"))) > 1
    if "torch" in form:
        (folder / "model.safetensors").unlink()
        state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        if form == "old torch":
            old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
            for new, name in old.items():
                state = {key.replace(new, name): value for key, value in state.items()}
        torch.save(state, folder / "pytorch_model.bin")


def inputs(backbone):
    rng = np.random.default_rng(0)
    mask = np.array([[1] * 7, [1] * 5 + [0] * 2])
    ids = rng.integers(4, 97, (2, 7))
    if "token_ids" in backbone.input:
        found = {"token_ids": ids, "segment_ids": rng.integers(0, 2, (2, 7)), "padding_mask": mask}
        return {name: found[name] for name in backbone.input}
    decoder = {"decoder_token_ids": rng.integers(4, 97, (2, 5)), "decoder_padding_mask": np.ones((2, 5), int)}
    return {"encoder_token_ids": ids, "encoder_padding_mask": mask, **decoder}


def expected_outputs(model, features):
    given = {name: torch.tensor(value) for name, value in features.items()}
    with torch.no_grad():
        if "token_ids" in given:
            encoder = getattr(model, model.base_model_prefix, model)
            segments = {"token_type_ids": given["segment_ids"]} if "segment_ids" in given else {}
            found = encoder(given["token_ids"], attention_mask=given["padding_mask"], **segments)
            return found.last_hidden_state.numpy(), getattr(found, "pooler_output", None)
        found = model(
            input_ids=given["encoder_token_ids"], attention_mask=given["encoder_padding_mask"],
            decoder_input_ids=given["decoder_token_ids"], output_hidden_states=True,
        )  # fmt: skip
        return found.decoder_hidden_states[-1].numpy(), getattr(found, "logits", None)


def check_equal(model, backbone):
    features = inputs(backbone)
    states, second = expected_outputs(model, features)
    found = backbone(features)
    if "sequence_output" in found:
        real = features["padding_mask"].astype(bool)
        np.testing.assert_allclose(numbers(found["sequence_output"])[real], states[real], atol=1e-5)
        if second is not None:
            np.testing.assert_allclose(numbers(found["pooled_output"]), second.numpy(), atol=1e-5)
        return
    np.testing.assert_allclose(numbers(found["decoder_sequence_output"]), states, atol=1e-5)
    if second is not None:
        logits = numbers(backbone.logits(found["decoder_sequence_output"]))
        np.testing.assert_allclose(logits, second.numpy(), atol=2e-5)


@pytest.mark.filterwarnings("ignore:The weights do not hold pooler")
@pytest.mark.parametrize(
    ("kind", "form"),
    [*((kind, "safetensors") for kind in MODELS), *((kind, form) for kind in FORMS for form in ("shards", "torch"))],
)
def test_a_folder_gives_equal_outputs(kind, form, tmp_path):
    model = reference(kind)
    write(model, tmp_path, form)
    backbone = zoo.presets.load_backbone(tmp_path)
    assert type(backbone) is MODELS[kind][3] is zoo.presets.backbone_class(tmp_path)
    check_equal(model, backbone)


def test_the_oldest_names(tmp_path):
    model = reference("bert with a head")
    write(model, tmp_path, "old torch")
    check_equal(model, zoo.presets.load_backbone(tmp_path))


def test_bfloat16_and_an_argument_of_ones_own(tmp_path):
    model = reference("bert").to(torch.bfloat16)
    write(model, tmp_path, "safetensors")
    backbone = zoo.presets.load_backbone(tmp_path, dropout=0.3)
    assert backbone.dropout == 0.3 and backbone.dtype_policy.name == "float32"
    check_equal(model.float(), backbone)  # bfloat16 holds no more than float32


def test_what_no_head_has_stays_as_drawn_and_is_said(tmp_path):
    write(reference("bert without a pooler"), tmp_path, "safetensors")
    with pytest.warns(UserWarning, match="do not hold pooler/kernel, pooler/bias, which stay as they were drawn"):
        backbone = zoo.presets.load_backbone(tmp_path)
    assert numbers(backbone.get_layer("pooler").kernel).std() < 0.05


def test_random_weights_and_no_weights(tmp_path):
    write(reference("bert"), tmp_path, "safetensors")
    (tmp_path / "model.safetensors").unlink()
    assert zoo.presets.load_backbone(tmp_path, load_weights=False).count_params() > 0
    with pytest.raises(ValueError, match=r"holds no weights: none of model\.safetensors, pytorch_model\.bin"):
        zoo.presets.load_backbone(tmp_path)


def test_a_bias_of_the_logits_must_be_zero(tmp_path):
    model = reference("bart with a head")
    model.final_logits_bias.fill_(0.5)
    write(model, tmp_path, "safetensors")
    with pytest.raises(ValueError, match="not zero, which this package has no place for: final_logits_bias"):
        zoo.presets.load_backbone(tmp_path)


def test_a_task_loads_the_backbone(tmp_path):
    model = reference("bert with a head")
    write(model, tmp_path, "safetensors")
    task = zoo.TextClassifier.from_preset(tmp_path, num_classes=3, tokenizer=None, preprocessor=None)
    check_equal(model, task.backbone)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"position_embedding_type": "relative_key"}, "position_embedding_type: only 'absolute' is implemented"),
        ({"hidden_act": "silu"}, "hidden_act: expected one of .*'gelu'.*Received: 'silu'"),
        ({"rotary": True}, "rotary: unknown. Received: True"),
        ({"vocab_size": None}, "vocab_size: missing"),
    ],
)
def test_a_configuration_that_we_do_not_implement(changes, message, tmp_path):
    write(reference("bert"), tmp_path, "safetensors")
    path = tmp_path / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    with pytest.raises(ValueError, match=f"(?s)does not describe a BertBackbone of this package.*{message}"):
        zoo.presets.load_backbone(tmp_path)


# Tokenizers.

TEXTS = [
    "The Café's dogs barked.",
    "苹果 and 水果",
    "<mask> [MASK] naïve ÅNGSTRÖM",
    "a\u200bb \U0001f600 tabs\tand\nlines",
    "",
]


def fuzzed(count):
    """Texts of English, Chinese, accents, signs, emoji and control characters."""
    rng = random.Random(0)
    alphabet = [
        *"abcTHE the dog,.'-_[]<>##  ",
        *"苹果，。é̀Åöïß\u3000\u200b\u202e\xad\x00\x07\x1f\x7f\ufffd\u2028\t\n\r",
        *"☃\U0001f600\U0001f468\u200d",
    ]
    return ["".join(rng.choices(alphabet, k=rng.randint(1, 29))) for _ in range(count)]


def word_piece_pieces():
    letters = [chr(number) for number in range(33, 127)] + list("苹果水éåïö")
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", *letters, *(f"##{each}" for each in letters)]


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("form", ["vocab.txt", "tokenizer.json"])
def test_word_pieces_of_a_folder(form, lowercase, tmp_path):
    model = transformers.BertModel(transformers.BertConfig(**{**BERT, "vocab_size": 250}))
    model.save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(word_piece_pieces()) + "\n", encoding="utf-8")
    theirs = transformers.BertTokenizer(str(tmp_path / "vocab.txt"), do_lower_case=lowercase)
    if form == "tokenizer.json":
        theirs.save_pretrained(tmp_path)
        (tmp_path / "vocab.txt").unlink()
    else:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lowercase}))
    ours = zoo.presets.load_tokenizer(tmp_path)
    assert isinstance(ours, zoo.tokenizers.WordPiece)
    for text in TEXTS + fuzzed(503):
        assert ours.encode([text])[0].tolist() == theirs.encode(text, add_special_tokens=False), text
    task = zoo.TextClassifier.from_preset(tmp_path, num_classes=2)
    assert task.tokenizer.vocabulary_size() == len(word_piece_pieces())


@pytest.mark.parametrize("form", ["vocab.json", "tokenizer.json"])
def test_byte_pairs_of_a_folder(form, tmp_path):
    trained = zoo.tokenizers.train_byte_pair(TEXTS[:-1] * 3, 320, progress=False)
    trained.save_assets(str(tmp_path))
    model = transformers.BartModel(transformers.BartConfig(**{**BART, "vocab_size": trained.vocabulary_size()}))
    model.save_pretrained(tmp_path)
    for name, new in (("vocabulary.json", "vocab.json"), ("merges.txt", "merges.txt")):
        (tmp_path / name).rename(tmp_path / new)
    theirs = transformers.BartTokenizer(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt"))
    if form == "tokenizer.json":
        theirs.save_pretrained(tmp_path)
        for name in ("vocab.json", "merges.txt"):
            (tmp_path / name).unlink(missing_ok=True)
    ours = zoo.presets.load_tokenizer(tmp_path)
    assert isinstance(ours, zoo.tokenizers.BytePair)
    for text in TEXTS + fuzzed(503):
        assert ours.encode([text])[0].tolist() == theirs.encode(text, add_special_tokens=False), text


def test_settings_of_a_tokenizer_that_we_do_not_implement(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "vocab.txt").write_text("\n".join(word_piece_pieces()) + "\n", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenize_chinese_chars": False}))
    with pytest.raises(ValueError, match=r"tokenize_chinese_chars: only True is implemented. Received: False in"):
        zoo.presets.load_tokenizer(tmp_path)
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(
        ValueError, match=r"must hold a vocabulary: vocab\.txt, .* or a tokenizer\.json with WordPiece or BPE"
    ):
        zoo.presets.load_tokenizer(tmp_path)
