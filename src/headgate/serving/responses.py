"""Answers as bytes: status lines, the headers that all of them carry, and errors in their one shape."""

import logging
import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

import orjson

from headgate.errors import HeadgateError, MethodNotAllowed, Unauthenticated, error_body

CLOSE = b"Connection: close\r\n"
KEEP_ALIVE = b"Connection: keep-alive\r\n"
JSON = "application/json"
OUR_FAULT = "Headgate itself failed; its log says why."
log = logging.getLogger("headgate.serving")


Whole = tuple[bytes, bytes]  # status line and headers up to those of the single answer, and the body
# what is wrong, and the id of the request → how one protocol says it
Shape = Callable[[HeadgateError, str], Whole]


class Exchange(Protocol):
    """A request that can be answered."""

    id: str
    shape: Shape

    def answer(self, head: bytes, body: bytes) -> None:
        """Send status line and headers (each with its line end), then the body."""
        ...


def head_of(status: int, content_type: str, extra: dict[str, str] | None = None) -> bytes:
    """Status line and headers up to where those of the single answer begin."""
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {content_type}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        *(f"{name}: {value}" for name, value in (extra or {}).items()),
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def send_json(exchange: Exchange, content: Any, status: int = 200) -> None:
    """Answer with a JSON document."""
    exchange.answer(head_of(status, JSON), orjson.dumps(content))


def refuse(exchange: Exchange, error: HeadgateError) -> None:
    """Answer with an error, as the protocol of the request writes it."""
    exchange.answer(*exchange.shape(error, exchange.id))


def native_error(error: HeadgateError, request_id: str) -> Whole:
    """As we write it ourselves: error, code, detail, id."""
    return head_of(error.status, JSON, error_headers(error)), orjson.dumps(error_body(error, request_id))


def error_headers(error: HeadgateError) -> dict[str, str]:
    """What HTTP itself wants said of an error, in any protocol."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(entry["method"] for entry in error.detail)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def end_with(exchange: Exchange, error: Exception) -> None:
    """Answer with what ended a request; of a fault of ours the log says what it is."""
    if not isinstance(error, HeadgateError):
        log.error("request %s failed", exchange.id, exc_info=error)
    refuse(exchange, reason_of(error))


def reason_of(error: Exception) -> HeadgateError:
    """What is said of it: of a fault of ours only that it is one."""
    return error if isinstance(error, HeadgateError) else HeadgateError(OUR_FAULT)
