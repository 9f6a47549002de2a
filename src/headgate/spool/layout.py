"""How a segment file is laid out: one header, then entries `u32 length | u32 crc32 | payload`; length zero is the end.

A payload starts with one byte for its kind: a schema (JSON), a record (fixed head, request id, msgpack body) or a batch
of records (one fixed head, then the ids, latencies and row counts of its requests, one msgpack body over all rows). A
record names its schema by number; every segment holds the schemas that its own records need, so it can be read alone.

Files are used again: behind the end lies what an older segment left. A checksum begins with its segment's seed, so that
an older entry is never taken for one of this segment, whatever a crash leaves of the end.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np

from headgate.errors import Corrupt

SUFFIX = ".seg"
DRAFT_SUFFIX = ".new"
MAGIC = b"HGSPOOL\n"
FORMAT = 2
OLDEST_FORMAT = 1  # without seeds and traces
HEADER_BYTES = 256
WORKER_BYTES = 128

# magic, format, size of the header, boot id, segment number, created (ns since 1970), sampling, worker's length, worker
_HEADER = struct.Struct(f"<8sII16sQQdH{WORKER_BYTES}s")
_CRC = struct.Struct("<I")
# records appended so far: the only part of the header that changes
COUNT = struct.Struct("<Q")
COUNT_OFFSET = HEADER_BYTES - COUNT.size

ENTRY = struct.Struct("<II")
END = bytes(ENTRY.size)
SCHEMA, RECORD, BATCH = 1, 2, 3
# with the kind of a record or batch: the trace of every request follows the numbers of its head
TRACED = 0x80
TRACE_BYTES = 24  # ids of trace and span
_NO_TRACE = "00" * TRACE_BYTES
# kind, length of the request id, schema, status, wall time ns, latency ns
RECORD_HEAD = struct.Struct("<BBHHQQ")
# kind, number of requests, schema, status, wall time ns; then length of the id, rows and latency ns of every request
BATCH_HEAD = struct.Struct("<BHHHQ")

Array = np.ndarray[Any, Any]
# a payload before it is written
Parts = list[bytes | memoryview]
# [rows, features], or name → [rows, …] as array or list, or nothing when the request never got that far
Values = Array | Mapping[str, Array | Sequence[Any]] | None
_bodies = msgspec.msgpack.Decoder(tuple[Any, Any])


class Header(NamedTuple):
    """Who wrote a segment, when, and which share of the requests is in it."""

    boot: str  # hex; one per run of a writer, so that (boot, number) names a segment for ever
    number: int
    created_ns: int
    sampling: float
    worker: str
    format: int = FORMAT

    @property
    def seed(self) -> int:
        """Where the checksums of this segment's entries begin."""
        if self.format == OLDEST_FORMAT:
            return 0
        # a checksum tells any two numbers under 2**32 apart: none of a boot's segments share a seed
        return zlib.crc32(self.number.to_bytes(8, "little"), zlib.crc32(bytes.fromhex(self.boot)))


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """What the records that carry its number have in common."""

    format: int = 1
    id: int
    endpoint: str
    version: str
    columns: tuple[tuple[str, str], ...]  # (name, dtype), in the order of the matrix
    outputs: tuple[str, ...]
    sampling: float = 1.0


_schemas = msgspec.json.Decoder(Schema)


class Head(NamedTuple):
    """The part of a record that is read without decoding its body."""

    schema: int
    status: int
    at_ns: int
    latency_ns: int
    id: str
    trace: str = ""  # ids of trace and span, in hex


class Requests(NamedTuple):
    """The requests that were answered by one call of a model, in the order of their rows."""

    ids: list[str]
    latencies_ns: list[int]
    rows: list[int]
    traces: Sequence[str] = ()  # of all or of none, each as in `Head`


def pack_header(header: Header) -> bytes:
    """The first HEADER_BYTES of a segment, with a record count of zero."""
    worker = header.worker.encode()[:WORKER_BYTES]
    fixed = _HEADER.pack(
        MAGIC, header.format, HEADER_BYTES, bytes.fromhex(header.boot), header.number, header.created_ns,
        header.sampling, len(worker), worker,
    )  # fmt: skip
    return (fixed + _CRC.pack(zlib.crc32(fixed))).ljust(HEADER_BYTES, b"\0")


