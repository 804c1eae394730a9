"""What the files of a tokenizer ask for and we do not do is refused; what those of published models hold is read."""

import json

import pytest

import zoo
from zoo.tokenizers.byte_pair_files import CHARACTERS
from zoo.weights.published.tokenizers import read_tokenizer

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BYTES = {piece: number for number, piece in enumerate([*SPECIAL, *CHARACTERS, "do"])}
OF_BERT = {
    "model": {
        "type": "WordPiece", "vocab": {piece: number for number, piece in enumerate(WORDS)}, "unk_token": "[UNK]",
        "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
    },
    "normalizer": {
        "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
        "lowercase": True,
    },
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "added_tokens": [{"id": number, "content": WORDS[number], "special": True} for number in range(5)],
}  # fmt: skip
OF_ROBERTA = {
    "model": {
        "type": "BPE", "vocab": BYTES, "merges": ["d o"], "dropout": None, "unk_token": None,
        "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
    },
    "normalizer": None,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True},
    "added_tokens": [{"id": number, "content": SPECIAL[number], "special": True} for number in range(5)],
}  # fmt: skip
# As published models have them.
USUAL = {
    "vocab.txt": "\n".join(WORDS) + "\n",
    "vocab.json": BYTES,
    "merges.txt": "#version: 0.2\nd o\n",
    "added_tokens.json": {},
    "special_tokens_map.json": {"unk_token": "[UNK]", "mask_token": {"content": "[MASK]", "lstrip": False}},
    "tokenizer_config.json": {
        "do_lower_case": True, "do_basic_tokenize": True, "never_split": None, "tokenize_chinese_chars": True,
        "strip_accents": None, "additional_special_tokens": [], "tokenizer_class": "BertTokenizer",
        "added_tokens_decoder": {"4": {"content": "[MASK]", "special": True}},
    },
}  # fmt: skip
OF_ROBERTA_CONFIG = {"add_prefix_space": False, "mask_token": {"__type": "AddedToken", "content": "<mask>"}}


def read(folder, files, model_type="bert"):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"vocab_size": len(BYTES)}))
    for name, content in files.items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return read_tokenizer(folder, model_type)


def changed(whole, part, **values):
    return whole | {part: {**(whole[part] or {}), **values}}


@pytest.mark.parametrize(
    "names",
    [
        ("vocab.txt",),
        ("vocab.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json", "tokenizer.json"),
        ("tokenizer.json",),
    ],
)
def test_the_usual_files_of_word_pieces(names, tmp_path):
    files = {**USUAL, "tokenizer.json": OF_BERT}
    tokenizer = read(tmp_path, {name: files[name] for name in names})
    assert isinstance(tokenizer, zoo.tokenizers.WordPiece)
    assert tokenizer.encode(["The dogs[MASK]"])[0].tolist() == [5, 6, 7, 4]


@pytest.mark.parametrize("names", [("vocab.json", "merges.txt"), ("vocab.json", "merges.txt", "json"), ("json",)])
def test_the_usual_files_of_byte_pairs(names, tmp_path):
    files = {name: USUAL[name] for name in names if name != "json"}
    if "json" in names:
        files |= {"tokenizer.json": OF_ROBERTA, "tokenizer_config.json": OF_ROBERTA_CONFIG}
    tokenizer = read(tmp_path, files, "roberta")
    assert isinstance(tokenizer, zoo.tokenizers.BytePair)
    assert tokenizer.encode(["do <mask>"])[0].tolist() == [BYTES["do"], BYTES["<mask>"]]


