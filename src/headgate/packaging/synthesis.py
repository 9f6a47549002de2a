"""Values made up for columns whose real ones are unknown, or may not be shown. No value depends on the data."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from headgate.packaging.table import Table
from headgate.records import Column, Scalar
from headgate.runtimes.batch import Array

NUMBERS = (0.0, 1.0, -1.0, 0.5, 2.0, 10.0, -3.5, 100.0)
START = datetime(2000, 1, 1)  # noqa: DTZ001 - columns of times have no zone
TYPED: dict[str, Callable[[int], Any]] = {
    "string": lambda row: f"example-{row + 1}",
    "bytes": lambda row: "ZXhhbXBsZQ==",
    "datetime": lambda row: START + timedelta(days=row),
    "bool": lambda row: row % 2 == 1,
}


def stand_in(column: Column, row: int) -> Scalar:
    """A made-up JSON value of the column's type; a level where the levels may be shown."""
    if column.shape:
        return None
    if column.categories and "sensitive" not in column.roles:
        return column.categories[row % len(column.categories)]
    value: Any = _values(column, row + 1)[row]
    made: Scalar = value.isoformat() if hasattr(value, "isoformat") else value
    return made


def stand_ins(column: Column, rows: int) -> list[Any]:
    """As many as rows, as JSON values; nested lists where the column has a shape."""
    if column.shape:
        sizes = [1 if size < 0 else size for size in column.shape]
        return [np.zeros(sizes).tolist() for _ in range(rows)]
    return [stand_in(column, row) for row in range(rows)]


def synthesise(columns: Sequence[Column], rows: int, thresholds: Mapping[str, Array]) -> Table:
    """Rows for a model that came without data: around the thresholds that it knows, else of all magnitudes."""
    generator = np.random.default_rng(0)
    made: dict[str, Array] = {}
    for column in columns:
        if column.categories or column.dtype in ("string", "bytes", "datetime", "bool") or column.shape:
            made[column.name] = _array(column, rows)
            continue
        known = thresholds.get(column.name)
        scale = generator.choice([1.0, 10.0, 100.0], rows)
        values = generator.normal(size=rows) * (scale if known is None else 1.0)
        if known is not None and len(known):
            values = generator.choice(known, rows) + values * (np.std(known) or 1.0)
        made[column.name] = values.astype(column.dtype)
    return Table(made)


def _array(column: Column, rows: int) -> Array:
    values = stand_ins(column, rows)
    if column.dtype == "datetime":
        return np.array(values, dtype="datetime64[us]")
    if column.dtype in ("string", "bytes"):
        array = np.empty(rows, dtype=object)
        array[:] = values
        return array
    return np.array(values, dtype=column.dtype)


def _values(column: Column, rows: int) -> list[Any]:
    if column.dtype in TYPED:
        return [TYPED[column.dtype](row) for row in range(rows)]
    numbers = [NUMBERS[row % len(NUMBERS)] for row in range(rows)]
    if column.dtype.startswith("float"):
        return numbers
    return [abs(int(number)) if column.dtype.startswith("u") else int(number) for number in numbers]
