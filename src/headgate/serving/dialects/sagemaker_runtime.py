"""SageMaker's runtime API, as `boto3.client("sagemaker-runtime")` speaks it.

Source: AWS, InvokeEndpoint and InvokeEndpointWithResponseStream; botocore's model of them.
"""

import re
from collections.abc import Callable, Mapping

import orjson

from headgate.errors import (
    Forbidden,
    HeadgateError,
    InvalidName,
    MethodNotAllowed,
    NotFound,
    NotSupported,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import PREDICT, STREAM, Directions, Node, Question, Route, Write
from headgate.serving.dialects.sagemaker_bodies import INLINE_BYTES, LINES, BodyDecoder, answer_writer
from headgate.serving.dialects.sagemaker_events import EVENTS, MEDIA_TYPE, whole_writer
from headgate.serving.formats.events import Events
from headgate.serving.formats.format import Array, Decode, Headers, Origin
from headgate.serving.request_headers import given_id
from headgate.serving.responses import JSON, Whole, error_headers, head_of
from headgate.serving.signatures import MISSING

OF_SAGEMAKER = "x-amzn-sagemaker-"
VARIANT, MODEL, COMPONENT, INFERENCE_ID, ATTRIBUTES = (
    f"{OF_SAGEMAKER}{name}"
    for name in ("target-variant", "target-model", "inference-component", "inference-id", "custom-attributes")
)
# what SageMaker does and this server does not
REFUSED = tuple(f"{OF_SAGEMAKER}{name}" for name in ("target-container-hostname", "enable-explanations", "session-id"))
ANY_VARIANT = "AllTraffic"  # how SageMaker's own tools call the only variant that they make
_ATTRIBUTES = re.compile(rb"[ -~]{0,1024}", re.ASCII)
# error → status and SageMaker's name of it, the first that fits; of all others it would say that the model failed
KINDS: tuple[tuple[tuple[type[HeadgateError], ...], int, str], ...] = (
    ((Unauthenticated,), 403, MISSING),
    ((Forbidden,), 403, "AccessDeniedException"),
    ((NotFound, InvalidName, NotSupported), 400, "ValidationError"),
    ((TooManyRequests,), 429, "ThrottlingException"),
    ((Unavailable,), 503, "ServiceUnavailable"),
    ((MethodNotAllowed,), 405, "UnknownOperationException"),
)


class SageMakerRuntime:
    """The dialect."""

    name = "sagemaker-runtime"
    routes = (
        Route("POST", "/endpoints/{endpoint}/invocations", PREDICT),
        Route("POST", "/endpoints/{endpoint}/invocations-response-stream", STREAM),
        Route("POST", "/endpoints/{endpoint}/async-invocations", "later"),
    )
    headers = (VARIANT, MODEL, COMPONENT, INFERENCE_ID, ATTRIBUTES, *REFUSED)
    inline_bytes = INLINE_BYTES

    def decoder(self, contract: Contract) -> Decode:
        """Decode what a container would be sent: JSON, CSV or JSON lines."""
        return BodyDecoder(contract).decode

    def encoder(self, origin: Origin) -> Write:
        """Encode what a container would answer, with the variant that did."""
        answers = answer_writer(origin, _invoked(origin))

        def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
            answer = answers(outputs)

            def whole(request_id: str, start: int, stop: int, rows: Rows) -> Whole:
                head, body = answer(request_id, start, stop, rows)
                return head + _identified(request_id), body

            return whole

        return write

    def stream(self, origin: Origin) -> tuple[bytes, Write, Events]:
        """JSON lines in events."""
        told = {**origin.headers, **_invoked(origin), "X-Amzn-SageMaker-Content-Type": LINES}
        head = head_of(200, MEDIA_TYPE, told)
        return head, whole_writer(head), EVENTS

    def direct(self, endpoint: str, headers: Headers) -> Directions:
        """Variant, id and attributes; raises `InvalidName` or `NotSupported`."""
        if refused := [name for name in REFUSED if headers.get(name)]:
            raise NotSupported(f"{refused[0].title()} asks for what is not done here. Leave it out.")
        attributes = headers.get(ATTRIBUTES)
        if attributes is not None and not _ATTRIBUTES.fullmatch(attributes):
            raise InvalidName("CustomAttributes must be up to 1,024 visible characters of US-ASCII.")
        head = b"" if attributes is None else b"X-Amzn-SageMaker-Custom-Attributes: %b\r\n" % attributes
        return Directions(_wanted(endpoint, headers), _id_in(headers), head)

    def error(self, error: HeadgateError, request_id: str) -> Whole:
        """As botocore reads it: the kind in `x-amzn-ErrorType`, the sentence in `Message`."""
        status, kind = kind_of(error)
        content: dict[str, object] = {"Message": error.message}
        if kind == "ModelError":
            content |= {"OriginalStatusCode": error.status, "OriginalMessage": error.message, "LogStreamArn": ""}
        head = head_of(status, JSON, {**error_headers(error), "x-amzn-ErrorType": kind})
        return head + _identified(request_id), orjson.dumps(content)

    def tell(self, _question: Question, _node: Node) -> Whole:
        """Nothing: there are only predictions that are answered at once."""
        raise NotSupported(
            "InvokeEndpointAsync answers into S3, which this server does not do. "
            "Use InvokeEndpoint, or InvokeEndpointWithResponseStream."
        )


def kind_of(error: HeadgateError) -> tuple[int, str]:
    """The status and SageMaker's name of an error."""
    for classes, status, kind in KINDS:
        if isinstance(error, classes):
            told = error.detail[0].get("aws") if error.detail and isinstance(error, Unauthenticated) else None
            return status, str(told or kind)
    return (500, "InternalFailure") if type(error) is HeadgateError else (424, "ModelError")


def _wanted(endpoint: str, headers: Headers) -> str:
    """The version that is asked for, in any of the ways; empty where it is the endpoint that chooses."""
    own = ("", ANY_VARIANT, endpoint)
    named = {headers.get(name, b"").decode("latin-1").removesuffix(".tar.gz") for name in (VARIANT, MODEL, COMPONENT)}
    wanted = sorted(named.difference(own))
    if len(wanted) > 1:
        raise InvalidName("TargetVariant, TargetModel and InferenceComponentName name different versions. Send one.")
    return wanted[0] if wanted else ""


def _id_in(headers: Headers) -> str:
    if INFERENCE_ID not in headers:
        return ""
    try:
        return given_id(headers[INFERENCE_ID])
    except HeadgateError:
        raise InvalidName("InferenceId must be 1 to 128 characters out of A-Z a-z 0-9 . _ : / @ + = ~ -") from None


def _invoked(origin: Origin) -> dict[str, str]:
    return {"x-Amzn-Invoked-Production-Variant": origin.role}


def _identified(request_id: str) -> bytes:
    return b"x-amzn-RequestId: %b\r\n" % request_id.encode()
