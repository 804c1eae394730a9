"""Answers to a benchmark's sets, in the files that its server takes."""

import json
from pathlib import Path

from zoo.data.question_answering import Questions
from zoo.training.evaluation_tasks import KINDS
from zoo.training.runs import write_text


def write_answers(folder: Path, data, role: str, table, answers: dict) -> None:
    """Write one file a set: lines with tabs and a header, JSON lines, or for questions one JSON object by their ids.

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
            submitted = KINDS[data.task.kind](data.task).submitted(answers[name])
            write_text(folder / file, _text(data.sets[name], submitted, table, Path(file).suffix == ".tsv"))


def _text(rows, submitted, table, with_tabs):
    if isinstance(rows, Questions):
        return json.dumps(dict(zip(rows.ids, submitted, strict=True)), ensure_ascii=False, indent=2) + "\n"
    rows = sorted(zip(rows.index, submitted, strict=True))
    if with_tabs:
        lines = [(table.index_key, table.prediction_key), *rows]
        return "".join(f"{index}\t{answer}\n" for index, answer in lines)
    records = ({table.index_key: index, table.prediction_key: answer} for index, answer in rows)
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
