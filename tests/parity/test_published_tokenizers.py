"""SentencePiece tokenizers of model folders, with the ids that `transformers` gives."""

import json
import random

import numpy as np
import pytest
import sentencepiece
import tensorflow as tf

import zoo
from zoo.tokenizers.sentence_piece_proto import parse_proto

transformers = pytest.importorskip("transformers", reason="the reference tokenizers are those of transformers")

SENTENCE = "the dog dogs barked at a café naïve king's queen 12, 1,000 2019 苹果 水果 公司 Öl and or (see) 'so' x-y"
TEXTS = [
    "The Café's dogs barked at 1,000 kings, 12, and 2019.",
    "``so'' he said, the king''s \"dog\"",
    "苹果 and 水果公司",
    "  tabs\tand\nlines\u3000ideographic  ",
    "ÅNGSTRÖM ﬁne ½ Ⅷ",
    "unseen ☃ \U0001f600 signs",
    "",
]


@pytest.fixture(scope="module")
def corpus():
    rng = random.Random(0)
    return [" ".join(rng.choices(SENTENCE.split(), k=11)) for _ in range(503)]


def train(corpus, folder, **special):
    """A SentencePiece model as `spiece.model` in a folder."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus), model_prefix=str(folder / "spiece"), vocab_size=97, character_coverage=1.0,
        minloglevel=2, hard_vocab_limit=False, **special,
    )  # fmt: skip
    (folder / "spiece.vocab").unlink()
    return folder / "spiece.model"


def fuzzed(count):
    rng = random.Random(1)
    alphabet = "abcdeÉü12,.'`\"-() \t果公司ΩßＡ①\u200b\u0301☃\U0001f600"
    return ["".join(rng.choices(alphabet, k=rng.randint(1, 23))) for _ in range(count)]


def without_accents(texts):
    """Without those with an accent apart from its letter, which the `tokenizers` package treats in a way of its own."""
    return [text for text in texts if "\u0301" not in text]


def check_same(ours, theirs, texts):
    wrong = [
        (text, ours.encode([text])[0].tolist(), theirs.encode(text, add_special_tokens=False))
        for text in texts
        if ours.encode([text])[0].tolist() != theirs.encode(text, add_special_tokens=False)
    ]
    assert not wrong, wrong[:3]


def test_of_an_albert(corpus, tmp_path):
    lower = [line.lower().replace("é", "e").replace("ö", "o").replace("ï", "i") for line in corpus]
    train(
        lower, tmp_path, pad_id=0, unk_id=1, bos_id=2, eos_id=3, pad_piece="<pad>", unk_piece="<unk>",
        bos_piece="[CLS]", eos_piece="[SEP]", control_symbols="[MASK]",
    )  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "albert"}))
    theirs = transformers.AlbertTokenizer.from_pretrained(tmp_path)
    ours = zoo.presets.load_tokenizer(tmp_path)
    assert type(ours) is zoo.tokenizers.Unigram
    check_same(ours, theirs, without_accents(TEXTS + fuzzed(503)))
    check_added_tokens(ours, theirs, tmp_path)


def check_added_tokens(ours, theirs, folder):
    """What `transformers` writes beside the model, special tokens and sentinels, is read; another token is refused."""
    theirs.save_pretrained(folder)
    assert zoo.presets.load_tokenizer(folder).fingerprint() == ours.fingerprint()
    theirs.add_tokens(["dog"])
    theirs.save_pretrained(folder)
    with pytest.raises(ValueError, match=r"are not implemented\. Received: \['dog'\]"):
        zoo.presets.load_tokenizer(folder)


@pytest.mark.parametrize("model_type", ["t5", "mt5"])
def test_of_a_t5(model_type, corpus, tmp_path):
    train(corpus, tmp_path, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    theirs = transformers.T5Tokenizer.from_pretrained(tmp_path)
    ours = zoo.presets.load_tokenizer(tmp_path)
    assert type(ours) is zoo.tokenizers.T5Unigram
    check_same(ours, theirs, without_accents(TEXTS + fuzzed(503)))
    reference = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "spiece.model"))
    for text in fuzzed(503):
        assert ours.encode([text])[0].tolist() == reference.encode(text), text
    assert ours.sentinel_ids == theirs.convert_tokens_to_ids([f"<extra_id_{number}>" for number in range(100)])
    text = "the <extra_id_0> barked"
    assert ours.encode([text])[0].tolist() == theirs.encode(text, add_special_tokens=False)
    assert ours.decode(ours.encode([text])[0]) == text
    ours.save_assets(str(tmp_path))
    again = type(ours).from_config(ours.get_config())
    again.load_assets(str(tmp_path))
    assert again.fingerprint() == ours.fingerprint()
    check_added_tokens(ours, theirs, tmp_path)


def test_of_an_mt5_whose_model_has_the_sentinels(corpus, tmp_path):
    sentinels = [f"▁<extra_id_{number}>" for number in reversed(range(100))]
    train(corpus, tmp_path, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>")
    proto = parse_proto((tmp_path / "spiece.model").read_bytes())
    for piece in sentinels:
        proto.pieces.add(piece=piece, score=0.0, type=proto.pieces[0].USER_DEFINED)
    (tmp_path / "spiece.model").write_bytes(proto.SerializeToString())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mt5"}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"extra_ids": 0}))
    ours = zoo.presets.load_tokenizer(tmp_path)
    reference = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "spiece.model"))
    assert ours.vocabulary_size() == reference.vocab_size()
    assert ours.sentinel_ids == [reference.piece_to_id(piece) for piece in reversed(sentinels)]
    for text in [*TEXTS, *fuzzed(503), "the <extra_id_0> barked"]:
        assert ours.encode([text])[0].tolist() == reference.encode(text), text


def test_a_folder_of_another_sentence_piece(corpus, tmp_path):
    train(corpus, tmp_path, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(
        ValueError, match=r"SentencePiece models of ALBERT and T5 are read\. Received: model_type='bert'"
    ):
        zoo.presets.load_tokenizer(tmp_path)


@pytest.fixture(scope="module")
def roberta(corpus, tmp_path_factory):
    """A tokenizer of byte pairs, here and there."""
    folder = tmp_path_factory.mktemp("roberta")
    ours = zoo.tokenizers.train_byte_pair(corpus, 331, progress=False)
    ours.save_assets(str(folder))
    return ours, transformers.RobertaTokenizer(str(folder / "vocabulary.json"), str(folder / "merges.txt"))


def test_pairs_of_a_roberta(roberta):
    ours, theirs = roberta
    first = ["the dog barked", "a café", "the king's queen and the dog"]
    second = ["so", "and the dogs barked at it", "no"]
    with pytest.warns(UserWarning, match="1 of 3 texts are longer than the model's 13 tokens"):
        rows = zoo.tasks.TextPreprocessor(ours, sequence_length=13)((first, second))
    for row, pair in enumerate(zip(first, second, strict=True)):
        ids = rows["token_ids"][row][rows["padding_mask"][row] == 1].tolist()
        assert ids == theirs(*pair, truncation="longest_first", max_length=13)["input_ids"]


def test_questions_of_a_roberta(roberta):
    ours, theirs = roberta
    question, context = "who barked at the king?", "the dogs and the queen barked at the king of the café and so on"
    backbone = zoo.BertBackbone(
        ours.vocabulary_size(), 1, 3, 12, 29, num_segments=0, max_sequence_length=29, epsilon=1e-5
    )
    task = zoo.QuestionAnswering(backbone, tokenizer=ours, stride=7)
    answers = [{"text": "dogs", "answer_start": 4}]
    windows = task._encode(task._read([{"id": "1", "question": question, "context": context, "answers": answers}]))
    features, *_ = windows.batch(np.arange(len(windows.lengths)), 29)
    overlap = 29 - 4 - len(ours.encode([question])[0]) - 7
    there = theirs(
        question, context, truncation="only_second", max_length=29, stride=overlap, return_overflowing_tokens=True,
        padding="max_length",
    )  # fmt: skip
    assert len(there["input_ids"]) > 1
    assert features["token_ids"].tolist() == there["input_ids"]
    assert features["padding_mask"].tolist() == there["attention_mask"]


def test_a_bart_without_a_mask(roberta, tmp_path):
    ours, _ = roberta
    ours.save_assets(str(tmp_path))
    (tmp_path / "vocabulary.json").rename(tmp_path / "vocab.json")
    vocabulary = json.loads((tmp_path / "vocab.json").read_text())
    mask, size = vocabulary.pop("<mask>"), len(vocabulary)
    vocabulary = {piece: number - (number > mask) for piece, number in vocabulary.items()}
    (tmp_path / "vocab.json").write_text(json.dumps({**vocabulary, "<mask>": size}))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bart", "vocab_size": size}))
    found = zoo.presets.load_tokenizer(tmp_path)
    assert found.vocabulary_size() == size and found.mask_token_id is None and "<mask>" not in found.special_tokens
    text = "the dog <mask> at a café"
    (ids,) = found.encode([text])
    assert found.decode(ids) == text and ids.max() < size
    assert found.encode_with_offsets([text])[0][0].tolist() == ids.tolist()
    in_graph = tf.function(lambda texts: found.tokenize(texts).to_tensor())
    assert in_graph(tf.constant([text])).numpy().tolist() == [ids.tolist()]
    found.save_assets(str(tmp_path))
    again = type(found).from_config(found.get_config())
    again.load_assets(str(tmp_path))
    assert again.encode([text])[0].tolist() == ids.tolist()
    with pytest.raises(ValueError, match="must have a `mask_token_id`"):
        zoo.objectives.preview(zoo.objectives.TextInfilling(), ["the dog barked."], found)
