"""What a sentence objective teaches: the same model pre-trained with none, with next sentence, with sentence order.

Table 5 of Lan et al. (2020), arXiv 1909.11942, in small: a model trained on next-sentence prediction cannot tell
the order of two segments, because the topic gives its own task away; one trained on sentence order can tell a
following segment from a random one.
"""

import dataclasses

import keras
import numpy as np
from rich.table import Table

from zoo import data, objectives
from zoo.data import features
from zoo.training.grid import Grid, scores_of, shown
from zoo.training.recipes import pretrain_like


@dataclasses.dataclass(frozen=True)
class NeighbourOrder(objectives.SentenceOrder):
    """The order of segments of one document alone, to judge by: without the random ones of `SentenceOrder`."""

    def plan(self, sentence_lengths, document, sequence_length, rng):
        pairs = super().plan(sentence_lengths, document, sequence_length, rng)
        return [pair for pair in pairs if pair.document_a == pair.document_b]


OBJECTIVES = {"none": None, "next sentence": objectives.NextSentence(), "sentence order": objectives.SentenceOrder()}
QUESTIONS = {"next_sentence": objectives.NextSentence(), "sentence_order": NeighbourOrder()}
TITLES = {
    "masked_lm": "masked LM",
    "next_sentence": "next sentence",
    "sentence_order": "sentence order",
    "next_sentence_probe": "next sentence, probe",
    "sentence_order_probe": "sentence order, probe",
}
RESULT_FILE = "intrinsic.json"
BATCH = 64


def compare_sentence_objectives(
    corpus, validation, run, masking: str = "MaskedLM", seeds=(0,), pairs: int = 2048, **settings
) -> list[dict]:
    """Pre-train three times a seed and ask each model for hidden tokens, next sentences and sentence order.

    Every training is a run of its own in the folder (`next-sentence-0/`, ...), taken up where it was after an
    interruption.

    Args:
        corpus: folder written by `zoo.data.prepare`.
        validation: folder of prepared held-out text with the same vocabulary.
        run: folder of all runs.
        masking: str, the masking objective that all three have, see `zoo.objectives.parse_objective`.
        seeds: ints; a run of each objective a seed.
        pairs: int, held-out pairs of each kind that the models judge, and training pairs that a probe learns from.
        **settings: see `zoo.training.recipes.pretrain_like`.

    Returns:
        A list with a dict an objective: `objective`, and a `Score` for each of
            - `masked_lm`, accuracy of the hidden tokens of held-out text in the form that the model was trained on;
            - `next_sentence` and `sentence_order`, accuracy of the model's own sentence head on held-out pairs, its
              output 1 ("random", "swapped") being taken for "not the following text"; without a sentence head
              there is none (None). Accuracy is the mean of those on the pairs with label 0 and with label 1, so
              that an answer that is always the same has 0.5; pairs for `sentence_order` are of one document;
            - `next_sentence_probe` and `sentence_order_probe`, that of a logistic regression on the frozen vector
              of [CLS], fitted on training pairs.
        It is also written to `results.json`.

    Raises:
        ValueError: if the folder holds runs with another configuration, or an argument is wrong.
    """
    objectives.parse_objective(masking)
    grid = Grid.open(run, {
        "command": "compare-sentence-objectives", "corpus": str(corpus), "validation": str(validation),
        "masking": masking, "seeds": list(seeds), "pairs": pairs, **settings,
    })  # fmt: skip
    measured = {name: [] for name in OBJECTIVES}
    for seed in seeds:
        for name, sentences in OBJECTIVES.items():
            part = f"{name.replace(' ', '-')}-{seed}"
            written = masking if sentences is None else f"{masking} + {type(sentences).__name__}"
            options = {"objective": written, "validation": validation, "seed": seed, **settings}

            def work(folder=grid.path / part, options=options):
                result = pretrain_like(corpus, folder, **options)
                accuracy = result.get("val_mask_ids_accuracy", result.get("val_accuracy"))
                length, seed = options["sequence_length"], options["seed"]
                return {"masked_lm": accuracy, **judge(folder / "preset", corpus, validation, pairs, length, seed)}

            measured[name].append(grid.once(f"{part}/{RESULT_FILE}", work))
    rows = [{"objective": name, **scores_of(name, results, TITLES)} for name, results in measured.items()]
    grid.write_results(rows)
    return rows


def judge(preset, corpus, validation, pairs: int, sequence_length: int, seed: int) -> dict:
    """How well a pre-trained model tells next sentences and sentence order.

    Args:
        preset: folder of a `zoo.MaskedLM`.
        corpus, validation, pairs: see `compare_sentence_objectives`.
        sequence_length: int, tokens of a pair.
        seed: int, of the training pairs; the held-out pairs are always the same.

    Returns:
        dict: accuracies as probabilities, see `compare_sentence_objectives`.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from zoo import tasks

    model = tasks.MaskedLM.from_preset(preset, dtype="float32")
    encoded = model.backbone.output
    outputs = {"vectors": encoded["sequence_output"][:, 0]}  # (batch, hidden_dim)
    if model.sentence_head is not None:
        outputs["logits"] = model.sentence_classifier(encoded["pooled_output"])  # (batch, 2)
    reader = keras.Model(model.backbone.input, outputs)
    found = {}
    for name, question in QUESTIONS.items():
        train, held_out = (
            _pairs(source, question, pairs, sequence_length, number) for source, number in
            ((corpus, seed + 1), (validation, 0))
        )  # fmt: skip
        before, after = (reader.predict(inputs, batch_size=BATCH, verbose=0) for inputs, _ in (train, held_out))
        found[name] = None
        if "logits" in after:
            found[name] = float(balanced_accuracy_score(held_out[1], after["logits"].argmax(axis=-1)))
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced"))
        answers = probe.fit(before["vectors"], train[1]).predict(after["vectors"])
        found[f"{name}_probe"] = float(balanced_accuracy_score(held_out[1], answers))
    return found


def _pairs(source, question, count, sequence_length, seed):
    """Inputs and labels of pairs of text without masks."""
    dataset = data.pretraining_dataset(
        str(source), None, question, sequence_length=sequence_length, batch_size=BATCH, seed=seed
    )
    steps = min(-(-count // BATCH), len(dataset))
    batches = [dataset[step] for step in range(steps)]
    inputs = {name: np.concatenate([batch[0][name] for batch in batches]) for name in batches[0][0]}
    return inputs, np.concatenate([batch[1][features.SENTENCE_LABELS] for batch in batches])


def table_of(rows: list[dict]) -> Table:
    """The comparison as a table for the terminal: accuracies in percent."""
    table = Table("sentence objective", *TITLES.values(), title="Accuracy on held-out text, % (pairs: 50 by chance)")
    for row in rows:
        scores = (row[column] for column in TITLES)
        table.add_row(row["objective"], *("no head" if score is None else shown(score) for score in scores))
    return table
