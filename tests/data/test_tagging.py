import gzip
import lzma

import numpy as np
import pytest

import zoo
from tests import texts
from zoo.data.tagging import TaggedSentences, tagged_sentences
from zoo.data.words import encode_words

COLUMNS = "Anna\tPROPN\tB-PER\nsleeps\tVERB\tO\n\n.\tPUNCT\tO\n"
UNIVERSAL = """# sent_id = 1
# text = Vámonos # al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\tv\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\tp\t_\t1\tobj\t_\t_
3\t#\t#\tSYM\ts\t_\t1\tdep\t_\t_
3.1\tgo\tgo\tVERB\tv\t_\t_\t_\t_\t_

# sent_id = 2
1\tMar\tmar\tNOUN\tn\t_\t0\troot\t_\t_
"""


def written(folder, name, text):
    path = folder / name
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(text)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.conll.xz"])
def test_the_last_column_is_the_tag_unless_another_is_named(tmp_path, name):
    path = written(tmp_path, name, COLUMNS)
    found = zoo.data.read_tagged(path)
    assert found.words == [["Anna", "sleeps"], ["."]]
    assert found.tags == [["B-PER", "O"], ["O"]]
    assert found.labels == ["B-PER", "O"] and len(found) == 2
    assert zoo.data.read_tagged(path, column=1).tags == [["PROPN", "VERB"], ["PUNCT"]]
    assert zoo.data.read_tagged([path, path], column=-2).labels == ["PROPN", "PUNCT", "VERB"]


def test_columns_may_be_separated_by_spaces_and_documents_by_docstart(tmp_path):
    text = "-DOCSTART- -X- O\n\nAnna  NNP   B-PER\r\n# SYM O\n\u3000 SP O\n\n\n\n-DOCSTART- -X- O\n\n. . O"
    found = zoo.data.read_tagged(written(tmp_path, "a.txt", text))
    assert found.words == [["Anna", "#", "\u3000"], ["."]]
    found = zoo.data.read_tagged(written(tmp_path, "b.txt", "-DOCSTART-\n\n" + text.replace("-X- O", "")))
    assert found.words == [["Anna", "#", "\u3000"], ["."]]


@pytest.mark.parametrize("name", ["a.conllu", "a.conllu.gz"])
def test_conllu_skips_comments_ranges_and_empty_nodes(tmp_path, name):
    path = written(tmp_path, name, UNIVERSAL)
    found = zoo.data.read_tagged(path)
    assert found.words == [["Vamos", "nos", "#"], ["Mar"]]
    assert found.tags == [["VERB", "PRON", "SYM"], ["NOUN"]]
    assert zoo.data.read_tagged(path, column="xpos").tags == [["v", "p", "s"], ["n"]]
    assert zoo.data.read_tagged(path, column=7).tags == [["root", "obj", "dep"], ["root"]]


@pytest.mark.parametrize(
    ("name", "text", "column", "message"),
    [
        ("a.txt", "Anna\tO\nsleeps\n", None, r"2 columns.* Received: .*a\.txt, line 2 with 1: 'sleeps'"),
        ("a.txt", "Anna\n", None, r"column=-1, but .*a\.txt, line 1 has 1 columns"),
        ("a.txt", "\nAnna\tO\n", 2, r"column=2, but .*a\.txt, line 2 has 2 columns"),
        ("a.txt", "Anna\tO\n", "UPOS", r"must be an int.* Received: column='UPOS'"),
        ("a.txt", "\n\n", None, "at least one sentence"),
        ("a.conllu", UNIVERSAL, "POS", r"ID, FORM, LEMMA, UPOS.* Received: column='POS'"),
        ("a.conllu", "1\tAnna\t_\n", None, r"10 columns.*a\.conllu, line 1 with 3"),
    ],
)
def test_a_wrong_file_is_refused_with_the_line(tmp_path, name, text, column, message):
    with pytest.raises(ValueError, match=message):
        zoo.data.read_tagged(written(tmp_path, name, text), column=column)


@pytest.mark.parametrize(
    "text",
    [
        "text\tlabel\nA gripping film .\tpos\nDull and long .\tneg\n",
        "A gripping film .\tpos\n\nDull and long .\tneg\n",
        "text\tlabel\ngripping\tpos\ndull\tneg\n",
        "Sentence\tLabel\n很好看\t1\n太长了\t0\n",
        "文本\t标签\n很好看\t1\n",
        f"{'这家店的菜很好吃，' * 6}\t1\n{'太长了，' * 15}\t0\n",
    ],
)
def test_a_table_of_whole_texts_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match=r"a\.tsv, a table of whole texts, such as '.*zoo finetune --task text`"):
        zoo.data.read_tagged(written(tmp_path, "a.tsv", text))


@pytest.mark.parametrize(
    "text",
    [
        "Hà Nội\tB-LOC\nđẹp\tO\n.\tO\n",  # words may have spaces, in a file with tabs
        f"http://{'a' * 60}.org\tO\nfilm\tO\n",
        "text\tNOUN\nlabel\tNOUN\n",
        "text\tlabel\n\ngood\tO\n",
        "one\tO\ntwo\tO\n",
    ],
)
def test_a_file_of_words_is_not_taken_for_a_table(tmp_path, text):
    found = zoo.data.read_tagged(written(tmp_path, "a.tsv", text))
    assert sum(map(len, found.words)) == text.count("\t")


