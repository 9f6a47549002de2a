"""TorchServe's inference API, and what of its management API only reads.

Source: pytorch/serve, `docs/inference_api.md` and `docs/management_api.md`.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from headgate.errors import HeadgateError, NotFound, Unavailable
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Shown, Write
from headgate.serving.dialects.instances import INPUTS, INSTANCES, InstanceDecoder
from headgate.serving.formats.format import NO_HEADERS, Array, Decode, Headers, Origin
from headgate.serving.formats.json import JsonDecoder
from headgate.serving.formats.second_look import parse
from headgate.serving.formats.texts import Texts
from headgate.serving.request_headers import media_type_of
from headgate.serving.responses import JSON, Whole, error_headers, head_of

JSONS = ("", JSON, "application/x-www-form-urlencoded")  # the last is what curl says of `-d`
RAW = ("bytes", "string")
BARE = object()  # what is asked for with one row that came by itself
# TorchServe's names of exceptions, by status
TYPES = {
    400: "BadRequestException", 401: "InvalidKeyException", 403: "InvalidKeyException", 404: "ModelNotFoundException",
    405: "MethodNotAllowedException", 413: "RequestEntityTooLargeException", 503: "ServiceUnavailableException",
}  # fmt: skip


class TorchServe:
    """The dialect."""

    name = "torchserve"
    routes = (
        Route("GET", "/ping", "ping", public=True),
        *(
            Route(method, path, PREDICT)
            for path in ("/predictions/{endpoint}", "/predictions/{endpoint}/{version}")
            for method in ("POST", "PUT")
        ),
        Route("GET", "/models", "models"),
        Route("GET", "/models/{endpoint}", "model"),
        Route("GET", "/models/{endpoint}/{version}", "model"),
    )
    headers = ()
    inline_bytes = float("inf")

    def decoder(self, contract: Contract) -> Decode:
        """Decode JSON, or what else it is as the one cell of a model that takes one."""
        return BodyDecoder(contract).decode

    def encoder(self, origin: Origin) -> Write:
        """Encode the predictions, a list, or the only one bare where one row came by itself."""
        head = head_of(200, JSON, origin.headers)

        def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
            texts = Texts(outputs["predictions"])

            def whole(_id: str, start: int, stop: int, rows: Rows) -> Whole:
                part = texts.part(start, stop)
                return head, part[1:-1] if rows.asked is BARE else part

            return whole

        return write

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """`{"code", "type", "message"}`."""
        status = 400 if error.status in (415, 422) else error.status
        kind = TYPES.get(status, "InternalServerException")
        content = {"code": status, "type": kind, "message": error.message}
        return head_of(status, JSON, error_headers(error)), orjson.dumps(content)

    def tell(self, question: Question, node: Node) -> Whole:
        """Health, and which models there are."""
        answer: Any = getattr(self, f"_{question.does}")(question, node)
        return head_of(200, JSON), orjson.dumps(answer)

    def _ping(self, _question: Question, node: Node) -> Any:
        if not node.ready:
            raise Unavailable("Unhealthy: not every model is ready.", retry_after=1.0)
        return {"status": "Healthy"}

    def _models(self, _question: Question, node: Node) -> Any:
        shown = node.endpoints()
        return {"models": [{"modelName": each.name, "modelUrl": each.table.variants[0].digest} for each in shown]}

    def _model(self, question: Question, _node: Node) -> Any:
        shown = question.endpoint
        if shown is None or (question.version not in ("", "all") and question.version not in shown.versions):
            raise NotFound(f"Model not found: {shown.name if shown else ''}")
        wanted = [question.version] if question.version in shown.versions else shown.versions
        return [description(shown, version) for version in wanted]


class BodyDecoder:
    """The decoder of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._documents, self._instances = JsonDecoder(contract), InstanceDecoder(contract)
        # the one cell that a body which is no JSON can be
        single = contract.features[0] if len(contract.features) == 1 else None
        self._cell = single if single is not None and single.dtype in RAW and not single.shape else None

    def decode(self, body: bytes | bytearray, headers: Headers = NO_HEADERS, /) -> Rows:
        """The rows of a body; raises `Malformed`, `SignatureMismatch` or `TooLarge`."""
        if self._cell is not None and media_type_of(headers.get("content-type", b"")) not in JSONS:
            rows = self._documents.read({"columns": {self._cell.name: [raw_cell(bytes(body), self._cell.dtype)]}})
            rows.asked = BARE
            return rows
        document = parse(body)
        if isinstance(document, dict) and document.keys() & {INSTANCES, INPUTS}:
            return self._instances.read(document)
        several = isinstance(document, list) and all(isinstance(row, (list, dict)) for row in document)
        rows = self._instances.read({INSTANCES: document if several else [document]})
        rows.asked = None if several else BARE
        return rows


def raw_cell(body: bytes, dtype: str) -> Any:
    """A body that is no JSON as a cell of our own JSON: text, or base64 of bytes."""
    return body.decode("utf-8", "replace") if dtype == "string" else base64.b64encode(body).decode()


def description(shown: Shown, version: str) -> dict[str, Any]:
    """A version as the management API tells of it."""
    return {
        "modelName": shown.name,
        "modelVersion": version,
        "runtime": "python",
        "loadedAtStartup": shown.ready,
        "workers": [{"status": "READY" if shown.ready else "LOADING"}],
    }
