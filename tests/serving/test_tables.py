"""Arrow streams and Parquet files: the same values as JSON, errors that point to the cell, nothing taken on trust."""

import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.conftest import FRAUD
from tests.serving.tables import ARROW, PARQUET, parquet, read, stream
from tests.serving.test_predict import newest_record
from tests.serving.worker_process import PREDICT, WorkerProcess, request, wait_for

from headgate.errors import HeadgateError, Malformed, SignatureMismatch, TooLarge, UnsupportedType
from headgate.home import Home
from headgate.records import Column, Dtype, Signature
from headgate.runtimes.batch import Batch
from headgate.serving.bodies import readers_of
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.format import Origin
from headgate.serving.formats.json import JsonFormat
from headgate.serving.formats.library import Library
from headgate.serving.formats.registry import load_format
from headgate.serving.formats.table_process import read_body
from headgate.serving.formats.table_reader import TableReader
from headgate.serving.formats.table_wire import Ask
from headgate.settings import Settings
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

WRITE: dict[str, Callable[[Any], bytes]] = {
    "arrow": stream,
    "arrow, lz4": lambda table: stream(table, "lz4"),
    "arrow, zstd": lambda table: stream(table, "zstd"),
    "arrow, a row each": lambda table: stream(table, max_chunksize=1),
    "parquet": parquet,
    "parquet, zstd": lambda table: parquet(table, compression="zstd", data_page_version="2.0"),
    "parquet, gzip": lambda table: parquet(table, compression="gzip", use_dictionary=False),
    "parquet, a row each": lambda table: parquet(table, row_group_size=1, compression="none"),
}
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def contract(*columns: Column, max_rows: int = 100, max_bytes: int = 1_000_000) -> Contract:
    return Contract(Signature(inputs=columns), max_rows, max_bytes)


def decode(found: Contract, form: str, table: Any) -> Rows:
    return load_format(form.partition(",")[0]).decoder(found)(WRITE[form](table))


def asked(found: Contract, form: str, table: Any) -> dict[str, list[Any]]:
    batch = found.assemble([decode(found, form, table)])
    return {name: array.tolist() for name, array in batch.columns.items()}


FITS: dict[str, tuple[Dtype, Any, list[Any]]] = {
    "booleans": ("bool", pa.array([True, False]), [True, False]),
    "wide for small": ("int8", pa.array([-128, 127], pa.int64()), [-128, 127]),
    "unsigned for signed": ("int64", pa.array([1, 2], pa.uint64()), [1, 2]),
    "largest": ("uint64", pa.array([0, 2**64 - 1], pa.uint64()), [0, 2**64 - 1]),
    "floats for whole": ("int64", pa.array([13.0, -0.0]), [13, 0]),
    "narrow floats for whole": ("uint8", pa.array([255.0, 0.0], pa.float32()), [255, 0]),
    "whole for float": ("float64", pa.array([1, 2], pa.int32()), [1.0, 2.0]),
    "double for float": ("float32", pa.array([0.5, -0.0]), [0.5, -0.0]),
    "float for double": ("float64", pa.array([0.5, 2.0], pa.float32()), [0.5, 2.0]),
    "numbers in a dictionary": ("float64", pa.array([1.5, 2.5]).dictionary_encode(), [1.5, 2.5]),
    "text": ("string", pa.array(["a", "ü\x00"]), ["a", "ü\x00"]),
    "large text": ("string", pa.array(["a", ""], pa.large_string()), ["a", ""]),
    "categories": ("string", pa.array(["a", "a"]).dictionary_encode(), ["a", "a"]),
    "bytes": ("bytes", pa.array([b"\xff", b""]), [b"\xff", b""]),
    "bytes of one size": ("bytes", pa.array([b"ab", b"cd"], pa.binary(2)), [b"ab", b"cd"]),
    "times": ("datetime", pa.array([MOMENT, MOMENT], pa.timestamp("us")), [MOMENT.replace(tzinfo=None)] * 2),
    "times elsewhere": (
        "datetime",
        pa.array([MOMENT, MOMENT], pa.timestamp("ns", "Asia/Tokyo")),
        [MOMENT.replace(tzinfo=None)] * 2,
    ),
    "days": ("datetime", pa.array([1, 0], pa.date32()), [datetime(1970, 1, 2), datetime(1970, 1, 1)]),  # noqa: DTZ001 (numpy's are without a zone)
}


