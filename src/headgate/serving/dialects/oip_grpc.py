"""The Open Inference Protocol, version 2, over gRPC. https://github.com/kserve/open-inference-protocol

Bodies are messages; the head of an answer is metadata, and says which status an error has. Whoever sends raw tensors is
answered with raw ones, the others with typed ones.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from headgate import __version__
from headgate.errors import HeadgateError, MethodNotAllowed, NotFound, TooLarge
from headgate.records import Column
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.datatypes import column_datatype, datatype_of, write_raw
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Shown, Write
from headgate.serving.dialects.oip_inputs import CONTENTS, PlainMatrix, arrays_of, parsed, waited
from headgate.serving.dialects.oip_messages import SERVICE, message
from headgate.serving.dialects.tensors import TensorDecoder
from headgate.serving.formats.format import NO_HEADERS, Array, Decode, Headers, Origin
from headgate.serving.responses import Whole, error_headers

ModelInferRequest = message("ModelInferRequest")
ModelInferResponse = message("ModelInferResponse")
OutputTensor = message("ModelInferResponse.InferOutputTensor")
# status → that of gRPC; what is not here is INTERNAL
CODES = {
    400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 409: 9, 412: 9, 413: 8, 415: 3, 422: 3, 429: 8, 431: 8, 499: 1,
    503: 14, 504: 4,
}  # fmt: skip
INTERNAL = 13
# values of Triton's enumeration, beside the names of the protocol
CONFIGURED = (
    "INVALID", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64",
    "BYTES", "BF16",
)  # fmt: skip
REMEMBERED = 256  # shapes of answers


def _route(method: str, does: str, *, public: bool = False) -> Route:
    return Route(method, f"/{SERVICE}/{method}", does, public)


class OpenInferenceGrpc:
    """The dialect; its addresses are methods."""

    name = "oip-grpc"
    routes: tuple[Route, ...] = (
        _route("ServerLive", "live", public=True),
        _route("ServerReady", "ready", public=True),
        _route("ServerMetadata", "server"),
        _route("ModelReady", "model_ready"),
        _route("ModelMetadata", "model"),
        _route("ModelConfig", "config"),
        _route("RepositoryIndex", "index"),
        _route("RepositoryModelLoad", "load"),
        _route("RepositoryModelUnload", "unload"),
        _route("ModelInfer", PREDICT),
    )
    headers: tuple[str, ...] = ()
    inline_bytes = float("inf")

    def decoder(self, contract: Contract) -> Decode:
        """Decode a `ModelInferRequest`."""
        read, plain = TensorDecoder(contract).read, PlainMatrix(contract).read
        # these stay bytes; every other text is UTF-8
        binary = frozenset(name for name, column in contract.columns.items() if column.dtype == "bytes")
        parse, most = ModelInferRequest.FromString, contract.max_bytes

        def decode(body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
            if len(body) > most:
                raise TooLarge(f"The message is over {most} bytes.")
            request = parsed(parse, body)
            rows = plain(request)
            if rows is None:
                rows = read(arrays_of(request, binary))
            # what else is said is kept small: tensors are not held until the answer comes
            rows.asked = (
                request.id,
                bool(request.raw_input_contents),
                tuple(output.name for output in request.outputs),
            )
            if request.parameters or request.outputs:
                rows.timeout = waited(request)
            return rows

        return decode

    def encoder(self, origin: Origin) -> Write:
        """Encode a `ModelInferResponse`."""
        return Answers(origin).write

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """The status with our code beside it; the body is the sentence."""
        code = CODES.get(error.status, INTERNAL)
        more = "".join(f"{name}: {value}\r\n" for name, value in error_headers(error).items())
        return f"grpc-status: {code}\r\nheadgate-code: {error.code}\r\n{more}".encode("latin-1"), error.message.encode()

    def tell(self, question: Question, node: Node) -> Whole:
        """Health, and what there is."""
        answer: Any = getattr(self, f"_{question.does}")(question, node)
        return b"", answer.SerializeToString()

    def _live(self, _question: Question, _node: Node) -> Any:
        return message("ServerLiveResponse")(live=True)

    def _ready(self, _question: Question, node: Node) -> Any:
        return message("ServerReadyResponse")(ready=node.ready)

    def _server(self, _question: Question, node: Node) -> Any:
        extensions = ["model_repository", "model_configuration"]
        return message("ServerMetadataResponse")(name=node.name, version=__version__, extensions=extensions)

    def _model_ready(self, question: Question, _node: Node) -> Any:
        return message("ModelReadyResponse")(ready=named(question).ready)

    def _model(self, question: Question, _node: Node) -> Any:
        shown = named(question)
        return message("ModelMetadataResponse")(
            name=shown.name,
            versions=shown.versions,
            platform="headgate",
            inputs=map(described_column, features_of(shown)),
            outputs=map(described_column, shown.outputs),
        )

    def _config(self, question: Question, _node: Node) -> Any:
        shown = named(question)
        config = message("ModelConfig")(name=shown.name, platform="headgate", backend="headgate")
        # rows are the first dimension of every tensor, and not named
        config.max_batch_size = shown.table.spec.limits.max_rows
        for place, columns in ((config.input, features_of(shown)), (config.output, shown.outputs)):
            for column in columns:
                kind = CONFIGURED.index(column_datatype(column.dtype))
                place.add(name=column.name, data_type=kind, dims=column.shape or (1,))
        return message("ModelConfigResponse")(config=config)

    def _index(self, question: Question, node: Node) -> Any:
        asked = parsed(message("RepositoryIndexRequest").FromString, question.body)
        answer = message("RepositoryIndexResponse")()
        for shown in node.endpoints():
            for version in shown.versions:
                if shown.ready:
                    answer.models.add(name=shown.name, version=version, state="READY")
                elif not asked.ready:
                    answer.models.add(name=shown.name, version=version, state="UNAVAILABLE", reason="not loaded yet")
        return answer

    def _load(self, question: Question, _node: Node) -> Any:
        # whatever stands behind an endpoint is loaded, or on its way
        named(question)
        return message("RepositoryModelLoadResponse")()

    def _unload(self, question: Question, _node: Node) -> Any:
        shown = named(question)
        raise MethodNotAllowed(f"Versions are taken out by the control plane: headgate endpoint delete {shown.name}.")


class Answers:
    """The answers of one version behind one endpoint."""

    def __init__(self, origin: Origin) -> None:
        self._head = "".join(f"{name}: {value}\r\n" for name, value in origin.headers.items()).encode("latin-1")
        self._begin = {"model_name": origin.endpoint, "model_version": origin.version.rpartition(":")[2]}
        # messages that follow each other are one: what says of which shape the outputs are is made once
        self._described: dict[tuple[Any, ...], bytes] = {}

    def write(self, outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
        """The outputs of a batch, ready to be cut."""
        return partial(self._whole, [Part(name, array) for name, array in outputs.items()])

    def _whole(self, every: Sequence["Part"], own_id: str, start: int, stop: int, rows: Rows) -> Whole:
        request_id, raw, wanted = rows.asked
        parts = [part for part in every if part.name in wanted] if wanted else every
        # who gives no id of its own is told ours there, and needs no metadata
        said_id, head = (request_id, self._head) if request_id else (own_id, b"")
        if not raw:
            return head, typed(self._begin, said_id, {part.name: part.array[start:stop] for part in parts})
        contents = ModelInferResponse(id=said_id, raw_output_contents=[part.raw(start, stop) for part in parts])
        return head, self._describe(parts, stop - start) + contents.SerializeToString()

    def _describe(self, parts: Sequence["Part"], count: int) -> bytes:
        key = (count, *(part.kind for part in parts))
        said = self._described.get(key)
        if said is None:
            tensors = [part.described(count) for part in parts]
            said = ModelInferResponse(**self._begin, outputs=tensors).SerializeToString()
            if len(self._described) < REMEMBERED:
                self._described[key] = said
        return said


class Part:
    """One output of a batch, ready to be cut into what its callers get."""

    __slots__ = ("_raw", "_stride", "array", "kind", "name")

    def __init__(self, name: str, array: Array) -> None:
        self.name = name
        self.array = array
        self.kind = (name, array.dtype, array.shape[1:])
        self._stride = 0 if datatype_of(array.dtype) == "BYTES" else array.itemsize * math.prod(array.shape[1:])
        self._raw = write_raw(array) if self._stride else b""

    def raw(self, start: int, stop: int) -> bytes:
        """The bytes of some rows."""
        stride = self._stride
        return self._raw[start * stride : stop * stride] if stride else write_raw(self.array[start:stop])

    def described(self, count: int) -> Any:
        """The tensor of so many rows, without its contents."""
        return tensor_of(self.name, self.array[:count])


def named(question: Question) -> Shown:
    """The endpoint of a question; raises `NotFound`."""
    shown = question.endpoint
    if shown is None:
        raise NotFound("The call names no model, and there is no default one.")
    if question.version and question.version not in shown.versions:
        raise NotFound(f"Request for unknown model: '{shown.name}' version {question.version[:64]} is not found")
    return shown


def tensor_of(name: str, array: Array) -> Any:
    """One output, without its contents."""
    return OutputTensor(name=name, datatype=datatype_of(array.dtype), shape=array.shape)


def typed(begin: Mapping[str, str], request_id: str, arrays: Mapping[str, Array]) -> bytes:
    """An answer with typed contents."""
    answer = ModelInferResponse(**begin, id=request_id)
    for name, array in arrays.items():
        tensor = tensor_of(name, array)
        if tensor.datatype == "FP16":
            tensor.datatype, array = "FP32", array.astype(np.float32)
        cells = array.ravel().tolist()
        if tensor.datatype == "BYTES":
            cells = [cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells]
        getattr(tensor.contents, CONTENTS[tensor.datatype]).extend(cells)
        answer.outputs.append(tensor)
    said: bytes = answer.SerializeToString()
    return said


def features_of(shown: Shown) -> list[Column]:
    """The columns that the model is given."""
    return [column for column in shown.table.contract.inputs if "feature" in column.roles]


def described_column(column: Column) -> Any:
    """A column as a tensor of metadata."""
    return message("ModelMetadataResponse.TensorMetadata")(
        name=column.name, datatype=column_datatype(column.dtype), shape=[-1, *column.shape]
    )
