"""An endpoint's contract, compiled once per route table: types for the decoder, and rows of values into a batch."""

import struct
from collections.abc import Sequence
from itertools import chain, starmap
from struct import Struct
from typing import Any

import numpy as np

from headgate.errors import SignatureMismatch
from headgate.records import Column, Limits, Signature
from headgate.runtimes.batch import Batch, concatenate
from headgate.runtimes.columns import column_array, matrix_dtype
from headgate.serving.cells import cell_type

MAX_BYTES = Limits().max_body_bytes
# how `struct` packs each dtype
CODES = {
    "float64": "d", "float32": "f", "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B",
    "uint16": "H", "uint32": "I", "uint64": "Q", "bool": "?",
}  # fmt: skip


class Rows:
    """What one caller sent, validated: its rows of features in contract order."""

    __slots__ = ("asked", "content", "count", "ids", "key", "others", "timeout")
    key: bytes | None  # of the cache of answers, which alone sets and reads it

    def __init__(
        self,
        count: int,
        content: bytes | list[Any] | Batch,
        ids: list[str] | None = None,
        others: dict[str, list[Any]] | None = None,
    ) -> None:
        self.count = count
        # the matrix, row by row, where all features have one dtype; else a sequence of values per row, or arrays
        self.content = content
        # the caller's own row ids, one per row
        self.ids = ids
        # columns that are recorded and not given to the model: name → one value (or None) per row
        self.others = others
        self.asked: Any = None  # how the caller chose to be answered: its dialect alone reads it
        self.timeout: float | None = None  # seconds that the body says its sender waits


class Contract:
    """The columns that clients of one endpoint may and must send."""

    def __init__(
        self, signature: Signature, max_rows: int, max_bytes: int = MAX_BYTES, largest: float | None = None
    ) -> None:
        self.signature = signature
        # number that the models behind the endpoint take at most, on either side of 0; None where they take any
        self.largest = largest
        self.max_rows = max_rows
        self.max_bytes = max_bytes  # of the rows of one request, however they are packed
        self.features = signature.features
        self.others = tuple(column for column in signature.inputs if "feature" not in column.roles)
        self.names = tuple(column.name for column in self.features)
        self.columns = {column.name: column for column in signature.inputs}
        # columns that the model never sees may be missing
        self.types = {
            name: cell_type(column, column not in self.features, self.largest_of(column))
            for name, column in self.columns.items()
        }
        # the one dtype of a matrix; whole numbers with nulls have no such dtype and go column by column
        dtype = matrix_dtype(signature)
        gaps = any(column.nullable for column in self.features)
        self.dtype = None if dtype is None or (gaps and dtype.kind != "f") else dtype
        # packing a row takes half as long as numpy takes to look at its values; it knows no nulls
        self._pack = None if self.dtype is None else Struct(f"={len(self.features)}{CODES[self.dtype.name]}").pack

    def largest_of(self, column: Column) -> float | None:
        """What the models bound of a column; None of one that they never see."""
        return self.largest if "feature" in column.roles else None

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
        contents: list[Any] = [part.content for part in parts]
        if self.dtype is not None:
            content = contents[0] if len(contents) == 1 else b"".join(contents)
            return Batch(self.names, matrix=np.frombuffer(content, self.dtype).reshape(-1, len(self.names)))
        if any(isinstance(content, Batch) for content in contents):
            return stack([self._batch(content) for content in contents])
        return self._batch(list(chain.from_iterable(contents)))

    def _batch(self, content: Any) -> Batch:
        if isinstance(content, Batch):
            return content
        columns = zip(self.features, zip(*content, strict=True), strict=True)
        return Batch(self.names, columns={column.name: column_array(column, cells) for column, cells in columns})


def stack(batches: Sequence[Batch]) -> Batch:
    """One batch of all rows, in order; raises `SignatureMismatch` where free dimensions differ."""
    try:
        return concatenate(batches)
    except ValueError as error:
        raise SignatureMismatch(f"The shapes of the rows differ: {error}.") from None
