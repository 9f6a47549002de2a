"""Batches: many requests in one entry, read back as records of their own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.spool.layout import Head, Requests
from headgate.spool.reading import Fault, read_records, read_segment
from headgate.spool.segment import BY_CALL, SpoolWriter

COLUMNS = [("a", "float64"), ("b", "float64")]


def batch(sizes: list[int], first: int = 0) -> tuple[Requests, Any, dict[str, Any]]:
    rows = sum(sizes)
    ids = [f"r-{first + number}" for number in range(len(sizes))]
    matrix = np.arange(rows * 2, dtype=np.float64).reshape(rows, 2)
    return Requests(ids, [1_000_000 * size for size in sizes], sizes), matrix, {"predictions": np.arange(rows)}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=40))
def test_every_request_comes_back_with_its_own_rows(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    folder = tmp_path_factory.mktemp("spool")
    writer = SpoolWriter(folder, "w0", 1 << 20)
    schema = writer.schema("fraud", "fraud:1", COLUMNS, ["predictions"])
    requests, matrix, outputs = batch(sizes)
    assert writer.append_batch(schema, requests, 5, 200, matrix, outputs)
    assert writer.append(Head(schema, 200, 6, 1, "single"), matrix[:1], None)
    assert writer.appended == len(sizes) + 1
    writer.close()
    found = {record["id"]: record for record in read_records(folder, "fraud", 1000)}
    assert len(found) == len(sizes) + 1
    start = 0
    for name, size in zip(requests.ids, sizes, strict=True):
        record = found[name]
        assert record["inputs"]["b"] == matrix[start : start + size, 1].tolist()
        assert record["outputs"]["predictions"] == list(range(start, start + size))
        assert (record["status"], record["latency_ms"]) == (200, float(size))
        start += size


@pytest.mark.parametrize("rows", [1, 100, BY_CALL])
def test_small_and_large_entries_are_read_alike(tmp_path: Path, rows: int) -> None:
    writer = SpoolWriter(tmp_path, "w0", 64 << 20)
    schema = writer.schema("fraud", "fraud:1", COLUMNS, ["predictions"])
    for number in range(30):
        requests, matrix, outputs = batch([rows], number)
        assert writer.append_batch(schema, requests, number, 200, matrix, outputs)
    times = np.array(["2026-01-01"] * rows, "datetime64[us]")
    assert writer.append(Head(schema, 200, 99, 1, "times"), {"a": times}, None)
    faults: list[Fault] = []
    entries = [entry for path in sorted(writer.folder.glob("*.seg")) for entry in read_segment(path, faults.append)]
    assert [entry.head.id for entry in entries] == [*(f"r-{number}" for number in range(30)), "times"]
    assert not faults
    assert read_records(tmp_path, "fraud", 1)[0]["inputs"]["a"][-1].startswith("2026-01-01")
    writer.close()


@given(st.lists(st.one_of(st.none(), st.binary(min_size=24, max_size=24)), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_every_request_keeps_its_own_trace(
    tmp_path_factory: pytest.TempPathFactory, traces: list[bytes | None]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    writer = SpoolWriter(folder, "w0", 1 << 20)
    schema = writer.schema("fraud", "fraud:1", COLUMNS, ["predictions"])
    requests, matrix, outputs = batch([1] * len(traces))
    given_traces = ["" if trace is None else trace.hex() for trace in traces]
    assert writer.append_batch(schema, requests._replace(traces=given_traces), 5, 200, matrix, outputs)
    for number, trace in enumerate(given_traces):
        assert writer.append(Head(schema, 200, 6, 1, f"single-{number}", trace), matrix[:1], None)
    writer.close()
    found = {record["id"]: record for record in read_records(folder, "fraud", 1000)}
    for number, trace in enumerate(given_traces):
        # ids of zeros are no trace
        expected = (trace[:32], trace[32:]) if trace.strip("0") else (None, None)
        for record in (found[f"r-{number}"], found[f"single-{number}"]):
            assert (record["trace_id"], record["span_id"]) == expected
            assert len(record["inputs"]["a"]) == 1
        assert found[f"r-{number}"]["inputs"]["b"] == [matrix[number, 1]]


def test_what_cannot_be_written_is_dropped_and_counted(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0", 1 << 20)
    schema = writer.schema("fraud", "fraud:1", COLUMNS, ["predictions"])
    _, matrix, outputs = batch([1, 1])
    for ids, rows in ((["ä", "b"], [1, 1]), (["a" * 300, "b"], [1, 1]), (["a", "b"], [-1, 1])):
        assert not writer.append_batch(schema, Requests(ids, [1, 1], rows), 1, 200, matrix, outputs)
    for odd in (["ab"], ["ab", ""], ["z" * 48, ""], ["a" * 48], ["a" * 46, "a" * 48]):
        requests = Requests(["a", "b"], [1, 1], [1, 1], odd)
        assert not writer.append_batch(schema, requests, 1, 200, matrix, outputs)
    assert not writer.append(Head(schema, 200, 1, 1, "a", "ab"), matrix, outputs)
    assert (writer.appended, writer.dropped) == (0, 17)
    writer.close()


def test_a_damaged_batch_is_reported_and_passed_over(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0", 1 << 20)
    schema = writer.schema("fraud", "fraud:1", COLUMNS, ["predictions"])
    for number in range(3):
        requests, matrix, outputs = batch([1, 2], number * 2)
        writer.append_batch(schema, requests, number, 200, matrix, outputs)
    writer.close()
    (path,) = writer.folder.glob("*.seg")
    content = bytearray(path.read_bytes())
    content[content.index(b"r-2")] ^= 1
    path.write_bytes(content)
    faults: list[Fault] = []
    assert [entry.head.id for entry in read_segment(path, faults.append)] == ["r-0", "r-1", "r-4", "r-5"]
    assert len(faults) == 1
