"""What every tokenizer of the zoo does in the same way, whatever its pieces are."""

import importlib
import itertools
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from zoo.tokenizers.text_inputs import as_strings, check_texts, restore_shape

# Texts that are tokenized at once: enough for all cores, few enough for memory to stay small.
_BATCH = 1024
_SURROGATE = re.compile("[\ud800-\udfff]")
_SENTINEL = re.compile(r"\s*(<extra_id_(?:0|[1-9]\d*)>)")
_UNREADABLE = "\ufffd"


def sentinel(number: int) -> str:
    """Return the piece of a sentinel, `<extra_id_0>` being the first."""
    return f"<extra_id_{number}>"


class BackboneOfPresets:
    """The class of the backbone in whose presets KerasHub looks for a tokenizer, loaded when it is asked for.

    Args:
        name: str, name of a class in `zoo.models`.
    """

    def __init__(self, name: str):
        self._name = name

    def __get__(self, instance, owner):
        return getattr(importlib.import_module("zoo.models"), self._name)


class TextTokenizer:
    """Texts to ids in batches, as lists of strings or in a TensorFlow graph: a mixin before a tokenizer of KerasHub.

    A subclass hands its pieces to `_set_pieces` and has these methods:

    - `_encode_batch(texts)`: the ids of each text, int32 arrays (tokens,);
    - `_encode_batch_with_offsets(texts)`: these, and where each token is, int32 (tokens, 2);
    - `_build_graph_tokenizer()`: what has `tokenize` and `detokenize` for tensors in a TensorFlow graph;
    - `_with_pieces(pieces)`: a tokenizer like this one that has these pieces too, after its own.

    A vocabulary may have sentinels, the pieces `<extra_id_0>`, `<extra_id_1>`, ... of T5, which stand for spans of
    text that are left out. `encode` never makes them of a text, `encode_with_sentinels` does, `decode` shows them.

    Attributes:
        tokens_of_names: dict, `{"pad": "[PAD]", ...}`, which token has which purpose.
        separators: int, how many end tokens stand between two texts.
    """

    tokens_of_names: Mapping[str, str]
    separators = 1

    _pieces = None

    @classmethod
    def from_preset(cls, preset):
        """Load the tokenizer of a preset.

        Args:
            preset: str, a name of `zoo.list_presets()`, a local folder, or a handle `hf://...`, `kaggle://...`.

        Raises:
            ValueError: if there is no such preset (with the nearest names), or its tokenizer is of another class.
        """
        from zoo import presets

        tokenizer = presets.load_tokenizer(preset)
        if not isinstance(tokenizer, cls):
            raise ValueError(
                f"`{cls.__name__}.from_preset` loads tokenizers of that class. Received: preset={str(preset)!r}, "
                f"whose tokenizer is a {type(tokenizer).__name__}. Use the class of that."
            )
        return tokenizer

    @classmethod
    def _check_configuration(cls, config, *assets: str):
        # A configuration from elsewhere must not choose which file of this machine is read.
        for name in assets:
            if isinstance(config.get(name), (str, os.PathLike)):
                raise ValueError(
                    "A saved tokenizer keeps its vocabulary in a file beside its configuration, not the path of one. "
                    f"Received: {name}={config[name]!r} in the configuration."
                )

    @staticmethod
    def _check_choices(chosen, fixed, kind: str):
        if given := sorted(set(chosen) & set(fixed)):
            raise TypeError(
                "A tokenizer of the zoo splits text and marks pieces as its paper does, without a choice. Received: "
                f"{', '.join(given)}. Use `keras_hub.tokenizers.{kind}` for another kind."
            )

    def _set_pieces(self, pieces: Sequence[str] | None, starts_word: Sequence[bool] | None = None):
        """Take the pieces in the order of their ids, and which of them begin a word; None for none."""
        self._graph = None
        self.built = True  # its state is its vocabulary; Keras quantizes no model with a layer that is not built
        self._pieces = None if pieces is None else list(pieces)
        if pieces is None:
            return
        self._ids = {piece: number for number, piece in enumerate(pieces)}
        self._starts_word = np.array(starts_word, bool)
        self._sentinels = frozenset(filter(_SENTINEL.fullmatch, pieces))
        for name, token in self.tokens_of_names.items():
            setattr(self, f"{name}_token_id", self._ids[token])

    def _check_ready(self):
        if self._pieces is None:
            raise ValueError(
                "The tokenizer has no vocabulary. Give one to the constructor, or load the tokenizer with its preset."
            )

    @property
    def special_tokens(self) -> list[str]:
        """All special tokens, the unknown one among them, in the order of their usual ids."""
        return list(dict.fromkeys(self.tokens_of_names.values()))

    @property
    def special_token_ids(self) -> list[int]:
        """The ids of `special_tokens`."""
        return [self.token_to_id(token) for token in self.special_tokens]

    @property
    def sentinel_ids(self) -> list[int]:
        """The ids of `<extra_id_0>`, `<extra_id_1>`, ..., as far as the vocabulary has them without a gap."""
        self._check_ready()
        names = itertools.takewhile(self._ids.__contains__, map(sentinel, itertools.count()))
        return [self._ids[name] for name in names]

    def with_sentinels(self, number: int = 100):
        """Return a tokenizer like this one whose vocabulary has at least so many sentinels.

        Those that are missing come after all other pieces, `<extra_id_0>` last: in a vocabulary that had none,
        `<extra_id_k>` has the id `vocabulary_size() - 1 - k`, as in T5 (Raffel et al. 2020, arXiv 1910.10683,
        released code). All other pieces keep their ids, and texts theirs.

        Args:
            number: int, positive.
        """
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ValueError(f"`number` must be a positive integer. Received: number={number!r}")
        self._check_ready()
        missing = [name for name in map(sentinel, reversed(range(number))) if name not in self._ids]
        return self._with_pieces(missing) if missing else self

    @property
    def unk_token(self) -> str:
        """The token of what has no pieces."""
        return self.tokens_of_names["unk"]

    def get_vocabulary(self) -> list[str]:
        """Return the pieces in the order of their ids."""
        self._check_ready()
        return list(self._pieces)

    def vocabulary_size(self) -> int:
        """Return the number of pieces."""
        self._check_ready()
        return len(self._pieces)

    def token_to_id(self, token: str) -> int:
        """Return the id of a piece; ValueError if the vocabulary lacks it."""
        self._check_ready()
        if token not in self._ids:
            raise ValueError(f"A piece of the vocabulary was expected. Received: token={token!r}")
        return self._ids[token]

    def id_to_token(self, id: int) -> str:
        """Return the piece of an id; ValueError if the vocabulary lacks it."""
        self._check_ready()
        if not 0 <= id < len(self._pieces):
            raise ValueError(f"`id` must be in the range from 0 to {len(self._pieces) - 1}. Received: id={id}")
        return self._pieces[id]

    def word_starts(self, ids: np.ndarray) -> np.ndarray:
        """Return a bool array of the shape of `ids`, True where a piece begins a word; see the class."""
        self._check_ready()
        return self._starts_word[np.asarray(ids)]

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Tokenize texts, on all cores, without adding special tokens.

        Args:
            texts: sequence of str.

        Returns:
            list of int32 arrays (tokens,), one a text.

        Raises:
            TypeError: if `texts` is one str, or an element of it is not a str.
        """
        return list(self._in_batches(self._encode_batch, texts))

    def encode_with_offsets(self, texts: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Tokenize texts and say where each token comes from.

        Args:
            texts: sequence of str.

        Returns:
            list of pairs, one a text: int32 (tokens,), the ids, and int32 (tokens, 2), where each token begins
            and ends in the text as it was given, in characters, the end excluded.

        Raises:
            TypeError: if `texts` is one str, or an element of it is not a str.
        """
        return list(self._in_batches(self._encode_batch_with_offsets, texts))

    def encode_with_sentinels(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Tokenize texts as `encode` does, but make sentinels of what looks like them, with the space before each.

        Args:
            texts: sequence of str, such as `"The <extra_id_0> walks in <extra_id_1> park"`. A name that is not in
                the vocabulary is text like any other.

        Returns:
            list of int32 arrays (tokens,), one a text.

        Raises:
            TypeError: if `texts` is one str, or an element of it is not a str.
        """
        # Text and sentinels in turn; all texts are encoded at once.
        parts = [self._split_at_sentinels(text) for text in check_texts(texts)]
        encoded = iter(self.encode([part for row in parts for part in row[::2]]))
        rows = []
        for row in parts:
            ids = [next(encoded)]
            for name in row[1::2]:
                ids += [np.array([self._ids[name]], np.int32), next(encoded)]
            rows.append(np.concatenate(ids))
        return rows

    def _split_at_sentinels(self, text):
        parts, start = [], 0
        for match in _SENTINEL.finditer(text):
            if match[1] in self._sentinels:
                parts += [text[start : match.start()], match[1]]
                start = match.end()
        return [*parts, text[start:]]

    def _in_batches(self, encode_batch, texts) -> Iterator:
        texts = check_texts(texts)
        self._check_ready()
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            try:
                encoded = encode_batch(batch)
            except (TypeError, UnicodeEncodeError):
                # Half of a surrogate pair is no character: it counts as one that could not be read.
                encoded = encode_batch([_SURROGATE.sub(_UNREADABLE, text) for text in batch])
            yield from encoded

    def tokenize(self, inputs):
        """Return the ids of texts; see the class."""
        if _in_tensorflow_graph():
            return self._graph_tokenizer().tokenize(inputs)
        texts, shape = as_strings(inputs)
        return restore_shape(self.encode(texts), shape)

    def detokenize(self, inputs):
        """Return ids as text, as a tokenizer of KerasHub does; `decode` says more of special tokens and spaces."""
        if _in_tensorflow_graph():
            return self._graph_tokenizer().detokenize(inputs)
        return self._detokenize(inputs)

    def _detokenize(self, inputs):
        return super().detokenize(inputs)

    def _graph_tokenizer(self):
        self._check_ready()
        if self._graph is None:
            self._graph = self._build_graph_tokenizer()
        return self._graph


def _in_tensorflow_graph():
    tensorflow = sys.modules.get("tensorflow")
    return hasattr(tensorflow, "executing_eagerly") and not tensorflow.executing_eagerly()
