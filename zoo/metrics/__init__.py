"""Metrics that scikit-learn, seqeval and Keras do not hold, or hold under other names."""