@pytest.mark.parametrize("form", WRITE)
@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("alone", [True, False], ids=["matrix", "columns"])
def test_values_that_fit(form: str, name: str, alone: bool) -> None:
    dtype, values, wanted = FITS[name]
    columns = [Column(name="x", dtype=dtype), *([] if alone else [Column(name="s", dtype="string")])]
    table = pa.table({"x": values} | ({} if alone else {"s": ["a", "b"]}))
    assert asked(contract(*columns), form, table)["x"] == wanted


def test_views_are_read_and_what_they_become_is_bounded() -> None:
    found = contract(Column(name="x", dtype="string"), max_bytes=10_000)
    assert asked(found, "arrow", pa.table({"x": pa.array(["a", "b" * 50], pa.string_view())}))["x"] == ["a", "b" * 50]
    # three views of one text
    _, views, text = pa.array(["b" * 5000], pa.string_view()).buffers()
    same = pa.Array.from_buffers(pa.string_view(), 3, [None, pa.py_buffer(views.to_pybytes()[:16] * 3), text])
    with pytest.raises(TooLarge):
        decode(found, "arrow", pa.table({"x": same}))


MISFITS: dict[str, tuple[Column, Any, int | None, str]] = {
    "half for whole": (Column(name="x", dtype="int64"), pa.array([1.0, 2.5]), 1, "2.5"),
    "NaN for whole": (Column(name="x", dtype="int64"), pa.array([1.0, float("nan")]), 1, "nan"),
    "infinite for whole": (Column(name="x", dtype="int64", nullable=True), pa.array([1.0, -np.inf]), 1, "-inf"),
    "too large a float for whole": (Column(name="x", dtype="int8"), pa.array([128.0, 1.0]), 0, "128.0"),
    "a float that may be several": (
        Column(name="x", dtype="uint64", nullable=True),
        pa.array([1.0, 1e17, None]),
        1,
        "1e+17",
    ),
    "text for number": (Column(name="x", dtype="float64"), pa.array(["1", "2"]), None, "string"),
    "number for text": (Column(name="x", dtype="string"), pa.array([1, 2]), None, "int64"),
    "number for boolean": (Column(name="x", dtype="bool"), pa.array([1, 0]), None, "int64"),
    "boolean for number": (Column(name="x", dtype="float64"), pa.array([True, False]), None, "bool"),
    "decimal": (Column(name="x", dtype="float64"), pa.array([1, 2], pa.decimal128(5, 2)), None, "decimal128(5, 2)"),
    "list for scalar": (Column(name="x", dtype="float64"), pa.array([[1.0], [2.0]]), None, "list<"),
    "too large": (Column(name="x", dtype="int8"), pa.array([1, 128]), 1, "128"),
    "negative": (Column(name="x", dtype="uint64"), pa.array([1, -1]), 1, "-1"),
    "beyond int64": (Column(name="x", dtype="int64"), pa.array([1, 2**63], pa.uint64()), 1, str(2**63)),
    "beyond float32": (Column(name="x", dtype="float32"), pa.array([1.0, -1e39]), 1, "-1e+39"),
    "infinite": (Column(name="x", dtype="float64", nullable=True), pa.array([1.0, float("inf")]), 1, "inf"),
    "NaN": (Column(name="x", dtype="float64"), pa.array([float("nan"), 1.0]), 0, "nan"),
    "null": (Column(name="x", dtype="float64"), pa.array([1.0, None]), 1, "null"),
    "null whole": (Column(name="x", dtype="int64"), pa.array([None, 1]), 0, "null"),
    "null text": (Column(name="x", dtype="string"), pa.array(["a", None]), 1, "null"),
    "null category": (Column(name="x", dtype="string"), pa.array(["a", None]).dictionary_encode(), 1, "null"),
    "null time": (Column(name="x", dtype="datetime"), pa.array([MOMENT, None]), 1, "null"),
    "null alone": (Column(name="x", dtype="string"), pa.array([None, None]), 0, "null"),
    "year 10000": (
        Column(name="x", dtype="datetime"),
        pa.array([0, 253_402_300_800_000], pa.timestamp("ms")),
        1,
        "a time beyond",
    ),
    "empty text for nothing": (Column(name="y", dtype="float64"), pa.array([1.0, 2.0]), None, "unknown column"),
}


