"""How presets look in a terminal and in a notebook."""

import html
import io
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from zoo.cards.card import Card, Score, Training
from zoo.weights import hub

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

    def _rows(self):
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
        for *cells, description in self._rows():
            table.add_row(*cells, Text(description, no_wrap=True, overflow="ellipsis"))
        return table

    def __repr__(self):
        console = Console(file=io.StringIO(), width=max(Console().width, 120), color_system=None)
        console.print(self.__rich__())
        return console.file.getvalue().rstrip()

    def _repr_html_(self):
        head = "".join(f"<th>{column}</th>" for column in COLUMNS)
        rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in self._rows())
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
    """Return a rich renderable with everything on a card."""
    place, size = _whereabouts(card, "about ")
    tokenizer = f"{card.tokenizer.kind}({_named(card.tokenizer.arguments)})"
    facts = {
        "description": card.description,
        "language": f"{card.language}, {card.casing}" if card.casing else card.language,
        "architecture": f"{card.architecture}({_named(card.backbone)})",
        "parameters": f"{card.parameter_count:,}",
        "size": size,
        "tokenizer": tokenizer,
        "weights": place + (f", {card.source.handle}" if card.source.handle else ""),
        "licence": card.licence,
        "paper": card.paper,
        **(_training_facts(card.training) if card.training else {}),
    }
    table = Table(title=card.name, title_justify="left", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in facts.items():
        table.add_row(name, value)
    return Group(table, *([_score_table(card.scores)] if card.scores else []))


def _training_facts(training: Training) -> dict[str, str]:
    corpora = "\n".join(
        f"{corpus.name}: {corpus.tokens:,} tokens, {corpus.licence}, {corpus.address}" for corpus in training.corpora
    )
    return {
        "trained on": corpora,
        "objective": training.objective,
        "training": f"{training.steps:,} steps, {training.tokens_seen:,} tokens seen, "
        f"{training.minutes:,.0f} minutes on {training.machine}, seed {training.seed}",
        "command": training.command,
        "held out": ", ".join(f"{name} {value:.4g}" for name, value in training.held_out.items()),
    }


def _score_table(scores: Sequence[Score]) -> Table:
    table = Table("task", "metric", "score", "random weights", "seeds", "command", "note", title_justify="left")
    table.title = "Scores after fine-tuning: mean ± standard deviation over the seeds"
    for score in scores:
        table.add_row(
            f"{score.task} {score.split}",
            score.metric,
            f"{score.mean:.4g} ± {score.spread:.2g}",
            f"{score.random_mean:.4g} ± {score.random_spread:.2g}",
            str(len(score.seeds)),
            score.command,
            score.note,
        )
    return table


def _named(arguments):
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _megabytes(size):
    return f"{size / 1e6:,.1f} MB"
