"""Tensors of the Open Inference Protocol in JSON, and the values that stand for text, bytes and times."""

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from headgate.serving.dialects.datatypes import datatype_of, known, pack, write_raw
from headgate.serving.formats.format import Array

BYTES, BF16 = "BYTES", "BF16"
# what may stand in JSON for values of each kind of dtype
_CELLS: dict[str, Any] = {
    "b": list[bool], "i": list[int | None], "u": list[int | None], "f": list[float | None], "O": list[str | None],
}  # fmt: skip


def from_json(datatype: str, shape: Sequence[int], data: Any) -> Array:
    """The values as an array of that shape, flat or nested in row-major order; raises ValueError or `Malformed`."""
    dtype = known(datatype)
    if datatype == BF16:
        raise ValueError("BF16 has no form in JSON, send it as binary data")
    flat = _flat([data] if isinstance(data, str) else data)
    if math.prod(shape) != len(flat):
        raise ValueError(f"the shape means {math.prod(shape)} values, there are {len(flat)}")
    # strict: text is no number, 1.5 no integer
    cells = msgspec.convert(flat, _CELLS[dtype.kind])
    with np.errstate(over="ignore"):
        return np.array(cells, np.dtype("O") if dtype.kind in "iu" and None in cells else dtype).reshape(shape)


def to_bytes(array: Array) -> bytes:
    """All values in row-major order, as binary tensors have them; nothing for what is missing."""
    if datatype_of(array.dtype) != BYTES:
        return write_raw(array)
    return pack("" if cell is None else cell for cell in plain_cells(array))


def plain_cells(array: Array) -> list[Any]:
    """The values of what is written as BYTES, in row-major order: text, bytes or None."""
    if array.dtype.kind == "M":
        array = array.astype("datetime64[us]")
    cells: list[Any] = array.ravel().tolist()
    return [cell.isoformat() if isinstance(cell, datetime) else cell for cell in cells]


def _flat(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise ValueError("data is no list")
    cells: list[Any] = data
    while cells and isinstance(cells[0], list):
        if not all(isinstance(part, list) for part in cells):
            raise ValueError("data holds lists and values side by side")
        cells = list(chain.from_iterable(cells))
    return cells