@pytest.mark.parametrize("form", ["arrow", "parquet"])
@pytest.mark.parametrize("name", MISFITS)
def test_the_cell_that_does_not_fit_is_named(form: str, name: str) -> None:
    column, values, row, got = MISFITS[name]
    if form == "parquet" and name == "list for scalar":
        got = "list<"
    with pytest.raises(SignatureMismatch) as caught:
        decode(contract(column), form, pa.table({"x": values}))
    entry = caught.value.detail[0]
    assert (entry["row"], entry["column"]) == (row, "x")
    assert entry["got"].startswith(got), entry


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_whole_numbers_with_gaps_come_as_floats(form: str) -> None:
    """A data frame's column of whole numbers becomes floats, and its gaps NaN, with the first gap."""
    found = contract(Column(name="x", dtype="int64", nullable=True))
    for gap in (None, float("nan")):
        values = asked(found, form, pa.table({"x": pa.array([13.0, gap], pa.float64())}))["x"]
        assert str(values) == "[13.0, nan]"


@pytest.mark.parametrize("form", WRITE)
def test_nulls_become_what_they_are_elsewhere(form: str) -> None:
    dtypes: dict[Dtype, Any] = {
        "bool": True, "int64": 3, "float64": 1.5, "string": "a", "bytes": b"a", "datetime": MOMENT,
    }  # fmt: skip
    found = contract(*(Column(name=dtype, dtype=dtype, nullable=True) for dtype in dtypes))
    table = pa.table({dtype: pa.array([value, None]) for dtype, value in dtypes.items()})
    batch = found.assemble([decode(found, form, table)])
    sent = {dtype: [value, None] for dtype, value in dtypes.items() if dtype not in ("bytes", "datetime")}
    sent |= {"bytes": ["YQ==", None], "datetime": ["2026-01-02T03:04:05Z", None]}
    wanted = found.assemble([JsonFormat().decoder(found)(json.dumps({"columns": sent}).encode())])
    for name, array in wanted.columns.items():
        assert batch.columns[name].dtype == array.dtype
        assert str(batch.columns[name].tolist()) == str(array.tolist())


@pytest.mark.parametrize("form", WRITE)
def test_roles_ids_and_order(form: str) -> None:
    found = contract(
        Column(name="x", dtype="float64"),
        Column(name="y", dtype="float64"),
        Column(name="who", dtype="string", roles=("entity",)),
        Column(name="when", dtype="datetime", roles=("event_time",)),
    )
    table = pa.table({"id": ["p", "q"], "who": ["a", None], "y": [1.0, 2.0], "x": [3.0, 4.0]})
    rows = decode(found, form, table)
    assert (rows.ids, rows.others) == (["p", "q"], {"who": ["a", None]})
    assert found.assemble([rows]).matrix is not None
    assert asked(found, form, table) == {"x": [3.0, 4.0], "y": [1.0, 2.0]}
    for ids in (["p", "p"], ["p", ""], ["p", "q" * 129], [1, 2], ["p", None]):
        with pytest.raises(SignatureMismatch):
            decode(found, form, table.set_column(0, "id", pa.array(ids)))
    with pytest.raises(SignatureMismatch, match="'zip'"):
        decode(found, form, table.append_column("zip", pa.array([1, 2])))
    with pytest.raises(SignatureMismatch, match="'y'"):
        decode(found, form, table.drop_columns(["y"]))
    with pytest.raises(SignatureMismatch, match="0 rows"):
        decode(found, form, table.slice(0, 0))


def test_a_name_twice() -> None:
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])
    with pytest.raises(HeadgateError) as caught:
        decode(contract(Column(name="x", dtype="float64")), "arrow", table)
    assert caught.value.status == 400


