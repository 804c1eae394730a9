"""From raw texts to a backbone's features."""

import warnings

import keras
import keras_hub
import numpy as np

from zoo.data.batches import length_boundaries
from zoo.data.inputs import Examples, read_examples
from zoo.data.ragged import EncodedTexts, encode_texts

MOST = 0.5  # share of pieces that a tokenizer does not know, from which on texts are not its language


@keras.saving.register_keras_serializable(package="zoo")
class TextPreprocessor(keras_hub.models.Preprocessor):
    """Tokenizes one text or a pair of texts a row and lays them out for an encoder.

    Args:
        tokenizer: a zoo tokenizer.
        sequence_length: int, longest text that the model takes, in tokens with the special ones.

    Call arguments:
        texts: texts or pairs of texts, see `zoo.data.read_examples`.

    Returns:
        A dict of int32 arrays (batch, length): `token_ids`, `segment_ids`, `padding_mask`, padded to the
        first of the fixed lengths that holds the longest text.
    """

    def __init__(self, tokenizer, sequence_length=512, **kwargs):
        super().__init__(**kwargs)
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self.built = True  # the tokenizer's state is its vocabulary; there is nothing to build

    @property
    def boundaries(self) -> tuple[int, ...]:
        """The lengths that batches are padded to, in tokens."""
        return length_boundaries(self.sequence_length)

    def encode(self, examples: Examples) -> EncodedTexts:
        """Tokenize all examples once; warn once, with numbers, if some are truncated, or most pieces are unknown."""
        encoded = encode_texts(examples.texts, examples.second, self.tokenizer, self.sequence_length)
        if encoded.num_truncated:
            warnings.warn(
                f"{encoded.num_truncated} of {len(encoded)} texts are longer than the model's "
                f"{self.sequence_length} tokens and were truncated.",
                stacklevel=2,
            )
        self._warn_of_unknown(encoded)
        return encoded

    def _warn_of_unknown(self, encoded):
        special = [self.tokenizer.start_token_id, self.tokenizer.end_token_id]
        pieces = len(encoded.token_ids) - np.isin(encoded.token_ids, special).sum()
        unknown = np.count_nonzero(encoded.token_ids == self.tokenizer.unk_token_id)
        if unknown > MOST * pieces:
            warnings.warn(
                f"{unknown} of {pieces} pieces of the texts are unknown to the tokenizer: its vocabulary is of another "
                "language or script (of simplified characters, say, and the texts have traditional ones). Convert the "
                "texts, or take another preset.",
                stacklevel=4,
            )

    def call(self, texts):
        encoded = self.encode(read_examples(texts))
        longest = encoded.lengths.max()
        length = next(step for step in self.boundaries if step >= longest)
        return encoded.rows(np.arange(len(encoded)), length, self.tokenizer.pad_token_id)

    def get_config(self):
        return {**super().get_config(), "sequence_length": self.sequence_length}
