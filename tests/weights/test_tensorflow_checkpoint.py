"""Folders of Google's BERT and ALBERT as they were released: loaded exactly, or refused with all that does not fit."""

import json

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.checks import numbers

BERT_CONFIG = {
    "attention_probs_dropout_prob": 0.1, "directionality": "bidi", "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
    "hidden_size": 12, "initializer_range": 0.02, "intermediate_size": 29, "max_position_embeddings": 31,
    "num_attention_heads": 3, "num_hidden_layers": 2, "pooler_fc_size": 768, "pooler_num_attention_heads": 12,
    "pooler_num_fc_layers": 3, "pooler_size_per_head": 128, "pooler_type": "first_token_transform",
    "type_vocab_size": 2, "vocab_size": 97,
}  # fmt: skip
ALBERT_CONFIG = {
    "attention_probs_dropout_prob": 0, "hidden_act": "gelu", "hidden_dropout_prob": 0, "embedding_size": 5,
    "hidden_size": 12, "initializer_range": 0.02, "intermediate_size": 29, "max_position_embeddings": 31,
    "num_attention_heads": 3, "num_hidden_layers": 4, "num_hidden_groups": 2, "net_structure_type": 0, "gap_size": 0,
    "num_memory_blocks": 0, "inner_group_num": 1, "down_scale_factor": 1, "type_vocab_size": 2, "vocab_size": 97,
}  # fmt: skip
CONFIGS = {"bert": BERT_CONFIG, "albert": ALBERT_CONFIG}
KINDS = list(CONFIGS)


def dense(rng, name, rows, columns):
    return {f"{name}/kernel": rng.normal(0, 0.3, (rows, columns)), f"{name}/bias": rng.normal(0, 0.3, columns)}


def norm(rng, name, size):
    return {f"{name}/gamma": rng.normal(1, 0.3, size), f"{name}/beta": rng.normal(0, 0.3, size)}


def embeddings(rng, size):
    shapes = {"word": (97, size), "position": (31, size), "token_type": (2, size)}
    tables = {f"bert/embeddings/{name}_embeddings": rng.normal(0, 0.3, shape) for name, shape in shapes.items()}
    return tables | norm(rng, "bert/embeddings/LayerNorm", size)


def heads(rng, size):
    return {
        **dense(rng, "bert/pooler/dense", 12, 12),
        **dense(rng, "cls/predictions/transform/dense", 12, size),
        **norm(rng, "cls/predictions/transform/LayerNorm", size),
        "cls/predictions/output_bias": rng.normal(0, 0.3, 97),
        "cls/seq_relationship/output_weights": rng.normal(0, 0.3, (2, 12)),
        "cls/seq_relationship/output_bias": rng.normal(0, 0.3, 2),
    }


def bert_tensors():
    rng = np.random.default_rng(0)
    tensors = embeddings(rng, 12) | heads(rng, 12)
    for layer in range(2):
        name = f"bert/encoder/layer_{layer}"
        for part in ("query", "key", "value"):
            tensors |= dense(rng, f"{name}/attention/self/{part}", 12, 12)
        tensors |= dense(rng, f"{name}/attention/output/dense", 12, 12)
        tensors |= norm(rng, f"{name}/attention/output/LayerNorm", 12)
        tensors |= dense(rng, f"{name}/intermediate/dense", 12, 29) | dense(rng, f"{name}/output/dense", 29, 12)
        tensors |= norm(rng, f"{name}/output/LayerNorm", 12)
    return tensors


def albert_tensors():
    rng = np.random.default_rng(0)
    tensors = embeddings(rng, 5) | heads(rng, 5) | dense(rng, "bert/encoder/embedding_hidden_mapping_in", 5, 12)
    for group in range(2):
        name = f"bert/encoder/transformer/group_{group}/inner_group_0"
        for part in ("query", "key", "value"):
            tensors |= dense(rng, f"{name}/attention_1/self/{part}", 12, 12)
        tensors |= dense(rng, f"{name}/attention_1/output/dense", 12, 12) | norm(rng, f"{name}/LayerNorm", 12)
        tensors |= dense(rng, f"{name}/ffn_1/intermediate/dense", 12, 29)
        tensors |= dense(rng, f"{name}/ffn_1/intermediate/output/dense", 29, 12) | norm(rng, f"{name}/LayerNorm_1", 12)
    return tensors


def tensors_of(kind):
    tensors = bert_tensors() if kind == "bert" else albert_tensors()
    return {name: tensor.astype("float32") for name, tensor in tensors.items()}


