"""Examples per second of the objectives of encoder-decoders, beside the same algorithms example by example.

    python -m tests.benchmarks.denoising --batch-size 256 --length 512 [--fairseq FOLDER]

Every objective gets the text that fills an encoder of 512 tokens, in the form in which each takes it: a batch of
arrays for ours, as our pipeline assembles it; lists of ints for `tests.benchmarks.denoising_by_example`, which is plain
Python. Both give the same arrays. Masks alone can also be had from the collator of `transformers`, which has no
objective of encoder-decoders; it is measured with them, although it makes fewer arrays. BART's noises can be had from
fairseq too, see `tests.benchmarks.denoising_fairseq`. Runs alternate, and the fastest of each counts, in seconds of the
processor, which other programs slow down the least. One thread. Memory that is freed stays with the process, as it does
where a model's weights have been loaded.
"""

import argparse
import functools
import random
import time
import warnings

import numpy as np

from tests.benchmarks import denoising_by_example as by_example
from tests.benchmarks import denoising_fairseq
from tests.benchmarks.masking import make_collators, run_all
from zoo import objectives
from zoo.objectives import Vocabulary

SIZE, NUM_SENTINELS, FULL_STOP = 32_100, 100, by_example.FIRST_ORDINARY
SPECIAL = (by_example.PAD, by_example.UNKNOWN, by_example.START, by_example.END, by_example.MASK)
SENTINELS = tuple(range(SIZE - 1, SIZE - NUM_SENTINELS - 1, -1))
WITH_SENTINELS = ("SpanCorruption", "ReplaceSpans", "ul2")
WITH_SENTENCES = ("SentencePermutation", "SentencePermutation + TextInfilling")
NAMES = {
    "MASS": by_example.mass,
    "TokenMasking": by_example.token_masking,
    "TokenDeletion": by_example.token_deletion,
    "TextInfilling": by_example.text_infilling,
    "SentencePermutation": by_example.sentence_permutation,
    "DocumentRotation": by_example.document_rotation,
    "SentencePermutation + TextInfilling": by_example.permutation_and_infilling,
    "SpanCorruption": by_example.span_corruption,
    "ReplaceSpans": by_example.replace_spans,
    "PrefixLM": by_example.prefix_lm,
    "BertStyle": by_example.bert_style,
    "MassStyle": by_example.mass_style,
    "Deshuffling": by_example.deshuffling,
    "DropTokens": by_example.drop_tokens,
    "ul2": by_example.ul2,
}


def make_batch(batch_size, block_length):
    """Full examples; a sentence has twenty tokens on average and ends with a token of its own."""
    rng = np.random.default_rng(0)
    token_ids = rng.integers(FULL_STOP + 1, SENTINELS[-1], (batch_size, block_length)).astype("int32")
    sentence_starts = rng.random(token_ids.shape) < 0.05
    token_ids[:, :-1][sentence_starts[:, 1:]] = FULL_STOP
    token_ids[:, 0], token_ids[:, -1] = by_example.START, by_example.END
    return {
        "token_ids": token_ids,
        "segment_ids": np.zeros_like(token_ids),
        "padding_mask": np.ones_like(token_ids),
        "word_starts": rng.random(token_ids.shape) < 0.7,
        "sentence_starts": sentence_starts,
    }


def example_by_example(name, texts, starts, lengths):
    """A batch of the objective, the plain way."""
    corrupt = NAMES[name]
    if name in WITH_SENTENCES:
        examples = list(map(corrupt, texts, starts))
    elif name in WITH_SENTINELS:
        examples = [corrupt(text, SENTINELS) for text in texts]
    else:
        examples = list(map(corrupt, texts))
    whole = examples[0][1][0] == by_example.START
    first = None if name == "MASS" else by_example.END if whole else by_example.PAD
    return by_example.collate(examples, lengths, first)


def measure(name, batch_size, length, repeats, fairseq=None):
    """Seconds for a batch: ours, the plain way, and fairseq's if its class is given and has the objective."""
    vocabulary = Vocabulary(SIZE, *(by_example.PAD, by_example.START, by_example.END, by_example.MASK),
                            special_ids=(*SPECIAL, *SENTINELS), sentinel_ids=SENTINELS)  # fmt: skip
    objective, rng = objectives.parse_objective(name), np.random.default_rng(1)
    batch = make_batch(batch_size, objective.block_length(length))
    texts = batch["token_ids"][:, 1:-1].tolist()
    starts = batch["sentence_starts"][:, 1:-1].tolist()
    parts = getattr(objective, "parts", (objective,))
    lengths = (objective if hasattr(objective, "lengths") else parts[0]).lengths(len(texts[0]))
    functions = {
        "zoo": lambda: objective(batch, vocabulary, rng),
        "plain": lambda: example_by_example(name, texts, starts, lengths),
    }
    if fairseq is not None:
        theirs = denoising_fairseq.make_function(fairseq, name, batch["token_ids"], SIZE, FULL_STOP, length)
        functions |= {} if theirs is None else {"fairseq": theirs}
    ours, plain = functions["zoo"](), functions["plain"]()
    for key, value in plain.items():
        if ours[key].shape != value.shape or ours[key].dtype != value.dtype:
            raise ValueError(f"{name} makes {key} {ours[key].shape}, the plain way {value.shape}")
    return run_all(functions, repeats, time.process_time)


def measure_transformers(batch_size, length, repeats):
    """Seconds of its collator for a batch of masked tokens, with the faster kind of array."""
    pieces = 4000
    rows = make_batch(batch_size, length)["token_ids"] % (2 * pieces) + len(SPECIAL)
    features = [
        {"input_ids": row.tolist(), "attention_mask": [1] * length, "special_tokens_mask": [0] * length} for row in rows
    ]
    functions = {
        name: functools.partial(collator, features) for (whole, name), collator in make_collators(pieces).items()
        if not whole
    }  # fmt: skip
    return min(run_all(functions, repeats, time.process_time).values())


def keep_freed_memory():
    """Tells the allocator, by giving back a large piece, that pieces up to its size are wanted again."""
    large = np.ones(4_000_000)
    del large


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=256, help="examples in a batch")
    parser.add_argument("--length", type=int, default=512, help="tokens that the encoder reads")
    parser.add_argument("--repeats", type=int, default=10, help="runs of each")
    parser.add_argument("--fairseq", help="folder of its unpacked wheel")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", module="transformers")
    random.seed(0)
    keep_freed_memory()
    fairseq = arguments.fairseq and denoising_fairseq.load(arguments.fairseq)
    theirs = measure_transformers(arguments.batch_size, arguments.length, arguments.repeats)
    print(f"{arguments.batch_size} examples of {arguments.length} tokens for the encoder; examples per second")
    print(f"{'transformers, masked tokens':38}{arguments.batch_size / theirs:12,.0f}")
    for name in NAMES:
        seconds = measure(name, arguments.batch_size, arguments.length, arguments.repeats, fairseq)
        speeds = {way: arguments.batch_size / value for way, value in seconds.items()}
        beside = f"   plain Python {speeds['plain']:8,.0f}{speeds['zoo'] / speeds['plain']:8.1f} x"
        if "fairseq" in speeds:
            beside += f"   fairseq {speeds['fairseq']:8,.0f}{speeds['zoo'] / speeds['fairseq']:8.1f} x"
        if name in ("TokenMasking", "BertStyle"):
            beside += f"   {theirs / seconds['zoo']:.1f} x transformers"
        print(f"{name:38}{speeds['zoo']:12,.0f}{beside}")


if __name__ == "__main__":
    main()
