"""Tasks as a SavedModel with their tokenizer inside, served by a process that has nothing of this package."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo

pytestmark = pytest.mark.skipif(
    keras.config.backend() == "torch", reason="Keras writes no SavedModel from its PyTorch backend with dynamic shapes"
)
SIZES = {"num_layers": 1, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 29, "max_sequence_length": 17}
LEARNT = ["the dogs bark in the park", "今天天气很好。我们去公园", "good 😀 dog 👍", "it isn't a naïve Café!"] * 3
TEXTS = [
    "the dogs bark",
    "今天天气很好，公园",
    "Café [MASK] 😀 isn't\u00a0it?",
    "a",
    "the dogs bark in the park and in the park and in the park and isn't it good, good, good",
]
SECOND = ["公园", "it isn't", "dog", "the dogs bark in the park and in the park and in the park", "good 👍"]
WORDS = [["the", "dogs", "bark", "!"], ["今", "天", "\u200b"], ["isn't", "😀"]]
# What a server does that knows TensorFlow alone: it loads folders, and calls functions of theirs.
SERVER = """
import json, sys
import tensorflow as tf, tensorflow_text
answers = []
for folder, calls in json.loads(sys.argv[1]):
    model = tf.saved_model.load(folder)
    for name, texts in calls:
        given = [tf.constant(text) for text in texts]
        if name == "serving_default":
            found = model.signatures[name](texts=given[0])
        else:
            found = getattr(model, name)(*given)
        answers.append({key: value.numpy().tolist() for key, value in found.items()})
assert not [module for module in sys.modules if module.split(".")[0] in ("zoo", "keras_hub", "keras_nlp")]
print(json.dumps(answers, default=lambda value: value.decode()))
"""


def serve(*folders):
    asked = json.dumps([(str(folder), calls) for folder, calls in folders])
    run = subprocess.run([sys.executable, "-c", SERVER, asked], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


def word_piece():
    tokenizer = zoo.tokenizers.train_word_piece(LEARNT, vocabulary_size=120, lowercase=True, progress=False)
    return tokenizer, zoo.BertBackbone(tokenizer.vocabulary_size(), **SIZES)


def unigram():
    tokenizer = zoo.tokenizers.train_unigram(LEARNT, vocabulary_size=100, progress=False)
    return tokenizer, zoo.AlbertBackbone(tokenizer.vocabulary_size(), **SIZES, embedding_dim=5)


def byte_pair():
    tokenizer = zoo.tokenizers.train_byte_pair(LEARNT, 330, progress=False)
    return tokenizer, zoo.BartBackbone(tokenizer.vocabulary_size(), **SIZES)


def drawn(task):
    rng = np.random.default_rng(0)
    for weight in task.weights:
        weight.assign(weight + rng.normal(0, 0.5, weight.shape))
    return task


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* texts are longer than the model")
def test_served_by_tensorflow_alone(tmp_path):
    tokenizer, backbone = word_piece()
    classifier = drawn(zoo.TextClassifier(backbone, tokenizer=tokenizer, class_names=["bad", "good", "neither"]))
    classifier.export(tmp_path / "classifier")
    tokenizer, backbone = unigram()
    tagger = drawn(zoo.TokenClassifier(backbone, tokenizer=tokenizer, labels=["O", "B-PER", "B-LOC"]))
    tagger.export(tmp_path / "tagger")
    words = [[*row, *[""] * (4 - len(row))] for row in WORDS]
    alone, pairs, default, tagged = serve(
        (
            tmp_path / "classifier",
            [("serve", [TEXTS]), ("serve_pairs", [TEXTS, SECOND]), ("serving_default", [TEXTS[:1]])],
        ),
        (tmp_path / "tagger", [("serve", [words])]),
    )
    check_classes(classifier, alone)
    close(pairs["logits"], classifier.predict((TEXTS, SECOND), verbose=0))
    close(default["logits"], alone["logits"][:1])
    for row, logits, tags, expected in zip(WORDS, tagged["logits"], tagged["tags"], tagger.predict(WORDS), strict=True):
        close(logits[: len(row)], expected)
        assert tags == [*tagger.tag(row), *[""] * (4 - len(row))]


def close(found, expected):
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-5)


def check_classes(task, found):
    close(found["logits"], task.predict(TEXTS, verbose=0))
    for answer, label, probabilities in zip(task.classify(TEXTS), found["labels"], found["probabilities"], strict=True):
        assert answer.label == label
        np.testing.assert_allclose(list(answer.probabilities.values()), probabilities, atol=1e-5)


def answers(task, name, *columns):
    """What a function of the SavedModel would answer, without writing it."""
    import tensorflow as tf

    endpoint = task._endpoints()[name]
    read = tf.function(lambda *texts: endpoint.read(*texts)[0], autograph=False)
    rows = {name: np.asarray(value) for name, value in read(*map(tf.constant, columns)).items()}
    outputs = keras.Model.predict(task, {name: rows[name] for name in task.input}, verbose=0)
    return {name: value.numpy() for name, value in endpoint.answer(tf.constant(outputs), None).items()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* texts are longer than the model")
def test_a_regressor_and_classes_without_names():
    tokenizer, backbone = byte_pair()
    regressor = drawn(zoo.TextRegressor(backbone, tokenizer=tokenizer))
    expected = regressor.predict((TEXTS, SECOND), verbose=0)[:, 0]
    close(answers(regressor, "serve_pairs", TEXTS, SECOND)["scores"], expected)
    numbered = drawn(zoo.TextClassifier(backbone, tokenizer=tokenizer, num_classes=3))
    check_classes(numbered, answers(numbered, "serve", TEXTS))


def test_features_alone(tmp_path):
    import tensorflow as tf

    tokenizer, backbone = word_piece()
    task = drawn(zoo.TextClassifier(backbone, num_classes=3))
    task.export(tmp_path / "model", verbose=False)
    rows = zoo.tasks.TextPreprocessor(tokenizer, 17)(TEXTS[:3])
    given = {name: tf.constant(value) for name, value in rows.items()}
    served = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_allclose(served.serve(given), task.predict(rows, verbose=0), atol=1e-5)


def test_what_cannot_be_exported(tmp_path):
    import keras_hub

    _, backbone = word_piece()
    theirs = keras_hub.tokenizers.BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    task = zoo.TextClassifier(backbone, tokenizer=theirs, num_classes=3)
    with pytest.raises(ValueError, match=r"tokenizer of `zoo\.tokenizers`.*Received: BertTokenizer"):
        task.export(tmp_path / "model")
    tokenizer, backbone = word_piece()
    task = zoo.TextClassifier(backbone, tokenizer=tokenizer, num_classes=3)
    with pytest.raises(TypeError, match="without is_static"):
        task.export(tmp_path / "model", is_static=True)
    assert list(tmp_path.iterdir()) == []
