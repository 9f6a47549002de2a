"""What goes over the Unix socket between a worker and a model host: frames `u32 length | msgpack`, little-endian.

A call:     {"id", "op": "predict", "rows"} with {"matrix", "dtype"} or with {"columns": {name: part}},
            "deadline" (seconds of the machine's monotonic clock), "priority" (see `priority.py`), "alone" (share no
            model call with others), and of who is in a trace "traceparent" and "tracestate"; nobody else's call is a
            byte longer for it;
            {"id", "op": "stream", …}: the same, answered in parts;
            {"id", "op": "cancel"}: the caller has left.
A reply:    {"id", "ok": true, "outputs": {name: part}}, with "batch_rows" for one caller of each model call, or
            {"id", "ok": false, "code", "error"};
            {"id", "part": true, "outputs": …}: a part of a streamed answer, which ends with {"id", "ok": true};
            {"id", "started": true}: a call marked "alone" goes into the model now;
            {"leaving": true}: send no more here, what was sent is answered.
A part:     {"dtype", "shape", "data"} with raw C-ordered bytes, or {"dtype": "object", "shape", "values"} for text,
            bytes and what may be null.
Every call is answered once; one that is cancelled before the model has it, with the code CANCELLED.
"""

import math
import re
import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np

from headgate.errors import Malformed, ModelOutputInvalid
from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.runtime import Outputs
from headgate.serving.priority import NORMAL, OFFSETS
from headgate.serving.trace import Trace

FRAME_BYTES = 64 * 1024 * 1024
PREDICT, STREAM, CANCEL = "predict", "stream", "cancel"
CANCELLED = "CANCELLED"
OBJECT = "object"
_LENGTH = struct.Struct("<I")
# numbers, booleans and times; a time has its unit
_DTYPE = re.compile(r"[<>|=]?(?:[biuf][0-9]{1,2}|M8\[[a-z]{1,2}\])", re.ASCII)

Message = TypeVar("Message", "Call", "Reply")
_SCALARS = {type(None), bool, int, float, str, bytes}
Size = Annotated[int, msgspec.Meta(ge=0)]
Id = Annotated[int, msgspec.Meta(ge=0)]


class Part(msgspec.Struct, omit_defaults=True):
    """One array on the wire."""

    dtype: str
    shape: tuple[Size, ...]
    data: bytes | None = None
    values: list[Any] | None = None


class Call(msgspec.Struct, omit_defaults=True):
    """What a worker asks."""

    id: Id
    op: str
    rows: Size = 0
    matrix: bytes | None = None
    dtype: str = ""
    columns: dict[str, Part] | None = None
    deadline: float = 0.0
    priority: Annotated[int, msgspec.Meta(ge=0, lt=len(OFFSETS))] = NORMAL
    alone: bool = False
    traceparent: str = ""
    tracestate: str = ""

    def batch(self, names: Sequence[str]) -> Batch:
        """The rows as writable arrays; `names` are the matrix's columns. Raises `Malformed`."""
        if self.rows < 1:
            raise Malformed(f"Expected at least one row in call {self.id}, got none.")
        if self.columns is not None:
            arrays = {name: _array(name, part) for name, part in self.columns.items()}
            for name, array in arrays.items():
                if array.shape[:1] != (self.rows,):
                    raise Malformed(f"Expected {self.rows} rows in column {name!r}, got the shape {array.shape}.")
            return Batch(tuple(arrays), columns=arrays)
        shape = (self.rows, len(names))
        return Batch(names, matrix=_array("matrix", Part(dtype=self.dtype, shape=shape, data=self.matrix)))


class Reply(msgspec.Struct, omit_defaults=True):
    """What a host answers."""

    id: Id = 0
    ok: bool | None = None
    outputs: dict[str, Part] | None = None
    code: str = ""
    error: str = ""
    started: bool = False
    part: bool = False
    leaving: bool = False
    # of the model call that answered this and, it may be, others: told to one of them
    batch_rows: Size = 0

    def arrays(self) -> Outputs:
        """Name → array; raises `Malformed`."""
        return {name: _array(name, part) for name, part in (self.outputs or {}).items()}


