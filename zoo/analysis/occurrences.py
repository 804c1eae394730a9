"""Where a word stands in sentences: in characters, and in the pieces of a tokenizer."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np

from zoo.data.inputs import as_list
from zoo.objectives.words import is_mark, is_unspaced


@dataclass(frozen=True)
class Occurrence:
    """A word in a sentence.

    Attributes:
        sentence: int, number of the sentence.
        text: str, the sentence.
        word: str, the word that was looked for.
        start: int, where it begins in the sentence, in characters.
        sense: str or int, what it means there; None if that was not given.
        ids: tuple of int, its pieces.
        first_piece: int, position of the first of them among the sentence's pieces.
    """

    sentence: int
    text: str
    word: str
    start: int
    sense: str | int | None = None
    ids: tuple[int, ...] = ()
    first_piece: int = 0

    @property
    def end(self) -> int:
        """The character after the last of the word."""
        return self.start + len(self.word)


def find_occurrences(
    sentences: Sequence[str], word: str | Sequence[str], senses: Sequence | None, indices: Sequence[int] | None
) -> list[Occurrence]:
    """Find a word in sentences, capitals or not; not within other words where words have spaces between them.

    Args:
        sentences: list of str.
        word: str, or one str a sentence.
        senses: one str or int a sentence, or None.
        indices: one int a sentence, where the word begins in it, in characters; every occurrence when None.

    Returns:
        list of `Occurrence`, in the order of the sentences, without their pieces.

    Raises:
        ValueError: if there is not one of each a sentence, a word, sense or index is none, there are fewer than two
            senses, or a sentence does not have the word.
        TypeError: if a word is not a str, a sense neither str nor int, an index not an int.
    """
    words = _check_words(word, len(sentences))
    senses = [None] * len(sentences) if senses is None else _check_senses(senses, len(sentences))
    if indices is None:
        places = [_find(text, each) for text, each in zip(sentences, words, strict=True)]
    else:
        indices = _one_a_sentence(indices, "indices", len(sentences))
        places = [_at(text, *place) for text, *place in zip(sentences, words, indices, strict=True)]
    _check_found(sentences, words, places, indices)
    return [
        Occurrence(number, text, words[number], start, senses[number])
        for number, text in enumerate(sentences)
        for start in places[number]
    ]


def locate_pieces(occurrences: Sequence[Occurrence], sentences: Sequence[str], tokenizer) -> list[Occurrence]:
    """Tell the pieces of which each occurrence is made.

    Args:
        occurrences: list of `Occurrence`.
        sentences: list of str.
        tokenizer: a zoo tokenizer.

    Returns:
        list of `Occurrence` with `ids` and `first_piece`.

    Raises:
        ValueError: if a piece reaches beyond the word, the vocabulary has no pieces for it, or one word has other
            pieces in another sentence.
    """
    encoded = tokenizer.encode_with_offsets(sentences)
    located = [_locate(occurrence, *encoded[occurrence.sentence], tokenizer) for occurrence in occurrences]
    for word in dict.fromkeys(occurrence.word for occurrence in located):
        _check_same_pieces([occurrence for occurrence in located if occurrence.word == word], tokenizer)
    return located


def _check_words(word, count):
    words = [word] * count if isinstance(word, str) else _one_a_sentence(word, "words", count)
    for number, each in enumerate(words):
        if not isinstance(each, str):
            raise TypeError(
                "A word is a str, the same for all sentences or one a sentence. "
                f"Received: {each!r} of type {type(each).__name__} for sentence {number}"
            )
        if not each.strip():
            raise ValueError(f"A word to look for was expected. Received: word={each!r} for sentence {number}")
    return [each.strip() for each in words]


def _check_senses(senses, count):
    senses = _one_a_sentence(senses, "senses", count)
    for number, sense in enumerate(senses):
        if isinstance(sense, bool) or not isinstance(sense, (str, Integral)):
            raise TypeError(
                f"A sense is a str or an int. Received: senses[{number}]={sense!r} of type {type(sense).__name__}. "
                "Leave out sentences whose sense is unknown."
            )
        if sense == "":
            raise ValueError(
                f"Every sentence needs a sense. Received: senses[{number}]=''. Leave out sentences whose sense is "
                "unknown."
            )
    if len(set(senses)) < 2:
        raise ValueError(
            f"At least two senses are needed to tell them apart. Received: {senses[0]!r} for all {count} sentences. "
            "Add sentences of another sense, or leave `senses` out."
        )
    return senses


def _one_a_sentence(values, name, count):
    if isinstance(values, (str, bytes)):
        raise TypeError(f"A list with one of the {name} a sentence was expected. Received: {name}={values!r}")
    values = as_list(values)
    if len(values) != count:
        raise ValueError(
            f"There must be as many {name} as sentences. Received: {count} sentences, {len(values)} {name}"
        )
    return values


def _find(text, word):
    return [match.start() for match in re.finditer(re.escape(word), text, re.IGNORECASE) if _is_whole(text, match)]


def _is_whole(text, match):
    return not any(_joined(text[place - 1 : place], text[place : place + 1]) for place in match.span())


def _joined(left, right):
    """Whether two neighbours are one letter, or within one word of a script that has spaces between words."""
    if not (left and right):
        return False
    return is_mark(right) or all((each.isalnum() or is_mark(each)) and not is_unspaced(each) for each in (left, right))


def _at(text, word, index):
    if isinstance(index, bool) or not isinstance(index, Integral):
        raise TypeError(
            f"An index is an int, in characters. Received: indices with {index!r} of type {type(index).__name__}"
        )
    there = text[index : index + len(word)] if index >= 0 else ""
    return [index] if there.lower() == word.lower() else []


def _check_found(sentences, words, places, indices):
    absent = [number for number, found in enumerate(places) if not found]
    if not absent:
        return
    number = absent[0]
    text, word = sentences[number], words[number]
    where = "in every sentence" if indices is None else "at its index, counted from 0 in characters"
    inside = indices is None and word.lower() in text.lower()
    raise ValueError(
        f"The word must stand {where}. Received: {word!r} and sentences[{number}]={text!r}"
        + (f" with index {indices[number]}" if indices is not None else "")
        + (", where it is a part of another word" if inside else "")
        + f"; {len(absent)} such sentences: {', '.join(map(str, absent[:10]))}. Leave them out or correct them."
    )


def _locate(occurrence, ids, offsets, tokenizer):
    begins, ends = offsets.T
    # A piece without width has the last bytes of the character before it.
    inside = np.where(
        begins == ends,
        (occurrence.start < ends) & (ends <= occurrence.end),
        (begins < occurrence.end) & (ends > occurrence.start),
    )
    pieces = np.flatnonzero(inside)
    where = f"sentences[{occurrence.sentence}]={occurrence.text!r}"
    names = [tokenizer.id_to_token(int(number)) for number in ids[pieces]]
    if len(pieces) == 0 or tokenizer.unk_token_id in ids[pieces]:
        raise ValueError(
            f"The vocabulary must have pieces for the word. Received: {occurrence.word!r} in {where}, which the "
            f"tokenizer makes {names}. Choose another word, or a tokenizer of this language."
        )
    if begins[pieces].min() < occurrence.start or ends[pieces].max() > occurrence.end:
        raise ValueError(
            f"The word must be one or more whole pieces. Received: {occurrence.word!r} in {where}, where the "
            f"tokenizer has {names}. Look for what these pieces are."
        )
    return replace(occurrence, ids=tuple(ids[pieces].tolist()), first_piece=int(pieces[0]))


def _check_same_pieces(occurrences, tokenizer):
    usual = Counter(occurrence.ids for occurrence in occurrences).most_common(1)[0][0]
    for occurrence in occurrences:
        if occurrence.ids != usual:
            expected, received = ([tokenizer.id_to_token(number) for number in ids] for ids in (usual, occurrence.ids))
            raise ValueError(
                f"The word must be cut in the same way everywhere, here into {expected}. Received: {received} in "
                f"sentences[{occurrence.sentence}]={occurrence.text!r}. Put it elsewhere in that sentence "
                "(capitals, and what stands before a word, can change its pieces), or leave the sentence out."
            )
