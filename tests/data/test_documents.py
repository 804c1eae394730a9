import gzip
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.texts import make_documents
from zoo.data import Document, encode_documents, read_documents
from zoo.data import documents as documents_module
from zoo.data.documents import split_document


def test_an_empty_line_ends_a_document(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeff\n \n One.\r\nTwo. \n\n\n\t\nThree.".encode())
    other = tmp_path / "b.txt.gz"
    with gzip.open(other, "wt", encoding="utf-8") as handle:
        handle.write("四。\n\n五。\n")
    assert list(read_documents([path, other])) == ["One.\nTwo.", "Three.", "四。", "五。"]


def test_a_document_without_end_comes_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(documents_module, "_CHARACTERS_PER_PART", 11)
    path = tmp_path / "a.txt"
    path.write_text("seven..\nseven..\nseven..\n", encoding="utf-8")
    assert list(read_documents([path])) == ["seven..\nseven..", "seven.."]


def test_a_file_in_another_encoding_says_which_line(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("fine\n\ncafé\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.txt.*line 3"):
        list(read_documents([path]))


def test_documents_agree_with_the_tokenizer(tokenizer):
    texts = ["Baco dufi. Ga lomi nu!\nPora.", "", " \n", "山水。风云花月，春夏。"]
    first, second = encode_documents(texts, tokenizer, segmenter=None)
    sentences = ["Baco dufi.", "Ga lomi nu!", "Pora.", "山水。", "风云花月，春夏。"]
    ids = tokenizer.encode(sentences)
    np.testing.assert_array_equal(first.token_ids, np.concatenate(ids[:3]))
    np.testing.assert_array_equal(second.token_ids, np.concatenate(ids[3:]))
    np.testing.assert_array_equal(first.sentence_lengths, [len(one) for one in ids[:3]])
    np.testing.assert_array_equal(first.word_starts, tokenizer.word_starts(first.token_ids))
    assert not first.word_starts.all()
    assert second.word_starts.all()


def test_a_tokenizer_of_spaces_sees_the_one_before_a_sentence():
    from zoo.tokenizers import train_byte_pair

    tokenizer = train_byte_pair(["It rains"], vocabulary_size=261, progress=False)
    text = "It rains.  We stay.\n\n We go.天晴了。走吧。"
    (document,) = encode_documents([text], tokenizer, segmenter=None)
    assert tokenizer.decode(document.token_ids) == "It rains.  We stay.We go.天晴了。走吧。"
    assert len(document.sentence_lengths) == 5
    assert document.word_starts[np.cumsum(document.sentence_lengths)[:-1]].all()


def test_a_segmenter_marks_chinese_words_only(tokenizer):
    def two_by_two(text):
        return [text[start : start + 2] for start in range(0, len(text), 2)]

    (document,) = encode_documents(["山水风云花月"], tokenizer, segmenter=two_by_two)
    np.testing.assert_array_equal(document.word_starts, [True, False] * 3)


def test_no_text_gives_no_document(tokenizer):
    assert encode_documents([], tokenizer) == []
    assert encode_documents(["", "\n"], tokenizer) == []


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(1, 37))
def test_parts_of_a_document_put_together_are_the_document(lengths, limit):
    size = sum(lengths)
    whole = Document(np.arange(size), np.arange(size) % 3 == 0, np.array(lengths))
    parts = list(split_document(whole, limit))
    np.testing.assert_array_equal(np.concatenate([part.token_ids for part in parts]), whole.token_ids)
    np.testing.assert_array_equal(np.concatenate([part.word_starts for part in parts]), whole.word_starts)
    for part in parts:
        assert len(part.token_ids) == len(part.word_starts) == part.sentence_lengths.sum() <= limit
        assert (part.sentence_lengths > 0).all()
    ends = set(np.cumsum([len(part.token_ids) for part in parts]).tolist())
    if max(lengths) <= limit:
        assert ends <= set(np.cumsum(lengths).tolist())
        assert all(len(a.token_ids) + b.sentence_lengths[0] > limit for a, b in itertools.pairwise(parts))


def test_made_up_text_is_made_of_known_pieces(tokenizer):
    for chinese in (False, True):
        for document in encode_documents(make_documents(3, 7, chinese=chinese), tokenizer):
            assert tokenizer.unk_token_id not in document.token_ids
