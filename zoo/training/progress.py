"""A progress bar for runs of many steps."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

from zoo.training.steps import StepCounter


class ProgressBar(StepCounter):
    """One line over a whole `fit`: steps, loss, tokens a second, time left; plain lines where there is no terminal.

    Args:
        total_steps: int, optimizer steps of the whole run; those of the `fit` when None.
        tokens_per_step: int, tokens in a batch, padding included, for the rate; 0 to leave it out.
        label: str, in front of the bar.
        steps_done: int, steps of an earlier part of the run.
    """

    def __init__(self, total_steps=None, tokens_per_step=0, label="training", steps_done=0):
        super().__init__(steps_done)
        self.total_steps = total_steps
        self.tokens_per_step = tokens_per_step
        self.label = label
        self._console = Console()

    def on_train_begin(self, logs=None):
        self._began, self._first = time.monotonic(), self.steps
        if self.total_steps is None:
            self.total_steps = self.params["epochs"] * self.params["steps"]
        self._bar = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=12),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            # The metrics get the room that is left, so that a narrow terminal still shows how far it is.
            TextColumn("{task.fields[shown]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            expand=True,
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(self.label, total=self.total_steps, completed=self.steps, shown="")
        self._bar.start()

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self._console.is_terminal:
            self._bar.update(self._task, completed=self.steps, shown=self._shown(logs))

    def on_epoch_end(self, epoch, logs=None):
        if not self._console.is_terminal:
            self._console.print(f"{self.label}: step {self.steps} of {self.total_steps} {self._shown(logs)}")

    def on_train_end(self, logs=None):
        self._bar.stop()

    def _shown(self, logs):
        logs = logs or {}
        parts = [f"{name} {float(logs[name]):.3f}" for name in logs if not name.endswith("_loss") or "val" in name]
        if self.tokens_per_step:
            elapsed = max(time.monotonic() - self._began, 1e-9)
            rate = (self.steps - self._first) * self.tokens_per_step / elapsed
            parts.insert(1, f"{rate:,.0f} tokens/s")
        return "  ".join(parts)
