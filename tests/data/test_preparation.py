import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.data.texts import make_documents
from zoo.data import encode_documents, encoding, load_tokenizer, preparation, prepare
from zoo.data.encoder_process import EncoderProcess
from zoo.data.manifest import describe_source, write_manifest
from zoo.data.preparation import open_prepared


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(preparation, "CHARACTERS_PER_SHARD", 5_000)
    monkeypatch.setattr(preparation, "MAX_RECORD_TOKENS", 101)


def digest(folder) -> dict:
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in sorted(os.listdir(folder))
        if name.endswith((".array_record", ".npz", ".json"))
    }


def test_a_prepared_folder_holds_the_documents(tmp_path, write_text, tokenizer, small_shards):
    documents = make_documents(1, 29)
    files = [write_text("b.txt", documents[:17]), write_text("a.txt", documents[17:])]
    manifest = prepare(files, tmp_path / "out", tokenizer, progress=False)
    corpus, read = open_prepared(tmp_path / "out")
    assert read == manifest
    assert manifest["finished"]
    assert [source["name"] for source in manifest["sources"]] == ["b.txt", "a.txt"]
    assert [source["bytes"] for source in manifest["sources"]] == [os.path.getsize(file) for file in files]
    assert len(manifest["shards"]) > 1
    expected = encode_documents(documents, tokenizer)
    assert manifest["counts"]["documents"] == 29
    assert manifest["counts"]["tokens"] == sum(len(one.token_ids) for one in expected)
    assert manifest["counts"]["sentences"] == sum(len(one.sentence_lengths) for one in expected)
    records = [corpus[number] for number in range(manifest["counts"]["records"])]
    assert max(len(record.token_ids) for record in records) <= 101
    for name in ("token_ids", "word_starts", "sentence_lengths"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(record, name) for record in records]),
            np.concatenate([getattr(one, name) for one in expected]),
        )
    for number, record in enumerate(records):
        np.testing.assert_array_equal(corpus.sentence_lengths[number], record.sentence_lengths)


def test_the_folder_holds_its_tokenizer(tmp_path, write_text, tokenizer):
    documents = make_documents(2, 3)
    prepare(write_text("a.txt", documents), tmp_path / "out", tokenizer, progress=False)
    loaded = load_tokenizer(tmp_path / "out")
    assert loaded.fingerprint() == tokenizer.fingerprint()
    assert [ids.tolist() for ids in loaded.encode(documents)] == [ids.tolist() for ids in tokenizer.encode(documents)]


def test_the_tokenizer_is_there_whole_or_not_at_all(tmp_path, write_text, tokenizer, monkeypatch):
    file, out = write_text("a.txt", make_documents(2, 3)), tmp_path / "out"
    moves = []

    def killed(source, target):
        moves.append(target.name)
        if target.name == "tokenizer.json":
            raise KeyboardInterrupt
        os.rename(source, target)

    with monkeypatch.context() as change:
        change.setattr(preparation.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare(file, out, tokenizer, progress=False)
    assert moves[-1] == "tokenizer.json" and not (out / "tokenizer.json").exists()
    prepare(file, out, tokenizer, progress=False)
    assert load_tokenizer(out).fingerprint() == tokenizer.fingerprint()


def test_a_change_in_the_middle_of_a_file_is_seen(tmp_path, write_text, tokenizer):
    file = tmp_path / "big.txt"
    file.write_bytes(b"a cat\n\n" * 700_000)
    before = describe_source(file)
    with open(file, "r+b") as text:
        text.seek(7 * 200_000)
        text.write(b"a cow")
    assert describe_source(file)["digest"] != before["digest"]


def test_processes_write_what_one_process_writes(tmp_path, write_text, tokenizer, small_shards):
    files = [write_text("a.txt", make_documents(3, 31)), write_text("b.txt", make_documents(4, 7, chinese=True))]
    prepare(files, tmp_path / "one", tokenizer, workers=1, progress=False)
    prepare(files, tmp_path / "two", tokenizer, workers=2, progress=False)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_a_finished_folder_is_left_as_it_is(tmp_path, write_text, tokenizer, monkeypatch):
    file = write_text("a.txt", make_documents(3, 5))
    first = prepare(file, tmp_path / "out", tokenizer, progress=False)
    monkeypatch.setattr(preparation, "_write_shards", None)
    assert prepare(file, tmp_path / "out", tokenizer, progress=False) == first


def test_two_at_once_share_the_work(tmp_path, write_text, tokenizer, small_shards, monkeypatch):
    file = write_text("a.txt", make_documents(3, 23))
    write = encoding.write_shard
    written = []

    def write_slowly(folder, number, *arguments):
        written.append(number)
        time.sleep(0.02)
        return write(folder, number, *arguments)

    monkeypatch.setattr(encoding, "write_shard", write_slowly)
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda _: prepare(file, tmp_path / "out", tokenizer, progress=False), range(2)))
    assert both[0] == both[1]
    assert written == list(range(len(both[0]["shards"])))


