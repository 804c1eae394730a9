"""Where a sentence ends, in English and in Chinese."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Never end a sentence: a name, a number or an explanation follows.
_OPEN_ABBREVIATIONS = _words(
    "mr mrs ms messrs mme mlle dr prof rev hon st sgt lt capt cpt col gen maj adm cmdr gov sen rep pres supt "
    "e.g i.e cf vs viz v al approx esp ca"
)
# Do not end a sentence when a number follows.
_NUMBERED_ABBREVIATIONS = _words(
    "no nos p pp vol vols ch chap fig figs sec sect art eq eqs ver ed op cit b d c fl "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
# May end a sentence: they do if the next word is one that often begins a sentence.
_CLOSED_ABBREVIATIONS = _words(
    "jr sr co corp inc ltd llc bros dept univ assn mt ft ave blvd rd hwy etc est ph.d m.d b.a m.a b.sc m.sc "
    "a.m p.m a.d b.c u.s u.k u.n u.s.a d.c n.y esq"
)
_SENTENCE_STARTERS = _words(
    "a after all although an and another as at because before both but by did do does during each even every for "
    "from had has have he her here his how however i if in is it its many meanwhile moreover most my nevertheless "
    "no nobody not nothing now of on once one only or our perhaps she since so some soon still such that the their "
    "then there these they this those though thus to too under until was we were what when where whether which "
    "while who why will with would yes yet you your"
)

_HAN = "\u2e80-\u2fff\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3041-\u30ff"
_CLOSERS = "”’」』）】》〉］｝〕\"')\\]}»›"
_OPENERS = "“‘「『（【《〈［｛〔\"'(\\[{«‹¿¡*_—–\\- "
# Chinese marks end a sentence wherever they stand; the others only before a space, a line end or Chinese text.
_END = re.compile(
    rf"(?P<wide>[。！？；｡﹔][。！？；｡…—!?]*|…{{2,}})(?P<wide_closers>[{_CLOSERS}]*)"
    rf"|(?<![.!?…．])(?P<narrow>[.!?…．]++)(?P<narrow_closers>[{_CLOSERS}]*+)"  # a run of marks is tried once
    rf"(?=\s|$|(?P<han>[“‘「『（【《〈]*[{_HAN}{_KANA}]))"
)
_NEXT_WORD = re.compile(rf"\s*(?:[(（][a-z\d]{{1,3}}[)）])?[{_OPENERS}]*(\w[\w.'’]*|\S|$)")
_LAST_WORD = re.compile(rf"[^\s\"“”‘(\[{{—–/{_HAN}{_KANA}]+$")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_ENUMERATION = re.compile(r"\s*[(（]?(?:\d{1,3}|[ivxIVX]{1,5}|[A-Za-z])")


def split_sentences(text: str) -> list[str]:
    """Split English or Chinese text, also mixed, into sentences.

    A line end always ends a sentence. Chinese 。！？；…… end one wherever they stand, together with the
    quotation marks and brackets that close after them. A Latin full stop, question or exclamation mark
    ends one before white space (or Chinese text), unless a small letter follows or it belongs to an
    abbreviation, an initial, a number or the number of a list entry.

    Args:
        text: str.

    Returns:
        list of str: sentences without white space at either side, none empty. Put together they are the
        text but for white space.

    >>> split_sentences('Mr. J. Smith paid $3.50. "Why?" he asked. 他说：“好。”天晴了。')
    ['Mr. J. Smith paid $3.50.', '"Why?" he asked.', '他说：“好。”', '天晴了。']
    """
    return [sentence.strip() for sentence in cut_sentences(text)]


def cut_sentences(text: str) -> list[str]:
    """Split text as `split_sentences` does, but leave the white space between two sentences of a line to the second.

    So tokenizers for which a space is a part of a word see the text as it is.

    >>> cut_sentences("It rains. We stay.\\n 天晴了。走吧。")
    ['It rains.', ' We stay.', '天晴了。', '走吧。']
    """
    return [sentence for line in text.splitlines() for sentence in _split_line(line.strip())]


def _split_line(line: str) -> list[str]:
    sentences = []
    start = 0
    for match in _END.finditer(line):
        if match["wide"] is not None:
            end = _after_closers(line, start, match, "wide_closers")
        elif _is_end(line, start, match):
            end = _after_closers(line, start, match, "narrow_closers") if match["han"] else match.end()
        else:
            continue
        sentences.append(line[start:end])
        start = end
    sentences.append(line[start:])
    return [sentence for sentence in sentences if sentence.strip()]


def _after_closers(line: str, start: int, match: re.Match, group: str) -> int:
    """Where the closing marks end; without spaces, a straight quote closes only what the sentence opened."""
    closers = match[group]
    for offset, mark in enumerate(closers):
        if mark in "\"'" and line.count(mark, start, match.start(group) + offset) % 2 == 0:
            return match.start(group) + offset
    return match.end(group)


def _is_end(line: str, start: int, match: re.Match) -> bool:
    mark = match["narrow"]
    following = _NEXT_WORD.match(line, match.end())
    word = following[1]
    if not word:
        return True
    if mark == "．" and word[0].isdigit():
        return False
    if word[0].islower() or word[0] in ".,;:!?…":
        return False
    if mark != "." or match["narrow_closers"]:
        return True
    if match["han"]:
        return not line[match.start() - 1 : match.start()].isdigit()
    return not _is_abbreviation(line, start, match.start(), word)


def _is_abbreviation(line: str, start: int, dot: int, word: str) -> bool:
    """Whether the full stop at `dot` belongs to the word before it, `word` being the one that follows."""
    last = _LAST_WORD.search(line, max(start, dot - 40), dot)
    if last is None:
        return False
    before = last[0].rstrip(".").lstrip("'’")
    lowered = before.lower()
    if _ENUMERATION.fullmatch(line, start, dot):
        return True
    if lowered in _OPEN_ABBREVIATIONS:
        return True
    starts_sentence = word.lower() in _SENTENCE_STARTERS
    if lowered in _NUMBERED_ABBREVIATIONS and word[0].isdigit():
        return True
    if lowered in _CLOSED_ABBREVIATIONS or _ACRONYM.fullmatch(before):
        return not starts_sentence
    if len(before) == 1 and before.isalpha() and before.isupper():
        return not starts_sentence
    return False
