"""A control plane for tests: the API's addresses with canned state in memory, over real HTTP on a free port."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from headgate.errors import HeadgateError, NotFound, Unauthenticated, error_body
from headgate.testing.canned import access, endpoints, instance, models
from headgate.testing.canned.state import Answer, FakeControl, Received

__all__ = ["KEY", "FakeControl", "fake_control"]

KEY = "hg_fakefake_" + "k" * 43
ROUTES = (*instance.ROUTES, *models.ROUTES, *endpoints.ROUTES, *access.ROUTES)


def _answer(fake: FakeControl, request: Received) -> Answer:
    if request.headers.get("authorization") != f"Bearer {KEY}":
        raise Unauthenticated("Expected a key, got none that is known. Name one with HEADGATE_KEY.")
    for method, pattern, act in ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match and method == request.method:
            return act(fake, request, *(unquote(part) for part in match.groups()))
    raise NotFound(f"There is no {request.method} {request.path}.")


class _Door(BaseHTTPRequestHandler):
    """HTTP in front of the fake."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet
    fake: FakeControl

    def do_any(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(self.command, parts.path, query, headers, self._body())
        self.fake.requests.append(request)
        if self.fake.break_next:
            self.fake.break_next -= 1
            self.close_connection = True
            return
        try:
            status, answer = _answer(self.fake, request)
        except HeadgateError as error:
            status, answer = error.status, error_body(error, "req1")
        self._reply(status, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def log_message(self, format: str, *args: Any) -> None:
        """Tests look at `requests` instead."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _reply(self, status: int, answer: Any) -> None:
        content = answer if isinstance(answer, bytes) else b""
        if isinstance(answer, str):
            content = answer.encode()
        elif answer is not None and not content:
            content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def fake_control() -> Iterator[FakeControl]:
    """A fake control (and data) plane that answers at `fake.url` to `KEY`, until the block ends."""
    fake = FakeControl()
    door = type("Door", (_Door,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), door)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
