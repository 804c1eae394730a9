"""Reading text files, plain or compressed, and finding them by patterns."""

import bz2
import gzip
import importlib
import lzma
import tracemalloc
from pathlib import Path

import pytest

from zoo.data import text_files
from zoo.data.text_files import are_text_files, expand_paths, names_text_file, open_text

TEXT = "The first line\n第二行，有中文\n\n  spaces stay \nlast line 🙂"
LINES = TEXT.split("\n")
COMPRESSIONS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def read(path) -> list[str]:
    with open_text(path) as lines:
        return list(lines)


def zstandard():
    for name in ("compression.zstd", "zstandard"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def test_plain_text(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.encode())
    assert read(path) == LINES and read(str(path)) == LINES
    path.write_bytes(TEXT.encode() + b"\n")
    assert read(path) == LINES
    path.write_bytes(b"")
    assert read(path) == []


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_compressed_text(tmp_path, ending):
    path = tmp_path / f"a.txt{ending.upper()}"
    path.write_bytes(COMPRESSIONS[ending](TEXT.encode()))
    assert read(path) == LINES


def test_zstandard_text(tmp_path):
    module = zstandard()
    if module is None:
        pytest.skip("neither compression.zstd (Python 3.14) nor zstandard is installed")
    path = tmp_path / "a.txt.zst"
    packed = module.compress(TEXT.encode())
    path.write_bytes(packed)
    assert read(path) == LINES
    path.write_bytes(packed + module.compress(b"\nmore"))  # two frames, as parallel packers write them
    assert read(path) == [*LINES, "more"]
    for damaged in (packed[:-3], packed[: len(packed) // 2], packed[:6] + b"\xff\xff\xff" + packed[9:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.txt\.zst is damaged or cut short"):
            read(path)


def test_zstandard_without_its_package(tmp_path, monkeypatch):
    path = tmp_path / "a.txt.zst"
    path.write_bytes(b"any")

    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(text_files.importlib, "import_module", absent)
    with pytest.raises(ValueError, match="pip install zstandard"):
        read(path)


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert read(path) == LINES
    path.write_bytes("one\n\ufefftwo\n".encode())
    assert read(path) == ["one", "\ufefftwo"]


def test_only_line_ends_end_lines(tmp_path):
    text = "a\u2028b\x85c\x0bd\x0ce\u2029f"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert read(tmp_path / "a.txt") == [text]


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_what_is_not_utf8_is_named(tmp_path, ending):
    path = tmp_path / f"a.txt{ending}"
    raw = "first\n第二行\ncaf".encode() + b"\xe9 au lait\nmore\n"
    path.write_bytes(COMPRESSIONS[ending](raw) if ending else raw)
    with pytest.raises(ValueError, match=rf"{path.name} is not UTF-8: line 3, byte {raw.index(0xE9)}, ") as error:
        read(path)
    assert "iconv" in str(error.value)


def test_an_unfinished_character_at_the_end_is_named(tmp_path):
    path = tmp_path / "a.txt"
    raw = "one\n你好".encode()[:-1]
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=f"line 2, byte {len(raw) - 2}, unexpected end of data"):
        read(path)


def test_other_encodings_are_errors(tmp_path):
    path = tmp_path / "a.txt"
    for encoding in ("utf-16", "gb18030", "latin-1"):
        path.write_bytes("naïve 文字".encode(encoding, "ignore"))
        with pytest.raises(ValueError, match="not UTF-8: line 1"):
            read(path)
    path.write_bytes(gzip.compress(TEXT.encode()))
    with pytest.raises(ValueError, match="add it"):
        read(path)


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_damaged_files_are_errors(tmp_path, ending):
    path = tmp_path / f"a.txt{ending}"
    whole = COMPRESSIONS[ending]("".join(f"line {number * 7919}\n" for number in range(5003)).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="damaged or cut short"):
        read(path)
    path.write_bytes(b"no archive at all")
    with pytest.raises(ValueError, match="damaged or cut short"):
        read(path)


def test_files_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "absent.txt", tmp_path / "absent.txt.xz", tmp_path):
        with pytest.raises(ValueError, match=f"Cannot open the text file {path}"):
            read(path)


def test_a_line_without_end_comes_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "MAX_LINE_BYTES", 7)
    path = tmp_path / "a.txt"
    text = "短行\n" + "你好世界" * 11 + "\nend"
    path.write_bytes(text.encode())
    parts = read(path)
    assert "".join(parts) == text.replace("\n", "") and len(parts) > 11
    path.write_bytes("你好世界".encode() + b"\xff")
    with pytest.raises(ValueError, match="line 1, byte 12, "):
        read(path)
    path.write_bytes("你好世界".encode()[:-1])
    with pytest.raises(ValueError, match="line 1, byte 9, "):
        read(path)


