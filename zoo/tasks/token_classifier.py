"""A tag for every word: parts of speech, names of persons and places."""

import difflib
from dataclasses import dataclass
from itertools import chain

import keras
import numpy as np

from zoo.data.streams import has_features
from zoo.data.tagging import tagged_sentences
from zoo.data.words import encode_words
from zoo.heads import ClassificationHead
from zoo.metrics.entities import entity_scores, entity_spans, is_entity_scheme
from zoo.metrics.token_accuracy import TokenAccuracy
from zoo.tasks.reading import read_text
from zoo.tasks.serving import word_endpoints
from zoo.tasks.task import Task
from zoo.tokenizers.spacing import join_words


@dataclass(frozen=True)
class Entity:
    """A name in a sentence.

    Attributes:
        type: str, such as "PER".
        start: int, its first word.
        stop: int, the word after its last.
        text: str, its words.
        probability: float, of its words' tags, in the mean.
    """

    type: str
    start: int
    stop: int
    text: str
    probability: float


@keras.saving.register_keras_serializable(package="zoo")
class TokenClassifier(Task):
    """A backbone with one linear layer over the vector of every word's first piece.

    Devlin et al. (2019), arXiv 1810.04805, section 5.3: the other pieces of a word have no part in the loss. A
    sentence is a list of words; in Chinese a word is one character. Of an encoder-decoder that reads the sentence on
    both sides, the vectors are the decoder's (Lewis et al. 2020, arXiv 1910.13461, section 3.2).

    Where the labels mark entities (`B-PER`, `I-PER`, `O`), `evaluate`, and `fit` at the end of an epoch, give the
    precision, recall and F1 of entities as `seqeval` counts them: `val_f1` is there for callbacks, such as
    `keras.callbacks.EarlyStopping("val_f1", mode="max")`.

    Args:
        backbone: an encoder, or an encoder-decoder such as BART.
        tokenizer: a tokenizer; needed for words.
        labels: list of str, the tags in the order of the outputs; `zoo.data.read_tagged(path).labels` are
            those of a file.
        dropout: float, probability that a unit of a vector is dropped in training; the backbone's when None.
        **kwargs: `preprocessor`, `seed`, `compile`, `name`.

    Returns of a call:
        float32 tensor (batch, length, len(labels)), logits.

    Raises:
        ValueError: if there are not at least 2 labels, or one is there twice.

    Example:

        train = zoo.data.read_tagged("train.txt")
        model = zoo.TokenClassifier.from_preset("bert_tiny_en_uncased_books", labels=train.labels)
        model.fit(train, validation_data=zoo.data.read_tagged("dev.txt"), epochs=5)
        model.entities(["Anna", "lives", "in", "Paris"])
    """

    padding_has_no_weight = True

    def __init__(self, backbone, tokenizer=None, labels=None, dropout=None, **kwargs):
        self.labels = _checked_labels(labels)
        self.dropout = backbone.dropout if dropout is None else dropout
        self.classifier = ClassificationHead(
            len(self.labels), dropout=self.dropout, dtype=backbone.dtype_policy, name="classifier"
        )
        reading = read_text(backbone)
        super().__init__(backbone, reading.inputs, self.classifier(reading.tokens), tokenizer=tokenizer, **kwargs)

    def _default_loss_and_metrics(self):
        return {
            "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
            "weighted_metrics": [TokenAccuracy(name="accuracy")],
        }

    def _classes(self):
        return self.labels

    def _read(self, x, y=None, sample_weight=None, text_columns=None, label_column=None):
        return tagged_sentences(x, y, sample_weight, text_columns, label_column)

    def _encode(self, examples):
        return encode_words(
            examples.words,
            self.tokenizer,
            list(self.input),
            self.preprocessor.sequence_length,
            targets=None if examples.tags is None else self._targets(examples.tags),
            weights=examples.weights,
        )

    def _targets(self, tags):
        numbers = {label: number for number, label in enumerate(self.labels)}
        targets = np.array([numbers.get(tag, -1) for tag in chain.from_iterable(tags)], "int32")
        if (targets < 0).any():
            raise ValueError(self._unknown_tag(tags, int(np.argmax(targets < 0)), int((targets < 0).sum())))
        return targets

    def _unknown_tag(self, tags, place, count):
        ends = np.cumsum([len(row) for row in tags])
        row = int(np.searchsorted(ends, place, side="right"))
        word = place - int(ends[row]) + len(tags[row])
        tag = tags[row][word]
        near = difflib.get_close_matches(tag, self.labels)
        return (
            f"Every tag must be one of the model's labels: {', '.join(self.labels[:50])}. Received: "
            f"y[{row}][{word}]={tag!r}; {count} such words." + (f" Nearest: {', '.join(near)}." if near else "")
        )

    def fit(self, x=None, y=None, batch_size=None, **kwargs):
        """Train on sentences, or on features.

        Args:
            x: list of lists of words; what `zoo.data.read_tagged` gives, or a table whose columns hold lists (a
                pandas frame, a Hugging Face data set), which bring their tags; or features.
            y: list of lists of tags, a tag a word.
            batch_size: int, sentences in a batch, 32 when None; one longer than the model counts more than once.
            **kwargs: further arguments of `zoo.tasks.Task.fit`, such as `epochs`, `validation_data`, the same as `x`
                or a tuple `(x, y)`, and `text_columns` and `label_column`, a table's columns of words and of tags.

        Returns:
            `keras.callbacks.History`, with `val_precision`, `val_recall` and `val_f1` if the labels mark entities.
        """
        return super().fit(x, y, batch_size=batch_size, **kwargs)

    def predict(self, x=None, batch_size=None, text_columns=None, verbose="auto", **kwargs):
        """The logits of every word.

        Args:
            x: a sentence (list of str), or sentences as `fit` takes them, without tags; or features.
            batch_size: int, sentences in a batch; 32 when None.
            text_columns: str, the column of a table that holds the words.
            verbose: 0, 1 or "auto", whether to show a progress bar.
            **kwargs: for features, other arguments of `keras.Model.predict`.

        Returns:
            float32 array (words, len(labels)) for a sentence, a list of them for several; for features an array
            (batch, length, len(labels)).
        """
        if has_features(x):
            return self._predict_features(x, batch_size=batch_size, verbose=verbose, **kwargs)
        if kwargs:
            raise TypeError(f"Words are predicted in batches of different lengths, without {', '.join(kwargs)}.")
        sentences, single = self._sentences(x, text_columns)
        logits = self._logits(self._batches(sentences, batch_size), verbose)
        return logits[0] if single else logits

    def tag(self, words, batch_size=32) -> list:
        """Say the likeliest tag of every word.

        Args:
            words: a sentence (list of str), or several.
            batch_size: int, sentences in a batch.

        Returns:
            list of str, a tag a word, for a sentence; a list of them for several.
        """
        sentences, single = self._sentences(words)
        tags = self._tags(self._logits(self._batches(sentences, batch_size)))
        return tags[0] if single else tags

    def entities(self, words, batch_size=32) -> list:
        """Find the entities.

        Args:
            words: a sentence (list of str), or several.
            batch_size: int, sentences in a batch.

        Returns:
            list of `Entity`, in their order, for a sentence; a list of them for several.

        Raises:
            ValueError: if the labels do not mark entities.
        """
        if not is_entity_scheme(self.labels):
            raise ValueError(
                "Entities need labels such as B-PER, I-PER and O. "
                f"Received: labels={self.labels[:20]}. `tag` gives the tags of words."
            )
        sentences, single = self._sentences(words)
        logits = self._logits(self._batches(sentences, batch_size))
        found = [_entities(*each) for each in zip(sentences.words, self._tags(logits), map(_best, logits), strict=True)]
        return found[0] if single else found

    def _sentences(self, words, text_columns=None):
        """Sentences without tags, and whether it was one that was given."""
        self._check_ready()
        single = isinstance(words, (list, tuple)) and bool(words) and all(isinstance(word, str) for word in words)
        if single and any(" " in word for word in words):
            raise TypeError(
                f"A list of str is one sentence, a word each. Received: words={list(words)[:3]!r}, with spaces. For "
                "texts write [text.split() for text in texts]; for a sentence whose words have spaces [words]."
            )
        return self._read([words] if single else words, text_columns=text_columns).without_labels(), single

    def _logits(self, batches, verbose=0) -> list[np.ndarray]:
        """float32 arrays (words, len(labels)), one a sentence."""
        encoded = batches.encoded
        logits = np.empty((encoded.word_offsets[-1], len(self.labels)), "float32")
        for indices, outputs in self._predict_batches(batches, verbose):
            logits[encoded.words(indices)] = encoded.at_words(indices, outputs)
        return encoded.sentences(logits)

    def _tags(self, logits) -> list[list[str]]:
        return [[self.labels[number] for number in row.argmax(axis=-1)] for row in logits]

    def _scores(self, batches):
        if not is_entity_scheme(self.labels):
            return {}
        true = [[self.labels[number] for number in row] for row in batches.encoded.sentences(batches.encoded.targets)]
        return entity_scores(true, self._tags(self._logits(batches)))

    def _endpoints(self):
        return word_endpoints(self, self.labels)

    def get_config(self):
        return {**super().get_config(), "labels": list(self.labels), "dropout": self.dropout}


def _checked_labels(labels) -> list[str]:
    how = "For those of a file: `zoo.data.read_tagged(path).labels`."
    if labels is None or isinstance(labels, str):
        raise ValueError(f"The labels must be known: a list of the tags. Received: labels={labels!r}. {how}")
    labels = list(labels)
    wrong = [label for label in labels if not isinstance(label, str)]
    if wrong:
        raise ValueError(f"Every label must be a str. Received: {wrong[0]!r} in labels={labels[:20]}. {how}")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice or len(labels) < 2:
        raise ValueError(
            f"There must be at least 2 labels, each once. Received: labels={labels[:50]}"
            + (f", with {', '.join(twice)} more than once" if twice else "")
        )
    return labels


def _best(logits) -> np.ndarray:
    """float array (words,), the probability of each word's likeliest tag."""
    return 1 / np.exp(logits - logits.max(axis=-1, keepdims=True)).sum(axis=-1)


def _entities(words, tags, probabilities) -> list[Entity]:
    return [
        Entity(kind, start, stop, join_words(words[start:stop]), float(probabilities[start:stop].mean()))
        for kind, start, stop in entity_spans(tags)
    ]
