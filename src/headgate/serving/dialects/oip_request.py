"""Requests of the Open Inference Protocol: JSON, JSON with binary tensors behind it, or the bytes of one tensor."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from headgate.errors import Malformed, SignatureMismatch
from headgate.runtimes.columns import BYTES as BYTES_COLUMN
from headgate.runtimes.columns import TEXT, TIME
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.datatypes import read_raw
from headgate.serving.dialects.oip_plain import ColumnsDecoder, PlainDecoder
from headgate.serving.dialects.oip_tensors import from_json
from headgate.serving.dialects.tensors import TensorDecoder
from headgate.serving.formats.format import NO_HEADERS, Array, Headers
from headgate.serving.formats.second_look import KEYS, has_more_colons, refuse_duplicates

HEADER_LENGTH = "inference-header-content-length"
ACCEPT = "accept-encoding"
SIZE = "binary_data_size"
RAW = b"0"
ONE_TENSOR = 5  # keys of the shortest request
_NONE: Mapping[str, Any] = {}
_MICRO = 1e-6


class Input(msgspec.Struct):
    """One tensor of a request."""

    name: str
    shape: list[Annotated[int, Meta(ge=0)]]
    datatype: str
    data: Any = None
    parameters: dict[str, Any] | None = None


class Output(msgspec.Struct):
    """One tensor that is asked for."""

    name: str
    parameters: dict[str, Any] | None = None


class Request(msgspec.Struct):
    """A body, or the part of it that is JSON."""

    inputs: list[Input]
    id: str = ""
    parameters: dict[str, Any] | None = None
    outputs: list[Output] | None = None


class Wanted(NamedTuple):
    """One output as it is asked for."""

    name: str
    binary: bool
    classes: int  # how many of the highest scores are asked for instead of the values; 0: the values


class Asked(NamedTuple):
    """How a caller wants its answer."""

    id: str = ""
    outputs: tuple[Wanted, ...] = ()  # none: all of them
    binary: bool = False  # all of them
    coding: bytes = b""  # in which the answer may be compressed


PLAIN, BINARY = Asked(), Asked(binary=True)
# clients that say which codings they take send nothing else more often than not
CODED = {coding: Asked(coding=coding) for coding in (b"gzip", b"deflate")}


_requests = msgspec.json.Decoder(Request)


class RequestDecoder:
    """The decoder of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._tensors = TensorDecoder(contract)
        self._plain = PlainDecoder(contract)
        self._columns = ColumnsDecoder(contract)
        self._parse = _requests.decode

    def decode(self, body: bytes | bytearray, headers: Headers = NO_HEADERS, /) -> Rows:
        """The rows of a body; raises `Malformed`, `SignatureMismatch` or `TooLarge`."""
        length = headers.get(HEADER_LENGTH)
        if length is None:
            plain = self._plain.read(body)
            if plain is not None:
                rows, request = plain
                check_keys(body, request)
                return self._with_wishes(rows, request, headers)
            return self._read(body, memoryview(b""), headers)
        if length.strip() == RAW:
            rows = self._tensors.read(self._raw(body))
            rows.asked = Asked(binary=True, coding=coding_of(headers.get(ACCEPT, b"")))
            return rows
        split = header_length(length, len(body))
        return self._read(body[:split], memoryview(body)[split:], headers)

    def _read(self, text: bytes | bytearray, blobs: memoryview, headers: Headers) -> Rows:
        try:
            request = self._parse(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"Expected an inference request as JSON: {error}.") from None
        check_keys(text, request)
        columns = None if blobs else self._columns.read(request.inputs)
        if columns is None:
            return self._with_wishes(self._tensors.read(arrays_of(request.inputs, blobs)), request, headers)
        return self._with_wishes(columns, request, headers)

    def _with_wishes(self, rows: Rows, request: Any, headers: Headers) -> Rows:
        if not (request.id or request.outputs or request.parameters):
            rows.asked = PLAIN if ACCEPT not in headers else CODED.get(coding_of(headers[ACCEPT]), PLAIN)
            return rows
        parameters = request.parameters or _NONE
        if is_alone(parameters) and not (request.id or request.outputs) and ACCEPT not in headers:
            rows.asked = BINARY
            return rows
        rows.asked = asked_of(request, parameters, headers)
        rows.timeout = timeout_of(parameters)
        return rows

    def _raw(self, body: bytes | bytearray) -> Mapping[str, Array]:
        """The body as the one tensor that the model takes."""
        features = self._contract.features
        column = features[0]
        if self._contract.dtype is None and len(features) > 1:
            raise Malformed(
                "A body of raw bytes needs a model with one input, or with columns of one number type: "
                "send tensors with names and a JSON header."
            )
        try:
            if self._contract.dtype is not None:
                return {"": np.frombuffer(body, self._contract.dtype).reshape(-1, len(features))}
            if column.dtype in (TEXT, BYTES_COLUMN, TIME):
                cell = np.empty(1, object)
                cell[0] = bytes(body)
                return {column.name: cell.reshape((1, *column.shape))}
            return {column.name: np.frombuffer(body, np.dtype(column.dtype)).reshape((1, *column.shape))}
        except ValueError as error:
            raise SignatureMismatch(f"The bytes of the body are no tensor that the model takes: {error}.") from None


