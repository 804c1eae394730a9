"""Why BERT works: the vector of a word depends on its sentence, and tells what the word means there."""

from dataclasses import replace

import keras
import numpy as np
from keras import ops

from zoo.analysis.occurrences import find_occurrences, locate_pieces
from zoo.analysis.similarity import EMBEDDING, ContextualSimilarity
from zoo.data import features
from zoo.data.inputs import read_examples
from zoo.models import Encoder
from zoo.models.checks import check_vocabulary
from zoo.tasks.preprocessor import TextPreprocessor
from zoo.tokenizers.text_tokenizer import TextTokenizer

# Sentences that run through the model at once.
BATCH_SIZE = 32


def contextual_similarity(
    model, sentences, word, senses=None, *, indices=None, tokenizer=None, layers=None, random_seeds=()
) -> ContextualSimilarity:
    """Compare the vectors of one word or character in many sentences, layer by layer.

    A word of several pieces has the mean of their vectors. Reif et al. (2019), arXiv 1906.02715, section 4, found
    that BERT's vectors of a word keep its senses apart; Ethayarajh (2019), arXiv 1909.00512, measured by layer how
    alike the vectors of a word are, and how alike all vectors are.

    Args:
        model: an encoder of `zoo.models`, or a task on one.
        sentences: list of str, or a column of them.
        word: str, the word or character that is in all of them; or a list of str, one a sentence. Capitals do not
            matter. Where words have spaces between them, it is found as a whole word only.
        senses: what the word means in each sentence, str or int; None if only the vectors are wanted.
        indices: list of int, where the word begins in each sentence, in characters from 0; every occurrence when None.
        tokenizer: a tokenizer; the task's when None.
        layers: list with `"embedding"` and numbers of layers from 1; all when None.
        random_seeds: list of int; the same is done with random weights drawn from each, for comparison. This sets
            Keras's global seed.

    Returns:
        `ContextualSimilarity`.

    Raises:
        TypeError: if the model is none of this package, or something else than text, senses or indices is given.
        ValueError: if there are no sentences, one lacks the word or has it beyond the model's length, there are fewer
            than two senses, a layer is unknown, the tokenizer is missing or of another vocabulary, or it cuts the
            word together with its neighbours or not everywhere in the same way.

    Example:

    >>> import zoo
    >>> model = zoo.MaskedLM.from_preset("bert_tiny_en_uncased_books")
    >>> sentences = ["They swam to the bank.", "He sat on the bank.", "The bank lent us gold.", "The bank was robbed."]
    >>> senses = ["river", "river", "money", "money"]
    >>> similarity = zoo.analysis.contextual_similarity(model, sentences, "bank", senses)
    >>> similarity.layers, similarity.vectors[2].shape, similarity.cosines[2].shape
    (('embedding', 1, 2), (4, 128), (4, 4))
    >>> similarity.separation["embedding"]
    0.0
    """
    backbone = getattr(model, "backbone", model)
    preprocessor = _preprocessor(model, backbone, tokenizer)
    layers = _check_layers(layers, len(backbone.order))
    examples = read_examples(sentences)
    if examples.second is not None:
        raise ValueError(f"Single sentences were expected. Received: pairs, the first {examples.texts[0]!r}, ...")
    found = find_occurrences(examples.texts, word, senses, indices)
    located = locate_pieces(found, examples.texts, preprocessor.tokenizer)
    encoded = preprocessor.encode(examples)
    _check_lengths(located, encoded.lengths)
    order = {sense: number for number, sense in enumerate(dict.fromkeys(each.sense for each in located))}
    located = tuple(sorted(located, key=lambda each: order[each.sense]))

    pad_id = preprocessor.tokenizer.pad_token_id

    def compare(backbone):
        return ContextualSimilarity(located, _read_vectors(backbone, encoded, located, layers, pad_id))

    random = tuple(compare(_with_random_weights(backbone, seed)) for seed in random_seeds)
    return replace(compare(backbone), random=random)


def _preprocessor(model, backbone, tokenizer):
    if not isinstance(backbone, Encoder):
        raise TypeError(
            "A task or an encoder backbone of this package was expected. Received: model of type "
            f"{type(model).__name__}. A preset is loaded by `zoo.MaskedLM.from_preset(name)`."
        )
    if tokenizer is not None:
        if not isinstance(tokenizer, TextTokenizer):
            raise TypeError(
                f"A tokenizer of `zoo.tokenizers` was expected. Received: tokenizer={tokenizer!r}. That of a preset is "
                "`zoo.presets.load_tokenizer(name)`."
            )
        check_vocabulary(backbone, tokenizer)
        return TextPreprocessor(tokenizer, sequence_length=backbone.max_sequence_length)
    preprocessor = getattr(model, "preprocessor", None)
    if preprocessor is None:
        raise ValueError(
            "A tokenizer is needed to read sentences. Received: tokenizer=None and "
            f"{type(model).__name__} without one. Give `tokenizer=...`, such as `zoo.presets.load_tokenizer(name)`."
        )
    return preprocessor


def _check_layers(layers, count):
    available = [EMBEDDING, *range(1, count + 1)]
    if layers is None:
        return available
    wanted = [layers] if isinstance(layers, (str, int)) else list(dict.fromkeys(layers))
    if not wanted or any(layer not in available for layer in wanted):
        raise ValueError(f"`layers` must be some of {available}. Received: layers={layers!r}")
    return sorted(wanted, key=available.index)


def _check_lengths(occurrences, lengths):
    """The pieces are behind [CLS] and before [SEP]; what was cut off is behind that."""
    for each in occurrences:
        if 1 + each.first_piece + len(each.ids) >= lengths[each.sentence]:
            raise ValueError(
                f"The word must be within the model's length. Received: {each.word!r} at character {each.start} of "
                f"sentences[{each.sentence}], whose first {lengths[each.sentence]} tokens the model reads. Shorten it."
            )


def _with_random_weights(backbone, seed):
    keras.utils.set_random_seed(seed)
    return type(backbone).from_config(backbone.get_config())


def _read_vectors(backbone, encoded, occurrences, layers, pad_id):
    """For each layer a float32 array (occurrences, size), rows in the order of `occurrences`."""
    vectors = {layer: [None] * len(occurrences) for layer in layers}
    length = int(encoded.lengths.max())
    for start in range(0, len(encoded), BATCH_SIZE):
        numbers = np.arange(start, min(start + BATCH_SIZE, len(encoded)))
        states = _states(backbone, encoded.rows(numbers, length, pad_id), layers)
        for row, each in enumerate(occurrences):
            if each.sentence not in range(start, start + len(numbers)):
                continue
            first = 1 + each.first_piece
            for layer, state in states.items():
                pieces = state[each.sentence - start, first : first + len(each.ids)]  # (pieces, size)
                vectors[layer][row] = pieces.mean(axis=0)
    return {layer: np.stack(rows) for layer, rows in vectors.items()}


def _states(backbone, rows, layers):
    """For each layer the vectors of all tokens, float32 array (batch, length, size)."""
    tensors = dict(enumerate(backbone.hidden_states({name: rows[name] for name in backbone.input}), start=1))
    tensors[EMBEDDING] = backbone.token_embedding(rows[features.TOKEN_IDS])
    return {layer: ops.convert_to_numpy(ops.cast(tensors[layer], "float32")) for layer in layers}