def test_chinese_words_are_found_without_being_asked_for(tmp_path, write_text, tokenizer):
    file = write_text("a.txt", ["春天来了。", "Baco dufi."])
    starts = {}
    for segmenter in ("auto", None):
        folder = tmp_path / str(segmenter)
        prepare(file, folder, tokenizer, segmenter=segmenter, progress=False)
        corpus, _ = open_prepared(folder)
        starts[segmenter] = [corpus[number].word_starts.tolist() for number in range(2)]
    assert starts[None][0] == [True] * 5
    assert starts["auto"][0][:2] == [True, False]
    assert starts["auto"][1] == starts[None][1]


def test_an_interrupted_preparation_goes_on(tmp_path, write_text, tokenizer, small_shards, monkeypatch):
    file = write_text("a.txt", make_documents(5, 37))
    prepare(file, tmp_path / "whole", tokenizer, progress=False)
    write = encoding.write_shard
    written = []

    def write_or_fail(folder, number, *arguments):
        if number == 3 and len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(number)
        return write(folder, number, *arguments)

    monkeypatch.setattr(encoding, "write_shard", write_or_fail)
    with pytest.raises(OSError, match="No space left"):
        prepare(file, tmp_path / "out", tokenizer, progress=False)
    with pytest.raises(ValueError, match="interrupted"):
        open_prepared(tmp_path / "out")
    written.append("again")
    prepare(file, tmp_path / "out", tokenizer, progress=False)
    assert written[:5] == [0, 1, 2, "again", 3]
    assert digest(tmp_path / "out") == digest(tmp_path / "whole")


def test_a_full_disk_keeps_what_is_finished(tmp_path, write_text, tokenizer, small_shards):
    file = write_text("a.txt", make_documents(5, 37))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.raises(OSError, match=r"(?s)shard-00000\.array_record.*make room and call again"):
            prepare(file, tmp_path / "out", tokenizer, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((tmp_path / "out").glob("*.array_record"))
    assert prepare(file, tmp_path / "out", tokenizer, progress=False)["counts"]["documents"] == 37


KILLED = """
    import sys
    from zoo.data import preparation, load_tokenizer
    preparation.CHARACTERS_PER_SHARD = 20_000
    file, folder, tokenizer, workers = sys.argv[1:]
    preparation.prepare(file, folder, load_tokenizer(tokenizer), workers=int(workers), progress=False)
"""


@pytest.mark.slow
def test_a_kill_loses_no_finished_shard(tmp_path, write_text, tokenizer, monkeypatch):
    monkeypatch.setattr(preparation, "CHARACTERS_PER_SHARD", 20_000)
    file = write_text("a.txt", make_documents(6, 3_000))
    prepare(file, tmp_path / "whole", tokenizer, workers=1, progress=False)
    out = tmp_path / "out"
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(file), str(out), str(tmp_path / "whole")]
    process = subprocess.Popen([*command, "2"], start_new_session=True)
    deadline = time.monotonic() + 300  # on a busy machine it takes a minute to import TensorFlow
    try:
        while len(list(out.glob("*.array_record"))) < 2:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("*.array_record")}
    assert not json.loads((out / "manifest.json").read_text())["finished"]
    assert 2 <= len(kept) < len(list((tmp_path / "whole").glob("*.array_record")))
    prepare(file, out, tokenizer, workers=1, progress=False)
    assert digest(out) == digest(tmp_path / "whole")
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept
    assert not [path.name for path in out.iterdir() if "unfinished" in path.name]


