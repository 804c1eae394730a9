"""Pre-training objectives: pure NumPy, token ids in, features out, the randomness passed in."""

from zoo.objectives.masked_lm import MaskedLM
from zoo.objectives.objective import Composite, Objective
from zoo.objectives.sentence_pairs import NextSentence, Pair, SentencePairing, truncate_pair
from zoo.objectives.vocabulary import Vocabulary
from zoo.objectives.words import mark_words

__all__ = [
    "Composite",
    "MaskedLM",
    "NextSentence",
    "Objective",
    "Pair",
    "SentencePairing",
    "Vocabulary",
    "mark_words",
    "truncate_pair",
]
