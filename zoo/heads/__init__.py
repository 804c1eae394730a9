"""Heads take encoded tensors; they own no backbone."""

from zoo.heads.classification import ClassificationHead
from zoo.heads.masked_lm import MaskedLMHead, gather_positions
from zoo.heads.span import SpanHead

__all__ = ["ClassificationHead", "MaskedLMHead", "SpanHead", "gather_positions"]
