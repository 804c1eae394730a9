"""Folders of the library sentence-transformers: how their texts become vectors, and from the hub."""

import json

import numpy as np
import pytest

import zoo
from tests.checks import numbers
from tests.weights.test_hub import HANDLE, folder, original, served  # noqa: F401

TEXTS = ["the dog barked .", "a cat"]
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
OLD = {"word_embedding_dimension": 12, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}


def add_vectors(folder, modules=MODULES, pooling=OLD, length=9):  # noqa: F811
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": length, "do_lower_case": False}))
    return folder


def expected(model, how):
    encoded = model.preprocessor.encode(zoo.data.read_examples(TEXTS)).rows(np.arange(2), 9, 0)
    states = numbers(model.backbone(encoded)["sequence_output"])
    rows = zip(states, encoded["padding_mask"], strict=True)
    pooled = [row[: mask.sum()].mean(0) if how == "mean" else row[0] for row, mask in rows]
    return np.stack([vector / np.linalg.norm(vector) for vector in pooled])


@pytest.mark.parametrize(
    ("pooling", "how"),
    [
        (OLD, "mean"),
        (OLD | {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"embedding_dimension": 12, "pooling_mode": "cls"}, "cls"),
        ({"embedding_dimension": 12, "pooling_mode": ["mean"]}, "mean"),
    ],
)
def test_it_is_pooled_as_the_folder_says(folder, pooling, how):  # noqa: F811
    add_vectors(folder, pooling=pooling)
    model = zoo.TextEmbedder.from_preset(folder)
    assert (model.pooling, model.sequence_length, model.embedding_dim) == (how, 9, None)
    np.testing.assert_allclose(model.embed(TEXTS), expected(model, how), atol=1e-5)
    assert zoo.presets.task_class(folder) is zoo.TextEmbedder


def test_what_is_asked_for_comes_first(folder):  # noqa: F811
    model = zoo.TextEmbedder.from_preset(add_vectors(folder), pooling="cls")
    np.testing.assert_allclose(model.embed(TEXTS), expected(model, "cls"), atol=1e-5)


def test_a_model_without_a_word_on_vectors(folder):  # noqa: F811
    model = zoo.TextEmbedder.from_preset(folder)
    np.testing.assert_allclose(model.embed(TEXTS), expected(model, "mean"), atol=1e-5)
    assert zoo.presets.task_class(folder) is None


def test_from_the_hub(served, folder):  # noqa: F811
    add_vectors(folder, pooling={"pooling_mode": "cls"})
    model = zoo.TextEmbedder.from_preset(HANDLE)
    assert (model.pooling, model.sequence_length) == ("cls", 9)
    np.testing.assert_allclose(model.embed(TEXTS), expected(model, "cls"), atol=1e-5)


DENSE = [*MODULES[:2], {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modules": DENSE}, r"Received: \['Transformer', 'Pooling', 'Dense'\]"),
        ({"modules": MODULES[:1]}, r"Received: \['Transformer'\]"),
        ({"modules": {}}, "a list was expected"),
        ({"pooling": OLD | {"pooling_mode_max_tokens": True}}, r"Received: \['mean_tokens', 'max_tokens'\]"),
        ({"pooling": {"pooling_mode": "lasttoken"}}, r"Received: \['lasttoken'\]"),
    ],
)
def test_what_cannot_be_taken_over(folder, changes, message):  # noqa: F811
    with pytest.raises(ValueError, match=message):
        zoo.TextEmbedder.from_preset(add_vectors(folder, **changes))


def test_a_folder_that_was_not_fetched_whole(folder):  # noqa: F811
    (add_vectors(folder) / "1_Pooling" / "config.json").unlink()
    with pytest.raises(ValueError, match=r"1_Pooling/config\.json, which is absent"):
        zoo.TextEmbedder.from_preset(folder)
