"""What rows are found by in a cache of answers: exactly what the model would be given, byte by byte."""

import struct
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from headgate.errors import SignatureMismatch
from headgate.runtimes.batch import Array, Batch
from headgate.serving.contract import Rows

# of one request: a picture of 224 by 224 has 600 KB, and a cache is to hold more than one
KEY_BYTES = 2 * 1024 * 1024
_LENGTH = struct.Struct("<Q").pack


def key_of(rows: Rows, assemble: Callable[[list[Rows]], Batch], most: int = KEY_BYTES) -> bytes | None:
    """The same for the same rows in any format, and for no others; None where they are too large to be kept.

    Nothing is guessed from values: each column comes with its dtype and shape, each text or bytes with its length.
    """
    content = rows.content
    if isinstance(content, bytes):
        return content if len(content) <= most else None
    if _weight(content) > most:
        return None
    try:
        columns = assemble([rows]).columns
    except SignatureMismatch:
        # whoever asks the model is told
        return None
    parts: list[bytes] = []
    for array in columns.values():
        parts += (repr((array.dtype.str, array.shape)).encode(), b"\n")
        parts += _cells(array) if array.dtype.hasobject else (array.tobytes(),)
    return b"".join(parts)


def _cells(array: Array) -> Iterable[bytes]:
    for cell in array.reshape(-1).tolist():
        if cell is None:
            yield b"n"
            continue
        kind, content = (b"b", cell) if isinstance(cell, bytes) else (b"s", cell.encode("utf-8", "surrogatepass"))
        yield kind + _LENGTH(len(content)) + content


def _weight(content: list[Any] | Batch) -> int:
    """About how many bytes a key of it has, told before anything is made of it."""
    if isinstance(content, Batch):
        return sum(map(_array_weight, content.columns.values()))
    return sum(_cell_weight(cell) for row in content for cell in row)


def _array_weight(array: Array) -> int:
    return sum(map(_cell_weight, array.reshape(-1).tolist())) if array.dtype.hasobject else array.nbytes


def _cell_weight(cell: Any) -> int:
    if isinstance(cell, str | bytes):
        return len(cell)
    if isinstance(cell, list | tuple | np.ndarray):
        # of one size each, where they are numbers
        first = cell[0] if len(cell) else 0.0
        return sum(map(_cell_weight, cell)) if isinstance(first, str | bytes) else len(cell) * _cell_weight(first)
    return 8
