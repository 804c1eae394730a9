"""A run of many trainings: what is done is kept, and after an interruption the rest is done."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.training.comparison import Score
from zoo.training.runs import CONFIG_FILE, check_same, once, write_json


@dataclass(frozen=True)
class Grid:
    """A folder with `config.json`, a JSON file for every part that is done, and `results.json` at the end.

    Attributes:
        path: the folder.
    """

    path: Path

    @classmethod
    def open(cls, path, config: dict) -> "Grid":
        """The grid in a folder, new or begun before.

        Args:
            path: str or path.
            config: dict, what the results depend on.

        Raises:
            ValueError: if the folder holds a run with another configuration.
        """
        check_same(path, config)
        grid = cls(Path(path))
        grid.path.mkdir(parents=True, exist_ok=True)
        write_json(grid.path / CONFIG_FILE, config, default=str)
        return grid

    def once(self, file: str, work: Callable[[], dict]) -> dict:
        """What the JSON file of a part says; a part that has none is worked out first.

        Args:
            file: str, the file's path in the folder.
            work: function without arguments that gives what the file is to say.
        """
        return once(self.path / file, work)

    def write_results(self, results) -> None:
        """Write `results.json`; a `Score` in it becomes its mean, spread and values."""
        write_json(self.path / "results.json", results, default=_plain)


def _plain(value):
    if isinstance(value, Score):
        return {"mean": value.mean, "spread": value.spread, "values": value.values}
    return str(value)


def scores_of(name: str, parts: list[dict], columns) -> dict[str, Score | None]:
    """For each column a `Score` over the parts, one a seed; None where a part has none."""
    values = {column: tuple(part[column] for part in parts) for column in columns}
    return {column: None if None in found else Score(name, found) for column, found in values.items()}


def shown(score: Score, factor: float = 100.0) -> str:
    """A score for people: the mean, and the spread if there are several seeds; in percent by default."""
    spread = f" ± {factor * score.spread:.1f}" if len(score.values) > 1 else ""
    return f"{factor * score.mean:.1f}{spread}"
