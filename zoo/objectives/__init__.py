"""Pre-training objectives: pure NumPy, token ids in, features out, the randomness passed in."""

from zoo.objectives.masked_lm import MaskedLM
from zoo.objectives.mass import MASS
from zoo.objectives.mixture import Mixture, ul2
from zoo.objectives.next_sentence import NextSentence
from zoo.objectives.noises import DocumentRotation, SentencePermutation, TokenDeletion, TokenMasking
from zoo.objectives.objective import Composite, Objective
from zoo.objectives.parsing import parse_objective
from zoo.objectives.preview import preview
from zoo.objectives.sentence_order import SentenceOrder
from zoo.objectives.sentence_pairs import Pair, truncate_pair
from zoo.objectives.span_corruption import ReplaceSpans, SpanCorruption
from zoo.objectives.text_infilling import TextInfilling
from zoo.objectives.text_to_text import BertStyle, Deshuffling, DropTokens, MassStyle, PrefixLM
from zoo.objectives.vocabulary import Vocabulary
from zoo.objectives.words import mark_words

__all__ = [
    "MASS",
    "BertStyle",
    "Composite",
    "Deshuffling",
    "DocumentRotation",
    "DropTokens",
    "MaskedLM",
    "MassStyle",
    "Mixture",
    "NextSentence",
    "Objective",
    "Pair",
    "PrefixLM",
    "ReplaceSpans",
    "SentenceOrder",
    "SentencePermutation",
    "SpanCorruption",
    "TextInfilling",
    "TokenDeletion",
    "TokenMasking",
    "Vocabulary",
    "mark_words",
    "parse_objective",
    "preview",
    "truncate_pair",
    "ul2",
]
