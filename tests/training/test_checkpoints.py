import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import zoo
from tests import texts
from zoo.training import Checkpoint
from zoo.training.pretraining import pretrain
from zoo.training.runs import MetricsLog, RunFolder, read_metrics

# A run that is killed in the middle and taken up again must end with the weights of one that was not.
SCRIPT = """
import sys
import keras, numpy as np
from zoo.training import AdamW, Checkpoint, WarmupLinearDecay

folder, slow = sys.argv[1], float(sys.argv[2])
keras.utils.set_random_seed(7)
layers = [keras.layers.Dense(11, "tanh"), keras.layers.Dropout(0.3), keras.layers.Dense(1)]
model = keras.Sequential([keras.Input((5,)), *layers])
model.compile(AdamW(WarmupLinearDecay(1e-2, 40)), loss="mse", jit_compile=False)
checkpoint = Checkpoint(folder, every=8)
done = checkpoint.restore(model)
print("resumed at", done, flush=True)

def batches():
    step = done
    while True:
        x = np.random.default_rng(step).normal(size=(6, 5)).astype("float32")
        step += 1
        yield x, x.sum(axis=1, keepdims=True)

class Slow(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if slow:
            import time
            time.sleep(slow)

model.fit(batches(), steps_per_epoch=8, epochs=5, initial_epoch=done // 8, callbacks=[checkpoint, Slow()], verbose=0)
np.savez(sys.argv[3], *model.get_weights())
"""


def start(folder, slow, result):
    command = [sys.executable, "-c", SCRIPT, str(folder), str(slow), str(result)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_numbers(tmp_path):
    whole = start(tmp_path / "whole", 0, tmp_path / "whole.npz")
    assert whole.communicate()[0].strip() == "resumed at 0"
    run = start(tmp_path / "killed", 0.1, tmp_path / "killed.npz")
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("step-*16")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert not (tmp_path / "killed.npz").exists()
    again = start(tmp_path / "killed", 0, tmp_path / "killed.npz")
    resumed = again.communicate()[0].strip()
    assert again.returncode == 0 and resumed in ("resumed at 16", "resumed at 24")
    with np.load(tmp_path / "whole.npz") as expected, np.load(tmp_path / "killed.npz") as found:
        for name in expected.files:
            np.testing.assert_allclose(found[name], expected[name], atol=1e-6)


def small_model(units=3):
    import keras

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(units)])
    model.compile("adam", loss="mse", jit_compile=False)
    return model


def saved(tmp_path, model):
    checkpoint = Checkpoint(tmp_path, every=1)
    checkpoint.set_model(model)
    model.optimizer.build(model.trainable_variables)
    checkpoint.steps = 1
    checkpoint.save()
    return checkpoint


def test_a_failed_save_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    model = small_model()
    checkpoint = saved(tmp_path, model)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save_weights", full)
    checkpoint.steps = 2
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save()
    assert [folder.name for folder in tmp_path.iterdir()] == ["step-0000000001"]
    assert Checkpoint(tmp_path, every=1).restore(small_model()) == 1


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    saved(tmp_path, small_model())
    with pytest.raises(ValueError, match="Received: folder="):
        Checkpoint(tmp_path, every=1).restore(small_model(units=4))


def test_nothing_to_go_on_from(tmp_path):
    assert Checkpoint(tmp_path / "none", every=5).restore(small_model()) == 0
    with pytest.raises(ValueError, match="Received: every=0"):
        Checkpoint(tmp_path, every=0)


def pretrained(run, model=None):
    tokenizer, objective = texts.word_piece(), zoo.objectives.MaskedLM()
    keras.utils.set_random_seed(3)
    data = zoo.data.pretraining_dataset(
        texts.documents(19), tokenizer, objective, sequence_length=37, batch_size=5, seed=0
    )
    made = (model or zoo.MaskedLM)(texts.backbone(tokenizer), tokenizer=tokenizer, objective=objective)
    return pretrain(made, data, steps=8, run=run, report_every=4, validation_data=data, validation_steps=2)


@pytest.mark.parametrize("killed_at", [1, 2])
def test_a_run_that_was_killed_while_it_validated_has_all_its_rows(tmp_path, killed_at):
    looks = []

    class Killed(zoo.MaskedLM):
        def evaluate(self, *arguments, **options):
            looks.append(1)
            if len(looks) == killed_at:
                raise KeyboardInterrupt
            return super().evaluate(*arguments, **options)

    whole = pretrained(RunFolder(tmp_path / "whole"))
    run = RunFolder(tmp_path / "run")
    (run.path / "checkpoint" / ".writing-1").mkdir(parents=True)  # left by a kill while it was written
    with pytest.raises(KeyboardInterrupt):
        pretrained(run, Killed)
    found = pretrained(run)
    assert (found["steps"], found["tokens"]) == (8, whole["tokens"])
    assert found["val_loss"] == pytest.approx(whole["val_loss"], abs=1e-3)
    assert [row["step"] for row in read_metrics(run.metrics_file)] == [4, 8]
    assert [folder.name for folder in (run.path / "checkpoint").iterdir()] == ["step-0000000008"]


def test_rows_of_steps_that_are_taken_again_are_dropped(tmp_path):
    run = RunFolder(tmp_path)
    run.metrics_file.write_text("part,epoch,step\na,1,4\na,2,8\n", encoding="utf-8")
    run.forget_after(4)
    assert [row["step"] for row in read_metrics(run.metrics_file)] == [4]


def test_another_optimizer_is_refused(tmp_path):
    x = np.ones((24, 5), "float32")
    model = small_model()
    model.fit(x, x[:, :3], batch_size=6, verbose=0, callbacks=[Checkpoint(tmp_path, every=2)])
    other = small_model()
    other.compile("sgd", loss="mse")
    with pytest.raises(ValueError, match="of this very model and optimizer"):
        Checkpoint(tmp_path, every=2).restore(other)
    assert Checkpoint(tmp_path, every=2).restore(small_model()) == 4


def test_steps_are_counted_when_several_are_taken_at_once(tmp_path):
    x = np.ones((48, 5), "float32")
    model = small_model()
    model.compile("adam", loss="mse", steps_per_execution=4)
    checkpoint, log = Checkpoint(tmp_path / "saved", every=6), MetricsLog(tmp_path / "metrics.csv", "all")
    model.fit(x, x[:, :3], batch_size=6, epochs=2, verbose=0, callbacks=[checkpoint, log])
    assert checkpoint.steps == int(model.optimizer.iterations) == 16
    assert [path.name for path in (tmp_path / "saved").iterdir()] == ["step-0000000016"]
    assert [row["step"] for row in read_metrics(tmp_path / "metrics.csv")] == [8, 16]


def test_runs_of_the_same_second_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda form: form.split("%")[0] + "now")
    assert [RunFolder(name="fit").path.name for _ in range(3)] == ["fit-now", "fit-now-2", "fit-now-3"]


def test_a_second_run_into_the_same_folder_takes_the_place_of_the_first(tmp_path):
    x = np.ones((24, 5), "float32")
    for _ in range(2):
        model = small_model()
        checkpoint = Checkpoint(tmp_path, every=4)
        model.fit(x, x[:, :3], batch_size=6, verbose=0, callbacks=[checkpoint])
        checkpoint.save()
    again = small_model()
    assert Checkpoint(tmp_path, every=4).restore(again) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000000004"]
    for found, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
