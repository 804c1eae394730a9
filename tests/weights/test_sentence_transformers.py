"""Folders of the library sentence-transformers: how their texts become vectors, and from the hub."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import zoo
from tests.checks import numbers
from tests.weights.test_hub import HANDLE, folder, original, served  # noqa: F401

TEXTS = ["the dog barked .", "a cat"]
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
OLD = {"word_embedding_dimension": 12, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}


def add_vectors(folder, modules=MODULES, pooling=OLD, length=9):  # noqa: F811
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": length, "do_lower_case": False}))
    return folder


def expected(model, how):
    encoded = model.preprocessor.encode(zoo.data.read_examples(TEXTS)).rows(np.arange(2), 9, 0)
    states = numbers(model.backbone(encoded)["sequence_output"])
    rows = zip(states, encoded["padding_mask"], strict=True)
    pooled = [row[: mask.sum()].mean(0) if how == "mean" else row[0] for row, mask in rows]
    return np.stack([vector / np.linalg.norm(vector) for vector in pooled])


@pytest.mark.parametrize(
    ("pooling", "how"),
    [
        (OLD, "mean"),
        (OLD | {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"embedding_dimension": 12, "pooling_mode": "cls"}, "cls"),
        ({"embedding_dimension": 12, "pooling_mode": ["mean"]}, "mean"),
    ],
)
def test_it_is_pooled_as_the_folder_says(folder, pooling, how):  # noqa: F811
    add_vectors(folder, pooling=pooling)
    model = zoo.TextEmbedder.from_preset(folder)
    assert (model.pooling, model.sequence_length, model.embedding_dim) == (how, 9, None)
    np.testing.assert_allclose(model.embed(TEXTS), expected(model, how), atol=1e-5)
    assert zoo.presets.task_class(folder) is zoo.TextEmbedder


def test_what_is_asked_for_comes_first(folder):  # noqa: F811
    model = zoo.TextEmbedder.from_preset(add_vectors(folder), pooling="cls")
    assert model.sequence_length == 9
    np.testing.assert_allclose(model.embed(TEXTS), expected(model, "cls"), atol=1e-5)


def test_a_model_without_a_word_on_vectors(folder):  # noqa: F811
    with pytest.warns(UserWarning, match="does not say how its texts become vectors: they are pooled by 'mean'"):
        model = zoo.TextEmbedder.from_preset(folder)
    np.testing.assert_allclose(model.embed(TEXTS), expected(model, "mean"), atol=1e-5)
    assert zoo.presets.task_class(folder) is None


def test_from_the_hub(served, folder):  # noqa: F811
    add_vectors(folder, pooling={"pooling_mode": "cls"})
    assert zoo.presets.task_class(HANDLE) is zoo.TextEmbedder
    model = zoo.TextEmbedder.from_preset(HANDLE)
    assert (model.pooling, model.sequence_length) == ("cls", 9)
    np.testing.assert_allclose(model.embed(TEXTS), expected(model, "cls"), atol=1e-5)


DENSE = [*MODULES[:2], {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]
TANH = {"in_features": 12, "out_features": 5, "bias": True, "activation_function": "torch.nn.modules.activation.Tanh"}


def add_dense(folder, config, shape=(5, 12)):  # noqa: F811
    add_vectors(folder, modules=DENSE)
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text(json.dumps(config))
    rng = np.random.default_rng(4)
    layer = {"linear.weight": rng.normal(size=shape), "linear.bias": rng.normal(size=shape[:1])}
    layer = {name: value.astype("float32") for name, value in layer.items()}
    save_file(layer, folder / "2_Dense" / "model.safetensors")
    return layer


LINEAR = TANH | {"activation_function": "torch.nn.modules.linear.Identity"}


@pytest.mark.parametrize("handle", [None, HANDLE])
def test_a_linear_layer_behind_the_pooling(served, folder, handle):  # noqa: F811
    layer = add_dense(folder, LINEAR)
    model = zoo.TextEmbedder.from_preset(handle or folder)
    alone = zoo.TextEmbedder(model.backbone, tokenizer=model.tokenizer, pooling="mean")
    encoded = alone.preprocessor.encode(zoo.data.read_examples(TEXTS)).rows(np.arange(2), 9, 0)
    states = numbers(model.backbone(encoded)["sequence_output"])
    means = [row[: mask.sum()].mean(0) for row, mask in zip(states, encoded["padding_mask"], strict=True)]
    found = np.stack(means) @ layer["linear.weight"].T + layer["linear.bias"]
    np.testing.assert_allclose(model.embed(TEXTS), found / np.linalg.norm(found, axis=1, keepdims=True), atol=1e-5)


def test_a_layer_that_is_not_linear_or_of_another_size_is_refused(folder):  # noqa: F811
    add_dense(folder, TANH)
    with pytest.raises(ValueError, match=r"must be a linear layer with a bias\. Received: .*Tanh"):
        zoo.TextEmbedder.from_preset(folder)
    (folder / "2_Dense" / "config.json").write_text(json.dumps(LINEAR | {"out_features": 4}))
    with pytest.raises(ValueError, match=r"'linear.weight': \(4, 12\).*Received: .*\(5, 12\)"):
        zoo.TextEmbedder.from_preset(folder)


@pytest.mark.parametrize("options", [{}, {"pooling": "cls", "embedding_dim": 5, "sequence_length": 7}])
def test_it_is_written_as_it_is_read(original, folder, tmp_path, options):  # noqa: F811
    model = zoo.TextEmbedder(original, tokenizer=zoo.presets.load_tokenizer(folder), **options)
    for _ in range(2):  # what was written before is replaced
        zoo.presets.export_to_huggingface(model, tmp_path / "written")
    loaded = zoo.TextEmbedder.from_preset(tmp_path / "written")
    assert loaded.pooling == model.pooling and loaded.embedding_dim == model.embedding_dim
    assert loaded.sequence_length == (model.sequence_length or 31)
    np.testing.assert_allclose(loaded.embed(TEXTS), model.embed(TEXTS), atol=1e-6)


def test_a_pooler_s_vector_cannot_be_written(original, folder, tmp_path):  # noqa: F811
    model = zoo.TextEmbedder(original, pooling=None)
    with pytest.raises(ValueError, match=r"pooled by 'mean' or 'cls'\. Received: pooling=None"):
        zoo.presets.export_to_huggingface(model, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modules": [*DENSE, DENSE[2]]}, r"Received: \['Transformer', 'Pooling', 'Dense', 'Dense'\]"),
        ({"modules": MODULES[:1]}, r"Received: \['Transformer'\]"),
        ({"modules": {}}, "a list was expected"),
        ({"pooling": OLD | {"pooling_mode_max_tokens": True}}, r"Received: \['mean_tokens', 'max_tokens'\]"),
        ({"pooling": {"pooling_mode": "lasttoken"}}, r"Received: \['lasttoken'\]"),
    ],
)
def test_what_cannot_be_taken_over(folder, changes, message):  # noqa: F811
    with pytest.raises(ValueError, match=message):
        zoo.TextEmbedder.from_preset(add_vectors(folder, **changes))


def test_a_folder_that_was_not_fetched_whole(folder):  # noqa: F811
    (add_vectors(folder) / "1_Pooling" / "config.json").unlink()
    with pytest.raises(ValueError, match=r"1_Pooling/config\.json, which is absent"):
        zoo.TextEmbedder.from_preset(folder)


def test_a_pooling_of_one_s_own_where_the_folder_s_is_not_implemented(folder):  # noqa: F811
    add_vectors(folder, pooling=OLD | {"pooling_mode_max_tokens": True})
    model = zoo.TextEmbedder.from_preset(folder, pooling="mean")
    assert (model.pooling, model.sequence_length) == ("mean", 9)
    np.testing.assert_allclose(model.embed(TEXTS), expected(model, "mean"), atol=1e-5)
    assert zoo.presets.task_class(folder) is zoo.TextEmbedder
    assert zoo.presets.backbone_class(folder) is zoo.BertBackbone


@pytest.mark.parametrize("path", ["..", "../1_Pooling", "a/b", "/tmp", 3])
def test_modules_lie_in_folders_beside(folder, path):  # noqa: F811
    add_vectors(folder, modules=[MODULES[0], MODULES[1] | {"path": path}])
    with pytest.raises(ValueError, match="in folders beside it"):
        zoo.TextEmbedder.from_preset(folder)


def test_what_lora_has_learned_is_written_with_the_layer(original, folder, tmp_path):  # noqa: F811
    model = zoo.TextEmbedder(original, tokenizer=zoo.presets.load_tokenizer(folder), embedding_dim=5)
    dense = model.get_layer("projection")._dense
    dense.enable_lora(2)
    dense.lora_kernel_b.assign(np.ones(dense.lora_kernel_b.shape))
    zoo.presets.export_to_huggingface(model, tmp_path / "new")
    np.testing.assert_allclose(
        zoo.TextEmbedder.from_preset(tmp_path / "new").embed(TEXTS), model.embed(TEXTS), atol=1e-5
    )


def test_the_length_of_texts_is_written_as_they_are_cut(original, folder, tmp_path):  # noqa: F811
    preprocessor = zoo.tasks.TextPreprocessor(zoo.presets.load_tokenizer(folder), sequence_length=8)
    model = zoo.TextEmbedder(original, preprocessor=preprocessor)
    zoo.presets.export_to_huggingface(model, tmp_path / "new")
    assert zoo.TextEmbedder.from_preset(tmp_path / "new").sequence_length == 8
