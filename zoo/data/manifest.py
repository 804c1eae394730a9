"""The manifest of a prepared folder: what it was made of, and whether it is finished."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from zoo.data.shards import put_in_place, unfinished_path

MANIFEST = "manifest.json"
INDEX = "index.npz"
_FORMAT = 1
# What must agree for two preparations to give the same shards, and how to say it.
_SETTINGS = {
    "format": "the format of the folder",
    "tokenizer": "the tokenizer",
    "segmenter": "the segmenter",
    "characters_per_shard": "the size of a shard",
    "tokens_per_record": "the size of a record",
    "sources": "the text files",
}


def describe_source(path: Path) -> dict:
    """Name, size in bytes and a digest of a file."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    return {"name": Path(path).name, "bytes": os.path.getsize(path), "digest": digest.hexdigest()}


def new_manifest(sources: Sequence[dict], tokenizer, segmenter: str, characters_per_shard: int, tokens_per_record: int):
    """The manifest of a preparation that begins.

    Args:
        sources: what `describe_source` says of the text files, in order.
        tokenizer: a zoo tokenizer.
        segmenter: str, name of what marks the words.
        characters_per_shard: int, characters of text a shard is made of.
        tokens_per_record: int, most tokens of a record.

    Returns:
        dict, JSON values only.
    """
    return {
        "format": _FORMAT,
        "finished": False,
        "tokenizer": tokenizer.fingerprint(),
        "vocabulary_size": tokenizer.vocabulary_size(),
        "segmenter": segmenter,
        "characters_per_shard": characters_per_shard,
        "tokens_per_record": tokens_per_record,
        "sources": list(sources),
    }


def write_manifest(folder: Path, manifest: dict) -> None:
    """Write the manifest whole or not at all."""
    unfinished = unfinished_path(Path(folder) / MANIFEST)
    unfinished.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    put_in_place(unfinished, Path(folder) / MANIFEST)


def read_manifest(folder: Path) -> dict | None:
    """The manifest of a folder, None where there is none.

    Raises:
        ValueError: if there is a manifest but it cannot be understood.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] != _FORMAT:
            raise ValueError(f"format {manifest['format']}")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"Expected {path} to be written by this version of `zoo.data.prepare` (format {_FORMAT}). "
            f"Received: {error}. Prepare the text again into a new folder."
        ) from error
    return manifest


def check_same_settings(found: dict, wanted: dict, folder: Path) -> None:
    """Refuse to continue a preparation with other files or settings.

    Raises:
        ValueError: lists what differs.
    """
    differing = [
        f"{words} ({found[name]!r} before, {wanted[name]!r} now)"
        if name != "sources"
        else f"{words} ({_describe_change(found[name], wanted[name])})"
        for name, words in _SETTINGS.items()
        if found.get(name) != wanted[name]
    ]
    if differing:
        raise ValueError(
            f"Expected the settings with which {folder} was begun; changed: {'; '.join(differing)}. "
            f"Prepare into another folder, or delete this one first."
        )


def _describe_change(before: list[dict], now: list[dict]) -> str:
    old, new = ({source["name"]: source for source in sources} for sources in (before, now))
    changes = {
        "missing now": sorted(old.keys() - new.keys()),
        "added": sorted(new.keys() - old.keys()),
        "changed": sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
    }
    return ", ".join(f"{what}: {', '.join(names)}" for what, names in changes.items() if names) or "another order"


def finished_manifest(folder: Path) -> dict:
    """The manifest of a folder that is ready to be read.

    Raises:
        ValueError: if nothing was prepared there, or the preparation was interrupted.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise ValueError(
            f"Expected a folder written by `zoo.data.prepare`, found no {MANIFEST} in it. "
            f"Received: {str(folder)!r}. "
            f"Prepare text files with `zoo.data.prepare(files, folder, tokenizer)`, "
            f'or read the files themselves, for instance "{folder}/*.txt".'
        )
    if not manifest["finished"]:
        raise ValueError(
            f"The preparation of {folder} was interrupted. "
            f"Call `zoo.data.prepare` (or `zoo prepare`) again with the same arguments: it goes on where it stopped."
        )
    return manifest
