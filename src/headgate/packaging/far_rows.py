"""Rows far beyond the data: a form that agrees on all data may still answer a mistake of units otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from headgate.errors import ModelError
from headgate.packaging.native import Native
from headgate.packaging.parity import agrees, compare_outputs, reason_against
from headgate.packaging.table import Table
from headgate.records import Column
from headgate.runtimes.batch import Array
from headgate.runtimes.runtime import Outputs

# of what the data reaches: a form that differs there is not served
TIMES = (10.0, 1e3, 1e6)
# beyond, a form that differs is not asked: sums lose what they are made of, float32 ends, squares and sums overflow
EDGES = (
    1e9,
    1e12,
    1e15,
    1e20,
    1e30,
    float(np.finfo(np.float32).max),
    1e39,
    1e150,
    1e300,
    float(np.finfo(np.float64).max),
)
WHOLE = 2.0**53
ROWS, COLUMNS = 3, 32  # rows that are changed, columns that are changed in each


class Reach(NamedTuple):
    """How far a compiled form answers as the original does."""

    largest: float | None = None  # size of the numbers up to which it does; None where it always does
    refused: str = ""


def measure_reach(native: Native, compiled: Native, rows: Table) -> Reach:
    """Ask both for rows with each number alone, and all of them, far beyond what these rows hold, on either side."""
    sizes = {column.name: _size(rows.columns[column.name]) for column in _movable(native.signature.features, rows)}
    if not sizes:
        return Reach()
    for times in TIMES:
        far = {name: size * times for name, size in sizes.items()}
        if reason := _difference(native, compiled, _far_rows(native.signature.features, rows, far)):
            return Reach(refused=f"{times:g} times beyond the data, {reason}")
    reached = None
    for edge in _edges(max(sizes.values())):
        far = dict.fromkeys(sizes, edge)
        if reason := _difference(native, compiled, _far_rows(native.signature.features, rows, far)):
            return Reach(refused=f"where all numbers reach {edge:.0e}, {reason}") if reached is None else Reach(reached)
        reached = edge
    return Reach()


def _edges(reached: float) -> list[float]:
    """Sizes for all numbers alike, from a little beyond the largest that there is to the largest double."""
    near = [min(reached * times, EDGES[-1]) for times in TIMES]
    return [*near, *(edge for edge in EDGES if edge > near[-1])]


def _movable(features: Sequence[Column], rows: Table) -> list[Column]:
    """Columns of numbers that are no levels, evenly thinned."""
    found = [
        column
        for column in features
        if column.dtype.startswith(("int", "uint", "float"))
        and not column.shape
        and not column.categories
        and rows.columns[column.name].dtype.kind in "iuf"
    ]
    return [found[place] for place in np.unique(np.linspace(0, len(found) - 1, min(len(found), COLUMNS)).astype(int))]


def _size(values: Array) -> float:
    with np.errstate(over="ignore"):
        sizes = np.abs(values.astype(np.float64))
    return max(1.0, float(sizes[np.isfinite(sizes)].max(initial=1.0)))


def _far_rows(features: Sequence[Column], rows: Table, far: Mapping[str, float]) -> Table:
    """A few of the rows, each with one number or all of them so large, and so small."""
    dtypes = {column.name: np.dtype(column.dtype) for column in features if column.name in far}
    changes = list(_changes(rows, list(far)))
    plain = Table({name: rows.columns[name] for name in (column.name for column in features)})
    changed = plain.take([row for row, _, _ in changes])
    for place, (_, names, sign) in enumerate(changes):
        for name in names:
            changed.columns[name][place] = _clipped(sign * far[name], dtypes[name])
    return changed


def _changes(rows: Table, names: Sequence[str]) -> Iterator[tuple[int, Sequence[str], int]]:
    """Which row, which of its numbers, to which side."""
    together = [names] if len(names) > 1 else []
    for moved in [*([name] for name in names), *together]:
        for row in np.unique(np.linspace(0, rows.rows - 1, ROWS).astype(np.int64)).tolist():
            yield from ((row, moved, sign) for sign in (1, -1))


def _clipped(value: float, dtype: np.dtype[Any]) -> float:
    """The nearest value that a column of that dtype takes; whole numbers no further than doubles tell them apart."""
    if dtype.kind == "f":
        most = float(np.finfo(dtype).max)
        return min(max(value, -most), most)
    bounds = np.iinfo(dtype)
    return float(int(min(max(value, float(bounds.min), -WHOLE), float(bounds.max), WHOLE)))


def _difference(native: Native, compiled: Native, rows: Table) -> str:
    """How the answers differ, empty where they do not. No answer is one that fails or is not finite."""
    ours, theirs = _answers(native, rows), _answers(compiled, rows)
    if ours is not None and theirs is not None:
        return _compare(ours, theirs)
    if rows.rows > 1:
        # which of them fail?
        return next(filter(None, (_difference(native, compiled, half) for half in _halves(rows))), "")
    return _compare_one(ours, theirs)


def _halves(rows: Table) -> Iterator[Table]:
    yield rows.take(range(rows.rows // 2))
    yield rows.take(range(rows.rows // 2, rows.rows))


def _answers(form: Native, rows: Table) -> Outputs | None:
    try:
        with np.errstate(all="ignore"):
            return form.predict(rows)
    except ModelError:
        return None


def _compare(ours: Outputs, theirs: Outputs) -> str:
    with_us, with_them = _finite(ours), _finite(theirs)
    if reason := _missing(bool((with_us & ~with_them).any()), bool((with_them & ~with_us).any())):
        return reason
    places = np.flatnonzero(with_us)
    parity = compare_outputs(
        {name: array[places] for name, array in ours.items()}, {name: array[places] for name, array in theirs.items()}
    )
    return "" if agrees(parity) else reason_against(parity)


def _compare_one(ours: Outputs | None, theirs: Outputs | None) -> str:
    here, there = (answers is not None and bool(_finite(answers).all()) for answers in (ours, theirs))
    return _missing(here and not there, there and not here)


def _missing(only_ours: bool, only_theirs: bool) -> str:
    if only_ours:
        return "it has no answer where the original has one"
    return "it answers where the original refuses" if only_theirs else ""


def _finite(answers: Outputs) -> Array:
    """Of each row, whether all its numbers are finite."""
    found = [
        np.isfinite(array.reshape(len(array), -1)).all(axis=1) for array in answers.values() if array.dtype.kind == "f"
    ]
    rows = len(next(iter(answers.values())))
    finite: Array = np.logical_and.reduce(found) if found else np.ones(rows, dtype=bool)
    return finite
