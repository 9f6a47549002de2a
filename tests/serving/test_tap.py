"""What is left of answered requests: counters and records."""

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.serving.worker_process import metric

from headgate.errors import DeadlineExceeded
from headgate.records import Column, Role, Signature
from headgate.runtimes.batch import Batch
from headgate.serving.calls import Answer
from headgate.serving.contract import Contract
from headgate.serving.metrics import Metrics, render
from headgate.serving.refusals import Refusals
from headgate.serving.tap import Recording, Tap
from headgate.serving.trace import Trace
from headgate.spool.reading import read_records, read_segment
from headgate.spool.segment import SpoolWriter

Make = Callable[..., Tap]


def contract(*roles: Role) -> Contract:
    columns = (Column(name="a", dtype="float64", roles=("feature", *roles)), Column(name="b", dtype="float64"))
    return Contract(Signature(inputs=columns), 100)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A tap over a spool and metrics in `tmp_path`."""
    writer = SpoolWriter(tmp_path / "spool", "w0", 1 << 20)
    metrics = Metrics(tmp_path / "metrics", "w0").variant("fraud", "fraud:1")

    def made(share: float = 1.0, found: Contract | None = None) -> Tap:
        schema = writer.schema("fraud", "fraud:1", [("a", "float64"), ("b", "float64")], ["predictions"], share)
        refusals = Refusals("fraud", "fraud:1", metrics)
        return Tap(found or contract(), writer, Recording(schema, share), metrics, refusals)

    return made


def caller(name: str, count: int, **more: Any) -> Any:
    """A request that was answered."""
    rows = contract().rows([[0.0, 0.0]] * count)
    rows.ids, rows.others = more.get("ids"), more.get("others")
    exchange = SimpleNamespace(id=name, started=time.monotonic(), trace=more.get("trace"))
    return SimpleNamespace(exchange=exchange, rows=rows, done=more.get("done", 200))


def answer(rows: int) -> Answer:
    matrix = np.arange(rows * 2.0).reshape(rows, 2)
    return Answer(Batch(["a", "b"], matrix=matrix), {"predictions": np.arange(rows)}, time.monotonic(), 0.001)


def records(tmp_path: Path) -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in read_records(tmp_path / "spool", "fraud", 1000)}


@pytest.mark.parametrize("odd", [{}, {"ids": ["x", "y"]}, {"others": {"c": [1, None]}}], ids=["alike", "ids", "others"])
def test_every_request_is_recorded_with_its_own_rows(make: Make, tmp_path: Path, odd: dict[str, Any]) -> None:
    make().settle(answer(4), [caller("one", 1), caller("two", 2, **odd), caller("three", 1)])
    found = records(tmp_path)
    assert [found[name]["inputs"]["a"] for name in ("one", "two", "three")] == [[0.0], [2.0, 4.0], [6.0]]
    assert [found[name]["outputs"]["predictions"] for name in ("one", "two", "three")] == [[0], [1, 2], [3]]
    assert found["two"]["inputs"].get("row_ids") == odd.get("ids")
    assert found["two"]["inputs"].get("c") == odd.get("others", {}).get("c")
    text = render(tmp_path / "metrics").decode()
    assert metric(text, "headgate_requests_total", status="200") == 3
    assert metric(text, "headgate_rows_total", version="fraud:1") == 4


def test_a_request_that_failed_meanwhile_is_not_recorded_as_answered(make: Make, tmp_path: Path) -> None:
    tap = make()
    late = caller("late", 2, done=504)
    tap.failed(late, DeadlineExceeded("too late"))
    tap.settle(answer(3), [caller("one", 1), late])
    found = records(tmp_path)
    assert (found["late"]["status"], found["late"]["inputs"]) == (504, {})
    assert found["one"]["inputs"]["b"] == [1.0]
    text = render(tmp_path / "metrics").decode()
    assert metric(text, "headgate_requests_total", status="504", reason="DEADLINE_EXCEEDED") == 1
    assert metric(text, "headgate_requests_total", status="200") == 1


def test_sensitive_columns_never_reach_the_spool(make: Make, tmp_path: Path) -> None:
    make(found=contract("sensitive")).settle(answer(2), [caller("one", 2)])
    assert records(tmp_path)["one"]["inputs"] == {"a": [None, None], "b": [1.0, 3.0]}


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.5, 30, 170), (1.0, 200, 200)])
def test_sampling(make: Make, tmp_path: Path, share: float, low: int, high: int) -> None:
    tap = make(share)
    for number in range(200):
        tap.settle(answer(1), [caller(f"r-{number}", 1)])
    assert low <= len(records(tmp_path)) <= high
    assert metric(render(tmp_path / "metrics").decode(), "headgate_requests_total", status="200") == 200


def test_traced_requests_are_recorded_with_their_trace(make: Make, tmp_path: Path) -> None:
    tap = make()
    trace = Trace("a" * 32, "b" * 16, "", sampled=False)
    late = caller("late", 1, done=504, trace=trace)
    tap.failed(late, DeadlineExceeded("too late"))
    tap.settle(answer(3), [caller("one", 1), caller("two", 2, trace=trace)])
    tap.settle(answer(2), [caller("three", 2, trace=trace, ids=["x", "y"])])
    found = {name: (record["trace_id"], record["span_id"]) for name, record in records(tmp_path).items()}
    ids = ("a" * 32, "b" * 16)
    assert found == {"late": ids, "one": (None, None), "two": ids, "three": ids}


def test_a_trace_does_not_cost_a_batch_its_one_entry(make: Make, tmp_path: Path) -> None:
    trace = Trace("a" * 32, "b" * 16, "", sampled=True)
    make().settle(answer(3), [caller("one", 1), caller("two", 2, trace=trace)])
    [path] = (tmp_path / "spool").rglob("*.seg")
    entries = list(read_segment(path))
    assert [entry.head.id for entry in entries] == ["one", "two"]
    assert entries[0].payload is entries[1].payload
