"""Unigram pieces: how texts are cut, what begins a word, what SentencePiece and transformers say, what is refused."""

import json
import random

import numpy as np
import pytest
import sentencepiece

from tests.tokenizers.multilingual import POOLS, draw_texts
from zoo.tokenizers import Unigram, train_unigram
from zoo.tokenizers.sentence_piece_proto import parse_proto

TEXTS = ["the dogs bark at the moon", "a dog barked (loudly)", "the moon, and Café Naïve", "我爱你。", "我爱月亮"] * 7


@pytest.fixture(scope="module")
def tokenizer():
    return train_unigram(TEXTS, vocabulary_size=83, progress=False)


def to_pieces(tokenizer, text):
    return [tokenizer.id_to_token(number) for number in tokenizer.encode([text])[0].tolist()]


def edit(proto, change):
    model = parse_proto(proto)
    change(model)
    return model.SerializeToString()


def test_pieces_have_the_space_before_them(tokenizer):
    assert to_pieces(tokenizer, "Moon  moon\u3000") == ["▁moon", "▁moon"]
    assert "".join(to_pieces(tokenizer, "a dog barked")) == "▁a▁dog▁barked"


def test_text_is_normalized_and_keeps_its_accents(tokenizer):
    assert tokenizer.decode(tokenizer.encode(["ＴＨＥ CAFÉ\u200b naïve"])[0]) == "the café naïve"
    assert to_pieces(tokenizer, "cafe\u0301") == to_pieces(tokenizer, "CAFÉ")
    cased = train_unigram(TEXTS, vocabulary_size=83, lowercase=False, progress=False)
    assert cased.decode(cased.encode(["Café"])[0]) == "Café"


def test_the_most_probable_pieces_are_chosen(tokenizer):
    scores = {piece.piece: piece.score for piece in parse_proto(tokenizer.proto).pieces if piece.type == piece.NORMAL}

    def most_probable(word):
        """Kudo (2018), section 3.2, tried out."""
        ways = [([], 0.0)] if not word else []
        for end in range(1, len(word) + 1):
            if word[:end] in scores:
                rest, score = most_probable(word[end:])
                ways.append(([word[:end], *rest], scores[word[:end]] + score))
        return max(ways, key=lambda way: way[1], default=([], -np.inf))

    for word in ("barked", "loudly", "moon", "naïve", "dogs", "andand"):
        pieces, score = most_probable(f"▁{word}")
        assert sum(scores[piece] for piece in to_pieces(tokenizer, word)) == pytest.approx(score)
        assert "".join(pieces) == f"▁{word}"


def test_unknown_characters_in_a_row_are_one(tokenizer):
    assert to_pieces(tokenizer, "zzq") == ["▁", "<unk>"]
    assert tokenizer.decode(tokenizer.encode(["the zq dog"])[0]) == "the <unk> dog"


def test_mask_in_a_text_is_the_mask_token_whatever_the_case(tokenizer):
    assert to_pieces(tokenizer, "[MASK]") == ["[MASK]"]
    assert tokenizer.mask_token_id not in tokenizer.encode(["[mask]"])[0]
    for token in ("[CLS]", "[SEP]", "<pad>", "<unk>"):
        assert "".join(to_pieces(tokenizer, f"a {token}")) != f"▁a▁{token}"


def test_word_starts():
    pieces = ["▁the", "s", "é", ",", "'", "'s", "-t", "9", "a9", "我", "爱月", "и", "[MASK]", "▁"]
    proto = train_unigram(TEXTS, vocabulary_size=83, progress=False).proto

    def add(model):
        known = {piece.piece for piece in model.pieces}
        for piece in pieces:
            if piece not in known:
                model.pieces.add(piece=piece, score=-20.0)

    tokenizer = Unigram(edit(proto, add))
    starts = tokenizer.word_starts([tokenizer.token_to_id(piece) for piece in pieces])
    assert starts.dtype == bool
    # ALBERT's `_is_start_piece_sp`, but that Latin letters with accents, which it had removed, continue words.
    assert starts.tolist() == [True, False, False, True, True, True, False, *[True] * 7]
    assert tokenizer.word_starts(np.zeros((2, 3), int)).shape == (2, 3)


def test_same_ids_as_sentence_piece(multilingual):
    tokenizer = multilingual["unigram"]
    reference = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.proto)
    texts = [text for text in draw_texts(1009, seed=29) if "[MASK]" not in text]
    assert [row.tolist() for row in tokenizer.encode(texts)] == reference.encode(texts)


