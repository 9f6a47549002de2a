"""gRPC: one row as a raw tensor on 32 connections, a node beside a bare grpcio server, in turns.

The load is `h2load` where it is installed, else grpcio's own client, which is slower than the servers.
"""

import asyncio
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from typing import Any

import grpc
import numpy as np
import uvloop
from benchmarks.cases import Effort
from benchmarks.contender import Command, Place
from benchmarks.contenders import home_with, node
from benchmarks.forest import ENDPOINT
from benchmarks.processes import Running, free_port, running
from benchmarks.results import CallRound, CallsResult
from benchmarks.rounds import say

from headgate.serving.dialects.oip_messages import SERVICE, message

CONNECTIONS = 32
METHOD = f"/{SERVICE}/ModelInfer"
PATIENCE = 60.0


def measure_calls(place: Place, effort: Effort) -> CallsResult:
    """Both servers answer right, then take turns."""
    rows = np.array(place.forest.rows[:1], np.float64)
    tensor = {"name": "input", "datatype": "FP64", "shape": rows.shape}
    asked = message("ModelInferRequest")(model_name=ENDPOINT, inputs=[tensor], raw_input_contents=[rows.tobytes()])
    body = asked.SerializeToString()
    http, ours, bare = free_port(), free_port(), free_port()
    command = node(home_with(place, place.forest.compiled, "headgate-grpc"), http, ours)
    given = ["--port", str(bare), "--model", str(place.forest.onnx)]
    with (
        running(command, ours) as our_server,
        running(Command([sys.executable, "-m", "benchmarks.bare_grpc", *given]), bare) as bare_server,
    ):
        servers = our_server, bare_server
        for server in servers:
            check(server.port, body, place.forest.labels[:1])
            drive(server, body, max(effort.warm_up, 0.1))
        rounds = []
        for _ in range(effort.rounds):
            (rate, cpu, errors), (bare_rate, bare_cpu, _) = (drive(server, body, effort.seconds) for server in servers)
            say(f"  {rate:9,.0f}/s {rate / bare_rate:6.3f}")
            rounds.append(CallRound(rate=rate, cpu=cpu, bare_rate=bare_rate, bare_cpu=bare_cpu, errors=errors))
    return CallsResult(rounds=rounds)


def check(port: int, body: bytes, labels: list[int]) -> None:
    """Raises `RuntimeError` where a server does not answer, or another label."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        said = channel.unary_unary(METHOD)(body, timeout=PATIENCE, wait_for_ready=True)
    found = np.frombuffer(message("ModelInferResponse").FromString(said).raw_output_contents[0], np.int64).tolist()
    if found != labels:
        raise RuntimeError(f"expected {labels} over gRPC, got {found}")


def drive(server: Running, body: bytes, seconds: float) -> tuple[float, float, int]:
    """Calls per second, the server's CPU seconds for 1,000 of them, and those that failed."""
    before = server.cpu_seconds()
    load = _h2load if shutil.which("h2load") and seconds >= 1 else _own
    calls, took, errors = load(server.port, body, seconds)
    return calls / took, (server.cpu_seconds() - before) / max(1, calls) * 1e3, errors


def _h2load(port: int, body: bytes, seconds: float) -> tuple[int, float, int]:
    with tempfile.NamedTemporaryFile() as file:
        # a message behind its length
        file.write(struct.pack(">BI", 0, len(body)) + body)
        file.flush()
        command = ["h2load", "-D", str(round(seconds)), "-c", str(CONNECTIONS), "-m", "1", "-t", "1", "-d", file.name]
        headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        out = subprocess.run(
            [*command, *headers, f"http://127.0.0.1:{port}{METHOD}"], check=True, capture_output=True, text=True
        ).stdout
    found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", out)
    assert found
    return int(found[1]), round(seconds), int(found[2]) + int(found[3])


def _own(port: int, body: bytes, seconds: float) -> tuple[int, float, int]:
    return uvloop.run(_call(port, body, seconds))


async def _call(port: int, body: bytes, seconds: float) -> tuple[int, float, int]:
    calls = errors = 0
    begun = time.perf_counter()

    async def ask(channel: Any) -> None:
        nonlocal calls, errors
        method = channel.unary_unary(METHOD)
        while time.perf_counter() - begun < seconds or not calls:
            try:
                await method(body, timeout=PATIENCE)
                calls += 1
            except grpc.RpcError:
                errors += 1
        await channel.close()

    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) for _ in range(CONNECTIONS)]
    await asyncio.gather(*map(ask, channels))
    return calls, time.perf_counter() - begun, errors