class Frames:
    """Cuts what arrives into frames."""

    def __init__(self, limit: int = FRAME_BYTES) -> None:
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        """Every frame that is whole now, without its length; raises `Malformed` for one over the limit."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(buffer, start)
                if length > self._limit:
                    raise Malformed(f"Expected frames of at most {self._limit} bytes, got one of {length}.")
                end = start + _LENGTH.size + length
                if end > len(buffer):
                    return
                frame = bytes(memoryview(buffer)[start + _LENGTH.size : end])
                start = end
                yield frame
        finally:
            del buffer[:start]


def encode_call(
    number: int,
    batch: Batch,
    deadline: float,
    priority: int = NORMAL,
    *,
    alone: bool = False,
    trace: Trace | None = None,
    op: str = PREDICT,
) -> bytes:
    """The frame that asks for a prediction. Raises `Malformed` for what a host cannot be sent."""
    call = Call(id=number, op=op, rows=batch.rows, deadline=deadline, priority=priority, alone=alone)
    if trace is not None:
        call.traceparent, call.tracestate = trace.parent, trace.state
    if batch.matrix is not None:
        call.matrix = batch.matrix.tobytes()
        call.dtype = batch.matrix.dtype.str
    else:
        call.columns = {name: _part(array) for name, array in batch.columns.items()}
    return _frame(call)


def encode_cancel(number: int) -> bytes:
    return _frame(Call(id=number, op=CANCEL))


def encode_outputs(number: int, outputs: Outputs, *, part: bool = False, batch_rows: int = 0) -> bytes:
    """The frame with an answer, or a part of one. Raises `ModelOutputInvalid` for what cannot be sent."""
    ok = None if part else True
    try:
        arrays = {name: _part(array) for name, array in outputs.items()}
        return _frame(Reply(id=number, ok=ok, part=part, outputs=arrays, batch_rows=batch_rows))
    except Malformed as error:
        raise ModelOutputInvalid(f"The model's answer cannot be sent: {error.message}") from error


def encode_failure(number: int, code: str, error: str) -> bytes:
    return _frame(Reply(id=number, ok=False, code=code, error=error))


def encode_started(number: int) -> bytes:
    return _frame(Reply(id=number, started=True))


def encode_leaving() -> bytes:
    return _frame(Reply(leaving=True))


def decode_call(frame: bytes) -> Call:
    """Raises `Malformed`."""
    return _decode(_calls, frame)


def decode_reply(frame: bytes) -> Reply:
    """Raises `Malformed`."""
    return _decode(_replies, frame)


_calls = msgspec.msgpack.Decoder(Call)
_replies = msgspec.msgpack.Decoder(Reply)
_encoder = msgspec.msgpack.Encoder()


def _decode(decoder: msgspec.msgpack.Decoder[Message], frame: bytes) -> Message:
    try:
        return decoder.decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed(f"Expected a frame of the model hosts' protocol, got something else: {error}.") from error


def _frame(message: Call | Reply) -> bytes:
    buffer = bytearray(_LENGTH.size)
    try:
        _encoder.encode_into(message, buffer, _LENGTH.size)
    except (OverflowError, UnicodeEncodeError, msgspec.MsgspecError) as error:
        raise Malformed(f"Expected numbers, text, bytes or null, got something else: {error}.") from error
    length = len(buffer) - _LENGTH.size
    if length > FRAME_BYTES:
        raise Malformed(f"Expected at most {FRAME_BYTES} bytes for one call or answer, got {length}: send fewer rows.")
    _LENGTH.pack_into(buffer, 0, length)
    return bytes(buffer)


def _scalar(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    if type(plain) not in _SCALARS:
        raise Malformed(f"Expected numbers, text, bytes or null, got a value of type {type(value).__name__}.")
    return plain


def _part(array: Array) -> Part:
    name = array.dtype.str
    if _DTYPE.fullmatch(name):
        return Part(dtype=name, shape=array.shape, data=array.tobytes())
    if array.dtype.kind not in "OUS":
        raise Malformed(f"Expected numbers, text, bytes or times, got an array of {array.dtype}.")
    values = array.ravel().tolist()
    if not _SCALARS.issuperset(map(type, values)):
        values = [_scalar(value) for value in values]
    return Part(dtype=OBJECT, shape=array.shape, values=values)


def _array(name: str, part: Part) -> Array:
    count = math.prod(part.shape)
    try:
        if part.dtype == OBJECT and part.values is not None:
            if not _SCALARS.issuperset(map(type, part.values)):
                raise ValueError("a value that is no number, text, bytes or null")
            array = np.empty(len(part.values), object)
            array[:] = part.values
            return array.reshape(part.shape)
        dtype = _dtype(part.dtype)
        if part.data is None or count * dtype.itemsize != len(part.data):
            raise ValueError(f"{len(part.data or b'')} bytes do not make {part.shape} of {dtype}")
        return np.frombuffer(part.data, dtype).reshape(part.shape).copy()
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed(f"Expected the bytes of an array in {name!r}, got something else: {error}.") from error


@lru_cache(maxsize=256)
def _dtype(text: str) -> np.dtype[Any]:
    if not _DTYPE.fullmatch(text):
        raise ValueError(f"{text!r} is no dtype that may be sent")
    return np.dtype(text)
