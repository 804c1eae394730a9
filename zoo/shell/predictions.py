"""The commands that use a fine-tuned model: `zoo predict` and `zoo generate`."""

import sys
from typing import Annotated

import typer

from zoo.shell.options import console, print_rows


def predict(
    preset: Annotated[str, typer.Argument(help="Folder of a fine-tuned task, such as runs/.../preset.")],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="Texts; read from standard input, one a line, when none. A tab divides a pair of texts, and a "
            "question from the text with its answer."
        ),
    ] = None,
) -> None:
    """Ask a fine-tuned model: classes, numbers, tags of words, answers to questions; or the vector of each text.

    A table in a terminal, lines with tabs in a file or a pipe.
    """
    from zoo import presets, tasks
    from zoo.tasks.reading import preset_answers_in_words

    kind = presets.task_class(preset)
    if kind is None:  # a published one with its head, or none: then its loading says what is missing
        kind = tasks.TextToText if preset_answers_in_words(preset) else tasks.TextClassifier
    if kind.__name__ not in ANSWERS:
        raise ValueError(
            f"A model that was fine-tuned as one of {', '.join(ANSWERS)} can be asked. Received: preset={preset!r}, "
            f"a {kind.__name__}" + (": see `zoo generate`." if kind is tasks.Seq2SeqLM else ".")
        )
    texts = texts or _lines()
    titles, rows = ANSWERS[kind.__name__](kind.from_preset(preset), texts)
    print_rows(titles, rows)


def generate(
    preset: Annotated[str, typer.Argument(help="Preset of an encoder-decoder: a name, a folder or a handle.")],
    texts: Annotated[list[str] | None, typer.Argument(help="Sources; read from standard input when none.")] = None,
    sampler: Annotated[str, typer.Option(help="greedy, beam, contrastive, sample, top_k or top_p.")] = "greedy",
    max_length: Annotated[int, typer.Option(min=1, help="Most tokens to say, the end counted.")] = 64,
) -> None:
    """Say a text for each source: a table in a terminal, a line each in a file or a pipe."""
    import zoo

    texts = texts or _lines()
    said = zoo.Seq2SeqLM.from_preset(preset).generate(texts, max_length=max_length, sampler=sampler)
    if console.is_terminal:
        print_rows(("source", "said"), zip(texts, said, strict=True))
    else:
        print(*(text.replace("\n", " ") for text in said), sep="\n")


# For each class of task the titles and the rows of its answers.


def _classes(task, texts):
    found = task.classify(_given(texts))
    rows = [(str(answer.label), f"{answer.probability:.3f}", text) for text, answer in zip(texts, found, strict=True)]
    return ("label", "probability", "text"), rows


def _numbers(task, texts):
    scores = task.predict(_given(texts), verbose=0)[:, 0]
    return ("score", "text"), [(f"{score:.3f}", text) for score, text in zip(scores, texts, strict=True)]


def _tags(task, texts):
    from zoo.tokenizers.spacing import split_words

    sentences = [split_words(text) for text in texts]
    found = zip(sentences, task.tag(sentences), strict=True)
    blank = [()]  # a line between sentences, as in CoNLL's form
    rows = [row for words, tags in found for row in (*zip(words, tags, strict=True), *blank)]
    return ("word", "tag"), rows[:-1]


def _answers(task, texts):
    if any("\t" not in text for text in texts):
        raise ValueError("A tab divides each question from the text with its answer. Received: a text without one.")
    questions, contexts = _given(texts)
    found = task.answer(question=questions, context=contexts)
    rows = [(answer.text, f"{answer.score:.3f}", text) for text, answer in zip(questions, found, strict=True)]
    return ("answer", "probability", "question"), rows


def _said(task, texts):
    if task.form.class_names is not None:
        return _classes(task, texts)
    said = task.predict(_given(texts))
    return ("answer", "text"), [(str(answer), text) for answer, text in zip(said, texts, strict=True)]


def _vectors(task, texts):
    found = task.embed(_given(texts))
    return ("vector", "text"), [
        (" ".join(f"{n:.5f}" for n in row), text) for row, text in zip(found, texts, strict=True)
    ]


ANSWERS = {
    "TextClassifier": _classes,
    "TextRegressor": _numbers,
    "TokenClassifier": _tags,
    "QuestionAnswering": _answers,
    "TextToText": _said,
    "TextEmbedder": _vectors,
}


def _given(texts):
    """Texts, or pairs of them as a tuple of two lists."""
    pairs = [text.partition("\t") for text in texts]
    divided = sum(bool(tab) for _, tab, _ in pairs)
    if divided not in (0, len(texts)):
        raise ValueError(f"A tab divides each pair of texts. Received: {divided} of {len(texts)} texts with one.")
    return ([first for first, _, _ in pairs], [second for _, _, second in pairs]) if divided else texts


def _lines() -> list[str]:
    return [line.rstrip("\n") for line in sys.stdin if line.strip()]
