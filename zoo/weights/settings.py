"""`config.json` of Hugging Face: into the arguments of a backbone, and back."""

import inspect
from collections.abc import Hashable
from numbers import Integral, Real

from zoo.weights.name_table import NameTable, Required

# Keys that change nothing in what a backbone computes: who wrote it and how, special pieces (the tokenizer knows them),
# how weights are drawn, what is returned, how text is generated; and dropout in places of its own, where our models
# have one probability, which `dropout=...` changes.
WITHOUT_EFFECT = frozenset([
    "_name_or_path", "architectures", "transformers_version", "torch_dtype", "dtype", "model_type",
    "gradient_checkpointing", "use_cache", "output_past", "language", "directionality", "initializer_range",
    "initializer_factor", "init_std", "classifier_dropout", "classifier_dropout_prob", "classif_dropout",
    "id2label", "label2id", "num_labels", "problem_type", "finetuning_task", "task_specific_params", "pad_token_id",
    "bos_token_id", "eos_token_id", "sep_token_id", "cls_token_id", "mask_token_id", "unk_token_id",
    "decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id", "return_dict", "output_attentions",
    "output_hidden_states", "torchscript", "max_length", "min_length", "num_beams", "length_penalty",
    "no_repeat_ngram_size", "early_stopping", "do_sample", "temperature", "top_k", "top_p", "prefix",
    "chunk_size_feed_forward", "is_encoder_decoder", "tokenizer_class", "pooler_type", "pooler_fc_size",
    "attention_probs_dropout_prob", "attention_dropout", "activation_dropout", "dense_act_fn", "is_gated_act",
    "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "use_bfloat16",
    "seq_classif_dropout", "qa_dropout", "sinusoidal_pos_embds", "_num_labels", "force_bos_token_to_be_generated",
    "eos_token_ids", "replacing_rate", "student_encoder_layers", "student_decoder_layers", "save_step",
])  # fmt: skip


def read_arguments(table: NameTable, config: dict, where: str) -> dict:
    """The arguments of the backbone that a `config.json` describes.

    Args:
        table: `NameTable`.
        config: dict.
        where: str, file that it comes from, for errors.

    Raises:
        ValueError: that lists every key that is missing, that we do not know, or whose value we do not implement.
    """
    problems, arguments = [], dict(table.constants)
    known = table.fixed.keys() | table.same.keys() | WITHOUT_EFFECT | {key for _, key, _ in table.folded.values()}
    for name, (key, default) in table.arguments.items():
        keys = _keys(key)
        known |= set(keys)
        value = next((config[each] for each in keys if each in config), default)
        if value is Required:
            problems.append(f"{key}: missing")
        elif name in table.values and not (isinstance(value, Hashable) and value in table.values[name]):
            problems.append(f"{key}: expected one of {sorted(map(str, table.values[name]))}. Received: {value!r}")
        elif name not in table.values and (expected := _other_kind(value, default)):
            problems.append(f"{key}: expected {expected}. Received: {value!r}")
        else:
            arguments[name] = table.values[name][value] if name in table.values else value
    problems += [f"{key}: unknown. Received: {config[key]!r}" for key in sorted(config.keys() - known)]
    for key, value in table.fixed.items():
        if config.get(key, value) != value:
            problems.append(f"{key}: only {value!r} is implemented. Received: {config[key]!r}")
    for key, other in table.same.items():
        if key in config and config[key] != config.get(other, config[key]):
            problems.append(f"{key}: must be the same as {other}={config[other]!r}. Received: {config[key]!r}")
    for key, (other, default) in table.special_ids.items():
        only = config.get(other, default)
        if config.get(key) not in (None, only):
            problems.append(f"{key}: only that of {other}={only!r} is implemented. Received: {config[key]!r}")
    if problems:
        raise ValueError(
            f"{where} does not describe a {table.architecture} of this package:\n  " + "\n  ".join(problems)
        )
    if unused := table.unused_positions(config):
        arguments["max_sequence_length"] -= unused
    return arguments


def _other_kind(value, default):
    """What was expected, if a value is not of the kind of the default; sizes, which have none, are integers."""
    kind, name = {bool: (bool, "true or false"), float: (Real, "a number")}.get(type(default), (Integral, "an integer"))
    fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    return None if fits else name


def write_settings(table: NameTable, backbone, config: dict) -> list[str]:
    """Say in a `config.json` what a backbone is.

    Args:
        table: `NameTable` of its architecture.
        backbone: a backbone.
        config: dict that the settings are added to; it must say `pad_token_id` where the table asks for it.

    Returns:
        list of str, what the architecture there has no way to say; empty if it is said whole.
    """
    arguments = backbone_arguments(backbone)
    problems = _unsaid(table, type(backbone), arguments)
    for key in {key for key, _ in table.arguments.values()}:
        said = _possible(table, key, arguments)
        if not said:
            names = [name for name, (other, _) in table.arguments.items() if other == key]
            received = ", ".join(f"{name}={arguments[name]!r}" for name in names)
            problems.append(f"{received}: there is no {_keys(key)[0]} for it")
            continue
        config |= dict.fromkeys(_keys(key), said[0])
    config |= {key: config[other] for key, other in table.same.items() if other in config}
    for key, least in table.least.items():
        if config.get(key, least) < least:
            problems.append(f"{key} must be at least {least}. Received: {config[key]!r}")
    config |= {key: rows for _, key, rows in table.folded.values()}
    if unused := table.unused_positions(config):
        config["max_position_embeddings"] += unused
    return problems


def backbone_arguments(backbone) -> dict:
    """What a backbone was made with."""
    config = backbone.get_config()
    return {name: config[name] for name in inspect.signature(type(backbone).__init__).parameters if name in config}


def _unsaid(table, kind, arguments):
    """Arguments that are neither in `config.json` nor what the architecture there fixes."""
    defaults = {name: value.default for name, value in inspect.signature(kind.__init__).parameters.items()}
    ours = {name: value for name, value in arguments.items() if name not in (*table.arguments, "dtype", "name")}
    expected = {name: table.constants.get(name, defaults[name]) for name in ours}
    return [f"{name}={value!r}: it has {expected[name]!r}" for name, value in ours.items() if value != expected[name]]


def _possible(table, key, arguments):
    """The values of `key` that say all arguments that it stands for."""
    possible = None
    for name in (name for name, (other, _) in table.arguments.items() if other == key):
        ours = arguments[name]
        values = (
            [there for there, here in table.values[name].items() if here == ours] if name in table.values else [ours]
        )
        possible = values if possible is None else [value for value in possible if value in values]
    return possible


def _keys(key):
    return (key,) if isinstance(key, str) else key
