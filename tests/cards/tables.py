"""The scores on the cards of the shipped presets as the tables of `presets/README.md`.

    python -m tests.cards.tables        # writes them anew, between the page's two marks

A number is written once, on its card; the tests say when the page is behind.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from zoo.cards import Card, Score, read_cards

PAGE = Path(__file__).parents[2] / "presets" / "README.md"
BEGIN = "<!-- scores of the cards: python -m tests.cards.tables -->"
END = "<!-- end of the scores -->"
HEAD = "| data | metric | pre-trained | random weights | seeds |\n| --- | --- | --- | --- | --- |"


def numbers(score: Score) -> tuple[str, str]:
    """Return what the tables say of a score: of the pre-trained and of the random weights."""
    pairs = (score.mean, score.spread), (score.random_mean, score.random_spread)
    return tuple(f"{mean:.3f}" + (f" ± {spread:.3f}" if len(score.seeds) > 1 else "") for mean, spread in pairs)


def _rows(card):
    for score in card.scores:
        about = f"{score.task} {score.split}" + (f": {score.note}" if score.note else "")
        yield f"| {about} | {score.metric} | {' | '.join(numbers(score))} | {len(score.seeds)} |"


def tables(cards: Iterable[Card]) -> str:
    """Markdown: a table a preset, and under it the commands that gave its numbers."""
    parts = []
    for card in cards:
        commands = "\n".join(dict.fromkeys(score.command for score in card.scores))
        parts.append("\n".join((f"### `{card.name}`\n", HEAD, *_rows(card), f"\n```sh\n{commands}\n```")))
    return "\n\n".join(parts)


def with_tables(page: str) -> str:
    """Return the text of the page with the tables of the cards as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"Expected the lines {BEGIN!r} and {END!r} in {PAGE}.")
    scored = [card for card in read_cards() if card.shipped and card.scores]
    return f"{before}{BEGIN}\n\n{tables(scored)}\n\n{END}{after}"


if __name__ == "__main__":
    written = PAGE.with_suffix(".new")
    written.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    os.replace(written, PAGE)
