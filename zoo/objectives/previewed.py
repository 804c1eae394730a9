"""Examples of an objective as a person sees them: in print, in a terminal, in a notebook."""

import dataclasses
import html
from collections.abc import Iterator, Sequence

from zoo.objectives.objective import Objective

PLAIN, MASKED, RANDOM, KEPT = "plain", "masked", "random", "kept"
# What stands for bytes that are not a whole character.
INCOMPLETE = "\ufffd"
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
        state: `"plain"` if nothing is asked about it; otherwise `"masked"`, `"random"` or `"kept"`. Of an
            encoder-decoder, masks and sentinels are `"masked"`, all else is `"plain"`.
        segment: int, 0 or 1.
    """

    given: str
    original: str
    state: str
    segment: int


@dataclasses.dataclass(frozen=True)
class PreviewedExample:
    """One example.

    Attributes:
        pieces: its pieces without padding; those of the encoder's input, if there is a decoder.
        label: the name of its label, or None.
        said: the pieces that a decoder must say; empty if there is no decoder.
    """

    pieces: tuple[Piece, ...]
    label: str | None = None
    said: tuple[Piece, ...] = ()

    @property
    def input(self) -> str:
        """The text that the model is given, special tokens included."""
        return "".join(piece.given for piece in self.pieces).strip()

    @property
    def target(self) -> str:
        """What the decoder must say; or the tokens to predict, with dots for what lies between them, and the label."""
        if self.said:
            return "".join(piece.given for piece in self.said).strip()
        answers = ["".join(_originals(run)).strip() for run in self.answers()]
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
        if self.said:
            return [*lines, ("target", [(piece.given, piece.state, "") for piece in self.said])]
        target = []
        for run in self.answers():
            texts = _originals(run)
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
        note: str, what is not to be learnt from these examples; empty where there is nothing to say.
    """

    def __init__(self, objective: Objective, examples: Sequence[PreviewedExample], note: str = ""):
        self.objective = objective
        self.examples = tuple(examples)
        self.note = note
        self._legend = (MASKED,) if any(example.said for example in self.examples) else (MASKED, RANDOM, KEPT)

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((example.input, example.target) for example in self.examples)

    def __getitem__(self, index: int | slice) -> tuple[str, str] | list[tuple[str, str]]:
        if isinstance(index, slice):
            return list(self)[index]
        return self.examples[index].input, self.examples[index].target

    def __str__(self) -> str:
        blocks = []
        for example in self.examples:
            lines = []
            for heading, shown in example.rows():
                text = "".join(_mark(text, state) for text, state, _ in shown).strip()
                lines.append(f"{heading:8} {text}")
            blocks.append("\n".join(lines))
        blocks += [f"note     {self.note}"] if self.note else []
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
        for state in self._legend:
            legend.append(state, style=_TERMINAL_STYLES[state]).append(" ")
        return Group(*shown, legend, *([Text(f"note: {self.note}", style="bold")] if self.note else []))

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
        legend = " ".join(_as_html(state, state, "") for state in self._legend)
        note = f"<p>note: {html.escape(self.note)}</p>" if self.note else ""
        return f"<table>{''.join(rows)}</table><p>to predict: {legend}</p>{note}"


def _originals(run: list[Piece]) -> list[str]:
    """The texts of pieces to predict; of a part of a character, its sign."""
    texts = [piece.original for piece in run]
    return texts if any(texts) else [*texts[:-1], INCOMPLETE]


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
