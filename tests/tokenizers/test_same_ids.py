"""Word pieces: the TensorFlow graph, the tables and the reference tokenizers agree with Python, with any setting."""

import json

import numpy as np
import pytest

from tests.checks import quick
from tests.tokenizers.multilingual import draw_texts, graph_of, vocabulary
from zoo.tokenizers import WordPiece
from zoo.tokenizers.bert_text import build_normalizer, build_pre_tokenizer, character_tables

SETTINGS = {
    "uncased": {"lowercase": True},
    "cased": {"lowercase": False},
    "lowercase_with_accents": {"lowercase": True, "strip_accents": False},
    "cased_without_accents": {"lowercase": False, "strip_accents": True},
    "special_tokens": {"lowercase": True, "special_tokens_in_strings": True},
}
NUM_TEXTS = 3001


@pytest.fixture(scope="module")
def pieces():
    return vocabulary()


@pytest.fixture(scope="module")
def texts():
    return draw_texts(NUM_TEXTS, seed=7)


@pytest.mark.parametrize("setting", quick(SETTINGS, "uncased", "cased"))
def test_graph_and_python_agree_on_many_scripts(pieces, texts, setting):
    tokenizer = WordPiece(pieces, **SETTINGS[setting])
    ids = [row.tolist() for row in tokenizer.encode(texts)]
    graph_ids = graph_of(tokenizer)(texts)
    differing = [
        (text, ours, theirs) for text, ours, theirs in zip(texts, ids, graph_ids, strict=True) if ours != theirs
    ]
    assert not differing, f"{len(differing)} texts differ, such as {differing[0]!a}"
    flat = np.concatenate([np.array(row) for row in ids if row])
    known = flat[flat != tokenizer.unk_token_id]
    # The set would prove little if most of it were unknown.
    assert len(known) > 0.5 * len(flat) and len(np.unique(known)) > 0.3 * len(pieces)


@pytest.mark.parametrize("characters", [99, 100, 101])
def test_words_beyond_a_hundred_characters_are_unknown(pieces, characters):
    tokenizer = WordPiece(pieces, lowercase=True)
    # Three bytes a character, so that a limit in bytes would be noticed.
    texts = ["ก" * characters, "a" * characters, "가" * (characters // 2)]
    ids = [row.tolist() for row in tokenizer.encode(texts)]
    assert graph_of(tokenizer)(texts) == ids
    assert (ids[1] == [tokenizer.unk_token_id]) is (characters > 100)
    assert (ids[0] == [tokenizer.unk_token_id]) is (characters > 100)


@pytest.mark.slow
def test_tables_say_what_the_tokenizers_package_does_to_every_character():
    for lowercase, strip_accents in ((True, True), (False, False)):
        tables = character_tables(lowercase, strip_accents)
        normalizer, splitter = build_normalizer(lowercase, strip_accents), build_pre_tokenizer()
        for first in range(0, 0x110000, 0x1000):
            codes = [code for code in range(first, first + 0x1000) if code not in range(0xD800, 0xE000)]
            text = " ".join(f"a{chr(code)}b" for code in codes)
            expected = [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]
            assert [word for word in tables(text).split(" ") if word] == expected, hex(first)


def test_marks_come_in_canonical_order(texts):
    tables, normalizer = character_tables(True, True), build_normalizer(True, True)
    for text in texts[:1000]:
        words = [word for word, _ in build_pre_tokenizer().pre_tokenize_str(normalizer.normalize_str(text))]
        assert [word for word in tables(text).split(" ") if word] == words


@pytest.mark.parametrize("setting", ["uncased", "cased", "lowercase_with_accents"])
def test_same_ids_as_transformers(pieces, texts, setting, tmp_path):
    transformers = pytest.importorskip("transformers", reason="the reference is a test extra")
    tokenizer = WordPiece(pieces, **SETTINGS[setting])
    tokenizer.save_vocabulary(tmp_path / "vocab.txt")
    configuration = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": tokenizer.lowercase,
        "strip_accents": tokenizer.strip_accents,
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(configuration))
    reference = transformers.BertTokenizerFast.from_pretrained(tmp_path)
    # The reference takes every special token from a text, ours only the mask: leave the others out.
    texts = [text for text in texts if not any(token in text for token in ("[CLS]", "[SEP]", "[PAD]", "[UNK]"))]
    expected = reference(texts, add_special_tokens=False)["input_ids"]
    assert len(texts) > 0.6 * NUM_TEXTS
    assert [row.tolist() for row in tokenizer.encode(texts)] == expected


def test_same_ids_as_keras_hub_on_plain_text(pieces):
    import keras_hub

    reference = keras_hub.tokenizers.BertTokenizer(pieces, lowercase=True)
    texts = ["the uniting, THE 你好 world!", "привет the", "12 (the) a-b"]
    assert WordPiece(reference.get_vocabulary(), lowercase=True)(texts) == reference(texts)