def of_training(tensors):
    """What an optimizer keeps, beside the weights."""
    slots = {f"{name}/{slot}": 0 * tensor for name, tensor in tensors.items() for slot in ("adam_m", "adam_v")}
    return {**slots, "global_step": np.int64(7), "beta1_power": np.float32(0.5)}


def write(tensors, folder, name="bert_model.ckpt"):
    values = [tf.constant(tensor) for tensor in tensors.values()]
    tf.raw_ops.SaveV2(
        prefix=str(folder / name), tensor_names=list(tensors), shape_and_slices=[""] * len(tensors), tensors=values
    )


def folder_of(kind, folder, tensors=None, name="bert_model.ckpt", **changes):
    write(tensors_of(kind) if tensors is None else tensors, folder, name)
    (folder / f"{kind}_config.json").write_text(json.dumps({**CONFIGS[kind], **changes}))
    return folder


# The same numbers in the models of transformers, by a list of names of its own.


def albert_layer(name, theirs):
    same = {f"{name}/attention_1/self/{part}": f"{theirs}.attention.{part}" for part in ("query", "key", "value")}
    return same | {
        f"{name}/attention_1/output/dense": f"{theirs}.attention.dense",
        f"{name}/LayerNorm": f"{theirs}.attention.LayerNorm",
        f"{name}/ffn_1/intermediate/dense": f"{theirs}.ffn",
        f"{name}/ffn_1/intermediate/output/dense": f"{theirs}.ffn_output",
        f"{name}/LayerNorm_1": f"{theirs}.full_layer_layer_norm",
    }


def bert_layer(name, theirs):
    parts = [f"attention/self/{part}" for part in ("query", "key", "value")]
    parts += ["attention/output/dense", "attention/output/LayerNorm", "intermediate/dense", "output/dense"]
    return {f"{name}/{part}": f"{theirs}.{part.replace('/', '.')}" for part in [*parts, "output/LayerNorm"]}


def state_of(kind, tensors):
    """The state dict of a `BertModel` or an `AlbertModel`."""
    import torch

    layers = {
        "bert/embeddings/LayerNorm": "embeddings.LayerNorm",
        "bert/pooler/dense": "pooler.dense" if kind == "bert" else "pooler",
        "bert/encoder/embedding_hidden_mapping_in": "encoder.embedding_hidden_mapping_in",
    }
    for index in range(2):
        group = f"bert/encoder/transformer/group_{index}/inner_group_0"
        layers |= bert_layer(f"bert/encoder/layer_{index}", f"encoder.layer.{index}")
        layers |= albert_layer(group, f"encoder.albert_layer_groups.{index}.albert_layers.0")
    words = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}
    state = {}
    for name, tensor in tensors.items():
        layer, _, last = name.rpartition("/")
        if layer == "bert/embeddings":
            state[f"embeddings.{last}.weight"] = torch.tensor(tensor)
        elif layer in layers:
            state[f"{layers[layer]}.{words[last]}"] = torch.tensor(tensor.T if last == "kernel" else tensor)
    return state


def reference_outputs(kind, tensors, features, hidden_act):
    torch = pytest.importorskip("torch", reason="the reference models run on PyTorch")
    transformers = pytest.importorskip("transformers", reason="the reference models are those of transformers")
    model, config = {
        "bert": (transformers.BertModel, transformers.BertConfig),
        "albert": (transformers.AlbertModel, transformers.AlbertConfig),
    }[kind]
    sizes = {key: value for key, value in CONFIGS[kind].items() if not key.startswith(("pooler", "direction"))}
    model = model(config(**{**sizes, "hidden_act": hidden_act})).eval()
    model.load_state_dict(state_of(kind, tensors))
    given = {name: torch.tensor(value) for name, value in features.items()}
    with torch.no_grad():
        found = model(given["token_ids"], token_type_ids=given["segment_ids"], attention_mask=given["padding_mask"])
    return found.last_hidden_state.numpy(), found.pooler_output.numpy()


def features():
    rng = np.random.default_rng(0)
    mask = np.array([[1] * 7, [1] * 5 + [0] * 2])
    return {"token_ids": rng.integers(4, 97, (2, 7)), "segment_ids": rng.integers(0, 2, (2, 7)), "padding_mask": mask}


def check_equal(kind, tensors, backbone, hidden_act=None):
    given = features()
    hidden_act = hidden_act or {"bert": "gelu", "albert": "gelu_new"}[kind]
    states, pooled = reference_outputs(kind, tensors, given, hidden_act)
    found = backbone(given)
    real = given["padding_mask"].astype(bool)
    np.testing.assert_allclose(numbers(found["sequence_output"])[real], states[real], atol=1e-5)
    np.testing.assert_allclose(numbers(found["pooled_output"]), pooled, atol=1e-5)


