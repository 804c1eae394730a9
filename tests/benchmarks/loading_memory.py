"""Peak memory and seconds of loading a big checkpoint, over the bytes of its weights, for every form it can have.

    python -m tests.benchmarks.loading_memory [--parameters 400e6] [--forms safetensors bin preset ...] [--presets]

A BERT with random weights is written in each form, read in a fresh process and removed. The memory is that of the
process beyond what it had after its imports and a first small model. `anonymous` is what it has allocated
(RssAnon + RssShmem, sampled from outside every 2 ms); `resident` is the highest that the kernel has seen (VmHWM), with
the pages of files that are mapped, which the kernel may drop at any time. Both are divided by the bytes of the weights
in the type asked for. Files are in the cache of the system when they are read. Linux only. `--presets` times those
that are shipped instead. The form `bin` needs torch.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WIDTH, VOCABULARY = 1024, 30522
FORMS = (
    "safetensors", "safetensors-shards", "safetensors-bfloat16", "bin", "bin-bfloat16", "preset", "preset-shards",
)  # fmt: skip
TYPES = ("float32", "bfloat16", "mixed_bfloat16")
SHIPPED = ("bert_tiny_en_uncased_books", "albert_tiny_en_uncased_books", "bart_tiny_en_cased_books")


def status(process="self"):
    """Bytes of each kind of memory of a process."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    parts = (line.split() for line in lines if line.startswith(("VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem")))
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _ in parts}


def anonymous(memory):
    return memory["RssAnon"] + memory["RssShmem"]


def write(form, folder, layers):
    """A BERT with random weights as a folder of this form."""
    import numpy as np

    import zoo
    from zoo.weights.undrawn import without_drawing

    with without_drawing():
        backbone = zoo.BertBackbone(VOCABULARY, layers, 16, WIDTH, 4 * WIDTH)
    random = np.random.default_rng(0)
    for weight in backbone.weights:
        weight.assign(random.random(weight.shape, "float32"))
    shard = 0.4 if form.endswith("-shards") else 100
    if form.startswith("preset"):
        backbone.save_to_preset(folder, max_shard_size=shard)
        return
    zoo.presets.export_to_huggingface(backbone, folder, max_shard_size=shard)
    whole = Path(folder, "model.safetensors")
    if form.endswith("bfloat16") or form.startswith("bin"):
        from safetensors.numpy import load_file, save_file

        tensors = load_file(whole)
        whole.unlink()
        if form.startswith("bin"):
            import torch

            kind = torch.bfloat16 if form.endswith("bfloat16") else torch.float32
            torch.save({name: torch.from_numpy(tensor).to(kind) for name, tensor in tensors.items()},
                       whole.with_name("pytorch_model.bin"))  # fmt: skip
        else:
            save_file({name: tensor.astype("bfloat16") for name, tensor in tensors.items()}, whole)


def load(folder, dtype):
    """Load in this process; print its memory before, and what was loaded."""
    import keras

    import zoo

    small = zoo.BertBackbone(11, 1, 2, 4, 8, dtype=dtype)
    keras.ops.convert_to_numpy(small({name: keras.ops.ones((1, 3), "int32") for name in small.input})["pooled_output"])
    Path("/proc/self/clear_refs").write_text("5")
    print(json.dumps({"before": status()}), flush=True)
    began = time.perf_counter()
    backbone = zoo.presets.load_backbone(folder, dtype=dtype)
    for weight in backbone.weights:
        getattr(weight.value, "block_until_ready", lambda: None)()
    seconds = time.perf_counter() - began
    size = backbone.count_params() * (2 if dtype == "bfloat16" else 4)
    found = {"seconds": seconds, "bytes": size, "after": status()}
    print(json.dumps(found), flush=True)


def measure(folder, dtype):
    """Load in another process, and watch its memory meanwhile."""
    command = [sys.executable, "-m", "tests.benchmarks.loading_memory", "--load", str(folder), "--dtype", dtype]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        before = json.loads(process.stdout.readline())["before"]
        os.set_blocking(process.stdout.fileno(), False)
        peak, line = 0, ""
        while process.poll() is None and not line:
            memory = status(process.pid)
            peak = max(peak, anonymous(memory)) if memory else peak
            line = process.stdout.readline()
            time.sleep(0.002)
        line = line or process.stdout.readline()
    if process.returncode:
        raise SystemExit(f"Loading {folder} failed, see above.")
    found = json.loads(line)
    return {
        "anonymous": (peak - anonymous(before)) / found["bytes"],
        "resident": (found["after"]["VmHWM"] - before["VmRSS"]) / found["bytes"],
        **found,
    }


def shipped():
    """Seconds of loading the presets that travel with the package, the best of three."""
    import zoo

    for name in SHIPPED:
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            zoo.presets.load_backbone(name)
            seconds.append(time.perf_counter() - began)
        print(f"{name:32} {min(seconds):7.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parameters", type=float, default=400e6)
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    parser.add_argument("--types", nargs="+", choices=TYPES, default=TYPES)
    parser.add_argument("--presets", action="store_true", help="time the shipped presets instead")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    parser.add_argument("--dtype", help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.presets:
        return shipped()
    if options.load:
        return load(options.load, options.dtype)
    if options.write:
        return write(options.write[0], options.write[1], int(options.write[2]))
    layers = max(1, round((options.parameters - VOCABULARY * WIDTH) / (12 * WIDTH**2)))
    print(f"{'backend':11}{'form':24}{'asked for':16}{'anonymous':>10}{'resident':>10}{'seconds':>9}", flush=True)
    for form in options.forms:
        folder = Path(tempfile.mkdtemp()) / "model"
        try:
            command = [sys.executable, "-m", "tests.benchmarks.loading_memory", "--write", form, folder, str(layers)]
            subprocess.run(command, check=True)
            for dtype in options.types:
                found = measure(folder, dtype)
                backend = os.environ.get("KERAS_BACKEND", "tensorflow")
                print(f"{backend:11}{form:24}{dtype:16}{found['anonymous']:10.2f}{found['resident']:10.2f}"
                      f"{found['seconds']:9.1f}", flush=True)  # fmt: skip
        finally:
            shutil.rmtree(folder.parent)
    return None


if __name__ == "__main__":
    main()
