"""The heads in model folders of Hugging Face, loaded by the tasks, and written back."""

import json

import numpy as np
import pytest

import zoo
from tests.checks import numbers
from tests.parity.test_published import ALBERT, BART, BERT, DISTILBERT, ELECTRA, PRE_NORM, ROBERTA, T5
from tests.parity.test_published import check_equal as check_equal_backbones

torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")

SMALL_ELECTRA = {**BERT, "embedding_size": 5}
SIZES = {
    "Bert": BERT, "Albert": ALBERT, "Roberta": ROBERTA, "RobertaPreLayerNorm": PRE_NORM, "DistilBert": DISTILBERT,
    "Electra": ELECTRA, "Ernie": BERT, "Bart": BART, "MBart": BART, "T5": T5,
}  # fmt: skip
ENCODERS = ("Bert", "Albert", "Roberta", "RobertaPreLayerNorm", "DistilBert", "Electra", "Ernie")
# Where a head takes the first token's vector by a layer of its own, the backbone there has none.
pytestmark = pytest.mark.filterwarnings("ignore:The weights do not hold pooler")


def reference(family, head, **more):
    """A random model of `transformers`."""
    sizes = {**SIZES.get(family, SMALL_ELECTRA), **more}
    config = getattr(transformers, f"{family}Config")(**sizes)
    torch.manual_seed(0)
    model = getattr(transformers, f"{family}{head}")(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def given(task):
    rng = np.random.default_rng(0)
    ids = rng.integers(5, 97, (2, 7))
    mask = np.array([[1] * 7, [1] * 5 + [0] * 2])
    ids[1, 5:] = 1
    ids[0, 6] = ids[1, 4] = 2  # the end token of BART
    features = {"token_ids": ids, "segment_ids": rng.integers(0, 2, (2, 7)), "padding_mask": mask, "answer_mask": mask}
    features["mask_positions"] = np.array([[1, 3, 4], [0, 2, 3]])
    return {name: features[name] for name in task.input}


def expected(model, features):
    segments = {"token_type_ids": torch.tensor(features["segment_ids"])} if "segment_ids" in features else {}
    mask = torch.tensor(features["padding_mask"])
    with torch.no_grad():
        return model(torch.tensor(features["token_ids"]), attention_mask=mask, **segments)


def check_equal(task, model):
    """Outputs of a task and of the model there, for the same batch."""
    if isinstance(task, zoo.Seq2SeqLM):
        return check_equal_backbones(model, task.backbone)
    features = given(task)
    found = task(features)
    wanted = expected(model, features)
    real = features["padding_mask"].astype(bool)
    if isinstance(task, zoo.MaskedLM):
        logits = getattr(wanted, "prediction_logits", None)
        logits = (wanted.logits if logits is None else logits).numpy()
        rows = np.take_along_axis(logits, features["mask_positions"][:, :, None], axis=1)
        np.testing.assert_allclose(numbers(found["mask_ids"]), rows, atol=3e-5)
        if task.sentence_head is not None:
            pairs = getattr(wanted, "seq_relationship_logits", getattr(wanted, "sop_logits", None))
            np.testing.assert_allclose(numbers(found["sentence_labels"]), pairs.numpy(), atol=1e-5)
    elif isinstance(task, zoo.QuestionAnswering):
        for ours, theirs in (("start_positions", wanted.start_logits), ("end_positions", wanted.end_logits)):
            differences = (numbers(found[ours]) - theirs.numpy())[real]
            np.testing.assert_allclose(differences, differences[0], atol=1e-5)  # the same for all tokens
    elif isinstance(task, zoo.TokenClassifier):
        np.testing.assert_allclose(numbers(found)[real], wanted.logits.numpy()[real], atol=1e-5)
    else:
        np.testing.assert_allclose(numbers(found), wanted.logits.numpy(), atol=1e-5)


LABELS = {"id2label": {0: "bad", 1: "so so", 2: "good"}, "label2id": {"bad": 0, "so so": 1, "good": 2}}
CASES = [
    *((family, "ForSequenceClassification", LABELS, "TextClassifier") for family in (*ENCODERS, "Bart", "MBart")),
    *((family, "ForTokenClassification", LABELS, "TokenClassifier") for family in ENCODERS),
    *((family, "ForQuestionAnswering", {}, "QuestionAnswering") for family in (*ENCODERS, "Bart")),
    *((family, "ForMaskedLM", {}, "MaskedLM") for family in ENCODERS),
    *((family, "ForPreTraining", {}, "MaskedLM") for family in ("Bert", "Albert", "Ernie")),
    ("Roberta", "ForSequenceClassification", {"num_labels": 1}, "TextRegressor"),
    *((family, "ForConditionalGeneration", {}, "Seq2SeqLM") for family in ("Bart", "MBart", "T5")),
]


@pytest.mark.parametrize(("family", "head", "more", "kind"), CASES)
def test_there_and_back(family, head, more, kind, tmp_path):
    model = reference(family, head, **more)
    model.save_pretrained(tmp_path / "theirs")
    task = getattr(zoo, kind).from_preset(tmp_path / "theirs")
    check_equal(task, model)
    if kind == "TextClassifier":
        assert task.class_names == ["bad", "so so", "good"]
    if kind == "TokenClassifier":
        assert task.labels == ["bad", "so so", "good"]
    zoo.presets.export_to_huggingface(task, tmp_path / "ours")
    [name] = transformers.AutoConfig.from_pretrained(tmp_path / "ours").architectures
    again, report = getattr(transformers, name).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not report["missing_keys"] and not report["mismatched_keys"]
    assert all(
        "pooler" in name or "pre_classifier" in name for name in report["unexpected_keys"]
    )  # which no head there has a use for
    check_equal(task, again.eval())
    assert again.config.id2label == model.config.id2label


def test_a_second_head_is_read_where_a_file_has_it(tmp_path):
    # The released files of BERT and of MacBERT call themselves `BertForMaskedLM` and judge pairs of sentences too.
    model = reference("Bert", "ForPreTraining")
    model.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace("BertForPreTraining", "BertForMaskedLM"))
    assert zoo.MaskedLM.from_preset(tmp_path).sentence_head == "next_sentence"
    check_equal(zoo.MaskedLM.from_preset(tmp_path, sentence_head="sentence_order"), model)
    alone = zoo.MaskedLM.from_preset(tmp_path, sentence_head=None)
    assert alone.sentence_head is None and "sentence_labels" not in alone.output
    check_equal(alone, model)


