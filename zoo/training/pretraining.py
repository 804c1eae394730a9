"""Pre-training as a run: warm start, schedule, checkpoints, metrics, curves, and a preset at the end."""

import keras

from zoo.training.checkpoints import Checkpoint
from zoo.training.comparison import SharedTask
from zoo.training.optimizers import AdamW
from zoo.training.progress import ProgressBar
from zoo.training.runs import MetricsLog, RunFolder, draw_curves, read_metrics
from zoo.training.schedules import WarmupLinearDecay
from zoo.training.steps import StepCounter
from zoo.training.warm_start import first_texts, static_embedding, warm_start


def pretrain(
    model,
    data,
    steps: int,
    run: RunFolder,
    learning_rate: float = 1e-3,
    warmup: float = 0.05,
    validation_data=None,
    validation_steps: int = 50,
    report_every: int = 500,
    warm_start_tokens: int = 0,
    optimizer: dict | None = None,
    shared: SharedTask | None = None,
) -> dict:
    """Train a task on pre-training data for a number of steps; an interrupted run is taken up where it was.

    Args:
        model: a task such as `zoo.MaskedLM`, built but not trained.
        data: `zoo.data.pretraining_dataset(...)`.
        steps: int, optimizer steps of the whole run.
        run: `RunFolder`; if it holds a checkpoint, training goes on from it.
        learning_rate: float, the peak.
        warmup: float, fraction of the steps that the rate rises for; it falls to zero after them.
        validation_data: `zoo.data.pretraining_dataset(...)` of held-out text, or None.
        validation_steps: int, batches of it that are looked at.
        report_every: int, steps between two rows of `metrics.csv`; a checkpoint is written as often.
        warm_start_tokens: int, tokens of the corpus to count for a static embedding to start from; 0 for a
            random start. See `static_embedding`.
        optimizer: dict, arguments of `zoo.training.AdamW` other than the rate, or None for its defaults.
        shared: `SharedTask` of several trainings that differ in weights and data alone, which are then compiled once.

    Returns:
        dict: `steps`, `tokens` (positions seen, padding included), `minutes` (of all parts of the run) and
        the last metrics. It is also written to the run's `result.json` beside the preset.
    """
    tokens_per_step = data.batch_size * data.sequence_length
    report_every = min(report_every, steps)
    model = (shared or SharedTask()).begin(
        model, AdamW(WarmupLinearDecay(learning_rate, steps, warmup), **(optimizer or {}))
    )
    checkpoint = Checkpoint(run.path / "checkpoint", every="epoch")
    done = checkpoint.restore(model)
    run.forget_after(done)
    if done == 0 and warm_start_tokens:
        _warm_start(model.backbone, data, warm_start_tokens)
    if done < steps:
        callbacks = [
            MetricsLog(run.metrics_file, "pre-training", steps_done=done),
            checkpoint,  # behind the row of its step, so that none is missing after a kill
            ProgressBar(steps, tokens_per_step, label="pre-training", steps_done=done),
            keras.callbacks.TensorBoard(str(run.path / "tensorboard"), write_graph=False),
            _EndAt(steps, done),
        ]
        # Reports, not passes over the data, are Keras's epochs here, so that a run resumes at any report.
        keras_epochs = -(-steps // report_every)
        model.fit(
            data,
            epochs=keras_epochs,
            steps_per_epoch=report_every,
            initial_epoch=done // report_every,
            validation_data=validation_data,
            validation_steps=validation_steps if validation_data is not None else None,
            callbacks=callbacks,
            verbose=0,
        )
    rows = read_metrics(run.metrics_file)
    draw_curves(rows, run.curves, panels=_panels(rows))
    model.save_to_preset(run.preset)
    return summary(rows, tokens_per_step)


class _EndAt(StepCounter):
    """Ends the training after a step, also where that is not the end of a report."""

    def __init__(self, last_step, steps_done):
        super().__init__(steps_done)
        self.last_step = last_step

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self.steps >= self.last_step:
            self.model.stop_training = True


def summary(rows: list[dict], tokens_per_step: int) -> dict:
    """The end of a pre-training run in a few numbers, from the rows of its `metrics.csv`."""
    last = rows[-1]
    metrics = {name: value for name, value in last.items() if name not in ("part", "epoch", "step", "seconds")}
    return {
        "steps": last["step"],
        "tokens": last["step"] * tokens_per_step,
        "minutes": round(last["seconds"] / 60, 1),
        **{name: round(value, 4) for name, value in metrics.items() if value != ""},
    }


def _panels(rows):
    names = [name for name in rows[-1] if name in ("loss", "val_loss") or name.endswith("accuracy")]
    return names or ["loss"]


def _warm_start(backbone, data, tokens):
    vocabulary = data.vocabulary
    embedding = static_embedding(
        first_texts(data.documents(), tokens),
        vocabulary.size,
        backbone.token_embedding.output_dim,
        special_ids=vocabulary.special_ids,
    )
    return warm_start(backbone, embedding)
