"""What passes between a worker and the process that reads tables for it: frames of msgpack over pipes."""

import struct
from typing import IO, Any

import msgspec
import numpy as np

from headgate.records import Signature
from headgate.serving.formats.format import Array

_SIZE = struct.Struct("<Q")


class Ask(msgspec.Struct, frozen=True):
    """How the body that follows is to be read."""

    form: str
    signature: Signature
    max_rows: int
    max_bytes: int
    largest: float | None = None


class Packed(msgspec.Struct, frozen=True):
    """An array: its bytes, or its cells where they are text or bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: Any  # bytes, or a list of str, bytes and None


class Answer(msgspec.Struct, frozen=True):
    """The columns by name, or the code of an error with what it says."""

    count: int = 0
    columns: dict[str, Packed] = {}
    code: str = ""
    message: str = ""
    detail: list[dict[str, Any]] = []


def pack(array: Array) -> Packed:
    """An array for the wire."""
    cells = array.reshape(-1)
    data = cells.tolist() if array.dtype.kind == "O" else cells.tobytes()
    return Packed(array.dtype.str, array.shape, data)


def unpack(packed: Packed) -> Array:
    """An array from the wire; raises ValueError or TypeError when it is none."""
    if isinstance(packed.data, bytes):
        return np.frombuffer(packed.data, np.dtype(packed.dtype)).reshape(packed.shape)
    array: Array = np.empty(len(packed.data), dtype=object)
    array[:] = packed.data
    return array.reshape(packed.shape)


def write_frame(stream: IO[bytes], content: bytes | bytearray) -> None:
    """Send one frame."""
    stream.write(_SIZE.pack(len(content)))
    stream.write(content)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes:
    """Receive one frame; raises EOFError when the other side has gone."""
    head = stream.read(_SIZE.size)
    content = stream.read(_SIZE.unpack(head)[0]) if len(head) == _SIZE.size else b""
    if len(head) < _SIZE.size or len(content) < _SIZE.unpack(head)[0]:
        raise EOFError("the other side has gone")
    return content
