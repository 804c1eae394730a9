"""What a model is given and must answer, as text that a person can read."""

from collections.abc import Sequence

import numpy as np

from zoo.data import features
from zoo.objectives.objective import Objective
from zoo.objectives.previewed import INCOMPLETE, KEPT, MASKED, PLAIN, RANDOM, Piece, Preview, PreviewedExample
from zoo.objectives.vocabulary import Vocabulary
from zoo.objectives.words import check_tokenizer

ONE_DOCUMENT = (
    "Random segments are drawn from other documents, and one text is one document: here they are drawn from that text "
    "itself, so that even what follows can have the label of what is random or swapped. Give two texts or more."
)


def preview(
    objective: Objective,
    texts: Sequence[str],
    tokenizer,
    seed: int = 0,
    sequence_length: int = 128,
) -> Preview:
    """Shows what an objective makes of texts, by the code that makes the batches of training.

    Args:
        objective: an objective of `zoo.objectives`.
        texts: list of str, each a document (or one str). An objective with a sentence-pair part takes them all as
            one corpus, which needs two for random segments; any other looks at each text on its own.
        tokenizer: a tokenizer of `zoo.tokenizers`.
        seed: int, not negative.
        sequence_length: int, most tokens in an example.

    Returns:
        `Preview`: iterate over it, print it, or let a notebook show it.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if there is no text, a text is empty, a number is out of range, or the objective needs sentinels
            that the tokenizer lacks.

    Example:

    >>> import zoo
    >>> pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s", "bark", "."]
    >>> tokenizer = zoo.tokenizers.WordPiece(pieces)
    >>> objective = zoo.objectives.MaskedLM(mask_token_rate=1.0, random_token_rate=0.0)
    >>> for given, answer in zoo.objectives.preview(objective, ["the dogs bark."], tokenizer, seed=1):
    ...     print(given, "->", answer)
    [CLS] the dogs [MASK]. [SEP] -> bark
    """
    from zoo.data.pretraining import pretraining_dataset
    from zoo.tokenizers.text_inputs import check_texts

    if not isinstance(objective, Objective):
        raise TypeError(f"An objective such as `MaskedLM()` was expected. Received: objective={objective!r}")
    # A line end tells a text from the name of a file.
    texts = [f"{text}\n" for text in check_texts([texts] if isinstance(texts, str) else texts)]
    if not texts:
        raise ValueError("A text to show was expected. Received: texts=[]")
    check_tokenizer(tokenizer)
    vocabulary = Vocabulary.of(tokenizer)
    groups = [[text] for text in texts] if objective.pairing is None else [texts]
    examples = []
    for number, group in enumerate(groups):
        dataset = pretraining_dataset(group, tokenizer, objective, sequence_length, batch_size=1, seed=seed + number)
        for step in range(len(dataset)):
            inputs, targets, weights = dataset[step]
            example = _read_example(inputs, targets, weights, tokenizer, vocabulary, objective)
            examples.append(example)
    alone = len(texts) == 1 and objective.pairing is not None
    return Preview(objective, examples, note=ONE_DOCUMENT if alone else "")


def _read_example(inputs, targets, weights, tokenizer, vocabulary, objective) -> PreviewedExample:
    """A batch of one example as text."""
    if features.TARGET_IDS in targets:
        real = inputs[features.ENCODER_PADDING_MASK][0] == 1
        used = weights[features.TARGET_IDS][0] > 0
        read, said = inputs[features.ENCODER_TOKEN_IDS][0][real], targets[features.TARGET_IDS][0][used]
        return PreviewedExample(_pieces_of(read, tokenizer, vocabulary), said=_pieces_of(said, tokenizer, vocabulary))
    real = inputs[features.PADDING_MASK][0] == 1
    given = inputs[features.TOKEN_IDS][0][real]  # (tokens,)
    original, asked = given.copy(), np.zeros(len(given), bool)
    if features.MASK_IDS in targets:
        used = weights[features.MASK_IDS][0] > 0
        positions = inputs[features.MASK_POSITIONS][0][used]
        original[positions] = targets[features.MASK_IDS][0][used]
        asked[positions] = True
    changed = np.where(given == vocabulary.mask_id, MASKED, RANDOM)
    states = np.where(asked, np.where(given == original, KEPT, changed), PLAIN)
    columns = (
        _texts_of_pieces(given, tokenizer, vocabulary),
        _texts_of_pieces(original, tokenizer, vocabulary),
        states.tolist(),
        inputs[features.SEGMENT_IDS][0][real].tolist(),
    )
    label = None
    if features.SENTENCE_LABELS in targets:
        label = objective.pairing.label_names[int(targets[features.SENTENCE_LABELS][0])]
    return PreviewedExample(tuple(map(Piece, *columns)), label)


def _pieces_of(ids: np.ndarray, tokenizer, vocabulary: Vocabulary) -> tuple[Piece, ...]:
    """What an encoder reads or a decoder says, with what stands for hidden text marked."""
    texts = _texts_of_pieces(ids, tokenizer, vocabulary)
    hides = np.isin(ids, (vocabulary.mask_id, *vocabulary.sentinel_ids)).tolist()
    return tuple(Piece(text, text, MASKED if hidden else PLAIN, 0) for text, hidden in zip(texts, hides, strict=True))


def _texts_of_pieces(ids: np.ndarray, tokenizer, vocabulary: Vocabulary) -> list[str]:
    """The text that each piece adds to those before it, its space included.

    A character of several pieces is that of the last of them, and the others have none.
    """
    texts, run, shown = [], [], ""
    for number, following in zip(ids.tolist(), [*ids[1:].tolist(), vocabulary.end_id], strict=True):
        piece = tokenizer.id_to_token(number)
        if number in (vocabulary.start_id, vocabulary.end_id):
            texts.append(f" {piece}")
            run, shown = [], ""
            continue
        run.append(number)
        text = tokenizer.decode(run)
        if text.endswith(INCOMPLETE) and not vocabulary.is_special[following]:
            texts.append("")
            continue
        if not shown.strip():
            texts.append(f" {text.strip()}".rstrip())
        else:
            texts.append(text[len(shown) :] if text.startswith(shown) else f" {piece}")
        shown = text
    return texts