def test_shapes() -> None:
    found = contract(Column(name="v", dtype="float32", shape=(2, -1)))
    kind = pa.list_(pa.list_(pa.float64()))
    good = pa.array([[[1, 2, 3], [4, 5, 6]]] * 2, kind)
    assert asked(found, "arrow", pa.table({"v": good}))["v"] == [[[1, 2, 3], [4, 5, 6]]] * 2
    fixed = pa.array([[[1, 2], [3, 4]]], pa.list_(pa.list_(pa.float32(), 2), 2))
    assert asked(found, "arrow", pa.table({"v": fixed}))["v"] == [[[1, 2], [3, 4]]]
    bad = [[[1, 2], [3]]], [[[1.0, 2.0]]], [None], [[[1, None], [1, 2]]], [[None, [1, 2]]]
    for value in bad:
        with pytest.raises(SignatureMismatch) as caught:
            decode(found, "arrow", pa.table({"v": pa.array([[[1, 2], [3, 4]], *value], kind)}))
        assert caught.value.detail[0]["row"] == 1
    with pytest.raises(SignatureMismatch, match="hold arrays"):
        decode(found, "parquet", pa.table({"v": good}))


def test_callers_of_both_kinds_share_a_batch() -> None:
    found = contract(Column(name="x", dtype="int64", nullable=True), Column(name="s", dtype="string"))
    first = decode(found, "arrow", pa.table({"x": [1, None], "s": ["a", "b"]}))
    second = JsonFormat().decoder(found)(b'{"rows": [{"x": 3, "s": "c"}]}')
    assert isinstance(first.content, Batch)
    batch = found.assemble([first, second])
    assert str(batch.columns["x"].tolist()) == "[1.0, nan, 3.0]"
    assert batch.columns["s"].tolist() == ["a", "b", "c"]
    shaped = contract(Column(name="v", dtype="float64", shape=(-1,)))
    parts = [decode(shaped, "arrow", pa.table({"v": [value]})) for value in ([1.0], [1.0, 2.0])]
    with pytest.raises(SignatureMismatch):
        shaped.assemble(parts)


def bombs() -> dict[str, bytes]:
    words = pa.array(["w" * 10_000] * 90)
    packed = stream(pa.table({"x": np.zeros(90), "s": pa.array(["z"] * 90)}), "zstd")
    return {
        "rows": stream(pa.table({"x": np.zeros(101), "s": ["a"] * 101})),
        "rows in Parquet": parquet(pa.table({"x": np.zeros(101), "s": ["a"] * 101})),
        "dictionary": stream(pa.table({"x": np.zeros(90), "s": words.dictionary_encode()})),
        "dictionary in Parquet": parquet(pa.table({"x": np.zeros(90), "s": words})),
        "zstd": stream(pa.table({"x": np.zeros(90), "s": words}), "zstd"),
        "zstd in Parquet": parquet(pa.table({"x": np.zeros(90), "s": words}), compression="zstd", use_dictionary=False),
        "a size that is made up": packed.replace(struct.pack("<q", 90), struct.pack("<q", 1 << 40)),
        "null rows": stream(pa.table({"x": pa.nulls(1_000_000_000)})),
    }


@pytest.mark.parametrize("name", bombs())
def test_what_becomes_too_large_is_refused(name: str) -> None:
    found = contract(
        Column(name="x", dtype="float64"), Column(name="s", dtype="string", roles=("context",)), max_bytes=100_000
    )
    form = "parquet" if "Parquet" in name else "arrow"
    ask = msgspec.msgpack.encode(Ask(form, found.signature, found.max_rows, found.max_bytes))
    body = bombs()[name]
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        # here, where memory can be seen, instead of in its process
        assert read_body(ask, body).code == "TOO_LARGE"
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
        assert pa.total_allocated_bytes() - before < 3_000_000
    finally:
        tracemalloc.stop()


def test_a_page_that_says_more_than_the_footer_is_believed() -> None:
    """The footer says little, the header of the page says 1 GB: that is what would be allocated."""
    body = bytearray(parquet(pa.table({"x": [1.5] * 50}), compression="snappy", use_dictionary=False))
    # PageHeader: type 0, then the size unpacked as a zigzag number: field 2 of type i32
    place = 4
    assert body[place : place + 3] == b"\x15\x00\x15"
    size = int.from_bytes(bytes([body[place + 3] & 0x7F])) + (body[place + 4] << 7 if body[place + 3] & 0x80 else 0)
    width = 2 if body[place + 3] & 0x80 else 1
    assert size >> 1 >= 400
    number, huge = (1 << 30) << 1, b""
    while number >= 0x80:
        huge += bytes([number & 0x7F | 0x80])
        number >>= 7
    body[place + 3 : place + 3 + width] = huge + bytes([number])
    with pytest.raises((TooLarge, Malformed)):
        load_format("parquet").decoder(contract(Column(name="x", dtype="float64")))(bytes(body))