def check_keys(text: bytes | bytearray, request: Any) -> None:
    """Raises `Malformed` where a key comes twice: of its values the parser has kept one, and nobody meant which."""
    fewest = 1 + 4 * len(request.inputs)
    # where one tensor makes the text long, its colons are all at the start
    if not (has_colon_beyond(text, fewest) if fewest == ONE_TENSOR else has_more_colons(text, fewest)):
        return
    keys = sum(3 + (tensor.data is not None) + keys_in(tensor.parameters) for tensor in request.inputs)
    if request.outputs is not None:
        keys += 1 + sum(1 + keys_in(output.parameters) for output in request.outputs)
    keys += 1 + bool(request.id) + keys_in(request.parameters)
    if not has_more_colons(text, keys) or len(KEYS.findall(text)) <= keys:
        return
    try:
        refuse_duplicates(text)
    except (ValueError, RecursionError) as error:
        # the typed parser passes over what nobody asked for, whatever it holds
        raise Malformed(f"Expected an inference request as JSON: {error}.") from None


def has_colon_beyond(text: bytes | bytearray, colons: int) -> bool:
    """Are there more colons than so few? In a long text the next one is found faster than all are counted."""
    place = -1
    for _ in range(colons + 1):
        place = text.find(b":", place + 1)
        if place < 0:
            return False
    return True


def keys_in(parameters: Mapping[str, Any] | None) -> int:
    """Its own name, and those in it."""
    return 0 if parameters is None else 1 + len(parameters)


def arrays_of(inputs: Sequence[Input], blobs: memoryview) -> dict[str, Array]:
    """Every tensor by its name; raises `Malformed` or `SignatureMismatch`."""
    arrays: dict[str, Array] = {}
    place = 0
    for tensor in inputs:
        if tensor.name in arrays:
            raise Malformed(f"The input {tensor.name[:64]!r} came twice.")
        size = binary_size(tensor, len(blobs) - place)
        content = None if size is None else blobs[place : place + size]
        place += size or 0
        arrays[tensor.name] = array_of(tensor, content)
    if place != len(blobs):
        raise Malformed(f"{len(blobs) - place} bytes follow the last binary tensor. Check {SIZE} of the inputs.")
    return arrays


