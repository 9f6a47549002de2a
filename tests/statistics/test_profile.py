"""Profiles: bounded, mergeable, without rows."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.statistics.profile import (
    BINS,
    LEVELS,
    Counted,
    Levels,
    Numbers,
    Profile,
    merge,
    missing,
    profile_columns,
)

VALUES = st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9), st.integers(-5, 5).map(float)), max_size=40)
TEXTS = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c", "unheard"])), max_size=40)


def numbers(values: list[float | None]) -> Any:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def texts(values: Sequence[str | None]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def profile(pair: tuple[list[float | None], list[str | None]], like: Profile | None = None) -> Profile:
    size = min(len(pair[0]), len(pair[1]))
    return profile_columns({"n": numbers(pair[0][:size]), "t": texts(pair[1][:size])}, like=like)


def number_column(profile: Profile, name: str = "n") -> Numbers:
    column = profile.columns[name]
    assert isinstance(column, Numbers)
    return column


def assert_alike(left: Profile, right: Profile) -> None:
    """Equal counts, moments to rounding."""
    ours, theirs = number_column(left), number_column(right)
    assert msgspec.structs.replace(ours, mean=0.0, deviation=0.0) == msgspec.structs.replace(
        theirs, mean=0.0, deviation=0.0
    )
    assert ours.mean == pytest.approx(theirs.mean, rel=1e-9, abs=1e-3)
    assert ours.deviation == pytest.approx(theirs.deviation, rel=1e-6, abs=1.0)
    assert left.columns["t"] == right.columns["t"]
    assert left.rows == right.rows


BASE = profile(([float(value) for value in range(100)], ["a", "b"] * 50))
PAIRS = st.tuples(VALUES, TEXTS)


@given(PAIRS, PAIRS, PAIRS)
@settings(deadline=None, max_examples=80)
def test_merging_is_associative_and_commutative(one: Any, two: Any, three: Any) -> None:
    a, b, c = (profile(pair, like=BASE) for pair in (one, two, three))
    assert_alike(merge(merge(a, b), c), merge(a, merge(b, c)))
    assert_alike(merge(a, b), merge(b, a))


@given(PAIRS, PAIRS)
@settings(deadline=None, max_examples=80)
def test_merged_parts_are_the_whole(one: Any, two: Any) -> None:
    sizes = [min(len(pair[0]), len(pair[1])) for pair in (one, two)]
    joined = (one[0][: sizes[0]] + two[0][: sizes[1]], one[1][: sizes[0]] + two[1][: sizes[1]])
    assert_alike(merge(profile(one, like=BASE), profile(two, like=BASE)), profile(joined, like=BASE))


def test_moments_are_those_of_the_values() -> None:
    values = np.random.default_rng(0).normal(5, 2, 10_000)
    column = number_column(profile_columns({"n": values}))
    assert column.mean == pytest.approx(values.mean())
    assert column.deviation == pytest.approx(values.var() * len(values))
    assert (column.minimum, column.maximum) == (values.min(), values.max())
    assert sum(column.counts) == 10_000
    # quantile bins hold about the same number each
    assert max(column.counts[1:-1]) < 1.1 * 10_000 / BINS


def test_a_few_whole_numbers_have_a_bin_each() -> None:
    column = number_column(profile_columns({"n": np.array([1, 1, 2, 5])}))
    assert column.edges == (1.0, 2.0, 5.0)
    assert column.counts == (0, 2, 1, 1)


def test_size_is_bounded() -> None:
    many = texts([f"level-{place}" for place in range(5_000)] + ["often"] * 50)
    column = profile_columns({"t": many}).columns["t"]
    assert column == Levels(count=5_050, nulls=0, levels=("often",), counts=(50,), other=5_000)
    common = texts([f"level-{place % 300}" for place in range(30_000)])
    kept = profile_columns({"t": common}).columns["t"]
    assert isinstance(kept, Levels)
    assert len(kept.levels) == LEVELS
    assert kept.other == 30_000 - sum(kept.counts)


def test_what_is_new_is_other() -> None:
    base = profile_columns({"t": texts(["a", "b", "b"])})
    window = profile_columns({"t": texts(["b", "z", None])}, like=base)
    assert window.columns["t"] == Levels(count=3, nulls=1, levels=("a", "b"), counts=(0, 1), other=1)


def test_of_sensitive_columns_only_rows_are_counted() -> None:
    found = profile_columns({"s": numbers([1.5, None])}, sensitive=["s"])
    assert found.columns["s"] == Counted(count=2, nulls=1)


def test_columns_of_all_kinds() -> None:
    times = np.array(["2026-01-01", "NaT"], dtype="datetime64[us]")
    found = profile_columns({"when": times, "flag": np.array([True, False]), "tensor": np.zeros((2, 3))})
    assert number_column(found, "when").minimum == 1_767_225_600e6
    assert found.columns["flag"] == Levels(count=2, nulls=0, levels=(False, True), counts=(1, 1))
    assert found.columns["tensor"] == Counted(count=2, nulls=0)


def test_infinities_count_as_missing_and_large_numbers_stay_finite() -> None:
    column = number_column(profile_columns({"n": np.array([np.inf, -np.inf, 1e308, -1e308])}))
    assert column.nulls == 2
    assert all(math.isfinite(value) for value in (column.mean, column.deviation))
    assert msgspec.json.decode(msgspec.json.encode(column), type=Numbers) == column


def test_empty_and_all_null_columns() -> None:
    nothing = profile_columns({"n": numbers([]), "t": texts([None, None])[:0]})
    assert nothing.rows == 0
    column = number_column(profile_columns({"n": numbers([None, None])}))
    assert (column.count, column.nulls, column.edges, column.minimum) == (2, 2, (), None)


def test_other_bins_cannot_be_merged() -> None:
    one, two = profile_columns({"n": numbers([1.0])}), profile_columns({"n": numbers([2.0])})
    with pytest.raises(ValueError, match="profile one side `like` the other"):
        merge(one, two)
    with pytest.raises(ValueError, match="Expected the columns"):
        merge(one, profile_columns({"m": numbers([1.0])}))


def test_missing_values_of_all_kinds() -> None:
    assert missing(texts([None, "a"])).tolist() == [True, False]
    assert missing(np.array(["NaT"], dtype="datetime64[us]")).tolist() == [True]
    assert missing(np.array([1, 2])).tolist() == [False, False]
