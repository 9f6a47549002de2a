"""How a segment file is laid out: one header, then entries `u32 length | u32 crc32 | payload`; length zero is the end.

A payload starts with one byte for its kind: a schema (JSON) or a record (fixed head, request id, msgpack body). A
record names its schema by number; every segment holds the schemas that its own records need, so it can be read alone.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from headgate.errors import Corrupt

SUFFIX = ".seg"
DRAFT_SUFFIX = ".new"
MAGIC = b"HGSPOOL\n"
FORMAT = 1
HEADER_BYTES = 256
WORKER_BYTES = 128

# magic, format, size of the header, boot id, segment number, created (ns since 1970), sampling, worker's length, worker
_HEADER = struct.Struct(f"<8sII16sQQdH{WORKER_BYTES}s")
_CRC = struct.Struct("<I")
# records appended so far: the only part of the header that changes
COUNT = struct.Struct("<Q")
COUNT_OFFSET = HEADER_BYTES - COUNT.size

ENTRY = struct.Struct("<II")
SCHEMA, RECORD = 1, 2
# kind, length of the request id, schema, status, wall time ns, latency ns
RECORD_HEAD = struct.Struct("<BBHHQQ")

Array = np.ndarray[Any, Any]
# [rows, features], or name → [rows, …] as array or list, or nothing when the request never got that far
Values = Array | Mapping[str, Array | Sequence[Any]] | None


class Header(NamedTuple):
    """Who wrote a segment, when, and which share of the requests is in it."""

    boot: str  # hex; one per run of a writer, so that (boot, number) names a segment for ever
    number: int
    created_ns: int
    sampling: float
    worker: str


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """What the records that carry its number have in common."""

    format: int = 1
    id: int
    endpoint: str
    version: str
    columns: tuple[tuple[str, str], ...]  # (name, dtype), in the order of the matrix
    outputs: tuple[str, ...]
    sampling: float = 1.0


class Head(NamedTuple):
    """The part of a record that is read without decoding its body."""

    schema: int
    status: int
    at_ns: int
    latency_ns: int
    id: str


def pack_header(header: Header) -> bytes:
    """The first HEADER_BYTES of a segment, with a record count of zero."""
    worker = header.worker.encode()[:WORKER_BYTES]
    fixed = _HEADER.pack(
        MAGIC, FORMAT, HEADER_BYTES, bytes.fromhex(header.boot), header.number, header.created_ns, header.sampling,
        len(worker), worker,
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
    if form != FORMAT or size != HEADER_BYTES:
        raise Corrupt(f"expected segment format {FORMAT}, got {form}: read it with the release that wrote it")
    return Header(boot.hex(), number, created, sampling, worker[:length].decode(errors="replace"))


def pack_schema(schema: Schema) -> bytes:
    return bytes([SCHEMA]) + msgspec.json.encode(schema)


def unpack_schema(payload: bytes) -> Schema:
    """Raises `Corrupt` when the payload is no schema."""
    try:
        return msgspec.json.decode(payload[1:], type=Schema)
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
_FEW = 16  # pairs that msgpack's shortest map holds
_KEPT = 4096
_array_starts: dict[tuple[np.dtype[Any], tuple[int, ...]], bytes] = {}
_names: dict[str, bytes] = {}
_ndarray = np.ndarray


def pack_record(head: tuple[int, int, int, int, str], inputs: Values, outputs: Values) -> bytes:
    """One record as a payload, `head` as in `Head`; raises ValueError, TypeError or struct.error for odd values."""
    schema, status, at_ns, latency_ns, name = head
    request_id = name.encode()
    parts = [_pack_head(RECORD, len(request_id), schema, status, at_ns, latency_ns), request_id, _TWO]
    _pack_values(parts, inputs)
    _pack_values(parts, outputs)
    return b"".join(parts)


def _pack_values(parts: list[bytes], values: Any) -> None:
    # arrays are most of what comes: all that stands before their bytes is kept ready by dtype and shape
    if type(values) is _ndarray:
        start = _array_starts.get((values.dtype, values.shape)) or _array_start(values)
        parts += (start, values.tobytes()) if start else (_encode(values),)
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
        name = payload[RECORD_HEAD.size : RECORD_HEAD.size + length].decode()
    except (struct.error, UnicodeDecodeError) as error:
        raise Corrupt(f"an entry is not a record: {error}") from error
    return Head(schema, status, at_ns, latency_ns, name)


def unpack_body(payload: bytes) -> tuple[Any, Any]:
    """Inputs and outputs as they were given, arrays as arrays; raises `Corrupt`."""
    start = RECORD_HEAD.size + payload[1]
    try:
        inputs, outputs = msgspec.msgpack.decode(payload[start:], type=tuple[Any, Any])
        return _with_arrays(inputs), _with_arrays(outputs)
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError) as error:
        raise Corrupt(f"the body of a record cannot be read: {error}") from error


def _with_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("data"), bytes) and isinstance(value.get("dtype"), str):
            return np.frombuffer(value["data"], np.dtype(value["dtype"])).reshape(value["shape"])
        return {name: _with_arrays(item) for name, item in value.items()}
    return value
