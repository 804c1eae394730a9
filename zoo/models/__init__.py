"""Backbones: what a paper fixes is code, what a checkpoint varies is an argument."""

from zoo.models.albert import AlbertBackbone
from zoo.models.bart import BartBackbone
from zoo.models.bert import BertBackbone
from zoo.models.encoder import Encoder
from zoo.models.encoder_decoder import EncoderDecoder
from zoo.models.mass import MassBackbone
from zoo.models.t5 import T5Backbone

__all__ = [
    "AlbertBackbone",
    "BartBackbone",
    "BertBackbone",
    "Encoder",
    "EncoderDecoder",
    "MassBackbone",
    "T5Backbone",
]
