"""Texts a second of each tokenizer and of KerasHub's with the same vocabulary, in Python and in a graph.

python -m tests.benchmarks.tokenizer_speed corpus/*.txt
"""

import argparse
import itertools
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_hub
import tensorflow as tf

from zoo.data.text_files import expand_paths, open_text
from zoo.tokenizers import train_byte_pair, train_unigram, train_word_piece

NUM_TEXTS = 10_000
REPETITIONS = 3


def read_texts(patterns) -> list[str]:
    texts = []
    for path in expand_paths(patterns):
        with open_text(path) as lines:
            texts += itertools.islice(filter(None, lines), NUM_TEXTS - len(texts))
    return texts


def train_pairs(texts):
    """Each of our tokenizers, and KerasHub's with its vocabulary."""
    ours = train_word_piece(texts, vocabulary_size=8000)
    yield ours, keras_hub.tokenizers.BertTokenizer(ours.get_vocabulary(), lowercase=True)
    ours = train_unigram(texts, vocabulary_size=8000)
    yield ours, keras_hub.tokenizers.AlbertTokenizer(ours.proto)
    ours = train_byte_pair(texts, vocabulary_size=8000)
    yield ours, keras_hub.tokenizers.RobertaTokenizer(dict(ours.vocabulary), list(ours.merges))


def texts_a_second(tokenize, texts) -> float:
    seconds = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        tokenize(texts)
        seconds.append(time.perf_counter() - start)
    return len(texts) / min(seconds)


def in_graph(tokenizer):
    return tf.function(tokenizer.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="text files or patterns, one text a line")
    texts = read_texts(parser.parse_args().files)
    for ours, theirs in train_pairs(texts):
        ways = {"encode": (ours.encode, theirs), "in a graph": (in_graph(ours), in_graph(theirs))}
        speeds = {"encode, with offsets": texts_a_second(ours.encode_with_offsets, texts)}
        for way, tokenizers in ways.items():
            given = tf.constant(texts) if way == "in a graph" else texts
            speeds[way], speeds[f"KerasHub, {way}"] = [texts_a_second(tokenize, given) for tokenize in tokenizers]
        print(type(ours).__name__)
        for way, speed in speeds.items():
            print(f"  {way:22s} {speed:10,.0f} texts a second")
        for way in ways:
            print(f"  {way}: {speeds[way] / speeds[f'KerasHub, {way}']:.1f} times KerasHub's speed")


if __name__ == "__main__":
    main()
