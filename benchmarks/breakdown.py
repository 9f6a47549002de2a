"""Where a request's time goes inside of a worker: the parts of its way, each called alone, best of many."""

import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.endpoint import Case, body_of
from benchmarks.forest import ENDPOINT, make_forest
from headgate.home import Home
from headgate.serving.batching import Batcher
from headgate.serving.main import Worker
from headgate.serving.predict import Prediction
from headgate.serving.server import Exchange
from headgate.settings import Settings


class Sink:
    """A transport that forgets."""

    def write(self, data: bytes) -> None:
        pass

    def is_closing(self) -> bool:
        return False


def best(call: Callable[[], Any], times: int) -> float:
    """Microseconds of the fastest call."""
    fastest = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        call()
        fastest = min(fastest, time.perf_counter() - begun)
    return fastest * 1e6


async def measure(home: Home, body: bytes, times: int) -> dict[str, float]:
    """Part → microseconds, for one request alone in its batch."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker = Worker(home, "breakdown", listener, Settings())
        await worker.prepare()
        server, live = worker.server, worker.endpoint(ENDPOINT)
        variant, connection = live.variants[0], server.connection()
        connection.connection_made(Sink())
        head = (
            f"POST /v1/endpoints/{ENDPOINT}/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        )
        data = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        rows = live.decoders[b"application/json"](body)
        exchange = Exchange(connection, b"POST", b"", {}, body)
        prediction = Prediction(exchange, variant, variant.default, rows, float("inf"))
        batch = live.contract.assemble([rows])
        assert isinstance(variant.calls, Batcher), "the forest runs inside of the worker"
        ask = variant.calls.ask
        answer = ask([rows])
        prediction.done = 200

        async def whole() -> None:
            connection.data_received(data)
            while connection.waiting:
                await asyncio.sleep(0)

        fastest = float("inf")
        for _ in range(times):
            begun = time.perf_counter()
            await whole()
            fastest = min(fastest, time.perf_counter() - begun)
        encode = variant.default.encode
        return {
            "decode, validate, pack": best(lambda: live.decoders[b"application/json"](body), times),
            "assemble": best(lambda: live.contract.assemble([rows]), times),
            "assemble, model, check": best(lambda: ask([rows]), times),
            "encode": best(lambda: encode(answer.outputs)("id", 0, batch.rows, None), times),
            "count and record": best(lambda: variant.tap.settle(answer, [prediction]), times),
            "all, with HTTP and the loop": fastest * 1e6,
        }


def main(times: int = 2000) -> None:
    """Print the parts for one row and for a hundred."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home").create()
        forest = make_forest(home)
        for rows in (1, 100):
            parts = uvloop.run(measure(home, body_of(forest, Case("instances", rows, 1)), times))
            sys.stdout.write(f"{rows} rows, microseconds\n")
            for name, value in parts.items():
                sys.stdout.write(f"    {name:<28} {value:8.1f}\n")
