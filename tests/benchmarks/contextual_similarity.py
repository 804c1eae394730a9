"""Whether a preset's vectors of a character keep its senses apart: pre-trained weights beside random ones.

    python -m tests.benchmarks.contextual_similarity --file senses.tsv --character 果 --preset NAME
        [--senses company fruit] [--word 苹果] [--seeds 3] [--figure heat_map.png]

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("file", "character", "preset"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--senses", nargs="+", help="these alone")
    parser.add_argument("--word", help="rows with this word alone")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--figure", help="where a heat map goes")
    options = parser.parse_args()
    table = read_table(options.file)
    if options.senses:
        table = table[table["sense"].isin(options.senses)]
    if options.word:
        table = table[table["word"] == options.word]
    similarity = zoo.analysis.contextual_similarity(
        zoo.MaskedLM.from_preset(options.preset), table["sentence"], options.character, table["sense"],
        indices=table["index"], random_seeds=range(options.seeds),
    )  # fmt: skip
    print(similarity)
    ((_, most),) = Counter(each.sense for each in similarity.occurrences).most_common(1)
    print(f"nearest of the same sense; the most frequent sense has {most / len(similarity):.3f}")
    for layer in similarity.layers[1:]:
        values = [nearest(each, layer) for each in similarity.random]
        print(f"  layer {layer}: {nearest(similarity, layer):.3f}; random weights {np.mean(values):.3f}")
    if options.figure:
        similarity.plot().savefig(options.figure, dpi=120)


if __name__ == "__main__":
    main()
