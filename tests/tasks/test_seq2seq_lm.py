import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import numbers, quick
from zoo.tasks import Beam, Contrastive, Sampling

TOKENIZER = texts.word_piece()
SIZES = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 29, "dropout": 0.0}
KINDS = {
    "bart": lambda: zoo.BartBackbone(
        TOKENIZER.vocabulary_size(), **SIZES, max_sequence_length=37, normalize_first=True
    ),
    "mass": lambda: zoo.MassBackbone(
        TOKENIZER.vocabulary_size(), **SIZES, max_sequence_length=37, normalize_first=True
    ),
    "t5": lambda: zoo.T5Backbone(TOKENIZER.vocabulary_size(), **SIZES, head_dim=8, max_sequence_length=37),
}
BY_KIND = pytest.mark.parametrize("kind", KINDS)


def model_of(kind="bart", **options):
    return zoo.Seq2SeqLM(KINDS[kind](), tokenizer=TOKENIZER, **options)


def pairs(count, seed=0):
    """Sources of three words, and their first word in front of "was good" or "was bad" by the last."""
    rng = np.random.default_rng(seed)
    sources, targets = [], []
    for _ in range(count):
        thing, good = rng.choice(texts.THINGS), rng.integers(2)
        sources.append(f"{thing} very {rng.choice(texts.GOOD if good else texts.BAD)}")
        targets.append(f"the {thing} was {'good' if good else 'bad'}")
    return {"source": sources, "target": targets}


@pytest.mark.parametrize("kind", quick(KINDS, "bart"))
def test_it_learns_and_says_what_it_learnt(kind):
    model = model_of(kind)
    model.compile(optimizer=zoo.training.AdamW(1e-2))
    data = pairs(200)
    history = model.fit(data, epochs=50, batch_size=20, validation_data=pairs(16, seed=1), verbose=0).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    assert history["val_accuracy"][-1] > 0.8
    said = model.generate(data["source"][:20], max_length=9)
    assert np.mean([a == b for a, b in zip(said, data["target"], strict=False)]) > 0.7
    assert model.generate(data["source"][0], max_length=9) == said[0]
    beams = model.generate(data["source"][:20], max_length=9, sampler="beam")
    assert np.mean([a == b for a, b in zip(beams, data["target"], strict=False)]) > 0.7


@BY_KIND
def test_what_encoder_and_decoder_are_given(kind):
    model = model_of(kind)
    examples = model._read({"source": ["film very good"], "target": ["the film"]})
    inputs, targets, weights = model._encode(examples).batch(np.array([0]), 8)
    start, end, pad = TOKENIZER.start_token_id, TOKENIZER.end_token_id, TOKENIZER.pad_token_id
    the, film = TOKENIZER.encode(["the film"])[0].tolist()
    expected = {
        "bart": ([end, start, the, film], [start, the, film, end]),
        "mass": ([start, the, film], [the, film, end]),
        "t5": ([pad, the, film], [the, film, end]),
    }[kind]
    used = int(inputs["decoder_padding_mask"].sum())
    assert inputs["decoder_token_ids"][0, :used].tolist() == expected[0]
    assert targets["target_ids"][0, :used].tolist() == expected[1]
    assert weights["target_ids"].sum() == used == len(expected[0])
    assert set(inputs) == set(model.backbone.input_features)
    assert (inputs["encoder_token_ids"][0, 0] == start) == (kind != "t5")


@BY_KIND
def test_greedy_says_the_likeliest_token_of_the_whole_model_at_every_step(kind):
    model = model_of(kind)
    source = "film very good and the book"
    examples = model._read([source], ["the"])
    inputs, _, _ = model._encode(examples).batch(np.array([0]), 16)
    said = np.zeros((1, 7), "int32")
    said[:, 0] = inputs["decoder_token_ids"][:, 0]
    for count in range(1, 7):
        step = {
            **inputs,
            "decoder_token_ids": said,
            "decoder_padding_mask": (np.arange(7)[None] < count).astype("int32"),
        }
        if kind == "mass":
            step["decoder_positions"] = np.arange(7, dtype="int32")[None]
        said[:, count] = numbers(model(step)["target_ids"])[:, count - 1].argmax(axis=-1)
    tokens = model._generation.tokens(
        inputs["encoder_token_ids"], inputs["encoder_padding_mask"], 6, zoo.tasks.Greedy()
    )
    found = [int(each[0]) for each in tokens]
    assert found == said[0, 1 : 1 + len(found)].tolist()


