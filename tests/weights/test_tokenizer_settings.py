"""What the files of a tokenizer ask for and we do not do is refused."""

import json

import pytest

from zoo.tokenizers.byte_pair_files import CHARACTERS
from zoo.weights.published.tokenizers import byte_pair, word_piece

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s"]
BYTES = {piece: number for number, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *CHARACTERS, "do"])}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tokenizer_config.json": {"do_basic_tokenize": False}}, "do_basic_tokenize: only True"),
        ({"added_tokens.json": {"[E1]": 8}}, r"Received: \['\[E1\]'\]"),
        ({"tokenizer_config.json": {"added_tokens_decoder": {"8": {"content": "[E2]"}}}}, r"Received: \['\[E2\]'\]"),
    ],
)
def test_what_a_word_piece_is_asked_for_and_does_not_do(files, message, tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS))
    assert word_piece(tmp_path).vocabulary_size() == 8
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        word_piece(tmp_path)


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("pre_tokenizer", {"type": "ByteLevel", "add_prefix_space": True}),
        ("normalizer", {"type": "Lowercase"}),
    ],
)
def test_what_byte_pairs_are_asked_for_and_do_not_do(part, found, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": len(BYTES)}))
    whole = {"model": {"type": "BPE", "vocab": BYTES, "merges": ["d o"]}, "normalizer": None}
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole))
    assert byte_pair(tmp_path).vocabulary_size() == len(BYTES)
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole | {part: found}))
    with pytest.raises(ValueError, match=f"{part}: only"):
        byte_pair(tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"add_prefix_space": True}))
    with pytest.raises(ValueError, match="add_prefix_space: only False"):
        byte_pair(tmp_path)
