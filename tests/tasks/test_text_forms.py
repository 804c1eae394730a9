import pytest

from zoo.data.benchmarks.table import read_benchmark
from zoo.tasks import TextForm, text_form, text_forms

# As appendix D of Raffel et al. (2020) has them, with texts of our own.
SOURCES = {
    "cola": (("It rains .",), "cola sentence: It rains ."),
    "rte": (("a", "b"), "rte sentence1: a sentence2: b"),
    "mnli": (("a premise", "a guess"), "mnli hypothesis: a guess premise: a premise"),
    "mrpc": (("a", "b"), "mrpc sentence1: a sentence2: b"),
    "qnli": (("who ?", "he ."), "qnli question: who ? sentence: he ."),
    "qqp": (("a", "b"), "qqp question1: a question2: b"),
    "sst2": (("a film",), "sst2 sentence: a film"),
    "stsb": (("a", "b"), "stsb sentence1: a sentence2: b"),
    "cb": (("a premise", "a guess"), "cb hypothesis: a guess premise: a premise"),
    "boolq": (("is it ?", "It is ."), "boolq passage: It is . question: is it ?"),
    "squad": (("who ?", "he ."), "question: who ? context: he ."),
    "summarize": (("a text",), "summarize: a text"),
    "translate_en_de": (("a dog",), "translate English to German: a dog"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_prefixes_of_the_paper(name):
    texts, expected = SOURCES[name]
    assert text_form(name).sources(*([text] for text in texts)) == [expected]


def test_the_classes_are_those_of_the_benchmarks_in_their_order():
    tasks = [task for name in ("glue", "superglue") for task in read_benchmark(name).choose(None)]
    compared = {task.name for task in tasks if task.name in text_forms() and task.class_names}
    assert compared == {"cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte", "wnli", "cb", "boolq"}
    for task in tasks:
        if task.name in compared:
            assert text_form(task.name).class_names == tuple(task.class_names)


def test_numbers_are_said_in_steps():
    answers = text_form("stsb").answers
    assert len(answers) == 26 and answers[:3] == ("0.0", "0.2", "0.4") and answers[-1] == "5.0"
    # The paper counts from 1 and has 21 classes (section 2.1).
    assert len(text_form("stsb", numbers=(1.0, 5.0, 0.2)).answers) == 21
    assert TextForm("{a}", numbers=(0, 10, 5)).answers == ("0", "5", "10")
    assert TextForm("{a}", numbers=(-0.5, 0.5, 0.25)).answers == ("-0.50", "-0.25", "0.00", "0.25", "0.50")


def test_braces_in_a_text_stay_as_they_are():
    assert text_form("mrpc").sources(["{sentence2}"], ["{}"]) == ["mrpc sentence1: {sentence2} sentence2: {}"]


@pytest.mark.parametrize("form", [*text_forms(), TextForm("{b} and {a}", fields=["a", "b"], class_names=["x", "y"])])
def test_a_form_comes_back_from_its_dictionary(form):
    form = text_form(form)
    assert text_form(form.to_dict()) == form


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: text_form("stb"), "Received: form='stb'. Nearest: stsb"),
        (lambda: text_form(None), "Received: form=None"),
        (lambda: TextForm("no place"), "Received: template='no place'"),
        (lambda: TextForm("{a} {b} {c}"), "one or two"),
        (lambda: TextForm("{a} {a}"), "one or two"),
        (lambda: TextForm("{} or {a.b}"), "one or two"),
        (lambda: TextForm("{a}", fields=["b"]), r"\['a'\]. Received: fields=\['b'\]"),
        (lambda: TextForm("{a}", class_names=["x"]), r"at least 2 answers, each another. Received: \['x'\]"),
        (lambda: TextForm("{a}", class_names=["x", "x"]), "at least 2 answers"),
        (lambda: TextForm("{a}", class_names=["x", "y"], numbers=(0, 1, 1)), "classes or numbers"),
        (lambda: TextForm("{a}", numbers=(0, 1, 0)), r"the step, above 0. Received: numbers=\[0, 1, 0\]"),
        (lambda: text_form("sst2").sources(["a"], ["b"]), r"single texts \(sentence\).*Received: pairs of texts"),
        (lambda: text_form("mnli").sources(["a"]), r"pairs of texts \(premise, hypothesis\).*Received: single texts"),
    ],
)
def test_wrong_forms_and_texts_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
