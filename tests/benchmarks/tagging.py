"""What pre-training is worth for tags of words: one preset fine-tuned from its weights and from random ones.

    python -m tests.benchmarks.tagging --train train.txt --validation dev.txt --test test.txt --preset NAME
        [--column 1] [--rows 500] [--epochs 10] [--seeds 3] [--batch-size 32]

Files are what `zoo.data.read_tagged` takes. Both starts are trained equally, with the default optimizer; the score
is taken after the last epoch: the F1 of entities where the tags mark entities, accuracy a word otherwise. Choose
epochs by the validation file; the test file is what counts.
"""

import argparse
import time
from itertools import chain

import keras
import numpy as np

import zoo
from zoo.metrics.entities import entity_scores, is_entity_scheme
from zoo.training.comparison import PRETRAINED, RANDOM, Score


def read(options):
    column = int(options.column) if options.column.lstrip("-").isdigit() else options.column or None
    files = (options.train, options.validation, options.test)
    train, *held_out = [zoo.data.read_tagged(path, column=column) for path in files]
    # A tag that is only in the held-out files is still a tag that can be asked for.
    labels = sorted({*train.labels, *held_out[0].labels, *held_out[1].labels})
    if options.rows is not None:
        train = train.take(np.random.default_rng(0).permutation(len(train))[: options.rows])
    return train, held_out, labels


def run(start, seed, train, held_out, labels, options):
    """One training run: the scores on the validation and the test file."""
    keras.utils.set_random_seed(seed)
    model = zoo.TokenClassifier.from_preset(
        options.preset, load_weights=start == PRETRAINED, labels=labels, seed=seed, dtype="float32"
    )
    began = time.perf_counter()
    model.fit(train, epochs=options.epochs, batch_size=options.batch_size, verbose=0)
    seconds = time.perf_counter() - began
    found = [score(part.tags, model.tag(part.words, batch_size=64)) for part in held_out]
    print(f"  {start}, seed {seed}: {found[0]:.3f} on validation, {found[1]:.3f} on test, {seconds:.0f} s", flush=True)
    return found


def score(true, predicted) -> float:
    """F1 of entities where the tags mark entities, otherwise accuracy a word."""
    flat = list(chain.from_iterable(true))
    if is_entity_scheme(set(flat)):
        return entity_scores(true, predicted)["f1"]
    return float(np.mean(np.array(flat) == np.array(list(chain.from_iterable(predicted)))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "validation", "test", "preset"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--column", default="", help="where the tag stands, see zoo.data.read_tagged")
    parser.add_argument("--rows", type=int, help="train on this many sentences, drawn at random; all when not given")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    train, held_out, labels = read(options)
    print(f"{options.preset}, {len(train)} sentences of {options.train}, {options.epochs} epochs, {len(labels)} labels")
    for start in (PRETRAINED, RANDOM):
        found = [run(start, seed, train, held_out, labels, options) for seed in range(options.seeds)]
        for part, values in zip(("validation", "test"), zip(*found, strict=True), strict=True):
            total = Score(start, values)
            print(f"{start:12} {part:10} {total.mean:.3f} ± {total.spread:.3f} ({options.seeds} seeds)", flush=True)


if __name__ == "__main__":
    main()
