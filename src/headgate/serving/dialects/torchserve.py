"""TorchServe's inference API, and what of its management API only reads.

Source: pytorch/serve, `docs/inference_api.md` and `docs/management_api.md`.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from headgate.errors import HeadgateError, NotFound, Unavailable
from headgate.records import Column
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Shown, Write, absent_in
from headgate.serving.dialects.forms import MULTIPART, URLENCODED, multipart_field, urlencoded_field
from headgate.serving.dialects.instances import INPUTS, INSTANCES, InstanceDecoder, parse_document
from headgate.serving.formats.format import NO_HEADERS, Array, Decode, Headers, Origin
from headgate.serving.formats.json import JsonDecoder
from headgate.serving.formats.texts import Texts
from headgate.serving.request_headers import media_type_of
from headgate.serving.responses import JSON, Whole, error_headers, head_of

VAGUE = ("", URLENCODED, "application/octet-stream")  # what curl says of a file, or of `-d`, may be JSON
FIELD = "data"
RAW = ("bytes", "string")
BARE = object()  # what is asked for with one row that came by itself
# TorchServe's names of exceptions, by status
TYPES = {
    400: "BadRequestException", 401: "InvalidKeyException", 403: "InvalidKeyException",
    404: "ResourceNotFoundException", 405: "MethodNotAllowedException", 413: "RequestEntityTooLargeException",
    503: "ServiceUnavailableException",
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
        kind, message = TYPES.get(status, "InternalServerException"), error.message
        absent = absent_in(error)
        if absent is not None and absent.version:
            kind = "ModelVersionNotFoundException"
            message = f"Model version: {absent.version} does not exist for model: {absent.endpoint}"
        elif absent is not None:
            kind, message = "ModelNotFoundException", f"Model not found: {absent.endpoint}"
        content = {"code": status, "type": kind, "message": message}
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
        if shown is None:
            raise NotFound("The path names no model.")
        several = question.version in ("", "all")
        wanted = list(dict.fromkeys(shown.versions)) if several else [shown.version_of(question.version)]
        return [description(shown, version) for version in wanted]


class BodyDecoder:
    """The decoder of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._documents, self._instances = JsonDecoder(contract), InstanceDecoder(contract)
        # the one cell that a body which is no JSON can be
        single = contract.features[0] if len(contract.features) == 1 else None
        self._single = single is not None and not single.shape
        self._cell = single if single is not None and single.dtype in RAW and not single.shape else None

    def decode(self, body: bytes | bytearray, headers: Headers = NO_HEADERS, /) -> Rows:
        """The rows of a body, or of a form's field `data`; raises `Malformed`, `SignatureMismatch` or `TooLarge`."""
        content_type = headers.get("content-type", b"")
        media_type = content_type.partition(b";")[0].strip().lower().decode("latin-1")
        field = None
        if media_type == MULTIPART:
            field = multipart_field(bytes(body), content_type, FIELD)
        elif media_type == URLENCODED:
            field = urlencoded_field(bytes(body), FIELD)
        if field is not None:
            body, media_type = field.content, media_type_of(field.content_type)
        if self._cell is None or media_type == JSON:
            return self._read(parse_document(body, lenient=True))
        return self._read_raw(bytes(body), self._cell, media_type)

    def _read(self, document: Any) -> Rows:
        if isinstance(document, dict) and document.keys() & {INSTANCES, INPUTS}:
            return self._instances.read(document)
        # a list of rows, or of the cells of the only column
        several = isinstance(document, list) and (
            self._single or all(isinstance(row, (list, dict)) for row in document)
        )
        rows = self._instances.read({INSTANCES: document if several else [document]})
        rows.asked = None if several else BARE
        return rows

    def _read_raw(self, body: bytes, column: Column, media_type: str) -> Rows:
        """Whatever it is as the only cell of the only row; JSON of rows where nobody says that it is not."""
        if media_type in VAGUE:
            try:
                document = parse_document(body)
            except HeadgateError:
                document = None
            if isinstance(document, (list, dict, str)):
                return self._read(document)
        rows = self._documents.read({"columns": {column.name: [raw_cell(body, column.dtype)]}})
        rows.asked = BARE
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
