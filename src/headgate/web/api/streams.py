"""Answers that are read while they are sent: when reading fails, all that is left is to break the connection."""

import logging
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, cast

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from headgate.errors import HeadgateError

log = logging.getLogger(__name__)


class Stream(StreamingResponse):
    """Chunks of a file that may turn out damaged. The server closes the connection of an answer without its end."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        answering = super().__call__(scope, receive, send)
        return cast("Coroutine[Any, Any, None]", _until_it_fails(answering, scope["state"]["id"]))


@coroutine
def _until_it_fails(answering: Coroutine[Any, Any, None], identity: str) -> Generator[Any, Any, None]:
    try:
        yield from answering
    except HeadgateError as error:
        log.error("request %s was broken off: %s: %s", identity, error.code, error.message)
