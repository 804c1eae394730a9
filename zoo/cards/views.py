"""How presets look in a terminal and in a notebook."""

import difflib
import html
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from zoo.cards.card import Card, Score, Training
from zoo.weights import hub

LIKE = 1.4  # of 2, two shares of letters in common
SCORES = ("task", "metric", "score", "random weights", "seeds")
COLUMNS = ("name", "parameters", "size", "where", "licence", "description")


class PresetList(Sequence):
    """Names of presets: a sequence of str that shows itself as a table.

    Args:
        cards: iterable of `zoo.cards.Card`.
    """

    def __init__(self, cards: Iterable[Card]):
        self._cards = tuple(cards)

    def __len__(self):
        return len(self._cards)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return PresetList(self._cards[index])
        return self._cards[index].name

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The cells of every preset, as in `COLUMNS`."""
        for card in self._cards:
            yield (
                card.name,
                f"{card.parameter_count:,}",
                *reversed(_whereabouts(card, "≈ ")),
                card.licence,
                card.description,
            )

    def __rich__(self):
        table = Table(*COLUMNS[:1], title=f"{len(self)} presets", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for column in COLUMNS[1:]:
            table.add_column(column, justify="right" if column in ("parameters", "size") else "left")
        # The description is cut, the rest is shown whole.
        for column in table.columns[:-1]:
            column.no_wrap = True
        table.columns[0].min_width = max((len(name) for name in self), default=0)
        for *cells, description in self.rows():
            table.add_row(*cells, Text(description, no_wrap=True, overflow="ellipsis"))
        return table

    def __repr__(self):
        console = Console(file=io.StringIO(), width=max(Console().width, 120), color_system=None)
        console.print(self.__rich__())
        return console.file.getvalue().rstrip()

    def _repr_html_(self):
        head = "".join(f"<th>{column}</th>" for column in COLUMNS)
        rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in self.rows())
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def where(card: Card) -> str:
    """Return `"shipped"`, `"cached"` (the weights are in the hub's cache on this machine) or `"to download"`."""
    return _whereabouts(card)[0]


def _whereabouts(card, about=""):
    """Where the weights are, and their size there; `about` stands before a size that is reckoned. Nothing is asked."""
    if card.shipped:
        return "shipped", _megabytes(card.size_in_bytes)
    if card.source.handle.startswith(hub.HUB) and (folder := hub.cached_folder(card.source.handle)):
        return "cached", _megabytes(hub.bytes_of_weights(folder))
    return "to download", about + _megabytes(card.size_in_bytes)


def card_view(card: Card) -> Group:
    """Return a rich renderable with everything on a card; commands are lines of text below its tables."""
    table = Table(title=card.name, title_justify="left", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in _facts(card).items():
        table.add_row(name, value)
    commands = [Text.assemble("\n", (title, "bold"), f"\n{command}") for title, command in _commands(card)]
    return Group(table, *([_score_table(card.scores)] if card.scores else []), *commands)


def card_lines(card: Card) -> list[str]:
    """Everything on a card as lines of plain text: `name: value`, and a line with tabs for each score."""
    facts = {"name": card.name, **_facts(card)}
    lines = [f"{name}: {line}" for name, value in facts.items() for line in value.split("\n")]
    lines += ["scores: " + "\t".join((*SCORES, "note"))] if card.scores else []
    lines += ["\t".join((*_score_cells(score), score.note)).rstrip() for score in card.scores]
    return [*lines, *(f"{title}: {command}" for title, command in _commands(card))]


def nearest_names(pattern: str, names: Sequence[str], count: int = 5) -> list[str]:
    """The names that are like a pattern with `*` and `?` somewhere, the best first; at most `count`."""
    letters = re.sub(r"[*?]+", "", pattern)

    def likeness(name):
        parts = (name, name[: len(letters)], name[-len(letters) :])
        compared = [difflib.SequenceMatcher(None, letters, part) for part in parts]
        return max(each.ratio() + each.quick_ratio() for each in compared)  # letters in order, and in any

    found = {name: likeness(name) for name in names}
    return sorted((name for name in found if found[name] >= LIKE), key=found.get, reverse=True)[:count]


def _facts(card: Card) -> dict[str, str]:
    place, size = _whereabouts(card, "about ")
    return {
        "description": card.description,
        "language": f"{card.language}, {card.casing}" if card.casing else card.language,
        "architecture": f"{card.architecture}({_named(card.backbone)})",
        "parameters": f"{card.parameter_count:,}",
        "size": size,
        "tokenizer": f"{card.tokenizer.kind}({_named(card.tokenizer.arguments)})",
        "weights": place + (f", {card.source.handle}" if card.source.handle else ""),
        "licence": card.licence,
        "paper": card.paper,
        **(_training_facts(card.training) if card.training else {}),
    }


def _commands(card: Card) -> list[tuple[str, str]]:
    """What made the weights and the scores, each command once, behind what it made."""
    made = {card.training.command: ["trained by"]} if card.training else {}
    for score in card.scores:
        rows = f" ({score.note})" if score.note else ""
        made.setdefault(score.command, []).append(f"{score.task} {score.split}{rows}")
    return [(", ".join(dict.fromkeys(titles)), command) for command, titles in made.items()]


def _training_facts(training: Training) -> dict[str, str]:
    corpora = "\n".join(
        f"{corpus.name}: {corpus.tokens:,} tokens, {corpus.licence}, {corpus.address}" for corpus in training.corpora
    )
    return {
        "trained on": corpora,
        "objective": training.objective,
        "training": f"{training.steps:,} steps, {training.tokens_seen:,} tokens seen, "
        f"{training.minutes:,.0f} minutes on {training.machine}, seed {training.seed}",
        "held out": ", ".join(f"{name} {value:.4g}" for name, value in training.held_out.items()),
    }


def _score_table(scores: Sequence[Score]) -> Table:
    table = Table(*SCORES, "note", title_justify="left")
    table.title = "Scores after fine-tuning: mean ± standard deviation over the seeds"
    for score in scores:
        table.add_row(*_score_cells(score), score.note)
    return table


def _score_cells(score: Score) -> tuple[str, ...]:
    return (
        f"{score.task} {score.split}",
        score.metric,
        f"{score.mean:.4g} ± {score.spread:.2g}",
        f"{score.random_mean:.4g} ± {score.random_spread:.2g}",
        str(len(score.seeds)),
    )


def _named(arguments):
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _megabytes(size):
    return f"{size / 1e6:,.1f} MB"
