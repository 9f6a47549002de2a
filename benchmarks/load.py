"""Load on one address: `wrk` where it is installed, else a small client of our own, slower than the servers."""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from typing import NamedTuple

import uvloop

UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}


class Measured(NamedTuple):
    """One run: requests per second and latencies in microseconds."""

    rate: float
    p50: float
    p99: float
    requests: int


def drive(url: str, body: bytes, connections: int, seconds: int) -> Measured:
    """Closed loop on so many connections; raises RuntimeError when an answer was not 200."""
    if shutil.which("wrk"):
        return _wrk(url, body, connections, seconds)
    return uvloop.run(_own(url, body, connections, seconds))


def _wrk(url: str, body: bytes, connections: int, seconds: int) -> Measured:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
            f"wrk.body = [==[{body.decode()}]==]\n"
        )
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script.name, url]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(f"not every answer was 200:\n{out}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    requests = re.search(r"(\d+) requests in", out)
    assert rate and requests
    return Measured(float(rate[1]), _latency(out, "50%"), _latency(out, "99%"), int(requests[1]))


def _latency(out: str, quantile: str) -> float:
    match = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s|m)\b", out)
    assert match
    return float(match[1]) * UNITS[match[2]]


async def _own(url: str, body: bytes, connections: int, seconds: int) -> Measured:
    match = re.fullmatch(r"http://([\d.]+):(\d+)(/.*)", url)
    assert match
    head = f"POST {match[3]} HTTP/1.1\r\nHost: {match[1]}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(match[1], int(match[2]))
        while (begun := time.perf_counter()) < end:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", answer)
            if not answer.startswith(b"HTTP/1.1 200") or length is None:
                raise RuntimeError(f"not every answer was 200: {answer!r}")
            await reader.readexactly(int(length[1]))
            latencies.append((time.perf_counter() - begun) * 1e6)
        writer.close()

    await asyncio.gather(*(ask() for _ in range(connections)))
    latencies.sort()
    count = len(latencies)
    return Measured(count / seconds, latencies[count // 2], latencies[count * 99 // 100], count)