def test_a_head_for_pairs_that_no_file_has_is_new(tmp_path):
    reference("Bert", "ForMaskedLM").save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match=r"do not hold .*sentence_head/dense/kernel.*stay as they were drawn"):
        task = zoo.MaskedLM.from_preset(tmp_path, sentence_head="next_sentence")
    assert task.sentence_head == "next_sentence"


def test_another_head_than_the_files_is_new(tmp_path):
    model = reference("Bert", "ForSequenceClassification", **LABELS)
    model.save_pretrained(tmp_path)
    other = zoo.TextClassifier.from_preset(tmp_path, num_classes=5)
    assert other.num_classes == 5 and other.class_names is None
    regressor = zoo.TextRegressor.from_preset(tmp_path)
    assert numbers(regressor.regressor._dense.kernel).std() < 0.05  # as drawn, not one of the file
    np.testing.assert_array_equal(
        numbers(other.backbone.token_embedding.embeddings), model.bert.embeddings.word_embeddings.weight.detach()
    )


def test_classes_without_names_are_numbers(tmp_path):
    reference("Bert", "ForSequenceClassification", num_labels=4).save_pretrained(tmp_path)
    task = zoo.TextClassifier.from_preset(tmp_path)
    assert task.num_classes == 4 and task.class_names is None


def test_a_head_that_cannot_be_taken_over(tmp_path):
    reference("Electra", "ForSequenceClassification", embedding_size=5).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"ElectraForSequenceClassification, .*gelu.*num_classes"):
        zoo.TextClassifier.from_preset(tmp_path)
    assert isinstance(zoo.TextClassifier.from_preset(tmp_path, num_classes=2).backbone, zoo.AlbertBackbone)


