"""A modular zoo of pre-trainable text models on Keras 3."""

import importlib

# Names are fetched when they are first used, so that the shell command answers before Keras is loaded.
_HOMES = {
    "AlbertBackbone": "zoo.models",
    "BartBackbone": "zoo.models",
    "BertBackbone": "zoo.models",
    "MaskedLM": "zoo.tasks",
    "MassBackbone": "zoo.models",
    "QuestionAnswering": "zoo.tasks",
    "Seq2SeqLM": "zoo.tasks",
    "T5Backbone": "zoo.models",
    "TextClassifier": "zoo.tasks",
    "TextEmbedder": "zoo.tasks",
    "TextRegressor": "zoo.tasks",
    "TextToText": "zoo.tasks",
    "TokenClassifier": "zoo.tasks",
    "list_presets": "zoo.presets",
}
_PACKAGES = (
    "analysis",
    "data",
    "heads",
    "layers",
    "metrics",
    "models",
    "objectives",
    "presets",
    "tasks",
    "tokenizers",
    "training",
)

__all__ = [*_HOMES, *_PACKAGES]
__version__ = "0.1.0"


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _PACKAGES:
        return importlib.import_module(f"zoo.{name}")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
