"""Where words begin: told by a tokenizer's pieces, or by a segmenter where text has no spaces."""

import functools
import logging
import re
import unicodedata
import warnings
from collections.abc import Callable, Sequence

import numpy as np

# Scripts without spaces between words, first and last code point: Thai and Lao, Burmese, Khmer, kana,
# Chinese characters (with their extensions and compatibility forms).
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{2}")
_KANA = re.compile("[\u3040-\u30ff]")

Segmenter = Callable[[str], Sequence[str]]


def mark_words(
    texts: Sequence[str], tokenizer, segmenter: str | Segmenter | None = "auto"
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Tokenizes texts and tells where their words begin.

    Args:
        texts: list of str.
        tokenizer: a tokenizer of `zoo.tokenizers`.
        segmenter: what knows the words of text without spaces. None: the tokenizer alone, for which
            every Chinese character is a word. A function from a text to the list of its words: that
            function, for every text. `"jieba"`: jieba, for every text. `"auto"`: jieba for texts that
            contain two Chinese characters in a row and no Japanese kana, the tokenizer alone for the
            others. What has spaces is left to the tokenizer in any case, see `segmented_word_starts`.

    Returns:
        `(token_ids, word_starts)`, each a list of arrays (tokens,), int32 and bool, one a text.

    Raises:
        TypeError: if `texts` is one string, a text is not a string, or the tokenizer is of another library.
        ValueError: if the segmenter is unknown, or its words do not make up the text.
        ImportError: if jieba is needed and not installed.
    """
    if segmenter is not None and not callable(segmenter) and segmenter not in ("auto", "jieba"):
        raise ValueError(
            '`segmenter` must be None, "auto", "jieba" or a function from a text to the list of its '
            f"words. Received: segmenter={segmenter!r}."
        )
    from zoo.tokenizers.text_inputs import check_texts

    texts = check_texts(texts)
    check_tokenizer(tokenizer)
    function = segmenter if callable(segmenter) else jieba_words
    segmented = [i for i, text in enumerate(texts) if _needs_segmenter(text, segmenter)]
    left = [i for i, text in enumerate(texts) if not _needs_segmenter(text, segmenter)]
    found = tokenizer.encode_with_offsets([texts[i] for i in segmented])
    encoded = tokenizer.encode([texts[i] for i in left])
    token_ids = [None] * len(texts)
    for i, ids in zip([*segmented, *left], [*(ids for ids, _ in found), *encoded], strict=True):
        token_ids[i] = ids
    word_starts = _piece_starts(token_ids, tokenizer)
    marked = segmented_word_starts(
        [texts[i] for i in segmented],
        [function(texts[i]) for i in segmented],
        [offsets for _, offsets in found],
        [word_starts[i] for i in segmented],
    )
    for i, starts in zip(segmented, marked, strict=True):
        word_starts[i] = starts
    return token_ids, word_starts


def check_tokenizer(tokenizer) -> None:
    """Refuses a tokenizer that does not say where words are, such as one of KerasHub, with a TypeError."""
    if not hasattr(tokenizer, "encode_with_offsets"):
        raise TypeError(
            "A tokenizer of `zoo.tokenizers` was expected. "
            f"Received: tokenizer={tokenizer!r} of type {type(tokenizer).__name__}. "
            "`zoo.presets.load_tokenizer` loads one, also from a preset of KerasHub."
        )


def _piece_starts(token_ids: list[np.ndarray], tokenizer) -> list[np.ndarray]:
    """What the tokenizer says of the pieces of all texts, asked once."""
    if not token_ids:
        return []
    starts = np.array(tokenizer.word_starts(np.concatenate(token_ids)), bool)  # (tokens of all,)
    return np.split(starts, np.cumsum([len(ids) for ids in token_ids])[:-1])


def _needs_segmenter(text: str, segmenter: str | Segmenter | None) -> bool:
    if segmenter == "auto":
        return _CHINESE.search(text) is not None and _KANA.search(text) is None
    return segmenter is not None


def segmented_word_starts(
    texts: Sequence[str],
    words: Sequence[Sequence[str]],
    offsets: Sequence[np.ndarray],
    piece_starts: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Marks the tokens that begin a word, when a segmenter has told the words.

    A token with a character of a script without spaces (Chinese, kana, Thai, ...) begins a word if a
    word of the segmenter begins within the token. Every other token begins one if the tokenizer says
    so, because segmenters for Chinese cut other languages at will. So mixed text works, and a word
    like "T恤" is one word.

    Args:
        texts: list of str.
        words: for each text its words in order. White space may be missing between them.
        offsets: for each text an int array (tokens, 2): first character of each token and the one
            after its last.
        piece_starts: for each text a bool array (tokens,), what the tokenizer says.

    Returns:
        For each text a bool array (tokens,).

    Raises:
        TypeError: if a word is not a string.
        ValueError: if the words are not the text.
    """
    if not texts:
        return []
    # All texts end to end: one step for all of them takes a fraction of one for each.
    first = np.cumsum([0, *map(len, texts)])  # (texts + 1,)
    begins = np.zeros(first[-1] + 1, np.int64)  # (characters of all + 1,)
    for start, text, of_text in zip(first, texts, words, strict=False):
        begins[np.add(_find_words(text, of_text), start + 1, dtype=np.int64)] = 1
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    unspaced = np.zeros_like(begins)
    for lowest, highest in _UNSPACED:
        unspaced[1:] |= (codes >= lowest) & (codes <= highest)
    counts = [len(places) for places in offsets]
    places = np.concatenate(offsets).reshape(-1, 2) + np.repeat(first[:-1], counts)[:, None]
    start, stop = places.T  # (tokens of all,)
    begins, unspaced = np.cumsum(begins), np.cumsum(unspaced)
    starts = np.where(unspaced[stop] > unspaced[start], begins[stop] > begins[start], np.concatenate(piece_starts))
    return np.split(starts, np.cumsum(counts)[:-1])


def _find_words(text: str, words: Sequence[str]) -> list[int]:
    """The character at which each word begins; white space between words is passed over."""
    starts, position = [], 0
    for word in words:
        if not isinstance(word, str):
            raise TypeError(
                f"A segmenter must return a list of strings. Received: {word!r} of type {type(word).__name__}."
            )
        bare = word.strip()
        if not bare:
            continue
        while position < len(text) and text[position].isspace():
            position += 1
        if not text.startswith(bare, position):
            raise ValueError(_mismatch(text, position, f"the word {bare!r}"))
        starts.append(position)
        position += len(bare)
    if text[position:].strip():
        raise ValueError(_mismatch(text, position, "no more words"))
    return starts


def _mismatch(text: str, position: int, received: str) -> str:
    return (
        "The words of a segmenter must be the text itself, cut into pieces; only white space may be "
        f"missing. Expected at character {position}: {text[position : position + 20]!r}. Received: "
        f"{received}. Use a segmenter that changes no character."
    )


def is_mark(character: str) -> bool:
    """Whether it belongs to the letter before it, such as a vowel of Hindi or an accent that stands alone."""
    return unicodedata.category(character)[0] == "M"


@functools.cache
def combining_marks() -> str:
    """All these marks, for regular expressions: Python's `\\w` has none of them."""
    return "".join(filter(is_mark, map(chr, range(0x300, 0x20000))))


def is_unspaced(character: str) -> bool:
    """Whether a character is of a script without spaces between words."""
    return any(lowest <= ord(character) <= highest for lowest, highest in _UNSPACED)


def jieba_words(text: str) -> list[str]:
    """The words of a Chinese text according to jieba (MIT licence).

    Raises:
        ImportError: if jieba is not installed.
    """
    return _jieba().lcut(text)


@functools.cache
def _jieba():
    # Late, and quietly: it loads a dictionary and logs that it does; its import warns on new Pythons.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import jieba
    except ImportError as error:
        raise ImportError(
            "Words of Chinese text are found with jieba, which is not installed. Run "
            "`pip install jieba`, or pass a segmenter of your own."
        ) from error
    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer()
