"""Texts and tokenizers that the tests write themselves."""

import numpy as np

import zoo

GOOD = ["good", "great", "lovely", "bright", "kind", "warm", "clever", "fine"]
BAD = ["bad", "poor", "awful", "dull", "cruel", "cold", "stupid", "grim"]
THINGS = ["film", "book", "song", "room", "meal", "game", "train", "town", "story", "voice"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def word_piece(extra=()):
    """A WordPiece tokenizer over the words below, letters and a few pieces."""
    words = [*GOOD, *BAD, *THINGS, "the", "a", "was", "very", "and", "not", ".", ",", "果", "苹", "公", "司"]
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    pieces = [*SPECIAL, *words, *(letter for letter in letters if letter not in words)]
    return zoo.tokenizers.WordPiece([*pieces, *(f"##{letter}" for letter in letters), *extra])


def reviews(count, seed=0):
    """Reviews of one sentence, and 1 for a good word, 0 for a bad one; lengths differ."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        label = int(rng.integers(2))
        word = str(rng.choice(GOOD if label else BAD))
        filler = " ".join("very" for _ in range(rng.integers(0, 9)))
        texts.append(f"the {rng.choice(THINGS)} was {filler} {word} .")
        labels.append(label)
    return texts, labels


def documents(count=40, sentences=9, seed=0):
    """Documents of short sentences, for pre-training."""
    rng = np.random.default_rng(seed)

    def sentence():
        return f"The {rng.choice(THINGS)} was very {rng.choice([*GOOD, *BAD])} and the {rng.choice(THINGS)} was not."

    return [" ".join(sentence() for _ in range(sentences)) for _ in range(count)]


def backbone(tokenizer, **options):
    """A BERT of the smallest size over a tokenizer's vocabulary."""
    arguments = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 29, "max_sequence_length": 37}
    return zoo.BertBackbone(tokenizer.vocabulary_size(), **{**arguments, "dropout": 0.0, **options})
