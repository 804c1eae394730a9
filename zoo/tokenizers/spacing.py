"""Text as words, and words back to text: where a space belongs between them."""

import re
from collections.abc import Sequence
from functools import cache

from zoo.objectives.words import combining_marks

# Full-width characters but Hangul, whose words have spaces between them.
_WIDE = "\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff"
_NEEDLESS = re.compile(
    rf"(?<=[{_WIDE}]) (?=[{_WIDE}])"  # Chinese and Japanese have no spaces
    r"| (?=[.,!?;:%)\]}](?: |$))"  # none before what closes
    r"|(?:(?<= [(\[{])|(?<=^[(\[{])) "  # none after what opens
)
_CONTRACTION = re.compile(r"(?<=\w) (['’]) (?=(?:s|t|d|m|re|ve|ll)\b)", re.IGNORECASE)


def join_words(words: Sequence[str]) -> str:
    """Return words and punctuation marks as a text with spaces as in print, where that is certain.

    >>> join_words(["it", "'", "s", "late", ",", "and", "(", "yes", ")", "你", "好", "。"])
    "it's late, and (yes) 你好。"
    """
    return _CONTRACTION.sub(r"\1", _NEEDLESS.sub("", " ".join(words)))


def split_words(text: str) -> list[str]:
    """Return the words of a text: each Chinese or Japanese character, and each mark of punctuation around a word.

    >>> split_words("Anna doesn't live in Paris (yet). 我爱北京。")
    ['Anna', "doesn't", 'live', 'in', 'Paris', '(', 'yet', ')', '.', '我', '爱', '北', '京', '。']
    >>> split_words("यह हिन्दी है।")
    ['यह', 'हिन्दी', 'है', '।']
    """
    return _words().findall(text)


@cache
def _words() -> re.Pattern:
    letter = rf"[^\W{_WIDE}][{combining_marks()}]*"
    return re.compile(rf"[{_WIDE}]|{letter}(?:[^\s{_WIDE}]*{letter})?|[^\w\s]")
