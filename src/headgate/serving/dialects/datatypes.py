"""The datatypes of the Open Inference Protocol: wire name ↔ numpy, and tensors as raw bytes.

Raw tensors are little-endian and row-major; an element of `BYTES` is its length in four bytes, then itself. `BF16`,
which numpy does not know, is read as `float32`, and never written.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from headgate.errors import Malformed
from headgate.serving.formats.format import Array

DATATYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"), "UINT8": np.dtype("u1"), "UINT16": np.dtype("<u2"), "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"), "INT8": np.dtype("i1"), "INT16": np.dtype("<i2"), "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"), "FP16": np.dtype("<f2"), "FP32": np.dtype("<f4"), "FP64": np.dtype("<f8"),
    "BF16": np.dtype("<u2"), "BYTES": np.dtype("O"),
}  # fmt: skip
NAMES: dict[np.dtype[Any], str] = {kind: name for name, kind in DATATYPES.items() if name != "BF16"}
MOST_SIZES = 16
_LENGTH = struct.Struct("<I")


def datatype_of(dtype: np.dtype[Any]) -> str:
    """The wire name of a dtype: what is neither number nor truth value is text."""
    return NAMES.get(dtype.newbyteorder("<"), "BYTES")


def column_datatype(dtype: str) -> str:
    """The wire name of a column's dtype."""
    return "BYTES" if dtype in ("string", "bytes", "datetime") else NAMES[np.dtype(dtype).newbyteorder("<")]


def known(datatype: str) -> np.dtype[Any]:
    """The dtype of a wire name; raises `Malformed`."""
    dtype = DATATYPES.get(datatype)
    if dtype is None:
        raise Malformed(f"Expected a datatype out of {', '.join(DATATYPES)}, got {datatype[:64]!r}.")
    return dtype


def elements(shape: Sequence[int]) -> int:
    """How many a tensor of this shape has; raises `Malformed` for what is no shape."""
    if len(shape) > MOST_SIZES or any(size < 0 for size in shape):
        raise Malformed(f"Expected a shape of at most {MOST_SIZES} sizes, none below 0, got {list(shape[:8])}.")
    return math.prod(shape)


def read_raw(datatype: str, shape: Sequence[int], content: bytes | memoryview) -> Array:
    """A tensor of raw bytes, `BYTES` as an array of `bytes`; raises `Malformed` where they do not fill the shape."""
    dtype, count = known(datatype), elements(shape)
    if dtype.hasobject:
        return _objects(unpack(content, count)).reshape(shape)
    if len(content) != count * dtype.itemsize:
        raise Malformed(
            f"Expected {count * dtype.itemsize} bytes for a {datatype} tensor of shape {list(shape[:8])}, "
            f"got {len(content)}."
        )
    flat: Array = np.frombuffer(content, dtype)
    return (widen(flat) if datatype == "BF16" else flat).reshape(shape)


def write_raw(array: Array) -> bytes:
    """The raw bytes of a tensor; text is written in UTF-8."""
    if datatype_of(array.dtype) == "BYTES":
        return pack(array.ravel().tolist())
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def widen(halves: Array) -> Array:
    """`BF16` as `float32`: the upper half of its bits."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


def unpack(content: bytes | memoryview, count: int) -> list[bytes]:
    """So many `BYTES` elements; raises `Malformed` where there are more, fewer or cut ones."""
    found: list[bytes] = []
    place, end = 0, len(content)
    while place + 4 <= end and len(found) < count:
        (length,) = _LENGTH.unpack_from(content, place)
        place += 4 + length
        if place > end:
            break
        found.append(bytes(content[place - length : place]))
    if place != end or len(found) != count:
        raise Malformed(f"Expected {count} BYTES elements, each behind its length in 4 bytes, in {end} bytes.")
    return found


def pack(cells: Iterable[Any]) -> bytes:
    """`BYTES` elements, each behind its length."""
    parts: list[bytes] = []
    for cell in cells:
        content = cell if isinstance(cell, bytes) else str(cell).encode()
        parts += (_LENGTH.pack(len(content)), content)
    return b"".join(parts)


def texts(cells: Iterable[bytes]) -> list[str]:
    """Elements as text; raises `Malformed` for what is not UTF-8."""
    try:
        return [cell.decode() for cell in cells]
    except UnicodeDecodeError:
        raise Malformed("Expected UTF-8 in a BYTES element.") from None


def _objects(cells: Sequence[Any]) -> Array:
    # numpy would make fixed-width text of them, and lose NULs at their ends
    array = np.empty(len(cells), object)
    array[:] = cells
    return array
