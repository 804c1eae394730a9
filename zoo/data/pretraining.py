"""Batches for pre-training: from a corpus and an objective, by step."""

import os
import sys
import threading
from collections.abc import Iterator

import grain
import numpy as np

from zoo.data import features
from zoo.data.documents import Document
from zoo.data.examples import SPECIAL_TOKENS_OF_A_BLOCK, BlockPlan, PairPlan, assemble
from zoo.data.feeding import feed
from zoo.data.sources import open_corpus
from zoo.data.tokenizer_folder import load_tokenizer
from zoo.objectives import Objective, Vocabulary

_PREFETCHED_BATCHES = 16
# Streams of random numbers that must not meet: one plans the epoch, the other makes the noise.
_PLAN, _NOISE = 0, 1


def pretraining_dataset(
    source,
    tokenizer,
    objective,
    sequence_length: int = 128,
    batch_size: int = 64,
    seed: int = 0,
    shard_index: int = 0,
    num_shards: int = 1,
) -> "PretrainingDataset":
    """Batches of corrupted text and what it was before.

    The same arguments give the same batches on every Keras backend. Every epoch has a new order, new
    examples and new noise. An objective with a sentence-pair part gets pairs, any other full blocks; those of
    an encoder-decoder's objective have no separator between two documents.

    Args:
        source: a list of strings, one document each; paths or patterns of text files, which are prepared
            once and kept in `~/.cache/keras-text-zoo` (or `$KERAS_TEXT_ZOO_CACHE`); or a folder written by
            `zoo.data.prepare`.
        tokenizer: a zoo tokenizer; None to take the one of a prepared folder.
        objective: an objective of `zoo.objectives`, such as `MaskedLM() + NextSentence()`.
        sequence_length: int, tokens of an example, special tokens included; for an encoder-decoder those of the
            encoder's input, for which the objective takes as much text as fits (T5's 568 tokens for 512).
        batch_size: int, examples a batch, in this shard.
        seed: int, not negative.
        shard_index: int, which part of every batch of `num_shards * batch_size` examples this process takes.
        num_shards: int, number of processes that read the same data; none sees an example of another, and
            all have the same number of steps.

    Returns:
        `PretrainingDataset`. A batch is a tuple of three dicts of arrays, ready for `fit`: inputs, targets
        and sample weights.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if there is no text or too little for one batch, no file matches, a file is not UTF-8,
            the tokenizer is another than that of the folder, a number is out of range, or the objective needs
            sentinels that the tokenizer lacks.
    """
    if not isinstance(objective, Objective):
        raise TypeError(
            "Expected an objective of `zoo.objectives`, for example `MaskedLM() + NextSentence()`. "
            f"Received: objective={objective!r}"
        )
    _check_numbers(objective, sequence_length, batch_size, seed, shard_index, num_shards)
    if tokenizer is None:
        if not isinstance(source, (str, os.PathLike)):
            raise TypeError(
                "Expected a tokenizer: only a folder written by `zoo.data.prepare` holds one. Received: tokenizer=None"
            )
        tokenizer = load_tokenizer(source)
    corpus = open_corpus(source, tokenizer)
    batches = Batches(
        corpus, Vocabulary.of(tokenizer), objective, sequence_length, batch_size, seed, shard_index, num_shards
    )
    return PretrainingDataset(batches, tokenizer)


def _check_numbers(objective, sequence_length, batch_size, seed, shard_index, num_shards) -> None:
    for name, value in (("sequence_length", sequence_length), ("batch_size", batch_size), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}")
    least = 5 if objective.pairing is not None else SPECIAL_TOKENS_OF_A_BLOCK + 1
    if sequence_length < least:
        raise ValueError(
            f"`sequence_length` must be at least {least}: the special tokens of this objective and one token of each "
            f"text. Received: sequence_length={sequence_length}"
        )
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")
    if seed < 0:
        raise ValueError(f"`seed` must not be negative. Received: seed={seed}")
    if not 0 <= shard_index < num_shards:
        raise ValueError(
            "`shard_index` must be one of 0 .. num_shards - 1. "
            f"Received: shard_index={shard_index}, num_shards={num_shards}"
        )