def test_a_changed_source_or_tokenizer_is_refused(tmp_path, write_text, tokenizer, pieces):
    from zoo.tokenizers import WordPiece

    file = write_text("a.txt", make_documents(3, 5))
    other = write_text("b.txt", make_documents(4, 5))
    out = tmp_path / "out"
    prepare([file, other], out, tokenizer, progress=False)
    with pytest.raises(ValueError, match=r"the tokenizer \("):
        prepare([file, other], out, WordPiece([*pieces, "wumi"], lowercase=True), progress=False)
    with pytest.raises(ValueError, match=r"the segmenter \('auto' before, 'tokenizer' now\)"):
        prepare([file, other], out, tokenizer, segmenter=None, progress=False)
    with pytest.raises(ValueError, match=r"the text files \(missing now: b.txt\)"):
        prepare([file], out, tokenizer, progress=False)
    text = file.read_text()
    file.write_text(text.replace("b", "c", 1))
    with pytest.raises(ValueError, match=r"the text files \(changed: a.txt\)"):
        prepare([file, other], out, tokenizer, progress=False)
    file.write_text(text)
    prepare([file, other], out, tokenizer, progress=False)


def test_a_folder_that_moved_is_still_finished(tmp_path, write_text, tokenizer):
    file = write_text("a.txt", make_documents(3, 5))
    prepare(file, tmp_path / "out", tokenizer, progress=False)
    shutil.move(tmp_path / "out", tmp_path / "elsewhere")
    assert open_prepared(tmp_path / "elsewhere")[0].counts["documents"] == 5


def test_files_without_text_are_refused(tmp_path, write_text, tokenizer):
    with pytest.raises(ValueError, match=r"Expected text in the files, found none.*empty.txt"):
        prepare(write_text("empty.txt", [" ", "\n"]), tmp_path / "out", tokenizer, progress=False)


