"""How GPT-2 sees text: as bytes, in words that keep the space before them.

Radford et al. (2019), "Language Models are Unsupervised Multitask Learners", section 2.2, released code, `encoder.py`;
RoBERTa took it over (Liu et al. 2019, arXiv 1907.11692, section 4.4). The classes of characters are those of the
`tokenizers` package, so that a TensorFlow graph can split words without a second opinion about Unicode.
"""

import functools

import numpy as np
import tokenizers
from tokenizers import normalizers, pre_tokenizers

from zoo.tokenizers.bert_text import CodePointTable

# Classes of characters. A word has characters of one class, and may begin with a space.
SIGN, LETTER, DIGIT, SPACE = range(4)
_PATTERNS = {LETTER: r"\p{L}", DIGIT: r"\p{N}", SPACE: r"\s"}
# After an apostrophe these are a word, whatever comes next.
CONTRACTIONS = ("s", "t", "m", "d", "re", "ve", "ll")
_SURROGATES = range(0xD800, 0xE000)


def _characters_of_bytes():
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = sorted(set(range(256)) - set(printable))
    codes = {byte: byte for byte in printable} | {byte: 256 + place for place, byte in enumerate(others)}
    return "".join(chr(codes[byte]) for byte in range(256))


# The printable characters that stand for the bytes 0 to 255 in a vocabulary; a space is `Ġ`.
CHARACTERS = _characters_of_bytes()
_BYTES = {character: bytes([byte]) for byte, character in enumerate(CHARACTERS)}


def piece_to_bytes(piece: str) -> bytes:
    """Return what a piece stands for; a character that is no byte's stands for itself in UTF-8."""
    return b"".join(_BYTES.get(character) or character.encode() for character in piece)


def build_pre_tokenizer():
    """Return GPT-2's splitter of words as a part of the `tokenizers` package."""
    return pre_tokenizers.ByteLevel(add_prefix_space=False)


@functools.cache
def character_classes() -> CodePointTable:
    """Return the class of each character; the first call takes seconds."""
    codes = np.array([code for code in range(1, 0x110000) if code not in _SURROGATES], "<u4")
    text = codes.tobytes().decode("utf-32-le")
    classes = {}
    for number, pattern in _PATTERNS.items():
        replaced = normalizers.Replace(tokenizers.Regex(pattern), "\0").normalize_str(text)
        found = np.frombuffer(replaced.encode("utf-32-le"), "<u4") == 0  # (characters,)
        classes |= dict.fromkeys(codes[found].tolist(), number)
    return CodePointTable.of(classes)
