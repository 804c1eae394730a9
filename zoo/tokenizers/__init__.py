"""Tokenizers: text to ids and back, and training their vocabularies."""

from zoo.tokenizers.byte_pair import BytePair
from zoo.tokenizers.byte_pair_training import train_byte_pair
from zoo.tokenizers.t5_unigram import T5Unigram
from zoo.tokenizers.training import train_word_piece
from zoo.tokenizers.unigram import Unigram
from zoo.tokenizers.unigram_training import train_unigram
from zoo.tokenizers.word_piece import WordPiece

__all__ = ["BytePair", "T5Unigram", "Unigram", "WordPiece", "train_byte_pair", "train_unigram", "train_word_piece"]
