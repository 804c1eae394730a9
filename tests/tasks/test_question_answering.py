import json

import keras
import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import numbers
from zoo.tasks.answers import best_spans

TOKENIZER = texts.word_piece()
LONG = "the film was bad and " + "very " * 60 + "lovely . "


def records(count, seed=0, unanswerable=0.0):
    """The good word of a passage is asked for; some passages have only a bad one, and some are long."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        good, bad, first, second = (rng.choice(words) for words in (texts.GOOD, texts.BAD, texts.THINGS, texts.THINGS))
        absent = rng.random() < unanswerable
        parts = (
            [f"the {first} was {bad}"] if absent else rng.permutation([f"the {first} was {bad}", f"a {second} {good}"])
        )
        filler = " ".join(["very"] * (24 if rng.random() < 0.2 else 1))  # few lengths, so that little is compiled
        context = f"{filler} and ".join(parts) + " ."
        answers = {"text": [] if absent else [good], "answer_start": [] if absent else [context.index(good)]}
        found.append({"id": str(number), "question": "good", "context": context, "answers": answers})
    return found


def task(**options):
    return zoo.QuestionAnswering(texts.backbone(TOKENIZER, num_layers=1), tokenizer=TOKENIZER, **options)


def eager(model):
    """The model without the seconds that TensorFlow's graph costs; JAX would compile every operation by itself."""
    model.compile(run_eagerly=keras.config.backend() == "tensorflow")
    return model


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    model = task()
    model.compile(optimizer=zoo.training.AdamW(1e-2))
    history = model.fit(records(200, unanswerable=0.3), epochs=6, batch_size=16, verbose=0)
    return model, history


@pytest.fixture
def fitted(trained):
    """The trained model as it was after training."""
    model, _ = trained
    model.no_answer_threshold = 0.0
    return model


def test_no_answers_are_none_to_give():
    with pytest.raises(ValueError, match="top_k=0"):
        task().answer("good", "the film was good", top_k=0)


def test_it_learns_and_answers(trained):
    model, history = trained
    assert history.history["loss"][-1] < 0.1 * history.history["loss"][0]
    assert model.no_answer_threshold == 0.0  # there were questions without an answer
    found = model.evaluate_records(records(60, seed=1, unanswerable=0.3))
    assert found["has_answer_exact_match"] > 0.9 and found["no_answer_exact_match"] > 0.9
    asked = [record for record in records(60, seed=1, unanswerable=0.3) if record["answers"]["text"]]
    answers = model.answer("good", [record["context"] for record in asked])
    right = [
        answer
        for answer, record in zip(answers, asked, strict=True)
        if (answer.text, answer.start) == (record["answers"]["text"][0], record["answers"]["answer_start"][0])
    ]
    assert len(right) > 0.9 * len(asked)
    assert all(answer.end == answer.start + len(answer.text) and answer.alternatives == () for answer in right)
    assert all(0 < answer.score <= 1 and answer.no_answer_score <= 0 for answer in right)


def test_one_and_many(fitted, monkeypatch):
    monkeypatch.setattr(fitted, "no_answer_threshold", None)
    first, second = "the film was dull and a song bright .", "a town warm and the train was grim ."
    one, other = (fitted.answer(question="good", context=context).text for context in (first, second))
    assert one and one in first and other and other in second
    assert [each.text for each in fitted.answer(["good", "good"], [first, second])] == [one, other]
    assert [each.text for each in fitted.answer(["good", "good"], first)] == [one, one]
    assert [each.text for each in fitted.answer("good", [first, second])] == [one, other]
    assert [each.text for each in fitted.answer(["good"], [first])] == [one]
    assert fitted.predict([{"question": "good", "context": first}]) == fitted.answer(["good"], first)
    with pytest.raises(ValueError, match="2 questions, 3 contexts"):
        fitted.answer(["good", "bad"], [first] * 3)
    with pytest.raises(ValueError, match=r"no text in the question: 1 \(record 1\)"):
        fitted.answer(["good", " "], first)


