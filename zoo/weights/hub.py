"""Models of the Hugging Face hub: the files that are needed, brought to this machine once, and checked.

The library `huggingface_hub` asks, resumes what was cut, and keeps the files, so its environment variables hold:
`HF_HUB_CACHE` (the folder that they are kept in), `HF_TOKEN` (who asks), `HF_ENDPOINT` (a mirror instead of it) and
`HF_HUB_OFFLINE=1` (nothing is asked; what is kept is used).
"""

import errno
import hashlib
import re
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.weights.checkpoints import INDEXED, WHOLE
from zoo.weights.files import CONFIG_FILE, GENERATION_FILE
from zoo.weights.hub_errors import explained
from zoo.weights.published.sentence_transformers import LENGTH_FILE, MODULES_FILE, makes_vectors, read_modules
from zoo.weights.strict_json import MAX_JSON_BYTES, read_json

HUB = "hf://"
ADDRESS = re.compile(r"hf://(?P<repository>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[\w.-]+(/[\w.-]+)*))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
# What a tokenizer is read from, here and in KerasHub. The settings come first: without them, after a cut connection, a
# vocabulary would be read with others.
TEXT_FILES = (
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.json", "vocab.json",
    "merges.txt", "vocab.txt", "spiece.model", "sentencepiece.bpe.model",
)  # fmt: skip
# Bytes; the quarter of a million pieces of a multilingual model are 20 million.
LARGEST_TEXT_FILE = 64_000_000


@dataclass(frozen=True)
class HubModel:
    """A model of the hub, at a revision: a branch, a tag or a commit."""

    repository: str
    revision: str = "main"

    @classmethod
    def parse(cls, address: str) -> "HubModel":
        """The model of an address such as `hf://google-bert/bert-base-uncased`, which may end in `@revision`.

        Raises:
            ValueError: if it is no such address.
        """
        found = ADDRESS.fullmatch(address)
        if found is None or ".." in address or "--" in found["repository"]:
            raise ValueError(
                "A model of the Hugging Face hub is hf://organisation/model, or hf://organisation/model@revision. "
                f"Received: {address!r}"
            )
        return cls(found["repository"], found["revision"] or cls.revision)

    @property
    def address(self) -> str:
        """The address that `parse` takes."""
        return f"{HUB}{self.repository}" + (f"@{self.revision}" if self.revision != HubModel.revision else "")


@dataclass(frozen=True)
class Listing:
    """What the hub says of the files of a model.

    Attributes:
        model: `HubModel`.
        commit: str, what its revision is at present.
        sizes: dict from the name of a file, folders left out, to bytes.
        sha256: dict from a name to 64 hexadecimal digits, for the large files.
    """

    model: HubModel
    commit: str
    sizes: dict[str, int]
    sha256: dict[str, str]


def fetch(
    address: str,
    weights: bool = True,
    accept: Callable[[Path], bool] | None = None,
    check: Callable[[Path], object] | None = None,
) -> Path:
    """Bring the files of a model to this machine, if they are not here yet.

    These are `config.json` and `generation_config.json`, what says how a text becomes a vector, then what its tokenizer
    is read from, then the weights in one form (safetensors, else `pytorch_model.bin`, each whole or in shards), and
    nothing else. The hub is asked what the revision is at present; if it cannot be reached, what is here is used. Large
    files are compared with the SHA-256 that the hub states, once, when they have come.

    Args:
        address: str, `hf://organisation/model` or `hf://organisation/model@revision`.
        weights: bool, False to leave the weights out.
        accept: function from the folder, in which `config.json` is by then, to a bool: False if no more is needed.
        check: function of the folder, in which all but the weights is by then; what it raises spares their download.

    Returns:
        `Path` of the folder in the cache; its files are links that lead to the cache's `blobs`.

    Raises:
        ValueError: if there is no such model, revision or file, its reading is not allowed, a file is not what the hub
            says it is, or is larger than a file of its kind may be.
        ConnectionError: if the hub cannot be reached, and what is needed is not here.
        OSError: if there is no room for it (`errno.ENOSPC`).
    """
    model = HubModel.parse(address)
    try:
        listing = _ask(model)
    except ConnectionError as error:
        return _kept(model, weights, accept, error)
    folder = _fetch_configuration(listing)
    if folder.name != listing.commit:  # changed between two questions
        listing = _ask(replace(model, revision=folder.name))
    if accept is not None and not accept(folder):
        return folder
    small = (GENERATION_FILE, MODULES_FILE, LENGTH_FILE)
    _bring(listing, [name for name in small if name in listing.sizes], MAX_JSON_BYTES)
    _bring(listing, [name for name in TEXT_FILES if name in listing.sizes], LARGEST_TEXT_FILE)
    _bring(listing, _files_of_modules(listing, folder), LARGEST_TEXT_FILE)
    if check is not None:
        check(folder)
    if weights:
        _bring(listing, _remote_weights(listing, folder))
    return folder


def cached_folder(address: str) -> Path | None:
    """The folder of a model whose configuration and weights are all on this machine, else None; nothing is asked."""
    folder = _folder_of_configuration(HubModel.parse(address))
    return folder if folder is not None and bytes_of_weights(folder) else None


def bytes_of_weights(folder: Path) -> int:
    """Size of the weights in a folder that `fetch` fills, in bytes; 0 if they are not all there."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    try:
        chosen = _choose_weights(names, lambda index: folder / index)
    except ValueError:
        return 0
    return sum((folder / name).stat().st_size for name in chosen)


def _kept(model, weights, accept, error):
    """The folder in the cache when the hub could not be asked; its error if that does not do."""
    folder = _folder_of_configuration(model)
    if folder is not None and ((accept is not None and not accept(folder)) or not weights or bytes_of_weights(folder)):
        return folder
    raise ConnectionError(
        f"{model.address} is not on this machine{'' if folder is None else ' in full'}, and {error} Connect and ask "
        "again, or copy its files here and give the folder that they are in."
    ) from error


def _folder_of_configuration(model):
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(model.repository, CONFIG_FILE, revision=model.revision)
    return Path(path).parent if isinstance(path, str) else None


def _ask(model):
    from huggingface_hub import HfApi, constants

    with explained(model):
        found = HfApi().model_info(
            model.repository, revision=model.revision, files_metadata=True, timeout=constants.HF_HUB_ETAG_TIMEOUT
        )
        files = [file for file in found.siblings or () if file.rfilename.count("/") <= 1]
        return Listing(
            model, found.sha,
            sizes={file.rfilename: file.size or 0 for file in files},
            sha256={file.rfilename: file.lfs["sha256"] for file in files if file.lfs},
        )  # fmt: skip


def _fetch_configuration(listing):
    if CONFIG_FILE not in listing.sizes:
        raise ValueError(
            f"The model has no {CONFIG_FILE}, which says what it is. It has: {_some(listing.sizes)}. "
            f"Received: {listing.model.address}"
        )
    folder = _folder_of_configuration(listing.model)
    if folder is not None and folder.name == listing.commit:
        return folder
    _check_sizes(listing, [CONFIG_FILE], MAX_JSON_BYTES)
    # By the name of the revision, so that the cache notes which commit it is: offline, there is nobody else to ask.
    return _download(listing, CONFIG_FILE, listing.model.revision).parent


def _files_of_modules(listing, folder):
    """What says, beside a model, how its texts become vectors, and the weights of a layer for it: all of it small."""
    if not makes_vectors(folder):
        return []
    homes = [home for _, home in read_modules(folder / MODULES_FILE) if home]
    return [f"{home}/{name}" for home in homes for name in (CONFIG_FILE, *WHOLE) if f"{home}/{name}" in listing.sizes]


def _remote_weights(listing, folder):
    def bring_index(name):
        _bring(listing, [name], MAX_JSON_BYTES)
        return folder / name

    chosen = _choose_weights(listing.sizes, bring_index)
    if not chosen:
        raise ValueError(
            f"The model has no weights that can be read here: none of {', '.join(WHOLE + INDEXED)}. "
            f"It has: {_some(listing.sizes)}. Received: {listing.model.address}"
        )
    return chosen


def _choose_weights(names: Collection[str], path_of_index: Callable[[str], Path]) -> list[str]:
    """The files of the first form of weights that is among the names; none if there is no form."""
    for whole, index in zip(WHOLE, INDEXED, strict=True):
        if whole in names:
            return [whole]
        if index in names:
            path = path_of_index(index)
            homes = read_json(path).get("weight_map")
            shards = sorted(set(map(str, homes.values()))) if isinstance(homes, dict) else []
            absent = [name for name in shards if name not in names]
            if absent or not shards:
                raise ValueError(f"{path} must name files that are beside it. Absent: {_some(absent) or 'all'}")
            return [index, *shards]
    return []


def _bring(listing, names: Iterable[str], largest=None):
    from huggingface_hub import try_to_load_from_cache

    absent = [
        name
        for name in names
        if not isinstance(try_to_load_from_cache(listing.model.repository, name, revision=listing.commit), str)
    ]
    if largest is not None:
        _check_sizes(listing, absent, largest)
    _check_room(listing, absent)
    for name in absent:
        _download(listing, name, listing.commit)


def _check_sizes(listing, names, largest):
    large = [f"{name}: {listing.sizes[name]:,}" for name in names if listing.sizes[name] > largest]
    if large:
        raise ValueError(
            f"A file of this kind has at most {largest:,} bytes. "
            f"Received: {', '.join(large)} of {listing.model.address}"
        )


def _check_room(listing, names):
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE).absolute()
    there = next(path for path in (cache, *cache.parents) if path.is_dir())
    needed, free = sum(listing.sizes[name] for name in names), shutil.disk_usage(there).free
    if needed > free:
        raise OSError(
            errno.ENOSPC,
            f"{listing.model.address} needs {needed:,} bytes more in {cache}, where {free:,} are free. Free some space "
            "(`hf cache ls` shows what is kept there), or have HF_HUB_CACHE name a folder on another disk",
        )


def _download(listing, name, revision):
    """Bring a file, and check it; what is wrong, or was not checked to the end, does not stay."""
    from huggingface_hub import hf_hub_download

    with explained(listing.model, name):
        path = Path(hf_hub_download(listing.model.repository, name, revision=revision))
    try:
        _check_sum(path, listing.sha256.get(name), listing.model)
    except BaseException:
        for each in (path.resolve(), path):
            each.unlink(missing_ok=True)
        raise
    return path


def _check_sum(path, expected, model):
    if expected is None:
        return
    with open(path, "rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        raise ValueError(
            f"{path.name} came as another file than the hub says, and was removed. Ask again; if it stays so, what is "
            f"between the hub and this machine changes files. Expected SHA-256 {expected}. Received: {found}, of "
            f"{model.address}"
        )


def _some(names):
    names = sorted(names)
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
