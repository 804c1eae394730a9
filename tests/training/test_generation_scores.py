"""Scores and examples of generated text at the end of an epoch."""

import keras
import pytest

import zoo
from tests import texts
from zoo.training import GenerationScores

SOURCES = [f"the {thing} was {word} ." for thing in texts.THINGS[:4] for word in ("good", "bad")]
TARGETS = ["Good" if "good" in source else "bad" for source in SOURCES]
NAMES = ("val_rouge_l", "val_bleu", "val_exact_match")


@pytest.fixture(scope="module")
def model():
    tokenizer = zoo.tokenizers.WordPiece(texts.word_piece().get_vocabulary(), lowercase=True)
    backbone = zoo.BartBackbone(
        tokenizer.vocabulary_size(), num_layers=1, num_heads=2, hidden_dim=16, intermediate_dim=29, dropout=0.0,
        max_sequence_length=17, normalize_first=True,
    )  # fmt: skip
    model = zoo.Seq2SeqLM(backbone, tokenizer=tokenizer)
    model.compile(optimizer=zoo.training.AdamW(3e-2))
    return model


def test_scores_of_what_is_said_reach_the_history_and_other_callbacks(model, capsys):
    data = {"source": SOURCES, "target": TARGETS}
    scores = GenerationScores(data, sample=5, examples=2, max_length=7)
    model.fit(data, epochs=20, verbose=0)  # until something is said
    # A score that cannot be reached ends the training after the second epoch, if it is looked at.
    stop = keras.callbacks.EarlyStopping("val_rouge_l", mode="max", baseline=2.0, patience=0)
    history = model.fit(data, validation_data=data, epochs=3, verbose=0, callbacks=[scores, stop]).history
    assert len(history["loss"]) == 2
    said, right = model.generate(scores.sources, max_length=7), [target.lower() for target in scores.targets]
    expected = zoo.metrics.generation_scores(said, right)
    assert {name: history[name][-1] for name in NAMES} == {name: expected[name.removeprefix("val_")] for name in NAMES}
    assert any(said)
    assert scores(model) == expected
    printed = capsys.readouterr().out
    assert printed.count("5 texts generated") == 2
    assert printed.count("  source    ") == printed.count("  said      ") == 4
    assert f"  source    {scores.sources[0]}\n  expected  {right[0]}\n  said      {said[0]}\n" in printed


def test_an_uncased_vocabulary_can_be_right():
    class Right:
        tokenizer = zoo.tokenizers.WordPiece(texts.word_piece().get_vocabulary(), lowercase=True)

        def generate(self, sources, max_length):
            return [target.lower() for target in TARGETS[: len(sources)]]

    found = GenerationScores(SOURCES, TARGETS, max_length=3)(Right())
    assert found["exact_match"] == found["rouge_l"] == 1


def test_a_sample_is_drawn_once_and_scored_now_and_then(model, capsys):
    scores = GenerationScores(SOURCES, TARGETS, sample=3, examples=0, every=2, max_length=3)
    assert len(scores.sources) == 3
    assert all(
        TARGETS[SOURCES.index(source)] == target for source, target in zip(scores.sources, scores.targets, strict=True)
    )
    assert scores.sources == GenerationScores(SOURCES, TARGETS, sample=3).sources
    assert scores.sources != GenerationScores(SOURCES, TARGETS, sample=3, seed=1).sources
    history = model.fit(SOURCES, TARGETS, epochs=3, verbose=0, callbacks=[scores]).history
    assert [len(history[name]) for name in ("loss", *NAMES)] == [3, 2, 2, 2]  # after epochs 2 and 3
    assert "source" not in capsys.readouterr().out


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="Received: sample=0, every=1, examples=3"):
        GenerationScores(SOURCES, TARGETS, sample=0)
    with pytest.raises(ValueError, match=r"Sources need targets\. Received: y=None"):
        GenerationScores(SOURCES)
    with pytest.raises(ValueError, match="as many labels"):
        GenerationScores(SOURCES, TARGETS[1:])
    with pytest.raises(ValueError, match="no such column"):
        GenerationScores({"source": SOURCES})
