"""The requests that are sent most, read in one pass: JSON with numbers of the contract's own type.

What is anything else, or wrong, is left to the decoder that reads everything and says what is wrong.
"""

from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Union

import msgspec
import numpy as np

from headgate.records import Column
from headgate.serving.cells import cell_type, list_of
from headgate.serving.contract import CODES, Contract, Rows
from headgate.serving.dialects.datatypes import NAMES, column_datatype
from headgate.serving.formats.json import JsonDecoder

# types made at run time: what a type checker cannot follow goes through this
_UNION: Any = Union


class PlainDecoder:
    """The decoder of one contract; of one whose columns have no common number type it reads nothing."""

    def __init__(self, contract: Contract) -> None:
        self._names, self._known = contract.names, frozenset(contract.names)
        self._width = len(contract.names)
        self._most = contract.max_rows
        # a matrix may have any name but that of a column
        self._columns = frozenset(contract.columns) if self._width > 1 else frozenset[str]()
        self._wide = contract.dtype == np.float64
        self._codes = codes_of(contract)
        self._parse: Callable[[bytes | bytearray], Any] | None = parser_of(contract) if self._codes else None

    def read(self, body: bytes | bytearray) -> tuple[Rows, Any] | None:
        """The rows and the rest of the request, or None for what is to be read in the other way."""
        if self._parse is None:
            return None
        try:
            request = self._parse(body)
            inputs = request.inputs
            content = self._matrix(inputs[0]) if len(inputs) == 1 else self._joined(inputs)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError, OverflowError):
            return None
        return None if content is None else (Rows(inputs[0].shape[0], content), request)

    def _matrix(self, tensor: Any) -> bytes | None:
        """One tensor [rows, features], flat or row by row."""
        shape, data = tensor.shape, tensor.data
        if len(shape) != 2 or shape[1] != self._width or tensor.name in self._columns:
            return None
        if data and type(data[0]) is list:
            data = list(chain.from_iterable(data))
        if not 0 < shape[0] <= self._most or len(data) != shape[0] * self._width:
            return None
        return self._packed(tensor.datatype, data)

    def _joined(self, inputs: Sequence[Any]) -> bytes | None:
        """A tensor [rows] or [rows, 1] for every column, all of one datatype."""
        named = {tensor.name: tensor for tensor in inputs}
        if len(inputs) != self._width or named.keys() != self._known or not inputs[0].shape:
            return None
        rows, kind = inputs[0].shape[0], inputs[0].datatype
        if not 0 < rows <= self._most or not all(is_column(tensor, rows, kind) for tensor in inputs):
            return None
        columns = (named[name].data for name in self._names)
        return self._packed(kind, chain.from_iterable(zip(*columns, strict=True)))

    def _packed(self, datatype: str, values: Iterable[Any]) -> bytes | None:
        """The values in the contract's dtype; a TypeError where a list is among them."""
        code = self._codes.get(datatype)
        if code is None:
            return None
        packed = array(code, values)
        if code != "f" or not self._wide:
            return packed.tobytes()
        wide = np.frombuffer(packed, np.float32).astype(np.float64)
        return wide.tobytes() if np.isfinite(wide).all() else None


class ColumnsDecoder:
    """Reads tensors in JSON as the columns of a table of several types, without an array for each."""

    def __init__(self, contract: Contract) -> None:
        mixed = contract.dtype is None and not any(column.shape for column in contract.features)
        self._kinds = {column.name: kinds_of(column) for column in contract.signature.inputs} if mixed else {}
        self._read = JsonDecoder(contract).read

    def read(self, inputs: Sequence[Any]) -> Rows | None:
        """The rows, or None for what is to be read in the other way; raises `SignatureMismatch` or `TooLarge`."""
        columns: dict[str, list[Any]] = {}
        for tensor in inputs:
            data = tensor.data
            if tensor.datatype not in self._kinds.get(tensor.name, ()) or not isinstance(data, list):
                return None
            if tensor.parameters or tensor.shape not in ([len(data)], [len(data), 1]) or any(map(is_list, data[:1])):
                return None
            columns[tensor.name] = data
        return self._read({"columns": columns}) if columns and len(columns) == len(inputs) else None


def kinds_of(column: Column) -> Collection[str]:
    """The datatypes whose JSON is that of a cell of the column."""
    if column.dtype in ("string", "datetime"):
        return ("BYTES",)
    if column.dtype == "bytes" or column.shape:
        return ()
    return ("FP64", "FP32") if column.dtype == "float32" else (column_datatype(column.dtype),)


def is_list(cell: Any) -> bool:
    """Does the data stand row by row?"""
    return isinstance(cell, list)


def is_column(tensor: Any, rows: int, datatype: str) -> bool:
    """Is it [rows] or [rows, 1] values of that datatype?"""
    return tensor.datatype == datatype and len(tensor.data) == rows and tensor.shape in ([rows], [rows, 1])


def codes_of(contract: Contract) -> Mapping[str, str]:
    """Datatype → the typecode in which its values are packed first; none where nothing is read in one pass."""
    dtype = contract.dtype
    if dtype is None or dtype.kind not in "if" and dtype.name not in ("uint8", "uint16", "uint32"):
        return {}
    if dtype.kind == "f":
        return {"FP32": "f", "FP64": CODES[dtype.name]}
    return {NAMES[dtype]: CODES[dtype.name]}


def parser_of(contract: Contract) -> Callable[[bytes | bytearray], Any]:
    """Parses requests whose data is what a cell of the contract may be, in one list or row by row."""
    cell = cell_type(Column(name="cell", dtype=contract.features[0].dtype))
    data = list_of(_UNION[cell, list_of(cell)])
    tensor: Any = msgspec.defstruct(
        "Tensor", [("name", str), ("shape", list[int]), ("datatype", str), ("data", data), ("parameters", Any, None)]
    )
    output: Any = msgspec.defstruct("Output", [("name", str), ("parameters", dict[str, Any] | None, None)])
    request = msgspec.defstruct(
        "Request",
        [
            ("inputs", list_of(tensor)),
            ("id", str, ""),
            ("parameters", dict[str, Any] | None, None),
            ("outputs", list_of(output) | None, None),
        ],
    )
    return msgspec.json.Decoder(request).decode
