"""A real worker process on a real socket, and a client that sends bytes as they are."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from headgate.home import Home
from headgate.records import WorkerCommand, WorkerReport
from headgate.settings import Settings

PREDICT = "/v1/endpoints/{}/predict"


class Response(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Event(NamedTuple):
    """One server-sent event."""

    kind: str
    data: Any


def events_in(body: bytes) -> list[Event]:
    """The events of a body."""
    found = []
    for text in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in text.splitlines())
        if lines:
            found.append(Event(lines["event"], json.loads(lines["data"])))
    return found


class Wire:
    """One connection."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._rest = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> "Wire":
        self.socket.sendall(data)
        return self

    def response(self, method: str = "GET") -> Response:
        """The next response; raises EOFError when the server closes first."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        number = int(status.split(" ")[1])
        if number == 100:
            return Response(number, headers, b"")
        length = 0 if method == "HEAD" else int(headers["content-length"])
        while len(self._rest) < length:
            self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return Response(number, headers, body)

    def rest(self) -> bytes:
        """Everything up to the server's end of the connection."""
        with suppress(EOFError):
            while True:
                self._more()
        return self._rest

    def is_closed(self) -> bool:
        """Wait for the server's end of the connection."""
        try:
            return self._rest == b"" and self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        self._rest += data


def request(method: str, target: str, body: bytes = b"", /, **headers: str) -> bytes:
    """A request as bytes; underscores in names of headers stand for hyphens."""
    lines = {"Host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body or method == "POST":
        lines["Content-Length"] = str(len(body))
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{text}\r\n".encode("latin-1") + body


class WorkerProcess:
    """A worker with its home; stopped by `stop`."""

    def __init__(
        self,
        home: Home,
        settings: Settings | None = None,
        name: str = "w0-test",
        listener: socket.socket | None = None,
        module: str = "headgate.serving.main",
        grpc_port: int = 0,
    ) -> None:
        self.home = home
        self.name = name
        self.listener = listener or socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        settings = msgspec.structs.replace(settings or Settings(), grpc_port=grpc_port)
        environment = os.environ | {"HEADGATE_SETTINGS": msgspec.json.encode(settings).decode()}
        self.log = (home.path / f"{name}.log").open("w+")
        fd = self.listener.fileno()
        command = [sys.executable, "-m", module, "--home", str(home.path), "--worker", name]
        self.grpc_port = grpc_port
        self.tls: ssl.SSLContext | None = None  # with what `wire` speaks
        self.process = subprocess.Popen(
            [*command, "--listen-fd", str(fd)], pass_fds=[fd], env=environment, stderr=self.log
        )
        wait_for(lambda: (home.run / f"{name}.json").exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.logged

    @property
    def logged(self) -> str:
        return Path(self.log.name).read_text()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(30)
        self.listener.close()
        self.log.close()
        return status

    @property
    def resident_kb(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])

    def wire(self) -> Wire:
        return Wire(self.port, self.tls)

    def ask(self, method: str, target: str, body: bytes = b"", /, **headers: str) -> Response:
        """One request on a connection of its own."""
        with self.wire() as wire:
            return wire.send(request(method, target, body, **headers)).response(method)

    def predict(self, content: Any, endpoint: str = "fraud", /, **headers: str) -> Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.ask("POST", PREDICT.format(endpoint), body, **({"Content_Type": "application/json"} | headers))

    def events(self, content: Any, endpoint: str, /, **headers: str) -> "list[Event]":
        """What comes of asking for events, to the end."""
        given = {"Content_Type": "application/json", "Accept": "text/event-stream", "Connection": "close"} | headers
        with self.wire() as wire:
            wire.send(request("POST", PREDICT.format(endpoint), json.dumps(content).encode(), **given))
            head, _, body = wire.rest().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head + body
        return events_in(body)

    def control(self) -> "ControlWire":
        return ControlWire(self.home.run / f"{self.name}.sock")


class ControlWire:
    """What an agent holds of a worker."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self._rest = b""

    def __enter__(self) -> "ControlWire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, command: WorkerCommand) -> None:
        self.socket.sendall(msgspec.json.encode(command) + b"\n")

    def report(self) -> WorkerReport:
        while b"\n" not in self._rest:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("the worker has gone")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return msgspec.json.decode(line, type=WorkerReport)

    def report_where(self, condition: Callable[[WorkerReport], bool]) -> WorkerReport:
        """The first report of which something is true."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            report = self.report()
            if condition(report):
                return report
        raise AssertionError(f"no report was as expected, the last: {report}")


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Poll until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.01)


def metric(text: str, name: str, **labels: str) -> float:
    """The value of one series in an exposition, 0 when it is not there."""
    for line in text.splitlines():
        match = re.fullmatch(rf"{name}\{{(.*)\}} (\S+)", line)
        if match and all(f'{label}="{value}"' in match[1] for label, value in labels.items()):
            return float(match[2])
    return 0.0
