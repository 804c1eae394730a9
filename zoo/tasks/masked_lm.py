"""Fill in the blank, and pre-training by it."""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.data import features
from zoo.data.inputs import read_examples
from zoo.data.pretraining import PretrainingDataset, pretraining_dataset
from zoo.data.streams import has_features
from zoo.heads import ClassificationHead, MaskedLMHead
from zoo.metrics.token_accuracy import TokenAccuracy
from zoo.tasks.reading import check_encoder
from zoo.tasks.task import Task
from zoo.training.devices import check_divided, filled, rounded_up
from zoo.training.losses import SmoothedCrossentropy

SENTENCE_HEADS = ("next_sentence", "sentence_order")


@dataclass(frozen=True)
class Filling:
    """What may stand in the place of one [MASK].

    Attributes:
        tokens: tuple of str, the likeliest pieces first.
        probabilities: tuple of float, their probabilities.
        text: str, the text with the likeliest piece put in.
    """

    tokens: tuple[str, ...]
    probabilities: tuple[float, ...]
    text: str


@keras.saving.register_keras_serializable(package="zoo")
class MaskedLM(Task):
    """An encoder with the head that names hidden tokens, and perhaps one that judges a pair of sentences.

    Devlin et al. (2019), arXiv 1810.04805, section 3.1. `fit` takes `zoo.data.pretraining_dataset(...)`,
    or a list of texts, one document each, if an objective was given.

    Args:
        backbone: an encoder backbone.
        tokenizer: a tokenizer; needed for raw text.
        objective: an objective, such as `zoo.objectives.MaskedLM() + zoo.objectives.NextSentence()`;
            says which sentence head is needed and how raw text is corrupted.
        sentence_head: `"next_sentence"`, `"sentence_order"` or None; the objective's when None.
        sequence_length: int, length of the examples made of raw text, in tokens; 128, or what the backbone has, when
            None.
        **kwargs: `preprocessor`, `seed`, `compile`, `name`.

    Returns of a call:
        A dict: `mask_ids`, float32 tensor (batch, predictions, vocabulary_size), logits at
        `mask_positions`; with a sentence head `sentence_labels`, float32 tensor (batch, 2), logits.
    """

    head_is_pretrained = True
    padding_has_no_weight = True

    def __init__(self, backbone, tokenizer=None, objective=None, sentence_head=None, sequence_length=None, **kwargs):
        check_encoder(type(self).__name__, backbone)
        if objective is not None and features.ENCODER_TOKEN_IDS in objective.inputs:
            raise ValueError(
                "An encoder is pre-trained by `zoo.objectives.MaskedLM()` and sentence objectives. Received: objective="
                f"{objective!r}, which is for encoder-decoders. Use `zoo.Seq2SeqLM`, or another objective."
            )
        if sentence_head is None and objective is not None and objective.pairing is not None:
            sentence_head = objective.pairing.sentence_head
        if sentence_head is not None and sentence_head not in SENTENCE_HEADS:
            raise ValueError(
                f"`sentence_head` must be None or one of {SENTENCE_HEADS}. Received: sentence_head={sentence_head!r}"
            )
        longest = backbone.max_sequence_length
        if sequence_length is not None and sequence_length > longest:
            raise ValueError(
                f"`sequence_length` must be at most the backbone's {longest} tokens. Received: {sequence_length=}"
            )
        dtype = backbone.dtype_policy
        inputs = {
            **backbone.input,
            features.MASK_POSITIONS: keras.Input((None,), dtype="int32", name=features.MASK_POSITIONS),
        }
        encoded = backbone(backbone.input)
        self.masked_lm_head = MaskedLMHead(
            backbone.token_embedding,
            activation=backbone.activation,
            epsilon=getattr(backbone, "epsilon", 1e-12),
            dtype=dtype,
            name="masked_lm_head",
        )
        outputs = {
            features.MASK_IDS: self.masked_lm_head(
                encoded["sequence_output"], mask_positions=inputs[features.MASK_POSITIONS]
            )
        }
        if sentence_head is not None:
            self.sentence_classifier = ClassificationHead(2, dtype=dtype, name="sentence_head")
            outputs[features.SENTENCE_LABELS] = self.sentence_classifier(encoded["pooled_output"])
        self.objective = objective
        self.sentence_head = sentence_head
        self.sequence_length = min(128, longest) if sequence_length is None else sequence_length
        super().__init__(backbone, inputs, outputs, tokenizer=tokenizer, **kwargs)

    def _default_loss_and_metrics(self):
        names = list(self.output)
        return {
            "loss": {name: SmoothedCrossentropy() for name in names},
            "weighted_metrics": {name: [TokenAccuracy()] for name in names},
        }

    def fit(self, x=None, y=None, batch_size=None, validation_data=None, **kwargs):
        """Pre-train.

        Args:
            x: `zoo.data.pretraining_dataset(...)`; a list of texts, one document each (needs an objective
                and a tokenizer); or features with targets as any Keras model takes.
            y: targets, only with features.
            batch_size: int, examples a batch, for a list of texts; 32 when None.
            validation_data: the same as `x`.
            **kwargs: other arguments of `keras.Model.fit`. An epoch is one pass over the data unless
                `steps_per_epoch` says otherwise; every pass draws new noise.

        Returns:
            `keras.callbacks.History`.
        """
        if has_features(x) or y is not None:
            return super().fit(x, y, batch_size=batch_size, validation_data=validation_data, **kwargs)
        data = self._pretraining_data(x, batch_size)
        steps = self._whole_executions(kwargs.pop("steps_per_epoch", None) or len(data))
        if validation_data is not None:
            kwargs["validation_data"], kwargs["validation_steps"] = self._held_out(
                validation_data, batch_size, kwargs.get("validation_steps")
            )
        done = steps * kwargs.get("initial_epoch", 0)
        rest = data.skip(done)
        with self._run(steps * kwargs.get("epochs", 1), done):
            return keras.Model.fit(self, rest.feed(), steps_per_epoch=steps, shuffle=False, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, steps=None, **kwargs):
        """Loss and accuracy on held-out data; `x` as in `fit`, `steps` batches of it (all when None)."""
        if has_features(x) or y is not None or kwargs.get("_use_cached_eval_dataset"):
            return self._evaluate_batches(x, y, batch_size=batch_size, steps=steps, **kwargs)
        source, steps = self._held_out(x, batch_size, steps)
        return self._evaluate_batches(source, steps=steps, **kwargs)

    def _encode(self, examples):
        raise ValueError(
            "A MaskedLM predicts hidden tokens: `fill` those of texts with [MASK], `fit` and `evaluate` hide some of "
            f"raw texts. Received: {len(examples)} raw texts. For `predict` and `train_on_batch` give features with "
            "`mask_positions`, such as a batch of `zoo.data.pretraining_dataset(...)`."
        )

    def _held_out(self, x, batch_size, steps):
        data = self._pretraining_data(x, batch_size)
        steps = min(steps or len(data), len(data))
        return data.feed(steps), steps

    def _pretraining_data(self, x, batch_size) -> PretrainingDataset:
        if isinstance(x, PretrainingDataset):
            check_divided(x.batch_size)
            return x
        self._check_ready()
        if self.objective is None:
            raise ValueError(
                "Pre-training on raw text needs to know how to corrupt it. Received: objective=None. Build the task "
                "with `objective=zoo.objectives.MaskedLM()`, or give `zoo.data.pretraining_dataset(...)`."
            )
        return pretraining_dataset(
            x,
            self.tokenizer,
            self.objective,
            sequence_length=self.sequence_length,
            batch_size=rounded_up(batch_size or 32),
            seed=self.seed,
        )

    def fill(self, texts, top_k: int = 5):
        """Say what may stand in the place of every [MASK].

        Args:
            texts: str, or list of str, each with at least one `[MASK]`.
            top_k: int, number of pieces a mask.

        Returns:
            A list with one `Filling` a mask; for a list of texts a list of such lists.

        Raises:
            ValueError: if a text has no `[MASK]`, or none within the model's length.
        """
        self._check_ready()
        batch = [texts] if isinstance(texts, str) else list(texts)
        encoded = self.preprocessor.encode(read_examples(batch))
        rows = encoded.rows(np.arange(len(batch)), int(encoded.lengths.max()), self.tokenizer.pad_token_id)
        masked = rows[features.TOKEN_IDS] == self.tokenizer.mask_token_id  # (batch, length)
        counts = masked.sum(axis=1)
        if not counts.all():
            text = batch[int(np.argmin(counts))]
            raise ValueError(f"Every text must have a {self.tokenizer.mask_token}. Received: {text!r}")
        # Masked positions first and in order: a stable sort of "is not masked".
        positions = np.argsort(~masked, axis=1, kind="stable")[:, : counts.max()].astype("int32")
        inputs = {name: rows[name] for name in self.input_names_of_backbone} | {features.MASK_POSITIONS: positions}
        logits = self._predict_features(filled(inputs), verbose=0)[features.MASK_IDS]
        found = [
            self._fillings(rows[features.TOKEN_IDS][row], positions[row, :count], logits[row, :count], top_k)
            for row, count in enumerate(counts)
        ]
        return found[0] if isinstance(texts, str) else found

    def _fillings(self, token_ids, positions, logits, top_k):
        exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities = exponents / exponents.sum(axis=-1, keepdims=True)  # (masks, vocabulary_size)
        best = np.argsort(-probabilities, axis=-1)[:, :top_k]  # (masks, top_k)
        whole = token_ids.copy()
        whole[positions] = best[:, 0]
        text = self.tokenizer.decode(whole)
        return [
            Filling(
                tokens=tuple(self.tokenizer.id_to_token(int(piece)) for piece in pieces),
                probabilities=tuple(float(row[piece]) for piece in pieces),
                text=text,
            )
            for row, pieces in zip(probabilities, best, strict=True)
        ]

    def get_config(self):
        return {
            **super().get_config(),
            "sentence_head": self.sentence_head,
            "sequence_length": self.sequence_length,
        }
