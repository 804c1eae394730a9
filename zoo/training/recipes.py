"""From a prepared corpus to a pre-trained preset: what `zoo pretrain` runs."""

import inspect
import json
from functools import partial
from pathlib import Path

import keras

from zoo.data import features
from zoo.tokenizers.text_tokenizer import TextTokenizer
from zoo.training.comparison import SharedTask
from zoo.training.pretraining import pretrain
from zoo.training.runs import RunFolder, check_same, write_json
from zoo.weights.configuration import check_arguments
from zoo.weights.quantization import quantized_layers

RESULT_FILE, PRESET_FOLDER = "result.json", "preset"


def pretrain_like(
    corpus,
    run,
    like: str,
    changes: dict,
    objective: str,
    steps: int,
    batch_size: int,
    sequence_length: int,
    start: str | None = None,
    validation=None,
    dropout: float | None = None,
    dtype: str = "mixed_bfloat16",
    seed: int = 0,
    shared: SharedTask | None = None,
    **settings,
) -> dict:
    """Pre-train a model with the architecture of a preset on a prepared corpus, or go on from a preset's weights.

    An encoder becomes a `zoo.MaskedLM` with the heads that the objective asks for, an encoder-decoder a
    `zoo.Seq2SeqLM`.

    Args:
        corpus: folder written by `zoo.data.prepare`.
        run: folder of the run; an interrupted run in it is taken up again.
        like: name of a preset whose architecture is used, with the vocabulary size of the corpus; with the objective
            `MASS`, a BART's becomes a MASS's.
        changes: arguments of the backbone that differ; values may be JSON text.
        objective: see `zoo.objectives.parse_objective`.
        steps: int, optimizer steps.
        batch_size: int, examples.
        sequence_length: int, tokens.
        start: preset whose weights to go on from, such as on the text of one's own domain (Gururangan et al. 2020,
            arXiv 2004.10964); `like` is not looked at then. A head that names hidden tokens is kept too, and one
            that judges sentences if the objective asks for the same; a head that the preset lacks is new.
        validation: folder of prepared held-out text with the same vocabulary, or None.
        dropout: float, probability while pre-training; the backbone's when None. Where every example is new, 0 learns
            faster; the preset keeps the backbone's for fine-tuning, where few texts are seen often.
        dtype: str, Keras dtype policy.
        seed: int, of weights, order and noise.
        shared: see `zoo.training.pretraining.pretrain`.
        **settings: further arguments of `zoo.training.pretrain`.

    Returns:
        dict, see `zoo.training.pretrain`; also written to `result.json` in the run's folder.

    Raises:
        ValueError: if the run's folder holds a run with another configuration, or one that ended after fewer steps,
            the corpus was prepared with other pieces than those of `start`, or an argument is wrong; the run's folder
            is made after that is known.
    """
    from zoo import data, objectives

    made = objectives.parse_objective(objective)
    tokenizer = data.load_tokenizer(corpus)
    if start is not None:
        _check_start(start, tokenizer, changes, settings.get("warm_start_tokens"))
    kind, arguments = _architecture(
        like if start is None else start, changes, tokenizer, made, is_start=start is not None
    )
    _check_length(kind, arguments, sequence_length)
    options = {"sequence_length": sequence_length, "batch_size": batch_size, "seed": seed}
    config = {
        "command": "pretrain", "corpus": str(corpus), "architecture": kind.__name__, "backbone": arguments,
        "start": start and str(start), "objective": objective, "steps": steps,
        "validation": validation and str(validation), "dropout": dropout, "dtype": dtype, **options, **settings,
    }  # fmt: skip
    _check_unfinished(run, steps)
    check_same(run, config)
    keras.utils.set_random_seed(seed)
    model = _model(kind, arguments, start, tokenizer, made, dropout, dtype, seed)
    held_out = None
    if validation is not None:
        held_out = data.pretraining_dataset(str(validation), tokenizer, made, **options)
    train = data.pretraining_dataset(str(corpus), tokenizer, made, **options)
    # Nothing is written before all that can be wrong with the configuration was looked at.
    folder = RunFolder(run)
    folder.write_config(**config)
    result = pretrain(model, train, steps, folder, validation_data=held_out, shared=shared, **settings)
    write_json(folder.path / RESULT_FILE, result)
    return result


