"""Outputs as an Arrow table: one column each, several values per row as a list of fixed size."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headgate.serving.formats.format import Array, Origin


def answer_columns(outputs: Mapping[str, Array]) -> dict[str, Any]:
    """The outputs of all rows of a batch as Arrow arrays; raises ValueError or TypeError."""
    return {name: _column(array) for name, array in outputs.items()}


def _column(array: Array) -> Any:
    import pyarrow as pa

    column = _flat(np.ascontiguousarray(array.reshape(-1)))
    for size in reversed(array.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column


def _flat(array: Array) -> Any:
    """From the bytes of the array: `pyarrow.array` imports pandas where there is one, which takes a second."""
    import pyarrow as pa

    kind = array.dtype.kind
    if kind in "OUS":
        return _texts(array.tolist())
    if kind == "b":
        return pa.Array.from_buffers(pa.bool_(), len(array), [None, _bits(array)])
    if kind == "M":
        moments = array.astype("datetime64[us]")
        valid = None if not np.isnat(moments).any() else _bits(~np.isnat(moments))
        return pa.Array.from_buffers(pa.timestamp("us"), len(array), [valid, pa.py_buffer(moments.view(np.int64))])
    return pa.Array.from_buffers(pa.from_numpy_dtype(array.dtype), len(array), [None, pa.py_buffer(array)])


def _bits(flags: Array) -> Any:
    import pyarrow as pa

    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def _texts(cells: Sequence[Any]) -> Any:
    """Text, or bytes where the first cell is; other values as text."""
    import pyarrow as pa

    kind = pa.large_binary() if any(isinstance(cell, bytes) for cell in cells) else pa.large_string()
    parts = [_encoded(cell) for cell in cells]
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    valid = _bits(np.array([cell is not None for cell in cells], bool)) if None in cells else None
    return pa.Array.from_buffers(kind, len(parts), [valid, pa.py_buffer(offsets), pa.py_buffer(b"".join(parts))])


def _encoded(cell: Any) -> bytes:
    if cell is None:
        return b""
    return cell if isinstance(cell, bytes) else str(cell).encode()


def answer_batch(
    origin: Origin, columns: Mapping[str, Any], part: slice, request_id: str, ids: Sequence[str] | None
) -> Any:
    """The record batch of one caller's rows; whence it comes is in the metadata of its schema."""
    import pyarrow as pa

    named = {} if ids is None else {"id": _texts(ids)}
    named |= {name: column[part.start : part.stop] for name, column in columns.items()}
    told = {"headgate-id": request_id, "endpoint": origin.endpoint, "model": origin.version}
    return pa.RecordBatch.from_arrays(list(named.values()), names=list(named), metadata=told)
