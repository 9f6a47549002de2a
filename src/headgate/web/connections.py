"""The control port's connections: uvicorn's, with deadlines and limits that uvicorn does not have.

No client keeps a connection by being slow: with a request's head, its body, the taking of an answer or the next
request. None makes the server hold more than a request may have. Where there are very many, the quiet ones go first.
"""

import time
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from headgate.errors import (
    HeadersTooLarge,
    HeadgateError,
    Malformed,
    Overloaded,
    ReceiptTimeout,
    TooLarge,
    error_body,
)
from headgate.settings import Settings
from headgate.web.api.door import body_limit

# well below the descriptors that a process commonly may have open
MOST_CONNECTIONS = 512
KEEP_ALIVE_SECONDS = 30.0
# for a client that is still sending what was refused
LINGER_SECONDS = 2.0
_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 413: b"Content Too Large",
            431: b"Request Header Fields Too Large", 503: b"Service Unavailable"}  # fmt: skip


class GuardedConfig(Config):
    """uvicorn's configuration, with our settings."""

    settings: Settings


class MeasuredConnection(HttpToolsProtocol):
    """One connection, with what is going on on it and since when."""

    def __init__(self, config: GuardedConfig, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self._settings = config.settings
        # what is being received, and since when; without anything: since when nothing is
        self._receiving: Literal["", "head", "body"] = ""
        self._since = time.monotonic()
        self._begins = False  # in the bytes that are being read
        self._received = 0  # bytes of it
        self._limit = 0  # for them
        self._has_asked = False
        # the bytes that the client had not taken when it stopped taking them, and since when
        self._stalled: tuple[int, float] | None = None

    @property
    def quiet_since(self) -> float | None:
        """Since when nothing is being done for the client; None while something is."""
        is_answered = self.cycle is None or self.cycle.response_complete
        return self._since if is_answered and self._receiving != "body" else None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin("head")
        self._begins = self._has_asked = True

    def on_headers_complete(self) -> None:
        self._begin("body")
        super().on_headers_complete()
        self._limit = body_limit(self.scope["method"], self.scope["raw_path"], self._settings.max_bundle_bytes)

    def on_message_complete(self) -> None:
        self._begin("")
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._since = time.monotonic()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = (self.transport.get_write_buffer_size(), time.monotonic())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalled = None

    def _begin(self, what: Literal["", "head", "body"]) -> None:
        self._receiving, self._since, self._received = what, time.monotonic(), 0


class GuardedConnection(MeasuredConnection):
    """One that ends when its client lets a deadline pass; `enforce` is called for all of them now and then."""

    _ending: float | None = None  # since when

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            _make_room(self, self.connections)

    def data_received(self, data: bytes) -> None:
        if self._ending is not None:
            return
        super().data_received(data)
        if self._receiving == "head":
            # of the first bytes nobody knows how many belong to it; they are few
            self._received += 0 if self._begins else len(data)
            self._begins = False
            if self._received > self._settings.max_header_bytes + self._settings.max_target_bytes:
                self.refuse(HeadersTooLarge(f"The headers are over {self._settings.max_header_bytes} bytes."))

    def eof_received(self) -> None:
        if self._ending is not None:
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        if self._received > self._limit and not self.cycle.response_started:
            self.refuse(TooLarge(f"The body has more than {self._limit} bytes, which are allowed."))
        else:
            super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        self.refuse(Malformed("Expected a request in HTTP/1.1, got something that cannot be read."))

    def enforce(self, now: float) -> None:
        """Act when the client has let a deadline pass."""
        if self._ending is not None or self.transport.is_closing():
            self._ending = self._ending or now
            if now - self._ending > LINGER_SECONDS:
                self.transport.abort()
        elif self._stalled is not None:
            left, since = self._stalled
            if self._is_too_slow(left - self.transport.get_write_buffer_size(), now - since):
                self.transport.abort()
        elif self._receiving == "body":
            self._enforce_body(now)
        elif (since_when := self.quiet_since) is not None:
            self._enforce_head(now - since_when)

    def refuse(self, error: HeadgateError) -> None:
        """Say why, and end the connection."""
        if self.pipeline or self._is_answering():
            self.transport.abort()
            return
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._ending = time.monotonic()
        self.transport.write(_answer(error))
        if self.transport.can_write_eof():
            # whoever still sends reads the answer all the same
            self.transport.write_eof()
        else:
            self.transport.close()

    def _is_answering(self) -> bool:
        """Whether a refusal would come into or behind the answer to something else, or the one that was given."""
        if self.cycle is None:
            return False
        return self.cycle.response_started if self._receiving == "body" else not self.cycle.response_complete

    def _enforce_head(self, elapsed: float) -> None:
        seconds = self._settings.header_seconds if self._receiving or not self._has_asked else KEEP_ALIVE_SECONDS
        if elapsed <= seconds:
            return
        if self._receiving:
            self.refuse(ReceiptTimeout(f"The headers were not complete after {seconds:g} s."))
        else:
            self.transport.close()

    def _enforce_body(self, now: float) -> None:
        if self.flow.read_paused or self.pipeline:
            # it is we who are slow
            self._since, self._received = now, 0
        elif self._is_too_slow(self._received, now - self._since):
            self.refuse(
                ReceiptTimeout(
                    f"The body was not complete after {self._settings.receive_seconds:g} s, and came with less than "
                    f"{self._settings.slowest_bytes_per_second} bytes a second."
                )
            )

    def _is_too_slow(self, moved: int, elapsed: float) -> bool:
        # neither a trickle holds on for ever nor is a long but steady transfer cut off
        return elapsed > self._settings.receive_seconds and moved < elapsed * self._settings.slowest_bytes_per_second


def _make_room(newest: GuardedConnection, connections: Iterable[Any]) -> None:
    """End the connection that has been quiet for longest; the newest where all others are being worked for."""
    quiet = [(since, each) for each in connections if each is not newest and (since := each.quiet_since) is not None]
    if quiet:
        _, oldest = min(quiet, key=lambda pair: pair[0])
        oldest.transport.abort()
    else:
        newest.refuse(Overloaded(f"{MOST_CONNECTIONS} connections are being worked for.", retry_after=1.0))


def _answer(error: HeadgateError) -> bytes:
    body = msgspec.json.encode(error_body(error))
    lines = [
        b"HTTP/1.1 %d %s" % (error.status, _REASONS[error.status]),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        b"Cache-Control: no-store",
        b"X-Content-Type-Options: nosniff",
        *([] if error.retry_after is None else [b"Retry-After: %d" % error.retry_after]),
        b"Connection: close",
        b"",
        body,
    ]
    return b"\r\n".join(lines)
