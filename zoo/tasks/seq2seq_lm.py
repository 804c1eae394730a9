"""Text into text: translation, summaries, corrections, and pre-training by rebuilding noisy text."""

import warnings

import keras
import numpy as np

from zoo.data import features
from zoo.data.batches import BucketedBatches
from zoo.data.inputs import read_examples
from zoo.data.pretraining import PretrainingDataset
from zoo.data.streams import drained, has_features
from zoo.data.text_pairs import EncodedPairs, SpecialIds, frame_texts
from zoo.metrics.token_accuracy import TokenAccuracy
from zoo.tasks.generation import Generator
from zoo.tasks.reading import check_encoder_decoder
from zoo.tasks.samplers import Beam, Contrastive, sampler_of
from zoo.tasks.task import Task
from zoo.training.devices import check_divided
from zoo.training.losses import SmoothedCrossentropy

LONGEST_SAID = 64  # tokens that are said when nobody asks for another number


@keras.saving.register_keras_serializable(package="zoo")
class Seq2SeqLM(Task):
    """An encoder-decoder that says a target text for a source text.

    `fit` takes texts, as a table with `source` and `target` or as two lists, `fit(sources, targets)`, or what
    `zoo.data.pretraining_dataset(...)` gives for an objective of encoder-decoders. The decoder is trained with the
    target's own beginning before its eyes (teacher forcing), on real tokens only.

    Args:
        backbone: an encoder-decoder backbone.
        tokenizer: a tokenizer; needed for raw text.
        max_target_length: int, longest target, in tokens, special tokens included; the backbone's longest when None.
        label_smoothing: float, probability that is taken from the right token and spread over all.
        force_start: bool, whether the first token that is said is the start token, however unlikely the model thinks it
            is; some published BARTs want it.
        **kwargs: `preprocessor`, `seed`, `compile`, `name`.

    Returns of a call:
        A dict: `target_ids`, float32 tensor (batch, target_length, vocabulary_size), logits.

    Example:

        model = zoo.Seq2SeqLM(backbone, tokenizer=tokenizer)
        model.fit({"source": sources, "target": targets}, epochs=3)
        model.generate(["ein Hund bellt"], sampler="beam")
    """

    padding_has_no_weight = True

    def __init__(
        self, backbone, tokenizer=None, max_target_length=None, label_smoothing=0.0, force_start=False, **kwargs
    ):
        check_encoder_decoder(type(self).__name__, backbone)
        if force_start and not backbone.frame.target_starts:
            raise ValueError(
                f"The targets of a {type(backbone).__name__} do not begin with the start token. Received: "
                "force_start=True. Leave it out."
            )
        longest = backbone.max_sequence_length
        if max_target_length is not None and not 2 < max_target_length <= longest:
            raise ValueError(
                f"`max_target_length` must lie above 2, at most at the model's {longest} tokens. "
                f"Received: max_target_length={max_target_length}"
            )
        self.max_target_length = max_target_length
        self.label_smoothing = label_smoothing
        self.force_start = force_start
        decoded = backbone(backbone.input)["decoder_sequence_output"]
        logits = keras.ops.cast(backbone.logits(decoded), "float32")  # (batch, target_length, vocabulary_size)
        super().__init__(backbone, backbone.input, {features.TARGET_IDS: logits}, tokenizer=tokenizer, **kwargs)
        self._generator = None

    def _default_loss_and_metrics(self):
        return {
            "loss": {features.TARGET_IDS: SmoothedCrossentropy(self.label_smoothing)},
            "weighted_metrics": {features.TARGET_IDS: [TokenAccuracy()]},
        }

    def fit(self, x=None, y=None, batch_size=None, validation_data=None, **kwargs):
        """Train on pairs of texts, or pre-train.

        Args:
            x: a table with the columns `source` and `target` (or those named by `text_columns` and `label_column`), a
                list of sources, or `zoo.data.pretraining_dataset(...)`; or features.
            y: list of str, targets, if `x` is a list.
            batch_size: int, pairs in a batch; 32 when None.
            validation_data: the same as `x`, or a tuple `(x, y)`.
            **kwargs: other arguments of `Task.fit`.

        Returns:
            `keras.callbacks.History`.
        """
        if not isinstance(x, PretrainingDataset):
            return super().fit(x, y, batch_size=batch_size, validation_data=validation_data, **kwargs)
        self._check_objective(x.objective)
        check_divided(x.batch_size)
        steps = self._whole_executions(kwargs.pop("steps_per_epoch", None) or len(x))
        if validation_data is not None:
            held_out = kwargs.pop("validation_steps", None) or len(validation_data)
            kwargs |= {"validation_data": validation_data.feed(held_out), "validation_steps": held_out}
        done = steps * kwargs.get("initial_epoch", 0)
        rest = x.skip(done)
        with self._run(steps * kwargs.get("epochs", 1), done):
            return keras.Model.fit(self, rest.feed(), steps_per_epoch=steps, shuffle=False, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, steps=None, **kwargs):
        """Loss and accuracy a token; `x` and `y` as in `fit`."""
        if isinstance(x, PretrainingDataset):
            self._check_objective(x.objective)
            steps = min(steps or len(x), len(x))
            return self._evaluate_batches(x.feed(steps), steps=steps, **kwargs)
        return super().evaluate(x, y, batch_size=batch_size, steps=steps, **kwargs)

    def predict(self, x=None, batch_size=None, text_columns=None, **kwargs):
        """Logits for features; for raw sources, as `fit` takes them, what `generate` says.

        Args:
            x: sources, a table or a data set of them; or features.
            batch_size: int, sources at a time; 32 when None.
            text_columns: str, the column of a table that holds the sources.
            **kwargs: for features, other arguments of `keras.Model.predict`; for sources `max_length` and `sampler` of
                `generate`.

        Returns:
            list of str for sources.
        """
        if has_features(x):
            return self._predict_features(x, batch_size=batch_size, **kwargs)
        return self._generate(self._read(x, text_columns=text_columns), batch_size=batch_size or 32, **kwargs)

    def _check_objective(self, objective):
        given, wanted = set(objective.inputs), set(self.backbone.input_features)
        if given != wanted:
            raise ValueError(
                f"The objective must make what {type(self.backbone).__name__} reads: {sorted(wanted)}. "
                f"Received: {objective!r}, which makes {sorted(given)}. MassBackbone goes with "
                "`zoo.objectives.MASS()`, BartBackbone and T5Backbone with the others."
            )

    def _read(self, x, y=None, sample_weight=None, text_columns=None, label_column=None):
        x, y, sample_weight = drained(x, y, sample_weight)
        if text_columns is None and label_column is None and _has_pairs(x):
            text_columns, label_column = "source", "target"
        return read_examples(x, y, sample_weight, text_columns, label_column)

    def _targets(self, labels):
        wrong = [row for row, label in enumerate(labels) if not isinstance(label, str) or not label.strip()]
        if wrong:
            raise ValueError(
                f"Every target must be a text that is not empty. Received: y[{wrong[0]}]={labels[wrong[0]]!r}; "
                f"{len(wrong)} such rows."
            )
        return labels

    @property
    def _longest_target(self):
        return self.max_target_length or self.backbone.max_sequence_length

    def _special_ids(self):
        tokenizer = self.tokenizer
        ids = {"start": tokenizer.start_token_id, "end": tokenizer.end_token_id, "padding": tokenizer.pad_token_id}
        return SpecialIds(**ids, first=ids[self.backbone.frame.first])

    def _encode(self, examples):
        frame = self.backbone.frame
        sources, cut = frame_texts(
            examples.texts, self.tokenizer, self.preprocessor.sequence_length, frame.source_starts
        )
        targets, cut_targets = None, 0
        if examples.labels is not None:
            targets, cut_targets = frame_texts(
                self._targets(examples.labels), self.tokenizer, self._longest_target, frame.target_starts
            )
        if cut or cut_targets:
            warnings.warn(
                f"{cut} of {len(sources)} sources are longer than {self.preprocessor.sequence_length} tokens and "
                f"{cut_targets} targets longer than {self._longest_target}; they were cut.",
                stacklevel=2,
            )
        return EncodedPairs(
            sources, targets, self._special_ids(), self.backbone.input_features, self._longest_target, examples.weights
        )

    def generate(self, texts, max_length=None, sampler="greedy", batch_size=32):
        """Say a text for each source.

        Args:
            texts: str, or list of str, the sources.
            max_length: int, most tokens to say, the end token counted; 64, or what the model has, when None.
            sampler: `"greedy"`, `"beam"`, `"contrastive"`, `"sample"`, `"top_k"`, `"top_p"`, or a `Beam`, `Contrastive`
                or `Sampling` of `zoo.tasks`.
            batch_size: int, sources at a time; those of like length stand together.

        Returns:
            str for a str, otherwise a list of str in the order of `texts`.

        Raises:
            ValueError: if a text is empty, the sampler is unknown, or `max_length` is longer than the model.
        """
        sources = self._read_sources([texts] if isinstance(texts, str) else texts)
        found = self._generate(sources, max_length, sampler, batch_size)
        return found[0] if isinstance(texts, str) else found

    def _generate(self, examples, max_length=None, sampler="greedy", batch_size=32) -> list[str]:
        sampler = sampler_of(sampler)
        max_length, batches = self._sources(examples, max_length, batch_size, sampler)
        found = [""] * len(batches.order)
        for indices, (inputs,) in batches.indexed():
            arrays = (inputs[features.ENCODER_TOKEN_IDS], inputs[features.ENCODER_PADDING_MASK])
            if isinstance(sampler, Beam):
                said = self._generation.beams(*arrays, max_length, sampler)
            else:
                tokens = self._generation.tokens(*arrays, max_length, sampler, max_length, rows=indices)
                said = np.stack(list(tokens), axis=1)
            for index, ids in zip(indices, said, strict=True):
                found[index] = self._text(ids)
        return found

    def stream(self, text, max_length=None, sampler="greedy"):
        """Say a text for one source, and give it out while it grows.

        Args:
            text: str, the source.
            max_length: int, as in `generate`.
            sampler: as in `generate`, but no beam search, which knows its text only at the end.

        Yields:
            str: the text so far, after every token.
        """
        sampler = sampler_of(sampler)
        if isinstance(sampler, Beam):
            raise ValueError(f"A beam search knows its text only at the end. Received: sampler={sampler}. Use another.")
        max_length, batches = self._sources(self._read_sources([text]), max_length, 1, sampler)
        (_, (inputs,)), *_ = batches.indexed()
        arrays = (inputs[features.ENCODER_TOKEN_IDS], inputs[features.ENCODER_PADDING_MASK])
        said = []
        for ids in self._generation.tokens(*arrays, max_length, sampler):
            said.append(int(ids[0]))
            yield self._text(said)

    def _read_sources(self, texts):
        """What is given to `generate`, as `Examples`."""
        return read_examples(texts)

    def _sources(self, examples, max_length, batch_size, sampler) -> tuple[int, BucketedBatches]:
        """The most tokens to say, and the sources in batches."""
        self._check_ready()
        # Contrastive search also reads the last token.
        longest = self.backbone.max_sequence_length - isinstance(sampler, Contrastive)
        if max_length is None:
            max_length = min(LONGEST_SAID, longest)
        if not 1 <= max_length <= longest:
            raise ValueError(
                f"`max_length` must be at least 1 and at most the {longest} tokens that the model can say by "
                f"{sampler}. Received: max_length={max_length}"
            )
        encoded = self._encode(examples.without_labels())
        return max_length, BucketedBatches(encoded, batch_size, self.preprocessor.boundaries)

    @property
    def _generation(self) -> Generator:
        # LoRA and quantization put other variables into the layers, which what was compiled before does not know.
        variables = [id(variable) for variable in self.backbone.variables]
        if self._generator is None or self._generator[0] != variables:
            ids = self._special_ids()
            start = ids.start if self.force_start else None
            self._generator = (variables, Generator(self.backbone, ids.first, ids.end, ids.padding, start))
        return self._generator[1]

    def _text(self, ids) -> str:
        special = self._special_ids()
        ids = list(ids)
        if special.end in ids:
            ids = ids[: ids.index(special.end)]
        return self.tokenizer.decode([int(each) for each in ids if each not in (special.start, special.padding)])

    def get_config(self):
        return {
            **super().get_config(),
            "max_target_length": self.max_target_length,
            "label_smoothing": self.label_smoothing,
            "force_start": self.force_start,
        }


def _has_pairs(x) -> bool:
    columns = getattr(x, "column_names", None) or getattr(x, "columns", None)
    if columns is None and hasattr(x, "keys"):
        columns = list(x.keys())
    return columns is not None and {"source", "target"} <= set(columns)
