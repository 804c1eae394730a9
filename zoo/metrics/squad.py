"""How answers are judged: exact match and F1 by the rules of SQuAD, and of CMRC 2018 for Chinese."""

import difflib
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_ENGLISH_PUNCTUATION = str.maketrans("", "", string.punctuation)
# The marks that CMRC 2018 leaves out; its list has the ellipsis only as two characters, which never match.
_CHINESE_PUNCTUATION = str.maketrans("", "", r"-:_*^/\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CHINESE = "\u4e00-\u9fa5"
_WORD = rf"[^\W{_CHINESE}]+"
_SEGMENT = re.compile(rf"[{_CHINESE}]|{_WORD}(?:[.,]{_WORD})*|[^\w\s]")
_CHARACTER = re.compile(f"[{_CHINESE}]")
LANGUAGES = ("en", "zh")


def squad_scores(
    predictions: Sequence[str], answers: Sequence[Sequence[str]], language: str | None = None
) -> dict[str, float]:
    """Mean exact match and F1 of answers, the better for each over all its right answers.

    Rajpurkar et al. (2016), arXiv 1606.05250, section 6.1, and (2018), arXiv 1806.03822, for questions without
    an answer. English: case, punctuation, the articles a, an, the, and the number of spaces don't count; F1 is of
    words. Chinese, by Cui et al. (2019), arXiv 1810.07366, and their released script: case and punctuation don't
    count; F1 is of the longest run of segments that both have, where a Chinese character is a segment and so is
    a word of another script. (The script splits the latter by NLTK, this by spaces and punctuation.)

    Args:
        predictions: list of str, `""` for "no answer".
        answers: list of list of str, the right answers of each; an empty list where there is none.
        language: `"en"` or `"zh"`; None for `"zh"` if most letters of the right answers are Chinese characters.

    Returns:
        A dict of fractions from 0 to 1: `exact_match`, `f1`; and where some questions have no answer the same of
        the two kinds, `has_answer_exact_match`, `has_answer_f1`, `no_answer_exact_match`, `no_answer_f1`.

    Raises:
        ValueError: if the lengths differ, there is no prediction, or the language is another.

    Example:

    >>> squad_scores(["the Eiffel tower"], [["Eiffel Tower", "the tower"]])
    {'exact_match': 1.0, 'f1': 1.0}
    """
    exact, f1 = score_answers(predictions, answers, language)
    parts = {"": np.ones(len(exact), bool)}
    answerable = np.array([bool(each) for each in answers])
    if not answerable.all():
        parts |= {"has_answer_": answerable, "no_answer_": ~answerable}
    scores = {}
    for name, part in parts.items():
        if part.any():
            scores |= {f"{name}exact_match": float(exact[part].mean()), f"{name}f1": float(f1[part].mean())}
    return scores


def score_answers(
    predictions: Sequence[str], answers: Sequence[Sequence[str]], language: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Exact match and F1 of each question: two float64 arrays (questions,); arguments as in `squad_scores`."""
    if len(predictions) != len(answers) or not len(predictions):
        raise ValueError(
            "There must be a prediction for each question, and at least one. "
            f"Received: {len(predictions)} predictions, answers of {len(answers)} questions"
        )
    text = next((each for each in answers if isinstance(each, str)), None)
    if text is not None:
        raise TypeError(f"`answers` has a list of right answers a question. Received: {text!r}. Write [[text]].")
    if language is None:
        language = language_of(text for each in answers for text in each)
    if language not in LANGUAGES:
        raise ValueError(f"`language` must be None or one of {LANGUAGES}. Received: language={language!r}")
    rows = [_score(text, right, language) for text, right in zip(predictions, answers, strict=True)]
    exact, f1 = np.array(rows, "float64").T
    return exact, f1


def language_of(texts: Iterable[str]) -> str:
    """`"zh"` if more than half of the letters of the texts are Chinese characters, else `"en"`."""
    text = "".join(texts)
    return "zh" if 2 * len(_CHARACTER.findall(text)) > sum(map(str.isalpha, text)) else "en"


def best_threshold(no_answer_scores: np.ndarray, scores: np.ndarray, has_answer: np.ndarray) -> float:
    """The threshold above which to say "no answer", so that the mean score is the highest.

    As in the released evaluation of SQuAD 2.0 every way to part the questions is tried. The threshold is put half-way
    between two scores, not on one: the last digit of a score depends on the batch that it is computed in.

    Args:
        no_answer_scores: float array (questions,), how far "no answer" is ahead of the best answer, in logits.
        scores: float array (questions,), what the best answer earns, 0 to 1.
        has_answer: bool array (questions,).

    Returns:
        float; 1 below all scores if it is best never to answer, 1 above if it is best always to.
    """
    order = np.argsort(no_answer_scores, kind="stable")
    sorted_scores = no_answer_scores[order]
    # Answering one question more earns its score, or loses the point that silence had.
    gains = np.concatenate([[0.0], np.cumsum(np.where(has_answer, scores, -1.0)[order])])  # (questions + 1,)
    # A threshold cannot part questions of equal score.
    possible = np.append(True, np.append(sorted_scores[1:] > sorted_scores[:-1], True))
    answered = int(np.argmax(np.where(possible, gains, -np.inf)))
    edges = np.concatenate([[sorted_scores[0] - 2.0], sorted_scores, [sorted_scores[-1] + 2.0]])  # (questions + 2,)
    return float(edges[answered] + edges[answered + 1]) / 2


def _score(prediction, answers, language):
    normalize, segment, overlap = _RULES[language]
    found = normalize(prediction)
    right = [text for text in map(normalize, answers) if text] or [""]
    segments = segment(found)
    return float(found in right), max(_f1(segments, segment(text), overlap) for text in right)


def _f1(found, right, overlap):
    if not found or not right:
        return float(found == right)
    common = overlap(found, right)
    return 2 * common / (len(found) + len(right))


def _normalize_english(text):
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_ENGLISH_PUNCTUATION)).split())


def _normalize_chinese(text):
    return text.lower().strip().translate(_CHINESE_PUNCTUATION)


def _common_words(found, right):
    return sum((Counter(found) & Counter(right)).values())


def _longest_common_run(found, right):
    return difflib.SequenceMatcher(None, found, right, autojunk=False).find_longest_match().size


_RULES = {
    "en": (_normalize_english, str.split, _common_words),
    "zh": (_normalize_chinese, _SEGMENT.findall, _longest_common_run),
}