def _check_unfinished(run, steps):
    """Refuse to make a run longer that is at its end, where its learning rate is 0."""
    result, preset = Path(run) / RESULT_FILE, Path(run) / PRESET_FOLDER
    if not result.exists():
        return
    done = json.loads(result.read_text(encoding="utf-8"))["steps"]
    if steps > done:
        raise ValueError(
            f"The run in {str(run)!r} ended after {done:,} steps, with a learning rate that fell to 0. Received: "
            f"steps={steps}. To train on from its weights, begin another run with start={str(preset)!r} "
            f"(`--from {preset}`)."
        )


def _check_start(start, tokenizer, changes, warm_start_tokens):
    from zoo import presets

    if changes or warm_start_tokens:
        raise ValueError(
            "To go on from a preset's weights is to take its architecture and its embedding as they are. Received: "
            f"start={str(start)!r}, changes={changes}, warm_start_tokens={warm_start_tokens}. Leave these two out."
        )
    own = presets.load_tokenizer(start)
    if not isinstance(own, TextTokenizer):
        raise ValueError(
            "To go on from a preset needs a tokenizer of the zoo. Received: "
            f"start={str(start)!r}, whose tokenizer is {type(own).__module__}.{type(own).__name__}."
        )
    if own.fingerprint() != tokenizer.fingerprint():
        raise ValueError(
            f"The corpus must be prepared with the pieces of the preset {str(start)!r}, {own.vocabulary_size()} of "
            f"{type(own).__name__}. Received: a corpus of {tokenizer.vocabulary_size()} pieces of "
            f"{type(tokenizer).__name__}. Use `zoo prepare ... --vocabulary {start}`."
        )


def _architecture(preset, changes, tokenizer, objective, is_start):
    """The class of a backbone, and the arguments that are not its defaults."""
    from zoo import models, presets

    if is_start:
        backbone = presets.load_backbone(preset, load_weights=False)
        if not isinstance(backbone, (models.Encoder, models.EncoderDecoder)) or quantized_layers(backbone):
            raise ValueError(
                "To go on from a preset needs a backbone of the zoo that is not quantized. Received: "
                f"start={str(preset)!r}. Use the preset that it was made from."
            )
        return type(backbone), backbone.arguments
    card = presets.read_card(preset)
    kind = getattr(models, card.architecture)
    if kind is models.BartBackbone and features.DECODER_POSITIONS in objective.inputs:
        kind = models.MassBackbone  # a BART that is told where it stands
    check_arguments(kind, changes, "the changes")
    changed = {name: _value(value) for name, value in changes.items()}
    return kind, {**card.backbone, **changed, "vocabulary_size": tokenizer.vocabulary_size()}


def _check_length(kind, arguments, sequence_length):
    from zoo import models

    longest = arguments.get("max_sequence_length", inspect.signature(kind).parameters["max_sequence_length"].default)
    if sequence_length > longest and not issubclass(kind, models.T5Backbone):  # which has no table of positions
        raise ValueError(
            f"An example can be at most as long as the model's table of positions, {longest} tokens. Received: "
            f"sequence_length={sequence_length}. Give a shorter one, or, for a new model, "
            f"max_sequence_length={sequence_length} (`--set max_sequence_length={sequence_length}`)."
        )


def _model(kind, arguments, start, tokenizer, objective, dropout, dtype, seed):
    """The task to train: with new weights, or with those of a preset."""
    from zoo import models, presets, tasks

    changed = {} if dropout is None else {"dropout": dropout}
    if start is None:
        backbone = kind(**{**arguments, **changed}, dtype=dtype)
    else:
        backbone = presets.load_backbone(start, dtype=dtype, **changed)
    if changed:
        # What the preset says, no longer what this model does.
        backbone.dropout = arguments.get("dropout", inspect.signature(kind).parameters["dropout"].default)
    given = {"tokenizer": tokenizer, "seed": seed}
    if issubclass(kind, models.EncoderDecoder):
        make = tasks.Seq2SeqLM if start is None else partial(tasks.Seq2SeqLM.from_preset, start)
        return make(backbone=backbone, **given)
    model = tasks.MaskedLM(backbone, objective=objective, **given)
    if start is not None:
        _keep_heads(model, tasks.MaskedLM.from_preset(start, backbone=backbone, tokenizer=tokenizer))
    return model


def _keep_heads(model, before):
    heads = [(model.masked_lm_head, before.masked_lm_head)]
    if model.sentence_head is not None and model.sentence_head == before.sentence_head:
        heads.append((model.sentence_classifier, before.sentence_classifier))
    for head, old in heads:
        for variable, value in zip(head.weights, old.weights, strict=True):
            variable.assign(value)


def _value(text):
    try:
        return json.loads(text)
    except (TypeError, json.JSONDecodeError):
        return text