class Batches:
    """The batch of every step, computed when it is asked for.

    `batches[step]` is a pure function of the arguments and `step`, so that training can stop and go on at
    any step. Step `s` is step `s % steps_per_epoch` of epoch `s // steps_per_epoch`.

    Args:
        corpus: a corpus of `zoo.data.corpus`.
        vocabulary: `zoo.objectives.Vocabulary`.
        objective, sequence_length, batch_size, seed, shard_index, num_shards: see `pretraining_dataset`.

    Attributes:
        steps_per_epoch: int, as many whole batches for each shard as epoch 0 has. Another epoch may plan a
            few pairs fewer (then its first ones come again, with other noise) or more (then some wait).
    """

    def __init__(self, corpus, vocabulary, objective, sequence_length, batch_size, seed, shard_index, num_shards):
        self.corpus = corpus
        self.vocabulary = vocabulary
        self.objective = objective
        self.sequence_length = int(sequence_length)
        self._block_length = objective.block_length(self.sequence_length)
        objective.check_vocabulary(vocabulary, self._block_length)
        self.batch_size = int(batch_size)
        self._seed = int(seed)
        self._shard_index = int(shard_index)
        self._num_shards = int(num_shards)
        self._plans = {}
        self._lock = threading.Lock()
        examples = len(self._plan(0))
        self.steps_per_epoch = examples // (self.batch_size * self._num_shards)
        if self.steps_per_epoch == 0:
            raise ValueError(
                f"Expected text for at least one batch of {batch_size} examples in each of {num_shards} shards; "
                f"{corpus.counts['tokens']} tokens make {examples} examples of {self._block_length} tokens. "
                f"Received: batch_size={batch_size}, num_shards={num_shards}. Use more text, a smaller `batch_size` "
                f"or a shorter `sequence_length`."
            )
        if objective.pairing is not None:
            self._plan(0).warn_of_one_answer(objective.pairing)

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name not in ("_plans", "_lock")}

    def __setstate__(self, state):
        self.__dict__.update(state, _plans={}, _lock=threading.Lock())

    def _plan(self, epoch: int):
        with self._lock:
            if epoch not in self._plans:
                rng = np.random.default_rng([self._seed, _PLAN, epoch])
                lengths = self.corpus.sentence_lengths
                pairing = self.objective.pairing
                # Two epochs are kept because batches are made ahead of the step that uses them.
                self._plans = {number: plan for number, plan in self._plans.items() if abs(number - epoch) == 1}
                self._plans[epoch] = (
                    BlockPlan(lengths.token_counts(), self._block_length, rng, self.objective.separates_documents)
                    if pairing is None
                    else PairPlan(lengths, pairing, self.sequence_length, rng)
                )
            return self._plans[epoch]

    def __getitem__(self, step: int) -> tuple[dict, dict, dict]:
        """Inputs, targets and sample weights of a step.

        Args:
            step: int, 0 or more, without an upper end.
        """
        if step < 0:
            raise IndexError(f"`step` must not be negative. Received: step={step}")
        epoch, place = divmod(int(step), self.steps_per_epoch)
        plan = self._plan(epoch)
        first = (place * self._num_shards + self._shard_index) * self.batch_size
        examples = np.arange(first, first + self.batch_size) % len(plan)
        rng = np.random.default_rng([self._seed, _NOISE, epoch, self._shard_index, place])
        spans = plan.spans(examples, rng)
        batch = assemble(spans, self.corpus, self.vocabulary, self.batch_size, self._block_length)
        if self.objective.pairing is not None:
            batch[features.SENTENCE_LABELS] = plan.labels(examples)
        batch = self.objective(batch, self.vocabulary, rng)
        weights = self.objective.weights
        return (
            {name: batch[name] for name in self.objective.inputs},
            {name: batch[name] for name in self.objective.targets},
            {
                name: batch[weights[name]] if name in weights else np.ones(self.batch_size, "float32")
                for name in self.objective.targets
            },
        )


