"""Backbone + head + preprocessor = a model to fit."""

from zoo.tasks.masked_lm import Filling, MaskedLM
from zoo.tasks.preprocessor import TextPreprocessor
from zoo.tasks.task import Task
from zoo.tasks.text_classifier import Classification, TextClassifier
from zoo.tasks.text_regressor import TextRegressor

__all__ = ["Classification", "Filling", "MaskedLM", "Task", "TextClassifier", "TextPreprocessor", "TextRegressor"]
