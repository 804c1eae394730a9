"""A small model learns what a larger one makes of texts and of pairs of texts: what `zoo distill` runs."""

import hashlib
import warnings

import keras
import numpy as np

from zoo import presets
from zoo.data.batches import BucketedBatches
from zoo.data.feeding import feed
from zoo.data.ragged import encode_texts, joined
from zoo.data.text_files import expand_paths
from zoo.heads import ClassificationHead
from zoo.training.checkpoints import Checkpoint
from zoo.training.devices import check_divided, filled, jit_by_default
from zoo.training.optimizers import AdamW
from zoo.training.progress import ProgressBar
from zoo.training.runs import RunFolder, check_same, draw_curves, read_metrics, write_json
from zoo.training.schedules import WarmupLinearDecay
from zoo.training.teaching import SIMILARITIES, VECTORS, Lessons, draw_pairs, draw_texts, teacher_vectors

RESULT_FILE = "result.json"
PART_NAME = "distillation"
# The squared error of a cosine is a small number beside a cosine.
WEIGHTS = {VECTORS: 1.0, SIMILARITIES: 20.0}


def distill(
    files,
    teacher: str,
    start: str,
    run,
    texts: int = 200_000,
    pairs: int = 100_000,
    held_out: int = 2_000,
    pooling: str | None = None,
    epochs: int = 3,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    load_weights: bool = True,
    dtype: str = "float32",
    seed: int = 0,
) -> dict:
    """Teach a preset what a larger model makes of unlabelled texts, and save it as a preset.

    It learns two things at once: the teacher's vector of a text, by the cosine with it (Reimers & Gurevych 2020, arXiv
    2004.09813, section 2, in one language), and, reading two texts as a pair, the cosine of the teacher's vectors of
    the two, by the squared error. So it begins tasks on texts and tasks on pairs with some idea of meaning. Turc et al.
    (2019), arXiv 1908.08962: a small model gains most by masked LM first, then a teacher, and then the task.

    The texts are sentences of the files, or two or three that follow each other, drawn at random; for the pairs see
    `zoo.training.teaching.draw_pairs`. The teacher reads every text once; its vectors stay in the run's folder. An
    interrupted run is taken up where it was.

    Args:
        files: paths or patterns of text, see `zoo.data.prepare`.
        teacher: preset of the model whose vectors are learnt, see `zoo.TextEmbedder.from_preset`.
        start: preset that learns.
        run: folder of the run.
        texts: int, texts to learn from.
        pairs: int, pairs of them; 0 for texts alone.
        held_out: int, further texts to validate on, and half as many pairs of them.
        pooling: what the learner's vector is made of, see `zoo.TextEmbedder`; None for what its other tasks read.
        epochs: int, passes over texts and pairs.
        batch_size: int, texts and pairs.
        learning_rate: float, the peak, after a tenth of the steps; it falls to zero.
        load_weights: bool, False to begin with random weights.
        dtype: str, Keras dtype policy of both models.
        seed: int, of what is drawn.

    Returns:
        dict, also written to `result.json` in the run's folder: `texts`, `pairs`, `epochs`, `steps`, `tokens` (of all
        epochs), `minutes` of the learner's training, and the last metrics: `vectors_cosine`, the mean cosine with the
        teacher's vectors, and `similarities_error`, the root mean squared error of the cosine of a pair; with `val_`,
        of what was held out.

    Raises:
        ValueError: if the files have too few texts, or the run's folder holds a run with another configuration.
    """
    numbers = {"texts": texts, "pairs": pairs, "held_out": held_out, "epochs": epochs, "batch_size": batch_size}
    _check_numbers(numbers)
    paths = [str(file) for file in expand_paths(files)]
    drawn = draw_texts(paths, texts + held_out, seed)
    teaching, model = _load(teacher, start, pooling, load_weights, dtype, seed)
    config = {
        "command": "distill", "files": paths, "teacher": str(teacher), "start": str(start), **numbers,
        "pooling": pooling, "learning_rate": learning_rate, "load_weights": load_weights, "dtype": dtype, "seed": seed,
        # The teacher's vectors are kept, and belong to these texts, this teacher, and this tokenizer.
        "drawn": _digest(map(str.encode, drawn)), "tokenizer": model.tokenizer.fingerprint(),
        "teacher_weights": _digest(np.asarray(weight).tobytes() for weight in teaching.weights),
    }  # fmt: skip
    check_same(run, config)
    folder = RunFolder(run)
    folder.write_config(**config)
    vectors = teacher_vectors(teaching, drawn, folder.path / "vectors")
    lessons = _lessons(model, teaching, drawn[held_out:], vectors[held_out:], pairs, folder.path / "altered", seed)
    asked = _lessons(
        model, teaching, drawn[:held_out], vectors[:held_out], min(pairs, held_out // 2),
        folder.path / "altered-held-out", seed,
    )  # fmt: skip
    del teaching
    train = BucketedBatches(lessons, batch_size, model.preprocessor.boundaries, seed)
    validation = BucketedBatches(asked, batch_size, model.preprocessor.boundaries)
    _train(_with_both_heads(model), train, validation, folder, epochs, learning_rate)
    return _finish(model, lessons, folder, epochs)


def _check_numbers(numbers):
    least = {"texts": 1, "pairs": 0, "held_out": 2, "epochs": 1, "batch_size": 1}
    for name, value in numbers.items():
        if value < least[name]:
            raise ValueError(f"`{name}` must be at least {least[name]}. Received: {name}={value}")
    check_divided(numbers["batch_size"])


def _load(teacher, start, pooling, load_weights, dtype, seed):
    """The model that teaches, and the one that learns, with a linear layer to the size of the other's vectors."""
    from zoo.tasks import TextEmbedder  # which trains, and so knows this package

    teaching = TextEmbedder.from_preset(teacher, dtype=dtype)
    keras.utils.set_random_seed(seed)
    model = TextEmbedder.from_preset(
        start, load_weights=load_weights, backbone=_without_dropout(start, load_weights, dtype), pooling=pooling,
        embedding_dim=teaching.output.shape[-1], dropout=0.0, seed=seed,
    )  # fmt: skip
    for preset, task in ((teacher, teaching), (start, model)):
        if task.tokenizer is None:
            raise ValueError(f"Both models read text, and need a tokenizer. Received: {str(preset)!r}, without one.")
    return teaching, model


def _digest(parts) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part + b"\0")
    return digest.hexdigest()[:16]


