"""Cosines as colours: how alike the vectors of a word are, its senses side by side."""

from unicodedata import east_asian_width

import numpy as np

from zoo.analysis.fonts import find_fonts
from zoo.analysis.occurrences import Occurrence
from zoo.analysis.similarity import EMBEDDING, ContextualSimilarity

# So much of the sentence is shown on either side of the word; a Chinese character counts two.
CONTEXT = 16
# More rows than that have no room for their sentences.
MAX_LABELS = 48
ROW_HEIGHT = 0.16  # inches
MAX_WORDS = 5  # in the title


def draw_cosines(similarity: ContextualSimilarity, layer: int):
    """Draw two heat maps on one scale of colours: the static embedding, and a layer.

    Args:
        similarity: `ContextualSimilarity`.
        layer: int, one of its layers.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if the layer or the static embedding is not there.
    """
    layers = [EMBEDDING, layer]
    if layer == EMBEDDING or any(each not in similarity.layers for each in layers):
        raise ValueError(
            f"A layer beside {EMBEDDING!r} was expected, both of {list(similarity.layers)}. Received: layer={layer!r}"
        )
    import matplotlib.pyplot as plt

    senses = [str(each) for each in similarity.senses]
    excerpts = [excerpt(each) for each in similarity.occurrences] if len(similarity) <= MAX_LABELS else []
    words = list(dict.fromkeys(each.word for each in similarity.occurrences))
    words = ", ".join(words[:MAX_WORDS]) + ", …" * (len(words) > MAX_WORDS)
    fonts = find_fonts([*excerpts, *senses, words])
    style = _style(fonts)
    side = min(max(3.2, ROW_HEIGHT * len(similarity)), 9)
    width = 2 * side + (3.6 if excerpts else 1.6)
    figure, panels = plt.subplots(1, 2, figsize=(width, side + 1), layout="constrained")
    plt.close(figure)  # it is the caller's: a notebook would show it twice
    lowest = min(similarity.cosines[each].min() for each in layers)
    for axes, each in zip(panels, layers, strict=True):
        image = axes.imshow(similarity.cosines[each], vmin=min(lowest, 0.999), vmax=1)
        axes.set_title(_title(similarity, each))
        axes.set_xticks([])
        axes.set_yticks([])
        _mark_senses(axes, similarity, senses, fonts)
    if excerpts:
        labels = [
            fonts.drawable(text, f"sentence {each.sentence}")
            for text, each in zip(excerpts, similarity.occurrences, strict=True)
        ]
        panels[0].set_yticks(range(len(labels)), labels, fontsize=7, **style)
    figure.colorbar(image, ax=panels, label="cosine", shrink=0.8)
    figure.suptitle(fonts.drawable(words, "one word in many sentences"), **style)
    return figure


def excerpt(occurrence: Occurrence) -> str:
    """Return the word and what of its sentence there is room for."""
    text, start, end = occurrence.text, occurrence.start, occurrence.end
    start -= _fitting(text[:start][::-1])
    end += _fitting(text[end:])
    return "…" * (start > 0) + " ".join(text[start:end].split()) + "…" * (end < len(text))


def _fitting(text):
    """How many characters of a text there is room for."""
    widths = [2 if east_asian_width(each) in "WF" else 1 for each in text]
    return int(np.searchsorted(np.cumsum(widths), CONTEXT, side="right"))


def _title(similarity, layer):
    name = "static embedding" if layer == EMBEDDING else f"layer {layer}"
    return name + (f", separation {similarity.separation[layer]:.3f}" if similarity.separates else "")


def _mark_senses(axes, similarity, names, fonts):
    """A line between two senses, and each one's name below its columns."""
    senses = [each.sense for each in similarity.occurrences]
    middles, labels = [], []
    for number, (sense, name) in enumerate(zip(similarity.senses, names, strict=True), start=1):
        first, count = senses.index(sense), senses.count(sense)
        if number > 1:
            axes.axhline(first - 0.5, color="white", linewidth=1)
            axes.axvline(first - 0.5, color="white", linewidth=1)
        middles.append(first + (count - 1) / 2)
        labels.append(fonts.drawable(name, f"sense {number}"))
    axes.set_xticks(middles, labels, **_style(fonts))


def _style(fonts):
    # Sentences have prices in them, not formulas.
    return {"fontfamily": fonts.families, "parse_math": False}
