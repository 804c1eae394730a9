"""What a model is given and must answer, as text that a person can read."""

import dataclasses
import html
from collections.abc import Iterator, Sequence

import numpy as np

from zoo.data import features
from zoo.objectives.objective import Objective
from zoo.objectives.vocabulary import Vocabulary

PLAIN, MASKED, RANDOM, KEPT = "plain", "masked", "random", "kept"
_GAP = " … "
# Marks that also tell the three kinds apart in black and white.
_MARKS = {PLAIN: "{}", MASKED: "{}", RANDOM: "<{}>", KEPT: "_{}_"}
_TERMINAL_STYLES = {
    PLAIN: "",
    MASKED: "bold black on yellow",
    RANDOM: "bold white on red",
    KEPT: "bold black on green",
}
_PAGE_STYLES = {
    MASKED: "background:#ffe066;color:#000",
    RANDOM: "background:#ff8787;color:#000",
    KEPT: "background:#8ce99a;color:#000",
}


@dataclasses.dataclass(frozen=True)
class Piece:
    """One token of an example.

    Attributes:
        given: str, its text as the model sees it, with the space before it if there is one.
        original: str, its text before the noise, likewise.
        state: `"plain"` if nothing is asked about it; otherwise `"masked"`, `"random"` or `"kept"`.
        segment: int, 0 or 1.
    """

    given: str
    original: str
    state: str
    segment: int


@dataclasses.dataclass(frozen=True)
class PreviewedExample:
    """One example: its pieces without padding, and the name of its label or None."""

    pieces: tuple[Piece, ...]
    label: str | None

    @property
    def input(self) -> str:
        """The text that the model is given, special tokens included."""
        return "".join(piece.given for piece in self.pieces).strip()

    @property
    def target(self) -> str:
        """The tokens to predict, with dots for what lies between them, and the label."""
        answers = ["".join(piece.original for piece in run).strip() for run in self.answers()]
        return " | ".join(part for part in (_GAP.join(answers), self.label) if part)

    def answers(self) -> list[list[Piece]]:
        """The pieces to predict; neighbours in the text are together."""
        runs, after_answer = [], False
        for piece in self.pieces:
            if piece.state != PLAIN:
                if not after_answer:
                    runs.append([])
                runs[-1].append(piece)
            after_answer = piece.state != PLAIN
        return runs

    def rows(self) -> list[tuple[str, list[tuple[str, str, str]]]]:
        """Lines to show: a heading, and pieces of text with their state and what they were."""
        segments = {}
        for piece in self.pieces:
            shown = (piece.given, piece.state, piece.original.strip())
            segments.setdefault(piece.segment, []).append(shown)
        names = ("input A", "input B") if len(segments) > 1 else ("input",)
        lines = list(zip(names, segments.values(), strict=True))
        target = []
        for run in self.answers():
            texts = [piece.original for piece in run]
            texts[0] = texts[0].lstrip()
            target.append((_GAP if target else "", PLAIN, ""))
            target += [(text, piece.state, "") for text, piece in zip(texts, run, strict=True)]
        if target:
            lines.append(("target", target))
        if self.label is not None:
            lines.append(("label", [(self.label, PLAIN, "")]))
        return lines


