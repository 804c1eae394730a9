"""Recipes: what is in them is valid, and what is given beside them comes first."""

import json
import os
import subprocess
import sys

import keras
import pytest

import zoo
from zoo.training.recipes import DEFAULTS, read_recipe, read_recipes, share_batches


@pytest.mark.parametrize("name", list(read_recipes()))
def test_every_recipe_can_be_run(name):
    recipe = read_recipe(name)
    zoo.objectives.parse_objective(recipe.objective)
    zoo.training.AdamW(1e-3, **recipe.optimizer)
    assert set(recipe.settings) <= {*DEFAULTS, "changes"}
    assert bool(recipe.machine) == bool(recipe.expect)
    settings = recipe.settings_with({})
    card = zoo.presets.read_card(settings["like"])
    kind = getattr(zoo, card.architecture)
    small = {"vocabulary_size": 97, "num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}
    assert kind(**{**card.backbone, **settings["changes"], **small}).num_layers == 1
    if recipe.machine:  # its examples fit into its model
        length = {**card.backbone, **settings["changes"]}["max_sequence_length"]
        assert settings["sequence_length"] <= length and settings["dtype"] in ("float32", "mixed_bfloat16")


def test_recipes_are_the_papers():
    assert zoo.objectives.parse_objective(read_recipe("roberta").objective).pairing is None
    assert read_recipe("roberta").optimizer == {"beta_2": 0.98, "global_clipnorm": None}
    assert read_recipe("albert").objective == "MaskedLM(unit='ngram') + SentenceOrder"
    assert read_recipe("t5").optimizer == {"relative_rate": True}
    with pytest.raises(ValueError, match=r"one of .*'albert'.*Received: recipe='xlnet'"):
        read_recipe("xlnet")


def test_what_is_given_comes_before_the_recipe_and_that_before_the_defaults():
    recipe = read_recipe("bert_laptop")
    settings = recipe.settings_with({"dropout": "0.1"}, steps=7, batch_size=None, objective=None)
    assert settings["steps"] == 7 and settings["batch_size"] == recipe.settings["batch_size"]
    assert settings["objective"] == recipe.objective
    assert settings["changes"] == {**recipe.settings["changes"], "dropout": "0.1"}
    assert recipe.settings["dropout"] == 0 and settings["dropout"] is None  # what was asked for is for pre-training too
    assert recipe.settings_with({}, objective="MaskedLM")["objective"] == "MaskedLM"
    assert read_recipe("bert").settings_with({}) == {**DEFAULTS, "objective": "MaskedLM + NextSentence", "changes": {}}


ON_FOUR_DEVICES = """
import json, sys, keras, zoo
from tests import texts
from zoo.training.recipes import share_batches
tokenizer, objective = texts.word_piece(), zoo.objectives.parse_objective("MaskedLM + NextSentence")
losses = []
for shared in (False, True):
    if shared:
        share_batches()
    keras.utils.set_random_seed(0)
    data = zoo.data.pretraining_dataset(
        texts.documents(61), tokenizer, objective, sequence_length=37, batch_size=8, seed=0
    )
    model = zoo.MaskedLM(texts.backbone(tokenizer, normalize_first=True), tokenizer=tokenizer, objective=objective)
    model.compile(optimizer=zoo.training.AdamW(1e-2))
    losses.append(model.fit(data, epochs=2, steps_per_epoch=3, verbose=0).history["loss"])
devices = len(model.backbone.token_embedding.embeddings.value.sharding.device_set)
print(json.dumps({"devices": devices, "losses": losses}))
"""


@pytest.mark.slow
def test_batches_shared_among_devices_give_the_same_losses():
    flags = {
        "KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # to compile takes longer than to run
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", ON_FOUR_DEVICES],
        env={**os.environ, **flags},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result["devices"] == 4
    assert result["losses"][1] == pytest.approx(result["losses"][0], rel=1e-5)


def test_batches_are_not_shared_where_keras_cannot():
    if keras.config.backend() == "jax":
        pytest.skip("Keras shares batches on JAX")
    with pytest.raises(ValueError, match="Received: the backend 'tensorflow'"):
        share_batches()