def test_a_head_without_its_weights(tmp_path):
    reference("Bert", "Model").save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace("BertModel", "BertForTokenClassification"))
    with pytest.raises(ValueError, match=r"missing: classifier\.weight \(2, 12\)\n  missing: classifier\.bias"):
        zoo.TokenClassifier.from_preset(tmp_path)


def test_small_electra_there_and_back(tmp_path):
    model = reference("Electra", "ForMaskedLM", embedding_size=5)
    model.save_pretrained(tmp_path / "theirs")
    task = zoo.MaskedLM.from_preset(tmp_path / "theirs")
    check_equal(task, model)
    zoo.presets.export_to_huggingface(task, tmp_path / "ours")
    check_equal(task, transformers.ElectraForMaskedLM.from_pretrained(tmp_path / "ours").eval())


def test_weights_in_shards(tmp_path):
    with pytest.warns(UserWarning, match="no head for this MaskedLM"):  # of that kind
        task = zoo.MaskedLM.from_preset("bert_tiny_zh_mixed", sentence_head="sentence_order")
    with pytest.warns(UserWarning, match="RobertaPreLayerNorm has no head for pairs of sentences"):
        zoo.presets.export_to_huggingface(task, tmp_path / "ours", max_shard_size=0.003)
    assert len(list((tmp_path / "ours").glob("model-*.safetensors"))) == 3
    again = transformers.RobertaPreLayerNormForMaskedLM.from_pretrained(tmp_path / "ours").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")
    text = "今天天气很[MASK],我们去Öffner公园\U0001f600。"
    ids = tokenizer(text, return_tensors="pt")
    assert ids["input_ids"][0, 1:-1].tolist() == task.tokenizer.encode([text])[0].tolist()
    with torch.no_grad():
        logits = again(**ids).logits.numpy()
    given_ids = ids["input_ids"].numpy()
    features = {"token_ids": given_ids, "segment_ids": 0 * given_ids, "padding_mask": 0 * given_ids + 1}
    features["mask_positions"] = np.arange(given_ids.shape[1])[None]
    np.testing.assert_allclose(numbers(task(features)["mask_ids"]), logits, rtol=1e-4, atol=1e-4)
    assert zoo.MaskedLM.from_preset(tmp_path / "ours").fill(text)[0].tokens == task.fill(text)[0].tokens


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: zoo.AlbertBackbone(97, 2, 3, 12, 29, normalize_first=True),
            r"(?s)no architecture for this AlbertBackbone.*Albert: normalize_first=True: it has False",
        ),
        (lambda: zoo.MassBackbone(97, 2, 3, 12, 29), r"(?s)no architecture for this MassBackbone.*there is no such"),
        (
            lambda: zoo.T5Backbone(97, 2, 3, 12, 29, activation="gelu_approximate"),
            r"activation='gelu_approximate', gated=False: there is no feed_forward_proj for it",
        ),
        (
            lambda: zoo.TokenClassifier(zoo.BartBackbone(97, 2, 3, 12, 29), labels=["a", "b"]),
            "Bart has no place for the head of a TokenClassifier at Hugging Face",
        ),
        (
            lambda: zoo.TextClassifier(zoo.BertBackbone(97, 2, 3, 12, 29), num_classes=2, pooling="mean"),
            "a TextClassifier with pooling='mean'",
        ),
        (
            lambda: zoo.MaskedLM(zoo.BertBackbone(97, 2, 3, 12, 29, normalize_first=True, activation="relu")),
            r"has the activation 'gelu' at Hugging Face\. Received: activation='relu'",
        ),
    ],
)
def test_what_hugging_face_cannot_say(make, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        zoo.presets.export_to_huggingface(make(), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("activation", ["relu", "gelu_new"])
@pytest.mark.parametrize(
    ("family", "more"),
    [("Roberta", {}), ("RobertaPreLayerNorm", {}), ("Electra", {}), ("Electra", {"embedding_size": 5})],
)
def test_a_head_with_another_activation_than_its_backbone(family, more, activation, tmp_path):
    model = reference(family, "ForMaskedLM", hidden_act=activation, **more)
    model.save_pretrained(tmp_path / "theirs")
    with pytest.raises(ValueError, match=r"cannot become a MaskedLM: its activation is 'gelu' there.*`zoo\.MaskedLM`"):
        zoo.MaskedLM.from_preset(tmp_path / "theirs")
    backbone = zoo.presets.load_backbone(tmp_path / "theirs")
    check_equal_backbones(model, backbone)
    with pytest.raises(ValueError, match=r"has the activation 'gelu' at Hugging Face"):
        zoo.presets.export_to_huggingface(zoo.MaskedLM(backbone), tmp_path / "ours")
    zoo.presets.export_to_huggingface(backbone, tmp_path / "ours")
    check_equal_backbones(transformers.AutoModel.from_pretrained(tmp_path / "ours").eval(), backbone)


@pytest.mark.parametrize("family", ["Bert", "Albert", "Ernie", "DistilBert"])
def test_a_head_with_the_activation_of_its_backbone(family, tmp_path):
    key = "activation" if family == "DistilBert" else "hidden_act"
    model = reference(family, "ForMaskedLM", **{key: "relu"})
    model.save_pretrained(tmp_path)
    check_equal(zoo.MaskedLM.from_preset(tmp_path), model)


@pytest.mark.parametrize("problem", ["multi_label_classification", "regression"])
def test_classes_that_do_not_exclude_each_other(problem, tmp_path):
    reference("Bert", "ForSequenceClassification", problem_type=problem, num_labels=3).save_pretrained(tmp_path / "one")
    with pytest.raises(ValueError, match=f"no classes of which one is right .problem_type='{problem}'"):
        zoo.TextClassifier.from_preset(tmp_path / "one")
    assert zoo.TextClassifier.from_preset(tmp_path / "one", num_classes=3).num_classes == 3  # a new head


@pytest.mark.parametrize(("problem", "outputs"), [("regression", 3), ("multi_label_classification", 1)])
def test_what_is_not_one_number(problem, outputs, tmp_path):
    model = reference("Bert", "ForSequenceClassification", problem_type=problem, num_labels=outputs)
    model.save_pretrained(tmp_path)
    message = f"not one number .problem_type='{problem}', {outputs} outputs.*load the backbone .* `zoo.TextRegressor`"
    with pytest.raises(ValueError, match=message):
        zoo.TextRegressor.from_preset(tmp_path)
    zoo.TextRegressor(zoo.presets.load_backbone(tmp_path))


@pytest.mark.parametrize(
    ("problem", "outputs", "kind"),
    [("regression", 1, "TextRegressor"), ("single_label_classification", 3, "TextClassifier")],
)
def test_problems_that_we_have(problem, outputs, kind, tmp_path):
    model = reference("Bert", "ForSequenceClassification", problem_type=problem, num_labels=outputs)
    model.save_pretrained(tmp_path)
    check_equal(getattr(zoo, kind).from_preset(tmp_path), model)


@pytest.mark.parametrize("file", ["config.json", "generation_config.json"])
@pytest.mark.parametrize(
    ("family", "key", "right", "wrong"),
    [
        ("Bart", "decoder_start_token_id", 2, 8),
        ("Bart", "forced_bos_token_id", 0, 9),
        ("T5", "decoder_start_token_id", 0, 1),
        ("T5", "forced_bos_token_id", None, 0),
    ],
)
def test_what_a_decoder_begins_with(file, family, key, right, wrong, tmp_path):
    reference(family, "ForConditionalGeneration").save_pretrained(tmp_path)
    path = tmp_path / file
    if file == "config.json":
        (tmp_path / "generation_config.json").unlink(missing_ok=True)
        path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "eos_token_id"}))
    said = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(said | {key: wrong}))
    with pytest.raises(ValueError, match=f"{key}: only .* is implemented. Received: {wrong}"):
        zoo.Seq2SeqLM.from_preset(tmp_path)
    path.write_text(json.dumps(said | {key: right}))
    zoo.Seq2SeqLM.from_preset(tmp_path)


