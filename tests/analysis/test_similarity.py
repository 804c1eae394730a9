import numpy as np
import pytest

from zoo.analysis.occurrences import Occurrence
from zoo.analysis.similarity import ContextualSimilarity

# Cosines: a1 a2 0.6, a1 b1 0, a2 b1 0.8, a1 b2 -1, a2 b2 -0.6, b1 b2 0; lengths do not matter.
ROWS = [("a1", "a", [2, 0]), ("a2", "a", [3, 4]), ("b1", "b", [0, 7]), ("b2", "b", [-1, 0])]


def similarity(rows=ROWS, random=()):
    occurrences = tuple(
        Occurrence(number, text, "word", 0, sense=sense) for number, (text, sense, _) in enumerate(rows)
    )
    vectors = np.array([vector for *_, vector in rows], "float32")
    static = np.tile(np.float32([[0.1, 0.7, 0.3]]), (len(rows), 1))
    return ContextualSimilarity(occurrences, {"embedding": static, 1: vectors}, random)


def test_cosines():
    expected = [[1, 0.6, 0, -1], [0.6, 1, 0.8, -0.6], [0, 0.8, 1, 0], [-1, -0.6, 0, 1]]
    np.testing.assert_allclose(similarity().cosines[1], expected, atol=1e-6)
    assert (similarity().cosines["embedding"] == 1).all()


def test_separation_is_the_mean_of_the_pairs_of_one_sense_above_that_of_two():
    assert similarity().mean_cosines[1] == pytest.approx(((0.6 + 0) / 2, (0 - 1 + 0.8 - 0.6) / 4))
    assert similarity().separation[1] == pytest.approx(0.5)


def test_the_static_embedding_of_one_word_separates_nothing():
    assert similarity().separation["embedding"] == 0


def test_pairs_of_one_text_are_left_out():
    twice = [*ROWS, ("a1", "a", [1, 0])]
    # Two more of one sense, a2 with the copy; the copy with a1 does not count. Two more of two senses.
    assert similarity(twice).mean_cosines[1] == pytest.approx(((0.6 + 0 + 0.6) / 3, (-0.8 + 0 - 1) / 6))


def test_a_vector_of_zeros_is_like_nothing():
    np.testing.assert_array_equal(similarity([*ROWS, ("c", "c", [0, 0])]).cosines[1][4], 0)


def test_some_senses_alone_in_the_order_asked_for():
    three = similarity([*ROWS, ("c", "c", [1, 1])], random=(similarity([*ROWS, ("c", "c", [5, 0])]),))
    some = three.of_senses(["c", "a"])
    assert [each.text for each in some.occurrences] == ["c", "a1", "a2"]
    assert some.senses == ("c", "a")
    np.testing.assert_array_equal(some.vectors[1], [[1, 1], [2, 0], [3, 4]])
    np.testing.assert_array_equal(some.random[0].vectors[1], [[5, 0], [2, 0], [3, 4]])


def test_it_prints_as_a_table():
    lines = repr(similarity(random=(similarity(), similarity([*ROWS[:3], ("b2", "b", [0, 1])])))).splitlines()
    assert lines[0] == "word: 4 occurrences in 4 sentences, senses: ['a', 'b']"
    assert lines[1].split() == ["layer", "same", "sense", "different", "separation", "random", "weights"]
    assert lines[2].split() == ["embedding", "1.000", "1.000", "0.000", "0.000", "±", "0.000"]
    # The other one has (0.6 + 1) / 2 - (0 + 0 + 0.8 + 0.8) / 4 = 0.4.
    assert lines[3].split() == ["1", "0.300", "-0.200", "0.500", "0.450", "±", "0.071"]


def test_without_senses_there_are_cosines_only():
    plain = similarity([(text, None, vector) for text, _, vector in ROWS])
    assert plain.senses == () and plain.cosines[1].shape == (4, 4)
    assert repr(plain).endswith("layers: ['embedding', 1]")
    with pytest.raises(ValueError, match="Received: senses=None"):
        _ = plain.separation


@pytest.mark.parametrize("rows", [[ROWS[0], ROWS[2]], [ROWS[0], ("a1", "a", [0, 1]), ("b1", "b", [0, 1])]])
def test_a_sense_must_have_two_texts(rows):
    with pytest.raises(ValueError, match=f"Received: {len(rows)} occurrences of 2 senses"):
        _ = similarity(rows).separation


def test_unknown_senses():
    with pytest.raises(ValueError, match=r"the senses \['a', 'b'\] were.*Received: senses=\['a', 'z'\]"):
        similarity().of_senses(["a", "z"])
    with pytest.raises(ValueError, match=r"Two or more.*Received: senses=\['a'\]"):
        similarity().of_senses(["a"])
    with pytest.raises(TypeError, match="Received: senses='ab'"):
        similarity().of_senses("ab")


def test_too_few_pairs_print_without_a_separation():
    few = similarity([ROWS[0], ROWS[2]])
    assert repr(few).splitlines()[1:] == ["layers: ['embedding', 1]", "too few pairs for a separation"]
    assert [axes.get_title() for axes in few.plot().axes[:2]] == ["static embedding", "layer 1"]
