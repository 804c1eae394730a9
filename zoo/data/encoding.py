"""Texts to shards, in this process or in several."""

import hashlib
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from zoo.data.documents import Document, encode_documents
from zoo.data.encoder_process import EncoderProcess
from zoo.data.shards import token_dtype, write_shard
from zoo.objectives.words import Segmenter

# Texts tokenized in one call: tokenizers hold a hundred bytes a token until they are asked for the ids.
_CHARACTERS_PER_CALL = 500_000


@dataclass(frozen=True)
class ShardEncoder:
    """Tokenizes texts and writes them as a shard.

    Attributes:
        folder: path of the prepared folder, which holds the tokenizer too.
        tokenizer: a zoo tokenizer.
        segmenter: see `zoo.data.prepare`.
        max_record_tokens: int, longer documents are split at sentence ends.
    """

    folder: Path
    tokenizer: object
    segmenter: str | Segmenter | None
    max_record_tokens: int

    def __call__(self, number: int, texts: Sequence[str]) -> dict:
        """Write shard `number` of these documents; gives its counts."""
        dtype = token_dtype(self.tokenizer.vocabulary_size())
        documents = encode_texts(texts, self.tokenizer, self.segmenter)
        return write_shard(self.folder, number, documents, self.max_record_tokens, dtype)


def encode_texts(texts: Sequence[str], tokenizer, segmenter: str | Segmenter | None) -> Iterator[Document]:
    """`encode_documents`, a bounded number of characters at a time."""
    for batch in _batches(texts):
        yield from encode_documents(batch, tokenizer, segmenter)


def segmenter_name(segmenter: str | Segmenter | None) -> str:
    """How a segmenter is called in a manifest.

    Raises:
        ValueError: if it is none that `zoo.data.prepare` takes.
    """
    if segmenter is None:
        return "tokenizer"
    if callable(segmenter):
        if hasattr(segmenter, "__qualname__"):
            return f"{segmenter.__module__}.{segmenter.__qualname__}"
        kind = type(segmenter)  # of which there may be several: a `partial`, an object of a class
        try:
            digest = hashlib.blake2b(pickle.dumps(segmenter), digest_size=8).hexdigest()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(
                "What a segmenter holds must be known again later, by `pickle`. "
                f"Received: segmenter={segmenter!r}, for which that fails: {error}. Give a function of a module."
            ) from error
        return f"{kind.__module__}.{kind.__qualname__} {digest}"
    if segmenter in ("auto", "jieba"):
        return segmenter
    raise ValueError(
        '`segmenter` must be None, "auto", "jieba" or a function from a text to the list of its words. '
        f"Received: segmenter={segmenter!r}"
    )


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch, characters = [], 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if characters >= _CHARACTERS_PER_CALL:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


class ShardWriters:
    """Writes shards in the background, a process each, with a bounded number of texts in memory.

    Use it as a context: leaving it ends the processes, whatever they are at.

    Args:
        encoder: a `ShardEncoder`.
        workers: int, number of processes; with one, or with a segmenter that another process could not
            import, shards are written in this process.

    Attributes:
        characters: int, characters of text done so far.
        tokens: int, tokens written so far.
    """

    def __init__(self, encoder: ShardEncoder, workers: int):
        self.characters = 0
        self.tokens = 0
        self._encoder = encoder
        self._threads = None
        self._processes = []
        self._pending = set()
        self._most_pending = workers + 1
        if workers > 1 and _can_be_sent(encoder.segmenter):
            arguments = (str(encoder.folder), encoder.segmenter, encoder.max_record_tokens)
            self._processes = [EncoderProcess(arguments) for _ in range(workers)]
            self._idle = list(self._processes)
            self._threads = ThreadPoolExecutor(workers)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._threads is None:
            return
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._end_processes()
        self._threads.shutdown()
        # A thread may have started its process meanwhile.
        self._end_processes()

    def submit(self, number: int, texts: Sequence[str]) -> None:
        """Write shard `number`, now or soon; waits while enough are in the making."""
        if self._threads is None:
            self._count(self._encoder(number, texts), texts)
            return
        self._collect(self._most_pending)
        self._pending.add(self._threads.submit(self._write, number, texts))

    def finish(self) -> None:
        """Wait for the shards in the making; raises what went wrong with them."""
        self._collect(1)

    def _end_processes(self) -> None:
        for process in self._processes:
            process.end()

    def _write(self, number: int, texts: Sequence[str]) -> None:
        process = self._idle.pop()
        try:
            self._count(process(number, texts), texts)
        finally:
            self._idle.append(process)

    def _count(self, counts: dict, texts: Sequence[str]) -> None:
        self.tokens += counts["tokens"]
        self.characters += sum(map(len, texts))

    def _collect(self, fewer_than: int) -> None:
        while len(self._pending) >= fewer_than:
            done, self._pending = wait(self._pending, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()


def _can_be_sent(segmenter) -> bool:
    if segmenter is None or isinstance(segmenter, str):
        return True
    try:
        return b"__main__" not in pickle.dumps(segmenter)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
