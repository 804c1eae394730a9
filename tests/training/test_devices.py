"""Batches that devices share: the same results as on one device, whether or not the texts can be divided among them."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from zoo.training import devices, share_batches


class Four:
    """What is read of a distribution among four devices."""

    num_model_replicas = 4


@pytest.fixture
def four(monkeypatch):
    monkeypatch.setattr(keras.distribution, "distribution", Four)


def test_one_device_changes_nothing():
    batch = ({"token_ids": np.zeros((3, 5))}, np.arange(3))
    assert devices.num_replicas() == 1 and devices.rounded_up(7) == 7
    assert devices.filled(batch) is batch


def test_a_batch_is_filled_up_with_its_own_rows(four):
    rows = np.arange(30).reshape(6, 5)
    inputs, labels = devices.filled(({"token_ids": rows}, np.arange(6)))
    np.testing.assert_array_equal(labels, [0, 1, 2, 3, 4, 5, 0, 1])
    np.testing.assert_array_equal(inputs["token_ids"], rows[labels])
    np.testing.assert_array_equal(devices.filled((np.array([7]),))[0], [7, 7, 7, 7])
    assert [devices.rounded_up(number) for number in (1, 4, 30)] == [4, 4, 32]
    devices.check_divided(8)
    with pytest.raises(ValueError, match=r"multiple of the 4 devices that share a batch\. Received: batch_size=6"):
        devices.check_divided(6)
    even = (np.arange(8),)
    assert devices.filled(even) is even


def test_batches_are_not_shared_where_keras_cannot():
    if keras.config.backend() == "jax":
        pytest.skip("Keras shares batches on JAX")
    with pytest.raises(ValueError, match="Received: the backend 'tensorflow'"):
        share_batches()


def on_four_devices(script):
    """What a script prints last, as JSON, where JAX takes the processor for four devices."""
    flags = {
        "KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # to compile takes longer than to run
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **flags}, capture_output=True, text=True, timeout=400
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


PRETRAINING = """
import json, keras, zoo
from tests import texts
tokenizer, objective = texts.word_piece(), zoo.objectives.parse_objective("MaskedLM + NextSentence")
losses = []
for shared in (False, True):
    if shared:
        zoo.training.share_batches()
    keras.utils.set_random_seed(0)
    data = zoo.data.pretraining_dataset(
        texts.documents(61), tokenizer, objective, sequence_length=37, batch_size=8, seed=0
    )
    model = zoo.MaskedLM(texts.backbone(tokenizer, normalize_first=True), tokenizer=tokenizer, objective=objective)
    model.compile(optimizer=zoo.training.AdamW(1e-2))
    losses.append(model.fit(data, epochs=2, steps_per_epoch=3, verbose=0).history["loss"])
refused = ""
try:
    data = zoo.data.pretraining_dataset(texts.documents(61), tokenizer, objective, sequence_length=37, batch_size=6)
    model.fit(data)
except ValueError as error:
    refused = str(error)
rounded = model.fit(texts.documents(9), batch_size=6, steps_per_epoch=1, verbose=0).history["loss"]
fillings = len(model.fill("the [MASK] was good ."))
devices = len(model.backbone.token_embedding.embeddings.value.sharding.device_set)
print(json.dumps({
    "devices": devices, "losses": losses, "refused": refused, "rounded": rounded, "fillings": fillings
}))
"""


@pytest.mark.slow
def test_pre_training_has_the_same_losses():
    result = on_four_devices(PRETRAINING)
    assert result["devices"] == 4
    assert result["losses"][1] == pytest.approx(result["losses"][0], rel=1e-5)
    assert result["refused"].endswith("Received: batch_size=6")
    assert np.isfinite(result["rounded"]).all() and result["fillings"] == 1


# 24 texts to train on can be divided, 23 cannot, nor can 9 and 3 to be judged by; nor 6 texts in a batch.
FINE_TUNING = """
import json, keras, zoo
from tests import texts
from tests.tasks.test_token_classifier import LABELS, sentences
tokenizer = texts.word_piece()
results = []
for shared in (False, True):
    if shared:
        zoo.training.share_batches()
    keras.utils.set_random_seed(0)
    backbone = texts.backbone(tokenizer, normalize_first=True, dropout=0.0)
    model = zoo.TextClassifier(backbone, num_classes=2, tokenizer=tokenizer, dropout=0.0)
    model.compile(optimizer=zoo.training.AdamW(1e-2))
    x, y = texts.reviews(24, seed=1)
    held_out = texts.reviews(9, seed=2)
    history = model.fit(x, y, batch_size=8, epochs=2, validation_data=held_out, verbose=0).history
    found = model.predict(held_out[0], batch_size=6, verbose=0).tolist()
    scores = model.evaluate(*held_out, batch_size=6, verbose=0)
    tagger = zoo.TokenClassifier(backbone, labels=LABELS, tokenizer=tokenizer)
    words, _ = sentences(3)
    results.append({"history": history, "predict": found, "evaluate": scores, "tag": tagger.tag(words, batch_size=2)})
    model.train_on_batch(x[:5], y[:5])
    uneven = model.fit(x[:23], y[:23], batch_size=6, verbose=0).history["loss"]