def test_same_ids_as_transformers(multilingual, tmp_path):
    """On what its normalizer and splitter take for the same: no marks that combine, few control characters."""
    transformers = pytest.importorskip("transformers", reason="the reference is a test extra")
    tokenizer = multilingual["unigram"]
    tokenizer.save_vocabulary(tmp_path / "spiece.model")
    # What these would do is in the model, so they must not do it again.
    configuration = {"tokenizer_class": "AlbertTokenizer", "do_lower_case": False, "keep_accents": True}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(configuration))
    reference = transformers.AlbertTokenizer.from_pretrained(tmp_path)
    draw = random.Random(31)
    names = ["english", "capitals", "greek", "chinese", "cyrillic", "digits"]
    pools = [
        *(POOLS[name] for name in names),
        "éàüñç",
        "ひらがなカタカナ",
        "한국어각힣",
        "العربية",
        "!?.,#@—…，",
        "😀🥰🫠⭐❤",
    ]
    words = [*("".join(draw.choices(draw.choice(pools), k=draw.randint(1, 9))) for _ in range(4001)), *["[MASK]"] * 101]
    texts = [" ".join(draw.choices(words, k=7)) for _ in range(1009)]
    expected = reference(texts, add_special_tokens=False)["input_ids"]
    pairs = list(zip(map(np.ndarray.tolist, tokenizer.encode(texts)), expected, strict=True))
    assert np.mean([ours == theirs for ours, theirs in pairs]) > 0.9
    # Where pieces in another order are as probable, such as `88 8` for `8 88`, either is right.
    assert [sorted(ours) for ours, _ in pairs] == [sorted(theirs) for _, theirs in pairs]


def test_fingerprint_changes_with_the_ids(tokenizer):
    def change_score(model):
        model.pieces[7].score -= 1

    others = [Unigram(edit(tokenizer.proto, change_score)), train_unigram(TEXTS, 71, progress=False)]
    assert len({other.fingerprint() for other in [tokenizer, *others]}) == 3
    assert Unigram(tokenizer.proto).fingerprint() == tokenizer.fingerprint()


def test_a_model_whose_mask_is_not_found_in_texts_is_made_one(tokenizer):
    def control(model):
        model.pieces[4].type = model.pieces[4].CONTROL

    proto = edit(tokenizer.proto, control)
    assert "[MASK]" not in sentencepiece.SentencePieceProcessor(model_proto=proto).encode("a [MASK]", out_type=str)
    assert to_pieces(Unigram(proto), "moon [MASK]") == ["▁moon", "[MASK]"]
    assert Unigram(proto).fingerprint() == tokenizer.fingerprint()


def test_model_file(tokenizer, tmp_path):
    tokenizer.save_vocabulary(tmp_path / "new" / "model.spm")
    for path in (tmp_path / "new" / "model.spm", str(tmp_path / "new" / "model.spm")):
        assert Unigram(path).fingerprint() == tokenizer.fingerprint()
    with pytest.raises(ValueError, match="not there"):
        Unigram(tmp_path / "none.spm")
    with pytest.raises(ValueError, match="a folder"):
        Unigram(tmp_path)


@pytest.mark.parametrize("content", [b"", b"the\ndog\n", b"\x00\xff" * 50, "模型".encode("gb18030")])
def test_what_is_no_model_is_an_error(content, tmp_path):
    with pytest.raises(ValueError, match=r"A SentencePiece model was expected\. .*train_unigram"):
        Unigram(content)
    (tmp_path / "vocabulary.txt").write_bytes(content)
    with pytest.raises(ValueError, match="A SentencePiece model was expected"):
        Unigram(tmp_path / "vocabulary.txt")


def test_bad_models_are_errors(tokenizer):
    for number, token in enumerate(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]):

        def rename(model, number=number):
            model.pieces[number].piece = "other"

        with pytest.raises(ValueError, match=rf"without \['{token[0] if token[0] == '<' else '.'}{token[1:-1]}"):
            Unigram(edit(tokenizer.proto, rename))
    with pytest.raises(TypeError, match="proto=7"):
        Unigram(7)
    with pytest.raises(TypeError, match="add_bos"):
        Unigram(tokenizer.proto, add_bos=True)
