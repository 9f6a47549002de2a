"""The inputs of a `ModelInferRequest` as rows: raw or typed tensors, and what else the sender asks for."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from headgate.errors import Malformed
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.datatypes import DATATYPES, elements, known, read_raw, texts
from headgate.serving.formats.format import Array

# where typed tensors stand
CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip
FLOATS = {name: DATATYPES[name] for name in ("FP32", "FP64")}
NOT_DONE = ("sequence_id", "sequence_start", "sequence_end", "shared_memory_region", "classification")


class PlainMatrix:
    """Reads what most clients send and what takes no looking at cells: one raw matrix of finite floats."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._width = len(contract.names)
        # of one column a tensor may also mean something else
        self._dtype = contract.dtype if self._width > 1 and contract.dtype in FLOATS.values() else None

    def read(self, request: Any) -> Rows | None:
        """The rows; None for whatever is not plain, which others read or refuse."""
        contents, inputs, own = request.raw_input_contents, request.inputs, self._dtype
        if own is None or len(contents) != 1 or len(inputs) != 1:
            return None
        tensor, content = inputs[0], contents[0]
        dtype = FLOATS.get(tensor.datatype)
        # a narrower float than the client's may not hold a value
        if dtype is None or dtype.itemsize > own.itemsize or not self._fits(tensor, len(content) / dtype.itemsize):
            return None
        cells: Array = np.frombuffer(content, dtype)
        if not math.isfinite(np.add.reduce(cells)):
            return None
        return Rows(tensor.shape[0], content if dtype == own else cells.astype(own).tobytes())

    def _fits(self, tensor: Any, cells: float) -> bool:
        """Is it a matrix of so many cells in rows of the contract, not too many of them, and nothing else?"""
        shape = tensor.shape
        if len(shape) != 2 or shape[1] != self._width or tensor.parameters or tensor.HasField("contents"):
            return False
        return bool(0 < shape[0] <= self._contract.max_rows and cells == shape[0] * self._width)


def parsed(parse: Callable[[bytes | bytearray], Any], body: bytes | bytearray) -> Any:
    """A message; raises `Malformed`."""
    try:
        return parse(body)
    except DecodeError as error:
        raise Malformed(f"The message cannot be read: {error}.") from None


def arrays_of(request: Any, binary: frozenset[str]) -> dict[str, Array]:
    """The inputs by name; raises `Malformed`."""
    raw, inputs = request.raw_input_contents, request.inputs
    if raw and (len(raw) != len(inputs) or any(tensor.HasField("contents") for tensor in inputs)):
        raise Malformed(f"Expected all {len(inputs)} inputs raw or none, got {len(raw)} raw contents.")
    arrays = {tensor.name: array_of(tensor, raw[place] if raw else None) for place, tensor in enumerate(inputs)}
    if len(arrays) != len(inputs):
        raise Malformed("Two inputs have one name.")
    for name in arrays.keys() - binary:
        if arrays[name].dtype.hasobject:
            arrays[name] = as_text(arrays[name])
    return arrays


def array_of(tensor: Any, raw: bytes | None) -> Array:
    """One tensor as an array of its shape; raises `Malformed`."""
    if tensor.parameters:
        refuse_unknown(tensor.parameters)
    if raw is not None:
        return read_raw(tensor.datatype, tensor.shape, raw)
    dtype, count = known(tensor.datatype), elements(tensor.shape)
    field = CONTENTS.get(tensor.datatype)
    if field is None:
        raise Malformed(f"{tensor.datatype} has no typed contents: send it raw.")
    cells = getattr(tensor.contents, field)
    if len(cells) != count:
        raise Malformed(f"Expected {count} values in {field} of {tensor.name[:64]!r}, got {len(cells)}.")
    if dtype.kind == "f" and len(tensor.contents.ListFields()) == 1:
        # as they are written, packed at the end, they are what numpy reads: hundreds of times faster than one by one
        return np.frombuffer(tensor.contents.SerializeToString()[-count * dtype.itemsize :], dtype).reshape(
            tensor.shape
        )
    array = np.empty(count, dtype)
    try:
        array[:] = cells
    except (OverflowError, ValueError) as error:
        raise Malformed(f"A value of {tensor.name[:64]!r} is no {tensor.datatype}: {error}.") from None
    return array.reshape(tensor.shape)


def as_text(array: Array) -> Array:
    """`BYTES` as text."""
    found = np.empty(array.size, object)
    found[:] = texts(array.ravel().tolist())
    return found.reshape(array.shape)


def waited(request: Any) -> float | None:
    """The seconds that the sender waits; raises `Malformed` for what it asks and nobody does here."""
    refuse_unknown(request.parameters)
    for output in request.outputs:
        refuse_unknown(output.parameters)
    if "timeout" not in request.parameters:
        return None
    given = request.parameters["timeout"]
    # in microseconds; 0 is none
    return (given.int64_param or given.uint64_param) / 1e6 or None


def refuse_unknown(parameters: Any) -> None:
    """What would change the answer is not left out silently."""
    for name in NOT_DONE:
        if name in parameters:
            raise Malformed(f"The parameter {name} is not understood here.")
