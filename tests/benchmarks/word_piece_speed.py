"""Texts a second of `WordPiece` and of KerasHub's tokenizer with the same vocabulary, in Python and in a graph.

python -m tests.benchmarks.word_piece_speed corpus/*.txt
"""

import argparse
import itertools
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_hub
import tensorflow as tf

from zoo.data.text_files import expand_paths, open_text
from zoo.tokenizers import train_word_piece

NUM_TEXTS = 10_000
REPETITIONS = 3


def read_texts(patterns) -> list[str]:
    texts = []
    for path in expand_paths(patterns):
        with open_text(path) as lines:
            texts += itertools.islice(filter(None, lines), NUM_TEXTS - len(texts))
    return texts


def texts_a_second(tokenize, texts) -> float:
    seconds = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        tokenize(texts)
        seconds.append(time.perf_counter() - start)
    return len(texts) / min(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="text files or patterns, one text a line")
    texts = read_texts(parser.parse_args().files)
    ours = train_word_piece(texts, vocabulary_size=8000)
    theirs = keras_hub.tokenizers.BertTokenizer(ours.get_vocabulary(), lowercase=True)
    ways = {"python": ours.encode, "python, with offsets": ours.encode_with_offsets, "KerasHub, python": theirs}
    for way, tokenize in ways.items():
        print(f"{way:22s} {texts_a_second(tokenize, texts):10,.0f} texts a second")
    tensor = tf.constant(texts)
    for way, tokenizer in {"graph": ours, "KerasHub, graph": theirs}.items():
        tokenize = tf.function(tokenizer.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
        tokenize(tensor)
        speed = texts_a_second(lambda _, tokenize=tokenize: tokenize(tensor), texts)
        print(f"{way:22s} {speed:10,.0f} texts a second")


if __name__ == "__main__":
    main()