def test_alternatives_are_the_next_best(fitted):
    context = "a film bright and the song was dull ."
    answer = fitted.answer("good", context, top_k=3)
    assert len(answer.alternatives) == 2 and answer.alternatives[0].alternatives == ()
    scores = [answer.score, *(other.score for other in answer.alternatives)]
    assert scores == sorted(scores, reverse=True)
    assert len({(each.start, each.end) for each in (answer, *answer.alternatives)}) == 3
    assert all(context[each.start : each.end] == each.text for each in answer.alternatives)
    assert answer.text == fitted.answer("good", context).text == "bright"


def test_an_answer_at_the_end_of_a_long_passage_is_found(fitted):
    questions = zoo.data.read_questions({"question": "good", "context": LONG}, labelled=False)
    assert len(fitted._encode(questions).numbers) > 2
    found = fitted.answer("good", LONG)
    assert found.text == "lovely" and LONG[found.start : found.end] == "lovely"


def test_padding_and_order_change_nothing(fitted):
    data = [*records(10, seed=3, unanswerable=0.3), {"id": "long", "question": "good", "context": LONG}]
    together = fitted.predict(data, batch_size=4, top_k=2)
    backwards = fitted.predict(data[::-1], batch_size=16, top_k=2)[::-1]
    alone = [fitted.predict(record, top_k=2)[0] for record in data[::5]]
    for first, second in [*zip(together, backwards, strict=True), *zip(together[::5], alone, strict=True)]:
        assert (first.text, first.start, first.end) == (second.text, second.start, second.end)
        assert first.score == pytest.approx(second.score, abs=1e-4)
        assert first.no_answer_score == pytest.approx(second.no_answer_score, abs=1e-3)


def test_a_passage_without_an_answer(fitted):
    context = "the film was grim ."
    none = fitted.answer("good", context, top_k=2)
    assert (none.text, none.start, none.end) == ("", None, None) and none.no_answer_score > 0 and none.score > 0.5
    assert len(none.alternatives) == 1 and none.alternatives[0].text
    fitted.no_answer_threshold = None
    assert fitted.answer("good", context).text == none.alternatives[0].text


def test_without_questions_that_have_no_answer_there_always_is_one():
    model = eager(task())
    model.fit(records(9), verbose=0)
    assert model.no_answer_threshold is None
    assert all(answer.text for answer in model.predict(records(9, unanswerable=1.0)))


def test_the_threshold_is_fitted_and_saved(fitted, tmp_path):
    held_out = records(20, seed=5, unanswerable=0.5)
    for metric in ("exact_match", "f1"):
        threshold = fitted.fit_threshold(held_out, metric=metric)
        best = fitted.evaluate_records(held_out)[metric]
        leads = sorted(answer.no_answer_score for answer in fitted.predict(held_out))
        for other in [leads[0] - 1, *leads[::4], leads[-1]]:
            fitted.no_answer_threshold = other
            assert fitted.evaluate_records(held_out)[metric] <= best + 1e-9
        fitted.no_answer_threshold = threshold
    fitted.save_to_preset(tmp_path / "model")
    loaded = zoo.QuestionAnswering.from_preset(str(tmp_path / "model"))
    assert loaded.no_answer_threshold == threshold
    for first, second in zip(fitted.predict(held_out), loaded.predict(held_out), strict=True):
        assert first.text == second.text and first.score == pytest.approx(second.score, abs=1e-5)
    # Settings are no new head.
    other = zoo.QuestionAnswering.from_preset(
        str(tmp_path / "model"), no_answer_threshold=3.5, max_answer_length=2, stride=5, max_question_length=9
    )
    np.testing.assert_array_equal(numbers(other.span_head.weights[0]), numbers(fitted.span_head.weights[0]))
    assert (other.no_answer_threshold, other.max_answer_length) == (3.5, 2)


