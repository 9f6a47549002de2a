"""Counts every request of the API, also those that the door refuses: outermost of our ASGI applications."""

import time
from collections.abc import Awaitable, Generator
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headgate.metering.control_families import IN_FLIGHT, REQUEST_SECONDS, REQUESTS
from headgate.metering.counters import Counters
from headgate.web.api.door import METHODS


class Counted:
    """Not a coroutine function, like the door: it hands out what counts when it is awaited."""

    def __init__(self, app: ASGIApp, counters: Counters) -> None:
        self._app = app
        self._counters = counters

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        return CountedRequest(self._app, scope, receive, send, self._counters)


class CountedRequest:
    """One request, counted when it ends, however it ends."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, counters: Counters) -> None:
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._counters = counters
        self._status = 500  # of what ends without an answer

    def __await__(self) -> Generator[Any, Any, None]:
        begun = time.monotonic()
        self._counters.count(IN_FLIGHT)
        try:
            yield from self._app(self._scope, self._receive, self._sending).__await__()
        finally:
            self._counters.count(IN_FLIGHT, by=-1)
            self._count(time.monotonic() - begun)

    def _count(self, seconds: float) -> None:
        # the template, never the path: clients choose that
        route = getattr(self._scope.get("route"), "path_format", "")
        method = self._scope["method"] if self._scope["method"] in METHODS else ""
        labels = (("method", method), ("route", route))
        self._counters.count(REQUESTS, (*labels, ("status", str(self._status))))
        self._counters.observe(REQUEST_SECONDS, seconds, labels)

    def _sending(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        return self._send(message)
