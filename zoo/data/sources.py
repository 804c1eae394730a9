"""What text may come from: strings, files, or a prepared folder."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from zoo.data.corpus import MemoryCorpus
from zoo.data.documents import split_document
from zoo.data.encoding import encode_texts, segmenter_name
from zoo.data.inputs import is_table
from zoo.data.manifest import describe_source
from zoo.data.preparation import open_prepared, prepare_described
from zoo.data.shards import MAX_RECORD_TOKENS
from zoo.data.text_files import are_text_files, expand_paths
from zoo.objectives.words import check_tokenizer

CACHE_VARIABLE = "KERAS_TEXT_ZOO_CACHE"


def open_corpus(source, tokenizer):
    """Open text as documents of token ids.

    Args:
        source: a list of strings, one document each; a path or pattern of text files, or a list of these;
            or a folder written by `zoo.data.prepare`. A list of strings that all name text files (see
            `names_text_file`) is one of paths.
        tokenizer: a zoo tokenizer.

    Returns:
        A corpus of `zoo.data.corpus`.

    Raises:
        TypeError: if the source is none of these.
        ValueError: if there is no text, no file matches, or a folder was prepared with another tokenizer.
    """
    check_tokenizer(tokenizer)
    if isinstance(source, (str, os.PathLike)):
        if Path(source).expanduser().is_dir():
            return _open_folder(Path(source).expanduser(), tokenizer)
        return _open_files(source, tokenizer)
    if is_table(source) or not hasattr(source, "__iter__"):
        raise TypeError(
            "Expected a list of strings (one document each), paths or patterns of text files, or a folder written by "
            f"`zoo.data.prepare`. Received: source={source!r:.200} of type {type(source).__name__}"
        )
    source = list(source)
    wrong = next((place for place, item in enumerate(source) if not isinstance(item, (str, os.PathLike))), None)
    if wrong is not None:
        raise TypeError(
            f"Expected every item of `source` to be a text or a path. Received: source[{wrong}]={source[wrong]!r} "
            f"of type {type(source[wrong]).__name__}"
        )
    if are_text_files(source):
        return _open_files(source, tokenizer)
    return _encode_texts(source, tokenizer)


def _encode_texts(texts: Sequence[str], tokenizer) -> MemoryCorpus:
    documents = list(encode_texts([str(text) for text in texts], tokenizer, "auto"))
    if not documents:
        raise ValueError(f"Expected text, found none. Received: source with {len(texts)} items, all empty.")
    parts = [part for document in documents for part in split_document(document, MAX_RECORD_TOKENS)]
    return MemoryCorpus(parts, len(documents))


def _open_files(patterns, tokenizer):
    files = expand_paths(patterns)
    key = {
        "sources": [describe_source(file) for file in files],
        "tokenizer": tokenizer.fingerprint(),
        "segmenter": segmenter_name("auto"),
    }
    name = hashlib.blake2b(json.dumps(key, sort_keys=True).encode(), digest_size=12).hexdigest()
    folder = cache_folder() / "corpora" / name
    prepare_described(files, key["sources"], folder, tokenizer)
    return open_prepared(folder)[0]


def cache_folder() -> Path:
    """Where prepared text files are kept: `$KERAS_TEXT_ZOO_CACHE`, or `~/.cache/keras-text-zoo`."""
    return Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/keras-text-zoo").expanduser()


def _open_folder(folder: Path, tokenizer):
    corpus, manifest = open_prepared(folder)
    if manifest["tokenizer"] != tokenizer.fingerprint():
        raise ValueError(
            f"Expected the tokenizer with which {folder} was prepared (vocabulary of {manifest['vocabulary_size']} "
            f"pieces, fingerprint {manifest['tokenizer']}). Received: tokenizer with {tokenizer.vocabulary_size()} "
            f"pieces, fingerprint {tokenizer.fingerprint()}. Use `zoo.data.load_tokenizer(folder)`, or prepare the "
            f"text with this tokenizer into another folder."
        )
    return corpus