WORDS = [["Anna", "sleeps"], ["."]]
TAGS = [["B-PER", "O"], ["O"]]


def tables():
    import pandas

    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["O", "B-PER"])
    features = {"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": datasets.Sequence(names)}
    yield {"words": WORDS, "tags": TAGS}, {}
    yield pandas.DataFrame({"tokens": WORDS, "pos_tags": TAGS}), {}
    yield pandas.DataFrame({"w": [np.array(row) for row in WORDS], "t": TAGS}), {"word_column": "w", "tag_column": "t"}
    yield datasets.Dataset.from_dict({"tokens": WORDS, "tags": TAGS}), {}
    yield datasets.Dataset.from_dict({"tokens": WORDS, "ner_tags": [[1, 0], [0]]}, datasets.Features(features)), {}
    yield TaggedSentences(WORDS, TAGS), {}


@pytest.mark.parametrize("number", range(6))
def test_tables_and_data_sets_bring_their_tags(number):
    table, columns = list(tables())[number]
    found = tagged_sentences(table, **columns)
    assert found.words == WORDS and found.tags == TAGS


def test_lists_arrays_and_weights():
    found = tagged_sentences([np.array(WORDS[0]), tuple(WORDS[1])], TAGS, sample_weight=[1, 3])
    assert found.words == WORDS and found.tags == TAGS
    np.testing.assert_array_equal(found.weights, [1, 3])
    assert found.take(np.array([1])).tags == [["O"]] and found.take(np.array([1])).weights.tolist() == [3]
    assert found.without_labels().labels is None


def test_a_split_has_every_sentence_once():
    sentences = TaggedSentences([[str(number)] for number in range(17)], [["O"]] * 17)
    rest, held_out = sentences.split(0.3, seed=1)
    assert len(held_out) == 5
    assert sorted([*rest.words, *held_out.words]) == sorted(sentences.words)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (WORDS, [["O"], ["O"]], ValueError, "row 0 with 2 words and 1 tags.*1 such rows"),
        (WORDS, TAGS[:1], ValueError, "2 sentences, tags for 1"),
        ([["a"], []], [["O"], []], ValueError, r"x\[1\]=\[\]"),
        ([], [], ValueError, "x is empty"),
        ("a text", None, TypeError, r"x='a text'. Split it: text.split\(\)"),
        (["a text", "two"], None, TypeError, r"x\[0\]='a text'. Split it"),
        ([["a", 3]], None, TypeError, r"x\[0\]\[1\]=3 of type int"),
        ([["a", None]], None, TypeError, r"x\[0\]\[1\]=None of type NoneType"),
        ([["a"]], [[2]], TypeError, r"y\[0\]\[0\]=2 of type int. Write the names"),
        ([["a"]], ["O"], TypeError, r"y\[0\]='O'. Give one tag a word"),
        ({"text": WORDS}, None, ValueError, r"columns=\['text'\]"),
        (TaggedSentences([["a", "b"]], [["O"]]), None, ValueError, "2 words and 1 tags"),
    ],
)
def test_wrong_sentences_are_refused_with_the_row(x, y, error, message):
    with pytest.raises(error, match=message):
        tagged_sentences(x, y)


def test_wrong_columns_and_weights_are_refused():
    with pytest.raises(ValueError, match=r"\['wrods'\]. Available columns: \['words', 'tags'\]"):
        tagged_sentences({"words": WORDS, "tags": TAGS}, word_column="wrods")
    with pytest.raises(ValueError, match="x of type list"):
        tagged_sentences(WORDS, TAGS, tag_column="tags")
    with pytest.raises(ValueError, match="2 sentences, 1 weights"):
        tagged_sentences(WORDS, TAGS, sample_weight=[1])


TOKENIZER = texts.word_piece()
NAMES = ("token_ids", "padding_mask")


def pieces(ids):
    return [TOKENIZER.id_to_token(int(number)) for number in ids]


def test_the_tag_stands_at_the_first_piece_of_a_word():
    sentences = [["the", "filmed", "\x07", "苹果"], ["bad"]]
    encoded = encode_words(sentences, TOKENIZER, NAMES, 37, targets=np.array([3, 1, 4, 1, 5], "int32"))
    assert encoded.lengths.tolist() == [9, 3]
    inputs, targets, weights = encoded.batch(np.array([1, 0]), 11)
    assert set(inputs) == set(NAMES)
    assert pieces(inputs["token_ids"][1, :9]) == ["[CLS]", "the", "film", "##e", "##d", "[UNK]", "苹", "果", "[SEP]"]
    assert targets.tolist() == [[0, 5, *[0] * 9], [0, 3, 1, 0, 0, 4, 1, *[0] * 4]]
    assert weights.tolist() == [[0, 1, *[0] * 9], [0, 1, 1, 0, 0, 1, 1, *[0] * 4]]
    assert targets.dtype == "int32" and weights.dtype == "float32"
    assert encoded.words(np.array([1, 0])).tolist() == [4, 0, 1, 2, 3]
    assert encoded.at_words(np.array([1, 0]), inputs["padding_mask"] * 7 + targets).tolist() == [12, 10, 8, 11, 8]