def array_of(tensor: Input, content: memoryview | None) -> Array:
    """One tensor as an array of its shape."""
    if content is None and tensor.data is None:
        raise Malformed(f"The input {tensor.name[:64]!r} has no data.")
    try:
        if content is not None:
            return read_raw(tensor.datatype, tensor.shape, content)
        return from_json(tensor.datatype, tensor.shape, tensor.data)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise SignatureMismatch(
            f"The data of {tensor.name[:64]!r} is no {tensor.datatype} tensor of shape {tensor.shape[:8]}: {error}."
        ) from None


def binary_size(tensor: Input, rest: int) -> int | None:
    """How many of the remaining bytes are the tensor's, None where its data is JSON."""
    parameters = tensor.parameters or _NONE
    if "shared_memory_region" in parameters:
        raise Malformed(f"Shared memory is not read here: send the data of {tensor.name[:64]!r}, as binary data best.")
    size = parameters.get(SIZE)
    if size is None:
        return None
    if type(size) is not int or not 0 <= size <= rest:
        raise Malformed(
            f"Expected {SIZE} of {tensor.name[:64]!r} to be at most the {rest} bytes that are left behind the JSON "
            f"header (whose length is the header Inference-Header-Content-Length), got {str(size)[:32]}."
        )
    return size


def header_length(value: bytes, whole: int) -> int:
    """Bytes of JSON at the start of the body; raises `Malformed`."""
    if not value.isdigit() or len(value) > 10 or int(value) > whole:
        raise Malformed(
            f"Expected Inference-Header-Content-Length to be at most the {whole} bytes of the body, "
            f"got {ascii(value[:32].decode('latin-1'))}."
        )
    return int(value)


def is_alone(parameters: Mapping[str, Any]) -> bool:
    """Is all that is asked that the whole answer is binary?"""
    return len(parameters) == 1 and parameters.get("binary_data_output") is True


def asked_of(request: Any, parameters: Mapping[str, Any], headers: Headers) -> Asked:
    """How the caller wants its answer; raises `Malformed`."""
    if parameters.get("sequence_id"):
        raise Malformed("The models here keep no state between requests: send no sequence_id.")
    binary = flag(parameters, "binary_data_output", default=False)
    outputs = tuple(wanted(output.name, output.parameters or _NONE, binary) for output in request.outputs or ())
    if len({output.name for output in outputs}) < len(outputs):
        raise Malformed("An output is asked for twice.")
    return Asked(request.id, outputs, binary, coding_of(headers.get(ACCEPT, b"")))


def wanted(name: str, parameters: Mapping[str, Any], binary: bool) -> Wanted:
    """One output as it is asked for; raises `Malformed`."""
    if "shared_memory_region" in parameters:
        raise Malformed(f"Nothing is written to shared memory here: ask for {name[:64]!r} as binary_data.")
    classes = parameters.get("classification", 0)
    if type(classes) is not int or classes < 0:
        raise Malformed(f"Expected classification of {name[:64]!r} to be a number of classes, got {str(classes)[:32]}.")
    return Wanted(name, flag(parameters, "binary_data", default=binary), classes)


def flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """A parameter that is true or false; raises `Malformed`."""
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise Malformed(f"Expected the parameter {name} to be true or false, got {str(value)[:32]}.")
    return value


def timeout_of(parameters: Mapping[str, Any]) -> float | None:
    """Seconds that the caller waits, None where it does not say; raises `Malformed`."""
    given = parameters.get("timeout")
    if given is None or given == 0:
        return None
    if type(given) is not int or given < 0:
        raise Malformed(f"Expected the parameter timeout to be whole microseconds, got {str(given)[:32]}.")
    return given * _MICRO


@lru_cache(256)
def coding_of(accepted: bytes) -> bytes:
    """How an answer may be compressed, by `Accept-Encoding`: gzip, deflate or not at all."""
    codings = [part.replace(b" ", b"").partition(b";q=") for part in accepted.lower().split(b",")[:16]]
    allowed = {name for name, _, weight in codings if weight.rstrip(b"0.") or not weight}
    return next((name for name in (b"gzip", b"deflate") if name in allowed), b"")
