import errno
import hashlib
import os

import keras
import pytest

import zoo
from zoo.cards import ShippedFile
from zoo.weights import bytes_to_save, verify, writing_folder


def shipped(content):
    return ShippedFile(hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "assets" / "tokenizer").mkdir(parents=True)
    (tmp_path / "config.json").write_bytes(b"{}")
    (tmp_path / "assets" / "tokenizer" / "vocabulary.txt").write_bytes(b"[PAD]\n")
    return tmp_path


FILES = {"config.json": shipped(b"{}"), "assets/tokenizer/vocabulary.txt": shipped(b"[PAD]\n")}


def test_accepts_files_as_they_were_shipped(folder):
    (folder / ".DS_Store").write_bytes(b"x")
    assert verify(folder, FILES) is None  # it raises where a file differs, as below


def test_lists_every_file_that_differs(folder):
    (folder / "config.json").write_bytes(b"{ }")
    (folder / "assets" / "tokenizer" / "vocabulary.txt").write_bytes(b"[PAD]\r")
    (folder / "task.weights.h5").write_bytes(b"x")
    files = FILES | {"model.weights.h5": shipped(b"w")}
    with pytest.raises(ValueError, match="Reinstall the package") as error:
        verify(folder, files)
    expected, received = (hashlib.sha256(content).hexdigest() for content in (b"[PAD]\n", b"[PAD]\r"))
    for line in (
        "config.json: expected 2 bytes. Received: 3 bytes",
        f"assets/tokenizer/vocabulary.txt: expected SHA-256 {expected}. Received: {received}",
        "model.weights.h5: missing",
        "task.weights.h5: not listed in the card",
    ):
        assert line in str(error.value)


def write(folder, content="new"):
    (folder / "config.json").write_text(content)
    (folder / "assets").mkdir()
    (folder / "assets" / "vocabulary.txt").write_text(content)


def test_writes_a_new_folder_and_its_parents(tmp_path):
    target = tmp_path / "deep" / "down" / "preset"
    with writing_folder(target) as temporary:
        assert temporary.parent == target.parent
        write(temporary)
        assert not target.exists()
    assert (target / "config.json").read_text() == "new"
    assert os.listdir(target.parent) == ["preset"]


def test_replaces_a_preset_whole(tmp_path):
    target = tmp_path / "preset"
    target.mkdir()
    write(target, "old")
    (target / "task.json").write_text("old")
    with writing_folder(str(target)) as temporary:
        write(temporary)
    assert sorted(os.listdir(target)) == ["assets", "config.json"]
    assert (target / "assets" / "vocabulary.txt").read_text() == "new"
    assert os.listdir(tmp_path) == ["preset"]


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_preset(tmp_path, error):
    target = tmp_path / "preset"
    target.mkdir()
    write(target, "old")
    with pytest.raises(type(error)), writing_folder(target) as temporary:
        write(temporary)
        raise error
    assert (target / "config.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["preset"]


def test_a_failed_swap_brings_the_old_preset_back(tmp_path, monkeypatch):
    target = tmp_path / "preset"
    target.mkdir()
    write(target, "old")
    rename = os.rename

    def fail_on_the_new_one(source, destination, **kwargs):
        if str(source).endswith(".saving"):
            raise OSError(errno.EIO, "Input/output error")
        rename(source, destination, **kwargs)

    monkeypatch.setattr("os.rename", fail_on_the_new_one)
    with pytest.raises(OSError, match="Input/output error"), writing_folder(target) as temporary:
        write(temporary)
    monkeypatch.undo()
    assert (target / "config.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["preset"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
def test_a_full_disk_leaves_the_old_preset(tmp_path):
    target = tmp_path / "preset"
    target.mkdir()
    write(target, "old")
    with pytest.raises(OSError, match="still in memory") as error, writing_folder(target) as temporary:
        (temporary / "config.json").symlink_to("/dev/full")
        (temporary / "config.json").write_text("new")
    assert error.value.errno == errno.ENOSPC
    assert str(target) in str(error.value)
    assert (target / "config.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["preset"]


def test_knows_a_full_disk_by_the_words_of_hdf5(tmp_path):
    words = "Can't decrement id ref count (file write failed: errno = 28, error message = 'No space left on device')"
    with pytest.raises(OSError, match="No space left for the preset") as error, writing_folder(tmp_path / "preset"):
        raise RuntimeError(words)
    assert error.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


def test_refuses_to_start_when_the_disk_has_too_little(tmp_path):
    with (
        pytest.raises(OSError, match="bytes are needed and") as error,
        writing_folder(tmp_path / "preset", needed_bytes=10**18),
    ):
        pytest.fail("nothing may be written")
    assert error.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


def test_asks_the_disk_for_the_room_before_it_writes(tmp_path, monkeypatch):
    def refuse(file, offset, size):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    asked = []
    monkeypatch.setattr(os, "posix_fallocate", lambda file, *room: asked.append(room), raising=False)
    with writing_folder(tmp_path / "preset", needed_bytes=1009) as temporary:
        assert asked == [(0, 1009)]
        assert os.listdir(temporary) == []
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="quota"), writing_folder(tmp_path / "preset", needed_bytes=1009):
        pytest.fail("nothing may be written")
    assert os.listdir(tmp_path) == ["preset"]


def test_never_replaces_what_is_no_preset(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.png").write_text("mine")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "config.json").write_text("{}")
    (foreign / "model.safetensors").write_text("mine")
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "task.json").write_text("{}")
    for target, expected in (
        (file, "a file of that name"),
        (photos, "it also holds cat.png"),
        (foreign, "it also holds model.safetensors"),
        (unfinished, "it has no config.json"),
    ):
        with pytest.raises(ValueError, match=expected), writing_folder(target) as temporary:
            write(temporary)
    assert (photos / "cat.png").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["file", "foreign", "photos", "unfinished"]


def test_an_empty_folder_may_be_filled(tmp_path):
    with writing_folder(tmp_path) as temporary:
        write(temporary)
    assert (tmp_path / "config.json").read_text() == "new"


def test_a_link_keeps_pointing_to_its_folder(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.mkdir()
    link.symlink_to(target)
    with writing_folder(link) as temporary:
        write(temporary)
    assert link.is_symlink()
    assert (target / "config.json").read_text() == "new"


def test_the_new_folder_is_as_readable_as_any(tmp_path):
    (tmp_path / "other").mkdir()
    with writing_folder(tmp_path / "preset") as temporary:
        write(temporary)
    assert (tmp_path / "preset").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "mixed_bfloat16"])
def test_room_is_kept_for_all_that_is_written(dtype, tmp_path):
    backbone = zoo.BertBackbone(997, 2, 3, 12, 48, max_sequence_length=13, dtype=dtype)
    outputs = keras.layers.Dense(5)(backbone(backbone.input)["pooled_output"])
    model = keras.Model(backbone.input, outputs)
    without = bytes_to_save(model)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "model.weights.h5")
    written = (tmp_path / "model.weights.h5").stat().st_size
    assert written < bytes_to_save(model) < written + 5_000_000
    assert bytes_to_save(model) > 2.5 * without - 2 * 4_000_000


def test_room_for_a_shared_layer_is_kept_once():
    dense = keras.layers.Dense(101)
    model = keras.Sequential([keras.Input((101,)), dense, dense])
    assert bytes_to_save(model) == (101 * 101 + 101) * 4 + 2 * 4096 + 4_000_000