@pytest.fixture
def reader() -> Iterator[TableReader]:
    """A process of one's own, with little time for a body."""
    found = TableReader(seconds=1.0)
    yield found
    found.close()


def test_the_process_that_reads_is_replaced(reader: TableReader) -> None:
    found = contract(Column(name="x", dtype="float64"))
    body = stream(pa.table({"x": [1.0, 2.0]}))
    read_arrow = reader.decoder("arrow", found)
    assert read_arrow(body).count == 2
    first = reader.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert read_arrow(body).count == 2
    second = reader.pid
    assert second not in (None, first)
    # it hangs: the body is given up, also one that the pipe does not hold; the next one is read
    for hanging in (body, body + bytes(500_000)):
        pid = reader.pid
        os.kill(pid or 0, signal.SIGSTOP)
        with pytest.raises(Malformed, match="did not live through"):
            read_arrow(hanging)
        assert read_arrow(body).count == 2
        assert reader.pid != pid


def test_a_body_that_ends_the_process_is_malformed(reader: TableReader) -> None:
    """One byte of the footer is enough for pyarrow 26 to end its process; whatever happens, it is an answer."""
    found = contract(Column(name="x", dtype="float64"))
    body = parquet(pa.table({"x": [1.0, 2.0]}))
    read_parquet = reader.decoder("parquet", found)
    for place in range(len(body) - 8, len(body) - 400, -23):
        damaged = bytearray(body)
        damaged[place] ^= 0x03
        with contextlib.suppress(Malformed, SignatureMismatch, TooLarge):
            read_parquet(damaged)
    assert read_parquet(body).count == 2


@pytest.mark.parametrize("form", WRITE)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_damaged_bodies_are_rows_or_refused(form: str, data: st.DataObject) -> None:
    found = contract(Column(name="x", dtype="float64"), Column(name="s", dtype="string", nullable=True))
    body = bytearray(WRITE[form](pa.table({"x": [1.0, 2.0], "s": ["a", None]})))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    body = body[: data.draw(st.integers(0, len(body)))] if data.draw(st.booleans()) else body
    try:
        rows = load_format(form.partition(",")[0]).decoder(found)(bytes(body))
        assert found.assemble([rows]).rows == rows.count
    except HeadgateError as error:
        assert error.status in {400, 413, 422}


@pytest.mark.parametrize("media_type", [ARROW, PARQUET])
def test_over_a_worker(worker: WorkerProcess, media_type: str) -> None:
    table = pa.table({"income": [2, 5], "age": [1.0, 4.0], "balance": [3.0, 6.0], "id": ["a", "b"]})
    body = stream(table) if media_type == ARROW else parquet(table)
    wanted = [FRAUD.answer({"age": a, "income": i, "balance": b}) for a, i, b in ((1, 2, 3), (4, 5, 6))]
    answer = worker.predict(body, Content_Type=media_type, Accept=media_type)
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    got = read(media_type, answer.body)
    assert got.schema.metadata[b"headgate-id"].decode() == answer.headers["headgate-id"]
    assert got.schema.metadata[b"model"] == b"fraud:1"
    content = got.to_pydict()
    assert content["id"] == ["a", "b"]
    assert content["predictions"] == [row["predictions"] for row in wanted]
    for row, probabilities in zip(wanted, content["probabilities"], strict=True):
        assert probabilities == pytest.approx(row["probabilities"])
    as_json = worker.predict(body, Content_Type=media_type).json
    assert as_json["ids"] == ["a", "b"]
    assert as_json["probabilities"] == content["probabilities"]
    refused = worker.predict(b"PAR1", Content_Type=media_type)
    assert (refused.status, refused.json["code"]) == (400, "MALFORMED")
    assert worker.predict(body, Content_Type=media_type).status == 200


