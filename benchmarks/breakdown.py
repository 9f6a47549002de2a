"""Where a request's time goes inside of a worker, without a socket: bytes are fed to its connection.

Two views: the parts of the way, each called alone, best of many; and a profile of the whole, by function.
"""

import asyncio
import cProfile
import pstats
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from benchmarks.contender import Place
from benchmarks.contenders import home_with
from benchmarks.forest import ENDPOINT, Forest, instances

from headgate.home import Home
from headgate.serving.batching import Batcher
from headgate.serving.contract import Contract
from headgate.serving.main import Worker
from headgate.serving.predict import Prediction
from headgate.serving.server import Exchange
from headgate.settings import Settings

ROWS = (1, 100)
SHOWN_FUNCTIONS = 15


class Sink:
    """A transport that forgets."""

    def write(self, data: bytes) -> None:
        pass

    def is_closing(self) -> bool:
        return False


class Stages(NamedTuple):
    """Part of the way → microseconds; function → share of the time, most first."""

    parts: dict[str, float]
    profile: dict[str, float]


def best(call: Callable[[], Any], times: int) -> float:
    """Microseconds of the fastest call."""
    fastest = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        call()
        fastest = min(fastest, time.perf_counter() - begun)
    return fastest * 1e6


async def measure(home: Home, body: bytes, times: int) -> Stages:
    """For one request alone in its batch."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker = Worker(home, "breakdown", listener, Settings(grpc_port=0))
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
        prediction = Prediction(exchange, variant, variant.default, rows, float("inf"), ())
        contract = Contract(live.table.contract, live.table.spec.limits.max_rows)
        batch = contract.assemble([rows])
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
        parts = {
            "decode, validate, pack": best(lambda: live.decoders[b"application/json"](body), times),
            "assemble": best(lambda: contract.assemble([rows]), times),
            "assemble, model, check": best(lambda: ask([rows]), times),
            "encode": best(lambda: encode(answer.outputs)("id", 0, batch.rows, rows), times),
            "count and record": best(lambda: variant.tap.settle(answer, [prediction]), times),
            "all, with HTTP and the loop": fastest * 1e6,
        }
        profiler = cProfile.Profile()
        with profiling(profiler):
            for _ in range(times):
                await whole()
        return Stages(parts, shares(profiler))


@contextmanager
def profiling(profiler: cProfile.Profile) -> Iterator[None]:
    profiler.enable()
    try:
        yield
    finally:
        profiler.disable()


def shares(profiler: cProfile.Profile) -> dict[str, float]:
    """Function → its own share of the profiled time, of those that take most. Profiling favours long functions."""
    own: dict[str, float] = {}
    for (path, line, name), (_, _, seconds, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]  # the stubs leave `stats` out
        place = f"{Path(path).parent.name}/{Path(path).name}: {name}" if line else name
        own[place] = own.get(place, 0.0) + seconds
    total = sum(own.values()) or 1.0
    ordered = sorted(own.items(), key=lambda item: -item[1])
    return {name: seconds / total for name, seconds in ordered[:SHOWN_FUNCTIONS]}


def measure_stages(folder: Path, forest: Forest, times: int) -> dict[str, Stages]:
    """Rows of a request → where its time goes."""
    found = {}
    for rows in ROWS:
        home = home_with(Place(folder, forest), forest.compiled, f"breakdown-{rows}")
        found[str(rows)] = uvloop.run(measure(home, instances(forest, 0, rows), times))
    return found


def printed(stages: dict[str, Stages]) -> Iterator[str]:
    """The lines that show them."""
    for rows, found in stages.items():
        yield f"{rows} rows, microseconds"
        yield from (f"    {name:<28} {value:8.1f}" for name, value in found.parts.items())
        yield f"{rows} rows, share of the profiled time"
        yield from (f"    {share:6.1%}  {name}" for name, share in found.profile.items())
