"""A preset learns the vectors of a larger one from unlabelled text, in a run that can be interrupted."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests import texts
from tests.checks import numbers
from zoo.training import distillation, teaching
from zoo.training.distillation import distill
from zoo.training.runs import read_metrics
from zoo.training.teaching import alter, draw_pairs, draw_texts, neighbours, teacher_vectors

TOKENIZER = texts.word_piece()
pytestmark = pytest.mark.filterwarnings("ignore:.* of .* pieces of the texts are unknown")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n\n".join(texts.documents(60, sentences=7)), encoding="utf-8")
    return [str(path)]


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """Folders of a teacher and of one that learns, with dropout and another tokenizer."""
    folder = tmp_path_factory.mktemp("presets")
    keras.utils.set_random_seed(3)
    teacher = texts.backbone(TOKENIZER, hidden_dim=24, max_sequence_length=97, normalize_first=True)
    zoo.TextEmbedder(teacher, tokenizer=TOKENIZER, pooling="mean").save_to_preset(folder / "teacher")
    other = texts.word_piece(["##film"])
    small = texts.backbone(other, max_sequence_length=97, normalize_first=True, dropout=0.3)
    zoo.MaskedLM(small, tokenizer=other).save_to_preset(folder / "small")
    return folder


def run_of(files, presets, run, **changes):
    options = {"texts": 120, "pairs": 72, "held_out": 24, "epochs": 3, "batch_size": 16, "learning_rate": 1e-2}
    return distill(files, str(presets / "teacher"), str(presets / "small"), run, **{**options, **changes})


@pytest.fixture(scope="module")
def done(files, presets, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "done"
    return run, run_of(files, presets, run)


def test_it_comes_nearer_to_the_teacher(done, presets, files):
    run, result = done
    rows = read_metrics(run / "metrics.csv")
    assert [row["step"] for row in rows] == [12, 24, 36]
    for name, better in (("val_vectors_cosine", 1), ("val_similarities_error", -1)):
        assert better * rows[-1][name] > better * rows[0][name]
    assert result == json.loads((run / "result.json").read_text())
    assert (result["texts"], result["pairs"], result["epochs"], result["steps"]) == (120, 72, 3, 36)
    # What it says of itself is what its preset does.
    model = zoo.TextEmbedder.from_preset(run / "preset")
    teacher = zoo.TextEmbedder.from_preset(presets / "teacher")
    held_out = draw_texts(files, 144, seed=0)[:24]
    cosine = (model.embed(held_out) * teacher.embed(held_out)).sum(1).mean()
    assert cosine == pytest.approx(result["val_vectors_cosine"], abs=2e-3)
    assert (run / "curves.png").stat().st_size > 1000


def test_texts_alone(files, presets, tmp_path):
    result = run_of(files, presets, tmp_path / "run", pairs=0, epochs=1)
    model = zoo.TextEmbedder.from_preset(tmp_path / "run" / "preset")
    drawn = draw_texts(files, 144, seed=0)[24:]
    assert result["tokens"] == sum(len(ids) + 2 for ids in model.tokenizer.encode(drawn))
    assert "similarities_error" not in result


def test_the_mean_of_the_tokens(files, presets, tmp_path):
    run_of(files, presets, tmp_path / "run", pooling="mean", epochs=1)
    assert zoo.TextEmbedder.from_preset(tmp_path / "run" / "preset").pooling == "mean"


def test_the_preset_keeps_its_dropout_and_begins_other_tasks(done):
    run, _ = done
    assert zoo.presets.load_backbone(run / "preset").dropout == 0.3
    task = zoo.TextClassifier.from_preset(run / "preset", num_classes=2)
    assert task.dropout == 0.3 and task.tokenizer.vocabulary_size() == TOKENIZER.vocabulary_size() + 1


def test_a_finished_run_is_not_repeated(done, files, presets, monkeypatch):
    run, result = done
    monkeypatch.setattr(zoo.TextEmbedder, "embed", lambda *_: pytest.fail("the teacher was asked again"))
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("it was trained again"))
    assert run_of(files, presets, run) == result


def test_it_goes_on_where_it_was_interrupted(done, files, presets, tmp_path, monkeypatch):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(distillation, "ProgressBar", lambda *_, **__: Stop())
        with pytest.raises(KeyboardInterrupt):
            run_of(files, presets, tmp_path / "run")
    run_of(files, presets, tmp_path / "run")
    whole = zoo.TextEmbedder.from_preset(done[0] / "preset")
    resumed = zoo.TextEmbedder.from_preset(tmp_path / "run" / "preset")
    for one, other in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_allclose(numbers(one), numbers(other), atol=1e-5, err_msg=one.path)
    assert [row["step"] for row in read_metrics(tmp_path / "run" / "metrics.csv")] == [12, 24, 36]


def test_the_teacher_s_vectors_are_kept_in_parts(presets, tmp_path, monkeypatch):
    monkeypatch.setattr(teaching, "PART", 5)
    teacher = zoo.TextEmbedder.from_preset(presets / "teacher")
    given = texts.reviews(13)[0]
    found = teacher_vectors(teacher, given, tmp_path / "vectors")
    np.testing.assert_allclose(found, teacher.embed(given), atol=1e-3)
    assert sorted(path.name for path in (tmp_path / "vectors").iterdir()) == ["00000.npy", "00001.npy", "00002.npy"]
    (tmp_path / "vectors" / "00001.npy").unlink()
    asked = []
    embed = zoo.TextEmbedder.embed
    monkeypatch.setattr(zoo.TextEmbedder, "embed", lambda self, x, **more: asked.append(x) or embed(self, x, **more))
    np.testing.assert_array_equal(teacher_vectors(teacher, given, tmp_path / "vectors"), found)
    assert asked == [given[5:10]]


def test_pairs_have_the_cosines_of_the_teacher(presets, tmp_path):
    teacher = zoo.TextEmbedder.from_preset(presets / "teacher")
    given = list(dict.fromkeys(texts.reviews(90)[0]))
    vectors = teacher.embed(given)
    pairs = draw_pairs(teacher, given, vectors, 60, TOKENIZER, tmp_path / "altered", seed=2)
    assert len(pairs.first) == len(pairs.second) == len(pairs.cosines) == 60
    found = (teacher.embed(pairs.first) * teacher.embed(pairs.second)).sum(1)
    np.testing.assert_allclose(found, pairs.cosines, atol=3e-3)
    known = set(given)
    in_both = sum(a in known and b in known for a, b in zip(pairs.first, pairs.second, strict=True))
    assert 30 <= in_both < 60  # the rest are altered, on either side
    again = draw_pairs(teacher, given, vectors, 60, TOKENIZER, tmp_path / "altered", seed=2)
    assert again.first == pairs.first and np.array_equal(again.cosines, pairs.cosines)


def test_neighbours_are_near(monkeypatch):
    monkeypatch.setattr(teaching, "BLOCK", 1000)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(25, 16))
    groups = np.repeat(np.arange(25), 100)
    vectors = centres[groups] + 0.1 * rng.normal(size=(2500, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = neighbours(vectors.astype("float16"), 400, rng)
    assert found.shape == (400, 2) and (found[:, 0] != found[:, 1]).all()
    assert (groups[found[:, 0]] == groups[found[:, 1]]).mean() > 0.99
    ranks = [(vectors[a] @ vectors[groups == groups[a]].T > vectors[a] @ vectors[b]).sum() for a, b in found]
    assert 4 < np.mean(ranks) < 13  # not always the nearest
    assert neighbours(vectors[:1], 5, rng).shape == (0, 2)


def test_altered_texts_keep_something():
    given = texts.reviews(300)[0]
    altered = alter(given, TOKENIZER, np.random.default_rng(1))
    assert all(text.strip() for text in altered) and len(altered) == 300
    assert sum(a != b for a, b in zip(altered, given, strict=True)) > 240
    kept = [len(set(a.split()) & set(b.split())) / len(set(a.split())) for a, b in zip(given, altered, strict=True)]
    assert 0.5 < np.mean(kept) < 0.95
    assert alter(["\u3000"], TOKENIZER, np.random.default_rng(1)) == ["."]  # a text without tokens


def test_texts_are_sentences_that_follow_each_other(files):
    document = Path(files[0]).read_text(encoding="utf-8")
    drawn = draw_texts(files, 90, seed=1)
    assert len(set(drawn)) == 90 and all(text in document for text in drawn)
    assert {text.count(".") for text in drawn} == {1, 2, 3}
    assert drawn == draw_texts(files, 90, seed=1) != draw_texts(files, 90, seed=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"texts": 10**6}, r"must have 1,000,024 different texts.*Received: \d+"),
        ({"pooling": "max"}, "pooling='max'"),
        ({"held_out": 1}, "`held_out` must be at least 2. Received: held_out=1"),
        ({"epochs": 0}, "epochs=0"),
        ({"pairs": -3}, "pairs=-3"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(files, presets, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        run_of(files, presets, tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_other_texts_in_the_same_file_are_another_run(files, presets, tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(Path(files[0]).read_text(encoding="utf-8"), encoding="utf-8")
    run_of([str(file)], presets, tmp_path / "run", texts=40, pairs=0, held_out=8, epochs=1)
    file.write_text("\n\n".join(texts.documents(60, sentences=7, seed=1)), encoding="utf-8")
    with pytest.raises(ValueError, match=r"drawn: '\w+' -> '\w+'"):
        run_of([str(file)], presets, tmp_path / "run", texts=40, pairs=0, held_out=8, epochs=1)


def test_a_preset_without_a_tokenizer_is_refused_first(files, presets, tmp_path):
    texts.backbone(TOKENIZER).save_to_preset(tmp_path / "backbone")
    with pytest.raises(ValueError, match="need a tokenizer"):
        distill(files, str(presets / "teacher"), str(tmp_path / "backbone"), tmp_path / "run", texts=40, held_out=8)
    assert not (tmp_path / "run").exists()


def test_a_random_start_is_random(done, files, presets, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(distillation, "_train", lambda model, *_: made.append(model) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        distill(
            files, str(presets / "teacher"), str(done[0] / "preset"), tmp_path / "run", texts=40, pairs=0, held_out=8,
            load_weights=False,
        )  # fmt: skip
    preset = zoo.TextEmbedder.from_preset(done[0] / "preset")
    kernels = [model.get_layer("projection").kernel_and_bias()[0] for model in (made[0], preset)]
    assert not np.allclose(*map(numbers, kernels))


def test_byte_level_pieces_of_characters_are_no_text():
    tokenizer = zoo.presets.load_tokenizer("bart_tiny_en_cased_books")
    altered = alter(["a  b — 苹果  c"] * 300, tokenizer, np.random.default_rng(0))
    assert all(text.strip() and "\ufffd" not in text for text in altered)


def test_another_configuration_is_refused(done, files, presets):
    with pytest.raises(ValueError, match="epochs: 3 -> 4"):
        run_of(files, presets, done[0], epochs=4)
