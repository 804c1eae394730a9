"""Next sentence prediction: which text follows this one?"""

import dataclasses

from zoo.objectives.sentence_pairs import SentencePairing


@dataclasses.dataclass(frozen=True)
class NextSentence(SentencePairing):
    """Next sentence prediction: does segment B follow segment A in the text?

    With probability 0.5 B is what follows A (label 0), otherwise, and always where a chunk is a
    single sentence, it is text of a random document (label 1 = random). The sentences that a
    random B takes the place of are used by the next example. (Devlin et al. 2019, arXiv
    1810.04805, section 3.1, task 2; details from the released `create_pretraining_data.py`, which
    draws the target length once a document, whereas here every example draws its own, so that
    `short_sequence_probability` is the share of examples.)

    Args:
        short_sequence_probability: probability that an example is built to a random length of
            2 tokens or more instead of the full one.

    Raises:
        ValueError: if `short_sequence_probability` is no probability.
    """

    label_names = ("next", "random")

    sentence_head = "next_sentence"

    def arrange(self, first, second, rng):
        if second is None or rng.random() < 0.5:
            return first, None, 1
        return first, second, 0