@pytest.mark.parametrize("name", ["bert_model.ckpt", "model.ckpt-best", "model.ckpt-1234"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_released_folder_gives_the_outputs_of_transformers(kind, name, tmp_path):
    tensors = tensors_of(kind)
    folder_of(kind, tmp_path, tensors | of_training(tensors), name)
    backbone = zoo.presets.load_backbone(tmp_path)
    classes = {"bert": zoo.BertBackbone, "albert": zoo.AlbertBackbone}
    assert type(backbone) is classes[kind] is zoo.presets.backbone_class(tmp_path)
    check_equal(kind, tensors, backbone)


@pytest.mark.parametrize("kind", KINDS)
def test_the_heads_of_pre_training(kind, tmp_path):
    tensors = tensors_of(kind)
    task = zoo.MaskedLM.from_preset(folder_of(kind, tmp_path, tensors))
    assert task.sentence_head == {"bert": "next_sentence", "albert": "sentence_order"}[kind]
    given = features()
    found = task({**given, "mask_positions": np.array([[1, 3], [0, 2]])})
    pooled = numbers(task.backbone(given)["pooled_output"])
    pairs = pooled @ tensors["cls/seq_relationship/output_weights"].T + tensors["cls/seq_relationship/output_bias"]
    np.testing.assert_allclose(numbers(found["sentence_labels"]), pairs, atol=1e-5)
    ours = {weight.path: numbers(weight) for weight in task.masked_lm_head.weights}
    for path, name in {
        "masked_lm_head/dense/kernel": "cls/predictions/transform/dense/kernel",
        "masked_lm_head/norm/gamma": "cls/predictions/transform/LayerNorm/gamma",
        "masked_lm_head/bias": "cls/predictions/output_bias",
    }.items():
        np.testing.assert_array_equal(ours[path], tensors[name].astype("float32"))


def test_names_of_a_module_of_tensorflow_hub(tmp_path):
    tensors = tensors_of("albert")
    folder_of("albert", tmp_path, {f"module/{name}": tensor for name, tensor in tensors.items()})
    check_equal("albert", tensors, zoo.presets.load_backbone(tmp_path))


def test_a_fine_tuned_model_in_bfloat16_with_another_activation(tmp_path):
    tensors = tensors_of("bert") | {"output_weights": np.ones((3, 12), "float32"), "output_bias": np.ones(3, "float32")}
    half = {name: tf.cast(tensor, tf.bfloat16) for name, tensor in tensors.items()}
    folder_of("bert", tmp_path, half, hidden_act="relu")
    rounded = {name: tf.cast(tensor, tf.float32).numpy() for name, tensor in half.items()}
    check_equal("bert", rounded, zoo.presets.load_backbone(tmp_path), "relu")
    other = zoo.presets.load_backbone(tmp_path, activation="gelu_approximate", dropout=0.0)
    check_equal("bert", rounded, other, "gelu_new")


def test_a_saver_of_tensorflow_1(tmp_path):
    tensors = tensors_of("bert")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [tf.compat.v1.get_variable(name, initializer=tensor) for name, tensor in tensors.items()]
        step = tf.compat.v1.train.get_or_create_global_step()
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver([*variables, step])
        saver.save(session, str(tmp_path / "model.ckpt"), global_step=20, write_meta_graph=True)
    (tmp_path / "bert_config.json").write_text(json.dumps(BERT_CONFIG))
    check_equal("bert", tensors, zoo.presets.load_backbone(tmp_path))


# What is refused.


def problems_of(folder):
    with pytest.raises(ValueError) as caught:
        zoo.presets.load_backbone(folder)
    return str(caught.value)


def test_all_that_does_not_fit_is_listed(tmp_path):
    tensors = tensors_of("bert")
    del tensors["bert/embeddings/LayerNorm/gamma"], tensors["bert/encoder/layer_1/output/dense/kernel"]
    tensors["bert/encoder/layer_0/intermediate/dense/kernel"] = np.zeros((12, 28), "float32")
    tensors |= {
        "bert/encoder/layer_2/output/dense/bias": np.zeros(12, "float32"),
        "bert/encoder/layer_0/output/dense/scale": np.zeros(12, "float32"),
        "bert/encoder/layer_1/output/dense/kernel/adam_m": np.zeros((29, 12), "float32"),
        "bert/pooler/dense/bias/adam_v": np.zeros(11, "float32"),
        "global_step/count": np.int64(3),
        "start_logits/dense/kernel": np.zeros((12, 1), "float32"),
    }
    message = problems_of(folder_of("bert", tmp_path, tensors))
    for problem in (
        "do not fit a BertBackbone",
        "missing: embeddings.LayerNorm.weight (12,)",
        "missing: encoder.layer.1.output.dense.weight (12, 29)",
        "wrong shape: encoder.layer.0.intermediate.dense.weight: expected (29, 12). Received: (28, 12)",
        "unused: encoder.layer.2.output.dense.bias (12,)",
        "unused: bert/encoder/layer_0/output/dense/scale (12,)",
        "unused: bert/encoder/layer_1/output/dense/kernel/adam_m (29, 12)",  # of a weight that is not there
        "unused: bert/pooler/dense/bias/adam_v (11,)",  # not of the shape of its weight
        "unused: global_step/count ()",
        "unused: start_logits/dense/kernel (12, 1)",
    ):
        assert problem in message, message


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_of_the_one_is_taken_for_one_of_the_other(kind, tmp_path):
    (other,) = set(KINDS) - {kind}
    message = problems_of(folder_of(kind, tmp_path, tensors_of(other)))
    assert "missing: " in message and "and" in message.splitlines()[-1]


def test_one_weight_twice(tmp_path):
    tensors = tensors_of("bert")
    tensors["module/bert/pooler/dense/bias"] = np.zeros(12, "float32")
    message = problems_of(folder_of("bert", tmp_path, tensors))
    assert "are the same weight, bert.pooler.dense.bias: bert/pooler/dense/bias and module/bert/pooler/dense" in message


def test_a_data_file_that_was_cut_or_is_damaged(tmp_path):
    data = folder_of("bert", tmp_path) / "bert_model.ckpt.data-00000-of-00001"
    content = data.read_bytes()
    data.write_bytes(content[:-100])
    found = len(content) - 100
    assert f"cut short: its tensors have {len(content):,} bytes, its data files {found:,}" in problems_of(tmp_path)
    data.write_bytes(content[:500] + bytes([content[500] ^ 255]) + content[501:])
    assert "is damaged, or was cut short: " in problems_of(tmp_path)
    data.unlink()
    assert "has no data files bert_model.ckpt.data-00000-of-00001 beside it" in problems_of(tmp_path)


def test_an_index_that_is_none_or_is_missing(tmp_path):
    index = folder_of("bert", tmp_path) / "bert_model.ckpt.index"
    index.write_bytes(index.read_bytes()[:-10])
    assert "bert_model.ckpt is damaged, or was cut short: " in problems_of(tmp_path)
    index.unlink()
    assert "with the data but not the index of bert_model.ckpt" in problems_of(tmp_path)


def test_a_configuration_without_a_checkpoint(tmp_path):
    (tmp_path / "bert_config.json").write_text(json.dumps(BERT_CONFIG))
    assert zoo.presets.load_backbone(tmp_path, load_weights=False).num_layers == 2
    assert "holds no TensorFlow checkpoint: an .index file such as bert_model.ckpt.index" in problems_of(tmp_path)


def test_two_checkpoints_in_a_folder(tmp_path):
    folder_of("bert", tmp_path, name="model.ckpt-20")
    write(tensors_of("bert"), tmp_path, "model.ckpt-3")
    (tmp_path / "._model.ckpt-20.index").write_bytes(b"what some archives hold")
    assert "more than one checkpoint: model.ckpt-20, model.ckpt-3. Which one? Move the others" in problems_of(tmp_path)


def test_a_checkpoint_of_keras_models(tmp_path):
    tf.train.Checkpoint(weight=tf.Variable(1.0)).write(str(tmp_path / "bert_model.ckpt"))
    (tmp_path / "bert_config.json").write_text(json.dumps(BERT_CONFIG))
    assert "a checkpoint of Keras models of TensorFlow 2" in problems_of(tmp_path)


def test_a_link_out_of_the_folder(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir(), folder.mkdir()
    data = folder_of("bert", folder) / "bert_model.ckpt.data-00000-of-00001"
    data.rename(outside / data.name)
    data.symlink_to(outside / data.name)
    assert f"must lie in the folder itself. Received: {data.name} in {folder}" in problems_of(folder)


def test_two_configurations_in_a_folder(tmp_path):
    for kind in KINDS:
        folder_of(kind, tmp_path)
    assert "two models, bert_config.json and albert_config.json. Keep one" in problems_of(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "tanh"}, "hidden_act: expected one of"),
        ({"net_structure_type": 1}, "net_structure_type: only 0 is implemented. Received: 1"),
        ({"rotary": True}, "rotary: unknown. Received: True"),
    ],
)
def test_a_configuration_that_we_do_not_implement(changes, message, tmp_path):
    assert message in problems_of(folder_of("albert", tmp_path, **changes))
