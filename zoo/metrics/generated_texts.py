"""How near texts that a model said are to the right ones: ROUGE, BLEU and exact match."""

import re
from collections.abc import Sequence
from functools import cache

from zoo.metrics.squad import language_of
from zoo.objectives.words import combining_marks

# Scripts without spaces between words: a character is a token.
_CHARACTER = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_ROUGE = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL", "rouge_l_sum": "rougeLsum"}
_LONGEST_UNSTEMMED = 3


class RougeTokenizer:
    """Lowercased words, and single characters of Chinese and Japanese.

    Of ASCII text these are the tokens of `rouge-score`'s own tokenizer, which drops every other letter.

    Args:
        stem: bool, whether English endings are taken off, by Porter's rules, from words of more than 3 letters.

    Example:

    >>> RougeTokenizer().tokenize("Größe: 3_cm, 苹果")
    ['größe', '3', 'cm', '苹', '果']
    """

    def __init__(self, stem: bool = False):
        self._stemmer = None
        if stem:
            from nltk.stem import porter

            self._stemmer = porter.PorterStemmer()

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text."""
        tokens = _tokens().findall(text.lower())
        if self._stemmer is None:
            return tokens
        return [self._stemmer.stem(token) if len(token) > _LONGEST_UNSTEMMED else token for token in tokens]


@cache
def _tokens() -> re.Pattern:
    return re.compile(rf"[{_CHARACTER}]|[^\W_{_CHARACTER}](?:[^\W_{_CHARACTER}]|[{combining_marks()}])*")


def rouge_scores(predictions: Sequence[str], references: Sequence[str], stem: bool = False) -> dict[str, float]:
    """Mean F1 of what a text and its reference share: words, pairs of words, the longest common subsequence.

    Lin (2004), "ROUGE: A Package for Automatic Evaluation of Summaries", sections 2 and 3, as computed by
    `rouge-score`. A Chinese or Japanese character counts as a word. In `rouge_l_sum` every line of a text is a
    sentence.

    Args:
        predictions: list of str, what was said; a text may be empty.
        references: list of str, what is right.
        stem: bool, whether English endings don't count, as in most published scores of summaries.

    Returns:
        dict of fractions from 0 to 1: `rouge_1`, `rouge_2`, `rouge_l`, `rouge_l_sum`.

    Raises:
        TypeError: if the texts are no lists of str.
        ValueError: if the lengths differ, or there is no text.

    Example:

    >>> rouge_scores(["a dog barked"], ["the dog barked"])["rouge_2"]
    0.5
    """
    from rouge_score.rouge_scorer import RougeScorer

    _check(predictions, references)
    scorer = RougeScorer(list(_ROUGE.values()), tokenizer=RougeTokenizer(stem))
    rows = [scorer.score(*pair) for pair in zip(references, predictions, strict=True)]
    return {name: sum(row[theirs].fmeasure for row in rows) / len(rows) for name, theirs in _ROUGE.items()}


def bleu_score(
    predictions: Sequence[str], references: Sequence[str], tokenizer: str | None = None, lowercase: bool = False
) -> float:
    """BLEU of all texts together, by `sacrebleu`.

    Papineni et al. (2002), "BLEU: a Method for Automatic Evaluation of Machine Translation"; Post (2018), arXiv
    1804.08771. Published scores are a hundred times this number.

    Args:
        predictions: list of str, what was said; a text may be empty.
        references: list of str, what is right.
        tokenizer: str, a tokenizer of `sacrebleu`: `"13a"` (its default), `"zh"`, `"intl"`, `"char"`, ...; None for
            `"zh"` if most letters of the references are Chinese characters, else `"13a"`.
        lowercase: bool, whether case does not count.

    Returns:
        float, a fraction from 0 to 1.

    Raises:
        TypeError: if the texts are no lists of str.
        ValueError: if the lengths differ, there is no text, or the tokenizer is unknown.

    Example:

    >>> bleu_score(["the dog barked at me"], ["the dog barked at me"])
    1.0
    """
    from sacrebleu.metrics import BLEU

    _check(predictions, references)
    if tokenizer is None:
        tokenizer = {"zh": "zh", "en": BLEU.TOKENIZER_DEFAULT}[language_of(references)]
    if tokenizer not in BLEU.TOKENIZERS:
        raise ValueError(f"`tokenizer` must be None or one of {sorted(BLEU.TOKENIZERS)}. Received: {tokenizer=}")
    # Tokenized input is what a Seq2SeqLM says: `force` leaves out a warning about it.
    scorer = BLEU(tokenize=tokenizer, lowercase=lowercase, force=True)
    return min(scorer.corpus_score(list(predictions), [list(references)]).score / 100, 1.0)


def exact_match(predictions: Sequence[str], references: Sequence[str]) -> float:
    """The fraction of the texts that are their references; how many spaces there are does not count.

    Args:
        predictions: list of str, what was said.
        references: list of str, what is right.

    Returns:
        float from 0 to 1.

    Raises:
        TypeError: if the texts are no lists of str.
        ValueError: if the lengths differ, or there is no text.

    Example:

    >>> exact_match(["the  dog", "a cat"], ["the dog", "a bat"])
    0.5
    """
    _check(predictions, references)
    pairs = zip(predictions, references, strict=True)
    return sum(said.split() == right.split() for said, right in pairs) / len(references)


def generation_scores(predictions: Sequence[str], references: Sequence[str], **bleu_options) -> dict[str, float]:
    """All scores of this module, fractions from 0 to 1.

    Args:
        predictions: list of str, what was said.
        references: list of str, what is right.
        **bleu_options: `tokenizer` and `lowercase`, see `bleu_score`.

    Returns:
        dict: `rouge_1`, `rouge_2`, `rouge_l`, `rouge_l_sum`, `bleu`, `exact_match`.

    Raises:
        TypeError: if the texts are no lists of str.
        ValueError: if the lengths differ, there is no text, or the tokenizer is unknown.
    """
    return {
        **rouge_scores(predictions, references),
        "bleu": bleu_score(predictions, references, **bleu_options),
        "exact_match": exact_match(predictions, references),
    }


def _check(predictions, references) -> None:
    for name, texts in (("predictions", predictions), ("references", references)):
        if isinstance(texts, str):
            raise TypeError(
                f"`{name}` must be a list of texts, not one text. Received: {name}={texts!r}. Write [text]."
            )
        wrong = [row for row, text in enumerate(texts) if not isinstance(text, str)]
        if wrong:
            raise TypeError(
                f"`{name}` must be a list of str. Received: {name}[{wrong[0]}]={texts[wrong[0]]!r} of type "
                f"{type(texts[wrong[0]]).__name__}; {len(wrong)} such rows."
            )
    if len(predictions) != len(references) or not len(references):
        raise ValueError(
            "There must be one prediction for each reference, and at least one. "
            f"Received: {len(predictions)} predictions and {len(references)} references"
        )