def test_no_file_matches(tmp_path, tokenizer):
    with pytest.raises(ValueError, match="No file matches"):
        prepare(str(tmp_path / "*.txt"), tmp_path / "out", tokenizer, progress=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_another_encoding_says_file_and_line(tmp_path, write_text, tokenizer, workers):
    file = tmp_path / "latin.txt"
    file.write_bytes("ba\n\nco\nciné\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.txt.*line 4"):
        prepare(file, tmp_path / "out", tokenizer, workers=workers, progress=False)


class Failing:
    """A segmenter that another process can import, with words that it cannot bear."""

    def __call__(self, text):
        if "山" in text:
            raise ZeroDivisionError("山")
        if "水" in text:
            print("out of luck", flush=True)
            os._exit(7)
        return [text]


def test_a_process_reports_errors_and_its_own_end(tmp_path, write_text, tokenizer):
    prepare(write_text("a.txt", ["Ba."]), tmp_path / "out", tokenizer, progress=False)
    process = EncoderProcess((str(tmp_path / "out"), Failing(), 101))
    try:
        assert process(3, ["Ba co.", "花月。"])["documents"] == 2
        with pytest.raises(ZeroDivisionError, match="山"):
            process(4, ["山。"])
        assert process(5, ["风。"]) == {"documents": 1, "records": 1, "sentences": 1, "tokens": 2}
        with pytest.raises(RuntimeError, match=r"(?s)ended early, with exit code 7.*Its last words: .*out of luck"):
            process(6, ["水。"])
    finally:
        process.end()
    assert {path.name for path in (tmp_path / "out").glob("shard-0000[3-9].array_record")} == {
        "shard-00003.array_record",
        "shard-00005.array_record",
    }


def test_a_local_function_segments_without_processes(tmp_path, write_text, tokenizer, small_shards):
    file = write_text("a.txt", make_documents(3, 11, chinese=True))
    prepare(file, tmp_path / "out", tokenizer, segmenter=lambda text: [text], workers=2, progress=False)
    corpus, manifest = open_prepared(tmp_path / "out")
    assert "lambda" in manifest["segmenter"]
    starts = np.concatenate([corpus[number].word_starts for number in range(manifest["counts"]["records"])])
    # One word a sentence, and its full stop.
    assert starts.sum() == 2 * manifest["counts"]["sentences"]


@pytest.mark.parametrize("arguments", [{"workers": 0}, {"segmenter": "stanford"}, {"segmenter": 3}])
def test_wrong_arguments(tmp_path, write_text, tokenizer, arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=rf"`{name}` must be .*Received: {name}="):
        prepare(write_text("a.txt", ["Ba."]), tmp_path / "out", tokenizer, progress=False, **arguments)


def test_a_damaged_folder(tmp_path, write_text, tokenizer, small_shards):
    out = tmp_path / "out"
    whole = prepare(write_text("a.txt", make_documents(3, 31)), out, tokenizer, progress=False)
    (out / "shard-00001.array_record").unlink()
    with pytest.raises(ValueError, match=r"missing or cut short: shard-00001\.array_record"):
        open_prepared(out)
    assert prepare(tmp_path / "a.txt", out, tokenizer, progress=False) == whole  # as the message says
    assert open_prepared(out)[1] == whole
    for name in ("shard-00001.array_record", "index.npz"):
        content = (out / name).read_bytes()
        (out / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(ValueError, match=f"missing or cut short: {name}"):
            open_prepared(out)
        assert prepare(tmp_path / "a.txt", out, tokenizer, progress=False) == whole
        assert (out / name).read_bytes() == content
    (out / "manifest.json").write_text("{]")
    with pytest.raises(ValueError, match=r"manifest\.json to be written by this version"):
        open_prepared(out)
    (out / "manifest.json").write_text('{"format": 0}')
    with pytest.raises(ValueError, match="Received: format 0"):
        open_prepared(out)
    with pytest.raises(ValueError, match=r"found no manifest\.json"):
        open_prepared(tmp_path)


@pytest.mark.parametrize("ending", [".array_record", ".npz"])
def test_a_part_that_a_power_failure_left_empty_is_made_again(tmp_path, write_text, tokenizer, small_shards, ending):
    file, out = write_text("a.txt", make_documents(3, 31)), tmp_path / "out"
    whole = prepare(file, out, tokenizer, progress=False)
    content = (out / "shard-00001.array_record").read_bytes()
    (out / "index.npz").unlink()
    write_manifest(out, {**whole, "finished": False})  # as it was before the end
    (out / f"shard-00001{ending}").write_bytes(b"")
    assert prepare(file, out, tokenizer, progress=False) == whole
    assert (out / "shard-00001.array_record").read_bytes() == content and open_prepared(out)[1] == whole


class Cutter:
    """A segmenter with a setting."""

    def __init__(self, size):
        self.size = size

    def __call__(self, text):
        return [text[start : start + self.size] for start in range(0, len(text), self.size)]


def test_another_setting_of_a_segmenter_is_another_segmenter(tmp_path, write_text, tokenizer):
    file = write_text("a.txt", make_documents(3, 5, chinese=True))
    prepare(file, tmp_path / "out", tokenizer, segmenter=Cutter(2), progress=False)
    prepare(file, tmp_path / "out", tokenizer, segmenter=Cutter(2), progress=False)
    with pytest.raises(ValueError, match="changed: the segmenter"):
        prepare(file, tmp_path / "out", tokenizer, segmenter=Cutter(5), progress=False)


def test_the_bar_ends_at_the_end(tmp_path, write_text, tokenizer, small_shards, capsys):
    prepare(write_text("a.txt", make_documents(3, 31)), tmp_path / "out", tokenizer)
    assert "100%" in capsys.readouterr().out
