"""Pre-training objectives: pure NumPy, token ids in, features out, the randomness passed in."""

from zoo.objectives.masked_lm import MaskedLM
from zoo.objectives.next_sentence import NextSentence
from zoo.objectives.objective import Composite, Objective
from zoo.objectives.parsing import parse_objective
from zoo.objectives.preview import preview
from zoo.objectives.sentence_order import SentenceOrder
from zoo.objectives.sentence_pairs import Pair, truncate_pair
from zoo.objectives.vocabulary import Vocabulary
from zoo.objectives.words import mark_words

__all__ = [
    "Composite",
    "MaskedLM",
    "NextSentence",
    "Objective",
    "Pair",
    "SentenceOrder",
    "Vocabulary",
    "mark_words",
    "parse_objective",
    "preview",
    "truncate_pair",
]
