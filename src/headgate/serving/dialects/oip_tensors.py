"""Tensors of the Open Inference Protocol: their datatypes, and arrays from and to JSON and raw bytes.

Source: triton-inference-server/server, `docs/protocol/extension_binary_data.md`.
"""

import math
import struct
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from headgate.serving.formats.format import Array

BYTES, BF16 = "BYTES", "BF16"
DATATYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"), "UINT8": np.dtype("u1"), "UINT16": np.dtype("<u2"), "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"), "INT8": np.dtype("i1"), "INT16": np.dtype("<i2"), "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"), "FP16": np.dtype("<f2"), "FP32": np.dtype("<f4"), "FP64": np.dtype("<f8"),
    # numpy has no such numbers: they are the upper halves of float32
    BF16: np.dtype("<u2"),
    BYTES: np.dtype("O"),
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DATATYPES.items() if name not in (BYTES, BF16)}
# what may stand in JSON for values of each kind of dtype
_CELLS: dict[str, Any] = {
    "b": list[bool], "i": list[int | None], "u": list[int | None], "f": list[float | None], "O": list[str | None],
}  # fmt: skip
_LENGTH = struct.Struct("<I")


def datatype_of(dtype: np.dtype[Any]) -> str:
    """What the protocol calls values of this dtype: text, bytes and times are BYTES."""
    return NAMES.get(dtype, BYTES)


def from_json(datatype: str, shape: Sequence[int], data: Any) -> Array:
    """The values as an array of that shape, flat or nested in row-major order; raises ValueError."""
    if datatype == BF16:
        raise ValueError("BF16 has no form in JSON, send it as binary data")
    flat = _flat([data] if isinstance(data, str) else data)
    _check_count(shape, len(flat))
    dtype = DATATYPES[datatype]
    # strict: text is no number, 1.5 no integer
    cells = msgspec.convert(flat, _CELLS[dtype.kind])
    with np.errstate(over="ignore"):
        return np.array(cells, np.dtype("O") if dtype.kind in "iu" and None in cells else dtype).reshape(shape)


def from_bytes(datatype: str, shape: Sequence[int], content: memoryview) -> Array:
    """The values as an array of that shape; raises ValueError."""
    if datatype == BYTES:
        parts = _split(content, math.prod(shape))
        array = np.empty(len(parts), object)
        array[:] = parts
        return array.reshape(shape)
    dtype = DATATYPES[datatype]
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(
            f"{math.prod(shape)} values take {math.prod(shape) * dtype.itemsize} bytes, not {len(content)}"
        )
    array = np.frombuffer(content, dtype).reshape(shape)
    if datatype == BF16:
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array


def to_bytes(array: Array) -> bytes:
    """All values in row-major order, little-endian; text with its length before it."""
    if datatype_of(array.dtype) != BYTES:
        return array.tobytes()
    encoded = [_encoded(cell) for cell in plain_cells(array)]
    return b"".join(chain.from_iterable((_LENGTH.pack(len(cell)), cell) for cell in encoded))


def plain_cells(array: Array) -> list[Any]:
    """The values of what is written as BYTES, in row-major order: text, bytes or None."""
    if array.dtype.kind == "M":
        array = array.astype("datetime64[us]")
    cells: list[Any] = array.ravel().tolist()
    return [cell.isoformat() if isinstance(cell, datetime) else cell for cell in cells]


def _encoded(cell: Any) -> bytes:
    if cell is None:
        return b""
    return cell if isinstance(cell, bytes) else str(cell).encode()


def _flat(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise ValueError("data is no list")
    cells: list[Any] = data
    while cells and isinstance(cells[0], list):
        if not all(isinstance(part, list) for part in cells):
            raise ValueError("data holds lists and values side by side")
        cells = list(chain.from_iterable(cells))
    return cells


def _check_count(shape: Sequence[int], count: int) -> None:
    if math.prod(shape) != count:
        raise ValueError(f"the shape means {math.prod(shape)} values, there are {count}")


def _split(content: memoryview, count: int) -> list[bytes]:
    # before anything is made of what the client merely claims
    if _LENGTH.size * count > len(content):
        raise ValueError(f"{count} values do not fit into {len(content)} bytes")
    parts, place = [], 0
    for _ in range(count):
        begin = place + _LENGTH.size
        if begin > len(content):
            raise ValueError("it ends within the length of a value")
        place = begin + _LENGTH.unpack_from(content, begin - _LENGTH.size)[0]
        if place > len(content):
            raise ValueError("a value reaches beyond its end")
        parts.append(bytes(content[begin:place]))
    if place != len(content):
        raise ValueError(f"{len(content) - place} bytes follow the last value")
    return parts