def contrastive_by_the_paper(model, inputs, max_length, sampler):
    """Equation 5 of Su et al. (2022), a candidate at a time, everything computed anew, for one source."""
    said = [int(inputs["decoder_token_ids"][0, 0])]

    def read(tokens):
        step = {
            **inputs,
            "decoder_token_ids": np.array([tokens]),
            "decoder_padding_mask": np.ones((1, len(tokens)), int),
        }
        hidden = model.backbone(step)["decoder_sequence_output"]
        return numbers(hidden)[0], numbers(model.backbone.logits(hidden))[0, -1]

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    while len(said) <= max_length:
        before, logits = read(said)
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        scores = {}
        for token in np.argsort(-logits)[: sampler.num_candidates]:
            hidden, _ = read([*said, int(token)])
            likeness = max(cosine(hidden[-1], each) for each in before)
            scores[int(token)] = (1 - sampler.penalty) * probabilities[token] - sampler.penalty * likeness
        said.append(max(scores, key=scores.get))
    return said[1:]


@pytest.mark.parametrize("kind", quick(["bart", "t5"], "t5"))
@pytest.mark.parametrize("sampler", [Contrastive(), Contrastive(num_candidates=3, penalty=0.9)])
def test_contrastive_search_is_the_papers(kind, sampler):
    model = model_of(kind)
    # Untrained, all vectors are much alike: larger weights make them differ.
    model.set_weights([3 * weight for weight in model.get_weights()])
    examples = model._read(["film very good and the book"], ["the"])
    inputs, _, _ = model._encode(examples).batch(np.array([0]), 16)
    arrays = (inputs["encoder_token_ids"], inputs["encoder_padding_mask"])
    found = [int(each[0]) for each in model._generation.tokens(*arrays, 7, sampler)]
    assert found == contrastive_by_the_paper(model, inputs, 7, sampler)[: len(found)]
    assert len(found) == 7 or found[-1] == TOKENIZER.end_token_id


def test_contrastive_search_without_a_penalty_is_greedy():
    model = model_of()
    sources = pairs(5)["source"]
    said = model.generate(sources, max_length=9, sampler=Contrastive(penalty=0))
    assert said == model.generate(sources, max_length=9)
    *_, last = model.stream(sources[0], max_length=9, sampler="contrastive")
    assert last == model.generate(sources[0], max_length=9, sampler="contrastive")


def test_texts_of_other_lengths_in_the_batch_change_nothing():
    model = model_of()
    sources = ["film", "the film was very very very good and not bad .", "a book ."]
    together = model.generate(sources, max_length=7)
    assert together == [model.generate(source, max_length=7) for source in sources]
    assert together == model.generate(sources, max_length=7, batch_size=2)
    contrasted = model.generate(sources, max_length=7, sampler="contrastive")
    assert contrasted == [model.generate(source, max_length=7, sampler="contrastive") for source in sources]
    beams = model.generate(sources, max_length=7, sampler=Beam(3))
    assert beams == [model.generate(source, max_length=7, sampler=Beam(3)) for source in sources]


def test_one_beam_is_greedy():
    model = model_of()
    sources = pairs(5)["source"]
    assert model.generate(sources, max_length=9, sampler=Beam(1)) == model.generate(sources, max_length=9)


def test_the_same_seed_says_the_same():
    model = model_of()
    sources = pairs(5)["source"]
    said = [model.generate(sources, max_length=9, sampler=Sampling(seed=seed)) for seed in (3, 3, 4)]
    assert said[0] == said[1] != said[2]


def test_sampling_draws_from_the_likeliest_and_by_their_probability():
    logits = np.log(np.array([[0.5, 0.3, 0.15, 0.05]])).repeat(20_000, axis=0)
    rng = np.random.default_rng(0)
    shares = {
        Sampling(): [0.5, 0.3, 0.15, 0.05],
        Sampling(top_k=2): [0.625, 0.375, 0, 0],
        Sampling(top_p=0.79): [0.625, 0.375, 0, 0],
        Sampling(top_p=0.81): [0.5263, 0.3158, 0.1579, 0],
        Sampling(temperature=0.5): [0.685, 0.2466, 0.0616, 0.0068],
    }
    for sampler, expected in shares.items():
        found = np.bincount(sampler.draw(logits, rng.random(len(logits))), minlength=4) / len(logits)
        np.testing.assert_allclose(found, expected, atol=0.012)


def test_a_stream_grows_to_the_text():
    model = model_of()
    *_, last = model.stream("film very good", max_length=9)
    assert last == model.generate("film very good", max_length=9)


def test_a_table_pre_training_data_and_evaluation():
    import pandas

    model = model_of("t5", label_smoothing=0.1)
    frame = pandas.DataFrame(pairs(16))
    assert np.isfinite(model.fit(frame, epochs=1, verbose=0).history["loss"][0])
    assert np.isfinite(model.evaluate(pairs(16), verbose=0)).all()
    data = zoo.data.pretraining_dataset(
        texts.documents(), TOKENIZER, zoo.objectives.BertStyle(), sequence_length=29, batch_size=7, seed=3
    )
    history = model.fit(data, epochs=1, steps_per_epoch=3, validation_data=data, validation_steps=2, verbose=0).history
    assert np.isfinite(history["val_loss"][0])
    with pytest.raises(ValueError, match="Received: MASS"):
        mass = zoo.data.pretraining_dataset(
            texts.documents(), TOKENIZER, zoo.objectives.MASS(), sequence_length=29, batch_size=7, seed=3
        )
        model.fit(mass)


