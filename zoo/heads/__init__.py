"""Heads take encoded tensors; they own no backbone."""

from zoo.heads.classification import ClassificationHead
from zoo.heads.masked_lm import MaskedLMHead, gather_positions

__all__ = ["ClassificationHead", "MaskedLMHead", "gather_positions"]
