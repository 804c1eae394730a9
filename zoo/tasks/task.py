"""What every task shares: backbone, head and preprocessor, and `fit` on raw data."""

import dataclasses
import inspect
import operator

import keras
import numpy as np

from zoo.data.batches import BucketedBatches
from zoo.data.feeding import feed
from zoo.data.inputs import read_examples
from zoo.data.ragged import EncodedExamples
from zoo.data.streams import has_features
from zoo.models.checks import check_others, check_vocabulary
from zoo.tasks.preprocessor import TextPreprocessor
from zoo.tasks.trained_task import TrainedTask
from zoo.training.devices import counted_once, filled, rounded_up


class Task(TrainedTask):
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

    head_is_pretrained = False  # whether a person expects it to know something before `fit`
    learnt_from_labels = ()  # names of the attributes that the first labels settle
    _held_out = None  # the batches that a `fit` in progress validates on

    def __init__(self, backbone, inputs, outputs, tokenizer=None, preprocessor=None, seed=0, compile=True, **kwargs):
        check_others("A task", kwargs, self._own_arguments())
        if tokenizer is not None and preprocessor is None:
            check_vocabulary(backbone, tokenizer)
            preprocessor = TextPreprocessor(tokenizer, sequence_length=backbone.max_sequence_length)
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.seed = seed
        super().__init__(inputs=inputs, outputs=outputs, compile=compile, **kwargs)

    @classmethod
    def _own_arguments(cls):
        signatures = (inspect.signature(kind.__init__) for kind in cls.__mro__ if issubclass(kind, Task))
        return dict.fromkeys(name for signature in signatures for name in signature.parameters)

    @property
    def tokenizer(self):
        """The preprocessor's tokenizer, or None."""
        return None if self.preprocessor is None else self.preprocessor.tokenizer

    def _targets(self, labels) -> np.ndarray:
        """Raw labels as the array that the loss takes; raises a ValueError for labels that it can't."""
        raise NotImplementedError

    def _check_ready(self):
        if self.preprocessor is None:
            raise ValueError(
                f"Raw text needs a tokenizer. Received: {type(self).__name__} without one. Build it with "
                "`tokenizer=...`, load it by `from_preset`, or give features (a dict with `token_ids`)."
            )

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

    def _batches(self, examples, batch_size, shuffle=False, class_weight=None) -> BucketedBatches:
        """Tokenize, once; batches of like lengths."""
        encoded, size = self._encode(examples), rounded_up(batch_size or 32)
        if class_weight is not None:
            encoded = self._weighted(encoded, class_weight)
        return BucketedBatches(encoded, size, self.preprocessor.boundaries, self.seed if shuffle else None)

    def _classes(self) -> list | None:
        """The classes in the order of their numbers, of a task that has them."""
        return None

    def _weighted(self, encoded, class_weight):
        """Encoded examples whose weights are multiplied with those of their classes."""
        classes = self._classes()
        if classes is None:
            raise ValueError(f"`class_weight` weighs classes; a {type(self).__name__} has none. Use `sample_weight`.")
        numbers = {name: number for number, name in enumerate(classes)} | {n: n for n in range(len(classes))}
        unknown = [key for key in class_weight if key not in numbers]
        if unknown:
            raise ValueError(f"`class_weight` has a weight a class of {classes}. Received: {unknown[0]!r}")
        weights = np.ones(len(classes), "float32")
        for key, weight in class_weight.items():
            weights[numbers[key]] = weight
        weights = weights[encoded.targets]
        return dataclasses.replace(encoded, weights=weights if encoded.weights is None else weights * encoded.weights)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        """One batch for `train_on_batch` and its kin: features as they are, raw text as features.

        Where devices share it, it is filled up with its own texts.
        """
        if has_features(x):
            return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
        self._check_ready()
        encoded = self._encode(self._read(x, y, sample_weight))
        length = next(step for step in self.preprocessor.boundaries if step >= encoded.lengths.max())
        return filled(encoded.batch(np.arange(len(encoded.lengths)), length))

    # Training.

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        sample_weight=None,
        validation_data=None,
        validation_split=None,
        shuffle=True,
        class_weight=None,
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
            class_weight: dict from classes, names or numbers, to what their examples (or words) count in the loss.
            text_columns: str or pair of str, the columns of a table that hold the texts.
            label_column: str, the column of a table that holds the labels.
            **kwargs: other arguments of `keras.Model.fit`, such as `epochs` and `callbacks`.

        Returns:
            `keras.callbacks.History`.
        """
        epochs, first = kwargs.get("epochs", 1), kwargs.get("initial_epoch", 0)
        if has_features(x):
            steps = kwargs.get("steps_per_epoch") or _num_steps(x, batch_size, validation_split) or 0
            with self._run(steps * epochs, steps * first):
                return keras.Model.fit(
                    self, x, y, batch_size=batch_size, sample_weight=sample_weight, validation_data=validation_data,
                    validation_split=validation_split or 0.0, shuffle=shuffle, class_weight=class_weight, **kwargs,
                )  # fmt: skip
        examples = self._labelled(x, y, sample_weight, text_columns, label_column)
        held_out = None
        if validation_data is not None:
            held_out = self._labelled(*_unpack(validation_data), text_columns, label_column)
        elif validation_split:
            examples, held_out = examples.split(validation_split, self.seed)
        before = {name: getattr(self, name) for name in self.learnt_from_labels}
        try:
            self._learn_labels(examples.labels)
            batches = self._batches(examples, batch_size, shuffle, class_weight)
            if held_out is not None:
                size = kwargs.pop("validation_batch_size", None) or batch_size
                kwargs |= self._validation(held_out, size, kwargs.get("validation_steps"))
        except BaseException:  # labels that were refused settle nothing
            for name, value in before.items():
                setattr(self, name, value)
            raise
        steps = self._whole_executions(kwargs.pop("steps_per_epoch", None) or len(batches))
        source = feed(lambda epoch: map(filled, batches(epoch + first)))
        try:
            with self._run(steps * epochs, done=steps * first):
                return keras.Model.fit(self, source, steps_per_epoch=steps, shuffle=False, **kwargs)
        finally:
            self._held_out = None

    def evaluate(
        self, x=None, y=None, batch_size=None, sample_weight=None, text_columns=None, label_column=None, **kwargs
    ):
        """Loss and metrics on raw texts or features; arguments as in `fit`, result as in `keras.Model.evaluate`."""
        if kwargs.get("_use_cached_eval_dataset"):  # Keras evaluates so at the end of an epoch of `fit`
            with counted_once(self._held_out):
                found = self._evaluate_batches(x, y, batch_size=batch_size, **kwargs)
                return self._with_scores(found, self._held_out)
        if has_features(x):
            return self._evaluate_batches(x, y, batch_size=batch_size, sample_weight=sample_weight, **kwargs)
        _check_no_steps(kwargs)
        batches = self._batches(self._labelled(x, y, sample_weight, text_columns, label_column), batch_size)
        with counted_once(batches):
            found = self._evaluate_batches(feed(batches), steps=len(batches), **kwargs)
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
        self._warn_if_new()
        bar = keras.utils.Progbar(len(batches), verbose=1 if verbose == "auto" else verbose)
        for indices, batch in batches.indexed():
            outputs = keras.Model.predict_on_batch(self, filled(batch[0]))
            real = slice(len(indices))
            yield indices, keras.tree.map_structure(operator.itemgetter(real), outputs)
            bar.add(1)

    def predict(self, x=None, batch_size=None, text_columns=None, **kwargs):
        """The task's outputs for raw texts or features, as NumPy arrays in the order of `x`."""
        if has_features(x):
            return self._predict_features(x, batch_size=batch_size, **kwargs)
        self._check_ready()
        _check_no_steps(kwargs)
        self._warn_if_new()
        batches = self._batches(self._read(x, text_columns=text_columns).without_labels(), batch_size)
        source = feed(lambda epoch: map(filled, batches(epoch)))
        sorted_outputs = self._predict_features(source, steps=len(batches), **kwargs)
        back = np.argsort(batches.order)
        return keras.tree.map_structure(lambda array: array[back], sorted_outputs)

    def _validation(self, held_out, batch_size, steps=None) -> dict:
        """Arguments of `keras.Model.fit` that evaluate on `held_out` at the end of every epoch."""
        self._held_out = self._batches(held_out, batch_size)
        count = len(self._held_out)
        return {"validation_data": feed(self._held_out), "validation_steps": min(steps or count, count)}

    def _learn_labels(self, labels) -> None:
        """Take note of the class names in the training labels, where a task has classes."""

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def _unpack(data):
    if isinstance(data, (tuple, list)) and len(data) in (2, 3) and not isinstance(data[0], (str, bytes)):
        return (*data, *[None] * (3 - len(data)))
    return data, None, None


def _num_steps(x, batch_size, validation_split) -> int | None:
    """Batches in an epoch of features; None where that is not known."""
    if isinstance(x, dict):
        count = len(next(iter(x.values())))
        return -(-int(count * (1 - (validation_split or 0.0))) // (batch_size or 32))
    try:
        return len(x)
    except TypeError:  # a data set that does not know it
        return None


def _check_no_steps(arguments):
    steps = arguments.pop("steps", None)
    if steps is not None:
        raise ValueError(
            f"`steps` counts batches of features; raw text is read whole. Received: steps={steps}. Give fewer texts."
        )
