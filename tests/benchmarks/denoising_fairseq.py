"""The noises of BART as fairseq makes them, from its unpacked wheel, for `tests.benchmarks.denoising`.

    pip download fairseq==0.12.2 --no-deps --only-binary=:all: --python-version 3.8 --platform manylinux1_x86_64
    unzip fairseq-0.12.2-*.whl -d fairseq_wheel

The whole package needs an older Python. Its data set of noisy texts needs PyTorch and two of its files only.
"""

import importlib.util
import pathlib
import sys
import types

from tests.benchmarks import denoising_by_example as by_example

_SETTINGS = {
    "TokenMasking": {"mask": 0.15, "mask_length": "subword", "replace_length": 1},
    "TokenDeletion": {"mask": 0.15, "mask_length": "subword", "replace_length": 0},
    "TextInfilling": {"mask": 0.3, "mask_length": "span-poisson", "replace_length": 1},
    "SentencePermutation": {"permute_sentences": 1.0},
    "DocumentRotation": {"rotate": 1.0},
    "SentencePermutation + TextInfilling": {
        "mask": 0.3, "mask_length": "span-poisson", "replace_length": 1, "permute_sentences": 1.0,
    },
}  # fmt: skip


class _Vocabulary:
    """What fairseq's dictionary is asked for; a sentence ends at a token of its own, as GPT-2's full stop is one."""

    def __init__(self, size, full_stop):
        self._size, self._full_stop = size, full_stop

    def __len__(self):
        return self._size

    def index(self, token):
        return self._full_stop

    def bos(self):
        return by_example.START

    def eos(self):
        return by_example.END

    def pad(self):
        return by_example.PAD


def load(folder):
    """Its class `DenoisingDataset`.

    Args:
        folder: path of the unpacked wheel.
    """
    import torch

    torch.set_num_threads(1)
    data = pathlib.Path(folder) / "fairseq" / "data"
    if not (data / "denoising_dataset.py").is_file():
        raise ValueError(f"Expected the folder of an unpacked wheel of fairseq. Received: {str(folder)!r}")
    for name in ("fairseq", "fairseq.file_io", "fairseq.utils", "fairseq.data"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["fairseq"].utils = sys.modules["fairseq.utils"]
    sys.modules["fairseq.file_io"].PathManager = None
    package = sys.modules["fairseq.data"]
    package.__path__ = [str(data)]
    package.FairseqDataset = torch.utils.data.Dataset
    package.data_utils = _load_file("fairseq.data.data_utils", data / "data_utils.py")
    return _load_file("fairseq.data.denoising_dataset", data / "denoising_dataset.py").DenoisingDataset


def _load_file(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_function(dataset_class, name, rows, size, full_stop, length):
    """A function that makes a batch of the rows, or None where fairseq has no such objective.

    Args:
        dataset_class: what `load` gives.
        name: str, an objective.
        rows: int array (batch, length), with start and end tokens.
        size: int, of the vocabulary.
        full_stop: int, the token that ends a sentence.
        length: int, tokens to pad to.
    """
    import torch

    if name not in _SETTINGS:
        return None
    chosen = {
        "mask": 0.0, "mask_random": 0.0, "insert": 0.0, "rotate": 0.0, "permute_sentences": 0.0, "bpe": "gpt2",
        "mask_length": "subword", "replace_length": 1, "poisson_lambda": 3.0, **_SETTINGS[name],
    }  # fmt: skip
    texts = [torch.from_numpy(row).long() for row in rows]
    dataset = dataset_class(
        texts, [len(text) for text in texts], _Vocabulary(size, full_stop), by_example.MASK, None, shuffle=False,
        seed=1, args=types.SimpleNamespace(**chosen),
    )  # fmt: skip

    def make():
        # Its masks are written into the texts that it is given.
        dataset.dataset = [text.clone() for text in texts]
        return dataset.collater([dataset[i] for i in range(len(texts))], {"source": length, "target": length})

    return make