def unpack_header(content: bytes) -> Header:
    """The header of a segment; raises `Corrupt` when these are not the first bytes of one."""
    if len(content) < HEADER_BYTES or not content.startswith(MAGIC):
        raise Corrupt(f"expected a segment that starts with {MAGIC!r}, got {bytes(content[:8])!r}")
    fixed = content[: _HEADER.size]
    if _CRC.unpack_from(content, _HEADER.size)[0] != zlib.crc32(fixed):
        raise Corrupt("the checksum of the segment's header does not match")
    _, form, size, boot, number, created, sampling, length, worker = _HEADER.unpack(fixed)
    if not OLDEST_FORMAT <= form <= FORMAT or size != HEADER_BYTES:
        known = f"{OLDEST_FORMAT} or {FORMAT}"
        raise Corrupt(f"expected segment format {known}, got {form}: read it with the release that wrote it")
    return Header(boot.hex(), number, created, sampling, worker[:length].decode(errors="replace"), form)


def count_in(content: bytes) -> int:
    """How many records the header of a segment counts."""
    return int(COUNT.unpack_from(content, COUNT_OFFSET)[0])


def pack_schema(schema: Schema) -> bytes:
    return bytes([SCHEMA]) + msgspec.json.encode(schema)


def unpack_schema(payload: bytes) -> Schema:
    """Raises `Corrupt` when the payload is no schema."""
    try:
        return _schemas.decode(payload[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Corrupt(f"an entry is not a schema: {error}") from error


def _plain(value: Any) -> Any:
    # called for what msgpack does not know
    if isinstance(value, np.ndarray):
        return value.tolist() if value.dtype.hasobject else _described(value)
    if isinstance(value, np.generic):
        return value.item()
    return dict(value) if isinstance(value, Mapping) else str(value)


def _described(array: Array) -> dict[str, Any]:
    return {"dtype": array.dtype.str, "shape": array.shape, "data": array.tobytes()}


_encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
_pack_head = RECORD_HEAD.pack
_TWO = b"\x92"  # msgpack's array of two: inputs, outputs
_LARGE = 4096
_FEW = 16  # pairs that msgpack's shortest map holds
_KEPT = 4096
_array_starts: dict[tuple[np.dtype[Any], tuple[int, ...]], bytes] = {}
_names: dict[str, bytes] = {}
_ndarray = np.ndarray


def pack_record(head: Head, inputs: Values, outputs: Values) -> Parts:
    """One record as a payload in parts; raises ValueError, TypeError or struct.error."""
    schema, status, at_ns, latency_ns, name, trace = head
    request_id, traces = name.encode(), _packed_traces([trace], 1)
    kind = RECORD | TRACED if traces else RECORD
    parts: Parts = [_pack_head(kind, len(request_id), schema, status, at_ns, latency_ns), traces, request_id, _TWO]
    _pack_values(parts, inputs)
    _pack_values(parts, outputs)
    return parts


def pack_batch(head: tuple[int, int, int], requests: Requests, inputs: Values, outputs: Values) -> Parts:
    """The records of a batch as one payload in parts, `head` is (schema, status, at_ns); raises as `pack_record`."""
    schema, status, at_ns = head
    count = len(requests.ids)
    lengths = bytes(map(len, requests.ids))
    ids = "".join(requests.ids).encode("ascii")
    times = _batch_struct(count).pack(*requests.rows, *requests.latencies_ns)
    traces = _packed_traces(requests.traces, count)
    kind = BATCH | TRACED if traces else BATCH
    parts: Parts = [BATCH_HEAD.pack(kind, count, schema, status, at_ns), lengths, times, traces, ids, _TWO]
    _pack_values(parts, inputs)
    _pack_values(parts, outputs)
    return parts


def _packed_traces(traces: Sequence[str], count: int) -> bytes:
    """Nothing where no request has one."""
    if not any(traces):
        return b""
    packed = bytes.fromhex("".join(trace or _NO_TRACE for trace in traces))
    if len(packed) != TRACE_BYTES * count:
        raise ValueError(f"expected {count} traces of {TRACE_BYTES} bytes, got {traces}")
    return packed


@lru_cache(maxsize=1024)
def _batch_struct(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}I{count}Q")


def _pack_values(parts: Parts, values: Any) -> None:
    # arrays are most of what comes: all that stands before their bytes is kept ready by dtype and shape
    if type(values) is _ndarray:
        start = _array_starts.get((values.dtype, values.shape)) or _array_start(values)
        if not start:
            parts.append(_encode(values))
        elif values.nbytes >= _LARGE and values.flags.c_contiguous:
            # not copied: written from where it lies
            parts += (start, values.reshape(-1).view(np.uint8).data)
        else:
            parts += (start, values.tobytes())
    elif type(values) is dict and len(values) < _FEW:
        parts.append(bytes((0x80 | len(values),)))
        for name, value in values.items():
            parts.append(_names.get(name) or _packed_name(name))
            _pack_values(parts, value)
    else:
        parts.append(_encode(values))


def _array_start(array: Array) -> bytes:
    """What msgpack has before the array's bytes; empty for an array of objects."""
    if array.dtype.hasobject:
        return b""
    content = array.tobytes()
    start = _encode(_described(array)).removesuffix(content)
    if len(_array_starts) >= _KEPT:
        _array_starts.clear()
    _array_starts[array.dtype, array.shape] = start
    return start


def _packed_name(name: str) -> bytes:
    if len(_names) >= _KEPT:
        _names.clear()
    _names[name] = packed = _encode(name)
    return packed


def unpack_head(payload: bytes) -> Head:
    """Raises `Corrupt` when the payload is no record."""
    try:
        _, length, schema, status, at_ns, latency_ns = RECORD_HEAD.unpack_from(payload)
        place = RECORD_HEAD.size + _trace_bytes(payload)
        trace, name = _trace_at(payload, RECORD_HEAD.size), payload[place : place + length].decode()
    except (struct.error, UnicodeDecodeError) as error:
        raise Corrupt(f"an entry is not a record: {error}") from error
    return Head(schema, status, at_ns, latency_ns, name, trace)


def unpack_batch(payload: bytes) -> list[tuple[Head, int]]:
    """The heads of a batch's records, each with its number of rows; raises `Corrupt` when the payload is no batch."""
    try:
        _, count, schema, status, at_ns = BATCH_HEAD.unpack_from(payload)
        numbers = _batch_struct(count).unpack_from(payload, BATCH_HEAD.size + count)
        lengths = payload[BATCH_HEAD.size : BATCH_HEAD.size + count]
        traces, width = BATCH_HEAD.size + count + _batch_struct(count).size, _trace_bytes(payload)
        place, heads = traces + width * count, []
        for at, (length, rows, latency_ns) in enumerate(zip(lengths, numbers[:count], numbers[count:], strict=True)):
            name, trace = payload[place : place + length].decode(), _trace_at(payload, traces + width * at)
            heads.append((Head(schema, status, at_ns, latency_ns, name, trace), rows))
            place += length
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise Corrupt(f"an entry is not a batch of records: {error}") from error
    return heads


def kind_of(payload: bytes) -> int:
    """SCHEMA, RECORD, BATCH or what is none of them."""
    return payload[0] & ~TRACED


def _trace_bytes(payload: bytes) -> int:
    """What a request's trace takes of the payload."""
    return TRACE_BYTES if payload[0] & TRACED else 0


def _trace_at(payload: bytes, place: int) -> str:
    ids = payload[place : place + _trace_bytes(payload)].hex()
    return "" if ids == _NO_TRACE else ids


def _body_start(payload: bytes) -> int:
    if kind_of(payload) != BATCH:
        return RECORD_HEAD.size + _trace_bytes(payload) + payload[1]
    count: int = BATCH_HEAD.unpack_from(payload)[1]
    lengths = payload[BATCH_HEAD.size : BATCH_HEAD.size + count]
    return BATCH_HEAD.size + count * (1 + _trace_bytes(payload)) + _batch_struct(count).size + sum(lengths)


def unpack_body(payload: bytes) -> tuple[Any, Any]:
    """Inputs and outputs as they were given, arrays as arrays; raises `Corrupt`."""
    start = _body_start(payload)
    try:
        inputs, outputs = _bodies.decode(payload[start:])
        return _with_arrays(inputs), _with_arrays(outputs)
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError) as error:
        raise Corrupt(f"the body of a record cannot be read: {error}") from error


def _with_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("data"), bytes) and isinstance(value.get("dtype"), str):
            return np.frombuffer(value["data"], np.dtype(value["dtype"])).reshape(value["shape"])
        return {name: _with_arrays(item) for name, item in value.items()}
    return value
