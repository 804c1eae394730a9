"""Sentinels: pieces that stand for what is left out, in the vocabulary of any tokenizer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from tests.tokenizers.multilingual import draw_texts, graph_of
from zoo.objectives import Vocabulary

TEXT = "the dogs bark, and the dog"


@pytest.fixture(scope="session")
def with_sentinels(multilingual):
    return {kind: tokenizer.with_sentinels(7) for kind, tokenizer in multilingual.items()}


@pytest.fixture
def more(each, multilingual, with_sentinels):
    """`each` with seven sentinels."""
    return next(with_sentinels[kind] for kind, tokenizer in multilingual.items() if tokenizer is each)


def test_ids_go_down_from_the_end_as_in_t5(each, more):
    size = each.vocabulary_size()
    assert each.sentinel_ids == [] and more.vocabulary_size() == size + 7
    assert more.sentinel_ids == [size + 6 - number for number in range(7)]
    assert more.id_to_token(more.vocabulary_size() - 1) == "<extra_id_0>"
    assert more.get_vocabulary()[:size] == each.get_vocabulary()
    assert type(more) is type(each) and more.fingerprint() != each.fingerprint()
    assert len(each.with_sentinels().sentinel_ids) == 100


def test_texts_keep_their_ids(each, more):
    texts = [*draw_texts(251, seed=3), TEXT, "<extra_id_0>", "a <extra_id_6> b", "[MASK] <mask>"]
    plain, same = each.encode(texts), more.encode(texts)
    for one, other in zip(plain, same, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_graph_makes_none_either(more):
    texts = ["<extra_id_0>", "the <extra_id_6> dog", TEXT]
    pytest.importorskip("tensorflow_text", reason="TensorFlow's texts")
    assert graph_of(more)(texts) == [row.tolist() for row in more.encode(texts)]


SOME = st.lists(st.sampled_from(["the", "dog", " ", "<extra_id_3>", "<extra_id_", "extra_id_0", ">", "é", "我"]))


@settings(max_examples=50, deadline=None)
@given(parts=SOME)
def test_no_text_gives_a_sentinel(parts, with_sentinels):
    for tokenizer in with_sentinels.values():
        assert not np.isin(tokenizer.encode(["".join(parts)])[0], tokenizer.sentinel_ids).any()


def test_asked_for_they_are_made(more):
    first, second = more.sentinel_ids[:2]
    text = "the <extra_id_0> bark, and <extra_id_1>"
    (ids,) = more.encode_with_sentinels([text])
    assert ids.dtype == np.int32 and ids[-1] == second and (ids == first).sum() == 1
    assert more.decode(ids) == text
    before, after = more.encode(["the", " bark, and"])
    np.testing.assert_array_equal(ids, [*before, first, *after, second])
    (alone, none, empty) = more.encode_with_sentinels(["<extra_id_1>", TEXT, ""])
    assert alone.tolist() == [second] and len(empty) == 0
    np.testing.assert_array_equal(none, more.encode([TEXT])[0])
    # A name that is none of this vocabulary is text, and so is one that is not written as they are.
    for other in ("the <extra_id_7> dog", "the <extra_id_00> dog", "the <EXTRA_ID_0> dog"):
        np.testing.assert_array_equal(more.encode_with_sentinels([other])[0], more.encode([other])[0])
    with pytest.raises(TypeError, match="A list of texts was expected"):
        more.encode_with_sentinels(text)


def test_decode_shows_them_apart_from_words(more):
    dog = more.encode([" dog"])[0]
    first, second = more.sentinel_ids[:2]
    assert more.decode([first, *dog, second]).split() == ["<extra_id_0>", "dog", "<extra_id_1>"]
    assert more.decode([first, second]) == "<extra_id_0> <extra_id_1>"
    assert more.word_starts(more.sentinel_ids).all()


def test_a_continuation_does_not_stick_to_a_sentinel(tokenizer):
    more = tokenizer.with_sentinels(1)
    assert more.decode([more.sentinel_ids[0], more.token_to_id("##s")]) == "<extra_id_0> ##s"


def test_they_are_saved_with_the_tokenizer(more, tmp_path):
    more.save_to_preset(str(tmp_path))
    loaded = zoo.data.load_tokenizer(tmp_path)
    assert loaded.sentinel_ids == more.sentinel_ids and loaded.fingerprint() == more.fingerprint()


def test_more_are_added_to_some(more):
    many = more.with_sentinels(11)
    assert many.sentinel_ids[:7] == more.sentinel_ids and len(many.sentinel_ids) == 11
    assert many.with_sentinels(5) is many and more.with_sentinels(7) is more


def test_settings_are_kept(pieces):
    from zoo.tokenizers import WordPiece

    tokenizer = WordPiece(pieces, lowercase=True, strip_accents=False, special_tokens_in_strings=True)
    config = tokenizer.with_sentinels(3).get_config()
    assert config == tokenizer.get_config()


def test_a_vocabulary_knows_them(each, more):
    vocabulary = Vocabulary.of(more)
    assert Vocabulary.of(each).sentinel_ids == ()
    assert list(vocabulary.sentinel_ids) == more.sentinel_ids
    assert vocabulary.is_special[more.sentinel_ids].all()
    np.testing.assert_array_equal(vocabulary.ordinary_ids, Vocabulary.of(each).ordinary_ids)
    # Sentinels shift no other id: the mask stays the mask (fairseq and transformers disagree on BART's).
    assert vocabulary.mask_id == Vocabulary.of(each).mask_id == more.token_to_id(more.mask_token)


@pytest.mark.parametrize("number", [0, -1, 2.5, True, "7"])
def test_wrong_numbers(tokenizer, number):
    with pytest.raises(ValueError, match=f"positive integer. Received: number={number!r}"):
        tokenizer.with_sentinels(number)
