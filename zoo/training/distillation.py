"""A small model learns the vectors that a larger one makes of texts: what `zoo distill` runs."""

import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np

from zoo import presets
from zoo.data.documents import read_documents
from zoo.data.inputs import Examples
from zoo.data.sentences import cut_sentences
from zoo.data.text_files import expand_paths
from zoo.training.checkpoints import Checkpoint
from zoo.training.optimizers import FineTuningAdamW
from zoo.training.progress import ProgressBar
from zoo.training.runs import RunFolder, check_same, draw_curves, read_metrics, write_json

RESULT_FILE = "result.json"
# Texts whose vectors are one file, so that an interruption costs little.
PART = 10_000
# How likely it is that the next sentence of its paragraph joins a text, and how many may.
ONE_MORE, MOST = 0.25, 3
PART_NAME = "distillation"


def distill(
    files,
    teacher: str,
    start: str,
    run,
    texts: int = 200_000,
    held_out: int = 2_000,
    pooling: str | None = None,
    epochs: int = 3,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    load_weights: bool = True,
    dtype: str = "float32",
    seed: int = 0,
) -> dict:
    """Teach a preset the vectors that a larger model makes of unlabelled texts, and save it as a preset.

    Reimers & Gurevych (2020), arXiv 2004.09813, section 2, in one language, with the cosine in place of the squared
    error; Turc et al. (2019), arXiv 1908.08962: small models gain most by masked LM first, a teacher then, and then the
    task. The texts are sentences of the files, or two or three that follow each other, drawn at random. The teacher
    reads them once; its vectors stay in the run's folder. An interrupted run is taken up where it was.

    Args:
        files: paths or patterns of text, see `zoo.data.prepare`.
        teacher: preset of the model whose vectors are learnt, see `zoo.TextEmbedder.from_preset`.
        start: preset that learns.
        run: folder of the run.
        texts: int, texts to learn from.
        held_out: int, further texts to validate on.
        pooling: what the learner's vector is made of, see `zoo.TextEmbedder`; None for what its other tasks read.
        epochs: int, passes over the texts.
        batch_size: int, texts.
        learning_rate: float, the peak, after a tenth of the steps; it falls to zero.
        load_weights: bool, False to begin with random weights.
        dtype: str, Keras dtype policy of both models.
        seed: int, of what is drawn.

    Returns:
        dict, also written to `result.json` in the run's folder: `texts`, `epochs`, `tokens` (those of the texts in all
        epochs), `minutes` of the learner's training, and the mean `cosine` with the teacher's vectors and
        `held_out_cosine`.

    Raises:
        ValueError: if the files have too few texts, or the run's folder holds a run with another configuration.
    """
    from zoo.tasks import TextEmbedder  # which trains, and so knows this package

    config = {
        "command": "distill", "files": [str(file) for file in expand_paths(files)], "teacher": str(teacher),
        "start": str(start), "texts": texts, "held_out": held_out, "pooling": pooling, "epochs": epochs,
        "batch_size": batch_size, "learning_rate": learning_rate, "load_weights": load_weights, "dtype": dtype,
        "seed": seed,
    }  # fmt: skip
    check_same(run, config)
    drawn = draw_texts(config["files"], texts + held_out, seed)
    teaching = TextEmbedder.from_preset(teacher, dtype=dtype)
    keras.utils.set_random_seed(seed)
    model = TextEmbedder.from_preset(
        start, backbone=_without_dropout(start, load_weights, dtype), pooling=pooling,
        embedding_dim=teaching.output.shape[-1], dropout=0.0, seed=seed,
    )  # fmt: skip
    folder = RunFolder(run)
    folder.write_config(**config)
    vectors = teacher_vectors(teaching, drawn, folder.path / "vectors")
    del teaching
    _train(model, drawn, vectors, held_out, folder, epochs, batch_size, learning_rate)
    return _finish(model, drawn[held_out:], folder, epochs)


