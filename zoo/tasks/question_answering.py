"""Answers to questions, found in a text."""

import warnings

import keras
import numpy as np

from zoo.data import features
from zoo.data.question_answering import Questions, read_questions
from zoo.data.streams import has_features
from zoo.data.windows import Windows, encode_windows, num_special_tokens
from zoo.heads import SpanHead
from zoo.metrics.squad import best_threshold, score_answers, squad_scores
from zoo.tasks.answers import Answer, Spans, answers_of, find_spans
from zoo.tasks.reading import read_text
from zoo.tasks.task import Task


@keras.saving.register_keras_serializable(package="zoo")
class QuestionAnswering(Task):
    """A backbone with two vectors over the tokens of a passage: where the answer begins, and where it ends.

    Devlin et al. (2019), arXiv 1810.04805, section 4.2 (SQuAD 1.1) and 4.3 (SQuAD 2.0: questions that the passage
    does not answer point to [CLS]). A passage that is longer than the model is read in overlapping windows, and
    the best span over all of them is the answer. `fit` and its kin take records, see `zoo.data.read_questions`.
    Of an encoder-decoder that reads question and passage on both sides, the tokens' vectors are the decoder's (Lewis
    et al. 2020, arXiv 1910.13461, section 3.2), and the start token's stands for [CLS].

    Args:
        backbone: an encoder, or an encoder-decoder such as BART.
        tokenizer: a tokenizer; needed for records.
        stride: int, tokens from the start of one window to that of the next; None for half of the model's length.
        max_question_length: int, tokens that a question keeps, at most half of the model's.
        max_answer_length: int, longest answer, in tokens.
        no_answer_threshold: float, logits by which "no answer" must be ahead of the best answer to be given; None
            for always giving an answer. `fit` sets 0 when it sees questions without an answer and none was
            given; `fit_threshold` finds the best.
        **kwargs: `preprocessor`, `seed`, `compile`, `name`.

    Returns of a call:
        A dict of float32 tensors (batch, length): `start_positions` and `end_positions`, logits.

    Raises:
        ValueError: if one of the lengths is less than 1.

    Example:

        qa = zoo.QuestionAnswering.from_preset("bert_tiny_en_uncased_books")
        qa.fit("train-v2.0.json", validation_data="dev-v2.0.json", epochs=2)
        qa.answer(question="Who barked?", context="The dog barked at the cat.").text
    """

    learnt_from_labels = ("no_answer_threshold",)

    def __init__(
        self,
        backbone,
        tokenizer=None,
        stride=None,
        max_question_length=64,
        max_answer_length=30,
        no_answer_threshold=None,
        **kwargs,
    ):
        lengths = {
            "stride": stride,
            "max_question_length": max_question_length,
            "max_answer_length": max_answer_length,
        }
        for name, value in lengths.items():
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1 token. Received: {name}={value}")
        self.stride = stride
        self.max_question_length = max_question_length
        self.max_answer_length = max_answer_length
        self.no_answer_threshold = no_answer_threshold
        answer_mask = keras.Input((None,), dtype="int32", name=features.ANSWER_MASK)
        self.span_head = SpanHead(dtype=backbone.dtype_policy, name="span_head")
        reading = read_text(backbone)
        starts, ends = self.span_head(reading.tokens, answer_mask)
        super().__init__(
            backbone,
            {**reading.inputs, features.ANSWER_MASK: answer_mask},
            {features.START_POSITIONS: starts, features.END_POSITIONS: ends},
            tokenizer=tokenizer,
            **kwargs,
        )

    def _default_loss_and_metrics(self):
        names = list(self.output)
        return {
            "loss": {name: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for name in names},
            "metrics": {name: [keras.metrics.SparseCategoricalAccuracy(name="accuracy")] for name in names},
        }

    def _read(self, x, y=None, sample_weight=None, text_columns=None, label_column=None, on_bad_record="raise"):
        if any(given is not None for given in (y, sample_weight, text_columns, label_column)):
            raise ValueError(
                "Records hold questions, contexts and answers; there is nothing to give beside them. Received: "
                "y, sample_weight, text_columns or label_column."
            )
        return read_questions(x, on_bad_record=on_bad_record)

    def _encode(self, examples: Questions) -> Windows:
        length = self.preprocessor.sequence_length
        if length < num_special_tokens(self.tokenizer) + 2:
            raise ValueError(
                f"A model must have room for a question and a passage. Received: sequence_length={length} tokens"
            )
        windows, num_cut = encode_windows(
            examples,
            self.tokenizer,
            list(self.input),
            length,
            self.stride or length // 2,
            self.max_question_length,
        )
        if num_cut:
            warnings.warn(
                f"{num_cut} of {len(examples)} questions are longer than the {windows.question_ids.lengths.max()} "
                "tokens that they may have and were cut.",
                stacklevel=2,
            )
        return windows

    def _learn_labels(self, labels):
        if self.no_answer_threshold is None and not all(labels):
            self.no_answer_threshold = 0.0

    def fit(self, x=None, y=None, batch_size=None, validation_data=None, on_bad_record="raise", **kwargs):
        """Train on records, or on features.

        Args:
            x: records with answers, see `zoo.data.read_questions`; or features.
            y: targets, only with features.
            batch_size: int, windows in a batch; 32 when None.
            validation_data: records too. At the end of an epoch the logs, and so the callbacks, have
                `val_exact_match` and `val_f1`, see `zoo.metrics.squad.squad_scores`.
            on_bad_record: `"raise"`, or `"skip"` to leave out records that cannot be used.
            **kwargs: `validation_split` (of the passages), `shuffle`, and other arguments of `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`.
        """
        if not has_features(x):
            x = self._read(x, y, on_bad_record=on_bad_record)
            y = None
            if validation_data is not None:
                validation_data = self._read(validation_data, on_bad_record=on_bad_record)
        return super().fit(x, y, batch_size=batch_size, validation_data=validation_data, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, on_bad_record="raise", **kwargs):
        """Loss, metrics, exact match and F1 on records; arguments as in `fit`, result as in `keras.Model.evaluate`."""
        if not has_features(x) and not kwargs.get("_use_cached_eval_dataset"):
            x, y = self._read(x, y, on_bad_record=on_bad_record), None
        return super().evaluate(x, y, batch_size=batch_size, **kwargs)

    def evaluate_records(self, records, batch_size=None, on_bad_record="raise", language=None) -> dict[str, float]:
        """Exact match and F1 alone, as `zoo.metrics.squad.squad_scores` has them; other arguments as in `fit`."""
        batches = self._labelled_batches(records, batch_size, on_bad_record)
        return self._scores(batches, language)

    def _labelled_batches(self, records, batch_size, on_bad_record):
        self._check_ready()
        return self._batches(self._read(records, on_bad_record=on_bad_record), batch_size)

    def _scores(self, batches, language=None):
        found = [answer.text for answer in self._answers(batches)]
        return squad_scores(found, batches.encoded.questions.answers, language)

    def fit_threshold(self, records, metric="f1", batch_size=None, on_bad_record="raise", language=None) -> float:
        """Find the threshold of "no answer" that is best on held-out records, and keep it.

        As in the released evaluation of SQuAD 2.0 (Rajpurkar et al. 2018, arXiv 1806.03822). Scores on the same
        records are then too good: measure on others.

        Args:
            records: records with and without answers.
            metric: `"f1"` or `"exact_match"`.
            batch_size: int, windows in a batch.
            on_bad_record: as in `fit`.
            language: as in `zoo.metrics.squad.squad_scores`.

        Returns:
            float, the threshold, in logits; it is saved with the task.

        Raises:
            ValueError: if all or none of the records have an answer, or the metric is another.
        """
        if metric not in ("exact_match", "f1"):
            raise ValueError(f"`metric` must be 'exact_match' or 'f1'. Received: metric={metric!r}")
        batches = self._labelled_batches(records, batch_size, on_bad_record)
        questions = batches.encoded.questions
        has_answer = np.array([bool(answers) for answers in questions.labels])
        if has_answer.all() or not has_answer.any():
            raise ValueError(
                "A threshold is fitted on questions with and without an answer. Received: "
                f"{has_answer.sum()} of {len(has_answer)} questions with one."
            )
        spans = self._spans(batches)
        found = [answer.text for answer in answers_of(questions, spans)]
        exact, f1 = score_answers(found, questions.answers, language)
        scores = exact if metric == "exact_match" else f1
        self.no_answer_threshold = best_threshold(spans.no_answer_scores, scores, has_answer)
        return self.no_answer_threshold

    def answer(self, question, context, top_k: int = 1, batch_size: int = 32):
        """Answer one question or many.

        Args:
            question: str, or list of str.
            context: str, or list of str of the same length; one may serve many of the other.
            top_k: int, answers a question; those after the best are its `alternatives`.
            batch_size: int, windows in a batch.

        Returns:
            An `Answer`, or a list of them if `question` or `context` is a list.
        """
        one = isinstance(question, str) and isinstance(context, str)
        count = 1 if one else len(context if isinstance(question, str) else question)
        questions = [question] * count if isinstance(question, str) else list(question)
        contexts = [context] * count if isinstance(context, str) else list(context)
        if len(questions) != len(contexts):
            raise ValueError(
                "There must be a context for each question, or one for all. "
                f"Received: {len(questions)} questions, {len(contexts)} contexts"
            )
        records = [{"question": first, "context": second} for first, second in zip(questions, contexts, strict=True)]
        answers = self.predict(records, batch_size=batch_size, top_k=top_k)
        return answers[0] if one else answers

    def predict(self, x=None, batch_size=None, top_k: int = 1, verbose=0, **kwargs):
        """Answers to records, a list of `Answer` in their order; the outputs for features, as any Keras model gives."""
        if has_features(x):
            return self._predict_features(x, batch_size=batch_size, verbose=verbose, **kwargs)
        self._check_ready()
        if top_k < 1:
            raise ValueError(f"`top_k` must be at least 1 answer a question. Received: top_k={top_k}")
        batches = self._batches(read_questions(x, labelled=False), batch_size)
        return self._answers(batches, top_k, verbose)

    def _spans(self, batches, top_k=1, verbose=0) -> Spans:
        outputs = (
            (indices, (logits[features.START_POSITIONS], logits[features.END_POSITIONS]))
            for indices, logits in self._predict_batches(batches, verbose)
        )
        return find_spans(batches.encoded, outputs, self.max_answer_length, top_k)

    def _answers(self, batches, top_k=1, verbose=0) -> list[Answer]:
        spans = self._spans(batches, top_k, verbose)
        return answers_of(batches.encoded.questions, spans, self.no_answer_threshold)

    def get_config(self):
        return {
            **super().get_config(),
            "stride": self.stride,
            "max_question_length": self.max_question_length,
            "max_answer_length": self.max_answer_length,
            "no_answer_threshold": self.no_answer_threshold,
        }
