"""Named arrays of a client as the rows of a contract: one matrix under any name, or one array per column.

What fits without loss is taken: whole numbers as floats, floats that are whole as integers. NaN stands for a missing
value where the column takes one.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from headgate.errors import SignatureMismatch
from headgate.records import Column
from headgate.runtimes.batch import Batch
from headgate.runtimes.columns import fits_shape
from headgate.serving.cells import FLOAT32_MAX
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.format import Array
from headgate.serving.formats.json import JsonDecoder
from headgate.serving.problems import count_problem, expected_text, mismatch, problem


class TensorDecoder:
    """Reads the arrays of one contract's clients."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._documents = JsonDecoder(contract)
        self._nullable = np.array([column.nullable for column in contract.features])

    def read(self, arrays: Mapping[str, Array]) -> Rows:
        """The rows of arrays [rows], [rows, 1] or [rows, *shape] by column, or of one [rows, features].

        Raises `SignatureMismatch` or `TooLarge`.
        """
        if len(arrays) == 1 and (matrix := self._matrix(*next(iter(arrays.items())))) is not None:
            return self._from_matrix(matrix)
        columns = {name: self._column(name, array) for name, array in arrays.items()}
        self._check_names(columns)
        if (rows := self._from_numbers(columns)) is not None:
            return rows
        if self._contract.dtype is None or len(columns) > len(self._contract.names):
            return self._read_cells(columns)
        if len({len(array) for array in columns.values()}) != 1:
            raise SignatureMismatch("Expected arrays of one length, got: " + lengths_text(columns))
        return self._from_matrix(np.stack([columns[name] for name in self._contract.names], axis=1))

    def _matrix(self, name: str, array: Array) -> Array | None:
        """The array as [rows, features], if that is what it is."""
        width = len(self._contract.names)
        column = self._contract.columns.get(name)
        if column is not None and (width > 1 or column.shape):
            return None
        if array.ndim == 2 and array.shape[1] == width:
            return array
        if array.ndim == 1 and width == 1:
            return array[:, None]
        return array[None, :] if array.ndim == 1 and len(array) == width else None

    def _column(self, name: str, array: Array) -> Array:
        column = self._contract.columns.get(name)
        rank = 1 + (len(column.shape) if column is not None else 0)
        # no dimension at all: one row
        array = array.reshape(1) if array.ndim == 0 else array
        return array[..., 0] if array.ndim == rank + 1 and array.shape[-1] == 1 else array

    def _check_names(self, columns: Mapping[str, Array]) -> None:
        unknown = [name for name in columns if name not in self._contract.columns]
        missing = [column for column in self._contract.features if column.name not in columns]
        if unknown or missing:
            width = len(self._contract.names)
            wanted = f"a column of the contract, or one array [rows, {width}]"
            shapes = {name: list(array.shape) for name, array in columns.items()}
            raise mismatch(
                [problem(None, name, wanted, f"unknown column of shape {shapes[name]}") for name in unknown]
                + [problem(None, column.name, expected_text(column), "nothing") for column in missing]
            )
        for name, array in columns.items():
            column = self._contract.columns[name]
            if array.ndim != 1 + len(column.shape):
                got = f"an array of shape {list(array.shape)}"
                raise mismatch([problem(None, name, f"[rows] values: {expected_text(column)}", got)])

    def _from_matrix(self, matrix: Array) -> Rows:
        if (error := count_problem(self._contract, len(matrix))) is not None:
            raise error
        if self._contract.dtype is None:
            named = zip(self._contract.names, matrix.T, strict=True)
            return self._read_cells(dict(named))
        return Rows(len(matrix), self._cast(matrix, self._contract.dtype).tobytes())

    def _read_cells(self, columns: Mapping[str, Array]) -> Rows:
        return self._documents.read({"columns": {name: self._cells(name, array) for name, array in columns.items()}})

    def _from_numbers(self, columns: Mapping[str, Array]) -> Rows | None:
        """The arrays as they are, where the contract has columns of several types or shapes and all are numbers.

        None for what needs a closer look: it is then read cell by cell.
        """
        if self._contract.dtype is not None or len(columns) > len(self._contract.names):
            return None
        found = {}
        for column in self._contract.features:
            array = columns[column.name]
            if column.nullable or not fits_shape(array.shape[1:], column.shape) or not fits_exactly(array, column):
                return None
            # a copy: what is read from a body may lie at any address
            found[column.name] = array.astype(column.dtype)
        lengths = {len(array) for array in found.values()}
        if len(lengths) != 1 or count_problem(self._contract, *lengths) is not None:
            return None
        return Rows(lengths.pop(), Batch(self._contract.names, columns=found))

    def _cells(self, name: str, array: Array) -> list[Any]:
        """As a JSON document would hold them; a tensor's text is bytes, and its bytes may be text."""
        column = self._contract.columns.get(name)
        if array.dtype.kind != "O" or column is None:
            return cells_of(array)
        wanted = bytes if column.dtype == "bytes" else str
        cells = array.ravel().tolist()
        try:
            converted = [as_kind(wanted, cell) for cell in cells]
        except UnicodeDecodeError:
            row = next(row for row, cell in enumerate(cells) if isinstance(cell, bytes) and not is_text(cell))
            raise mismatch([problem(row, name, expected_text(column), "bytes that are no UTF-8")]) from None
        if array.ndim == 1:
            return converted
        flat = np.empty(array.size, object)
        flat[:] = converted
        shaped: list[Any] = flat.reshape(array.shape).tolist()
        return shaped

    def _cast(self, matrix: Array, dtype: np.dtype[Any]) -> Array:
        """The matrix in the contract's dtype; raises `SignatureMismatch` naming the first cell that does not fit."""
        if matrix.dtype.kind not in "biuf":
            raise self._misfit(0, 0, matrix)
        if matrix.dtype.kind == "f" and not np.isfinite(matrix).all():
            # nulls may stand only where a column takes them, and nothing is infinite
            bad = ~np.isfinite(matrix)
            if bad.any():
                bad &= ~(np.isnan(matrix) & self._nullable)
                self._refuse(bad, matrix)
        if self._contract.largest is not None:
            self._refuse(np.abs(matrix) > self._contract.largest, matrix)
        if matrix.dtype == dtype:
            return np.ascontiguousarray(matrix)
        if dtype.kind == "f":
            if dtype.itemsize < matrix.dtype.itemsize:
                self._refuse(np.abs(matrix) > FLOAT32_MAX, matrix)
            return matrix.astype(dtype)
        if dtype.kind == "b":
            self._refuse((matrix != 0) & (matrix != 1), matrix)
            return matrix.astype(dtype)
        bounds = np.iinfo(dtype)
        self._refuse((matrix < bounds.min) | (matrix > bounds.max) | (np.trunc(matrix) != matrix), matrix)
        return matrix.astype(dtype)

    def _refuse(self, bad: Array, matrix: Array) -> None:
        if bad.any():
            row, place = (int(index) for index in np.argwhere(bad)[0])
            raise self._misfit(row, place, matrix)

    def _misfit(self, row: int, place: int, matrix: Array) -> SignatureMismatch:
        column = self._contract.features[place]
        expected = expected_text(column, self._contract.largest)
        return mismatch([problem(row, column.name, expected, str(matrix[row, place])[:64])])


