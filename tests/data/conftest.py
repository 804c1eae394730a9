"""What the tests of data share: a tokenizer that knows the made-up text."""

import string

import pytest

from tests.data.texts import CHARACTERS, SYLLABLES


@pytest.fixture(scope="session")
def pieces() -> list[str]:
    letters = list(string.ascii_lowercase + string.digits)
    return [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
        *(".", ",", "!", "?", "。", "，"),
        *letters,
        *(f"##{letter}" for letter in letters),
        *SYLLABLES,
        *(f"##{syllable}" for syllable in SYLLABLES),
        *CHARACTERS,
    ]


@pytest.fixture(scope="session")
def tokenizer(pieces):
    from zoo.tokenizers import WordPiece

    return WordPiece(pieces, lowercase=True)


@pytest.fixture
def write_text(tmp_path):
    """Writes documents as a text file with empty lines between them; gives its path."""

    def write(name: str, documents: list[str]):
        path = tmp_path / name
        path.write_text("\n\n".join(documents) + "\n", encoding="utf-8")
        return path

    return write
