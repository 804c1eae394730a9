"""Files of `torch.save`, read without torch and without running anything in them.

Such a file is a zip archive: `data.pkl`, a pickle of names and of what is where, and the numbers, one entry for each
storage. A pickle may call any function of the machine; this reader lets it name a handful of things and no other.
"""

import contextlib
import math
import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import ml_dtypes
import numpy as np

from zoo.weights.parts import rows_of_a_part, split

STORAGES = {
    "DoubleStorage": np.float64, "FloatStorage": np.float32, "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16, "LongStorage": np.int64, "IntStorage": np.int32, "ShortStorage": np.int16,
    "CharStorage": np.int8, "ByteStorage": np.uint8, "BoolStorage": np.bool_,
}  # fmt: skip
LARGEST_PICKLE = 100_000_000
DAMAGED = (
    zipfile.BadZipFile, pickle.UnpicklingError, zlib.error, OSError, EOFError, ValueError, TypeError, KeyError,
    IndexError, AttributeError, OverflowError, RuntimeError,
)  # fmt: skip


class TorchFile:
    """The tensors in a file of `torch.save`: a dict of them, as `state_dict()` gives it.

    Attributes:
        shapes: dict from the name of a tensor to its shape, a tuple of int.

    Raises:
        ValueError: if it is no such file, or holds anything else than tensors.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
            self._root, state = self._read_pickle()
        except DAMAGED as error:
            raise ValueError(
                f"{path} is no file of tensors as `torch.save` has written it since version 1.6: {error}. "
                "Save the model anew with safetensors, which holds no code by its form. A hub's file may be "
                "damaged: download it again."
            ) from error
        self._tensors = state
        self.shapes = {name: tensor.shape for name, tensor in state.items()}

    def _read_pickle(self):
        (entry,) = [each for each in self._archive.infolist() if each.filename.endswith("/data.pkl")] or [None]
        if entry is None or entry.file_size > LARGEST_PICKLE:
            raise ValueError("it has no data.pkl of a usual size")
        with self._archive.open(entry) as stream:
            state = _Unpickler(stream).load()
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            raise ValueError("it does not hold names and tensors")
        tensors = {name: value for name, value in state.items() if isinstance(value, _Tensor)}
        if len(tensors) < len(state):
            raise ValueError(f"it does not hold tensors alone: {sorted(state.keys() - tensors.keys())[:5]}")
        return entry.filename.removesuffix("data.pkl"), tensors

    def read(self, name: str) -> np.ndarray:
        """A tensor, in the type that it is stored in."""
        tensor = self._tensors[name]
        if 0 in tensor.shape:
            return np.zeros(tensor.shape, tensor.dtype)
        with self._reading(name):
            numbers = np.frombuffer(self._archive.read(self._storage(tensor)), tensor.dtype)
        self._check(name, tensor, len(numbers))
        steps = tuple(step * numbers.itemsize for step in tensor.strides)
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, steps))

    def parts(self, name: str) -> Iterator[np.ndarray]:
        """A tensor, some rows at a time."""
        tensor = self._tensors[name]
        if not tensor.is_in_order():
            yield from split(self.read(name))
            return
        with self._reading(name):
            count = self._archive.getinfo(self._storage(tensor)).file_size // tensor.dtype.itemsize
        self._check(name, tensor, count)
        shape, rows = tensor.shape, rows_of_a_part(tensor.shape)
        with self._reading(name), self._archive.open(self._storage(tensor)) as stream:
            stream.seek(tensor.offset * tensor.dtype.itemsize)
            for start in range(0, shape[0], rows):
                wanted = (min(rows, shape[0] - start), *shape[1:])
                numbers = np.frombuffer(stream.read(math.prod(wanted) * tensor.dtype.itemsize), tensor.dtype)
                yield numbers.reshape(wanted)

    @contextlib.contextmanager
    def _reading(self, name):
        """Errors of the archive as a ValueError with the path and the tensor."""
        try:
            yield
        except DAMAGED as error:
            raise ValueError(
                f"{self.path} is damaged, or was cut short: {name} cannot be read: {error}. Download it again."
            ) from error

    def _storage(self, tensor):
        return f"{self._root}data/{tensor.storage}"

    def _check(self, name, tensor, count):
        """Raise a ValueError unless a storage of `count` numbers holds all of a tensor."""
        if not (all(size > 0 for size in tensor.shape) and min(tensor.strides, default=0) >= 0 <= tensor.offset):
            raise ValueError(f"{self.path} is damaged: {name} has a shape that cannot be.")
        last = tensor.offset + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.strides, strict=True))
        if last >= count:
            raise ValueError(f"{self.path} was cut short: {name} needs {last + 1} numbers. Received: {count}")


class _Tensor:
    """Where a tensor's numbers are."""

    __slots__ = ("dtype", "offset", "shape", "storage", "strides")

    def __init__(self, storage, offset, shape, strides):
        self.storage, self.dtype = storage
        self.offset = int(offset)
        self.shape, self.strides = (tuple(int(each) for each in numbers) for numbers in (shape, strides))

    def is_in_order(self):
        """Whether the numbers stand one after the other, as NumPy has them, in at least one row."""
        steps = (math.prod(self.shape[axis + 1 :]) for axis in range(len(self.shape)))
        found = zip(self.shape, steps, self.strides, strict=True)
        return 0 not in self.shape != () and all(size == 1 or step == stride for size, step, stride in found)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        # Made anew for each file: a pickle can change what it is given.
        if module == "torch" and name in STORAGES:
            return type(name, (), {"dtype": np.dtype(STORAGES[name])})
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(storage, offset, shape, strides)
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        raise pickle.UnpicklingError(f"it names {module}.{name}, which a file of tensors has no use for")

    def persistent_load(self, place):
        kind, storage, key, *_ = place
        if kind != "storage" or not str(key).isdigit():
            raise pickle.UnpicklingError(f"it points to {place!r}")
        return str(key), storage.dtype