def test_words_are_not_split_or_joined_across_their_borders():
    encoded = encode_words([["fi", "lm", "the##", "[MASK]"]], TOKENIZER, NAMES, 37)
    alone = [piece for word in ("fi", "lm", "the##", "[MASK]") for piece in TOKENIZER.encode([word])[0]]
    assert encoded.batch(np.array([0]), 37)[0]["token_ids"][0, 1 : 1 + len(alone)].tolist() == alone
    assert encoded.first.sum() == 4


def test_weights_of_sentences_are_weights_of_their_words():
    targets, weights = np.zeros(3, "int32"), np.array([2, 0.5], "float32")
    encoded = encode_words([["the", "filmed"], ["bad"]], TOKENIZER, NAMES, 37, targets=targets, weights=weights)
    assert encoded.batch(np.array([0, 1]), 7)[2].tolist() == [[0, 2, 2, 0, 0, 0, 0], [0, 0.5, 0, 0, 0, 0, 0]]


def test_a_long_sentence_is_cut_between_words_and_no_word_is_lost():
    rng = np.random.default_rng(0)
    sentences = [["bad"], ["filmed"] * 17, ["the"] * 9, ["the", "abcdefgh" * 9, "bad"], ["the"] * 10]
    sentences += [[["the", "filmed", "abcd"][kind] for kind in rng.integers(0, 3, size)] for size in (23, 41)]
    with pytest.warns(UserWarning, match="5 of 7 sentences are longer than the model's 11 tokens"):
        encoded = encode_words(sentences, TOKENIZER, NAMES, 11)
    assert encoded.lengths.max() <= 11
    windows = np.arange(len(encoded.lengths))
    assert encoded.words(windows).tolist() == list(range(sum(map(len, sentences))))
    assert [len(part) for part in encoded.sentences(np.arange(encoded.word_offsets[-1]))] == list(map(len, sentences))
    rows = encoded.batch(windows, 11)[0]["token_ids"]
    assert (rows[:, 0] == TOKENIZER.start_token_id).all()
    assert (rows == TOKENIZER.end_token_id).sum(axis=1).tolist() == [1] * len(rows)
    found = encoded.at_words(windows, rows).tolist()
    assert found == [TOKENIZER.encode([word])[0][0] for sentence in sentences for word in sentence]
    # 10 words of a piece each in 9 places: windows of 5, not of 9 and of 1.
    cuts = encoded.word_offsets - encoded.sentence_offsets[4]
    assert cuts[(cuts >= 0) & (cuts <= 10)].tolist() == [0, 5, 10]


def test_all_words_are_tokenized_by_one_call_and_each_once(monkeypatch):
    calls = []
    encode = type(TOKENIZER).encode
    monkeypatch.setattr(type(TOKENIZER), "encode", lambda self, words: calls.append(words) or encode(self, words))
    encode_words([["the", "film"], ["film", "the", "the"]], TOKENIZER, NAMES, 37)
    assert [list(map(str.strip, words)) for words in calls] == [["the", "film"]]


def test_words_of_other_tokenizers_have_their_space():
    documents = ["the dogs bark", "a dog barks", "the bark of the dog and the dogs", "the dog barks at the dogs"]
    unigram = zoo.tokenizers.train_unigram(documents, vocabulary_size=40, progress=False)
    encoded = encode_words([["the", "dogs"]], unigram, NAMES, 37)
    ids = encoded.batch(np.array([0]), 17)[0]["token_ids"][0]
    expected = [*unigram.encode(["the"])[0], *unigram.encode(["dogs"])[0]]
    assert ids[1 : 1 + len(expected)].tolist() == expected
    first = [unigram.id_to_token(int(number)) for number in encoded.texts.token_ids[encoded.first]]
    assert all(piece.startswith("▁") for piece in first)
    pairs = zoo.tokenizers.train_byte_pair(documents, vocabulary_size=300, progress=False)
    encoded = encode_words([["the", "dogs"]], pairs, NAMES, 37)
    ids = encoded.texts.token_ids[1:-1]
    assert ids.tolist() == pairs.encode([" the dogs"])[0].tolist()


@pytest.mark.parametrize("tag", [-1, 2, None])
def test_numbers_that_are_no_tags_are_refused(tag):
    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["O", "B-PER"])
    features = {"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": datasets.Sequence(names)}
    table = datasets.Dataset.from_dict({"tokens": WORDS, "ner_tags": [[1, 0], [0]]}, datasets.Features(features))

    class Table:
        column_names, features = table.column_names, table.features

        def __getitem__(self, name):
            return WORDS if name == "tokens" else [[1, 0], [tag]]

    with pytest.raises(ValueError, match=rf"one of the 2 names .*Received: {tag} in row 1"):
        tagged_sentences(Table())
