"""Tokenizers: text to ids and back, and training their vocabularies."""

from zoo.tokenizers.training import train_word_piece
from zoo.tokenizers.word_piece import WordPiece

__all__ = ["WordPiece", "train_word_piece"]