def test_a_threshold_needs_both_kinds(fitted):
    with pytest.raises(ValueError, match="5 of 5 questions with one"):
        fitted.fit_threshold(records(5))
    with pytest.raises(ValueError, match="metric='accuracy'"):
        fitted.fit_threshold(records(5), metric="accuracy")


def test_scores_at_the_end_of_an_epoch_are_there_for_callbacks():
    model = eager(task())
    seen = []
    epochs = model.fit(
        records(30),
        validation_data=records(20, seed=1, unanswerable=0.5),
        epochs=4,
        batch_size=16,
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs))),
            keras.callbacks.EarlyStopping("val_f1", mode="max", patience=1, min_delta=2.0),
        ],
    ).epoch
    assert len(epochs) == len(seen) == 2  # no epoch is better by 2
    names = {"val_exact_match", "val_f1", "val_has_answer_f1", "val_no_answer_exact_match", "val_loss", "loss"}
    assert names <= set(seen[0])
    assert model._held_out is None


def test_evaluate_has_loss_metrics_and_scores(fitted):
    model, data = fitted, records(20, seed=2)
    found = model.evaluate(data, verbose=0, return_dict=True)
    assert {"loss", "start_positions_accuracy", "end_positions_accuracy", "exact_match", "f1"} <= set(found)
    assert model.evaluate_records(data) == {name: found[name] for name in ("exact_match", "f1")}
    found = model.evaluate(data, verbose=0)
    assert found[-2:] == list(model.evaluate_records(data).values())


def test_the_loss_is_that_of_padded_features(fitted):
    model, data = fitted, records(11, seed=2)
    windows = model._encode(zoo.data.read_questions(data))
    rows = len(windows.numbers)
    inputs, targets = windows.batch(np.arange(rows), 37)
    assert model.evaluate(inputs, targets, batch_size=4, verbose=0)[0] == pytest.approx(
        model.evaluate(data, batch_size=3, verbose=0)[0], rel=1e-3
    )
    found = model.predict(inputs)
    assert found["start_positions"].shape == (rows, 37)
    assert (found["start_positions"][inputs["answer_mask"] == 0] < -1e8).all()


def test_records_from_files_and_bad_ones(tmp_path):
    data = records(12)
    data[3]["answers"]["answer_start"] = [1]
    path = tmp_path / "train.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    model = eager(task())
    before = model.get_weights()[0].copy()
    with pytest.raises(ValueError, match=r"not at its offset: 1 \(3\)"):
        model.fit(path, verbose=0)
    with pytest.raises(ValueError, match=r"not at its offset: 1 \(3\)"):
        model.fit(records(9), validation_data=path, verbose=0)
    for score in (model.evaluate, model.evaluate_records):
        with pytest.raises(ValueError, match=r"not at its offset: 1 \(3\)"):
            score(path)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    with pytest.warns(UserWarning, match="1 of 12 records were left out"):
        model.fit(path, on_bad_record="skip", validation_split=0.3, verbose=0)


def test_what_is_not_records_is_refused():
    model = task()
    with pytest.raises(ValueError, match="nothing to give beside them"):
        model.fit(records(5), [0] * 5)
    with pytest.raises(ValueError, match="nothing to give beside them"):
        model.fit(records(5), sample_weight=[1] * 5)
    with pytest.raises(ValueError, match="needs a tokenizer"):
        zoo.QuestionAnswering(texts.backbone(TOKENIZER)).answer("good", "the film")


@pytest.mark.parametrize("name", ["stride", "max_question_length", "max_answer_length"])
def test_lengths_are_at_least_one(name):
    with pytest.raises(ValueError, match=f"Received: {name}=0"):
        task(**{name: 0})


def test_a_model_without_room_is_refused():
    model = zoo.QuestionAnswering(texts.backbone(TOKENIZER, max_sequence_length=4), tokenizer=TOKENIZER)
    with pytest.raises(ValueError, match="sequence_length=4"):
        model.answer("good", "the film")


