"""Profiles: what is kept of a data set. Mergeable, of bounded size, without its rows.

A profile fixes its bins when it is first made; whatever is compared with it or merged into it is counted in the same
bins (`like`). That keeps merging exact (counts are added) and the comparison of a window with its baseline direct.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

Array = np.ndarray[Any, Any]
Level = str | int | bool

BINS = 32
LEVELS = 256
# a level of free text that fewer rows hold says more about those rows than about the column
RARE = 10


class Numbers(msgspec.Struct, frozen=True, kw_only=True, tag="numbers"):
    """A column of numbers (datetimes in microseconds since 1970)."""

    count: int  # rows, nulls included
    nulls: int
    mean: float = 0.0
    # sum of squared differences from the mean, in the column's unit squared
    deviation: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    # ascending; bin i holds edges[i-1] <= x < edges[i], the first all below, the last all from the last edge on
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


class Levels(msgspec.Struct, frozen=True, kw_only=True, tag="levels"):
    """A column of categories, text or truth values."""

    count: int
    nulls: int
    levels: tuple[Level, ...] = ()
    counts: tuple[int, ...] = ()
    other: int = 0  # rows with a level that is not listed


class Counted(msgspec.Struct, frozen=True, kw_only=True, tag="counted"):
    """A column of which only the number of rows may be kept (sensitive, or neither number nor text)."""

    count: int
    nulls: int


ColumnProfile = Numbers | Levels | Counted


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The stored statistics of a data set (a baseline or a window)."""

    format: int = 1
    rows: int
    columns: dict[str, ColumnProfile]


def profile_columns(
    columns: Mapping[str, Array], *, sensitive: Sequence[str] = (), like: Profile | None = None
) -> Profile:
    """Profile of columns [n], each a number, bool, datetime64 or object array (None, NaN and NaT are null).

    `like` gives the bins and levels. Of a sensitive column only the number of rows and nulls is kept.
    """
    rows = len(next(iter(columns.values()))) if columns else 0
    known = like.columns if like else {}
    profiles = {
        name: _counted(values) if name in sensitive else _profile(values, known.get(name))
        for name, values in columns.items()
    }
    return Profile(rows=rows, columns=profiles)


def merge(left: Profile, right: Profile) -> Profile:
    """Profile of both data sets together; exact in all counts, to rounding in mean and deviation.

    Raises ValueError when columns or bins differ: make one `like` the other.
    """
    if set(left.columns) != set(right.columns):
        raise ValueError(
            f"Expected the columns {sorted(left.columns)}, got {sorted(right.columns)}: profile both alike."
        )
    merged = {name: _merge(name, ours, right.columns[name]) for name, ours in left.columns.items()}
    return Profile(rows=left.rows + right.rows, columns=merged)


def missing(values: Array) -> Array:
    """True [n] where the value is None, NaN or NaT."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "M":
        return np.isnat(values)
    if values.dtype.kind == "O":
        return np.fromiter((value is None or value != value for value in values), dtype=bool, count=len(values))
    return np.zeros(len(values), dtype=bool)


def _profile(values: Array, known: ColumnProfile | None) -> ColumnProfile:
    if values.ndim != 1 or values.dtype.kind not in "biufMOUT":
        return _counted(values)
    null = missing(values)
    present = values[~null]
    if values.dtype.kind == "M":
        present = present.astype("datetime64[us]").astype(np.int64)
    if isinstance(known, Counted):
        return _counted(values)
    if isinstance(known, Levels) or (known is None and values.dtype.kind in "bOUT"):
        return _levels(present, len(values), known)
    return _numbers(present.astype(np.float64), len(values), known)


def _counted(values: Array) -> Counted:
    nulls = int(np.sum(missing(values))) if values.ndim == 1 else 0
    return Counted(count=len(values), nulls=nulls)


def _numbers(present: Array, count: int, known: ColumnProfile | None) -> Numbers:
    present = present[np.isfinite(present)]
    nulls = count - len(present)
    edges = np.array(known.edges) if isinstance(known, Numbers) else _edges(present)
    counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
    if not len(present):
        return Numbers(count=count, nulls=nulls, edges=_floats(edges), counts=_integers(counts))
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(np.mean(present))
        deviation = float(np.sum((present - mean) ** 2))
    return Numbers(
        count=count,
        nulls=nulls,
        mean=_finite(mean),
        deviation=_finite(deviation),
        minimum=float(np.min(present)),
        maximum=float(np.max(present)),
        edges=_floats(edges),
        counts=_integers(counts),
    )


def _edges(present: Array) -> Array:
    """The values themselves where they are few, else their quantiles."""
    if not len(present):
        return np.empty(0)
    distinct = np.unique(present)
    if len(distinct) <= BINS:
        return distinct
    return np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1), method="lower"))


def _levels(present: Array, count: int, known: ColumnProfile | None) -> Levels:
    found: dict[Any, int] = {}
    for level in present.tolist():
        kept = level if isinstance(level, bool | int | str) else str(level)
        found[kept] = found.get(kept, 0) + 1
    chosen = known.levels if isinstance(known, Levels) else _frequent(found)
    counts = tuple(found.get(level, 0) for level in chosen)
    return Levels(
        count=count, nulls=count - len(present), levels=chosen, counts=counts, other=len(present) - sum(counts)
    )


def _frequent(found: Mapping[Level, int]) -> tuple[Level, ...]:
    levels = list(found)
    if len(levels) > LEVELS:
        common = [level for level in levels if found[level] >= RARE]
        levels = sorted(common, key=lambda level: (-found[level], str(level)))[:LEVELS]
    return tuple(sorted(levels, key=lambda level: (str(type(level)), level)))


def _merge(name: str, left: ColumnProfile, right: ColumnProfile) -> ColumnProfile:
    count, nulls = left.count + right.count, left.nulls + right.nulls
    if isinstance(left, Counted) and isinstance(right, Counted):
        return Counted(count=count, nulls=nulls)
    if isinstance(left, Levels) and isinstance(right, Levels) and left.levels == right.levels:
        return Levels(
            count=count,
            nulls=nulls,
            levels=left.levels,
            counts=_added(left.counts, right.counts),
            other=left.other + right.other,
        )
    if isinstance(left, Numbers) and isinstance(right, Numbers) and left.edges == right.edges:
        return _merge_numbers(left, right, count, nulls)
    raise ValueError(f"Column {name!r} was profiled in other bins: profile one side `like` the other.")


def _merge_numbers(left: Numbers, right: Numbers, count: int, nulls: int) -> Numbers:
    """Chan, Golub and LeVeque (1979): mean and deviation of both from those of each."""
    ours, theirs = left.count - left.nulls, right.count - right.nulls
    share = theirs / (ours + theirs) if theirs else 0.0
    difference = right.mean - left.mean
    mean = left.mean + difference * share
    apart = difference * difference * ours * share if ours else 0.0
    deviation = left.deviation + right.deviation + apart
    return Numbers(
        count=count,
        nulls=nulls,
        mean=_finite(mean),
        deviation=_finite(deviation),
        minimum=min((edge for edge in (left.minimum, right.minimum) if edge is not None), default=None),
        maximum=max((edge for edge in (left.maximum, right.maximum) if edge is not None), default=None),
        edges=left.edges,
        counts=_added(left.counts, right.counts),
    )


def _finite(value: float) -> float:
    """JSON has no infinity; what overflows is kept as the largest number."""
    return float(np.clip(np.nan_to_num(value), -np.finfo(np.float64).max, np.finfo(np.float64).max))


def _floats(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _integers(values: Array) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _added(left: Sequence[int], right: Sequence[int]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(left, right, strict=True))
