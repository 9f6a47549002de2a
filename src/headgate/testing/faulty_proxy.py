"""A proxy in front of an HTTP server that makes it as bad as networks and services are."""

import http.client
import socket
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_OF_THE_CONNECTION = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request: what is not set here goes as it should."""

    status: int = 0  # answered in place of the server, with `code` as S3 names it
    code: str = ""
    cut_after: int = -1  # bytes of the answer's body, then the connection is cut
    stall_after: int = -1  # bytes of the answer's body, then nothing comes any more
    flip: int = -1  # the bit at this byte of the answer's body is turned round
    silent: bool = False  # taken, and then nothing comes
    unanswered: bool = False  # carried out by the server, but its answer never arrives


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that came by."""

    method: str
    target: str
    range: str


class FaultyProxy:
    """Passes requests on to `target`; each takes the next of `faults`, or `always` when there is none."""

    def __init__(self, target: str) -> None:
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.seen: list[Seen] = []
        self.released = threading.Event()
        host, port = urlsplit(target).hostname, urlsplit(target).port
        assert host and port
        self._server = _Server(("127.0.0.1", 0), _Exchange)
        self._server.proxy, self._server.target = self, (host, port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def next_fault(self) -> Fault:
        """The fault of the request that has just come."""
        try:
            return self.faults.popleft()
        except IndexError:
            return self.always or Fault()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    proxy: FaultyProxy
    target: tuple[str, int]


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass_on(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy.seen.append(Seen(self.command, self.path, self.headers.get("Range", "")))
        fault = proxy.next_fault()
        if fault.status:
            error = f"<Error><Code>{fault.code}</Code><Message>injected</Message></Error>".encode()
            self._answer(fault.status, {"Content-Type": "application/xml"}, error, Fault())
            return
        if fault.silent:
            proxy.released.wait()
            self._cut()
            return
        status, headers, content = self._ask(body)
        if fault.unanswered:
            self._cut()
            return
        self._answer(status, headers, content, fault)

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(*self.server.target, timeout=30)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            content = answer.read()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _OF_THE_CONNECTION}
            if self.command == "HEAD":
                headers["Content-Length"] = answer.getheader("Content-Length", "0")
            return answer.status, headers, content
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes, fault: Fault) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if 0 <= fault.flip < len(content):
            content = content[: fault.flip] + bytes([content[fault.flip] ^ 1]) + content[fault.flip + 1 :]
        end = max(fault.cut_after, fault.stall_after)
        self.wfile.write(content if end < 0 else content[:end])
        self.wfile.flush()
        if fault.stall_after >= 0:
            self.server.proxy.released.wait()
        if end >= 0:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests say what they saw."""

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on
