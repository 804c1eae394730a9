"""From text files to a folder of tokenized shards, once."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from zoo.data.corpus import SentenceLengths, ShardCorpus
from zoo.data.documents import read_documents
from zoo.data.encoding import ShardEncoder, ShardWriters, segmenter_name
from zoo.data.manifest import (
    INDEX,
    check_same_settings,
    describe_source,
    finished_manifest,
    new_manifest,
    read_manifest,
    write_manifest,
)
from zoo.data.progress import ReadingProgress
from zoo.data.shards import MAX_RECORD_TOKENS, is_whole, load_lengths, save_arrays, shard_path, token_dtype
from zoo.data.text_files import expand_paths
from zoo.objectives.words import Segmenter

# Characters of text a shard is made of: large enough to start a process for, small enough to keep many in memory.
CHARACTERS_PER_SHARD = 8_000_000
TOKENIZER_FILE = "tokenizer.json"
# Below this many bytes a single process is done before others have started.
_BYTES_WORTH_PROCESSES = 16_000_000


def prepare(
    files,
    folder,
    tokenizer,
    segmenter: str | Segmenter | None = "auto",
    workers: int | None = None,
    progress: bool = True,
) -> dict:
    """Tokenize text files once, into array_record shards that `pretraining_dataset` reads.

    A paragraph a line, an empty line between documents. Sentences are split as `split_sentences` does.
    Beside the shards the folder holds the lengths of all sentences, the tokenizer and a manifest. After an
    interruption the same call goes on where it stopped: finished shards are kept, and the result is the
    same, byte for byte. A finished folder is left as it is, unless files of it are missing or cut short: then
    all is done again.

    Args:
        files: a path, a pattern like `"corpus/*.txt"`, or a list of these; plain or compressed text.
        folder: path of the folder to write; made if missing.
        tokenizer: a zoo tokenizer; it is saved into the folder.
        segmenter: what knows the words of text without spaces, for objectives that hide whole words.
            `"auto"`: jieba for Chinese sentences, the tokenizer for others; `"jieba"`; a function from a text
            to the list of its words; None: the tokenizer, for which every Chinese character is a word.
        workers: int, number of processes; None for one a core, or for one where the text is short.
        progress: bool, whether to show a progress bar.

    Returns:
        dict, the manifest: `counts` of documents, sentences, records and tokens, `sources`, `shards`.

    Raises:
        ValueError: if no file matches, a file is not UTF-8 text, the files hold no text, or the folder was
            begun with another tokenizer, other settings or other files.
        OSError: if the disk is full; what is finished is kept.
    """
    files = expand_paths(files)
    return prepare_described(
        files, [describe_source(file) for file in files], folder, tokenizer, segmenter, workers, progress
    )


def prepare_described(files, sources, folder, tokenizer, segmenter="auto", workers=None, progress=True) -> dict:
    """As `prepare`, of files of which `sources` has what `describe_source` says."""
    folder = Path(folder).expanduser()
    workers = _number_of_workers(workers, files)
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder):
        manifest = new_manifest(sources, tokenizer, segmenter_name(segmenter), CHARACTERS_PER_SHARD, MAX_RECORD_TOKENS)
        found = read_manifest(folder)
        if found is not None:
            check_same_settings(found, manifest, folder)
            if found["finished"]:
                _delete_leftovers(folder, len(found["shards"]))
                if not _missing(folder, found):
                    return found
                for shard in found["shards"]:  # the lengths of their sentences are in the index alone
                    (folder / shard["file"]).unlink(missing_ok=True)
        _save_tokenizer(tokenizer, folder)
        write_manifest(folder, manifest)
        encoder = ShardEncoder(folder, tokenizer, segmenter, MAX_RECORD_TOKENS)
        number_of_shards = _write_shards(files, encoder, workers, progress)
        return _finish(folder, manifest, number_of_shards)


def _save_tokenizer(tokenizer, folder: Path) -> None:
    """Write the tokenizer beside, and put it in its place with the file that says that it is there last."""
    beside = folder / ".tokenizer"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    tokenizer.save_to_preset(str(beside))
    (folder / TOKENIZER_FILE).unlink(missing_ok=True)
    for part in sorted(beside.iterdir(), key=lambda part: part.name == TOKENIZER_FILE):
        if (folder / part.name).is_dir():
            shutil.rmtree(folder / part.name)
        os.replace(part, folder / part.name)
    beside.rmdir()


def _missing(folder: Path, manifest: dict) -> list[str]:
    """Names of the files that a finished folder lacks, or has with another size."""
    sizes = {shard["file"]: shard.get("bytes") for shard in manifest["shards"] if shard["records"]}
    sizes[INDEX] = manifest.get("index_bytes")
    there = {name: (folder / name).stat().st_size for name in sizes if (folder / name).is_file()}
    return [name for name in sizes if name not in there or sizes[name] not in (None, there[name])]


def _number_of_workers(workers: int | None, files: list[Path]) -> int:
    if workers is None:
        short = sum(os.path.getsize(file) for file in files) < _BYTES_WORTH_PROCESSES
        # Not every system tells which cores this process may use.
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return 1 if short else cores
    if workers < 1:
        raise ValueError(f"`workers` must be at least 1, or None for one a core. Received: workers={workers}")
    return workers


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Let a second process that prepares the same folder wait until the first is done."""
    import fcntl

    with open(folder / ".lock", "w") as lock:
        # Some network file systems have no locks: there a second process would do the same work again.
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_shards(files: list[Path], encoder: ShardEncoder, workers: int, show_progress: bool) -> int:
    """Write every shard that is not there yet; gives the number of shards."""
    number = -1
    with ReadingProgress(files, show_progress) as progress, ShardWriters(encoder, workers) as writers:
        texts = _group(read_documents(progress.watch(files)), CHARACTERS_PER_SHARD)
        for number, group in enumerate(texts):
            size = sum(map(len, group))
            progress.characters_read += size
            if is_whole(shard_path(encoder.folder, number)):
                progress.characters_kept += size
            else:
                writers.submit(number, group)
            progress.show(writers.characters, writers.tokens)
        writers.finish()
        progress.show(writers.characters, writers.tokens)
    return number + 1