def test_how_texts_are_said_is_in_its_own_file_if_there_is_one(tmp_path):
    reference("Bart", "ForConditionalGeneration").save_pretrained(tmp_path)
    config, own = tmp_path / "config.json", tmp_path / "generation_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"forced_bos_token_id": 9}))
    assert "forced_bos_token_id" not in json.loads(own.read_text())
    assert not zoo.Seq2SeqLM.from_preset(tmp_path).force_start
    own.unlink()
    with pytest.raises(ValueError, match=r"forced_bos_token_id: only that of bos_token_id=0 .* Received: 9"):
        zoo.Seq2SeqLM.from_preset(tmp_path)


GATED = {"head_dim": 5, "activation": "gelu_approximate", "gated": True, "tie_embedding": False}


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (
            lambda: zoo.TextClassifier(zoo.BertBackbone(97, 2, 3, 12, 29), num_classes=3),
            "BertForSequenceClassification",
        ),
        (lambda: zoo.MaskedLM(zoo.AlbertBackbone(97, 2, 3, 12, 29, embedding_dim=5)), "AlbertForMaskedLM"),
        (lambda: zoo.Seq2SeqLM(zoo.BartBackbone(97, 2, 3, 12, 29)), "BartForConditionalGeneration"),
        (lambda: zoo.Seq2SeqLM(zoo.T5Backbone(97, 2, 3, 12, 29, **GATED)), "T5ForConditionalGeneration"),
    ],
)
def test_what_lora_added_is_written(make, name, tmp_path):
    task = make()
    before = [numbers(weight) for weight in task.weights]
    task.backbone.enable_lora(2)
    task.backbone.token_embedding.enable_lora(2)
    rng, changed = np.random.default_rng(0), []
    for weight in task.weights:
        if "/lora_" in weight.path:
            weight.assign(rng.normal(size=weight.shape))
            changed.append(weight.path.rsplit("/", 1)[0])
    assert any("token" in path for path in changed) and any("query" in path for path in changed)
    held = [numbers(weight) for weight in task.weights]
    assert len(held) > len(before)
    zoo.presets.export_to_huggingface(task, tmp_path / "ours")
    check_equal(task, getattr(transformers, name).from_pretrained(tmp_path / "ours").eval())
    for weight, value in zip(task.weights, held, strict=True):
        np.testing.assert_array_equal(numbers(weight), value)


