"""The data that a model is packaged with: training rows and target, holdout rows and target."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.errors import SignatureMismatch
from headgate.packaging.table import Table, read_table, read_vector
from headgate.runtimes.batch import Array


@dataclass(frozen=True)
class Source:
    """Rows, and the true answers where they are known."""

    table: Table
    truth: Array | None = None
    name: str = ""  # of the file they came from


@dataclass(frozen=True)
class Sources:
    """All rows that a model is packaged with."""

    training: Source | None = None
    holdout: Source | None = None
    example: Table | None = None  # where there is no training data

    @property
    def shown(self) -> Table | None:
        """Rows that show what the model takes."""
        return self.training.table if self.training else self.example

    @property
    def only_shown(self) -> bool:
        """Whether the example is all there is."""
        return self.training is None and self.example is not None


def read_sources(data: Any, target: Any, holdout: Any, example: Any) -> Sources:
    """What was given; raises `SignatureMismatch`, and for what is no table what `read_table` raises."""
    rows = read_table(example, "example") if example is not None and data is None else None
    return Sources(read_training(data, target), read_holdout(holdout, target), rows)


def read_training(data: Any, target: Any) -> Source | None:
    """`data` with `target`, which is a column of it by name, or the values themselves; None without data."""
    if data is None:
        return None
    return _read(data, target, "data")


def read_holdout(holdout: Any, target: Any) -> Source | None:
    """`holdout` as (X, y), or one table with the target column in it; None without one.

    Raises `SignatureMismatch` when there is no target to compare with.
    """
    if holdout is None:
        return None
    if isinstance(holdout, tuple) and len(holdout) == 2:
        return _read(holdout[0], holdout[1], "holdout")
    if not isinstance(target, str):
        raise SignatureMismatch(
            "Metrics need the true answers of the holdout: give holdout=(X, y), or one table and target='column'."
        )
    return _read(holdout, target, "holdout")


def _read(data: Any, target: Any, where: str) -> Source:
    table = read_table(data, where)
    name = Path(data).name if isinstance(data, str | Path) else ""
    if target is None:
        return Source(table, None, name)
    if isinstance(target, str):
        if target not in table.columns:
            raise SignatureMismatch(
                f"The target {target!r} is not a column of {where}; it has {', '.join(table.names)}."
            )
        return Source(table.without(target), table.columns[target], name)
    truth = read_vector(target, f"the target of {where}")
    if len(truth) != table.rows:
        raise SignatureMismatch(
            f"Expected one target value per row of {where}, got {len(truth)} for {table.rows} rows."
        )
    return Source(table, truth, name)
