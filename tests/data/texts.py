"""Text made up for the tests."""

import numpy as np

SYLLABLES = ("ba", "co", "du", "fi", "ga", "lo", "mi", "nu", "po", "ra", "se", "ti", "vo", "wu", "ze")
CHARACTERS = "山水风云花月春夏秋冬东西南北天地人心中国上下来去"


def make_document(rng: np.random.Generator, sentences: int, chinese: bool = False) -> str:
    """A document of made-up words: some paragraphs of some sentences."""
    lines = [[]]
    for _ in range(sentences):
        words = int(rng.integers(2, 14))
        if chinese:
            lines[-1].append("".join(rng.choice(list(CHARACTERS), words)) + "。")
        else:
            made = ["".join(rng.choice(SYLLABLES, rng.integers(1, 4))) for _ in range(words)]
            lines[-1].append(" ".join(made).capitalize() + ". ")
        if rng.random() < 0.2:
            lines.append([])
    return "\n".join("".join(line).strip() for line in lines if line)


def make_documents(seed: int, count: int, longest: int = 23, chinese: bool = False) -> list[str]:
    """Documents of 1 to `longest` sentences."""
    rng = np.random.default_rng(seed)
    return [make_document(rng, int(rng.integers(1, longest + 1)), chinese) for _ in range(count)]
