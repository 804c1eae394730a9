"""Tasks with their tokenizer inside, as a SavedModel: text in, answers out, without this package.

What `zoo.data.encode_texts` and `zoo.data.encode_words` do for `fit` is done here by TensorFlow, with the same ids.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import keras

from zoo.tokenizers.text_tokenizer import TextTokenizer

FEATURES = "serve_features"


@dataclass(frozen=True)
class Endpoint:
    """A function of a SavedModel that takes text.

    Attributes:
        names: names of its arguments, string tensors.
        rank: int, of these tensors: 1 for texts (batch,), 2 for words (batch, words).
        read: function from these tensors to a pair: a dict of features, and what `answer` needs to know of the text.
        answer: function from the model's outputs and that to a dict of tensors.
    """

    names: tuple[str, ...]
    rank: int
    read: Callable
    answer: Callable


def write_saved_model(task, folder: str | os.PathLike, endpoints: dict[str, Endpoint], verbose=None) -> None:
    """Write a task with its tokenizer, for `tf.saved_model.load`.

    Args:
        task: a task that has a preprocessor.
        folder: path of the SavedModel.
        endpoints: dict from the name of a function to it; the first is the default signature.
        verbose: bool, whether Keras says what it has written.

    Raises:
        ValueError: if the tokenizer cannot run in TensorFlow, or Keras cannot export from its backend.
    """

    if not isinstance(task.tokenizer, TextTokenizer):
        raise ValueError(
            "A tokenizer of `zoo.tokenizers` can be exported with the model. "
            f"Received: {type(task.tokenizer).__name__}. Give `input_signature` to export the model of features alone."
        )
    if keras.config.backend() not in ("tensorflow", "jax"):
        raise ValueError(
            "Keras exports a SavedModel with text inputs from its TensorFlow and JAX backends. Received: "
            f"backend={keras.config.backend()!r}. Save the preset, and export it with KERAS_BACKEND=tensorflow."
        )
    archive = keras.export.ExportArchive()
    names = sorted(task.input)
    signature = [{name: keras.InputSpec(shape=(None, None), dtype="int32", name=name) for name in names}]
    model = archive.track_and_add_endpoint(FEATURES, task, input_signature=signature)
    functions = {name: _traced(endpoint, model, names) for name, endpoint in endpoints.items()}
    # Otherwise Keras would take the one of features, which is the first that it was given.
    functions["serving_default"] = next(iter(functions.values()))
    for name, function in functions.items():
        archive.add_endpoint(name, function)
    archive.write_out(str(folder), verbose=bool(verbose))


def text_endpoints(task, answer: Callable) -> dict[str, Endpoint]:
    """The functions of a task on single texts and on pairs of texts; `answer` takes the model's outputs."""
    from zoo.data.ragged_graph import text_rows

    def read(*texts):
        return text_rows(task.tokenizer, task.preprocessor.sequence_length, *texts), None

    def answer_alone(outputs, _):
        return answer(outputs)

    return {
        "serve": Endpoint(("texts",), 1, read, answer_alone),
        "serve_pairs": Endpoint(("first", "second"), 1, read, answer_alone),
    }


def word_endpoints(task, labels: list[str]) -> dict[str, Endpoint]:
    """The function of a task that gives every word logits (batch, words, labels) and a tag."""
    import tensorflow as tf

    from zoo.data.ragged_graph import word_rows

    def read(words):
        rows, places, first = word_rows(task.tokenizer, task.preprocessor.sequence_length, words)
        return rows, (places, first, tf.shape(words, tf.int64))

    def answer(outputs, known):
        places, first, shape = known
        logits = tf.gather_nd(outputs, first)  # (all words, labels)
        tags = tf.gather(labels, tf.argmax(logits, axis=-1))
        return {
            "logits": tf.scatter_nd(places, logits, tf.concat([shape, [len(labels)]], 0)),
            "tags": tf.tensor_scatter_nd_update(tf.fill(shape, ""), places, tags),
        }

    return {"serve": Endpoint(("words",), 2, read, answer)}


def class_answers(names: list | None) -> Callable:
    """What a classifier answers: logits, probabilities (batch, classes) and the label (batch,), a name or a number."""
    import tensorflow as tf

    def answer(logits):
        numbers = tf.argmax(logits, axis=-1, output_type=tf.int32)
        return {
            "logits": logits,
            "probabilities": tf.nn.softmax(logits),
            "labels": numbers if names is None else tf.gather([str(name) for name in names], numbers),
        }

    return answer


def _traced(endpoint, model, names):
    import tensorflow as tf

    def serve(*texts):
        given, known = endpoint.read(*texts)
        return endpoint.answer(model({name: given[name] for name in names}), known)

    specs = [tf.TensorSpec([None] * endpoint.rank, tf.string, name=name) for name in endpoint.names]
    traced = tf.function(serve, input_signature=specs, autograph=False)
    traced.get_concrete_function()
    return traced
