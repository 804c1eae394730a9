"""How a task is compiled, and how its optimizer learns of the length of a training run."""

import contextlib
import functools
import warnings

import keras

from zoo.tasks.logits import of_logits
from zoo.tasks.preset_task import PresetTask
from zoo.training.devices import jit_by_default
from zoo.training.optimizers import FineTuningAdamW, fine_tuning_rate


class TrainedTask(PresetTask):
    """A task with defaults to be compiled with, and runs that have a beginning and an end."""

    outputs_are_logits = True  # and no probabilities or numbers
    padding_has_no_weight = False  # in the sample weights, of a task with many answers a text
    _trained = None  # paths of the variables that the optimizer was built for
    _warning = None  # of a head that is new, as long as nobody has trained it or been told

    def _default_loss_and_metrics(self) -> dict:
        raise NotImplementedError

    def warn_at_predictions(self, message: str) -> None:
        """Warn at the first predictions, once, unless the task has been trained or given weights by then."""
        self._warning = message

    def _warn_if_new(self):
        message, self._warning = self._warning, None
        if message is not None and not (self.optimizer and self.optimizer.built and int(self.optimizer.iterations)):
            warnings.warn(message, stacklevel=4)

    def load_weights(self, *args, **kwargs):
        """Load weights, see `keras.Model.load_weights`."""
        super().load_weights(*args, **kwargs)
        self._warning = None

    def compile(self, optimizer="auto", loss="auto", metrics="auto", weighted_metrics="auto", **kwargs):
        """Compile the task; what is `"auto"` gets the task's default.

        The outputs of a classifier or a language model are logits, so Keras's cross-entropies, by name or as objects,
        are taken from logits: `loss="sparse_categorical_crossentropy"` is right. By name, of a task on tokens or words,
        they are the mean of what has a weight, which padding has not.

        The default optimizer is `zoo.training.FineTuningAdamW` at the rate that the backbone's size asks for; every
        `fit` begins it anew, with a warmup over a tenth of its steps and a linear decay to zero, as the papers do.

        Args:
            optimizer: a Keras optimizer, its name, or `"auto"`.
            loss: a Keras loss, its name, or `"auto"`.
            metrics: Keras metrics, or `"auto"`. A task on tokens or words takes them as `weighted_metrics`, where none
                of those are given: Keras would count padding in.
            weighted_metrics: Keras metrics, or `"auto"`.
            **kwargs: further arguments of `keras.Model.compile`. With `steps_per_execution` an epoch of raw data is
                rounded up to whole executions; evaluation takes one batch at a time.

        Raises:
            ValueError: if a loss or metric takes probabilities only, and the outputs are logits.
        """
        options = {"loss": loss, "metrics": metrics, "weighted_metrics": weighted_metrics, **kwargs}
        self._compile_again = functools.partial(self.compile, **options)
        if self.padding_has_no_weight and not _is_auto(metrics) and _is_auto(weighted_metrics):
            metrics, weighted_metrics = None, metrics
        padded = self.padding_has_no_weight
        defaults = self._default_loss_and_metrics()
        defaults["optimizer"] = FineTuningAdamW(fine_tuning_rate(self.backbone.hidden_dim))

        def chosen(value, name, of=None):
            if _is_auto(value):
                return defaults.get(name)
            if of is None or not self.outputs_are_logits:
                return value
            return of_logits(value, of, "mean_with_sample_weight" if of is keras.losses and padded else None)

        super().compile(
            optimizer=chosen(optimizer, "optimizer"),
            loss=chosen(loss, "loss", keras.losses),
            metrics=chosen(metrics, "metrics", keras.metrics),
            weighted_metrics=chosen(weighted_metrics, "weighted_metrics", keras.metrics),
            **{"jit_compile": jit_by_default(), **kwargs},
        )

    def get_compile_config(self):
        """How the task was compiled, for a file of Keras; `compile_from_config` reads it."""
        config = super().get_compile_config()
        if config and "jit_compile" not in self._compile_again.keywords:
            del config["jit_compile"]  # the machine that loads the task has its own default
        return {**config, "has_state": bool(self.optimizer and self.optimizer.built)} if config else {}

    def compile_from_config(self, config):
        """Compile the task as that was from which `get_compile_config` came, ready for its optimizer's state."""
        config = keras.saving.deserialize_keras_object(config)
        has_state = config.pop("has_state", True)
        self.compile(**config)
        if self.optimizer is not None and has_state:
            with self._variables_of_the_optimizer():
                self.optimizer.build(self.trainable_variables)
            self._trained = self._paths_of_trained()

    @contextlib.contextmanager
    def _run(self, steps: int, done: int = 0):
        """A training run of so many optimizer `steps`, 0 if that is not known, of which some are done.

        An optimizer that asks for it is given the number; outside of runs its rate is constant.
        """
        with self._variables_of_the_optimizer():
            optimizer = self._ready_optimizer()
            if isinstance(optimizer, FineTuningAdamW):
                optimizer.start_run(steps, done)
        try:
            yield
        finally:
            if isinstance(optimizer, FineTuningAdamW):
                optimizer.end_run()

    def _whole_executions(self, steps: int) -> int:
        """The steps that Keras does in an epoch of `steps`: always `steps_per_execution` of them at once."""
        return steps + -steps % self.steps_per_execution

    def _evaluate_batches(self, *args, **kwargs):
        """`keras.Model.evaluate`, which counts every batch once."""
        with self._one_batch_an_execution():
            return keras.Model.evaluate(self, *args, **kwargs)

    def _predict_features(self, *args, **kwargs):
        """`keras.Model.predict`, with every batch once."""
        with self._one_batch_an_execution():
            return keras.Model.predict(self, *args, **kwargs)

    @contextlib.contextmanager
    def _one_batch_an_execution(self):
        """Inside, `steps_per_execution` is 1: several at once would go on behind the last batch, with the first ones.

        Keras makes its functions for evaluation and prediction only in here, so they never take several.
        """
        several, self.steps_per_execution = self.steps_per_execution, 1
        held_out = getattr(self, "_eval_epoch_iterator", None)  # of a `fit` in progress
        if held_out is not None:
            held_out.steps_per_execution = 1
        try:
            yield
        finally:
            self.steps_per_execution = several

    def _variables_of_the_optimizer(self):
        """Where TensorFlow shares batches among devices, the optimizer's variables are made as the weights were."""
        strategy = getattr(self, "distribute_strategy", None)
        return strategy.scope() if hasattr(strategy, "scope") else contextlib.nullcontext()

    def _ready_optimizer(self):
        """The optimizer, with variables for the weights that are trained now."""
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)  # without the scaling of float16
        trained = self._paths_of_trained()
        if isinstance(optimizer, FineTuningAdamW) and self.optimizer.built and self._trained not in (None, trained):
            optimizer = FineTuningAdamW.from_config(optimizer.get_config())
            self._compile_again(optimizer)
        if not self.optimizer.built:
            # Otherwise TensorFlow traces the step twice, first to make the optimizer's variables: half of a short run.
            self.optimizer.build(self.trainable_variables)
        self._trained = trained
        return optimizer

    def _paths_of_trained(self):
        return tuple(variable.path for variable in self.trainable_variables)

    def train_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """One step on one batch of raw data or features; see `keras.Model.train_on_batch`."""
        data = keras.utils.unpack_x_y_sample_weight(self.preprocess_samples(x, y, sample_weight))
        return keras.Model.train_on_batch(self, *data, **kwargs)

    def test_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """Loss and metrics on one batch of raw data or features; see `keras.Model.test_on_batch`."""
        data = keras.utils.unpack_x_y_sample_weight(self.preprocess_samples(x, y, sample_weight))
        return keras.Model.test_on_batch(self, *data, **kwargs)

    def train_step(self, *args):
        # A task on tokens leaves the backbone's pooler unused, of which Keras would warn.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Gradients do not exist for variables \[('pooler/\w+'(, )?)+\]")
            return super().train_step(*args)


def _is_auto(value) -> bool:
    return isinstance(value, str) and value == "auto"