class Preview:
    """Examples of an objective as text.

    Iterating gives pairs of strings: what the model is given, and what it must answer. Printed, it
    says what became of each token to predict: `[MASK]`, `<a random token>` or `_kept as it is_`.
    A terminal (through `rich`) and a notebook show the same in colour.

    Attributes:
        objective: the objective.
        examples: tuple of `PreviewedExample`.
    """

    def __init__(self, objective: Objective, examples: Sequence[PreviewedExample]):
        self.objective = objective
        self.examples = tuple(examples)

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((example.input, example.target) for example in self.examples)

    def __getitem__(self, index: int) -> tuple[str, str]:
        return self.examples[index].input, self.examples[index].target

    def __str__(self) -> str:
        blocks = []
        for example in self.examples:
            lines = []
            for heading, shown in example.rows():
                text = "".join(_mark(text, state) for text, state, _ in shown).strip()
                lines.append(f"{heading:8} {text}")
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    __repr__ = __str__

    def __rich__(self):
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        shown = []
        for example in self.examples:
            grid = Table.grid(padding=(0, 2))
            for heading, pieces in example.rows():
                line = Text()
                for text, state, _ in pieces:
                    bare = text.lstrip()
                    line.append(text[: len(text) - len(bare)])
                    line.append(bare, style=_TERMINAL_STYLES[state])
                grid.add_row(Text(heading, style="dim"), line)
            shown += [grid, Text()]
        legend = Text("to predict: ", style="dim")
        for state in (MASKED, RANDOM, KEPT):
            legend.append(state, style=_TERMINAL_STYLES[state]).append(" ")
        return Group(*shown, legend)

    def _repr_html_(self) -> str:
        rows = []
        for example in self.examples:
            for heading, pieces in example.rows():
                text = "".join(_as_html(*piece) for piece in pieces)
                rows.append(
                    f"<tr><td style='opacity:.6;text-align:left'>{heading}</td>"
                    f"<td style='text-align:left'>{text}</td></tr>"
                )
            rows.append("<tr><td colspan='2'>&nbsp;</td></tr>")
        legend = " ".join(_as_html(state, state, "") for state in (MASKED, RANDOM, KEPT))
        return f"<table>{''.join(rows)}</table><p>to predict: {legend}</p>"


def _mark(text: str, state: str) -> str:
    bare = text.lstrip()
    return text[: len(text) - len(bare)] + _MARKS[state].format(bare)


def _as_html(text: str, state: str, original: str) -> str:
    if state == PLAIN:
        return html.escape(text)
    bare = text.lstrip()
    title = f" title='{html.escape(original, quote=True)}'" if original else ""
    space = text[: len(text) - len(bare)]
    return f"{space}<span style='{_PAGE_STYLES[state]}'{title}>{html.escape(bare)}</span>"


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
        texts: list of str, each a document (or one str). An objective with a sentence-pair part
            takes them all as one corpus; any other looks at each text on its own.
        tokenizer: a tokenizer of `zoo.tokenizers`.
        seed: int, not negative.
        sequence_length: int, most tokens in an example.

    Returns:
        `Preview`: iterate over it, print it, or let a notebook show it.

    Raises:
        ValueError: if a text is empty or a number is out of range.

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

    # A line end tells a text from the name of a file.
    texts = [f"{text}\n" for text in ([texts] if isinstance(texts, str) else texts)]
    vocabulary = Vocabulary.of(tokenizer)
    groups = [[text] for text in texts] if objective.pairing is None else [texts]
    examples = []
    for number, group in enumerate(groups):
        dataset = pretraining_dataset(group, tokenizer, objective, sequence_length, batch_size=1, seed=seed + number)
        for step in range(len(dataset)):
            inputs, targets, weights = dataset[step]
            example = _read_example(inputs, targets, weights, tokenizer, vocabulary, objective)
            examples.append(example)
    return Preview(objective, examples)


def _read_example(inputs, targets, weights, tokenizer, vocabulary, objective) -> PreviewedExample:
    """A batch of one example as text."""
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


def _texts_of_pieces(ids: np.ndarray, tokenizer, vocabulary: Vocabulary) -> list[str]:
    """The text that each piece adds to the piece before it, its space included."""
    hidden = (vocabulary.start_id, vocabulary.end_id)
    texts, previous = [], None
    for number in ids.tolist():
        piece = tokenizer.id_to_token(number)
        if previous is None or previous in hidden or number in hidden:
            text = f" {piece if number in hidden else tokenizer.decode([number]).strip()}"
        else:
            before = tokenizer.decode([previous])
            both = tokenizer.decode([previous, number])
            text = both[len(before) :] if both.startswith(before) else f" {piece}"
        texts.append(text)
        previous = number
    return texts
