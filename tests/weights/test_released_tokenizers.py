"""Vocabularies of Google's BERT and ALBERT folders: the tokenizer is found, its case is told, a task learns with it."""

import io
import json

import numpy as np
import pytest
import sentencepiece

import zoo
from tests.checks import numbers
from tests.weights.test_tensorflow_checkpoint import ALBERT_CONFIG, BERT_CONFIG, folder_of

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
UNCASED = [*SPECIAL, "<S>", "the", "dog", "苹", "果", "!", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
TEXTS = ["The Café's dogs!", "苹果 and the DOG", "in 11, of 3,000 \U0001f600"]


def released(folder, kind="bert", **files):
    """A folder with a configuration and vocabularies, by names in which `_` stands for a full stop."""
    config = {"bert": BERT_CONFIG, "albert": ALBERT_CONFIG}[kind]
    (folder / f"{kind}_config.json").write_text(json.dumps(config))
    for name, content in files.items():
        path = folder / ".".join(name.rsplit("_", 1))
        path.write_bytes(content if isinstance(content, bytes) else "".join(f"{line}\n" for line in content).encode())
    return folder


def sentence_pieces():
    proto = io.BytesIO()
    texts = ["the cafe's dogs bark", "苹果 and the dog", "in 11, of 3,000 and 20,"] * 9
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=proto, vocab_size=97, hard_vocab_limit=False, pad_id=0, unk_id=1,
        bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]", "[MASK]"], split_by_number=False, minloglevel=2,
    )  # fmt: skip
    return proto.getvalue()


@pytest.mark.parametrize(
    ("more", "lowercase"), [([], True), (["Ⅻ", "[unused1]", "Apple"], True), (["A"], False), (["Q", "##R"], False)]
)
def test_texts_are_lowercased_unless_a_capital_is_a_piece(more, lowercase, tmp_path):
    tokenizer = zoo.presets.load_tokenizer(released(tmp_path, vocab_txt=[*UNCASED, *more]))
    assert tokenizer.lowercase is tokenizer.strip_accents is lowercase
    expected = zoo.tokenizers.WordPiece([*UNCASED, *more], lowercase=lowercase)
    for ours, theirs in zip(tokenizer.encode(TEXTS), expected.encode(TEXTS), strict=True):
        assert ours.tolist() == theirs.tolist()


def test_what_the_folder_says_of_case_counts(tmp_path):
    released(tmp_path, vocab_txt=UNCASED)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    assert zoo.presets.load_tokenizer(tmp_path).lowercase is False


def test_the_chinese_albert_has_word_pieces_with_numbers_behind_them(tmp_path):
    released(tmp_path, "albert", vocab_chinese_txt=[f"{piece}\t{-index}" for index, piece in enumerate(UNCASED)])
    tokenizer = zoo.presets.load_tokenizer(tmp_path)
    assert tokenizer.vocabulary == UNCASED
    assert zoo.TextClassifier.from_preset(folder_of("albert", tmp_path), num_classes=2).tokenizer.vocabulary == UNCASED
    assert tokenizer.encode(["苹果"])[0].tolist() == [UNCASED.index("苹"), UNCASED.index("果")]


def test_the_sentence_pieces_of_an_albert(tmp_path):
    proto = sentence_pieces()
    tokenizer = zoo.presets.load_tokenizer(released(tmp_path, "albert", **{"30k-clean_model": proto}))
    assert isinstance(tokenizer, zoo.tokenizers.Unigram)
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto)
    first, second, third = (row.tolist() for row in tokenizer.encode(TEXTS))
    assert first == processor.encode("the cafe's dogs!") and second == processor.encode("苹果 and the dog")
    assert "11," in "".join(processor.encode("in 11, of", out_type=str))
    comma = processor.piece_to_id(",")
    assert third.count(comma) == 2 and tokenizer.decode(third).startswith("in 11, of 3,000")


def test_two_sentence_piece_models_and_none(tmp_path):
    proto = sentence_pieces()
    released(tmp_path, "albert", **{"30k-clean_model": proto, "other_model": proto})
    with pytest.raises(ValueError, match=r"more than one SentencePiece model: 30k-clean\.model, other\.model. Keep"):
        zoo.presets.load_tokenizer(tmp_path)
    for path in tmp_path.glob("*.model"):
        path.unlink()
    with pytest.raises(ValueError, match=r"holds no vocabulary: vocab\.txt or vocab_chinese\.txt was expected"):
        zoo.presets.load_tokenizer(tmp_path)
    (tmp_path / "30k-clean.model").write_bytes(proto[: len(proto) // 2])
    with pytest.raises(ValueError, match="SentencePiece model was expected"):
        zoo.presets.load_tokenizer(tmp_path)


def test_a_bert_learns(tmp_path):
    model = zoo.TextClassifier.from_preset(folder_of("bert", released(tmp_path, vocab_txt=UNCASED)), num_classes=2)
    before = [np.array(numbers(weight)) for weight in model.backbone.weights]
    history = model.fit(TEXTS[:2], np.array([0, 1]), batch_size=2, epochs=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    changed = [(numbers(weight) != old).any() for weight, old in zip(model.backbone.weights, before, strict=True)]
    assert np.mean(changed) > 0.9


def test_a_task_of_an_albert_is_saved_with_its_pieces(tmp_path):
    folder = folder_of("albert", released(tmp_path, "albert", **{"30k-clean_model": sentence_pieces()}))
    model = zoo.TextClassifier.from_preset(folder, num_classes=2)
    with pytest.warns(UserWarning, match="it is new"):
        expected = model.predict(TEXTS, verbose=0)
    model.save_to_preset(tmp_path / "saved")
    saved = zoo.TextClassifier.from_preset(tmp_path / "saved")
    np.testing.assert_allclose(saved.predict(TEXTS, verbose=0), expected, atol=1e-6)


def test_without_a_vocabulary_a_task_takes_a_tokenizer(tmp_path):
    folder_of("bert", tmp_path)
    model = zoo.TextClassifier.from_preset(tmp_path, num_classes=2, tokenizer=zoo.tokenizers.WordPiece(UNCASED))
    with pytest.warns(UserWarning, match="it is new"):
        assert model.predict(TEXTS, verbose=0).shape == (3, 2)
