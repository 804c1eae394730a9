"""Checkpoint folders of other libraries: names, shapes, and tensors read one at a time; nothing in them is run."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from zoo.weights.parts import rows_of_a_part
from zoo.weights.strict_json import read_json
from zoo.weights.torch_file import TorchFile

# In the order of preference: a file of safetensors holds no code by its form.
WHOLE = ("model.safetensors", "pytorch_model.bin")
INDEXED = tuple(f"{name}.index.json" for name in WHOLE)
SHARED_BLOB = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}")


class SafetensorsFile:
    """A file of safetensors.

    Attributes:
        shapes: dict from the name of a tensor to its shape, a tuple of int.
    """

    def __init__(self, path: Path):
        from safetensors import SafetensorError

        self.path = path
        try:
            with self._open() as file:
                self.shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise ValueError(
                f"{path} is no file of safetensors, or was cut short: {error}. Download it again."
            ) from error

    def read(self, name: str) -> np.ndarray:
        """A tensor, in the type that it is stored in."""
        with self._open() as file, self._of_a_known_type(name):
            return file.get_tensor(name)

    def parts(self, name: str) -> Iterator[np.ndarray]:
        """A tensor, some rows at a time."""
        if not self.shapes[name]:
            yield self.read(name)
            return
        count, rows = self.shapes[name][0], rows_of_a_part(self.shapes[name])
        with self._open() as file, self._of_a_known_type(name):
            tensor = file.get_slice(name)
            for start in range(0, count, rows):
                yield tensor[start : min(start + rows, count)]

    @contextlib.contextmanager
    def _of_a_known_type(self, name):
        """A ValueError in the place of what NumPy says of a type that it does not have, such as float8."""
        try:
            yield
        except (AttributeError, TypeError) as error:
            raise ValueError(
                f"Tensors of float16, bfloat16, float32 or float64 were expected. Received: {name} in {self.path}, "
                f"which NumPy cannot read ({error}). Save the model anew in one of these types."
            ) from error

    def _open(self):
        """The file, for one tensor: what was read of a mapped file counts as memory until the file is closed."""
        from safetensors import safe_open

        return safe_open(self.path, framework="numpy")


class Checkpoint:
    """The tensors of a model folder of Hugging Face, in one file or in shards.

    Args:
        folder: path that holds `model.safetensors` or `pytorch_model.bin`, or either of them in shards with an index.

    Attributes:
        folder: `Path`.
        shapes: dict from the name of a tensor to its shape.

    Raises:
        ValueError: if there are no weights in the folder, a file is damaged or leads out of the folder, or an index
            and its shards do not agree.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._home = {}
        for file in self._files():
            for name in file.shapes:
                self._home[name] = file
        self.shapes = {name: file.shapes[name] for name, file in self._home.items()}

    def read(self, name: str) -> np.ndarray:
        """A tensor, in the type that it is stored in."""
        return self._home[name].read(name)

    def parts(self, name: str) -> Iterator[np.ndarray]:
        """A tensor, some rows at a time, in their order and in the type that it is stored in.

        How many depends on the shape alone, so that two tensors can be compared part by part.
        """
        return self._home[name].parts(name)

    def _files(self):
        for whole, indexed in zip(WHOLE, INDEXED, strict=True):
            if (self.folder / whole).is_file():
                return [self._open(whole)]
            if (self.folder / indexed).is_file():
                return self._shards(indexed)
        raise ValueError(
            f"The folder holds no weights: none of {', '.join(WHOLE + INDEXED)}. Received: folder={self.folder}"
        )

    def _shards(self, index):
        homes = read_json(self.folder / index).get("weight_map")
        if not isinstance(homes, dict) or not all(isinstance(value, str) for value in homes.values()):
            raise ValueError(f"{self.folder / index} must hold a `weight_map` from names to files.")
        files = {name: self._open(name) for name in sorted(set(homes.values()))}
        wrong = [
            *(f"{name}: not in {home}" for name, home in homes.items() if name not in files[home].shapes),
            *(
                f"{name}: in {path}, not in the index"
                for path, file in files.items()
                for name in file.shapes.keys() - homes
            ),
        ]
        if wrong:
            raise ValueError(f"{self.folder / index} and its files do not agree:\n  " + "\n  ".join(wrong[:20]))
        return list(files.values())

    def _open(self, name):
        path = self.folder / name
        if Path(name).name != name or not belongs(path, self.folder):
            raise ValueError(f"A file of weights must lie in the folder itself. Received: {name!r} in {self.folder}")
        if not path.is_file():
            raise ValueError(f"The index names a file that is not there. Received: {path}")
        return SafetensorsFile(path) if path.suffix == ".safetensors" else TorchFile(path)


def belongs(path: Path, folder: Path) -> bool:
    """Whether a file is in the folder, or, by a link, in the same model of the hub's cache, which is made of links.

    There `<cache>/<model>/snapshots/<commit>/<name>`, of a file or of one in a folder, leads to
    `<cache>/<model>/blobs/<hash>`, and that, for files that models share, to `<cache>/blobs/<two digits>/<hash>`.
    """
    real, home = path.resolve(), folder.resolve()
    if real.is_relative_to(home):
        return True
    if home.parent.parent.name == "snapshots":
        home = home.parent
    model = home.parent.parent
    if home.parent.name != "snapshots" or not model.name.startswith("models--"):
        return False
    shared = model.parent / "blobs"
    is_shared = real.is_relative_to(shared) and SHARED_BLOB.fullmatch(real.relative_to(shared).as_posix()) is not None
    return is_shared or real.is_relative_to(model / "blobs")