def test_an_export_takes_the_place_of_another(tmp_path):
    tokenizer = zoo.tokenizers.WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(92))])
    task = zoo.TextClassifier(zoo.BertBackbone(97, 2, 3, 12, 29), tokenizer=tokenizer, num_classes=3)
    zoo.presets.export_to_huggingface(task, tmp_path / "ours", max_shard_size=0.000004)
    assert len(list((tmp_path / "ours").glob("model-*.safetensors"))) > 1
    other = zoo.TextClassifier(zoo.BertBackbone(97, 1, 3, 12, 29), num_classes=3)
    zoo.presets.export_to_huggingface(other, tmp_path / "ours")
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == ["config.json", "model.safetensors"]
    check_equal(other, transformers.BertForSequenceClassification.from_pretrained(tmp_path / "ours").eval())


@pytest.mark.parametrize("name", ["mine.py", "spiece.model", "results.json", "optimizer.safetensors", "README.md"])
def test_what_is_no_export_is_not_replaced(name, tmp_path):
    task = zoo.TextClassifier(zoo.BertBackbone(97, 2, 3, 12, 29), num_classes=3)
    zoo.presets.export_to_huggingface(task, tmp_path / "ours")
    (tmp_path / "ours" / name).write_text("mine")
    with pytest.raises(ValueError, match=f"it also holds {name}"):
        zoo.presets.export_to_huggingface(task, tmp_path / "ours")
    assert (tmp_path / "ours" / name).read_text() == "mine"


@pytest.mark.parametrize("part", ["task", "backbone"])
def test_what_is_quantized_is_not_written(part, tmp_path):
    task = zoo.TextClassifier(zoo.BertBackbone(97, 2, 3, 12, 29), num_classes=3)
    (task if part == "task" else task.backbone).quantize("int8")
    task.backbone.enable_lora(2)
    with pytest.raises(ValueError, match=r"Received: a quantized model .*Write the model that it was made from"):
        zoo.presets.export_to_huggingface(task, tmp_path / "ours")
    assert not (tmp_path / "ours").exists()
