"""Tokenizers by the name of their kind, and `zoo prepare` with each."""

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from zoo.cli import app
from zoo.tokenizers.kinds import KINDS, read_tokenizer, train_tokenizer

TEXTS = ["The dogs bark at the moon.", "A dog barks, and the other dogs bark too!"] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_trained_and_read_again(kind, tmp_path):
    trained = train_tokenizer(kind, TEXTS, 289, lowercase=True)
    assert trained.decode(trained.encode(["the dogs bark"])[0]) == "the dogs bark"
    path = tmp_path if kind == "byte_pair" else tmp_path / "vocabulary"
    trained.save_vocabulary(path)
    assert read_tokenizer(kind, path, lowercase=True).fingerprint() == trained.fingerprint()
    trained.save_to_preset(str(tmp_path / "preset"))
    assert read_tokenizer("word_piece", tmp_path / "preset", lowercase=False).fingerprint() == trained.fingerprint()


def test_case_matters_if_asked():
    for kind in ("word_piece", "unigram"):
        cased = train_tokenizer(kind, TEXTS, 289, lowercase=False)
        assert cased.decode(cased.encode(["The dogs"])[0]) == "The dogs"


def test_errors(tmp_path):
    with pytest.raises(ValueError, match=r"one of word_piece, unigram, byte_pair\. Received: 'sentencepiece'"):
        train_tokenizer("sentencepiece", TEXTS, 289, lowercase=True)
    with pytest.raises(ValueError, match="Received: 'bpe'"):
        read_tokenizer("bpe", tmp_path / "vocabulary.txt", lowercase=True)
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        read_tokenizer("unigram", tmp_path, lowercase=True)
    with pytest.raises(ValueError, match=r"no file of a vocabulary '.*none' either: There is no preset of that name"):
        read_tokenizer("byte_pair", tmp_path / "none", lowercase=True)


@pytest.mark.parametrize("kind", KINDS)
def test_prepare_with_each_kind(kind, tmp_path):
    (tmp_path / "tale.txt").write_text("\n\n".join(TEXTS), encoding="utf-8")
    command = ["prepare", str(tmp_path / "tale.txt"), "--tokenizer", kind, "--vocabulary-size", "289", "--workers", "1"]
    result = CliRunner().invoke(app, [*command, "--to", str(tmp_path / "to")], catch_exceptions=False)
    assert result.exit_code == 0 and "10 documents" in result.output
    tokenizer = zoo.data.load_tokenizer(tmp_path / "to")
    assert type(tokenizer).__name__ == "".join(part.capitalize() for part in kind.split("_"))
    dataset = zoo.data.pretraining_dataset(
        str(tmp_path / "to"), tokenizer, zoo.objectives.MaskedLM(), sequence_length=31, batch_size=3, seed=0
    )
    inputs, _, weights = dataset[0]
    assert inputs["token_ids"].shape == (3, 31) and weights["mask_ids"].sum() > 0
    assert not np.isin(inputs["token_ids"], tokenizer.unk_token_id).any()
    # The same corpus with the vocabulary of the first, and with sentinels.
    more = ["--vocabulary", str(tmp_path / "to"), "--to", str(tmp_path / "again")]
    assert CliRunner().invoke(app, [*command, *more], catch_exceptions=False).exit_code == 0
    assert zoo.data.load_tokenizer(tmp_path / "again").fingerprint() == tokenizer.fingerprint()
    more = ["--vocabulary", str(tmp_path / "to"), "--to", str(tmp_path / "t5"), "--sentinels", "7"]
    assert CliRunner().invoke(app, [*command, *more], catch_exceptions=False).exit_code == 0
    assert len(zoo.data.load_tokenizer(tmp_path / "t5").sentinel_ids) == 7
