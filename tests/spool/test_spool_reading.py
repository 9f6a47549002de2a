"""Reading back: what is whole is read, what is not is reported."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.spool.layout import ENTRY, HEADER_BYTES, SUFFIX, Head
from headgate.spool.reading import Fault, read_records, read_segment
from headgate.spool.segment import SpoolWriter

RECORDS = 12


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A segment with twelve records."""
    folder = tmp_path_factory.mktemp("whole")
    writer = SpoolWriter(folder, "w", 1 << 20, segment_bytes=4096)
    schema = writer.schema("fraud", "fraud:3", [("age", "float64")], ["predictions"])
    for number in range(RECORDS):
        writer.append(Head(schema, 200, 10**18 + number, 5, f"r{number}"), np.full((1, 1), float(number)), None)
    writer.close()
    [path] = folder.rglob(f"*{SUFFIX}")
    return path.read_bytes()


def put(folder: Path, content: bytes) -> Path:
    path = folder / "w" / f"a{SUFFIX}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def read(folder: Path) -> tuple[list[tuple[str, float]], list[Fault]]:
    """(id, value) of what can be read, oldest first, and the faults."""
    faults: list[Fault] = []
    records = read_records(folder, "fraud", 1000, faults.append)
    return [(record["id"], record["inputs"]["age"][0]) for record in reversed(records)], faults


EXPECTED = [(f"r{number}", float(number)) for number in range(RECORDS)]


def entry_offsets(content: bytes) -> list[int]:
    offset, found = HEADER_BYTES, []
    while length := ENTRY.unpack_from(content, offset)[0]:
        found.append(offset)
        offset += ENTRY.size + length
    return found