devices = len(backbone.token_embedding.embeddings.value.sharding.device_set)
print(json.dumps({"results": results, "uneven": uneven, "devices": devices}))
"""


@pytest.mark.slow
def test_fine_tuning_and_its_scores_are_the_same():
    printed = on_four_devices(FINE_TUNING)
    alone, shared = printed["results"]
    assert set(shared["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for name, values in alone["history"].items():
        assert shared["history"][name] == pytest.approx(values, rel=1e-4)
    np.testing.assert_allclose(shared["predict"], alone["predict"], atol=1e-4)
    assert shared["evaluate"] == pytest.approx(alone["evaluate"], rel=1e-4)
    assert shared["tag"] == alone["tag"]
    assert np.isfinite(printed["uneven"]).all()
    assert printed["devices"] == 4


# Two parts of the model by two parts of the batch; 9 texts to be judged by cannot be divided.
DIVIDED = """
import json, keras, zoo
from tests import texts
tokenizer = texts.word_piece()
mesh = keras.distribution.DeviceMesh((2, 2), ("batch", "model"))
sizes = {"num_layers": 2, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 22, "dropout": 0.0}
x, y = texts.reviews(24, seed=1)
held_out = texts.reviews(9, seed=2)
results = []
for kind, task, more, labels in (
    (zoo.BertBackbone, zoo.TextClassifier, {"num_classes": 2, "dropout": 0.0}, y),
    (zoo.AlbertBackbone, zoo.TextClassifier, {"num_classes": 2, "dropout": 0.0}, y),
    (zoo.BartBackbone, zoo.Seq2SeqLM, {}, x),
    (zoo.T5Backbone, zoo.Seq2SeqLM, {}, x),
):
    found = []
    for divided in (False, True):
        distribution = None
        if divided:
            layout_map = kind.get_layout_map(mesh)
            distribution = keras.distribution.ModelParallel(layout_map=layout_map, auto_shard_dataset=False)
        keras.distribution.set_distribution(distribution)
        keras.utils.set_random_seed(0)
        options = {"activation": "gelu", "gated": True, "tie_embedding": False} if kind is zoo.T5Backbone else {}
        backbone = kind(tokenizer.vocabulary_size(), max_sequence_length=64, **sizes, **options)
        model = task(backbone, tokenizer=tokenizer, seed=0, **more)
        model.compile(optimizer=zoo.training.AdamW(1e-2))
        losses = model.fit(x, labels, batch_size=8, epochs=2, verbose=0).history["loss"]
        scores = model.evaluate(held_out[0], held_out[1] if labels is y else held_out[0], verbose=0)
        scores = scores if isinstance(scores, list) else [scores]
        said = model.generate(x[:2]) if task is zoo.Seq2SeqLM else [found.label for found in model.classify(x[:2])]
        parts = [tuple(v.value.addressable_shards[0].data.shape) for v in backbone.trainable_variables]
        whole = [tuple(v.shape) for v in backbone.trainable_variables]
        names = [v.path for v in backbone.trainable_variables]
        found.append({
            "losses": losses, "scores": scores, "said": list(map(str, said)),
            "divided": [name for name, part, all in zip(names, parts, whole) if part != all],
        })
    results.append(found)
print(json.dumps(results))
"""


@pytest.mark.slow
def test_a_model_that_devices_divide_learns_the_same():
    for alone, divided in on_four_devices(DIVIDED):
        assert divided["losses"] == pytest.approx(alone["losses"], rel=1e-3)
        assert divided["scores"] == pytest.approx(alone["scores"], rel=1e-3)
        assert divided["said"] == alone["said"]
        assert not alone["divided"]
        matrices = {name.split("/", 1)[-1] for name in divided["divided"] if name.endswith(("kernel", "embeddings"))}
        assert {"tokens/embeddings", "self_attention/query/kernel", "feed_forward/output/kernel"} <= matrices
        assert not any("norm" in name or "pooler" in name for name in divided["divided"])


MIRRORED = """
import json, keras, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import zoo
from tests import texts
tokenizer = texts.word_piece()
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    model = zoo.TextClassifier(texts.backbone(tokenizer), num_classes=2, tokenizer=tokenizer)
x, y = texts.reviews(24)
losses = [model.fit(x, y, batch_size=8, epochs=2, verbose=0).history["loss"] for _ in range(2)]
scores = model.evaluate(x, y, verbose=0)
print(json.dumps({"losses": losses, "scores": scores, "devices": strategy.num_replicas_in_sync}))
"""


@pytest.mark.slow
def test_tensorflow_shares_batches_by_its_own_strategy():
    if keras.config.backend() != "tensorflow":
        pytest.skip("TensorFlow's way")
    ran = subprocess.run([sys.executable, "-c", MIRRORED], capture_output=True, text=True, timeout=400)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["devices"] == 2 and np.isfinite(found["losses"]).all() and np.isfinite(found["scores"]).all()
