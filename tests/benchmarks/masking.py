"""Examples per second of masked language modelling, beside the collator of `transformers`.

    python -m tests.benchmarks.masking --batch-size 256 --length 128

Both get the same 256 examples of 128 tokens, ready-made and without padding, in the form in which
each takes them: a list of what its tokenizer returned, with the special tokens already marked, for
the collator (its fastest way); a list of rows of arrays for ours. Our time is given with and
without stacking these rows, because our pipeline assembles whole batches anyway. Runs alternate,
and the fastest of each counts. One thread.
"""

import argparse
import importlib.util
import pathlib
import tempfile
import time
import warnings

import numpy as np

from zoo.objectives import MaskedLM, Vocabulary

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNKNOWN, START, END, MASK = range(5)
NAMES = ("token_ids", "padding_mask", "word_starts")


def make_examples(batch_size, length, pieces, seed):
    """Examples as arrays and as the collator wants them; a third of the tokens continue a word."""
    rng = np.random.default_rng(seed)
    token_ids = rng.integers(len(SPECIAL), len(SPECIAL) + 2 * pieces, (batch_size, length)).astype("int32")
    continues = rng.random(token_ids.shape) < 1 / 3
    continues[:, 1] = False
    token_ids = np.where(continues, token_ids % pieces + len(SPECIAL) + pieces, token_ids % pieces + len(SPECIAL))
    token_ids = token_ids.astype("int32")
    token_ids[:, 0], token_ids[:, -1] = START, END
    special = np.isin(token_ids, (START, END))
    # Every piece has three characters; a word is followed by a space.
    ends = np.cumsum(np.where(special, 0, 3 + ~continues), axis=1)
    offsets = np.stack([ends - 3, ends], axis=-1)
    offsets[special] = 0
    rows = [
        dict(zip(NAMES, (ids, np.ones(length, "int32"), ~row), strict=True))
        for ids, row in zip(token_ids, continues, strict=True)
    ]
    features = [
        {
            "input_ids": token_ids[i].tolist(),
            "attention_mask": [1] * length,
            "special_tokens_mask": special[i].astype(int).tolist(),
            "offset_mapping": offsets[i].tolist(),
        }
        for i in range(batch_size)
    ]
    return rows, features


def make_collators(pieces):
    """The collators of `transformers`, plain and with whole words, for each kind of array there is."""
    from transformers import BertTokenizerFast, DataCollatorForLanguageModeling

    vocabulary = [*SPECIAL, *(f"{i:03x}" for i in range(pieces)), *(f"##{i:03x}" for i in range(pieces))]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "vocab.txt")
        path.write_text("\n".join(vocabulary), encoding="utf-8")
        tokenizer = BertTokenizerFast(str(path))
    kinds = {"np": "NumPy"}
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        kinds["pt"] = "PyTorch"
    return {
        (whole, name): DataCollatorForLanguageModeling(tokenizer, return_tensors=kind, seed=1, whole_word_mask=whole)
        for whole in (False, True)
        for kind, name in kinds.items()
    }


def stack(rows):
    """Rows of arrays to arrays of a batch."""
    return {name: np.stack([row[name] for row in rows]) for name in NAMES}


def run_all(functions, repeats, clock=time.perf_counter):
    """Seconds by the clock of the fastest run of each function; the runs alternate."""
    fastest = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            start = clock()
            function()
            fastest[name] = min(fastest[name], clock() - start)
    return fastest


def measure(batch_size, length, pieces, repeats):
    """Seconds for a batch, by name."""
    rows, features = make_examples(batch_size, length, pieces, seed=0)
    plain = [{name: value for name, value in one.items() if name != "offset_mapping"} for one in features]
    vocabulary = Vocabulary(len(SPECIAL) + 2 * pieces, PAD, START, END, MASK, (PAD, UNKNOWN, START, END, MASK))
    batch, rng = stack(rows), np.random.default_rng(1)
    functions = {}
    for (whole, name), collator in make_collators(pieces).items():
        given = features if whole else plain
        functions["transformers", whole, name] = lambda c=collator, g=given: c(g)
    for unit in ("token", "whole_word", "ngram", "span"):
        objective = MaskedLM(unit)
        functions["zoo", unit, "batch"] = lambda o=objective: o(batch, vocabulary, rng)
        functions["zoo", unit, "rows"] = lambda o=objective: o(stack(rows), vocabulary, rng)
    return run_all(functions, repeats)


def report(seconds, batch_size):
    """Prints examples per second, and how many times the collator's."""
    theirs = {key: value for key, value in seconds.items() if key[0] == "transformers"}
    for (_, whole, name), value in theirs.items():
        label = f"transformers, {'whole words' if whole else 'tokens'}, {name}"
        print(f"{label:40}{batch_size / value:12,.0f} examples/s")
    for unit in ("token", "whole_word", "ngram", "span"):
        whole = unit != "token"
        best = min(value for key, value in theirs.items() if key[1] == whole)
        tokens = min(value for key, value in theirs.items() if not key[1])
        for form in ("batch", "rows"):
            value = seconds["zoo", unit, form]
            text = f"zoo, unit={unit!r}, from {'a batch' if form == 'batch' else 'rows'}"
            print(
                f"{text:40}{batch_size / value:12,.0f} examples/s"
                f"{best / value:8.1f} x transformers ({'whole words' if whole else 'tokens'}, its faster arrays)"
                + (f"{tokens / value:8.1f} x (tokens)" if whole else "")
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=256, help="examples in a batch")
    parser.add_argument("--length", type=int, default=128, help="tokens in an example")
    parser.add_argument("--pieces", type=int, default=4000, help="half the size of the vocabulary")
    parser.add_argument("--repeats", type=int, default=20, help="runs of each")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", module="transformers")
    seconds = measure(arguments.batch_size, arguments.length, arguments.pieces, arguments.repeats)
    print(f"{arguments.batch_size} examples of {arguments.length} tokens")
    report(seconds, arguments.batch_size)


if __name__ == "__main__":
    main()
