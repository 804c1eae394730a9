"""The scores of a benchmark: as data, as a table for the terminal, and as a figure."""

import numpy as np
from rich.markup import escape
from rich.table import Table

from zoo.metrics.benchmark_metrics import METRICS
from zoo.training.comparison import Score
from zoo.training.runs import write_figure, write_json


def task_score(task, scores: dict) -> float:
    """The score of a task: the mean over its dev sets of the mean over its metrics that count.

    Wang et al. (2019), arXiv 1804.07461, section 3.4: tasks with several metrics count once, by their mean.

    Args:
        task: `BenchmarkTask`.
        scores: dict from dev set to dict from metric to float.
    """
    counted = task.averaged or task.metrics
    return float(np.mean([[each[metric] for metric in counted] for each in scores.values()]))


def summarise(table, loaded: list, parts: dict, **settings) -> dict:
    """Put all scores together.

    Args:
        table: `Benchmark`.
        loaded: list of `TaskData`, the tasks that were asked for.
        parts: by name of the task and start, the parts of the seeds; see `zoo.training.evaluation.Evaluation`.
        **settings: what else the results say at their head.

    Returns:
        dict with the settings and

            - `tasks`: a list of dicts: `task`, `title`, `missing` (what was looked for, or None), `train_rows`,
              `official_train_rows`, `left_out`, `dev_rows`, `comparable` (bool), `why_not`, and by start `scores`
              (by metric `mean`, `spread` and `values`, fractions of 1), `score`, `learning_rate`, `epochs`, `seconds`;
            - `average`, by start: `tasks`, `of`, `complete`, `mean`, `spread`, `values`. The mean is that of the
              benchmark only where it is complete;
            - `not_asked` and `unsupported` tasks.
    """
    tasks = [_task_results(data, parts.get(data.task.name, {})) for data in loaded]
    done = [each for each in tasks if each["starts"]]
    starts = list(done[0]["starts"])
    count = len(table.tasks) + len(table.unsupported)
    average = {}
    for start in starts:
        values = np.mean([each["starts"][start]["score"]["values"] for each in done], axis=0)
        average[start] = {
            "tasks": len(done), "of": count, "complete": len(done) == count, **_summary(start, values.tolist()),
        }  # fmt: skip
    asked = {data.task.name for data in loaded}
    return {
        **settings,
        "title": table.title,
        "paper": table.paper,
        "tasks": tasks,
        "average": average,
        "not_asked": [task.title for task in table.tasks if task.name not in asked],
        "unsupported": dict(table.unsupported),
    }


def _summary(start, values):
    score = Score(start, tuple(values))
    return {"mean": score.mean, "spread": score.spread, "values": list(values)}


def _task_results(data, starts):
    task = data.task
    found = {"task": task.name, "title": task.title, "missing": data.missing, "note": task.note, "starts": {}}
    if data.missing:
        return found
    for start, parts in starts.items():
        found["starts"][start] = {
            "scores": {
                label: _summary(start, [part["scores"][split][metric] for part in parts])
                for label, split, metric in _labels(task)
            },
            "score": _summary(start, [part["score"] for part in parts]),
            "learning_rate": parts[0]["learning_rate"],
            "epochs": parts[0]["epochs"],
            "seconds": round(sum(sum(part["seconds"].values()) for part in parts), 1),
        }
    return found | {
        "train_rows": next(iter(starts.values()))[0]["train_rows"],
        "official_train_rows": task.splits[task.splits_of("train")[0]].rows,
        "left_out": getattr(data.train, "left_out", 0),
        "dev_rows": {name: len(rows) for name, rows in data.of_role("dev").items()},
        "comparable": data.not_comparable is None,
        "why_not": data.not_comparable,
    }


def _labels(task):
    """What the scores go by: metrics, with the name of the dev set where there are several."""
    splits = task.splits_of("dev")
    for split in splits:
        for metric in task.metrics:
            name = METRICS[metric].title if metric in METRICS else metric.replace("_", " ")
            yield (name if len(splits) == 1 else f"{split.removeprefix('dev_')} {name}"), split, metric


