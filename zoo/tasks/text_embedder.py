"""Texts into vectors of meaning."""

import keras
import numpy as np

from zoo.data.inputs import Examples, read_examples
from zoo.heads import ClassificationHead
from zoo.models.checks import check_vocabulary
from zoo.tasks.preprocessor import TextPreprocessor
from zoo.tasks.reading import read_text
from zoo.tasks.serving import text_endpoints
from zoo.tasks.task import Task

SHORTEST = 3  # tokens of a text: the special ones, and one


@keras.saving.register_keras_serializable(package="zoo")
class TextEmbedder(Task):
    """A backbone that makes one vector of a text, so that the cosine of two says how alike they are in meaning.

    Reimers & Gurevych (2019), Sentence-BERT, arXiv 1908.10084, section 3. Every vector has length 1, so the cosine of
    two is their product. Models of the library `sentence-transformers` load with their way to pool:
    `from_preset("hf://sentence-transformers/all-MiniLM-L6-v2")`, and `zoo.presets.export_to_huggingface` writes them.

    `fit(texts, vectors)` teaches it the vectors that another model, the teacher, makes of the texts, by their cosine;
    the texts need no labels (Reimers & Gurevych 2020, arXiv 2004.09813, section 2, which has the squared error). What
    is learnt so is a start for any other task: `zoo.TextClassifier.from_preset(folder)` takes the backbone.

    Args:
        backbone: an encoder, or an encoder-decoder such as BART.
        tokenizer: a tokenizer; needed for raw text.
        pooling: str or None, what the vector of a text is made of, see `zoo.tasks.reading.read_text`: the mean of the
            tokens' states, `"cls"` for the state of the first token, None for what `zoo.TextClassifier` reads.
        embedding_dim: int, numbers in a vector, made by a linear layer; the backbone's width, without one,
            when None.
        sequence_length: int, tokens that a text keeps, the special ones counted; those of the `preprocessor`, or as
            many as the backbone takes, when None.
        dropout: float, probability that a unit is dropped before the linear layer in training; the backbone's when
            None.
        **kwargs: `preprocessor`, `seed`, `compile`, `name`.

    Returns of a call:
        float32 tensor (batch, embedding_dim), of length 1 each.

    Raises:
        ValueError: if the pooling is unknown, or the backbone has no states that could be pooled.

    Example:

        model = zoo.TextEmbedder.from_preset("bert_tiny_sentences_en_uncased_books")
        vectors = model.embed(["A dog barks.", "A hound is barking.", "It rained."])
        vectors @ vectors.T
    """

    outputs_are_logits = False

    def __init__(
        self,
        backbone,
        tokenizer=None,
        pooling="mean",
        embedding_dim=None,
        sequence_length=None,
        dropout=None,
        preprocessor=None,
        **kwargs,
    ):
        reading = read_text(backbone, pooling)  # first, because it says what is no backbone
        _check_size("embedding_dim", embedding_dim)
        _check_size("sequence_length", sequence_length, SHORTEST, backbone.max_sequence_length)
        self.pooling = pooling
        self.embedding_dim = embedding_dim
        self.sequence_length = sequence_length
        self.dropout = backbone.dropout if dropout is None else dropout
        if preprocessor is not None:
            tokenizer = preprocessor.tokenizer
        elif tokenizer is not None:
            check_vocabulary(backbone, tokenizer)
        if tokenizer is not None and sequence_length not in (None, getattr(preprocessor, "sequence_length", None)):
            preprocessor = TextPreprocessor(tokenizer, sequence_length=sequence_length)
        vectors = reading.text
        if embedding_dim is not None:
            vectors = ClassificationHead(
                embedding_dim, self.dropout, dtype=backbone.dtype_policy, name="projection"
            )(vectors)  # fmt: skip
        # In float32 whatever the backbone computes in: a length of 1 is what users count on.
        outputs = keras.layers.UnitNormalization(dtype="float32", name="unit")(vectors)
        super().__init__(
            backbone, reading.inputs, outputs, tokenizer=tokenizer, preprocessor=preprocessor, **kwargs
        )  # fmt: skip

    def _default_loss_and_metrics(self):
        return {"loss": keras.losses.CosineSimilarity()}

    def _read(self, x, y=None, sample_weight=None, text_columns=None, label_column=None):
        examples = read_examples(x, None, sample_weight, text_columns, label_column)
        if examples.second is not None:
            raise ValueError(
                "A vector is made of one text. Received: pairs of texts. Embed the first and the second ones apart; "
                "the product of two vectors is their cosine."
            )
        if y is None:
            return examples
        vectors = list(y.to_numpy() if hasattr(y, "to_numpy") else y)
        if len(vectors) != len(examples):
            raise ValueError(
                f"There must be as many vectors (y) as texts. Received: {len(examples)} texts, {len(vectors)} vectors"
            )
        return Examples(examples.texts, labels=vectors, weights=examples.weights)

    def _targets(self, labels):
        return checked_vectors(labels, self.output.shape[-1])

    def embed(self, texts, batch_size=32) -> np.ndarray:
        """Make a vector of each text.

        Args:
            texts: list of str, or what else `predict` takes.
            batch_size: int, texts in a batch.

        Returns:
            float32 array (texts, embedding_dim), of length 1 each, in the order of `texts`.
        """
        return np.asarray(self.predict(texts, batch_size=batch_size, verbose=0), "float32")

    def _endpoints(self):
        found = text_endpoints(self, lambda outputs: {"embeddings": outputs})
        return {"serve": found["serve"]}

    def get_config(self):
        return {
            **super().get_config(),
            "pooling": self.pooling,
            "embedding_dim": self.embedding_dim,
            "sequence_length": self.sequence_length,
            "dropout": self.dropout,
        }


def checked_vectors(vectors, size: int) -> np.ndarray:
    """What a teacher says of the texts, as a float32 array (texts, size).

    Raises:
        ValueError: if a vector has another size, or has no direction: all zeros, or not all finite.
    """
    shapes = {np.shape(vector) for vector in vectors}
    if shapes != {(size,)}:
        raise ValueError(
            f"Every text needs a vector (y) of {size} numbers, the model's own size. Received: "
            f"shapes {sorted(shapes)[:5]}. Make the model with `embedding_dim` of the teacher's size."
        )
    found = np.stack([np.asarray(vector, "float32") for vector in vectors])
    wrong = np.flatnonzero(~(np.isfinite(found).all(axis=1) & found.any(axis=1)))
    if len(wrong):
        raise ValueError(
            "Every vector (y) must be finite, and not all zeros. "
            f"Received: y[{wrong[0]}]={found[wrong[0]][:4]}...; {len(wrong)} such rows."
        )
    return found


def _check_size(name, value, least=1, most=None):
    is_size = value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least)
    if not is_size or (None not in (value, most) and value > most):
        limits = f"of at least {least}" + ("" if most is None else f" and at most {most}")
        raise ValueError(f"`{name}` must be an int {limits}, or None. Received: {name}={value!r}")