def test_a_class_that_does_what_its_file_says(tmp_path):
    files = {"vocab.txt": "\n".join([*WORDS, "The"]), "tokenizer.json": changed(OF_BERT, "normalizer", lowercase=False)}
    assert read(tmp_path, files).lowercase  # BERT's own class does not look there
    assert not read(tmp_path, {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"}}).lowercase


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tokenizer_config.json": {"do_basic_tokenize": False}}, "do_basic_tokenize: only True is .* False in"),
        ({"tokenizer_config.json": {"tokenize_chinese_chars": False}}, "tokenize_chinese_chars: only True"),
        ({"tokenizer_config.json": {"never_split": ["the"]}}, r"never_split: only None .* Received: \['the'\]"),
        ({"added_tokens.json": {"[E1]": 8}}, r"Received: \['\[E1\]'\]"),
        ({"added_tokens.json": {"dog": 6}}, r"Received: \['dog'\]"),  # a word that is cut out of other words
        ({"tokenizer_config.json": {"added_tokens_decoder": {"8": {"content": "[E2]"}}}}, r"\['\[E2\]'\]"),
        ({"tokenizer_config.json": {"additional_special_tokens": ["[E3]"]}}, r"\['\[E3\]'\]"),
        ({"tokenizer_config.json": {"extra_special_tokens": {"entity_token": "[E4]"}}}, r"\['\[E4\]'\]"),
        ({"special_tokens_map.json": {"additional_special_tokens": [{"content": "[E5]"}]}}, r"\['\[E5\]'\]"),
        ({"tokenizer.json": OF_BERT | {"added_tokens": [{"content": "dog"}, {"content": "[PAD]"}]}}, r"\['dog'\]"),
        ({"tokenizer.json": OF_BERT | {"pre_tokenizer": {"type": "WhitespaceSplit"}}}, "pre_tokenizer: only .*Split"),
        ({"tokenizer.json": OF_BERT | {"pre_tokenizer": None}}, "pre_tokenizer: only .*BertPreTokenizer.*None"),
        ({"tokenizer.json": OF_BERT | {"normalizer": {"type": "Lowercase"}}}, "normalizer: only .*Received: .*Lower"),
        ({"tokenizer.json": changed(OF_BERT, "normalizer", handle_chinese_chars=False)}, "handle_chinese_chars"),
        ({"tokenizer.json": changed(OF_BERT, "normalizer", clean_text=False)}, "clean_text"),
        ({"tokenizer.json": changed(OF_BERT, "model", continuing_subword_prefix="@@")}, "model: only .*'##'.*'@@'"),
    ],
)
@pytest.mark.parametrize("beside", [True, False])
def test_what_word_pieces_are_asked_for_and_do_not_do(beside, files, message, tmp_path):
    with pytest.raises(ValueError, match=f"(?s){message}.*Give a `tokenizer` of your own"):
        read(tmp_path, ({"vocab.txt": USUAL["vocab.txt"]} if beside else {"tokenizer.json": OF_BERT}) | files)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tokenizer_config.json": {"add_prefix_space": True}}, "add_prefix_space: only False is .* True in"),
        ({"added_tokens.json": {"covid": 262}}, r"Received: \['covid'\]"),
        ({"tokenizer.json": changed(OF_ROBERTA, "pre_tokenizer", add_prefix_space=True)}, "pre_tokenizer: .*space"),
        ({"tokenizer.json": changed(OF_ROBERTA, "pre_tokenizer", use_regex=False)}, "pre_tokenizer: .*use_regex"),
        ({"tokenizer.json": OF_ROBERTA | {"pre_tokenizer": None}}, "pre_tokenizer: only .*ByteLevel"),
        ({"tokenizer.json": changed(OF_ROBERTA, "normalizer", type="Lowercase")}, "normalizer: .*Lowercase"),
        ({"tokenizer.json": changed(OF_ROBERTA, "model", end_of_word_suffix="</w>")}, "model: .*</w>"),
    ],
)
@pytest.mark.parametrize("beside", [True, False])
def test_what_byte_pairs_are_asked_for_and_do_not_do(beside, files, message, tmp_path):
    lists = {name: USUAL[name] for name in ("vocab.json", "merges.txt")}
    with pytest.raises(ValueError, match=f"(?s){message}.*Give a `tokenizer` of your own"):
        read(tmp_path, (lists if beside else {"tokenizer.json": OF_ROBERTA}) | files, "roberta")


def test_the_mask_of_a_model_for_summaries_may_be_named(tmp_path):
    last = {piece: number for number, piece in enumerate([*SPECIAL[:-1], *CHARACTERS, "do", "<mask>"])}
    (tmp_path / "tokenizer.json").write_text(json.dumps(changed(OF_ROBERTA, "model", vocab=last)))
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": len(last) - 1}))
    assert read_tokenizer(tmp_path, "bart").mask_token_id is None
