"""Backbone + head + preprocessor = a model to fit."""

from zoo.tasks.answers import Answer
from zoo.tasks.masked_lm import Filling, MaskedLM
from zoo.tasks.preprocessor import TextPreprocessor
from zoo.tasks.question_answering import QuestionAnswering
from zoo.tasks.samplers import Beam, Contrastive, Greedy, Sampling
from zoo.tasks.seq2seq_lm import Seq2SeqLM
from zoo.tasks.task import Task
from zoo.tasks.text_classifier import Classification, TextClassifier
from zoo.tasks.text_embedder import TextEmbedder
from zoo.tasks.text_forms import TextForm, text_form, text_forms
from zoo.tasks.text_regressor import TextRegressor
from zoo.tasks.text_to_text import TextToText
from zoo.tasks.token_classifier import Entity, TokenClassifier

__all__ = [
    "Answer",
    "Beam",
    "Classification",
    "Contrastive",
    "Entity",
    "Filling",
    "Greedy",
    "MaskedLM",
    "QuestionAnswering",
    "Sampling",
    "Seq2SeqLM",
    "Task",
    "TextClassifier",
    "TextEmbedder",
    "TextForm",
    "TextPreprocessor",
    "TextRegressor",
    "TextToText",
    "TokenClassifier",
    "text_form",
    "text_forms",
]