def test_records_hold_what_was_sent(home: Home, start: Callable[..., WorkerProcess]) -> None:
    model = LinearModel(others=(Column(name="who", dtype="string", roles=("entity",)),))
    publish(home, route_table(build_bundle(home.cache, model)))
    worker = start(home)
    table = pa.table({"age": [1.0], "income": [2.0], "balance": [3.0], "who": ["me"], "id": ["row"]})
    answer = worker.predict(stream(table), Content_Type=ARROW)
    record = newest_record(home, "fraud", answer.json["id"])
    assert (record["inputs"]["who"], record["inputs"]["row_ids"]) == (["me"], ["row"])


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_without_pyarrow_the_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    form = load_format(name)
    monkeypatch.setattr(type(form), "library", "no_such_library")
    formats = readers_of([load_format("json"), form], contract(Column(name="x", dtype="float64")))
    with pytest.raises(UnsupportedType, match=r"headgate\[arrow\]"):
        formats[form.media_type].decode(b"")


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_answers_are_cut_at_rows(name: str) -> None:
    outputs = {
        "predictions": np.array(["no", None, "ü"], dtype=object),
        "probabilities": np.eye(3),
        "cubes": np.arange(12.0, dtype=np.float32).reshape(3, 2, 2),
        "flags": np.array([True, False, True]),
        "times": np.array(["2026-01-01"] * 3, "datetime64[us]"),
        "transposed": np.arange(6.0).reshape(2, 3).T,
    }
    body = load_format(name).encoder(Origin("fraud", "fraud:1"))(outputs)
    media_type = load_format(name).media_type
    for start, stop in ((0, 1), (1, 2), (0, 3)):
        got = read(media_type, body("id", start, stop, ["a"] * (stop - start)))
        assert got.column_names == ["id", *outputs]
        assert got["id"].to_pylist() == ["a"] * (stop - start)
        for column in outputs:
            assert np.array(got[column].to_pylist()).tolist() == outputs[column][start:stop].tolist()


@pytest.mark.parametrize("media_type", [ARROW, PARQUET])
def test_what_answers_need_is_imported_off_the_event_loop(
    home: Home, start: Callable[..., WorkerProcess], media_type: str
) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    worker = start(home, Settings(), "w0-test", module="tests.serving.watched_worker")
    body = json.dumps({"rows": [{"age": 1.0, "income": 2.0, "balance": 3.0}]}).encode()
    assert worker.predict(body).status == 200
    assert "imported by" not in worker.logged
    sent = request("POST", PREDICT.format("fraud"), body, Content_Type="application/json", Accept=media_type)
    with worker.wire() as first, worker.wire() as second:
        for wire in (first, second):
            wire.send(sent * 2)
        answers = [wire.response() for wire in (first, second) for _ in range(2)]
    assert [answer.status for answer in answers] == [200] * 4
    assert len(read(media_type, answers[-1].body)) == 1
    by = re.findall(r"(pyarrow\S*) imported by (\w+)", worker.logged)
    assert {thread for _, thread in by} == {"body"}
    assert ("pyarrow.parquet" in dict(by)) == (media_type == PARQUET)


def test_a_library_that_cannot_be_imported_is_named() -> None:
    library = Library(["no_such_library"])
    assert not library.is_ready
    with pytest.raises(UnsupportedType, match="no_such_library.*application/json"):
        library.load()
    assert not library.is_ready


def test_workers_answer_without_pandas() -> None:
    """Importing it would hold up everybody's requests for a second."""
    code = (
        "import sys, numpy as np\n"
        "from headgate.serving.formats.registry import load_format\n"
        "from headgate.serving.formats.format import Origin\n"
        "outputs = {'a': np.eye(2), 'b': np.array(['x', None], object), 'c': np.array([True, False])}\n"
        "for name in ('arrow', 'parquet'):\n"
        "    assert load_format(name).encoder(Origin('e', 'm:1'))(outputs)('id', 0, 2, ['p', 'q'])\n"
        "assert 'pyarrow' in sys.modules and 'pandas' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_the_process_that_reads_ends_with_its_worker(home: Home, start: Callable[..., WorkerProcess]) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    worker = start(home)
    table = pa.table({"age": [1.0], "income": [2.0], "balance": [3.0]})
    assert worker.predict(stream(table), Content_Type=ARROW).status == 200
    pid = worker.process.pid
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [child for task in tasks for child in task.read_text().split()]
    assert len(children) == 1
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: _is_dead(children[0]))


def _is_dead(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