def test_a_long_question_is_cut_with_one_warning_that_counts():
    with pytest.warns(UserWarning, match="1 of 2 questions are longer than the 17 tokens") as warned:
        task().answer(["good " * 40, "bad"], "the film was good")
    assert len([each for each in warned if "were cut" in str(each.message)]) == 1


def test_accents_at_the_end_of_an_answer_belong_to_it():
    tokenizer = texts.word_piece(extra=["cafe"])
    tokenizer = zoo.tokenizers.WordPiece(tokenizer.vocabulary, lowercase=True)
    model = zoo.QuestionAnswering(texts.backbone(tokenizer), tokenizer=tokenizer, max_answer_length=1)
    context = "🍎 cafe\u0301 , 果"
    found = model.answer("good", context, top_k=9)
    spans = {(each.start, each.end, each.text) for each in (found, *found.alternatives)}
    assert spans == {(0, 1, "🍎"), (2, 7, "cafe\u0301"), (8, 9, ","), (10, 11, "果")}


def test_no_span_is_longer_than_allowed():
    model = task(max_answer_length=2)
    for answer in eager(model).predict(records(5), top_k=50):
        assert max(len(each.text.split()) for each in (answer, *answer.alternatives)) == 2


def test_best_spans_are_those_of_a_plain_search():
    rng = np.random.default_rng(0)
    starts, ends = rng.normal(size=(2, 5, 13)).astype("float32")
    first, last, end = np.array([2, 3, 4, 2, 9]), np.array([5, 11, 5, 13, 12]), np.array([9, 11, 12, 13, 13])
    for longest, top_k in ((1, 1), (3, 2), (30, 4)):
        rows, begins, stops, scores = best_spans(starts, ends, first, last, end, longest, top_k)
        for row in range(5):
            expected = sorted(
                (-(starts[row, i] + ends[row, j]), i, j)
                for i in range(first[row], last[row])
                for j in range(i, min(i + longest, end[row]))
            )[:top_k]
            mine = rows == row
            found = sorted(zip(-scores[mine], begins[mine], stops[mine], strict=True))
            assert [each[1:] for each in found] == [each[1:] for each in expected]


def test_batches_of_records_are_trained_and_tested_on():
    model, given = eager(task()), records(5)
    model.compile(optimizer="adam", run_eagerly=model.run_eagerly)
    before = model.test_on_batch(given, return_dict=True)["loss"]
    assert model.train_on_batch(given, return_dict=True)["loss"] == pytest.approx(before, rel=0.2)
    assert model.test_on_batch(given, return_dict=True)["loss"] < before


def test_config_round_trip():
    model = task(stride=7, max_answer_length=5, no_answer_threshold=1.25)
    assert zoo.QuestionAnswering.from_config(model.get_config()).get_config() == model.get_config()


def test_mixed_precision_trains():
    model = eager(zoo.QuestionAnswering(texts.backbone(TOKENIZER, dtype="mixed_bfloat16"), tokenizer=TOKENIZER))
    history = model.fit(records(20), epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert model.answer("good", "the film was good").text


def test_a_backbone_of_shared_layers_and_unigram_pieces():
    data = records(40)
    tokenizer = zoo.tokenizers.train_unigram([each["context"] for each in data], vocabulary_size=60, progress=False)
    backbone = zoo.AlbertBackbone(
        tokenizer.vocabulary_size(), num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=29, embedding_dim=7,
        max_sequence_length=37,
    )  # fmt: skip
    model = eager(zoo.QuestionAnswering(backbone, tokenizer=tokenizer))
    model.fit(data, epochs=1, verbose=0)
    for record, answer in zip(data, model.predict(data), strict=True):
        assert answer.text == record["context"][answer.start : answer.end] == answer.text.strip() != ""
