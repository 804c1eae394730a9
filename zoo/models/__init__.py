"""Backbones: what a paper fixes is code, what a checkpoint varies is an argument."""

from zoo.models.albert import AlbertBackbone
from zoo.models.bert import BertBackbone
from zoo.models.encoder import Encoder

__all__ = ["AlbertBackbone", "BertBackbone", "Encoder"]
