"""What every tokenizer of the zoo does in the same way, whatever its pieces are."""

import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from zoo.tokenizers.text_inputs import as_strings, check_texts, restore_shape

# Texts that are tokenized at once: enough for all cores, few enough for memory to stay small.
_BATCH = 1024
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNREADABLE = "\ufffd"


class BackboneOfPresets:
    """The class of the backbone in whose presets KerasHub finds a tokenizer; it is loaded when it is asked for.

    Args:
        name: str, name of a class in `zoo.models`.
    """

    def __init__(self, name: str):
        self._name = name

    def __get__(self, instance, owner):
        return getattr(importlib.import_module("zoo.models"), self._name)


class TextTokenizer:
    """Texts to ids in batches, as lists of strings or in a TensorFlow graph: a mixin before a tokenizer of KerasHub.

    A subclass has `special_tokens`, `_check_ready`, `_encode_batch`, and `_encode_batch_with_offsets`.
    """

    @classmethod
    def _check_config(cls, config, asset: str):
        # A configuration from elsewhere must not choose which file of this machine is read.
        if isinstance(config.get(asset), (str, os.PathLike)):
            raise ValueError(
                "A saved tokenizer keeps its vocabulary in a file beside its configuration, not the path of one. "
                f"Received: {asset}={config[asset]!r} in the configuration."
            )

    @property
    def special_token_ids(self) -> list[int]:
        """The ids of `special_tokens`."""
        return [self.token_to_id(token) for token in self.special_tokens]

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
        if in_tensorflow_graph():
            return self._tokenize_in_graph(inputs)
        texts, shape = as_strings(inputs)
        return restore_shape(self.encode(texts), shape)

    def _tokenize_in_graph(self, inputs):
        return super().tokenize(inputs)


def in_tensorflow_graph() -> bool:
    """Return whether this code is being traced into a TensorFlow graph."""
    tensorflow = sys.modules.get("tensorflow")
    return hasattr(tensorflow, "executing_eagerly") and not tensorflow.executing_eagerly()
