"""What a model has learned, made visible."""

from zoo.analysis.contextual import contextual_similarity
from zoo.analysis.similarity import ContextualSimilarity

__all__ = ["ContextualSimilarity", "contextual_similarity"]
