"""The files of a preset folder: checked before they are used, replaced whole or not at all."""

import contextlib
import errno
import hashlib
import math
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

CONFIG_FILE = "config.json"
# How a model of Hugging Face says a text, where that is not in the other.
GENERATION_FILE = "generation_config.json"
# In model folders as Google released BERT and ALBERT.
RELEASED_CONFIG_FILES = ("bert_config.json", "albert_config.json")
TOKENIZER_FILE = "tokenizer.json"
WEIGHTS_FILE = "model.weights.h5"
TASK_FILE = "task.json"
TASK_WEIGHTS_FILE = "task.weights.h5"
SHARDED_WEIGHTS_FILE = "model.weights.json"
SHARDS = "model_[0-9][0-9][0-9][0-9][0-9].weights.h5"
# What HDF5 writes beside each value was measured as 2.5 kB; the vocabulary of 120,000 pieces has 1 MB.
OVERHEAD_OF_A_VARIABLE = 4096
OTHER_FILES = 4_000_000
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
PRESET_ENTRIES = ("*.json", "*.weights.h5", "assets", "README.md", "LICENSE")


def verify(folder: Path, files: Mapping) -> None:
    """Check the files of a shipped preset against their card before anything in them is used.

    Hidden files are passed over; any other file that the card does not list is an error, because a
    loader might pick it up unchecked.

    Args:
        folder: path of the preset.
        files: mapping from a path inside `folder`, with forward slashes, to a `zoo.cards.ShippedFile`.

    Raises:
        ValueError: naming every file that is missing, changed or not listed, expected and received.
    """
    folder = Path(folder)
    problems = [problem for path, file in files.items() if (problem := _difference(folder / path, path, file))]
    problems += [f"{path}: not listed in the card" for path in _visible_files(folder) if path not in files]
    if problems:
        raise ValueError(
            f"The preset in {folder} is not as it was shipped:\n  " + "\n  ".join(problems) + "\nReinstall "
            "the package (`pip install --force-reinstall keras-text-zoo`) or check the files out again."
        )


def _difference(location, path, file):
    if not location.is_file():
        return f"{path}: missing"
    size = location.stat().st_size
    if size != file.bytes:
        return f"{path}: expected {file.bytes:,} bytes. Received: {size:,} bytes"
    with open(location, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return None if digest == file.sha256 else f"{path}: expected SHA-256 {file.sha256}. Received: {digest}"


def _visible_files(folder):
    paths = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]


def bytes_to_save(model) -> int:
    """Return the bytes that a preset of a Keras model takes at most: weights, optimizer state, and what is small."""
    optimizer = getattr(model, "optimizer", None)
    every = [*model.variables, *([] if optimizer is None else optimizer.variables)]
    every = list({id(variable): variable for variable in every}.values())
    values = sum(math.prod(variable.shape) * np.dtype(variable.dtype).itemsize for variable in every)
    return values + len(every) * OVERHEAD_OF_A_VARIABLE + OTHER_FILES


def remove_weights(folder: str | os.PathLike) -> None:
    """Remove the weights of a backbone from a preset folder, be they in one file or in shards."""
    for pattern in (WEIGHTS_FILE, SHARDED_WEIGHTS_FILE, SHARDS):
        for path in Path(folder).glob(pattern):
            path.unlink()


@contextlib.contextmanager
def writing_folder(
    folder: str | os.PathLike, needed_bytes: int = 0, entries: Sequence[str] = PRESET_ENTRIES
) -> Iterator[Path]:
    """Give an empty folder to write a preset to, which takes the place of `folder` only when all went well.

    The new folder is made beside `folder` and renamed at the end. After an error, a full disk or an
    interruption, the temporary folder is removed and what was in `folder` before is untouched.

    Args:
        folder: path where the preset is to be. A preset that is there already is replaced.
        needed_bytes: int, how much will be written at most (`bytes_to_save`). The disk is asked for it before
            the first byte, because HDF5 may bring the process down when the disk fills up under it.
        entries: patterns of names; a folder that holds anything else is not replaced.

    Yields:
        The path of the temporary folder.

    Raises:
        ValueError: if `folder` exists and holds anything else than such entries.
        OSError: if the disk is full (`errno.ENOSPC`), or as the file system says.

    Example:

    >>> import os, tempfile
    >>> from zoo.weights import writing_folder
    >>> target = os.path.join(tempfile.mkdtemp(), "my_model")
    >>> with writing_folder(target) as temporary:
    ...     _ = (temporary / "config.json").write_text("{}")
    >>> os.listdir(target)
    ['config.json']
    """
    target = Path(os.path.realpath(os.path.expanduser(folder)))
    _check_replaceable(target, entries)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}.saving"
    try:
        temporary.mkdir()
        _check_room(temporary / "room", needed_bytes)
        yield temporary
        _swap(temporary, target)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        # HDF5 wraps the system's error, and not always into an OSError.
        if getattr(error, "errno", None) in DISK_FULL or os.strerror(errno.ENOSPC) in str(error):
            raise OSError(
                errno.ENOSPC,
                f"No space left for the preset {target} ({error}). Nothing there was changed. Free some space, or "
                "save to another disk: the model is still in memory.",
            ) from error
        raise


def _check_room(path, needed_bytes):
    """Raise an OSError unless so many bytes can be written; unlike the free space, this knows of quotas."""
    free = shutil.disk_usage(path.parent).free
    if free < needed_bytes:
        raise OSError(errno.ENOSPC, f"{needed_bytes:,} bytes are needed and {free:,} are free")
    if needed_bytes and hasattr(os, "posix_fallocate"):
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, needed_bytes)
        path.unlink()


def _check_replaceable(target, entries):
    if not target.exists():
        return
    if not target.is_dir():
        raise ValueError(f"A preset is saved as a folder, and there is a file of that name. Received: folder={target}")
    foreign = sorted(entry.name for entry in target.iterdir() if not any(entry.match(pattern) for pattern in entries))
    if foreign or (any(target.iterdir()) and not (target / CONFIG_FILE).is_file()):
        raise ValueError(
            "The folder exists and is not a preset that may be replaced: "
            + (f"it also holds {', '.join(foreign[:5])}" if foreign else f"it has no {CONFIG_FILE}")
            + f". Choose a new folder. Received: folder={target}"
        )


def _swap(temporary, target):
    """Put `temporary` in the place of `target`; what was there leaves by a rename too, and comes back on failure."""
    if not target.exists():
        temporary.rename(target)
        return
    retired = temporary.with_suffix(".replaced")
    target.rename(retired)
    try:
        temporary.rename(target)
    except BaseException:
        retired.rename(target)
        raise
    shutil.rmtree(retired, ignore_errors=True)
