"""Tasks from presets: what comes from the preset and what is new."""

import h5py
import huggingface_hub.constants
import keras
import numpy as np
import pytest

import zoo
from zoo import presets

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "cat", "bark", "##ed", "##s", "."]
FEATURES = {
    "token_ids": np.array([[2, 5, 6, 8, 9, 11, 3], [2, 5, 7, 11, 3, 0, 0]]),
    "segment_ids": np.zeros((2, 7), "int32"),
    "padding_mask": np.array([[1] * 7, [1] * 5 + [0] * 2]),
}


def bert():
    return zoo.BertBackbone(13, 2, 3, 12, 48, max_sequence_length=11)


def word_piece():
    return zoo.tokenizers.WordPiece(VOCABULARY, lowercase=True)


def same(one, two):
    pairs = list(zip(one.weights, two.weights, strict=True))
    return all(np.array_equal(*map(keras.ops.convert_to_numpy, pair)) for pair in pairs)


@pytest.fixture(scope="module")
def masked_lm(tmp_path_factory):
    task = zoo.MaskedLM(bert(), tokenizer=word_piece(), sentence_head="next_sentence")
    folder = tmp_path_factory.mktemp("masked_lm") / "preset"
    task.save_to_preset(folder)
    return task, folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    task = zoo.TextClassifier(bert(), tokenizer=word_piece(), class_names=["bad", "good", "odd"])
    task.fit(FEATURES, np.array([2, 1]), verbose=0)
    folder = tmp_path_factory.mktemp("classifier") / "preset"
    task.save_to_preset(folder)
    return task, folder


def test_loads_a_pretraining_task_with_its_heads(masked_lm):
    task, folder = masked_lm
    loaded = zoo.MaskedLM.from_preset(folder)
    assert loaded.sentence_head == "next_sentence"
    assert list(loaded.tokenizer.get_vocabulary()) == VOCABULARY
    assert same(loaded, task)


def test_another_task_takes_the_backbone_and_the_tokenizer(masked_lm):
    task, folder = masked_lm
    loaded = zoo.TextClassifier.from_preset(folder, num_classes=3)
    assert loaded.num_classes == 3
    assert same(loaded.backbone, task.backbone)
    assert list(loaded.tokenizer.get_vocabulary()) == VOCABULARY


def test_loads_a_fine_tuned_task_with_its_classes(classifier):
    task, folder = classifier
    loaded = zoo.TextClassifier.from_preset(folder)
    assert loaded.class_names == ["bad", "good", "odd"]
    assert same(loaded, task)
    expected = keras.ops.convert_to_numpy(task(FEATURES))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(loaded(FEATURES)), expected, atol=1e-6)


@pytest.mark.parametrize("arguments", [{"num_classes": 3}, {"dropout": 0.0, "name": "mine"}, {"seed": 7}])
def test_arguments_that_ask_for_the_same_head_keep_it(classifier, arguments):
    task, folder = classifier
    loaded = zoo.TextClassifier.from_preset(folder, **arguments)
    assert loaded.class_names == ["bad", "good", "odd"]
    assert same(loaded, task)


@pytest.mark.parametrize("arguments", [{"num_classes": 5}, {"class_names": ["noun", "verb", "other"]}])
def test_arguments_that_ask_for_another_head_get_a_new_one(classifier, arguments):
    task, folder = classifier
    loaded = zoo.TextClassifier.from_preset(folder, **arguments)
    assert loaded.class_names == arguments.get("class_names")
    assert loaded.num_classes == arguments.get("num_classes", 3)
    assert same(loaded.backbone, task.backbone)
    assert not same(loaded.classifier, task.classifier)


def test_random_weights_on_request(classifier):
    task, folder = classifier
    loaded = zoo.TextClassifier.from_preset(folder, load_weights=False)
    assert loaded.class_names == task.class_names
    assert not same(loaded, task)
    assert not same(loaded.backbone, task.backbone)


def test_precision_and_tokenizer_may_be_chosen(classifier):
    _, folder = classifier
    tokenizer = word_piece()
    loaded = zoo.TextClassifier.from_preset(folder, dtype="mixed_bfloat16", tokenizer=tokenizer)
    assert loaded.backbone.dtype_policy.name == "mixed_bfloat16"
    assert loaded.tokenizer is tokenizer


