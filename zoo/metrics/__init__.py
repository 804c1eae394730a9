"""Metrics that scikit-learn, seqeval and Keras do not hold, or hold under other names."""

from zoo.metrics.entities import entity_report, entity_scores, entity_spans
from zoo.metrics.squad import squad_scores

__all__ = ["entity_report", "entity_scores", "entity_spans", "squad_scores"]