def test_label_smoothing_is_the_crossentropy_with_a_smooth_target():
    loss = zoo.training.losses.SmoothedCrossentropy(0.1)
    logits = np.random.default_rng(0).normal(size=(2, 3, 7)).astype("float32")
    targets = np.array([[1, 2, 3], [4, 5, 6]])
    smooth = 0.9 * np.eye(7)[targets] + 0.1 / 7
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    expected = -(smooth * log_probabilities).sum(axis=-1).mean()
    assert float(numbers(loss(targets, logits))) == pytest.approx(expected, rel=1e-5)


def test_a_saved_preset_says_the_same(tmp_path):
    model = model_of(label_smoothing=0.1, max_target_length=11)
    model.save_to_preset(tmp_path / "preset")
    copy = zoo.Seq2SeqLM.from_preset(str(tmp_path / "preset"))
    assert copy.get_config()["max_target_length"] == 11 and copy.label_smoothing == 0.1
    assert copy.generate("film very good", max_length=9) == model.generate("film very good", max_length=9)


def test_generation_follows_the_weights():
    model = model_of()
    before = model.generate("film very good", max_length=9, sampler=Sampling(seed=1))
    model.set_weights([np.random.default_rng(1).normal(size=weight.shape) for weight in model.get_weights()])
    assert model.generate("film very good", max_length=9, sampler=Sampling(seed=1)) != before


@pytest.mark.filterwarnings("ignore:.*were cut")
def test_bad_input_is_refused():
    model = model_of()
    with pytest.raises(ValueError, match=r"Received: sampler='best'"):
        model.generate("film", sampler="best")
    with pytest.raises(ValueError, match="Received: max_length=99"):
        model.generate("film", max_length=99)
    with pytest.raises(ValueError, match=r"Received: y\[1\]=' '; 1 such rows"):
        model.fit(["film", "book"], ["a", " "])
    with pytest.raises(ValueError, match=r"must have text in it. Received: 1 empty rows: 1"):
        model.generate(["film", " "], max_length=3)
    with pytest.raises(ValueError, match="Received: x is empty"):
        model.generate([], max_length=3)
    with pytest.raises(ValueError, match=r"Received: 1 empty rows: 0"):
        model.fit({"source": ["", "a film"], "target": ["good", "bad"]}, verbose=0)
    with pytest.raises(ValueError, match="at most the 36 tokens"):
        model.generate("film", max_length=37, sampler="contrastive")  # which reads one token ahead
    with pytest.raises(ValueError, match="Received: max_target_length=99"):
        model_of(max_target_length=99)
    with pytest.raises(ValueError, match="only at the end"):
        next(model.stream("film", sampler="beam"))
    with pytest.raises(ValueError, match="Received: top_p=0"):
        Sampling(top_p=0)
    with pytest.raises(ValueError, match="Received: penalty=2"):
        Contrastive(penalty=2)
    with pytest.raises(ValueError, match="Received: num_candidates=0"):
        Contrastive(num_candidates=0)
    with pytest.warns(UserWarning, match="1 of 1 sources are longer than 37 tokens and 0 targets"):
        model.generate("very " * 60, max_length=3)


def test_what_is_drawn_depends_on_the_text_alone():
    model = model_of()
    sources = ["film very good"] * 6
    warm = Sampling(temperature=2.0)
    said = model.generate(sources, max_length=9, sampler=warm)
    assert len(set(said)) > 3
    assert model.generate(sources, max_length=9, sampler=warm, batch_size=2) == said


def test_predict_takes_what_fit_takes():
    import tensorflow as tf

    model = model_of()
    data = pairs(4)
    said = model.generate(data["source"])
    assert model.predict(data["source"]) == model.predict(data) == said
    assert model.predict({"from": data["source"]}, text_columns="from") == said
    assert model.predict(data["source"], max_length=3, sampler="beam") == model.generate(
        data["source"], max_length=3, sampler="beam"
    )
    assert model.predict(tf.data.Dataset.from_tensor_slices(data).batch(3)) == said
    with pytest.raises(TypeError, match="nonsense"):
        model.predict(data["source"], nonsense=5)


def test_a_data_set_of_sources_and_targets():
    import tensorflow as tf

    model, data = model_of(), pairs(7)
    expected = model.evaluate(data, verbose=0)
    assert model.evaluate(tf.data.Dataset.from_tensor_slices(data).batch(3), verbose=0) == pytest.approx(expected)
    pair = (data["source"], data["target"])
    assert model.evaluate(tf.data.Dataset.from_tensor_slices(pair), verbose=0) == pytest.approx(expected)
