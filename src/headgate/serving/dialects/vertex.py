"""Vertex AI's online predictions: `projects/{p}/locations/{l}/endpoints/{e}:predict` and `:rawPredict`.

Source: Google Cloud, REST reference of `projects.locations.endpoints.predict` and `rawPredict`.
"""

from collections.abc import Callable, Mapping

import orjson

from headgate.errors import HeadgateError
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Write
from headgate.serving.dialects.instances import InstanceDecoder, parse_object
from headgate.serving.formats.format import NO_HEADERS, Array, Decode, Headers, Origin
from headgate.serving.formats.texts import Texts
from headgate.serving.responses import JSON, Whole, error_headers, head_of

PATH = "/v1/projects/{project}/locations/{location}/endpoints/{endpoint}"
# Google's names of what a status means (google.rpc.Code)
NAMES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}  # fmt: skip


class Vertex:
    """The dialect."""

    name = "vertex"
    routes = (Route("POST", f"{PATH}:{PREDICT}", PREDICT), Route("POST", f"{PATH}:rawPredict", PREDICT))
    headers = ()
    inline_bytes = float("inf")

    def decoder(self, contract: Contract) -> Decode:
        """Decode `{"instances", "parameters"?}`."""
        reader = InstanceDecoder(contract)

        def decode(body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
            return reader.read_plain(body) or reader.read(parse_object(body))

        return decode

    def encoder(self, origin: Origin) -> Write:
        """Encode `{"predictions", "deployedModelId", "model", "modelDisplayName", "modelVersionId"}`."""
        head = head_of(200, JSON, origin.headers)
        model, _, number = origin.version.rpartition(":")
        about = orjson.dumps(
            {
                "deployedModelId": origin.version,
                "model": model,
                "modelDisplayName": model,
                "modelVersionId": number,
            }
        )

        def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
            texts = Texts(outputs["predictions"])
            return lambda _id, start, stop, _rows: (
                head,
                b'{"predictions":%b,%b' % (texts.part(start, stop), about[1:]),
            )

        return write

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """`{"error": {"code", "message", "status"}}`."""
        status = 400 if error.status in (415, 422) else error.status
        content = {"code": status, "message": error.message, "status": NAMES.get(status, "INTERNAL")}
        return head_of(status, JSON, error_headers(error)), orjson.dumps({"error": content})

    def tell(self, question: Question, node: Node) -> Whole:
        """Nothing: there are only predictions."""
        raise NotImplementedError(question.does, node)
