"""The same rows have one key, in whatever form they came; others have another."""

import asyncio
import math
import time
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from headgate.records import Column, Dtype, Signature
from headgate.runtimes.batch import Batch
from headgate.runtimes.columns import column_array
from headgate.serving.cache_key import key_of
from headgate.serving.calls import Answer
from headgate.serving.contract import Contract, Rows
from headgate.serving.metrics import CacheMetrics, Metrics
from headgate.serving.response_cache import CachedCalls, ResponseCache, keeping


def contract(*dtypes: Dtype, shape: tuple[int, ...] = ()) -> Contract:
    columns = [
        Column(name=f"c{place}", dtype=dtype, shape=shape, nullable=not shape) for place, dtype in enumerate(dtypes)
    ]
    return Contract(Signature(inputs=tuple(columns)), 100)


def key(of: Contract, *rows: Any) -> bytes:
    found = key_of(of.rows(list(rows)), of.assemble)
    assert found is not None
    return found


TIME = np.datetime64("2026-01-01T00:00:00", "us")
MIXED: list[tuple[Dtype, ...]] = [
    ("string", "string"), ("bytes", "string"), ("float64", "string"), ("int64", "float64"), ("bool", "string"),
    ("datetime", "string"),
]  # fmt: skip
ROWS: dict[tuple[Dtype, ...], list[list[tuple[Any, ...]]]] = {
    ("string", "string"): [
        [("a", "bc")], [("ab", "c")], [("abc", "")], [("", "abc")], [("abc", None)], [(None, "abc")], [("n", "n")],
        [(None, None)], [("a", "b"), ("c", "d")], [("a", "c"), ("b", "d")], [("1", "1.0")], [("", "")], [("é", "e")],
    ],
    ("bytes", "string"): [[(b"a", "b")], [(b"ab", "")], [(b"", "ab")], [(None, "ab")], [(b"\x00", "")], [(b"n", "n")]],
    ("float64", "string"): [
        [(1.0, "a")], [(math.nan, "a")], [(0.0, "a")], [(-0.0, "a")], [(1.0, "b")], [(math.inf, "a")], [(1.0, None)],
    ],
    ("int64", "float64"): [[(1, 1.0)], [(1, 0.0)], [(0, 1.0)], [(2**62, 1.0)], [(2**62 + 1, 1.0)], [(None, 1.0)]],
    ("bool", "string"): [[(True, "1")], [(False, "1")], [(None, "1")], [(True, "True")]],
    ("datetime", "string"): [[(TIME, "a")], [(None, "a")], [(TIME + 1, "a")]],
}  # fmt: skip


@pytest.mark.parametrize("dtypes", MIXED, ids="-".join)
def test_other_rows_have_another_key(dtypes: tuple[Dtype, ...]) -> None:
    of = contract(*dtypes)
    for left, right in combinations(ROWS[dtypes], 2):
        assert key(of, *left) != key(of, *right), (left, right)


@pytest.mark.parametrize("dtypes", MIXED, ids="-".join)
def test_the_same_rows_have_the_same_key_in_every_form(dtypes: tuple[Dtype, ...]) -> None:
    of = contract(*dtypes)
    for rows in ROWS[dtypes]:
        cells = zip(*rows, strict=True)
        columns = {column.name: column_array(column, cell) for column, cell in zip(of.features, cells, strict=True)}
        assert (
            key(of, *rows) == key(of, *rows) == key_of(Rows(len(rows), Batch(of.names, columns=columns)), of.assemble)
        )


def test_a_whole_number_is_a_fine_float() -> None:
    of = contract("float64", "string")
    assert key(of, (1, "a")) == key(of, (1.0, "a"))


def test_arrays_have_their_shape_in_it() -> None:
    of = contract("float32", shape=(-1, -1))
    wide, high, same = [[[1.0, 2.0, 3.0, 4.0]]], [[[1.0], [2.0], [3.0], [4.0]]], [[[1.0, 2.0], [3.0, 4.0]]]
    assert len({key(of, wide), key(of, high), key(of, same)}) == 3


@pytest.mark.parametrize("row", [("x" * 3_000, "a"), (["a", "x" * 3_000], "a"), ([[0.0] * 500], "a")])
def test_what_is_too_large_has_none_and_is_not_looked_through(row: tuple[Any, ...]) -> None:
    def assemble(_rows: list[Rows]) -> Batch:
        raise AssertionError("nothing is made of it")

    assert key_of(Rows(1, [row]), assemble, most=2_000) is None
    array = np.array([["x" * 3_000]], dtype=object)
    assert key_of(Rows(1, Batch(["a"], columns={"a": array})), assemble, most=2_000) is None
    assert key_of(Rows(1, b"x" * 3_000), assemble, most=2_000) is None


def test_rows_of_ragged_shapes_are_the_models_to_refuse() -> None:
    of = contract("float64", shape=(-1,))
    assert key_of(of.rows([([1.0, 2.0],), ([1.0],)]), of.assemble) is None


class Model:
    """Answers every caller at once, counting how often it is asked."""

    def __init__(self, of: Contract) -> None:
        self.asked = 0
        self._assemble = of.assemble
        self.settle: Any = None

    def submit(self, caller: Any) -> None:
        self.asked += 1
        inputs = self._assemble([caller.rows])
        answer = Answer(inputs, {"predictions": np.arange(caller.count)}, time.monotonic(), 0.0)
        caller.deliver(answer, 0, caller.count)
        self.settle(answer, [caller])


class Asker:
    """One request."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.count, self.done = rows, rows.count, 0
        self.exchange = SimpleNamespace(extra=b"")
        self.inputs: Any = None

    def deliver(self, answer: Answer, _start: int, _stop: int) -> None:
        self.done, self.inputs = 200, answer.inputs


def test_mixed_tables_are_answered_from_the_cache(tmp_path: Path) -> None:
    of = contract("float64", "string", "int64")
    cache = ResponseCache(10, CacheMetrics(Metrics(tmp_path, "w0"), "fraud", "fraud:1"))
    model = Model(of)
    model.settle = keeping(cache, of.assemble, lambda *_: None)
    calls = CachedCalls(cast("Any", model), cache, of.assemble, lambda *_: None)

    async def ask(*rows: Any) -> Asker:
        asker = Asker(of.rows(list(rows)))
        calls.submit(cast("Any", asker))
        return asker

    async def live() -> None:
        first, second = await ask((1.0, "a", None)), await ask((1.0, "a", None))
        assert (first.exchange.extra, second.exchange.extra) == (b"", b"Headgate-Cache: hit\r\n")
        assert model.asked == 1
        for name, column in first.inputs.columns.items():
            np.testing.assert_array_equal(column, second.inputs.columns[name])
        await ask((1.0, "b", None))
        await ask(*[(1.0, "a", 1)] * 9)
        await ask(*[(1.0, "a", 1)] * 9)
        assert model.asked == 4

    asyncio.run(live())