def cells_of(array: Array) -> list[Any]:
    """As a JSON document would hold them: null for NaN."""
    cells: list[Any] = array.tolist()
    return [None if cell != cell else cell for cell in cells] if array.dtype.kind == "f" and array.ndim == 1 else cells


def fits_exactly(array: Array, column: Column) -> bool:
    """Are these numbers that the column takes as they are, or as floats of its own?"""
    kind = array.dtype.kind
    if column.dtype not in ("float32", "float64"):
        return kind in "biu" and bool(array.dtype == column.dtype)
    if kind not in "iuf":
        return False
    if column.dtype == "float32" and array.dtype.itemsize > 4:
        return bool((np.abs(array) <= FLOAT32_MAX).all())
    return bool(np.isfinite(array).all())


def as_kind(wanted: type, cell: Any) -> Any:
    """Text as bytes or bytes as text, whichever is wanted; raises UnicodeDecodeError."""
    if isinstance(cell, bytes) and wanted is str:
        return cell.decode()
    return cell.encode() if isinstance(cell, str) and wanted is bytes else cell


def is_text(cell: bytes) -> bool:
    """Is it UTF-8?"""
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def lengths_text(columns: Mapping[str, Array]) -> str:
    """In a message: the first few."""
    return ", ".join(f"{name[:64]}: {len(array)}" for name, array in list(columns.items())[:5])
