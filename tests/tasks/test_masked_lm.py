import keras
import numpy as np
import pytest

import zoo
from tests import texts
from zoo.objectives import MaskedLM, NextSentence

TOKENIZER = texts.word_piece()
OBJECTIVE = MaskedLM() + NextSentence()
pytestmark = pytest.mark.usefixtures("eager")


def masked_lm(**options):
    arguments = {"tokenizer": TOKENIZER, "objective": OBJECTIVE, "sequence_length": 29}
    return zoo.MaskedLM(texts.backbone(TOKENIZER), **{**arguments, **options})


@pytest.fixture(scope="module")
def data():
    return zoo.data.pretraining_dataset(
        texts.documents(), TOKENIZER, OBJECTIVE, sequence_length=29, batch_size=7, seed=3
    )


@pytest.fixture(scope="module")
def trained(data):
    """A model that was pre-trained for 4 epochs, and their history."""
    keras.utils.set_random_seed(1)
    model = masked_lm()
    model.compile(optimizer=zoo.training.AdamW(3e-3), run_eagerly=False)
    return model, model.fit(data, epochs=4, validation_data=data, validation_steps=3, verbose=0).history


def test_it_learns_from_a_data_set(trained, data):
    model, history = trained
    assert history["mask_ids_loss"][-1] < 0.8 * history["mask_ids_loss"][0]
    assert {"val_mask_ids_accuracy", "val_sentence_labels_accuracy"} <= set(history)
    assert int(model.optimizer.iterations) == 4 * len(data)


def test_it_learns_from_texts():
    model = masked_lm()
    history = model.fit(texts.documents(5), batch_size=7, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert int(model.optimizer.iterations) > 1


def test_evaluation_sees_the_same_batches_every_time(data):
    model = masked_lm()
    first, second = (model.evaluate(data, steps=3, verbose=0, return_dict=True) for _ in range(2))
    assert first == pytest.approx(second)


def test_only_masked_slots_count(data):
    model = masked_lm()
    x, y, weights = data[0]
    used = np.ones_like(weights["mask_ids"])
    used[:, -1] = 0
    weights = {**weights, "mask_ids": used}
    changed = {**y, "mask_ids": np.where(used > 0, y["mask_ids"], 17)}
    assert (changed["mask_ids"] != y["mask_ids"]).any()
    found = [keras.Model.test_on_batch(model, x, targets, weights) for targets in (y, changed)]
    np.testing.assert_allclose(*found)


def test_the_loss_is_the_mean_over_masked_tokens(data):
    model = masked_lm(objective=MaskedLM())
    x, y, weights = data[0]
    found = keras.Model.test_on_batch(
        model, x, {"mask_ids": y["mask_ids"]}, {"mask_ids": weights["mask_ids"]}, return_dict=True
    )
    logits = keras.Model.predict(model, x, verbose=0)["mask_ids"].astype("float64")
    losses = np.log(np.exp(logits).sum(axis=-1)) - np.take_along_axis(logits, y["mask_ids"][..., None], -1)[..., 0]
    expected = (losses * weights["mask_ids"]).sum() / weights["mask_ids"].sum()
    assert found["loss"] == pytest.approx(expected, rel=1e-4)


def test_raw_text_is_filled_or_hidden_and_not_predicted():
    with pytest.raises(ValueError, match=r"`fill` those of texts with \[MASK\].* Received: 1 raw texts"):
        masked_lm().predict(["the film was good ."])


def test_fill_in_the_blank():
    model = masked_lm()
    found = model.fill("the [MASK] was [MASK] .", top_k=3)
    assert len(found) == 2 and len(found[0].tokens) == 3
    assert list(found[0].probabilities) == sorted(found[0].probabilities, reverse=True)
    assert found[0].text.startswith("the") and "[MASK]" not in found[0].text.replace(found[0].tokens[0], "")
    several = model.fill(["the [MASK] was very good .", "a [MASK]"])
    assert [len(each) for each in several] == [1, 1]
    np.testing.assert_allclose(several[1][0].probabilities, model.fill("a [MASK]")[0].probabilities, atol=1e-5)
    with pytest.raises(ValueError, match="Received: 'no blank'"):
        model.fill(["a [MASK]", "no blank"])


def test_with_and_without_the_sentence_head(tmp_path):
    assert list(masked_lm().output) == ["mask_ids", "sentence_labels"]
    model = masked_lm(objective=MaskedLM())
    assert list(model.output) == ["mask_ids"]
    with pytest.raises(ValueError, match="Received: sentence_head='previous'"):
        masked_lm(sentence_head="previous")


def test_saved_heads_come_back(tmp_path, trained, data):
    model, _ = trained
    model.save_to_preset(tmp_path / "model")
    loaded = zoo.MaskedLM.from_preset(str(tmp_path / "model"))
    assert loaded.sentence_head == "next_sentence"
    x, y, weights = data[1]
    np.testing.assert_allclose(
        keras.Model.test_on_batch(loaded, x, y, weights), keras.Model.test_on_batch(model, x, y, weights), rtol=1e-4
    )  # fmt: skip
    classifier = zoo.TextClassifier.from_preset(str(tmp_path / "model"), num_classes=2)
    np.testing.assert_allclose(
        np.asarray(classifier.backbone.weights[0]), np.asarray(model.backbone.weights[0]), atol=0
    )


def test_raw_text_needs_an_objective():
    with pytest.raises(ValueError, match="Received: objective=None"):
        masked_lm(objective=None).fit(texts.documents())


def test_mixed_precision_has_float32_logits(data):
    model = zoo.MaskedLM(texts.backbone(TOKENIZER, dtype="mixed_bfloat16"), objective=OBJECTIVE)
    assert {tensor.dtype for tensor in model.output.values()} == {"float32"}
    history = model.fit(data, epochs=1, steps_per_epoch=2, verbose=0)
    assert np.isfinite(history.history["loss"][0])


def test_examples_of_raw_text_are_no_longer_than_the_model():
    tokenizer, objective = texts.word_piece(), zoo.objectives.MaskedLM()
    backbone = texts.backbone(tokenizer)  # of 37 tokens
    model = zoo.MaskedLM(backbone, tokenizer=tokenizer, objective=objective)
    assert model.sequence_length == 37
    assert np.isfinite(model.evaluate(texts.documents(7), batch_size=4, verbose=0)).all()
    with pytest.raises(ValueError, match=r"at most the backbone's 37 tokens\. Received: sequence_length=38"):
        zoo.MaskedLM(backbone, tokenizer=tokenizer, objective=objective, sequence_length=38)
