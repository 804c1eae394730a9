"""The comparison of objectives as a table for the terminal and as a figure."""

import numpy as np
from rich.markup import escape
from rich.table import Table

from zoo.training.grid import shown
from zoo.training.runs import write_figure

# Of each measure its name for people, the factor by which it is shown, and whether a lower one is better.
MEASURES = {
    "accuracy": ("accuracy", 100.0, False),
    "perplexity": ("perplexity", 1.0, True),
    "rouge_l": ("ROUGE-L", 100.0, False),
    "bleu": ("BLEU", 100.0, False),
    "exact_match": ("exact match", 100.0, False),
}


def report(console, results: dict, folder) -> None:
    """Draw `results.png` into the folder of a comparison, and print the table.

    Args:
        console: `rich.console.Console`.
        results: what `zoo.training.objective_comparison.compare_objectives` returns.
        folder: path.
    """
    draw(results, folder / "results.png")
    console.print(table_of(results))
    for line in notes(results):
        console.print(escape(line), highlight=False, soft_wrap=True)
    console.print(escape(f"Everything is in {folder}."), highlight=False, soft_wrap=True)


def _columns(results) -> list[tuple[str, str]]:
    """Pairs of a task and a measure, in the order of the table."""
    scores = results["rows"][0]["scores"]
    return [(task, measure) for task, of_task in scores.items() for measure in of_task]


def table_of(results: dict) -> Table:
    """A line an objective, a column a measure of a task; the best mean of a column is bold."""
    table = Table(title=f"Pre-trained on {results['tokens']:,} tokens of text, then fine-tuned")
    table.add_column("objective")
    table.add_column("minutes", justify="right")
    columns = _columns(results)
    best = {}
    for task, measure in columns:
        name, _, lower = MEASURES[measure]
        table.add_column(f"{escape(task)}\n{name}{' ↓' if lower else ''}", justify="right")
        means = [row["scores"][task][measure].mean for row in results["rows"]]
        best[task, measure] = min(means) if lower else max(means)
    for row in results["rows"]:
        cells = []
        for task, measure in columns:
            score = row["scores"][task][measure]
            text = shown(score, MEASURES[measure][1])
            cells.append(f"[bold]{text}[/]" if score.mean == best[task, measure] else text)
        if row is results["rows"][-1]:
            table.add_section()
        table.add_row(escape(row["objective"]), f"{row['minutes'].mean:.1f}", *cells)
    return table


def notes(results: dict) -> list[str]:
    """What must be known to read the table, a line each."""
    seeds = len(results["seeds"])
    rows = ", ".join(
        f"{name}: {each['train']:,} rows, judged on {each['dev']:,}" for name, each in results["tasks"].items()
    )
    return [
        "All models read the same texts of the corpus, in the same order and in as many steps; how many tokens the "
        "decoder says of them differs, and so do the minutes.",
        f"Fine-tuned on {rows}. Perplexity is of a token, the other measures are in points of 100.",
        f"± is the standard deviation over {seeds} seeds (n - 1); bold is the best mean." if seeds > 1
        else "One seed: differences of a few points say nothing.",
    ]  # fmt: skip


def draw(results: dict, path) -> None:
    """Draw a panel a task: its first measure, a point a seed and a bar for their mean, as a PNG.

    Args:
        results: see `report`.
        path: where the PNG goes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tasks = list(results["tasks"])
    rows = results["rows"][::-1]  # the first one is drawn on top
    figure = Figure(figsize=(3 + 4 * len(tasks), 1.4 + 0.4 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0]
    for axes, task in zip(panels, tasks, strict=True):
        measure = next(iter(rows[0]["scores"][task]))
        name, factor, lower = MEASURES[measure]
        scores = [row["scores"][task][measure] for row in rows]
        means = [factor * score.mean for score in scores]
        axes.barh(np.arange(len(rows)), means, color=["C7", *["C0"] * (len(rows) - 1)], alpha=0.5)
        for place, score in enumerate(scores):
            axes.plot([factor * value for value in score.values], [place] * len(score.values), "k.")
        axes.axvline(means[0], color="C7", linestyle="--")
        values = [factor * value for score in scores for value in score.values]
        room = 0.2 * (max(values) - min(values) or 1.0)
        axes.set_xlim(max(0.0, min(values) - room), max(values) + room)
        axes.set_title(f"{task}: {name}{' (lower is better)' if lower else ''}", fontsize=10)
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(np.arange(len(rows)), [row["objective"] for row in rows])
    figure.suptitle(f"Pre-trained on {results['tokens']:,} tokens of text, then fine-tuned", fontsize=11)
    write_figure(path, figure)
