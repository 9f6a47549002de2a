"""What SageMaker asks of a container: `/ping`, `/invocations`, and several models by name.

Source: AWS, "Custom inference code with hosting services" and "Contract for custom containers for multi-model
endpoints"; errors as Multi Model Server writes them.
"""

from typing import Any

import orjson

from headgate.errors import Forbidden, HeadgateError, NotFound, Unavailable
from headgate.serving.contract import Contract
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Shown, Write
from headgate.serving.dialects.sagemaker_bodies import INLINE_BYTES, BodyDecoder, answer_writer
from headgate.serving.formats.format import Decode, Origin
from headgate.serving.responses import JSON, Whole, error_headers, head_of

# Multi Model Server's names of exceptions, by status
TYPES = {
    400: "BadRequestException", 401: "InvalidKeyException", 403: "InvalidKeyException", 404: "ModelNotFoundException",
    405: "MethodNotAllowedException", 413: "RequestEntityTooLargeException", 503: "ServiceUnavailableException",
}  # fmt: skip


class SageMaker:
    """The dialect."""

    name = "sagemaker"
    routes = (
        Route("GET", "/ping", "ping", public=True),
        Route("POST", "/invocations", PREDICT),
        Route("GET", "/models", "models"),
        Route("POST", "/models", "change"),
        Route("GET", "/models/{endpoint}", "model"),
        Route("DELETE", "/models/{endpoint}", "change"),
        Route("POST", "/models/{endpoint}/invoke", PREDICT),
    )
    headers = ()
    inline_bytes = INLINE_BYTES

    def decoder(self, contract: Contract) -> Decode:
        """Decode JSON, CSV or JSON lines."""
        return BodyDecoder(contract).decode

    def encoder(self, origin: Origin) -> Write:
        """Encode what `Accept` asks for: JSON, CSV or JSON lines."""
        return answer_writer(origin, {})

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """`{"code", "type", "message"}`."""
        status = 400 if error.status == 422 else error.status
        content = {"code": status, "type": TYPES.get(status, "InternalServerException"), "message": error.message}
        return head_of(status, JSON, error_headers(error)), orjson.dumps(content)

    def tell(self, question: Question, node: Node) -> Whole:
        """Health, and which models there are; raises `Forbidden` for what would change them."""
        if question.does == "ping":
            if not node.ready:
                raise Unavailable("Not every model is ready.", retry_after=1.0)
            return head_of(200, JSON), b""
        if question.does == "change":
            raise Forbidden(
                "Loading and unloading models needs a permission that keys for predictions do not carry: "
                "make an endpoint with `headgate deploy MODEL`, end it with `headgate endpoint delete NAME`."
            )
        answer: Any = {"models": [model_of(shown) for shown in node.endpoints()]}
        if question.does == "model":
            answer = _of_one(question)
        return head_of(200, JSON), orjson.dumps(answer)


def model_of(shown: Shown) -> dict[str, str]:
    """An endpoint as one of the models of a container."""
    return {"modelName": shown.name, "modelUrl": f"headgate://{shown.table.variants[0].version}"}


def _of_one(question: Question) -> dict[str, str]:
    if question.endpoint is None:
        raise NotFound("The path names no model.")
    return model_of(question.endpoint)
