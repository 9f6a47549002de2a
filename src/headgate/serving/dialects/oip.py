"""Open Inference Protocol v2 over HTTP, as Triton, MLServer and KServe speak it.

Source: kserve/open-inference-protocol, `specification/protocol/inference_rest.md`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
import orjson

from headgate import __version__
from headgate.errors import HeadgateError, Malformed, NotFound, SignatureMismatch, Unavailable
from headgate.records import Column
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Shown, Write
from headgate.serving.dialects.tensors import TensorDecoder
from headgate.serving.formats.format import NO_HEADERS, Array, Decode, Headers, Origin
from headgate.serving.responses import JSON, Whole, error_headers, head_of

MODEL = "/v2/models/{endpoint}"
VERSION = f"{MODEL}/versions/{{version}}"
DATATYPES = {
    "BOOL": np.bool_, "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64,
    "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64, "FP32": np.float32, "FP64": np.float64,
    "BYTES": np.object_,
}  # fmt: skip
NAMES = {np.dtype(kind): name for name, kind in DATATYPES.items()}


class Input(msgspec.Struct):
    """One tensor of a request."""

    name: str
    shape: list[int]
    datatype: str
    data: Any = None
    parameters: dict[str, Any] = {}


class Output(msgspec.Struct):
    """One tensor that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


class Request(msgspec.Struct):
    """A body."""

    inputs: list[Input]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[Output] | None = None


_requests = msgspec.json.Decoder(Request)


class OpenInference:
    """The dialect."""

    name = "oip"
    routes = (
        Route("GET", "/v2", "server"),
        Route("GET", "/v2/", "server"),
        Route("GET", "/v2/health/live", "live", public=True),
        Route("GET", "/v2/health/ready", "ready", public=True),
        Route("GET", "/v2/models", "models"),
        *(
            route
            for path in (MODEL, VERSION)
            for route in (
                Route("GET", path, "model"),
                Route("GET", f"{path}/ready", "model_ready"),
                Route("POST", f"{path}/infer", PREDICT),
            )
        ),
    )
    headers = ("inference-header-content-length",)
    inline_bytes = float("inf")

    def decoder(self, contract: Contract) -> Decode:
        """Decode a request with tensors."""
        read = TensorDecoder(contract).read

        def decode(body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
            try:
                request = _requests.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise Malformed(f"Expected an inference request as JSON: {error}.") from None
            rows = read({tensor.name: array_of(tensor) for tensor in request.inputs})
            rows.asked = request
            return rows

        return decode

    def encoder(self, origin: Origin) -> Write:
        """Encode `{"model_name", "model_version", "id"?, "outputs"}`."""
        head = head_of(200, JSON, origin.headers)
        begin = orjson.dumps({"model_name": origin.endpoint, "model_version": origin.version.rpartition(":")[2]})[:-1]

        def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
            def whole(_id: str, start: int, stop: int, rows: Rows) -> Whole:
                asked: Request = rows.asked
                own = b"" if not asked.id else b',"id":%b' % orjson.dumps(asked.id)
                tensors = [tensor_of(name, outputs[name][start:stop]) for name in wanted(asked, outputs)]
                return head, b'%b%b,"outputs":[%b]}' % (begin, own, b",".join(tensors))

            return whole

        return write

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """`{"error"}`."""
        status = 400 if error.status == 422 else error.status
        return head_of(status, JSON, error_headers(error)), orjson.dumps({"error": error.message})

    def tell(self, question: Question, node: Node) -> Whole:
        """Health, and what there is."""
        answer: Any = getattr(self, f"_{question.does}")(question, node)
        return head_of(200, JSON), orjson.dumps(answer)

    def _server(self, _question: Question, node: Node) -> Any:
        return {"name": node.name, "version": __version__, "extensions": []}

    def _live(self, _question: Question, _node: Node) -> Any:
        return {"live": True}

    def _ready(self, _question: Question, node: Node) -> Any:
        if not node.ready:
            raise Unavailable("Not every endpoint has a usable version yet.", retry_after=1.0)
        return {"ready": True}

    def _models(self, _question: Question, node: Node) -> Any:
        return {"models": [shown.name for shown in node.endpoints()]}

    def _model(self, question: Question, _node: Node) -> Any:
        shown = named(question)
        table = shown.table
        return {
            "name": shown.name,
            "versions": shown.versions,
            "platform": "headgate",
            "inputs": [describe(column) for column in table.contract.inputs if "feature" in column.roles],
            "outputs": [describe(column) for column in shown.outputs],
        }

    def _model_ready(self, question: Question, _node: Node) -> Any:
        shown = named(question)
        if not shown.ready:
            raise Unavailable(f"{shown.name} does not answer yet.", retry_after=1.0)
        return {"name": shown.name, "ready": True}


def named(question: Question) -> Shown:
    """The endpoint of a question; raises `NotFound` where it names a version that is not behind it."""
    shown = question.endpoint
    if shown is None:
        raise NotFound("The path names no model, and there is no default one.")
    if question.version and question.version not in shown.versions:
        raise NotFound(f"Request for unknown model: '{shown.name}' version {question.version[:64]} is not found")
    return shown


def array_of(tensor: Input) -> Array:
    """The tensor as an array of its shape; raises `Malformed` or `SignatureMismatch`."""
    dtype = DATATYPES.get(tensor.datatype)
    if dtype is None:
        raise Malformed(f"Expected a datatype out of {', '.join(DATATYPES)}, got {tensor.datatype[:64]!r}.")
    if tensor.data is None:
        raise Malformed(f"The input {tensor.name[:64]!r} has no data.")
    try:
        return np.array(tensor.data, dtype=dtype).reshape(tensor.shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise SignatureMismatch(
            f"The data of {tensor.name[:64]!r} is no {tensor.datatype} tensor of shape {tensor.shape[:8]}: {error}."
        ) from None


def wanted(asked: Request, outputs: Mapping[str, Array]) -> list[str]:
    """The names of the outputs that are asked for: all, where none are; raises ValueError for one there is not."""
    if not asked.outputs:
        return list(outputs)
    return [output.name for output in asked.outputs if output.name in outputs]


def tensor_of(name: str, array: Array) -> bytes:
    """One output as JSON, its data flat."""
    kind = NAMES.get(array.dtype, "BYTES")
    shape = b",".join(b"%d" % size for size in array.shape)
    flat = np.ascontiguousarray(array).ravel()
    data = orjson.dumps(flat if kind != "BYTES" else flat.tolist(), option=orjson.OPT_SERIALIZE_NUMPY)
    return b'{"name":%b,"datatype":"%b","shape":[%b],"data":%b}' % (orjson.dumps(name), kind.encode(), shape, data)


def describe(column: Column) -> dict[str, Any]:
    """A column as a tensor of metadata."""
    kinds = {"string": "BYTES", "bytes": "BYTES", "datetime": "BYTES", "bool": "BOOL"}
    kind = kinds.get(column.dtype) or NAMES[np.dtype(column.dtype)]
    return {"name": column.name, "datatype": kind, "shape": [-1, *column.shape]}
