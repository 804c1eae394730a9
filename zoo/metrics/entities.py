"""Entities from tags of words, and how many of them were found: what `seqeval` says, which is what CoNLL's scorer says.

Tags are BIO: `B-PER` begins an entity of the type PER, `I-PER` goes on with it, `O` is outside; an `I-` that follows
nothing of its type begins an entity, as in `conlleval`. `E-` (last word) and `S-` (single word) of IOBES are
understood too. Tjong Kim Sang & De Meulder (2003), arXiv cs/0306050, section 3.
"""

import re

_TAG = re.compile(r"O|[BIES]-.+", re.DOTALL)
_SCORES = ("precision", "recall", "f1")


def is_entity_scheme(labels) -> bool:
    """Whether tags mark entities: all are `O` or begin with `B-`, `I-`, `E-` or `S-`, and not all are `O`."""
    return all(_TAG.fullmatch(label) for label in labels) and set(labels) != {"O"}


def entity_spans(tags) -> list[tuple[str, int, int]]:
    """The entities of one sentence.

    Args:
        tags: list of str, one a word.

    Returns:
        list of triples: the type, the first word, and the one after the last.

    Example:

    >>> entity_spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [('PER', 0, 2), ('LOC', 3, 4), ('LOC', 4, 5)]
    """
    from seqeval.metrics.sequence_labeling import get_entities

    return [(kind, start, last + 1) for kind, start, last in get_entities(list(tags))]


def entity_scores(true, predicted) -> dict[str, float]:
    """Precision, recall and F1 over all entities; an entity counts if its type and all its words are right.

    Args:
        true: list of lists of str, a tag a word.
        predicted: list of lists of str of the same lengths.

    Returns:
        dict with `precision`, `recall` and `f1`, fractions; 0 where there is nothing to count.

    Raises:
        TypeError: if the tags are no lists of lists of str.
        ValueError: if there are not as many sentences, or tags in one, on both sides.

    Example:

    >>> entity_scores([["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "O", "O", "B-LOC"]])
    {'precision': 0.5, 'recall': 0.5, 'f1': 0.5}
    """
    values = _count(true, predicted, average="micro")
    return {name: float(value) for name, value in zip(_SCORES, values[:3], strict=True)}


def entity_report(true, predicted) -> dict[str, dict]:
    """The scores of every type, and the number of true entities of it.

    Args:
        true: list of lists of str, a tag a word.
        predicted: list of lists of str of the same lengths.

    Returns:
        dict from a type to a dict with `precision`, `recall`, `f1` and `support`.

    Example:

    >>> entity_report([["B-PER", "O", "B-LOC"]], [["B-PER", "O", "O"]])["LOC"]
    {'precision': 0.0, 'recall': 0.0, 'f1': 0.0, 'support': 1}
    """
    rows = zip(*_count(true, predicted, average=None), strict=True)
    kinds = sorted({kind for tags in (*true, *predicted) for kind, _, _ in entity_spans(tags)})
    return {
        kind: {**{name: float(value) for name, value in zip(_SCORES, row[:3], strict=True)}, "support": int(row[3])}
        for kind, row in zip(kinds, rows, strict=True)
    }


def _count(true, predicted, average):
    from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

    for name, rows in (("true", true), ("predicted", predicted)):
        flat = isinstance(rows, str) or any(isinstance(tags, str) for tags in rows)
        if flat or not all(isinstance(tag, str) for tags in rows for tag in tags):
            raise TypeError(
                f"Tags are a list of str for each sentence, in a list. Received: {name}={rows!r:.80}. For one sentence "
                "write [tags]."
            )
    true, predicted = [list(tags) for tags in true], [list(tags) for tags in predicted]
    if [len(tags) for tags in true] != [len(tags) for tags in predicted]:
        raise ValueError(
            "There must be as many predicted tags as true ones in every sentence. "
            f"Received: {len(true)} and {len(predicted)} sentences, {sum(map(len, true))} and "
            f"{sum(map(len, predicted))} tags"
        )
    return precision_recall_fscore_support(true, predicted, average=average, zero_division=0)
