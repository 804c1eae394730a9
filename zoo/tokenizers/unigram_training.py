"""Training a unigram vocabulary on text of any size."""

import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator

import sentencepiece

from zoo.tokenizers.training_texts import NO_WORDS, read_texts, sample_texts, show_progress
from zoo.tokenizers.unigram import END, MASK, PAD, SPECIAL_TOKENS, START, UNKNOWN, Unigram

# Learning takes time with the different words, a minute or two for these, and text in Chinese hardly has two alike.
_CHARACTERS_OF_WORDS = 4_000_000
_SEEDS_A_PIECE = 20
_RULES = {True: "nmt_nfkc_cf", False: "nmt_nfkc"}


def train_unigram(
    files: str | os.PathLike | Iterable[str | os.PathLike],
    vocabulary_size: int = 8000,
    lowercase: bool = True,
    character_coverage: float = 0.99995,
    sample_characters: int = 30_000_000,
    progress: bool = True,
) -> Unigram:
    """Train the SentencePiece model of a `Unigram` tokenizer.

    Of many candidates those pieces stay that the text can least do without (Kudo 2018, arXiv 1804.10959, section
    3.2), by the trainer of the `sentencepiece` package. The same text gives the same model. Text is read once, as a
    stream; a random sample of it is kept in memory and learned from.

    Args:
        files: a path or pattern of text files (plain or compressed), a list of these, or an iterable of texts. In
            a list, strings are paths if all are as `zoo.data.text_files.names_text_file` says (`.txt`, `.xz`, ...).
        vocabulary_size: int, number of pieces, special tokens included; fewer if the text has too few words.
        lowercase: bool, whether the tokenizer lowercases its texts. Compatible characters become one in any case
            (Unicode's NFKC): full-width letters narrow ones, for example. Accents stay.
        character_coverage: float, fraction of the characters of the text that must have pieces; the rarest others
            become `<unk>`. Less where these characters would be more than three quarters of the pieces.
        sample_characters: int, characters of text to learn from, less for text whose words hardly repeat.
        progress: bool, whether to show how far it is.

    Returns:
        `Unigram`, the special tokens `<pad> <unk> [CLS] [SEP] [MASK]` having the ids 0 to 4;
        `save_vocabulary(path)` writes its model.

    Raises:
        TypeError: if `files` is neither paths nor texts.
        ValueError: if a size is out of its range, a file cannot be read, or the text has no words.
    """
    _check_sizes(vocabulary_size, character_coverage, sample_characters)
    rule = _RULES[bool(lowercase)]
    with show_progress(progress) as show:
        show("Reading text")
        texts = list(different_words(sample_texts(read_texts(files), sample_characters, show), _CHARACTERS_OF_WORDS))
        if not texts:
            raise ValueError(NO_WORDS)
        show(f"Learning {vocabulary_size:,} pieces from {sum(map(len, texts)):,} characters")
        texts = limit_alphabet(texts, rule, character_coverage, _most_characters(vocabulary_size))
        proto = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=filter(str.strip, texts),
            model_writer=proto,
            model_type="unigram",
            vocab_size=vocabulary_size,
            hard_vocab_limit=False,
            normalization_rule_name=rule,
            character_coverage=1.0,
            seed_sentencepiece_size=_SEEDS_A_PIECE * vocabulary_size,
            pad_id=SPECIAL_TOKENS.index(PAD),
            unk_id=SPECIAL_TOKENS.index(UNKNOWN),
            bos_id=SPECIAL_TOKENS.index(START),
            eos_id=SPECIAL_TOKENS.index(END),
            pad_piece=PAD,
            unk_piece=UNKNOWN,
            bos_piece=START,
            eos_piece=END,
            user_defined_symbols=[MASK],
            minloglevel=2,
        )
    return Unigram(proto.getvalue())


def _most_characters(vocabulary_size):
    return (vocabulary_size - len(SPECIAL_TOKENS)) * 3 // 4


def _check_sizes(vocabulary_size, character_coverage, sample_characters):
    if _most_characters(vocabulary_size) < 1:
        raise ValueError(
            f"`vocabulary_size` must leave room for {len(SPECIAL_TOKENS)} special tokens and some pieces. "
            f"Received: vocabulary_size={vocabulary_size}"
        )
    if not 0 < character_coverage <= 1:
        raise ValueError(
            f"`character_coverage` must be a fraction above 0. Received: character_coverage={character_coverage}"
        )
    if sample_characters < 1:
        raise ValueError(f"`sample_characters` must be positive. Received: sample_characters={sample_characters}")


def different_words(texts: Iterable[str], characters: int) -> Iterator[str]:
    """Yield texts until the different words in them have so many characters together."""
    words, size = set(), 0
    for text in texts:
        yield text
        for word in text.split():
            if word not in words:
                words.add(word)
                size += len(word)
        if size > characters:
            return


def limit_alphabet(texts: list[str], rule: str, coverage: float, most_characters: int) -> list[str]:
    """Return normalized texts in which the rarest characters are spaces.

    Args:
        texts: list of str.
        rule: str, name of SentencePiece's normalization.
        coverage: float, fraction of all characters that the other ones make up, at least.
        most_characters: int, different characters that stay, at most.
    """
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name=rule, add_dummy_prefix=False, escape_whitespaces=False)
    texts = normalizer.normalize(texts)
    counts = Counter()
    for text in texts:
        counts.update(text)
    del counts[" "]
    enough, covered, kept = coverage * counts.total(), 0, set()
    for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if covered >= enough or len(kept) == most_characters:
            break
        kept.add(character)
        covered += count
    rare = {ord(character): " " for character in counts if character not in kept}
    return [text.translate(rare) for text in texts] if rare else texts
