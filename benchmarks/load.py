"""Closed-loop load on one address: `wrk` where it is installed, else a client of our own, slower than the servers."""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import httptools
import uvloop

UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}
SLOWEST_ANSWER = 30.0
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Measured(NamedTuple):
    """One run: requests per second, latencies in microseconds, answers, and those that were not 200 or did not come."""

    rate: float
    p50: float
    p99: float
    requests: int
    errors: int


def driver() -> str:
    """What makes the load here."""
    return "wrk" if shutil.which("wrk") else "own client"


def drive(
    port: int, path: str, body: bytes, connections: int, seconds: float, headers: Mapping[str, str] = NO_HEADERS
) -> Measured:
    """So many connections, each with one request at a time. Whole seconds from one on go to wrk, where it is."""
    if shutil.which("wrk") and seconds >= 1:
        return _wrk(f"http://127.0.0.1:{port}{path}", body, connections, round(seconds), headers)
    return uvloop.run(_own(request_of(port, path, body, headers), port, connections, seconds))


def request_of(port: int, path: str, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> bytes:
    """The bytes of one request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _wrk(url: str, body: bytes, connections: int, seconds: int, headers: Mapping[str, str]) -> Measured:
    named = {"Content-Type": "application/json", **headers}
    # Lua changes line ends in what is written as it is
    quoted = "".join(f"\\{byte:03d}" for byte in body)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            'wrk.method = "POST"\n'
            + "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in named.items())
            + f'wrk.body = "{quoted}"\n'
        )
        script.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "30s",
            "--latency",
            "-s",
            script.name,
            url,
        ]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    requests = re.search(r"(\d+) requests in", out)
    assert rate and requests
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    errors = int(refused[1]) if refused else 0
    errors += sum(map(int, broken.groups())) if broken else 0
    return Measured(float(rate[1]), _latency(out, "50%"), _latency(out, "99%"), int(requests[1]), errors)


def _latency(out: str, quantile: str) -> float:
    match = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s|m)\b", out)
    assert match
    return float(match[1]) * UNITS[match[2]]


class Connection(asyncio.Protocol):
    """A kept connection with one request at a time."""

    def __init__(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self._transport: Any = None
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._status.set_result(self._parser.get_status_code())

    def connection_lost(self, error: Exception | None) -> None:
        if not self._status.done():
            self._status.set_exception(ConnectionResetError("the server closed the connection"))

    async def ask(self, request: bytes) -> int:
        """The status of the answer; raises `OSError` when the connection is lost."""
        if self._transport.is_closing():
            raise ConnectionResetError("the server closed the connection")
        self._status = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._status

    def close(self) -> None:
        self._status.cancel()
        self._transport.close()


async def _connect(port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


async def _own(request: bytes, port: int, connections: int, seconds: float) -> Measured:
    latencies: list[float] = []
    errors = 0
    begun = time.perf_counter()
    end = begun + seconds

    async def ask() -> None:
        nonlocal errors
        connection = await _connect(port)
        over = False
        while not over:
            sent = time.perf_counter()
            try:
                status = await connection.ask(request)
                errors += status != 200
            except OSError:
                # as wrk does: what is closed is opened again, and counted
                errors += 1
                connection.close()
                connection = await _connect(port)
            latencies.append((time.perf_counter() - sent) * 1e6)
            # at least one request, however late the connection was
            over = time.perf_counter() >= end
        connection.close()

    await asyncio.wait_for(asyncio.gather(*(ask() for _ in range(connections))), seconds + SLOWEST_ANSWER)
    took = time.perf_counter() - begun
    latencies.sort()
    count = len(latencies)
    return Measured(count / took, latencies[count // 2], latencies[count * 99 // 100], count, errors)
