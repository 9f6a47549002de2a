"""Closed-loop load on one address: `wrk` where it is installed, else a client of our own, slower than the servers."""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from typing import NamedTuple

import uvloop

UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}
SLOWEST_ANSWER = 30.0


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


def drive(port: int, path: str, body: bytes, connections: int, seconds: float) -> Measured:
    """So many connections, each with one request at a time. Whole seconds from one on go to wrk, where it is."""
    if shutil.which("wrk") and seconds >= 1:
        return _wrk(f"http://127.0.0.1:{port}{path}", body, connections, round(seconds))
    return uvloop.run(_own(port, path, body, connections, seconds))


def request_of(port: int, path: str, body: bytes) -> bytes:
    """The bytes of one request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _wrk(url: str, body: bytes, connections: int, seconds: int) -> Measured:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
            f"wrk.body = [==[{body.decode()}]==]\n"
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


async def _own(port: int, path: str, body: bytes, connections: int, seconds: float) -> Measured:
    request = request_of(port, path, body)
    latencies: list[float] = []
    errors = 0
    begun = time.perf_counter()
    end = begun + seconds

    async def ask() -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (sent := time.perf_counter()) < end:
            try:
                writer.write(request)
                status = await _status(reader)
                errors += status != 200
            except (OSError, EOFError):
                # as wrk does: what is closed is opened again, and counted
                errors += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            latencies.append((time.perf_counter() - sent) * 1e6)
        writer.close()

    await asyncio.wait_for(asyncio.gather(*(ask() for _ in range(connections))), seconds + SLOWEST_ANSWER)
    took = time.perf_counter() - begun
    latencies.sort()
    count = len(latencies)
    return Measured(count / took, latencies[count // 2], latencies[count * 99 // 100], count, errors)


async def _status(reader: asyncio.StreamReader) -> int:
    """Read one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    if length is None:
        raise RuntimeError(f"expected an answer with a length, got {head!r}")
    await reader.readexactly(int(length[1]))
    return int(head.split(b" ", 2)[1])
