"""What every task shares: backbone, head and preprocessor, and `fit` on raw data."""

import functools
import operator
import warnings

import keras
import numpy as np

from zoo.data.batches import BucketedBatches
from zoo.data.feeding import feed
from zoo.data.inputs import has_features, read_examples
from zoo.data.ragged import EncodedExamples
from zoo.models.checks import check_vocabulary
from zoo.tasks.preprocessor import TextPreprocessor
from zoo.tasks.preset_task import PresetTask
from zoo.training.devices import counted_once, filled, rounded_up
from zoo.training.optimizers import FineTuningAdamW, fine_tuning_rate


class Task(PresetTask):
    """Base of the zoo's tasks: one class a task, for every backbone.

    `fit`, `evaluate` and `predict` take raw data (see `zoo.data.read_examples`): the text is tokenized
    once, shuffled anew every epoch and batched with texts of like length, padded to one of few lengths.
    They also take features that are ready, as any Keras model does.

    Args:
        backbone: a backbone.
        outputs: function from the backbone's inputs (a dict of symbolic tensors) to the task's outputs,
            or to a pair of more inputs and the outputs.
        tokenizer: a tokenizer, or None if the task is only given features.
        preprocessor: a `TextPreprocessor`, instead of the tokenizer.
        seed: int, of the shuffling.
        compile: bool, whether to compile with the task's defaults.
    """

    _held_out = None  # the batches that a `fit` in progress validates on
    _trained = None  # paths of the variables that the last `fit` trained

    def __init__(self, backbone, inputs, outputs, tokenizer=None, preprocessor=None, seed=0, compile=True, **kwargs):
        if tokenizer is not None and preprocessor is None:
            check_vocabulary(backbone, tokenizer)
            preprocessor = TextPreprocessor(tokenizer, sequence_length=backbone.max_sequence_length)
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.seed = seed
        super().__init__(inputs=inputs, outputs=outputs, compile=compile, **kwargs)

    @property
    def tokenizer(self):
        """The preprocessor's tokenizer, or None."""
        return None if self.preprocessor is None else self.preprocessor.tokenizer

    def _default_loss_and_metrics(self) -> dict:
        raise NotImplementedError

    def compile(self, optimizer="auto", loss="auto", metrics="auto", weighted_metrics="auto", **kwargs):
        """Compile the task; what is `"auto"` gets the task's default.

        The default optimizer is `zoo.training.FineTuningAdamW` at the rate that the backbone's size asks for; every
        `fit` begins it anew, with a warmup over a tenth of its steps and a linear decay to zero, as the papers do.

        Args:
            optimizer: a Keras optimizer, its name, or `"auto"`.
            loss: a Keras loss, or `"auto"`.
            metrics: Keras metrics, or `"auto"`.
            weighted_metrics: Keras metrics, or `"auto"`.
            **kwargs: further arguments of `keras.Model.compile`.
        """
        options = {"loss": loss, "metrics": metrics, "weighted_metrics": weighted_metrics, **kwargs}
        self._compile_again = functools.partial(self.compile, **options)
        defaults = self._default_loss_and_metrics()
        defaults["optimizer"] = FineTuningAdamW(fine_tuning_rate(self.backbone.hidden_dim))

        def chosen(value, name):
            return defaults.get(name) if isinstance(value, str) and value == "auto" else value

        super().compile(
            optimizer=chosen(optimizer, "optimizer"),
            loss=chosen(loss, "loss"),
            metrics=chosen(metrics, "metrics"),
            weighted_metrics=chosen(weighted_metrics, "weighted_metrics"),
            **{"jit_compile": _jit_by_default(), **kwargs},
        )

    def _schedule(self, steps: int, done: int = 0) -> None:
        """Give an optimizer that asks for it the number of `steps` of this training run."""
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)  # without the scaling of float16
        trained = tuple(variable.path for variable in self.trainable_variables)
        if isinstance(optimizer, FineTuningAdamW) and self.optimizer.built and self._trained not in (None, trained):
            optimizer = FineTuningAdamW.from_config(optimizer.get_config())
            self._compile_again(optimizer)
        if not self.optimizer.built:
            # Otherwise TensorFlow traces the step twice, first to make the optimizer's variables: half of a short run.
            self.optimizer.build(self.trainable_variables)
        self._trained = trained
        if isinstance(optimizer, FineTuningAdamW):
            optimizer.start_run(max(1, steps), done)

    def _targets(self, labels) -> np.ndarray:
        """Raw labels as the array that the loss takes; raises a ValueError for labels that it can't."""
        raise NotImplementedError

    def _check_ready(self):
        if self.preprocessor is None:
            raise ValueError(
                f"Raw text needs a tokenizer. Received: {type(self).__name__} without one. Build it with "
                "`tokenizer=...`, load it by `from_preset`, or give features (a dict with `token_ids`)."
            )

    def _inputs_of(self, rows: dict) -> dict:
        return {name: rows[name] for name in self.input_names_of_backbone}

    @property
    def input_names_of_backbone(self) -> list[str]:
        """Names of the features that the backbone takes."""
        return list(self.backbone.input)

    # What a task trains on: a task with another kind of examples has its own `_read` and `_encode`.

    def _read(self, x, y=None, sample_weight=None, text_columns=None, label_column=None):
        """What the user gave as examples: `labels`, `len`, `split`, `without_labels`."""
        return read_examples(x, y, sample_weight, text_columns, label_column)

    def _encode(self, examples):
        """Tokenized examples: `lengths` and `batch(indices, length)`."""
        return EncodedExamples(
            self.preprocessor.encode(examples),
            names=tuple(self.input),
            pad_id=self.tokenizer.pad_token_id,
            targets=None if examples.labels is None else self._targets(examples.labels),
            weights=examples.weights,
        )

    def _labelled(self, *data):
        self._check_ready()
        examples = self._read(*data)
        if examples.labels is None:
            raise ValueError(
                "Training and evaluation need labels. Received: y=None. Give a list of labels, a data set of pairs "
                "(text, label), or a table with `label_column`."
            )
        return examples

    def _batches(self, examples, batch_size, shuffle=False) -> BucketedBatches:
        """Tokenize, once; batches of like lengths."""
        encoded, size = self._encode(examples), rounded_up(batch_size or 32)
        return BucketedBatches(encoded, size, self.preprocessor.boundaries, self.seed if shuffle else None)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        """One batch for `train_on_batch` and its kin: features as they are, raw text as features."""
        if has_features(x):
            return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
        self._check_ready()
        encoded = self._encode(self._read(x, y, sample_weight))
        length = next(step for step in self.preprocessor.boundaries if step >= encoded.lengths.max())
        return encoded.batch(np.arange(len(encoded.lengths)), length)

    # Training.

    def train_step(self, *args):
        # A task on tokens leaves the backbone's pooler unused, of which Keras would warn.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Gradients do not exist for variables \[('pooler/\w+'(, )?)+\]")
            return super().train_step(*args)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        sample_weight=None,
        validation_data=None,
        validation_split=None,
        shuffle=True,
        text_columns=None,
        label_column=None,
        **kwargs,
    ):
        """Train on raw texts, or on features.

        Args:
            x: texts, pairs of texts, a table or a data set, see `zoo.data.read_examples`; or features.
            y: labels.
            batch_size: int, texts in a batch; 32 when None. Where devices share it (`zoo.training.share_batches`),
                it is rounded up to a multiple of their number, and an epoch's last batch filled up with its own texts.
            sample_weight: one number a text, or None.
            validation_data: the same, as a tuple `(x, y)` or `(x, y, sample_weight)`, a table or a data set.
            validation_split: float, the fraction of the examples, drawn at random, to validate on.
            shuffle: bool, whether to draw the texts in a new order every epoch.
            text_columns: str or pair of str, the columns of a table that hold the texts.
            label_column: str, the column of a table that holds the labels.
            **kwargs: other arguments of `keras.Model.fit`, such as `epochs` and `callbacks`.

        Returns:
            `keras.callbacks.History`.
        """
        if has_features(x):
            return keras.Model.fit(
                self, x, y, batch_size=batch_size, sample_weight=sample_weight, validation_data=validation_data,
                validation_split=validation_split or 0.0, shuffle=shuffle, **kwargs,
            )  # fmt: skip
        examples = self._labelled(x, y, sample_weight, text_columns, label_column)
        self._learn_labels(examples.labels)
        held_out = None
        if validation_data is not None:
            held_out = self._labelled(*_unpack(validation_data), text_columns, label_column)
        elif validation_split:
            examples, held_out = examples.split(validation_split, self.seed)
        batches = self._batches(examples, batch_size, shuffle)
        if held_out is not None:
            kwargs |= self._validation(held_out, batch_size)
        steps = kwargs.pop("steps_per_epoch", None) or len(batches)
        first = kwargs.get("initial_epoch", 0)
        self._schedule(steps * kwargs.get("epochs", 1), done=steps * first)
        source = feed(lambda epoch: map(filled, batches(epoch + first)))
        try:
            return keras.Model.fit(self, source, steps_per_epoch=steps, shuffle=False, **kwargs)
        finally:
            self._held_out = None

    def evaluate(
        self, x=None, y=None, batch_size=None, sample_weight=None, text_columns=None, label_column=None, **kwargs
    ):
        """Loss and metrics on raw texts or features; arguments as in `fit`, result as in `keras.Model.evaluate`."""
        if kwargs.get("_use_cached_eval_dataset"):  # Keras evaluates so at the end of an epoch of `fit`
            with counted_once(self._held_out):
                found = keras.Model.evaluate(self, x, y, batch_size=batch_size, **kwargs)
                return self._with_scores(found, self._held_out)
        if has_features(x):
            return keras.Model.evaluate(self, x, y, batch_size=batch_size, sample_weight=sample_weight, **kwargs)
        batches = self._batches(self._labelled(x, y, sample_weight, text_columns, label_column), batch_size)
        with counted_once(batches):
            found = keras.Model.evaluate(self, feed(batches), steps=len(batches), **kwargs)
            return self._with_scores(found, batches)

    def _with_scores(self, metrics, batches):
        scores = {} if batches is None else self._scores(batches)
        if isinstance(metrics, dict):
            return {**metrics, **scores}
        return [*metrics, *scores.values()] if scores else metrics

    def _scores(self, batches) -> dict[str, float]:
        """Scores that need all predictions together, such as F1: `evaluate` and `fit` report them with the metrics."""
        return {}

    def _predict_batches(self, batches, verbose=0):
        """The outputs for batches of different lengths, which `keras.Model.predict` cannot join.

        Yields:
            pairs: int array (batch,), which examples the rows are, and the outputs as (nested) NumPy arrays.
        """
        bar = keras.utils.Progbar(len(batches), verbose=1 if verbose == "auto" else verbose)
        for indices, batch in batches.indexed():
            outputs = keras.Model.predict_on_batch(self, filled(batch[0]))
            real = slice(len(indices))
            yield indices, keras.tree.map_structure(operator.itemgetter(real), outputs)
            bar.add(1)

    def predict(self, x=None, batch_size=None, text_columns=None, **kwargs):
        """The task's outputs for raw texts or features, as NumPy arrays in the order of `x`."""
        if has_features(x):
            return keras.Model.predict(self, x, batch_size=batch_size, **kwargs)
        self._check_ready()
        batches = self._batches(self._read(x, text_columns=text_columns).without_labels(), batch_size)
        source = feed(lambda epoch: map(filled, batches(epoch)))
        sorted_outputs = keras.Model.predict(self, source, steps=len(batches), **kwargs)
        back = np.argsort(batches.order)
        return keras.tree.map_structure(lambda array: array[back], sorted_outputs)

    def _validation(self, held_out, batch_size) -> dict:
        """Arguments of `keras.Model.fit` that evaluate on `held_out` at the end of every epoch."""
        self._held_out = self._batches(held_out, batch_size)
        return {"validation_data": feed(self._held_out), "validation_steps": len(self._held_out)}

    def _learn_labels(self, labels) -> None:
        """Take note of the class names in the training labels, where a task has classes."""

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def _unpack(data):
    if isinstance(data, tuple) and len(data) in (2, 3):
        return (*data, *[None] * (3 - len(data)))
    return data, None, None


def _jit_by_default():
    """Keras's own choice, but no XLA for TensorFlow on a CPU, where it is slower."""
    if keras.config.backend() != "tensorflow":
        return "auto"
    import tensorflow as tf

    return "auto" if tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU") else False