def report(console, results: dict, folder) -> None:
    """Write `results.json` and `results.png` into the folder of a run, and print the table."""
    write_json(folder.path / "results.json", results)
    draw(results, folder.path / "results.png")
    console.print(results_table(results))
    for line in notes(results):
        console.print(escape(line), highlight=False, soft_wrap=True)
    console.print(escape(f"Everything is in {folder.path}."), highlight=False, soft_wrap=True)


def results_table(results: dict) -> Table:
    """The scores as a table for the terminal, in points of 100; a line for each metric."""
    table = Table(title=f"{results['title']}, dev sets: {escape(results['preset'])}")
    for name in ("task", "metric", "dev rows", "comparable", *results["average"]):
        table.add_column(name, justify="left" if name in ("task", "metric") else "right")
    for each in results["tasks"]:
        if each["missing"]:
            table.add_row(each["title"], "missing")
            continue
        first = next(iter(each["starts"].values()))
        table.add_row(
            each["title"],
            "\n".join(first["scores"]),
            "\n".join(f"{count:,}" for count in each["dev_rows"].values()),
            "yes" if each["comparable"] else "no",
            *("\n".join(map(_shown, start["scores"].values())) for start in each["starts"].values()),
        )
    table.add_section()
    averages = results["average"].values()
    counts = next(iter(averages))
    of = f"{counts['tasks']} of {counts['of']}"
    name = "average" if counts["complete"] else f"incomplete: {of}"
    table.add_row(name, "" if counts["complete"] else "mean of these tasks", "", "", *map(_shown, averages))
    return table


def _shown(summary):
    spread = f" ± {100 * summary['spread']:.1f}" if len(summary["values"]) > 1 else ""
    return f"{100 * summary['mean']:.1f}{spread}"


def notes(results: dict) -> list[str]:
    """What must be known to read the scores, a line each."""
    seeds = len(results["seeds"])
    lines = [
        f"Points of 100. ± is the standard deviation over {seeds} seeds (n - 1)." if seeds > 1
        else "Points of 100, one seed: differences of a few points say nothing.",
    ]  # fmt: skip
    if results["grid"]:
        lines.append(
            "Learning rate and epochs were chosen by the score on the dev set, with the first seed: the scores are "
            "the better for it, as they are in the papers that do the same."
        )
    for each in results["tasks"]:
        lines += [f"{each['title']}: {text}." for text in _task_notes(each)]
    if results["not_asked"]:
        lines.append(f"Not asked for: {', '.join(results['not_asked'])}.")
    lines += [f"{title} is not supported: {reason}." for title, reason in results["unsupported"].items()]
    return lines


def _task_notes(each):
    if each["missing"]:
        return [f"missing; looked for {each['missing']}"]
    texts = []
    if each["why_not"]:
        texts.append(f"not comparable with published scores: {each['why_not']}")
    if each["official_train_rows"] not in (None, each["train_rows"]):
        texts.append(f"trained on {each['train_rows']:,} rows, the official set has {each['official_train_rows']:,}")
    if each["left_out"]:
        texts.append(f"{each['left_out']:,} training rows without text or label were left out")
    return texts


def draw(results: dict, path) -> None:
    """Draw a bar a task and start, the spread on it, as a PNG.

    Args:
        results: what `summarise` returns.
        path: where the PNG goes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    done = [each for each in results["tasks"] if each["starts"]]
    starts = list(results["average"])
    figure = Figure(figsize=(max(4.0, 1.1 * len(done) + 2), 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    width = 0.8 / len(starts)
    for number, start in enumerate(starts):
        scores = [each["starts"][start]["score"] for each in done]
        places = np.arange(len(done)) + (number - (len(starts) - 1) / 2) * width
        heights, errors = ([100 * score[name] for score in scores] for name in ("mean", "spread"))
        several = len(results["seeds"]) > 1
        bars = axes.bar(places, heights, width, yerr=errors if several else None, capsize=3, label=start)
        axes.bar_label(bars, fmt="%.1f", fontsize=7)
    axes.set_xticks(np.arange(len(done)), [each["title"] + ("" if each["comparable"] else " *") for each in done])
    axes.set_ylabel("score on the dev set, points of 100")
    axes.set_title(f"{results['title']}: {results['preset']}", fontsize=10)
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    if not all(each["comparable"] for each in done):
        figure.supxlabel("* not the official dev set", fontsize=8)
    write_figure(path, figure)
