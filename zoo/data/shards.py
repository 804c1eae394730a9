"""Tokenized documents as array_record shards: how a record looks, and writing a shard whole or not at all."""

import contextlib
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from zoo.data.documents import Document, split_document

# Records are at most this long, so that one is read in microseconds and a sentence length fits two bytes.
MAX_RECORD_TOKENS = 16_384
_LENGTH_DTYPE = np.dtype("<u2")
_HEADER_DTYPE = np.dtype("<u4")
# One record a group: records are read one by one, in any order.
_WRITER_OPTIONS = "group_size:1,zstd:1"
_MAKE_ROOM = "If the disk is full, make room and call again: finished shards are kept."


def token_dtype(vocabulary_size: int) -> np.dtype:
    """The smallest type of `uint16` and `uint32` that holds every id of a vocabulary."""
    return np.dtype("<u2" if vocabulary_size <= 1 << 16 else "<u4")


def pack_record(document: Document, dtype: np.dtype) -> bytes:
    """A document as bytes: number of tokens and of sentences, token ids, sentence lengths, word-start bits."""
    header = np.array([len(document.token_ids), len(document.sentence_lengths)], _HEADER_DTYPE)
    return b"".join(
        (
            header.tobytes(),
            document.token_ids.astype(dtype).tobytes(),
            document.sentence_lengths.astype(_LENGTH_DTYPE).tobytes(),
            np.packbits(document.word_starts).tobytes(),
        )
    )


def unpack_record(record: bytes, dtype: np.dtype) -> Document:
    """The document that `pack_record` packed; its ids keep the stored type."""
    tokens, sentences = np.frombuffer(record, _HEADER_DTYPE, 2).tolist()
    begin = 2 * _HEADER_DTYPE.itemsize
    token_ids = np.frombuffer(record, dtype, tokens, begin)
    begin += token_ids.nbytes
    lengths = np.frombuffer(record, _LENGTH_DTYPE, sentences, begin)
    begin += lengths.nbytes
    bits = np.frombuffer(record, np.uint8, -1, begin)
    return Document(token_ids, np.unpackbits(bits, count=tokens).view(bool), lengths)


def shard_path(folder: Path, number: int) -> Path:
    """Where shard `number` lies; its table of sentence lengths is beside it with the ending `.npz`."""
    return Path(folder) / f"shard-{number:05d}.array_record"


def unfinished_path(path: Path) -> Path:
    """Where a file is written before it gets its name.

    The process is part of it: one that outlives the process which started it must not write into the file
    of its successor.
    """
    return path.with_name(f"{path.name}.{os.getpid()}.unfinished")


def write_shard(
    folder: Path, number: int, documents: Iterable[Document], max_record_tokens: int, dtype: np.dtype
) -> dict:
    """Write a shard and its table of sentence lengths; both appear under their names when they are whole.

    Args:
        folder: path of the prepared folder.
        number: int, the shard's number.
        documents: the documents of the shard.
        max_record_tokens: int, longer documents become several records, split at sentence ends.
        dtype: type of the stored token ids.

    Returns:
        dict: counts of `documents`, `records`, `sentences` and `tokens`.

    Raises:
        OSError: if the shard could not be written, for instance because the disk is full.
    """
    from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter

    path = shard_path(folder, number)
    unfinished = unfinished_path(path)
    lengths, number_of_documents = [], 0
    try:
        writer = ArrayRecordWriter(str(unfinished), _WRITER_OPTIONS)
        for document in documents:
            number_of_documents += 1
            for record in split_document(document, max_record_tokens):
                writer.write(pack_record(record, dtype))
                lengths.append(record.sentence_lengths.astype(_LENGTH_DTYPE))
        writer.close()
        reader = ArrayRecordReader(str(unfinished))
        written = reader.num_records()
        reader.close()
    except RuntimeError as error:
        raise OSError(f"Could not write {unfinished}: {error}. {_MAKE_ROOM}") from error
    if written != len(lengths):
        raise OSError(f"Could not write {unfinished}: {written} of {len(lengths)} records arrived. {_MAKE_ROOM}")
    counts = save_lengths(path.with_suffix(".npz"), lengths, number_of_documents)
    put_in_place(unfinished, path)
    return counts


def is_whole(path: Path) -> bool:
    """Whether a shard and its table of sentence lengths are there, with as many records; else both are removed.

    What a file held when the power failed may be lost although it has its name.
    """
    from array_record.python.array_record_module import ArrayRecordReader

    table = path.with_suffix(".npz")
    if not path.exists():
        return False
    with contextlib.suppress(OSError, RuntimeError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        reader = ArrayRecordReader(str(path))
        records = reader.num_records()
        reader.close()
        if records == len(load_lengths(table)[1]) - 1:
            return True
    path.unlink(missing_ok=True)
    table.unlink(missing_ok=True)
    return False


def put_in_place(unfinished: Path, path: Path) -> None:
    """Give a file its name, once the disk has it."""
    with open(unfinished, "rb") as file:
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def save_lengths(path: Path, lengths: list[np.ndarray], documents: int) -> dict:
    """Save sentence lengths, an array a record, as `sentence_lengths` and `sentence_offsets`; see `load_lengths`."""
    flat = np.concatenate([np.empty(0, _LENGTH_DTYPE), *lengths])  # (sentences,)
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in lengths])]).astype("int64")  # (records + 1,)
    save_arrays(path, sentence_lengths=flat, sentence_offsets=offsets, documents=np.int64(documents))
    return {
        "documents": documents,
        "records": len(lengths),
        "sentences": len(flat),
        "tokens": int(flat.sum(dtype=np.int64)),
    }


def save_arrays(path: Path, **arrays) -> None:
    """`numpy.savez` that never leaves half a file under the name."""
    unfinished = unfinished_path(path)
    with open(unfinished, "wb") as handle:
        np.savez(handle, **arrays)
    put_in_place(unfinished, path)


def load_lengths(path: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Sentence lengths (sentences,), offsets of records in them (records + 1,), number of documents."""
    with np.load(path) as arrays:
        return arrays["sentence_lengths"], arrays["sentence_offsets"], int(arrays["documents"])
