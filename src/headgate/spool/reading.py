"""Reading the spool back: records as plain values; what cannot be read is skipped and reported, never fatal."""

import base64
import itertools
import logging
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from headgate.errors import Corrupt
from headgate.spool.layout import (
    BATCH,
    ENTRY,
    HEADER_BYTES,
    RECORD,
    SCHEMA,
    SUFFIX,
    Head,
    Header,
    Schema,
    kind_of,
    unpack_batch,
    unpack_body,
    unpack_head,
    unpack_header,
    unpack_schema,
)

_log = logging.getLogger("headgate.spool")


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes of the spool that could not be read."""

    path: Path
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it lies in a segment: its head decoded, its body not yet."""

    header: Header
    schema: Schema
    head: Head
    payload: bytes
    # which rows of a batch are this record's; None for all of them
    rows: slice | None = None


Report = Callable[[Fault], None]


def log_fault(fault: Fault) -> None:
    """What happens to faults unless the caller wants them."""
    _log.warning("skipped bytes of the spool: %s at byte %d: %s", fault.path, fault.offset, fault.reason)


def read_records(spool: Path, endpoint: str, limit: int, report: Report = log_fault) -> list[dict[str, Any]]:
    """The newest `limit` records of an endpoint over all workers, newest first.

    Each is {"id", "at" (ISO 8601, UTC), "endpoint", "version", "status", "latency_ms", "trace_id", "span_id" (both None
    without a trace), "inputs": {name: [values]}, "outputs": {name: [values]}}, every value fit for JSON.
    """
    newest: list[Entry] = []
    for folder in sorted(path for path in _listed(spool) if path.is_dir()):
        newest += _newest_of_worker(folder, endpoint, limit, report)
    newest.sort(key=lambda entry: entry.head.at_ns, reverse=True)
    return [record for entry in newest[: max(0, limit)] if (record := _plain_record(entry, report, spool)) is not None]


def read_segment(path: Path, report: Report = log_fault) -> Iterator[Entry]:
    """Every record of one segment, in the order it was written."""
    try:
        content = path.read_bytes()
        # a name is given once: while it is there, its file has not been used for another segment
        path.stat()
    except FileNotFoundError:
        return  # dropped by its writer meanwhile
    try:
        header = unpack_header(content)
    except Corrupt as error:
        report(Fault(path, 0, error.message))
        return
    schemas: dict[int, Schema] = {}
    for offset, payload in _payloads(path, content, header.seed, report):
        try:
            if kind_of(payload) == SCHEMA:
                schema = unpack_schema(payload)
                schemas[schema.id] = schema
            else:
                yield from _entries(header, schemas, payload)
        except Corrupt as error:
            report(Fault(path, offset, error.message))


def _entries(header: Header, schemas: dict[int, Schema], payload: bytes) -> list[Entry]:
    """The record or records of one payload."""
    if kind_of(payload) == RECORD:
        heads: list[tuple[Head, slice | None]] = [(unpack_head(payload), None)]
    elif kind_of(payload) == BATCH:
        found = unpack_batch(payload)
        ends = list(itertools.accumulate(rows for _, rows in found))
        heads = [(head, slice(end - rows, end)) for (head, rows), end in zip(found, ends, strict=True)]
    else:
        raise Corrupt(f"expected a schema or a record, got an entry of kind {payload[0]}")
    if heads and heads[0][0].schema not in schemas:
        raise Corrupt(f"a record refers to schema {heads[0][0].schema}, which was not read")
    return [Entry(header, schemas[head.schema], head, payload, rows) for head, rows in heads]


def _payloads(path: Path, content: bytes, seed: int, report: Report) -> Iterator[tuple[int, bytes]]:
    offset = HEADER_BYTES
    while offset + ENTRY.size <= len(content):
        length, checksum = ENTRY.unpack_from(content, offset)
        if length == 0:
            return
        start = offset + ENTRY.size
        if start + length > len(content):
            report(Fault(path, offset, f"an entry of {length} bytes is torn: {len(content) - start} bytes are left"))
            return
        payload = content[start : start + length]
        if zlib.crc32(payload, seed) == checksum:
            yield offset, payload
        else:
            report(Fault(path, offset, f"the checksum of an entry of {length} bytes does not match"))
        offset = start + length


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _newest_of_worker(folder: Path, endpoint: str, limit: int, report: Report) -> list[Entry]:
    found: list[Entry] = []
    for path in sorted(_segments(folder, report), key=lambda pair: pair[0], reverse=True):
        if len(found) >= limit:
            break
        entries = [entry for entry in read_segment(path[1], report) if entry.schema.endpoint == endpoint]
        found = entries[-limit:] + found
    return found


def _segments(folder: Path, report: Report) -> Iterator[tuple[tuple[int, int], Path]]:
    """((created, number), path) of every segment of one worker."""
    for path in _listed(folder):
        if path.suffix != SUFFIX:
            continue
        try:
            with path.open("rb") as file:
                header = unpack_header(file.read(HEADER_BYTES))
        except FileNotFoundError:
            continue
        except Corrupt as error:
            if path.exists():  # else it was being made another segment
                report(Fault(path, 0, error.message))
            continue
        yield (header.created_ns, header.number), path


def _plain_record(entry: Entry, report: Report, spool: Path) -> dict[str, Any] | None:
    head, schema = entry.head, entry.schema
    try:
        inputs, outputs = (_rows_of(values, entry.rows) for values in unpack_body(entry.payload))
        names = [name for name, _ in schema.columns]
        return {
            "id": head.id,
            "at": datetime.fromtimestamp(head.at_ns // 1000 / 1e6, UTC).isoformat(timespec="microseconds"),
            "endpoint": schema.endpoint,
            "version": schema.version,
            "status": head.status,
            "latency_ms": head.latency_ns / 1e6,
            "trace_id": head.trace[:32] or None,
            "span_id": head.trace[32:] or None,
            "inputs": _columns(inputs, names),
            "outputs": _columns(outputs, list(schema.outputs)),
        }
    except (Corrupt, ValueError, OverflowError, OSError) as error:
        report(Fault(spool / entry.header.worker, 0, f"record {head.id}: {error}"))
        return None


def _rows_of(values: Any, rows: slice | None) -> Any:
    """Some rows of a matrix or of every column."""
    if rows is None or values is None:
        return values
    return {name: column[rows] for name, column in values.items()} if isinstance(values, dict) else values[rows]


def _columns(values: Any, names: list[str]) -> dict[str, Any]:
    if values is None:
        return {}
    if isinstance(values, np.ndarray):
        if values.ndim != 2 or values.shape[1] != len(names):
            raise Corrupt(f"expected a matrix with {len(names)} columns, got the shape {values.shape}")
        return {name: _values(values[:, place]) for place, name in enumerate(names)}
    if not isinstance(values, dict):
        raise Corrupt(f"expected a matrix or columns, got {type(values).__name__}")
    return {str(name): _values(column) for name, column in values.items()}


def _values(column: Any) -> Any:
    """Fit for JSON: times as ISO text, bytes as base64, what is missing or not finite as None."""
    if isinstance(column, np.ndarray):
        if column.dtype.kind in "mM":
            return _values(np.datetime_as_string(column).tolist()) if column.dtype.kind == "M" else column.tolist()
        return _values(column.tolist())
    if isinstance(column, list):
        return [_values(value) for value in column]
    if isinstance(column, bytes):
        return base64.b64encode(column).decode()
    if isinstance(column, float) and not math.isfinite(column):
        return None
    return None if column == "NaT" else column
