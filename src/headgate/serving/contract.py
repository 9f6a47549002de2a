"""An endpoint's contract, compiled once per route table: types for the decoder, and rows of values into a batch."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import starmap
from struct import Struct
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from headgate.records import Column, Dtype, Signature
from headgate.runtimes.batch import Batch
from headgate.runtimes.columns import column_array, matrix_dtype

FLOAT32_MAX = float(np.finfo(np.float32).max)
INTEGERS: dict[str, tuple[int, int]] = {
    kind: (int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
}


# how `struct` packs each dtype
CODES = {
    "float64": "d", "float32": "f", "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B",
    "uint16": "H", "uint32": "I", "uint64": "Q", "bool": "?",
}  # fmt: skip
# types made at run time: what a type checker cannot follow goes through these two
_ANNOTATED: Any = Annotated
_LIST: Any = list


class Unsigned64(int):
    """An integer below 2^64: the one width whose bounds msgspec cannot check itself."""


class Rows:
    """What one caller sent, validated: its rows of features in contract order."""

    __slots__ = ("content", "count", "ids", "others")

    def __init__(
        self,
        count: int,
        content: bytes | list[Any],
        ids: list[str] | None = None,
        others: dict[str, list[Any]] | None = None,
    ) -> None:
        self.count = count
        # the matrix, row by row, where all features have one dtype; else a sequence of values per row
        self.content = content
        # the caller's own row ids, one per row
        self.ids = ids
        # columns that are recorded and not given to the model: name → one value (or None) per row
        self.others = others


class Contract:
    """The columns that clients of one endpoint may and must send."""

    def __init__(self, signature: Signature, max_rows: int) -> None:
        self.signature = signature
        self.max_rows = max_rows
        self.features = signature.features
        self.others = tuple(column for column in signature.inputs if "feature" not in column.roles)
        self.names = tuple(column.name for column in self.features)
        self.columns = {column.name: column for column in signature.inputs}
        # columns that the model never sees may be missing
        self.types = {name: cell_type(column, column not in self.features) for name, column in self.columns.items()}
        # the one dtype of a matrix; whole numbers with nulls have no such dtype and go column by column
        dtype = matrix_dtype(signature)
        gaps = any(column.nullable for column in self.features)
        self.dtype = None if dtype is None or (gaps and dtype.kind != "f") else dtype

        # packing a row takes half as long as numpy takes to look at its values; it knows no nulls
        self._pack = None if self.dtype is None else Struct(f"={len(self.features)}{CODES[self.dtype.name]}").pack

    def rows(self, values: list[Any]) -> Rows:
        """Rows of validated values, packed while they are at hand: boxed numbers take ten times the room."""
        if self._pack is None:
            return Rows(len(values), values)
        try:
            return Rows(len(values), b"".join(starmap(self._pack, values)))
        except struct.error:
            return Rows(len(values), np.array(values, self.dtype).tobytes())

    def assemble(self, parts: Sequence[Rows]) -> Batch:
        """The rows of several callers, in order, as one batch; a matrix is read-only."""
        if self.dtype is not None:
            packed: list[Any] = [part.content for part in parts]
            content = packed[0] if len(packed) == 1 else b"".join(packed)
            return Batch(self.names, matrix=np.frombuffer(content, self.dtype).reshape(-1, len(self.names)))
        values = [row for part in parts for row in part.content]
        columns = zip(self.features, zip(*values, strict=True), strict=True)
        return Batch(self.names, columns={column.name: column_array(column, cells) for column, cells in columns})


def cell_type(column: Column, optional: bool = False) -> Any:
    """The type of one row's value, as msgspec checks it: no coercion, but a whole number is a fine float."""
    kind = _scalar_type(column.dtype)
    for size in reversed(column.shape):
        kind = list_of(kind) if size < 0 else list_of(kind, size, size)
    return kind | None if column.nullable or optional else kind


def _scalar_type(dtype: Dtype) -> Any:
    if dtype in INTEGERS:
        low, high = INTEGERS[dtype]
        return Annotated[int, Meta(ge=low, le=high)]
    if dtype == "float32":
        # beyond it a float32 is infinite
        return Annotated[float, Meta(ge=-FLOAT32_MAX, le=FLOAT32_MAX)]
    others: dict[str, Any] = {
        "uint64": Unsigned64, "float64": float, "bool": bool, "string": str, "bytes": bytes, "datetime": np.datetime64,
    }  # fmt: skip
    return others[dtype]


def list_of(kind: Any, low: int | None = None, high: int | None = None) -> Any:
    """The type of a list of that many values of a kind."""
    return _LIST[kind] if low is None else _ANNOTATED[_LIST[kind], Meta(min_length=low, max_length=high)]


def read_cell(kind: type, value: Any) -> Any:
    """msgspec's hook for the types it does not know; raises ValueError for what is none of them."""
    if kind is np.datetime64:
        return read_datetime(value)
    if kind is Unsigned64 and type(value) is int and 0 <= value < 1 << 64:
        return Unsigned64(value)
    raise ValueError(f"not a {kind.__name__}")


def read_datetime(value: Any) -> np.datetime64:
    """ISO 8601 text in microseconds of UTC; a time without a zone is taken as UTC. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("not ISO 8601 text")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError as error:
            raise ValueError("beyond year 1 to 9999 in UTC") from error
    return np.datetime64(moment, "us")
