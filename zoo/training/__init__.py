"""Optimizer defaults with their papers, schedules, resumable checkpoints, run folders, batches that devices share."""

from zoo.training.checkpoints import Checkpoint
from zoo.training.devices import share_batches
from zoo.training.generation_scores import GenerationScores
from zoo.training.optimizers import AdamW, FineTuningAdamW, fine_tuning_rate
from zoo.training.schedules import WarmupLinearDecay

__all__ = [
    "AdamW",
    "Checkpoint",
    "FineTuningAdamW",
    "GenerationScores",
    "WarmupLinearDecay",
    "fine_tuning_rate",
    "share_batches",
]
