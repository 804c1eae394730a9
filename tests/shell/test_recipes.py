"""Recipes: what is in them is valid, and what is given beside them comes first."""

import pytest

import zoo
from zoo.shell.recipes import DEFAULTS, read_recipe, read_recipes


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
    kinds = {name: zoo.presets.read_card(recipe.like).architecture for name, recipe in read_recipes().items()}
    assert kinds["albert"] == kinds["albert_laptop"] == "AlbertBackbone"
    assert kinds["bart"] == kinds["mass"] == kinds["bart_laptop"] == "BartBackbone"
    assert kinds["t5"] == kinds["t5_laptop"] == "T5Backbone" and kinds["roberta"] == "BertBackbone"
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