def test_memory_stays_bounded(tmp_path):
    path = tmp_path / "a.txt.gz"
    with gzip.open(path, "wb", 1) as file:
        for _ in range(40):
            file.write(b"no line end " * 100_000)
    tracemalloc.start()
    with open_text(path) as lines:
        characters = sum(map(len, lines))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert characters == 40 * 1_200_000 and peak < 16_000_000


def test_paths_and_patterns(tmp_path):
    for name in ("b.txt", "a.txt", "c.text", "deep/down/d.txt", "odd[1].txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")

    def names(patterns):
        return [path.relative_to(tmp_path).as_posix() for path in expand_paths(patterns)]

    assert names(f"{tmp_path}/[ab].txt") == ["a.txt", "b.txt"]
    assert names(tmp_path / "c.text") == ["c.text"]
    assert names([tmp_path / "c.text", f"{tmp_path}/?.t*", tmp_path / "a.txt"]) == ["c.text", "a.txt", "b.txt"]
    assert names(f"{tmp_path}/**/d.txt") == ["deep/down/d.txt"]
    assert names(tmp_path / "odd[1].txt") == ["odd[1].txt"]
    assert names(f"{tmp_path}/*") == ["a.txt", "b.txt", "c.text", "odd[1].txt"]
    assert all(isinstance(path, Path) for path in expand_paths(f"{tmp_path}/*"))


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.txt").write_text("x")
    assert expand_paths("~/a.txt") == expand_paths("~/*.txt") == [tmp_path / "a.txt"]


def test_paths_that_name_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"No file matches. Received: '.*none-\*\.txt'"):
        expand_paths(f"{tmp_path}/none-*.txt")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match="No file matches"):
        expand_paths([tmp_path / "a.txt", tmp_path / "b.txt"])
    with pytest.raises(ValueError, match="not a folder"):
        expand_paths(tmp_path)
    with pytest.raises(ValueError, match="At least one"):
        expand_paths([])
    for wrong in (7, None, [7], [b"a.txt"]):
        with pytest.raises(TypeError, match="Received: "):
            expand_paths(wrong)


def test_names_and_texts_are_told_apart(tmp_path):
    (tmp_path / "corpus").write_text("x")
    names = ["a.txt", "*/a.TXT", "a.txt.xz", "a.gz", "a.text", "folder/*", Path("a"), str(tmp_path / "corpus")]
    assert all(map(names_text_file, names))
    texts = ["A sentence.", "", "a.txt\nb", "see a.txt for more", "two * three", "x" * 10_000, "null\0", 7, None]
    assert not any(map(names_text_file, texts))


def test_a_file_by_two_names_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    monkeypatch.chdir(tmp_path)
    assert expand_paths(["a.txt", "./a.txt", tmp_path / "a.txt", "*.txt"]) == [Path("a.txt")]


def test_long_lines_can_be_had_whole(tmp_path):
    path, line = tmp_path / "a.txt", "去" * 1_000_000
    path.write_text(f"{line}\nshort\n{line}", encoding="utf-8")
    with open_text(path, whole_lines=True) as lines:
        assert list(lines) == [line, "short", line]
    assert len(read(path)) > 3


@pytest.mark.parametrize(
    "items",
    [["folder"], ["folder/a.txt", "folder/b.md"], [Path("folder/a.txt"), "A text."], ["A text.", Path("folder/a.txt")]],
    ids=["folder", "missing", "path first", "path last"],
)
def test_paths_are_not_taken_for_texts(tmp_path, monkeypatch, items):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("text")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="not a mixture, and no folders"):
        are_text_files(items)


def test_texts_are_not_taken_for_paths(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    assert not are_text_files(["今天*很好*。", "天气*好*。"]) and not are_text_files(["data", "is", "everywhere"])
    assert not are_text_files(["see a.txt", "and b"]) and not are_text_files([])
