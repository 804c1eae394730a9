"""Whether a preset's vectors of a character keep its senses apart: pre-trained weights beside random ones.

    python -m tests.benchmarks.contextual_similarity --file senses.tsv --character 果 --preset NAME
        [--senses company fruit] [--word 苹果] [--seeds 3] [--figure heat_map.png] [--bars bars.png]

The file is a table with the columns `sentence`, `index` (of the character, from 0), `sense` and, for `--word`, `word`
(what the character is a part of there). Beside the separation stands, by layer, how often the most similar of the
other vectors is of the same sense; always guessing the most frequent sense would be right as often as is printed first.
"""

import argparse
from collections import Counter

import numpy as np

import zoo
from zoo.data.tables import read_table


def nearest(similarity, layer) -> float:
    """The share of occurrences whose most similar other one, by a layer's cosines, is of the same sense."""
    cosines = similarity.cosines[layer] - 2 * np.eye(len(similarity))
    senses = [each.sense for each in similarity.occurrences]
    return float(np.mean([senses[other] == sense for other, sense in zip(cosines.argmax(axis=1), senses, strict=True)]))


def draw_bars(similarity, path) -> None:
    """The separation by layer, of the weights and of random ones."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    layers = similarity.layers
    random = np.array([[each.separation[layer] for layer in layers] for each in similarity.random])  # (seeds, layers)
    places = np.arange(len(layers))
    axes.bar(places - 0.2, [similarity.separation[layer] for layer in layers], 0.4, label="pre-trained weights")
    axes.bar(places + 0.2, random.mean(axis=0), 0.4, yerr=random.std(axis=0, ddof=1), label="random weights")
    axes.set_xticks(places, ["static embedding" if layer == "embedding" else f"layer {layer}" for layer in layers])
    axes.set_ylabel("cosine, same sense minus different")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.legend(loc="upper left")
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("file", "character", "preset"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--senses", nargs="+", help="these alone")
    parser.add_argument("--word", help="rows with this word alone")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--figure", help="where a heat map goes")
    parser.add_argument("--bars", help="where a picture of the separation by layer goes; needs two seeds")
    options = parser.parse_args()
    table = read_table(options.file)
    if options.senses:
        table = table[table["sense"].isin(options.senses)]
    if options.word:
        table = table[table["word"] == options.word]
    similarity = zoo.analysis.contextual_similarity(
        zoo.MaskedLM.from_preset(options.preset), table["sentence"], options.character, table["sense"],
        indices=table["index"].astype(int), random_seeds=range(options.seeds),
    )  # fmt: skip
    print(similarity)
    ((_, most),) = Counter(each.sense for each in similarity.occurrences).most_common(1)
    print(f"nearest of the same sense; the most frequent sense has {most / len(similarity):.3f}")
    for layer in similarity.layers[1:]:
        values = [nearest(each, layer) for each in similarity.random]
        print(f"  layer {layer}: {nearest(similarity, layer):.3f}; random weights {np.mean(values):.3f}")
    if options.figure:
        similarity.plot().savefig(options.figure, dpi=120)
    if options.bars:
        draw_bars(similarity, options.bars)


if __name__ == "__main__":
    main()
