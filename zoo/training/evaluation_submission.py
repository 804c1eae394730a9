"""Answers to a benchmark's sets, in the files that its server takes."""

import json
from pathlib import Path

from zoo.training.evaluation_tasks import KINDS
from zoo.training.runs import write_text


def write_answers(folder: Path, data, role: str, table, answers: dict) -> None:
    """Write one file a set: lines with tabs and a header for `.tsv`, otherwise JSON lines.

    Args:
        folder: path, which is made.
        data: `zoo.data.benchmarks.loading.TaskData`.
        role: `"test"`, or `"dev"`: a dev set's answers go by the name of the test set in the same place.
        table: `Benchmark`.
        answers: by name of the set, what its kind's `answer` returned.
    """
    folder.mkdir(exist_ok=True)
    files = [data.task.splits[name].submission for name in data.task.splits_of("test")]
    for name, file in zip(data.task.splits_of(role), files, strict=False):
        if name in answers:
            kind = KINDS[data.task.kind](data.task)
            rows = sorted(zip(data.sets[name].index, kind.submitted(answers[name]), strict=True))
            write_text(folder / file, _text(rows, table, Path(file).suffix == ".tsv"))


def _text(rows, table, with_tabs):
    if with_tabs:
        lines = [(table.index_key, table.prediction_key), *rows]
        return "".join(f"{index}\t{answer}\n" for index, answer in lines)
    records = ({table.index_key: index, table.prediction_key: answer} for index, answer in rows)
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
