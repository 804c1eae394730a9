"""LoRA and int8 on every backbone: they train, and what was saved comes back."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.checks import gradients, numbers, quick

SIZES = {
    "vocabulary_size": 97, "num_layers": 1, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29,
    "max_sequence_length": 17, "dropout": 0.0,
}  # fmt: skip
BACKBONES = {
    "bert": lambda: zoo.BertBackbone(**SIZES),
    "albert": lambda: zoo.AlbertBackbone(**{**SIZES, "num_layers": 2}, embedding_dim=5),
    "bart": lambda: zoo.BartBackbone(**SIZES),
    "mass": lambda: zoo.MassBackbone(**SIZES),
    "t5": lambda: zoo.T5Backbone(**SIZES, head_dim=5),
    "t5 1.1": lambda: zoo.T5Backbone(
        **SIZES, head_dim=5, tie_embedding=False, gated=True, activation="gelu_approximate"
    ),
}
TRAINED = ["bert", "albert", "bart", "t5 1.1"]  # the others are made of the same layers
pytestmark = pytest.mark.usefixtures("eager")


def make_task(name):
    backbone = BACKBONES[name]()
    rng = np.random.default_rng(0)
    for weight in backbone.weights:
        weight.assign(numbers(weight) + rng.normal(0, 0.1, weight.shape))
    return zoo.MaskedLM(backbone) if name in ("bert", "albert") else zoo.Seq2SeqLM(backbone)


def batch_for(task):
    """Features and targets of 5 examples of 7 tokens."""
    rng = np.random.default_rng(0)
    features = {}
    for name in task.input:
        features[name] = np.ones((5, 7), "int32") if name.endswith("mask") else rng.integers(5, 97, (5, 7))
    features |= {name: np.tile(np.arange(7), (5, 1)) for name in features if name.endswith("positions")}
    features |= {name: rng.integers(0, 2, (5, 7)) for name in features if name == "segment_ids"}
    return features, {name: rng.integers(5, 97, (5, 7)) for name in task.output}


def train(task, epochs):
    task.compile(optimizer=zoo.training.AdamW(0.1))
    features, targets = batch_for(task)
    return task.fit(features, targets, epochs=epochs, verbose=0).history["loss"]


def outputs(task):
    features, _ = batch_for(task)
    return np.concatenate([numbers(value).reshape(-1) for value in task(features).values()])


@pytest.mark.parametrize("name", quick(TRAINED, "bert", "bart"))
def test_lora_trains_and_is_saved(name, tmp_path):
    task = make_task(name)
    before = outputs(task)
    task.backbone.enable_lora(2)
    np.testing.assert_array_equal(outputs(task), before)
    frozen = [(weight.path, numbers(weight)) for weight in task.backbone.non_trainable_weights]
    losses = train(task, 5)
    assert losses[-1] < losses[0] - 0.05
    for (path, old), weight in zip(frozen, task.backbone.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(numbers(weight), old, err_msg=path)
    task.save_to_preset(tmp_path / "preset")
    again = type(task).from_preset(tmp_path / "preset")
    np.testing.assert_allclose(outputs(again), outputs(task), atol=1e-5)  # LoRA's matrices are in the kernels now
    assert not any("lora" in weight.path for weight in again.weights)


def test_the_matrices_of_lora_alone(tmp_path):
    task = make_task("bert")
    task.backbone.enable_lora(2)
    train(task, 3)
    task.backbone.save_lora_weights(str(tmp_path / "few.lora.h5"))
    other = make_task("bert")
    other.backbone.load_lora_weights(str(tmp_path / "few.lora.h5"))
    same = [numbers(weight) for weight in task.backbone.weights if "lora" in weight.path]
    assert len(same) == 4
    for one, weight in zip(same, (each for each in other.backbone.weights if "lora" in each.path), strict=True):
        np.testing.assert_array_equal(numbers(weight), one)


@pytest.mark.parametrize("name", quick(BACKBONES, "bert", "albert", "t5 1.1"))
def test_int8_is_close_and_comes_back(name, tmp_path):
    task = make_task(name)
    before = outputs(task)
    task.quantize("int8")
    after = outputs(task)
    assert sum(weight.dtype == "int8" for weight in task.weights) >= 10
    assert np.corrcoef(before, after)[0, 1] > 0.999 and not np.array_equal(before, after)
    task.save_to_preset(tmp_path / "preset")
    again = type(task).from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(outputs(again), after)
    backbone = zoo.presets.load_backbone(tmp_path / "preset")
    kinds = [(weight.path, weight.dtype) for weight in backbone.weights]
    assert kinds == [(weight.path, weight.dtype) for weight in task.backbone.weights]
    copy = type(task).from_config(task.get_config())
    copy.set_weights(task.get_weights())
    np.testing.assert_array_equal(outputs(copy), after)


@pytest.mark.parametrize("name", quick(TRAINED, "bert"))
def test_lora_trains_what_is_int8(name):
    task = make_task(name)
    task.quantize("int8")
    task.backbone.enable_lora(2)
    losses = train(task, 5)
    assert losses[-1] < losses[0] - 0.05


@pytest.mark.parametrize("tie_weights", [True, False])
def test_a_gradient_passes_a_quantized_embedding(tie_weights):
    rng = np.random.default_rng(0)
    vectors, upstream = rng.normal(size=(3, 5, 8)).astype("float32"), rng.normal(size=(3, 5, 31)).astype("float32")
    layer = zoo.layers.TokenEmbedding(31, 8, tie_weights=tie_weights)
    layer.build((None, None))
    matrix = numbers(layer.embeddings) if tie_weights else numbers(layer.reverse_embeddings).T
    layer.quantize("int8")
    shift = keras.Variable(np.zeros((3, 5, 8), "float32"))
    model_loss = lambda: ops.sum(layer(ops.convert_to_tensor(vectors) + shift, reverse=True) * upstream)  # noqa: E731
    (found,) = gradients(model_loss, [shift])
    np.testing.assert_allclose(found, upstream @ matrix, atol=0.05)
    assert np.abs(found).max() > 0.1


def test_a_head_of_classes_in_int8(tmp_path):
    task = zoo.TextClassifier.from_preset("bert_tiny_en_uncased_books", num_classes=3)
    texts = ["a gripping film", "the dog barked at the old king", "no"]
    with pytest.warns(UserWarning, match="it is new"):
        before = task.predict(texts, verbose=0)
    task.quantize("int8")
    after = task.predict(texts, verbose=0)
    np.testing.assert_allclose(after, before, atol=0.05)
    task.save_to_preset(tmp_path / "preset")
    size = sum(path.stat().st_size for path in (tmp_path / "preset").glob("*.h5"))
    assert size < 2.2e6  # of 1.5 million weights: 5.9 MB in float32
    again = zoo.TextClassifier.from_preset(tmp_path / "preset")
    assert again.classifier._dense.quantization_mode == "int8"
    np.testing.assert_array_equal(again.predict(texts, verbose=0), after)


@pytest.mark.slow
def test_what_is_said_after_quantization_is_new():
    task = zoo.Seq2SeqLM.from_preset("bart_tiny_en_cased_books")
    text = ["The old king saw the queen."]
    before = task.generate(text, max_length=9)
    for weight in task.backbone.weights:
        weight.assign(numbers(weight) * 0)
    task.quantize("int8")
    assert task.generate(text, max_length=9) != before


def test_a_preset_whose_quantized_layers_are_not_there(tmp_path):
    task = make_task("bert")
    task.quantize("int8")
    task.save_to_preset(tmp_path / "preset")
    path = tmp_path / "preset" / "config.json"
    path.write_text(path.read_text().replace("layer_0/self_attention/query", "layer_7/self_attention/query"))
    with pytest.raises(ValueError, match=r"config\.json says are quantized.*\n  layer_7/self_attention/query: no such"):
        zoo.presets.load_backbone(tmp_path / "preset")
