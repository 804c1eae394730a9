"""Tasks as ONNX, run by ONNX Runtime."""

import keras
import numpy as np
import pytest

import zoo
from tests.checks import numbers

pytest.importorskip("tf2onnx", reason="Keras writes ONNX by tf2onnx (the extra `onnx`)")
onnxruntime = pytest.importorskip("onnxruntime", reason="what is written is run by ONNX Runtime (the extra `onnx`)")
pytestmark = [
    pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="Keras writes ONNX from TensorFlow here"),
    # Keras mends an old name of NumPy for tf2onnx.
    pytest.mark.filterwarnings("ignore:In the future `np.object`"),
]
SIZES = {
    "vocabulary_size": 97, "num_layers": 2, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29,
    "max_sequence_length": 17,
}  # fmt: skip
TASKS = {
    "classes": lambda: zoo.TextClassifier(zoo.BertBackbone(**SIZES), num_classes=3),
    "number": lambda: zoo.TextRegressor(zoo.AlbertBackbone(**SIZES, embedding_dim=5)),
    "tags": lambda: zoo.TokenClassifier(zoo.BertBackbone(**SIZES, num_segments=0), labels=["A", "B", "C"]),
    "answers": lambda: zoo.QuestionAnswering(zoo.BertBackbone(**SIZES, normalize_first=True)),
    "masked lm": lambda: zoo.MaskedLM(zoo.BertBackbone(**SIZES), sentence_head="next_sentence"),
    "text to text": lambda: zoo.Seq2SeqLM(zoo.BartBackbone(**SIZES)),
}


def batch_for(task):
    rng = np.random.default_rng(0)
    features = {}
    for name in task.input:
        rows = np.array([[1] * 7, [1] * 5 + [0] * 2]) if name.endswith("mask") else rng.integers(5, 97, (2, 7))
        if name == "segment_ids":
            rows = rng.integers(0, 2, (2, 7))
        if name == "mask_positions":
            rows = np.array([[1, 3, 4], [0, 2, 2]])
        features[name] = rows.astype("int32")
    return features


@pytest.mark.parametrize("name", TASKS)
def test_the_same_answers(name, tmp_path):
    task = TASKS[name]()
    rng = np.random.default_rng(0)
    for weight in task.weights:
        weight.assign(numbers(weight) + rng.normal(0, 0.1, weight.shape))
    features = batch_for(task)
    wanted = keras.tree.flatten(task(features))
    task.export(tmp_path / "task.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(str(tmp_path / "task.onnx"))
    given = {each.name for each in session.get_inputs()}
    assert given <= set(features)  # what a task has no use for is left out
    found = session.run(None, {each: features[each] for each in given})
    wanted = [numbers(value) for value in wanted]
    for value in found:
        assert any(value.shape == each.shape and np.allclose(value, each, atol=1e-5) for each in wanted)
    assert len(found) == len(wanted)