def test_all_of_it(tmp_path: Path, whole: bytes) -> None:
    put(tmp_path, whole)
    assert read(tmp_path) == (EXPECTED, [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_damage_is_survived_and_nothing_is_made_up(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    put(tmp_path, bytes(content))
    found, _ = read(tmp_path)
    assert set(found) <= set(EXPECTED)


@given(content=st.binary(max_size=3000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_after_a_good_head_are_survived(tmp_path: Path, whole: bytes, content: bytes) -> None:
    put(tmp_path, whole[:HEADER_BYTES] + content)
    assert read(tmp_path)[0] == []


def test_a_torn_last_entry_costs_only_itself(tmp_path: Path, whole: bytes) -> None:
    last = entry_offsets(whole)[-1]
    for cut in range(last + ENTRY.size, last + 40):
        put(tmp_path, whole[:cut])
        found, faults = read(tmp_path)
        assert found == EXPECTED[:-1]
        assert len(faults) == 1 and faults[0].offset == last and "torn" in faults[0].reason


def test_a_wrong_checksum_costs_only_its_entry(tmp_path: Path, whole: bytes) -> None:
    content = bytearray(whole)
    # the first entry is the schema
    fourth = entry_offsets(whole)[4]
    content[fourth + ENTRY.size + 10] ^= 1
    path = put(tmp_path, bytes(content))
    found, faults = read(tmp_path)
    assert found == EXPECTED[:3] + EXPECTED[4:]
    assert [(fault.path, fault.offset) for fault in faults] == [(path, fourth)]


def test_a_lost_schema_costs_the_segment_and_says_so(tmp_path: Path, whole: bytes) -> None:
    content = bytearray(whole)
    content[entry_offsets(whole)[0] + ENTRY.size + 3] ^= 1
    put(tmp_path, bytes(content))
    found, faults = read(tmp_path)
    assert found == [] and len(faults) == 1 + RECORDS


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"PAR1" * 100, b"HGSPOOL\n" + b"\0" * 400])
def test_foreign_files_are_reported(tmp_path: Path, whole: bytes, content: bytes) -> None:
    put(tmp_path, whole)
    foreign = tmp_path / "w" / f"foreign{SUFFIX}"
    foreign.write_bytes(content)
    (tmp_path / "w" / "notes.txt").write_text("not ours")
    (tmp_path / "stray").write_text("not a folder")
    found, faults = read(tmp_path)
    assert found == EXPECTED
    assert [fault.path for fault in faults] == [foreign]


def test_a_segment_of_another_format_is_reported(tmp_path: Path, whole: bytes) -> None:
    put(tmp_path, whole[:8] + (99).to_bytes(4, "little") + whole[12:])
    found, faults = read(tmp_path)
    assert found == [] and "checksum" in faults[0].reason


def test_nothing_there_is_nothing(tmp_path: Path) -> None:
    assert read_records(tmp_path / "nowhere", "fraud", 10) == []
    assert list(read_segment(tmp_path / "gone.seg")) == []


def test_faults_are_logged_unless_wanted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, b"x")
    assert read_records(tmp_path, "fraud", 10) == []
    assert "skipped bytes of the spool" in caplog.text


def test_the_newest_of_all_workers_come_first(tmp_path: Path) -> None:
    writers = [SpoolWriter(tmp_path, f"w{number}", 1 << 20, segment_bytes=4096) for number in range(3)]
    for number in range(300):
        writer = writers[number % 3]
        schema = writer.schema("even" if number % 2 == 0 else "odd", "m:1", [("x", "int64")], [])
        writer.append(Head(schema, 200, 10**18 + number, 5, f"r{number}"), np.array([[number]]), None)
    for limit in (0, 1, 7, 150, 1000):
        found = [record["id"] for record in read_records(tmp_path, "even", limit)]
        assert found == [f"r{number}" for number in range(298, -1, -2)][:limit]
    for writer in writers:
        writer.close()


def test_values_are_fit_for_json(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC).replace(tzinfo=None)
    text = np.empty(2, object)
    text[:] = ["ja", None]
    raw = np.empty(2, object)
    raw[:] = [b"\xff", None]
    inputs: dict[str, Any] = {
        "number": np.array([1.5, np.nan]),
        "text": text,
        "raw": raw,
        "time": np.array([moment, "NaT"], dtype="datetime64[us]"),
        "list": ["a", 1, None],
        "tensor": np.arange(8, dtype=np.int8).reshape(2, 2, 2),
        "flag": np.array([True, False]),
    }
    outputs = {"predictions": np.array(["x", "y"], dtype=object), "score": np.array([np.inf, -1.0], dtype=np.float32)}
    writer = SpoolWriter(tmp_path, "w", 1 << 20)
    columns = [(name, "any") for name in inputs]
    assert writer.append(Head(writer.schema("e", "m:1", columns, list(outputs)), 200, 1, 1, "r"), inputs, outputs)
    [record] = read_records(tmp_path, "e", 1)
    assert record["inputs"] == {
        "number": [1.5, None],
        "text": ["ja", None],
        "raw": ["/w==", None],
        "time": ["2026-03-01T12:00:00.000000", None],
        "list": ["a", 1, None],
        "tensor": [[[0, 1], [2, 3]], [[4, 5], [6, 7]]],
        "flag": [True, False],
    }
    assert record["outputs"] == {"predictions": ["x", "y"], "score": [None, -1.0]}
    writer.close()


def test_a_request_that_failed_early_has_no_values(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w", 1 << 20)
    writer.append(Head(writer.schema("e", "m:1", [("x", "float64")], []), 504, 1, 1, "r"), None, None)
    [record] = read_records(tmp_path, "e", 1)
    assert (record["status"], record["inputs"], record["outputs"]) == (504, {}, {})
    writer.close()


def test_a_matrix_of_another_width_is_reported(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w", 1 << 20)
    writer.append(Head(writer.schema("e", "m:1", [("x", "float64")], []), 200, 1, 1, "r"), np.zeros((1, 2)), None)
    faults: list[Fault] = []
    assert read_records(tmp_path, "e", 1, faults.append) == []
    assert "1 columns" in faults[0].reason
    writer.close()


def test_segments_of_the_format_before_this_one_are_read(tmp_path: Path) -> None:
    put(tmp_path, (Path(__file__).parent / "format1.seg").read_bytes())
    faults: list[Fault] = []
    found = {record["id"]: record for record in read_records(tmp_path, "fraud", 10, faults.append)}
    assert list(found) == ["r4", "r3", "r1", "r2", "r0"] and faults == []
    assert found["r0"]["inputs"] == {"age": [41.0], "income": [2.5]}
    assert found["r2"]["inputs"] == {"age": [2.0, 4.0], "income": [3.0, 5.0]}
    # this is how that format kept a trace
    assert found["r3"]["inputs"]["trace_id"] == ["a" * 32]
    assert {record["trace_id"] for record in found.values()} == {None}