def test_a_published_name_builds_with_random_weights_and_features(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    name = "bert_tiny_en_uncased"
    loaded = zoo.TextClassifier.from_preset(name, load_weights=False, num_classes=2, tokenizer=None)
    assert loaded.backbone.count_params() == 4_385_920
    assert loaded.tokenizer is None
    with pytest.raises(ConnectionError, match=r"hf://google/bert_uncased_L-2_H-128_A-2 is not on this machine"):
        zoo.TextClassifier.from_preset(name, num_classes=2)


def test_a_backbone_without_a_tokenizer_makes_a_task_for_features(tmp_path):
    bert().save_to_preset(tmp_path)
    assert zoo.TextRegressor.from_preset(tmp_path).tokenizer is None


def test_a_head_that_does_not_fit_is_refused(classifier, tmp_path):
    task, _ = classifier
    task.save_to_preset(tmp_path / "preset")
    weights = tmp_path / "preset" / "task.weights.h5"
    with h5py.File(weights, "r+") as file:
        name = next(name for name in file["layers"])
        file[f"layers/{name}/vars/5"] = np.zeros((3, 5))
    with pytest.raises(ValueError, match=r"1 unused.*\n  unused: layers/\w+/vars/5 \(3, 5\)"):
        zoo.TextClassifier.from_preset(tmp_path / "preset")
    weights.write_bytes(weights.read_bytes()[:-101])
    with pytest.raises(ValueError, match=r"task\.weights\.h5 is corrupt or was cut short"):
        zoo.TextClassifier.from_preset(tmp_path / "preset")
    weights.unlink()
    with pytest.raises(ValueError, match=r"task\.weights\.h5 is missing"):
        zoo.TextClassifier.from_preset(tmp_path / "preset")


def test_saving_again_replaces_the_preset(masked_lm, classifier, tmp_path):
    masked_lm[0].save_to_preset(tmp_path / "preset")
    classifier[0].save_to_preset(tmp_path / "preset")
    assert same(zoo.TextClassifier.from_preset(tmp_path / "preset"), classifier[0])


def test_shards_and_back(masked_lm, tmp_path):
    task, _ = masked_lm
    folder = tmp_path / "preset"
    task.save_to_preset(folder, max_shard_size=1e-5)
    shards = sorted(path.name for path in folder.glob("model_*.weights.h5"))
    assert len(shards) > 1
    assert (folder / "model.weights.json").is_file()
    assert not (folder / "model.weights.h5").exists()
    assert same(zoo.MaskedLM.from_preset(folder), task)
    with h5py.File(folder / shards[-1], "r+") as file:
        file["layers/extra/vars/0"] = np.zeros((3, 5))
    with pytest.raises(ValueError, match=r"1 unused.*\n  unused: layers/extra/vars/0 \(3, 5\)"):
        zoo.MaskedLM.from_preset(folder)
    task.save_to_preset(folder)
    assert not list(folder.glob("model_*")) + list(folder.glob("model.weights.json"))
    assert same(zoo.MaskedLM.from_preset(folder), task)


def test_a_backbone_saved_over_its_shards(tmp_path):
    """Whichever form was there before, what is loaded is what was saved last."""
    for size in (1e-5, 10, 1e-5):
        backbone = bert()
        backbone.save_to_preset(tmp_path, max_shard_size=size)
        assert same(zoo.presets.load_backbone(tmp_path), backbone)


def test_a_full_disk_while_saving_leaves_the_old_preset(masked_lm, classifier, tmp_path, monkeypatch):
    folder = tmp_path / "preset"
    masked_lm[0].save_to_preset(folder)

    def fail(*arguments, **named):
        raise OSError(28, "Can't synchronously write data (file write failed: No space left on device)")

    monkeypatch.setattr(h5py.File, "__setitem__", fail)
    monkeypatch.setattr(h5py.Group, "__setitem__", fail)
    with pytest.raises(OSError, match="still in memory"):
        classifier[0].save_to_preset(folder)
    monkeypatch.undo()
    assert same(zoo.MaskedLM.from_preset(folder), masked_lm[0])
    assert [path.name for path in tmp_path.iterdir()] == ["preset"]


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match="bert_tiny_en_uncased"):
        zoo.MaskedLM.from_preset("bert_tiny_en_uncase")
    assert presets.find("bert_tiny_en_uncased").card is not None


def test_a_backbone_saved_over_a_task_leaves_no_head(classifier, tmp_path):
    task, _ = classifier
    task.save_to_preset(tmp_path / "preset")
    bert().save_to_preset(tmp_path / "preset")
    with pytest.raises(ValueError, match="num_classes"):  # the head that was there knew them
        zoo.TextClassifier.from_preset(tmp_path / "preset")


def test_a_masked_lm_without_its_head_says_so(classifier):
    _, folder = classifier
    with pytest.warns(UserWarning, match="no head for this MaskedLM: it is new, and knows nothing before `fit`"):
        zoo.MaskedLM.from_preset(folder)


def test_answers_of_a_new_head_come_with_a_warning_once(classifier, masked_lm, tmp_path):
    _, folder = masked_lm
    new = "no head for this TextClassifier: it is new, and knows nothing before `fit`"
    task = zoo.TextClassifier.from_preset(folder, num_classes=2)
    with pytest.warns(UserWarning, match=new):
        task.classify(["the dog barked"])
    task.classify(["the dog barked"])
    with pytest.warns(UserWarning, match="no head for this TokenClassifier"):
        zoo.TokenClassifier.from_preset(folder, labels=["A", "B"]).tag([["the", "dog"]])
    for learn in (
        lambda task: task.fit(["the dog barked", "the cat"], [0, 1], verbose=0),
        lambda task: task.train_on_batch(FEATURES, np.array([1, 0])),
    ):
        task = zoo.TextClassifier.from_preset(folder, num_classes=2)
        learn(task)
        task.classify(["the dog barked"])  # a warning would be an error
    task = zoo.TextClassifier.from_preset(folder, num_classes=2, compile=False)
    task.save_weights(tmp_path / "task.weights.h5")
    task.load_weights(tmp_path / "task.weights.h5")
    task.classify(["the dog barked"])
    zoo.TextClassifier.from_preset(classifier[1]).classify(["the dog barked"])


@pytest.mark.parametrize("name", ["num_label", "dropuot"])
def test_a_misspelt_argument_of_a_task(classifier, name):
    task, folder = classifier
    with pytest.raises(ValueError, match=f"TextClassifier has no argument {name}"):
        zoo.TextClassifier.from_preset(folder, **{name: 2})
    with pytest.raises(TypeError, match=f"Received: {name}="):
        zoo.TextClassifier(task.backbone, num_classes=2, **{name: 2})


def test_a_type_beside_a_backbone_is_refused(classifier):
    _, folder = classifier
    with pytest.raises(ValueError, match="has its type already"):
        zoo.TextClassifier.from_preset(folder, backbone=bert(), dtype="bfloat16")