class _StepRange:
    """The batches of steps `first, first + stride, ...` as a grain data source."""

    def __init__(self, batches, first=0, stride=1):
        self._batches = batches
        self._first = first
        self._stride = stride

    def __len__(self):
        return (sys.maxsize - self._first) // self._stride

    def __getitem__(self, place):
        return self._batches[self._first + place * self._stride]


class PretrainingDataset(grain.IterDataset):
    """An endless grain dataset of batches, with random access by step.

    Iterating prepares a few batches ahead in a thread. The iterator's `get_state()` and `set_state()` hold
    the step. `fit(dataset, steps_per_epoch=len(dataset))` trains on it with every Keras backend.

    Args:
        batches: `Batches`.
        tokenizer: the tokenizer.
        first_step: int, the step with which iteration begins.

    Attributes:
        steps_per_epoch: int, steps of one pass over the corpus.
        counts: dict of the corpus's `documents`, `sentences` and `tokens`.
        objective, sequence_length, batch_size, tokenizer, vocabulary: as given.
    """

    def __init__(self, batches: Batches, tokenizer, first_step: int = 0):
        super().__init__()
        self._batches = batches
        self._source = _StepRange(batches)
        self._first_step = first_step
        self.tokenizer = tokenizer
        self.vocabulary = batches.vocabulary
        self.objective = batches.objective
        self.sequence_length = batches.sequence_length
        self.batch_size = batches.batch_size
        self.steps_per_epoch = batches.steps_per_epoch
        self.counts = batches.corpus.counts

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, step: int) -> tuple[dict, dict, dict]:
        """Inputs, targets and sample weights of a step, counted from the very first epoch."""
        return self._batches[step]

    def __iter__(self) -> grain.DatasetIterator:
        options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=_PREFETCHED_BATCHES)
        iterator = iter(grain.MapDataset.source(self._source).to_iter_dataset(options))
        iterator.set_state({"next_index": self._first_step})
        return iterator

    def documents(self) -> Iterator[Document]:
        """The documents of the corpus in a random order that is always the same."""
        corpus = self._batches.corpus
        for document in np.random.default_rng(0).permutation(len(corpus.sentence_lengths)):
            yield corpus[int(document)]

    def __str__(self):
        return (
            f"PretrainingDataset({self.steps_per_epoch} steps an epoch, batch_size={self.batch_size}, "
            f"sequence_length={self.sequence_length}, objective={self.objective})"
        )

    def skip(self, steps: int) -> "PretrainingDataset":
        """The same dataset beginning `steps` steps later, at no cost."""
        if steps < 0:
            raise ValueError(f"`steps` must not be negative. Received: steps={steps}")
        return PretrainingDataset(self._batches, self.tokenizer, self._first_step + steps)

    def set_slice(self, sl: slice, sequential_slice: bool = False) -> None:
        """Take every so many steps only: grain gives each of its worker processes such a part."""
        self._source = _StepRange(self._batches, self._first_step + sl.start, sl.step)
        self._first_step = 0

    def feed(self, steps: int | None = None):
        """The batches as `keras.Model.fit` and `evaluate` take them.

        Args:
            steps: int, to repeat the first so many batches for ever, so that every evaluation sees the same
                ones; None for the endless dataset.

        Returns:
            See `zoo.data.feeding.feed`.
        """
        if steps is None:
            return feed(lambda epoch: iter(self))
        first = range(self._first_step, self._first_step + steps)
        return feed(lambda epoch: (self[step] for step in first))
