"""KServe's first protocol: `/v1/models/{m}:predict`, and CloudEvents around it.

Source: KServe, `python/kserve/kserve/protocol/rest/v1_endpoints.py`; CloudEvents 1.0, HTTP protocol binding.
"""

import base64
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from headgate.errors import HeadgateError, Malformed, NotFound, NotSupported, Unavailable
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Write, absent_in
from headgate.serving.dialects.instances import InstanceDecoder, parse_object
from headgate.serving.formats.format import NO_HEADERS, Array, Decode, Headers, Origin
from headgate.serving.formats.texts import Texts
from headgate.serving.request_headers import media_type_of
from headgate.serving.responses import JSON, Whole, error_headers, head_of

EVENT = "application/cloudevents+json"
EVENT_TYPE = "io.kserve.inference.response"
ATTRIBUTES = frozenset(("specversion", "id", "source", "type"))  # that every event has
BINARY_ATTRIBUTES = frozenset(f"ce-{name}" for name in ATTRIBUTES)
STRUCTURED, BINARY = "structured", "binary"  # how whoever sent an event gets one
MODEL = "/v1/models/{endpoint}"


class KServe:
    """The dialect."""

    name = "kserve"
    routes = (
        Route("GET", "/", "alive", public=True),
        Route("GET", "/v1/models", "models"),
        Route("GET", MODEL, "model"),
        Route("POST", f"{MODEL}:{PREDICT}", PREDICT),
        Route("POST", f"{MODEL}:explain", "explain"),
    )
    headers = tuple(sorted(BINARY_ATTRIBUTES))
    inline_bytes = float("inf")

    def decoder(self, contract: Contract) -> Decode:
        """Decode `{"instances"}` or `{"inputs"}`, also as the data of an event."""
        reader = InstanceDecoder(contract)

        def decode(body: bytes | bytearray, headers: Headers = NO_HEADERS, /) -> Rows:
            rows = reader.read_plain(body)
            if rows is None:
                document = parse_object(body)
                if media_type_of(headers.get("content-type", b"")) == EVENT or document.keys() >= ATTRIBUTES:
                    rows = reader.read(data_of(document))
                    rows.asked = STRUCTURED
                    return rows
                rows = reader.read(document)
            if headers.keys() >= BINARY_ATTRIBUTES:
                rows.asked = BINARY
            return rows

        return decode

    def encoder(self, origin: Origin) -> Write:
        """Encode `{"predictions"}`, as an event to whoever sent one."""
        head = head_of(200, JSON, origin.headers)
        about = {"specversion": "1.0", "source": f"io.kserve.inference.{origin.endpoint}", "type": EVENT_TYPE}

        def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
            texts = Texts(outputs["predictions"])

            def whole(_id: str, start: int, stop: int, rows: Rows) -> Whole:
                body = b'{"predictions":%b}' % texts.part(start, stop)
                if rows.asked is None:
                    return head, body
                own = about | {"id": str(uuid.uuid4()), "time": datetime.now(UTC).isoformat()}
                if rows.asked == STRUCTURED:
                    data = own | {"datacontenttype": JSON, "data": orjson.Fragment(body)}
                    return head_of(200, EVENT, origin.headers), orjson.dumps(data)
                return head_of(200, JSON, origin.headers | {f"ce-{name}": text for name, text in own.items()}), body

            return whole

        return write

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """`{"error"}`; of a path that there is not as FastAPI says it."""
        status = 400 if error.status == 422 else error.status
        content = {"error": error.message}
        if (absent := absent_in(error)) is not None:
            content = {"error": f"Model with name {absent.endpoint} does not exist."}
        elif status == 404:
            content = {"detail": "Not Found"}
        return head_of(status, JSON, error_headers(error)), orjson.dumps(content)

    def tell(self, question: Question, node: Node) -> Whole:
        """Which models there are."""
        answer: Any = getattr(self, f"_{question.does}")(question, node)
        return head_of(200, JSON), orjson.dumps(answer)

    def _alive(self, _question: Question, _node: Node) -> Any:
        return {"status": "alive"}

    def _models(self, _question: Question, node: Node) -> Any:
        return {"models": [shown.name for shown in node.endpoints()]}

    def _model(self, question: Question, _node: Node) -> Any:
        if question.endpoint is None:
            raise NotFound("The path names no model.")
        if not question.endpoint.ready:
            raise Unavailable(f"Model with name {question.endpoint.name} is not ready.", retry_after=1.0)
        return {"name": question.endpoint.name, "ready": True}

    def _explain(self, _question: Question, _node: Node) -> Any:
        raise NotSupported("No explainer is deployed with this model; ask it with :predict.")


def data_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What a structured event carries; raises `Malformed`."""
    data = event.get("data")
    if isinstance(data, str):
        return parse_object(data.encode())
    if isinstance(encoded := event.get("data_base64"), str):
        try:
            return parse_object(base64.b64decode(encoded, validate=True))
        except ValueError:
            raise Malformed("The event's data_base64 is no base64.") from None
    if not isinstance(data, dict):
        raise Malformed("Expected an event whose data is an object with instances or inputs.")
    return data
