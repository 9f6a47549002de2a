"""Appending: survives kill -9, stays within bounds, never fails its caller."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.spool.numbered_records import bytes_in

from headgate.spool.layout import SUFFIX, Head
from headgate.spool.reading import Fault, read_records, read_segment
from headgate.spool.segment import RETRY_SECONDS, SpoolWriter

COLUMNS = [("age", "float64"), ("income", "float64")]
OUTPUTS = ["predictions", "probabilities"]
ANSWER = {"predictions": np.array([1]), "probabilities": np.array([[0.25, 0.75]])}
MATRIX = np.array([[41.0, 2.5]])
SEGMENT = 4096


def write(writer: SpoolWriter, schema: int, count: int, start: int = 0) -> int:
    """How many of so many appends were taken."""
    return sum(
        writer.append(Head(schema, 200, 10**18 + number, 1_500_000, f"r{number}"), MATRIX, ANSWER)
        for number in range(start, start + count)
    )


def all_ids(spool: Path) -> list[str]:
    faults: list[Fault] = []
    found = [record["id"] for record in read_records(spool, "fraud", 10**6, faults.append)]
    assert faults == []
    return found


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SpoolWriter]:
    made = SpoolWriter(tmp_path, "w0-aaaa", 1 << 20, segment_bytes=SEGMENT)
    yield made
    made.close()


def schema_of(writer: SpoolWriter, endpoint: str = "fraud", version: str = "fraud:3") -> int:
    return writer.schema(endpoint, version, COLUMNS, OUTPUTS)


def test_a_record_comes_back_as_it_was(writer: SpoolWriter, tmp_path: Path) -> None:
    assert writer.append(Head(schema_of(writer), 200, 1_700_000_000_123_456_789, 1_500_000, "r1"), MATRIX, ANSWER)
    assert read_records(tmp_path, "fraud", 10) == [
        {
            "id": "r1",
            "at": "2023-11-14T22:13:20.123456+00:00",
            "endpoint": "fraud",
            "version": "fraud:3",
            "status": 200,
            "latency_ms": 1.5,
            "trace_id": None,
            "span_id": None,
            "inputs": {"age": [41.0], "income": [2.5]},
            "outputs": {"predictions": [1], "probabilities": [[0.25, 0.75]]},
        }
    ]


def test_records_go_on_in_new_segments_and_stay_in_order(writer: SpoolWriter, tmp_path: Path) -> None:
    assert write(writer, schema_of(writer), 200) == 200
    assert len(list(tmp_path.rglob(f"*{SUFFIX}"))) > 3
    assert all_ids(tmp_path) == [f"r{number}" for number in reversed(range(200))]


def test_every_segment_can_be_read_alone(writer: SpoolWriter, tmp_path: Path) -> None:
    first, second = schema_of(writer), schema_of(writer, "other", "other:1")
    for number in range(100):
        write(writer, first if number % 2 else second, 1, number)
    for path in tmp_path.rglob(f"*{SUFFIX}"):
        for entry in read_segment(path, lambda fault: pytest.fail(str(fault))):
            assert entry.schema.endpoint == ("fraud" if int(entry.head.id[1:]) % 2 else "other")
            assert entry.header.worker == "w0-aaaa" and entry.header.sampling == 1.0


def test_the_same_shape_has_the_same_number(writer: SpoolWriter) -> None:
    assert schema_of(writer) == schema_of(writer) != schema_of(writer, version="fraud:4")


CHILD = """
import os, sys
from pathlib import Path
import numpy as np
from headgate.spool.layout import Head
from headgate.spool.segment import SpoolWriter

writer = SpoolWriter(Path(sys.argv[1]), sys.argv[2], 1 << 24, segment_bytes=8192)
schema = writer.schema("fraud", "fraud:3", [("age", "float64")], ["predictions"])
number = 0
while True:
    head = Head(schema, 200, 10**18 + number, 1, f"r{number}")
    assert writer.append(head, np.full((1 + number % 3, 1), 1.0), None)
    os.write(1, b"%d\\n" % number)
    number += 1
