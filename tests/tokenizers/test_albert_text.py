"""ALBERT's preparation of texts, as a part of the SentencePiece model: ids as its released code makes them."""

import io
import random
import unicodedata

import pytest
import sentencepiece

from tests.tokenizers.multilingual import draw_texts, graph_of
from zoo.tokenizers import Unigram
from zoo.tokenizers.albert_text import prepare_as_albert

NUM_TEXTS = 701


def prepared(text, lowercase=True):
    """The text as the released code hands it to SentencePiece."""
    text = unicodedata.normalize("NFKD", " ".join(text.split()))
    text = "".join(filter(lambda character: not unicodedata.combining(character), text))
    return text.lower() if lowercase else text


def expected_pieces(processor, text):
    """What the released code makes of the pieces: a number is separated from the comma behind it."""
    pieces = []
    for piece in processor.encode(text, out_type=str):
        if not piece.endswith(",") or not piece[:-1].removeprefix("▁")[-1:].isdigit():
            pieces.append(piece)
            continue
        number = processor.encode(piece[:-1].removeprefix("▁"), out_type=str)
        if not piece.startswith("▁"):
            number = [part for part in [number[0].removeprefix("▁"), *number[1:]] if part]
        pieces += [*number, ","]
    return pieces


def train(texts, **settings):
    """A model with the special pieces of the released one."""
    proto = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=proto, vocab_size=3001, hard_vocab_limit=False,
        character_coverage=0.98, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        user_defined_symbols=list('()"-.–£€'), split_by_number=False, minloglevel=2, **settings,
    )  # fmt: skip
    return proto.getvalue()


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(0)
    numbers = [
        f"In {rng.randrange(30)}, {rng.randrange(3000):,} of {rng.randrange(10**6):,}, and 11," for _ in range(99)
    ]
    written = [
        "The Café's “naïve” dogs — £5 (or €6)",
        "苹果 and ｶﾞＦＵＬＬ",
        "😀🏽 ﬁne\u00a0 ½\u3000²",
        "한국어 각",
        "``a'' \u0301",
    ]
    return written + numbers + [text.replace("[MASK]", "") for text in draw_texts(NUM_TEXTS, seed=11)]


@pytest.mark.parametrize("lowercase", [True, False])
def test_ids_are_those_of_the_released_code(texts, lowercase):
    proto = train(filter(None, (prepared(text, lowercase) for text in texts)))
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto)
    ours = Unigram(prepare_as_albert(proto, lowercase), split_numbers=True)
    # A capital sigma is the one character whose small form depends on what comes after it.
    texts = [text for text in texts if "Σ" not in unicodedata.normalize("NFKD", text)]
    assert len(texts) > NUM_TEXTS / 2
    ids = [row.tolist() for row in ours.encode(texts)]
    for text, row in zip(texts, ids, strict=True):
        assert row == processor.piece_to_id(expected_pieces(processor, prepared(text, lowercase))), ascii(text)
    plain = [row.tolist() for row in Unigram(proto).encode(texts)]
    without_numbers = [row.tolist() for row in Unigram(prepare_as_albert(proto, lowercase)).encode(texts)]
    assert sum(row != other for row, other in zip(ids, plain, strict=True)) > 99
    assert sum(row != other for row, other in zip(ids, without_numbers, strict=True)) > 50
    assert graph_of(ours)(texts) == ids


@pytest.fixture(scope="module")
def tokenizer():
    texts = ["in 11, 3,000 of 11, cafes", "cafe 20, of 2,000 and 11,", "of 3,000 in 20,"] * 9
    proto = train(texts, split_by_whitespace=True)
    return Unigram(prepare_as_albert(proto, True), split_numbers=True)


def test_places_of_a_number_and_its_comma(tokenizer):
    text = "Café 11, ２０, [MASK]"
    ((ids, places),) = tokenizer.encode_with_offsets([text])
    assert ids.tolist() == tokenizer.encode([text])[0].tolist()
    assert tokenizer.decode(ids) == "cafe 11, 20, [MASK]"
    found = [text[start:end] for start, end in places.tolist()]
    assert "".join(found) == text.replace(" ", "") and found.count(",") == 2


def test_a_saved_tokenizer_splits_numbers(tokenizer, tmp_path):
    tokenizer.save_to_preset(str(tmp_path))
    saved = Unigram.from_config(tokenizer.get_config())
    saved.load_preset_assets(str(tmp_path))
    text = ["CAFÉ 11, of 3,000"]
    assert saved.split_numbers and saved.encode(text)[0].tolist() == tokenizer.encode(text)[0].tolist()
    plain = Unigram(tokenizer.proto)
    assert plain.encode(text)[0].tolist() != tokenizer.encode(text)[0].tolist()
    assert plain.fingerprint() != tokenizer.fingerprint() == saved.fingerprint()
    assert len(tokenizer.with_sentinels(3).encode(text)[0]) == len(tokenizer.encode(text)[0])