def _without_dropout(start, load_weights, dtype):
    """A backbone that is trained without dropout, because there are many texts, and saved with its preset's."""
    backbone = presets.load_backbone(start, load_weights=load_weights, dtype=dtype, dropout=0.0)
    backbone.dropout = presets.load_backbone(start, load_weights=False).dropout
    return backbone


def _lessons(model, teaching, texts, vectors, count, folder, seed):
    """What a model is taught of texts, as encoded examples."""
    tokenizer, length = model.tokenizer, model.preprocessor.sequence_length
    encoded = encode_texts(texts, None, tokenizer, length)
    pairs = draw_pairs(teaching, texts, vectors, count, tokenizer, folder, seed)
    if count:
        encoded = joined(encoded, encode_texts(pairs.first, pairs.second, tokenizer, length))
    return Lessons(encoded, tuple(model.input), tokenizer.pad_token_id, vectors, pairs.cosines)


def _with_both_heads(model):
    """A model that gives the vector of a text, and a number for a pair, from what the embedder's linear layer reads."""
    head = ClassificationHead(1, dtype=model.backbone.dtype_policy, name="pair")
    outputs = {VECTORS: model.output, SIMILARITIES: head(model.get_layer("projection").input)}
    return keras.Model(model.input, outputs)


def _train(model, train, validation, folder, epochs, learning_rate):
    steps = len(train)
    model.compile(
        optimizer=AdamW(WarmupLinearDecay(learning_rate, epochs * steps)),
        loss={VECTORS: keras.losses.CosineSimilarity(), SIMILARITIES: keras.losses.MeanSquaredError()},
        loss_weights=WEIGHTS,
        weighted_metrics={
            VECTORS: [keras.metrics.CosineSimilarity(name="cosine")],
            SIMILARITIES: [keras.metrics.RootMeanSquaredError(name="error")],
        },
        jit_compile=jit_by_default(),
    )
    checkpoint = Checkpoint(folder.path / "checkpoint", every="epoch")
    done = checkpoint.restore(model)
    folder.forget_after(done)
    if done >= epochs * steps:
        return
    first = done // steps
    callbacks = [
        *folder.callbacks(PART_NAME, steps_done=done),
        checkpoint,  # behind the row of its step, so that none is missing after a kill
        ProgressBar(epochs * steps, label=PART_NAME, steps_done=done),
    ]
    with warnings.catch_warnings():
        # A mean of the tokens leaves the pooler unused, of which Keras would warn.
        warnings.filterwarnings("ignore", "Gradients do not exist for variables")
        model.fit(
            feed(lambda epoch: map(filled, train(epoch + first))), steps_per_epoch=steps, epochs=epochs,
            initial_epoch=first, shuffle=False, validation_data=feed(lambda epoch: map(filled, validation())),
            validation_steps=len(validation), callbacks=callbacks, verbose=0,
        )  # fmt: skip


def _finish(model, lessons, folder, epochs):
    """Save the preset, and say how it went."""
    rows = read_metrics(folder.metrics_file)
    last = rows[-1]
    metrics = [name for name in last if name.endswith(("_cosine", "_error"))]
    draw_curves(rows, folder.curves, panels=[name for name in metrics if not name.startswith("val_")])
    model.save_to_preset(folder.preset)
    pairs = len(lessons.cosines)
    result = {
        "texts": len(lessons.vectors), "pairs": pairs, "epochs": epochs, "steps": last["step"],
        "tokens": int(lessons.lengths.sum()) * epochs, "minutes": round(last["seconds"] / 60, 1),
        **{name: round(last[name], 4) for name in metrics if not ("similarities" in name and not pairs)},
    }  # fmt: skip
    write_json(folder.path / RESULT_FILE, result)
    return result