def _without_dropout(start, load_weights, dtype):
    """A backbone that is trained without dropout, because there are many texts, and saved with its preset's."""
    backbone = presets.load_backbone(start, load_weights=load_weights, dtype=dtype, dropout=0.0)
    backbone.dropout = presets.load_backbone(start, load_weights=False).dropout
    return backbone


def draw_texts(files: Iterable, count: int, seed: int) -> list[str]:
    """Texts of one to three sentences, drawn from files at random, each once.

    Args:
        files: paths of text files.
        count: int, texts.
        seed: int.

    Raises:
        ValueError: if there are fewer.
    """
    draw = random.Random(seed)
    found = list(dict.fromkeys(text for document in read_documents(files) for text in _cut(document, draw)))
    if len(found) < count:
        raise ValueError(
            f"The files must have {count:,} different texts of one to {MOST} sentences, to learn from and held out. "
            f"Received: {len(found):,}. Give more files, or ask for fewer texts."
        )
    return draw.sample(found, count)


def _cut(document: str, draw) -> Iterator[str]:
    for paragraph in document.splitlines():
        text = []
        for sentence in cut_sentences(paragraph):
            text.append(sentence)
            if len(text) == MOST or draw.random() >= ONE_MORE:
                yield "".join(text).strip()
                text = []
        if text:
            yield "".join(text).strip()


def teacher_vectors(teacher, texts: list[str], folder) -> np.ndarray:
    """The vectors that a `zoo.TextEmbedder` makes of texts, float16 array (texts, embedding_dim).

    They are kept in files of 10,000 in a folder; what is there is not computed again.
    """
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    firsts = range(0, len(texts), PART)
    bar = keras.utils.Progbar(len(firsts), unit_name="part")
    for first in firsts:
        path = folder / f"{first // PART:05d}.npy"
        if not path.exists():
            beside = path.with_name(f".{path.name}")
            np.save(beside, teacher.embed(texts[first : first + PART], batch_size=128).astype("float16"))
            os.replace(beside, path)
        bar.add(1)
    return np.concatenate([np.load(folder / f"{first // PART:05d}.npy") for first in firsts])


def _train(model, texts, vectors, held_out, folder, epochs, batch_size, learning_rate):
    model.compile(optimizer=FineTuningAdamW(learning_rate))
    checkpoint = Checkpoint(folder.path / "checkpoint", every="epoch")
    done = checkpoint.restore(model)
    steps = -(-(len(texts) - held_out) // batch_size)
    folder.forget_after(done)
    if done >= epochs * steps:
        return
    model.fit(
        texts[held_out:],
        vectors[held_out:],
        batch_size=batch_size,
        epochs=epochs,
        initial_epoch=done // steps,
        validation_data=(texts[:held_out], vectors[:held_out]) if held_out else None,
        callbacks=[
            *folder.callbacks(PART_NAME, steps_done=done),
            checkpoint,  # behind the row of its step, so that none is missing after a kill
            ProgressBar(epochs * steps, label=PART_NAME, steps_done=done),
        ],
        verbose=0,
    )


def _finish(model, texts, folder, epochs):
    """Save the preset, and say how it went."""
    rows = read_metrics(folder.metrics_file)
    draw_curves(rows, folder.curves, panels=[name for name in ("loss", "val_loss") if name in rows[-1]])
    model.save_to_preset(folder.preset)
    tokens = int(model.preprocessor.encode(Examples(texts)).lengths.sum())
    result = {
        "texts": len(texts), "epochs": epochs, "tokens": tokens * epochs, "minutes": round(rows[-1]["seconds"] / 60, 1),
        "cosine": round(-rows[-1]["loss"], 4),
        **({"held_out_cosine": round(-rows[-1]["val_loss"], 4)} if "val_loss" in rows[-1] else {}),
    }  # fmt: skip
    write_json(folder.path / RESULT_FILE, result)
    return result
