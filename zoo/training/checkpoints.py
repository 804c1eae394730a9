"""Checkpoints that a killed run goes on from, to the same numbers."""

import json
import os
import shutil
import warnings
from pathlib import Path

import numpy as np

from zoo.training.steps import StepCounter

STATE_FILE = "state.json"
WEIGHTS_FILE = "state.weights.h5"


class Checkpoint(StepCounter):
    """Saves everything that training depends on, and takes it up again.

    A checkpoint holds the weights, the optimizer's moments and step, the states of random generators and
    the number of steps done. It is written into a folder beside the last one and renamed, so a kill at
    any moment leaves a whole checkpoint. Data drawn by step (`zoo.data.pretraining_dataset`) needs no
    state of its own: the step says which batch is next.

    Args:
        folder: str or path, where checkpoints are kept; the newest one only.
        every: int, steps between two checkpoints; or `"epoch"`, for one at the end of every epoch, behind what the
            callbacks before this one in the list write then.

    Example:

        checkpoint = zoo.training.Checkpoint("runs/mine/checkpoint", every="epoch")
        done = checkpoint.restore(model)  # 0 when there is nothing to go on from
        model.fit(data, epochs=9, initial_epoch=done // data.steps_per_epoch, callbacks=[checkpoint])

    (`fit` of a task takes the batches that come then, and keeps the optimizer's state. In a loop of one's own,
    `every=1000` and `data.skip(done)`.)
    """

    def __init__(self, folder, every):
        super().__init__()
        if every != "epoch" and not (isinstance(every, int) and every >= 1):
            raise ValueError(f"`every` must be a positive number of steps, or 'epoch'. Received: every={every!r}")
        self.folder = Path(folder)
        self.every = every

    def restore(self, model) -> int:
        """Load the newest checkpoint into the compiled `model`; return the steps done, 0 if there is none."""
        newest = self._newest()
        if newest is None:
            return 0
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        try:
            state = json.loads((newest / STATE_FILE).read_text(encoding="utf-8"))
            with warnings.catch_warnings():
                warnings.filterwarnings("error", "Skipping variable loading")  # of another optimizer
                model.load_weights(newest / WEIGHTS_FILE)
            for variable, value in zip(_random_states(model), state["random_states"], strict=True):
                variable.assign(np.array(value, variable.dtype))
        except (OSError, ValueError, KeyError, UserWarning) as error:
            raise ValueError(
                "A checkpoint must hold the state of this very model and optimizer. Use the configuration that the "
                f"run was started with, or another folder. Received: folder={str(newest)!r}, which failed with: {error}"
            ) from error
        self.steps = state["steps"]
        return self.steps

    def save(self) -> None:
        """Write a checkpoint of the model now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = self.folder / f".writing-{os.getpid()}"
        for unfinished in self.folder.glob(".writing-*"):  # of a process that was killed
            shutil.rmtree(unfinished, ignore_errors=True)
        beside.mkdir()
        try:
            self.model.save_weights(beside / WEIGHTS_FILE)
            random_states = [np.asarray(variable).tolist() for variable in _random_states(self.model)]
            state = {"steps": self.steps, "random_states": random_states}
            (beside / STATE_FILE).write_text(json.dumps(state), encoding="utf-8")
            older, new = self._all(), self.folder / f"step-{self.steps:010d}"
            if new in older:  # a folder does not take the place of another
                os.replace(new, self.folder / f".writing-over-{os.getpid()}")
            os.replace(beside, new)
            shutil.rmtree(self.folder / f".writing-over-{os.getpid()}", ignore_errors=True)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        for folder in older:
            if folder.name != f"step-{self.steps:010d}":
                shutil.rmtree(folder, ignore_errors=True)

    def on_train_batch_end(self, batch, logs=None):
        before = self.steps
        super().on_train_batch_end(batch, logs)
        if self.every != "epoch" and self.steps // self.every > before // self.every:
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        if self.every == "epoch":
            self.save()

    def on_train_end(self, logs=None):
        if self.every != "epoch" and not (self.folder / f"step-{self.steps:010d}").is_dir():
            self.save()

    def _all(self):
        return sorted(self.folder.glob("step-*")) if self.folder.is_dir() else []

    def _newest(self):
        folders = self._all()
        return folders[-1] if folders else None


def _random_states(model):
    """The states of the model's random generators (dropout), which Keras does not save with the weights."""
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]
