"""Sentence order prediction: which of two parts of a text comes first?"""

import dataclasses

from zoo.objectives.sentence_pairs import SentencePairing


@dataclasses.dataclass(frozen=True)
class SentenceOrder(SentencePairing):
    """Sentence order prediction: are two consecutive segments in their order, or swapped?

    Both segments are of one text, so that the topic, which gives next-sentence prediction away, says
    nothing: what is left is coherence. With probability 0.5 they are in their order (label 0), otherwise
    swapped (label 1). (Lan et al. 2020, arXiv 1909.11942, section 3.1.)

    A chunk that is a single sentence cannot be swapped. As in the released
    `create_pretraining_data.py`, its second segment is text of a random document, and the label is 1: not
    in order. In prose that is a few percent of the pairs at 128 tokens, and more the shorter the examples.

    Args:
        short_sequence_probability: probability that an example is built to a random length of
            2 tokens or more instead of the full one.

    Raises:
        ValueError: if `short_sequence_probability` is no probability.
    """

    label_names = ("in order", "swapped")

    sentence_head = "sentence_order"

    def arrange(self, first, second, rng):
        if second is None:
            return first, None, 1
        if rng.random() < 0.5:
            return second, first, 1
        return first, second, 0