def _group(documents: Iterable[str], size: int) -> Iterator[list[str]]:
    """Documents in lists of about `size` characters."""
    group, characters = [], 0
    for document in documents:
        group.append(document)
        characters += len(document)
        if characters >= size:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _finish(folder: Path, manifest: dict, number_of_shards: int) -> dict:
    """Join the tables of sentence lengths into the index and declare the folder finished."""
    shards, all_lengths, all_offsets = [], [], [np.zeros(1, "int64")]
    sentences = 0
    for number in range(number_of_shards):
        path = shard_path(folder, number)
        lengths, offsets, documents = load_lengths(path.with_suffix(".npz"))
        all_lengths.append(lengths)
        all_offsets.append(offsets[1:] + sentences)
        sentences += len(lengths)
        shards.append(
            {
                "file": path.name,
                "bytes": path.stat().st_size,
                "documents": documents,
                "records": len(offsets) - 1,
                "sentences": len(lengths),
                "tokens": int(lengths.sum(dtype="int64")),
            }
        )
    counts = {name: sum(shard[name] for shard in shards) for name in ("documents", "records", "sentences", "tokens")}
    if not counts["tokens"]:
        raise ValueError(
            f"Expected text in the files, found none. Received: files="
            f"{[source['name'] for source in manifest['sources']]}"
        )
    save_arrays(
        folder / INDEX, sentence_lengths=np.concatenate(all_lengths), sentence_offsets=np.concatenate(all_offsets)
    )
    index_bytes = (folder / INDEX).stat().st_size
    manifest = {**manifest, "finished": True, "counts": counts, "shards": shards, "index_bytes": index_bytes}
    write_manifest(folder, manifest)
    _delete_leftovers(folder, number_of_shards)
    return manifest


def _delete_leftovers(folder: Path, number_of_shards: int) -> None:
    for number in range(number_of_shards):
        shard_path(folder, number).with_suffix(".npz").unlink(missing_ok=True)
    for path in folder.glob("*.unfinished"):
        path.unlink(missing_ok=True)


def open_prepared(folder) -> tuple[ShardCorpus, dict]:
    """Open a folder written by `prepare`.

    Args:
        folder: its path.

    Returns:
        `ShardCorpus` and the manifest.

    Raises:
        ValueError: if nothing was prepared there, the preparation was interrupted, or a part is missing.
    """
    folder = Path(folder)
    manifest = finished_manifest(folder)
    paths = [folder / shard["file"] for shard in manifest["shards"] if shard["records"]]
    missing = _missing(folder, manifest)
    if missing:
        raise ValueError(
            f"Files of the prepared folder {folder} are missing or cut short: {', '.join(missing)}. "
            f"Copy the folder whole, or prepare the text again."
        )
    with np.load(folder / INDEX) as index:
        lengths = SentenceLengths(index["sentence_lengths"], index["sentence_offsets"])
    counts = {name: manifest["counts"][name] for name in ("documents", "sentences", "tokens")}
    return ShardCorpus(paths, lengths, token_dtype(manifest["vocabulary_size"]), counts), manifest
