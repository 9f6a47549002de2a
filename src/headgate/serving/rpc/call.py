"""One call of gRPC as an exchange: what HTTP sends as an answer is collected into a future."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache

from headgate.errors import Malformed
from headgate.serving.dialects.dialect import PREDICT
from headgate.serving.request_headers import LISTS, NAMES
from headgate.serving.responses import Whole
from headgate.serving.server import Exchange

TIMEOUT = "headgate-timeout-ms"
MOST_MILLISECONDS = 999_999_999
# what a call may say in its metadata; the rest of the headers belongs to HTTP
_READ = frozenset(NAMES) - {
    "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "accept", "connection", "expect",
    "upgrade",
}  # fmt: skip
STATUS = "grpc-status"
Metadata = tuple[tuple[str, str], ...]


class Call(Exchange):
    """A call, and the answer that it waits for."""

    method = b"POST"

    def __init__(
        self,
        does: str,
        named: tuple[str, str],
        headers: dict[str, bytes],
        body: bytes,
        answered: asyncio.Future[Whole],
    ) -> None:
        self.does = does
        self.name, self.version = named  # of the endpoint
        # what predicts is remembered by it
        self.target = self.name.encode() if does == PREDICT and not self.version else b""
        self.headers = headers
        self.body = body
        self.answered = answered
        self.started = time.monotonic()

    def answer(self, head: bytes, body: bytes) -> None:
        """Take head and body: the lines of the head become metadata, and say whether the call failed."""
        if not self.answered.done():
            self.answered.set_result((head, body))

    def leave(self) -> None:
        """Nobody waits any more: what has not begun is not begun."""
        if self.asking is not None:
            self.asking.leave()
            self.asking = None


def headers_of(metadata: Iterable[tuple[str, str | bytes]] | None, remaining: float | None) -> dict[str, bytes]:
    """The headers that metadata and deadline of a call stand for; raises `Malformed` for what came twice."""
    headers: dict[str, bytes] = {}
    for name, value in metadata or ():
        if name not in _READ:
            continue
        content = value.encode() if isinstance(value, str) else value
        if name in headers:
            if name not in LISTS:
                raise Malformed(f"The metadata {name} came twice.")
            content = headers[name] + b", " + content
        headers[name] = content
    if remaining is not None:
        _shorten(headers, min(int(max(remaining, 0) * 1000), MOST_MILLISECONDS))
    return headers


def _shorten(headers: dict[str, bytes], milliseconds: int) -> None:
    given = headers.get(TIMEOUT)
    if given is None or (given.isdigit() and len(given) < 10 and int(given) > milliseconds):
        headers[TIMEOUT] = b"%d" % milliseconds


@lru_cache(1024)
def metadata_of(lines: bytes) -> Mapping[str, str]:
    """Header lines as metadata."""
    pairs = (line.partition(": ") for line in lines.decode("latin-1").splitlines())
    return {name.lower(): value for name, _, value in pairs}
