"""How BERT prepares text before it looks for pieces: clean, split Chinese, strip accents, lowercase, split words.

Devlin et al. (2019), arXiv 1810.04805, released code, `tokenization.py`. The rules are those of the `tokenizers`
package. The tables say what they do to every character, so that NumPy and a TensorFlow graph can do the same
without a second opinion about Unicode.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from tokenizers import normalizers, pre_tokenizers

# Longer words are unknown.
MAX_WORD_CHARACTERS = 100

PAGE = 256
_NUM_CODE_POINTS = 0x110000
_SURROGATES = range(0xD800, 0xE000)
# Planes 4 to 13 hold no character in any version of Unicode: every rule leaves them as they are.
_SCANNED = (range(0x40000), range(0xE0000, 0xE1000), range(0xF0000, _NUM_CODE_POINTS))
# In a table: the character stays as it is.
ITSELF = -1


def build_normalizer(lowercase: bool, strip_accents: bool, clean: bool = True):
    """Return BERT's normalizer as a part of the `tokenizers` package.

    Args:
        lowercase: bool, whether to lowercase.
        strip_accents: bool, whether to decompose characters and remove the accents.
        clean: bool, whether to remove control characters, make every whitespace a space, and put spaces
            around Chinese characters.
    """
    return normalizers.BertNormalizer(
        clean_text=clean, handle_chinese_chars=clean, strip_accents=strip_accents, lowercase=lowercase
    )


def build_pre_tokenizer():
    """Return BERT's splitter at whitespace and around punctuation as a part of the `tokenizers` package."""
    return pre_tokenizers.BertPreTokenizer()


@dataclass(frozen=True)
class CodePointTable:
    """A number for each code point, equal pages of 256 code points kept once.

    Attributes:
        page_starts: int32 array (4352,), where in `numbers` the page of a code point begins.
        numbers: int32 array (pages * 256,).
    """

    page_starts: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, numbers: dict[int, int]) -> "CodePointTable":
        """Return the table of `{code point: number}`, 0 for all that is not named."""
        dense = np.zeros(_NUM_CODE_POINTS, np.int32)
        dense[list(numbers)] = list(numbers.values())
        places = {}
        starts = [places.setdefault(page.tobytes(), len(places) * PAGE) for page in dense.reshape(-1, PAGE)]
        return cls(np.array(starts, np.int32), np.frombuffer(b"".join(places), np.int32))

    def __call__(self, code_points: np.ndarray) -> np.ndarray:
        """Return int32 (characters,), the numbers of the code points, int array (characters,)."""
        return self.numbers[self.page_starts[code_points // PAGE] + (code_points % PAGE)]


@dataclass(frozen=True)
class Expansion:
    """What each code point becomes: a few other code points, or none.

    Attributes:
        rows: `CodePointTable`, the row of each code point.
        starts: int32 array (rows,), where in `values` a row begins.
        lengths: int32 array (rows,), code points in a row.
        values: int32 array, the code points of all rows; -1 stands for the code point itself.
    """

    rows: CodePointTable
    starts: np.ndarray
    lengths: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, changes: dict[str, str]) -> "Expansion":
        """Return the table of `{character: what it becomes}`; all that isn't named stays as it is."""
        numbers, rows = {(ITSELF,): 0}, {}
        for character, result in changes.items():
            values = tuple(ITSELF if part == character else ord(part) for part in result)
            rows[ord(character)] = numbers.setdefault(values, len(numbers))
        lengths = np.array([len(values) for values in numbers], np.int32)
        return cls(
            rows=CodePointTable.of(rows),
            starts=(np.cumsum(lengths) - lengths).astype(np.int32),
            lengths=lengths,
            values=np.array([value for values in numbers for value in values], np.int32),
        )

    def __call__(self, code_points: np.ndarray) -> np.ndarray:
        """Return int32 (results,), what the code points, int array (characters,), become."""
        rows = self.rows(code_points)  # (characters,)
        lengths = self.lengths[rows]
        # From a character's place in the result to its row's place among the values.
        shifts = self.starts[rows] - (np.cumsum(lengths) - lengths)
        values = self.values[np.repeat(shifts, lengths) + np.arange(lengths.sum())]  # (results,)
        return np.where(values == ITSELF, np.repeat(code_points, lengths), values)


@dataclass(frozen=True)
class CharacterTables:
    """BERT's rules for every character, applied in the order of the attributes.

    Attributes:
        clean: `Expansion` that removes control characters, makes whitespace a space, puts spaces around
            Chinese characters and decomposes what has accents if these are stripped.
        ranks: `CodePointTable`, the rank of a mark among those that follow one character (Unicode's canonical
            order), 0 for all that isn't a mark; None if accents stay, since then marks stay in their order.
        split: `Expansion` that strips accents, lowercases and puts spaces around punctuation.
    """

    clean: Expansion
    ranks: CodePointTable | None
    split: Expansion

    def __call__(self, text: str) -> str:
        """Return the text's words, separated by spaces."""
        code_points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.int32)  # (characters,)
        code_points = self.clean(code_points)
        if self.ranks is not None:
            ranks = self.ranks(code_points)
            if ((ranks[:-1] > ranks[1:]) & (ranks[1:] > 0)).any():
                code_points = code_points[np.lexsort((ranks, np.cumsum(ranks == 0)))]
        return self.split(code_points).astype("<u4").tobytes().decode("utf-32-le")


@functools.lru_cache(maxsize=4)
def character_tables(lowercase: bool, strip_accents: bool) -> CharacterTables:
    """Return what `build_normalizer` and `build_pre_tokenizer` do, as tables; the first call takes a second."""
    characters = [chr(code) for span in _SCANNED for code in span if code not in _SURROGATES]
    cleaner = build_normalizer(lowercase=False, strip_accents=False)
    if strip_accents:
        cleaner = normalizers.Sequence([cleaner, normalizers.NFD()])
    cleaned = {character: cleaner.normalize_str(character) for character in characters}
    folder = build_normalizer(lowercase, strip_accents, clean=False)
    folded = {part: folder.normalize_str(part) for part in _parts(cleaned.values())}
    splitter = build_pre_tokenizer()
    spaced = {
        part: f" {part} " if len(splitter.pre_tokenize_str(f"a{part}a")) == 3 else part
        for part in _parts(folded.values())
    }
    split = {part: "".join(map(spaced.get, result)) for part, result in folded.items()}
    surrogates = {chr(code): "" for code in _SURROGATES}
    return CharacterTables(
        clean=Expansion.of(_changes(cleaned) | surrogates),
        ranks=_rank_marks(_parts(cleaned.values())) if strip_accents else None,
        split=Expansion.of(_changes(split)),
    )


def _parts(texts: Iterable[str]) -> set[str]:
    return {part for text in texts for part in text}


def _changes(results):
    return {character: result for character, result in results.items() if character != result}


def _rank_marks(characters):
    order = normalizers.NFD().normalize_str
    # The mark that sorts last shows which others are marks: they pass it.
    last = "\u0345"
    marks = [mark for mark in characters if mark == last or order(f"a{last}{mark}") == f"a{mark}{last}"]

    def compare(left, right):
        return (order(f"a{left}{right}") != f"a{left}{right}") - (order(f"a{right}{left}") != f"a{right}{left}")

    marks = sorted(sorted(marks), key=functools.cmp_to_key(compare))
    ranks, rank = {}, 1
    for previous, mark in zip([None, *marks], marks, strict=False):
        rank += previous is not None and compare(previous, mark) < 0
        ranks[ord(mark)] = int(rank)
    return CodePointTable.of(ranks)
