import json

import keras
import psutil
import pytest

import zoo
from zoo.cards import read_card
from zoo.weights import hub, memory

ELEVEN = "t5_11b_multi_cased"
COUNT = 11_307_321_344
TINY = "bert_tiny_en_uncased"


@pytest.fixture
def free(monkeypatch):
    """A function that says how many bytes are free."""
    monkeypatch.setattr(memory, "LIMIT_FILE", memory.LIMIT_FILE.with_name("no such file"))
    monkeypatch.setattr(memory, "_has_accelerator", lambda: False)

    def set_free(count):
        monkeypatch.setattr(memory, "available_bytes", lambda: count)

    return set_free


@pytest.fixture
def untouched(monkeypatch):
    """Nothing is asked of a hub."""
    monkeypatch.setattr(hub, "fetch", lambda *given, **named: pytest.fail("the hub was asked"))


@pytest.mark.parametrize(
    ("dtype", "bytes_each"),
    [("float32", 4), ("mixed_bfloat16", 4), ("bfloat16", 2), ("float16", 2), ("int8_from_bfloat16", 1)],
)
def test_what_is_needed_is_that_of_the_type_of_the_weights(dtype, bytes_each, free):
    card = read_card(ELEVEN)
    free(COUNT * bytes_each)
    memory.check_room(card, dtype)
    free(COUNT * bytes_each - 1)
    needed = f"{COUNT * bytes_each / 1e9:,.1f}"
    with pytest.raises(
        MemoryError, match=rf"{ELEVEN} need {needed} GB .*{COUNT:,} weights of {bytes_each} bytes.*free"
    ):
        memory.check_room(card, dtype)


def test_a_smaller_type_is_recommended_where_there_is_one(free):
    free(7_000_000_000)
    with pytest.raises(
        MemoryError, match=r'need 45\.2 GB .* 7\.0 GB are free\. Take `dtype="bfloat16"` \(22\.6 GB\), a'
    ):
        memory.check_room(read_card(ELEVEN), "float32")
    with pytest.raises(MemoryError, match=r"need 22\.6 GB .* 7\.0 GB are free\. Take a smaller preset"):
        memory.check_room(read_card(ELEVEN), "bfloat16")


def test_the_global_type_counts_where_none_is_given(free):
    free(2 * COUNT)
    with pytest.raises(MemoryError, match="dtype='float32'"):
        memory.check_room(read_card(ELEVEN), None)
    keras.config.set_dtype_policy("bfloat16")
    memory.check_room(read_card(ELEVEN), None)


@pytest.mark.parametrize("load_weights", [True, False])
def test_loading_fails_before_it_starts(load_weights, free, untouched):
    free(COUNT)
    for load in (zoo.presets.load_backbone, zoo.Seq2SeqLM.from_preset):
        with pytest.raises(MemoryError, match=rf"{ELEVEN} need 45\.2 GB of memory"):
            load(ELEVEN, load_weights=load_weights)
    with pytest.raises(MemoryError, match=r"need 22\.6 GB of memory"):
        zoo.presets.load_backbone(ELEVEN, load_weights=load_weights, dtype="bfloat16", dropout=0.0)


def test_a_model_of_another_size_is_built(free):
    free(4 * read_card(TINY).parameter_count - 1)
    with pytest.raises(MemoryError, match=TINY):
        zoo.presets.load_backbone(TINY, load_weights=False)
    small = zoo.presets.load_backbone(TINY, load_weights=False, vocabulary_size=97)
    assert small.vocabulary_size == 97
    free(4 * read_card(TINY).parameter_count)
    assert zoo.presets.load_backbone(TINY, load_weights=False).count_params() == read_card(TINY).parameter_count


def test_a_model_without_a_card_is_let_through(free, tmp_path):
    free(0)
    sizes = {"num_layers": 1, "num_heads": 1, "hidden_dim": 3, "intermediate_dim": 5}
    zoo.BertBackbone(vocabulary_size=7, **sizes).save_to_preset(str(tmp_path / "mine"))
    assert json.loads((tmp_path / "mine" / "config.json").read_text())
    assert zoo.presets.load_backbone(tmp_path / "mine").count_params() > 0


def test_an_accelerator_has_memory_of_its_own(free, monkeypatch):
    free(0)
    monkeypatch.setattr(memory, "_has_accelerator", lambda: True)
    memory.check_room(read_card(ELEVEN), "float32")


def test_where_keras_puts_weights():
    kinds = {device.split(":")[0] for device in keras.distribution.list_devices()}
    assert memory._has_accelerator() == (kinds != {"cpu"})


@pytest.mark.parametrize(
    ("limit", "expected"), [("1009\n", 1009), ("max\n", 20_011), ("30000\n", 20_011), (None, 20_011)]
)
def test_what_a_container_may_use(limit, expected, monkeypatch, tmp_path):
    class Memory:
        available = 20_011

    path = tmp_path / "memory.max"
    if limit is not None:
        path.write_text(limit)
    monkeypatch.setattr(memory, "LIMIT_FILE", path)
    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    assert memory.available_bytes() == expected
