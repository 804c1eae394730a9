import pytest

from zoo.metrics.entities import entity_report, entity_scores, entity_spans, is_entity_scheme

TRUE = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O", "O"], ["O"]]
FOUND = [["B-PER", "O", "O", "B-LOC"], ["B-LOC", "O", "B-PER"], ["O"]]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        (["O", "O"], []),
        (["B-A", "B-A", "I-A"], [("A", 0, 1), ("A", 1, 3)]),
        (["I-A", "I-A", "O", "I-B"], [("A", 0, 2), ("B", 3, 4)]),
        (["B-A", "I-B", "O"], [("A", 0, 1), ("B", 1, 2)]),
        (["B-creative-work", "I-creative-work"], [("creative-work", 0, 2)]),
        (["S-A", "B-A", "I-A", "E-A", "O"], [("A", 0, 1), ("A", 1, 4)]),
    ],
)
def test_spans_of_a_sentence(tags, spans):
    assert entity_spans(tags) == spans


def test_scores_count_whole_entities():
    assert entity_scores(TRUE, FOUND) == {"precision": 0.5, "recall": pytest.approx(2 / 3), "f1": pytest.approx(4 / 7)}
    assert entity_scores(TRUE, TRUE) == {"precision": 1, "recall": 1, "f1": 1}
    assert all(isinstance(score, float) for score in entity_scores(TRUE, FOUND).values())


def test_an_entity_does_not_go_on_into_the_next_sentence():
    assert entity_scores([["B-A"], ["I-A"]], [["B-A"], ["I-A"]])["f1"] == 1
    assert entity_scores([["B-A", "I-A"]], [["B-A", "B-A"]])["f1"] == 0


@pytest.mark.parametrize(("true", "found"), [([["O"]], [["O"]]), ([["B-A"]], [["O"]]), ([["O"]], [["B-A"]])])
def test_nothing_to_count_is_zero_without_a_warning(true, found):
    assert entity_scores(true, found) == {"precision": 0, "recall": 0, "f1": 0}


def test_report_of_every_type():
    assert entity_report(TRUE, FOUND) == {
        "LOC": {"precision": 1, "recall": 1, "f1": 1, "support": 2},
        "PER": {"precision": 0, "recall": 0, "f1": 0, "support": 1},
    }
    assert entity_report([["O"]], [["O"]]) == {}


@pytest.mark.parametrize("found", [FOUND[:2], [["O"], *FOUND[1:]]])
def test_different_numbers_are_refused(found):
    with pytest.raises(ValueError, match="as many predicted tags"):
        entity_scores(TRUE, found)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(["O", "B-A", "I-A"], True), (["B-A", "E-A", "S-A", "O"], True), (["NOUN", "VERB"], False), (["O", "X"], False),
     (["O"], False), (["O", "B-"], False)],
)  # fmt: skip
def test_which_labels_mark_entities(labels, expected):
    assert is_entity_scheme(labels) is expected


@pytest.mark.parametrize("scores", [entity_scores, entity_report])
@pytest.mark.parametrize(("true", "found"), [(["B-A"], ["B-A"]), ([["B-A"]], ["B-A"]), ([[1]], [["O"]]), ("O", "O")])
def test_tags_of_one_sentence_are_no_list_of_sentences(scores, true, found):
    with pytest.raises(TypeError, match=r"a list of str for each sentence, in a list\. Received: (true|predicted)="):
        scores(true, found)
