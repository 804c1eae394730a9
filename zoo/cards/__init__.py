"""Cards of presets: read strictly, found by name, shown as tables."""

from zoo.cards.card import (
    Card,
    Corpus,
    Score,
    ShippedFile,
    Source,
    TokenizerChoice,
    Training,
    parse_card,
    read_card_file,
)
from zoo.cards.catalogue import Location, find, read_card, read_cards
from zoo.cards.views import PresetList, card_view

__all__ = [
    "Card",
    "Corpus",
    "Location",
    "PresetList",
    "Score",
    "ShippedFile",
    "Source",
    "TokenizerChoice",
    "Training",
    "card_view",
    "find",
    "parse_card",
    "read_card",
    "read_card_file",
    "read_cards",
]
