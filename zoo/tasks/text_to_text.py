"""Any task as text to text: the task's name stands before the text, and the answer is said in words."""

import dataclasses
import functools

import keras
import numpy as np
from keras import ops

from zoo.data import features
from zoo.data.inputs import is_table, read_examples
from zoo.data.question_answering import Questions
from zoo.data.streams import drained, has_features
from zoo.data.text_pairs import EncodedPairs, frame_texts
from zoo.layers import padding_bias
from zoo.metrics.benchmark_metrics import compute
from zoo.tasks.generation import compiled
from zoo.tasks.seq2seq_lm import Seq2SeqLM
from zoo.tasks.text_classifier import Classification, class_numbers, classifications
from zoo.tasks.text_forms import text_form
from zoo.tasks.text_regressor import checked_numbers


@keras.saving.register_keras_serializable(package="zoo")
class TextToText(Seq2SeqLM):
    """Classification, regression, questions and more, as T5 does them: text in, text out.

    Raffel et al. (2020), arXiv 1910.10683, sections 2.1 and 2.4, and appendix D. "sst2 sentence: a gripping film" is
    answered by "positive", the similarity of two sentences by "3.8". There is no head and no new weight: the model is
    trained to say the answer, by the loss of all text (so this is a `Seq2SeqLM`, and no `TextClassifier`, whose
    outputs are a head's logits).

    Where the possible answers are known, `predict` gives the one whose words are likeliest as a whole, by their exact
    probability after the source: so an answer always is a class or a number. The paper lets the model say what it
    likes, and counts all else as wrong; `generate` does that. Where the answer is free text, `predict` generates it.

    `fit` and its kin take texts or pairs of texts and labels, see `zoo.data.read_examples`, or what
    `zoo.data.read_questions` gives; the first of several answers is the one to say.

    Args:
        backbone: an encoder-decoder backbone.
        tokenizer: a tokenizer; needed for raw text.
        form: str, a name of `zoo.tasks.text_forms()`, such as `"sst2"`, `"mnli"`, `"stsb"`, `"squad"`; one of these
            changed, `zoo.tasks.text_form("sst2", class_names=["bad", "good"])`; or a `zoo.tasks.TextForm` of your own.
        **kwargs: `max_target_length`, `label_smoothing`, `preprocessor`, `seed`, `compile`, `name`; see `Seq2SeqLM`.

    Raises:
        ValueError: if there is no such form, or the tokenizer cannot tell its answers apart.

    Example:

        model = zoo.TextToText.from_preset("my_t5", form="mnli")
        model.fit((premises, hypotheses), labels, epochs=3)
        model.predict((["The dog barked."], ["It was quiet."]))[0]  # "contradiction"

        form = zoo.tasks.TextForm("topic of {headline}", class_names=["sports", "politics"])
        model = zoo.TextToText(backbone, tokenizer=tokenizer, form=form)
    """

    def __init__(self, backbone, tokenizer=None, form=None, **kwargs):
        self.form = text_form(form)
        super().__init__(backbone, tokenizer=tokenizer, **kwargs)
        self._encode_sources = compiled(self._encoded_sources, backbone)
        self._score = compiled(self._log_probabilities, backbone)
        # Where Keras loads a task, the tokenizer gets its vocabulary after it; the answers wait for that.
        if self.form.answers is not None and getattr(self.tokenizer, "end_token_id", None) is not None:
            self._check_answers(self._answer_ids)

    @functools.cached_property
    def _answer_ids(self) -> list[np.ndarray]:
        """The possible answers as targets, a list of int32 arrays (tokens,)."""
        starts = self.backbone.frame.target_starts
        return frame_texts(self.form.answers, self.tokenizer, self.backbone.max_sequence_length, starts)[0]

    def _check_answers(self, answer_ids):
        long = [len(ids) > self._longest_target for ids in answer_ids]
        if any(long):
            raise ValueError(
                f"Every answer must fit into a target of {self._longest_target} tokens. "
                f"Received: {self.form.answers[long.index(True)]!r}. Give a longer `max_target_length`."
            )
        seen = {}
        for answer, ids in zip(self.form.answers, [each.tobytes() for each in answer_ids], strict=True):
            if ids in seen:
                raise ValueError(
                    "The tokenizer must tell the answers apart. Received: "
                    f"{seen[ids]!r} and {answer!r}, which have the same pieces. Choose other words for them."
                )
            seen[ids] = answer

    def _read(self, x, y=None, sample_weight=None, text_columns=None, label_column=None):
        if isinstance(x, Questions):
            x, y = _questions_and_answers(x)
        x, y, sample_weight = drained(x, y, sample_weight)
        if is_table(x):
            columns = list(getattr(x, "column_names", None) or x)
            if text_columns is None and set(self.form.fields) <= set(columns):
                text_columns = self.form.fields
            if label_column is None and self.form.answers is None and "target" in columns:
                label_column = "target"
        examples = read_examples(x, y, sample_weight, text_columns, label_column)
        return dataclasses.replace(examples, texts=self.form.sources(examples.texts, examples.second), second=None)

    def _targets(self, labels) -> list[str]:
        """The words of raw labels."""
        if self.form.answers is None:
            return super()._targets(labels)
        if self.form.numbers is None:
            numbers = class_numbers(labels, self.form.class_names, len(self.form.class_names))
        else:
            numbers = self._nearest(labels)
        return [self.form.answers[number] for number in numbers]

    def _nearest(self, labels) -> np.ndarray:
        """Which of the form's numbers is nearest, int array (texts,)."""
        lowest, highest, step = self.form.numbers
        values = checked_numbers(labels).astype("float64")
        outside = np.flatnonzero((values < lowest - step / 2) | (values > highest + step / 2))
        if len(outside):
            raise ValueError(
                f"Every label must lie between {lowest} and {highest}. Received: y[{outside[0]}]="
                f"{labels[outside[0]]!r}; {len(outside)} such rows. Give a form with other `numbers`."
            )
        return np.clip(np.rint((values - lowest) / step).astype(int), 0, len(self.form.answers) - 1)

    def _read_sources(self, texts):
        return self._read(texts.without_labels() if isinstance(texts, Questions) else texts)

    def predict(self, x=None, batch_size=None, text_columns=None, **kwargs):
        """The answers to raw texts or pairs of texts; for features the logits, as any Keras model gives them.

        Args:
            x: texts, pairs of texts or a table, see `zoo.data.read_examples`; or features.
            batch_size: int, texts in a batch; 32 when None.
            text_columns: str or pair of str, the columns of a table that hold the texts; the form's fields when None.
            **kwargs: for features, other arguments of `keras.Model.predict`.

        Returns:
            A list in the order of `x`: names of classes, floats, or texts.
        """
        if has_features(x):
            return super().predict(x, batch_size=batch_size, **kwargs)
        if self.form.answers is not None:
            return self._values(self.answer_scores(x, batch_size, text_columns).argmax(axis=-1))
        if text_columns is not None:
            examples = read_examples(x, text_columns=text_columns)
            x = examples.texts if examples.second is None else (examples.texts, examples.second)
        longest = min(64, self._longest_target)
        return self.generate([x] if isinstance(x, str) else x, max_length=longest, batch_size=batch_size or 32)

    def _values(self, numbers) -> list:
        """The answers of these numbers, as a user knows them."""
        answers = self.form.answers if self.form.numbers is None else list(map(float, self.form.answers))
        return [answers[number] for number in numbers]

    def answer_scores(self, x, batch_size=None, text_columns=None) -> np.ndarray:
        """How likely each possible answer is.

        Args:
            x, batch_size, text_columns: as in `predict`.

        Returns:
            float32 array (texts, answers), in the order of `form.answers`: the natural logarithm of the probability
            that the model says exactly this answer and ends.

        Raises:
            ValueError: if the answer is free text.
        """
        self._check_ready()
        if self.form.answers is None:
            raise ValueError(f"The answers of this form are free text. Received: form={self.form}. Use `generate`.")
        return self._answer_scores(self._batches(self._read(x, text_columns=text_columns).without_labels(), batch_size))

    def classify(self, texts, batch_size=32) -> list[Classification]:
        """Classify texts or pairs of texts; the probabilities are those among the classes.

        Raises:
            ValueError: if the answers are no classes.
        """
        if self.form.class_names is None:
            raise ValueError(f"The form must have class names. Received: form={self.form}. Use `predict`.")
        return classifications(self.answer_scores(texts, batch_size), self.form.class_names)

    def _answer_scores(self, batches) -> np.ndarray:
        ids = self._answer_ids
        pairs = EncodedPairs(ids, ids, self._special_ids(), self.backbone.input_features, self._longest_target)
        inputs, said, _ = pairs.batch(np.arange(len(ids)), max(map(len, ids)))
        read, mask = inputs[features.DECODER_TOKEN_IDS], inputs[features.DECODER_PADDING_MASK]
        scores = np.empty((len(batches.order), len(ids)), "float32")
        for indices, (sources, *_) in batches.indexed():
            padding_mask = sources[features.ENCODER_PADDING_MASK]
            encoded = self._encode_sources(sources[features.ENCODER_TOKEN_IDS], padding_mask)
            for number in range(len(ids)):
                # One answer after the other: all together they would need their number times the vocabulary's memory.
                answer = (each[number : number + 1] for each in (read, mask, said[features.TARGET_IDS]))
                found = self._score(encoded, padding_mask, *(np.repeat(each, len(indices), axis=0) for each in answer))
                scores[indices, number] = ops.convert_to_numpy(found)
        return scores

    def _encoded_sources(self, token_ids, padding_mask):
        return self.backbone.encode(token_ids, padding_mask)

    def _log_probabilities(self, encoded, padding_mask, read, mask, said):
        """float32 tensor (batch,): of saying `said`, int (batch, steps), after the sources."""
        inputs = {features.DECODER_TOKEN_IDS: read, features.DECODER_PADDING_MASK: mask}
        decoded = self.backbone.decode(inputs, encoded, padding_bias(padding_mask))
        logits = ops.cast(self.backbone.logits(decoded), "float32")  # (batch, steps, vocabulary_size)
        surprise = ops.sparse_categorical_crossentropy(said, logits, from_logits=True)  # (batch, steps)
        return -ops.sum(surprise * ops.cast(mask, "float32"), axis=1)

    def _scores(self, batches):
        """How good the answers are: `evaluate` and `fit` report it beside the metrics of single tokens."""
        if self.form.answers is None:
            return super()._scores(batches)
        numbers = {ids.tobytes(): number for number, ids in enumerate(self._answer_ids)}
        true = [numbers[ids.tobytes()] for ids in batches.encoded.targets]
        found = self._answer_scores(batches).argmax(axis=-1)
        if self.form.numbers is None:
            return {"answer_accuracy": compute("accuracy", true, found)}
        true, found = self._values(true), self._values(found)
        # Numbers that are all the same have no correlation.
        return {"pearson": compute("pearson", true, found) if len(set(true)) > 1 else 0.0}

    def get_config(self):
        return {**super().get_config(), "form": self.form.to_dict()}


def _questions_and_answers(questions: Questions):
    """Pairs of texts, and the first answer to each question, None if the answers are unknown."""
    pairs = (questions.texts, [questions.passages[number] for number in questions.passage_numbers])
    if questions.labels is None:
        return pairs, None
    silent = [name for name, answers in zip(questions.ids, questions.labels, strict=True) if not answers]
    if silent:
        raise ValueError(
            f"An answer that is said must have words. Received: {len(silent)} questions without one: "
            f"{', '.join(silent[:10])}. Leave them out, or use `zoo.QuestionAnswering` on an encoder or on BART."
        )
    return pairs, [answers[0][0] for answers in questions.labels]