"""


@pytest.mark.parametrize("round_", range(5))
def test_what_append_has_returned_survives_kill_9(tmp_path: Path, round_: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, tmp_path, "w0-dead"], stdout=subprocess.PIPE, bufsize=0
    ) as child:
        assert child.stdout is not None
        heard = child.stdout.read(3000 + 977 * round_)
        os.kill(child.pid, signal.SIGKILL)
        while more := child.stdout.read(1 << 16):
            heard += more
    acknowledged = [int(number) for number in heard.decode().split("\n")[:-1]]
    found = {int(record["id"][1:]) for record in read_records(tmp_path, "fraud", 10**6)}
    assert acknowledged and set(acknowledged) <= found
    # at most the one append that was under way
    assert len(found) <= len(acknowledged) + 1


def test_two_processes_write_side_by_side(tmp_path: Path) -> None:
    names = ("w0-aaaa", "w1-bbbb")
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD, tmp_path, name], stdout=subprocess.PIPE, bufsize=0)
        for name in names
    ]
    acknowledged = 0
    for child in children:
        with child:
            assert child.stdout is not None
            acknowledged += child.stdout.read(4000).count(b"\n")
            child.kill()
            acknowledged += child.stdout.read().count(b"\n")
    found = read_records(tmp_path, "fraud", 10**6, lambda fault: pytest.fail(str(fault)))
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    assert acknowledged <= len(found) <= acknowledged + 2
    assert found == sorted(found, key=lambda record: record["at"], reverse=True)


def test_the_oldest_go_when_the_limit_is_reached_and_are_counted(tmp_path: Path) -> None:
    limit = 10 * SEGMENT
    with_limit = SpoolWriter(tmp_path, "w0-aaaa", limit, segment_bytes=SEGMENT)
    schema = schema_of(with_limit)
    for start in range(0, 2000, 100):
        assert write(with_limit, schema, 100, start) == 100
        assert bytes_in(tmp_path) <= limit
    with_limit.close()
    kept = all_ids(tmp_path)
    assert kept == [f"r{number}" for number in reversed(range(2000 - len(kept), 2000))]
    assert with_limit.dropped == 2000 - len(kept) > 0
    assert with_limit.appended == 2000


def test_what_dead_workers_left_goes_first(tmp_path: Path) -> None:
    dead = SpoolWriter(tmp_path, "w0-dead", 1 << 20, segment_bytes=SEGMENT)
    living = SpoolWriter(tmp_path, "w1-live", 1 << 20, segment_bytes=SEGMENT)
    write(dead, schema_of(dead), 100)
    write(living, schema_of(living), 100, 100)
    dead.close()
    third = SpoolWriter(tmp_path, "w2-new", 4 * SEGMENT, segment_bytes=SEGMENT)
    write(third, schema_of(third), 60, 200)
    third.close()
    left = {int(name[1:]) for name in all_ids(tmp_path)}
    # a living sibling's records are its own affair
    assert set(range(100, 260)) <= left and not left >= set(range(100))
    assert third.dropped == 260 - len(left)
    living.close()


@pytest.mark.parametrize(
    "inputs",
    [
        {"x": [object()]},
        {"x": {1, 2}},
        {"x": [2**80]},
        {1.5: [1]},
        np.zeros((1, 600), dtype=[("a", "f8")]),
        "text",
    ],
    ids=["object", "set", "long", "key", "record", "str"],
)
def test_odd_values_never_reach_the_caller(writer: SpoolWriter, tmp_path: Path, inputs: Any) -> None:
    schema = schema_of(writer)
    writer.append(Head(schema, 200, 1, 1, "odd"), inputs, None)
    assert writer.append(Head(schema, 200, 2, 1, "good"), MATRIX, ANSWER)
    found = read_records(tmp_path, "fraud", 10, lambda fault: None)
    assert "good" in [record["id"] for record in found]


@pytest.mark.parametrize(
    "odd",
    [("i" * 300, 1, 1, 200), ("\ud800", 1, 1, 200), ("r", -1, 1, 200), ("r", 1, 2**64, 200), ("r", 1, 1, 70_000)],
    ids=["long id", "surrogate", "negative time", "huge latency", "huge status"],
)
def test_odd_heads_are_dropped_and_counted(writer: SpoolWriter, odd: tuple[str, int, int, int]) -> None:
    request_id, at, latency, status = odd
    assert not writer.append(Head(schema_of(writer), status, at, latency, request_id), MATRIX, ANSWER)
    assert writer.dropped == 1


def test_an_undeclared_schema_is_dropped(writer: SpoolWriter) -> None:
    assert not writer.append(Head(7, 200, 1, 1, "r"), MATRIX, ANSWER)


def test_a_record_larger_than_a_segment_gets_a_segment_of_its_own(writer: SpoolWriter, tmp_path: Path) -> None:
    schema = writer.schema("fraud", "fraud:3", [("x", "float64")], [])
    assert writer.append(Head(schema, 200, 1, 1, "large"), np.zeros((10_000, 1)), None)
    assert writer.append(Head(schema, 200, 2, 1, "small"), np.zeros((1, 1)), None)
    assert not writer.append(Head(schema, 200, 3, 1, "over the limit"), np.zeros((1_000_000, 1)), None)
    assert [record["id"] for record in read_records(tmp_path, "fraud", 9)] == ["small", "large"]
    assert writer.dropped == 1


def test_a_full_disk_costs_records_and_nothing_else(
    writer: SpoolWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = os.posix_fallocate
    now = 1000.0
    tries = []

    def full(descriptor: int, offset: int, length: int) -> None:
        tries.append(length)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr("os.posix_fallocate", full)
    schema = schema_of(writer)
    assert write(writer, schema, 50) == 0
    assert writer.dropped == 50
    assert len(tries) == 2, "once ahead and once for the first record, not again for every record"
    assert [path for path in tmp_path.rglob("*") if path.suffix == ".new"] == []
    monkeypatch.setattr("os.posix_fallocate", room)
    now += RETRY_SECONDS
    assert write(writer, schema, 50, 50) == 50
    assert len(all_ids(tmp_path)) == 50


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.decode().strip()}")
    try:
        writer = SpoolWriter(tmp_path, "w0-aaaa", 1 << 20, segment_bytes=SEGMENT)
        taken = write(writer, schema_of(writer), 1000)
        assert 0 < taken < 1000
        assert writer.dropped == 1000 - taken
        assert len(all_ids(tmp_path)) == taken
        writer.close()
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_spool_that_is_taken_away_comes_back(writer: SpoolWriter, tmp_path: Path) -> None:
    schema = schema_of(writer)
    write(writer, schema, 5)
    for path in [*writer.folder.iterdir(), writer.folder]:
        path.rmdir() if path.is_dir() else path.unlink()
    assert write(writer, schema, 300, 5) == 300
    assert len(all_ids(tmp_path)) > 200


def test_files_are_private(writer: SpoolWriter, tmp_path: Path) -> None:
    write(writer, schema_of(writer), 1)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*"))
