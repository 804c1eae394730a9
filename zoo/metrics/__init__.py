"""Metrics that scikit-learn, seqeval and Keras do not hold, or hold under other names."""

from zoo.metrics.entities import entity_report, entity_scores, entity_spans
from zoo.metrics.generated_texts import bleu_score, exact_match, generation_scores, rouge_scores
from zoo.metrics.squad import squad_scores

__all__ = [
    "bleu_score",
    "entity_report",
    "entity_scores",
    "entity_spans",
    "exact_match",
    "generation_scores",
    "rouge_scores",
    "squad_scores",
]
