"""Recipes, what `zoo pretrain --recipe` takes: data, which is read without Keras."""

import dataclasses
from pathlib import Path

from zoo.weights.strict_json import read_json, to_dataclass

RECIPES_FILE = Path(__file__).parents[1] / "training" / "recipes.json"

# What is used where neither the user nor the recipe says anything.
DEFAULTS = {
    "like": "bert_tiny_en_uncased", "steps": 10_000, "batch_size": 32, "sequence_length": 128, "learning_rate": 1e-3,
    "warmup": 0.05, "warm_start_tokens": 0, "dropout": None, "dtype": "mixed_bfloat16",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a paper fixes of pre-training besides the architecture; the recipes are data, in `recipes.json`.

    Attributes:
        description: str, for people.
        paper: str, where it is from.
        objective: str, see `zoo.objectives.parse_objective`.
        optimizer: dict, arguments of `zoo.training.AdamW` that differ from its defaults.
        machine: str, what it is made for: empty for a paper's own.
        settings: dict, arguments of `zoo.training.recipes.pretrain_like` that differ from `DEFAULTS`.
        expect: str, what comes of it, and whether that was measured here.
    """

    description: str
    paper: str
    objective: str
    optimizer: dict[str, object]
    machine: str = ""
    settings: dict[str, object] = dataclasses.field(default_factory=dict)
    expect: str = ""

    @property
    def like(self) -> str:
        """The preset whose architecture is used."""
        return self.settings.get("like", DEFAULTS["like"])

    def settings_with(self, changes: dict, **given) -> dict:
        """All settings: what is given and not None, else the recipe's, else `DEFAULTS`.

        Args:
            changes: arguments of the backbone, which come before the recipe's one by one.
            **given: settings by name.
        """
        return {
            **DEFAULTS,
            "objective": self.objective,
            **self.settings,
            **{name: value for name, value in given.items() if value is not None},
            "changes": {**self.settings.get("changes", {}), **changes},
            **({"dropout": given.get("dropout")} if "dropout" in changes else {}),
        }

    def without_start(self) -> "Recipe":
        """The recipe for a model that there is already: without architecture and warm start."""
        starts = ("like", "changes", "warm_start_tokens")
        return dataclasses.replace(self, settings={k: v for k, v in self.settings.items() if k not in starts})


def read_recipes() -> dict[str, Recipe]:
    """All recipes, by name."""
    return {name: read_recipe(name) for name in read_json(RECIPES_FILE)}


def read_recipe(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
        ValueError: if there is none; the known ones are listed.
    """
    recipes = read_json(RECIPES_FILE)
    if name not in recipes:
        raise ValueError(f"`recipe` must be one of {sorted(recipes)}. Received: recipe={name!r}")
    recipe, problems = to_dataclass(Recipe, recipes[name])
    if problems:
        raise ValueError(f"The recipe {name!r} in {RECIPES_FILE} is not valid: {'; '.join(problems)}")
    return recipe
