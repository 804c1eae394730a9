"""Documents of token ids at random access, from memory or from prepared shards."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np

from zoo.data.documents import Document
from zoo.data.shards import unpack_record

# Documents kept in memory while training; a corpus of a hundred million tokens fits whole.
_CACHE_BYTES = 512 << 20


class SentenceLengths(Sequence):
    """Lengths of all sentences of a corpus, document by document, in two flat arrays.

    Args:
        flat: integer array (sentences,), in tokens.
        offsets: int64 array (documents + 1,), where a document's sentences begin in `flat`.

    Attributes:
        token_ends: int64 array (sentences + 1,), tokens of the corpus before each sentence.
    """

    def __init__(self, flat: np.ndarray, offsets: np.ndarray):
        self.flat = flat
        self.offsets = offsets
        self.token_ends = np.concatenate([[0], np.cumsum(flat, dtype="int64")])  # (sentences + 1,)

    @classmethod
    def of(cls, documents: Iterable[Document]) -> "SentenceLengths":
        """The lengths of these documents."""
        lengths = [document.sentence_lengths for document in documents]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in lengths])]).astype("int64")
        return cls(np.concatenate([np.empty(0, "int64"), *lengths]), offsets)

    def __len__(self):
        return len(self.offsets) - 1

    def __getitem__(self, document):
        """Integer array (sentences of this document,)."""
        return self.flat[self.offsets[document] : self.offsets[document + 1]]

    def token_counts(self) -> np.ndarray:
        """int64 array (documents,), tokens of each document."""
        return np.diff(self.token_ends[self.offsets])


class MemoryCorpus:
    """Documents that are in memory already.

    Args:
        documents: list of `Document`.
        number: int, how many documents there were before long ones were split.
    """

    def __init__(self, documents: Sequence[Document], number: int):
        self._documents = documents
        self.sentence_lengths = SentenceLengths.of(documents)
        self.counts = {
            "documents": number,
            "sentences": len(self.sentence_lengths.flat),
            "tokens": int(self.sentence_lengths.flat.sum(dtype="int64")),
        }

    def __getitem__(self, document: int) -> Document:
        return self._documents[document]


class ShardCorpus:
    """Documents in array_record shards, read when they are asked for and kept while there is room.

    Args:
        paths: paths of the shards, in order.
        sentence_lengths: `SentenceLengths` of all records of the shards, in order.
        dtype: type of the stored token ids.
        counts: dict of `documents`, `sentences` and `tokens`.
        cache_bytes: int, most bytes of documents kept in memory.
    """

    def __init__(self, paths, sentence_lengths, dtype, counts, cache_bytes=_CACHE_BYTES):
        self._paths = [str(path) for path in paths]
        self._dtype = np.dtype(dtype)
        self._cache_bytes = cache_bytes
        self.sentence_lengths = sentence_lengths
        self.counts = counts
        self._open()

    def _open(self):
        from array_record.python.array_record_data_source import ArrayRecordDataSource

        self._source = ArrayRecordDataSource(self._paths)
        if len(self._source) != len(self.sentence_lengths):
            raise ValueError(
                f"Expected {len(self.sentence_lengths)} records in the shards of {self._paths[0]}, as its index says, "
                f"found {len(self._source)}: the folder is damaged. Prepare the text again into a new folder."
            )
        self._cached = OrderedDict()
        self._free_bytes = self._cache_bytes
        self._lock = threading.Lock()

    def __getstate__(self):
        return {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("_source", "_cached", "_lock", "_free_bytes")
        }

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._open()

    def __getitem__(self, document: int) -> Document:
        with self._lock:
            found = self._cached.get(document)
            if found is None:
                found = unpack_record(self._source[document], self._dtype)
                self._cached[document] = found
                self._free_bytes -= _size(found)
                while self._free_bytes < 0 and len(self._cached) > 1:
                    self._free_bytes += _size(self._cached.popitem(last=False)[1])
            else:
                self._cached.move_to_end(document)
            return found


def _size(document: Document) -> int:
    return document.token_ids.nbytes + document.word_starts.nbytes + document.sentence_lengths.nbytes
