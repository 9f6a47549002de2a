"""How soon all is well again after an overload: `python -m benchmarks.overload` prints a table.

Requests leave by a schedule that the answers do not change, each on a connection that has none on its way: half of what
can be answered, then three times as much as can be, then half again. The models sleep, so that the processor is not
what is short, here or on a busy machine. Recovered: the first time after the overload from which on, over a second,
at least 95 % of what is asked is answered and the p99 is at most twice the usual.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httptools
import uvloop
from benchmarks.load import request_of
from benchmarks.swaps import own_signing_key
from tests.e2e.versions import hosted
from tests.serving.test_limits import fake_bundle
from tests.serving.worker_process import WorkerProcess

from headgate.home import Home
from headgate.records import Variant
from headgate.testing.bundles import publish, route_table
from headgate.testing.instance import running_instance
from headgate.testing.runtime import FakeAnswers

USUAL, OVERLOAD = 0.5, 3.0  # of what can be answered
CLOSED = 64  # connections that tell the capacity
STEP, OVER = 0.1, 1.0  # seconds: how exactly recovery is told, and over how long all must be well
GOOD, SLOWER = 0.95, 2.0
ROW_SECONDS = 0.002
SLEEPING = "import time\nfor_rows = lambda rows: time.sleep(len(rows) * {seconds})"


class Asked(NamedTuple):
    """One request: when it was due, what it was told, and how long that took from when it was due."""

    due: float
    status: int
    seconds: float


class Link(asyncio.Protocol):
    """One connection; at most one request is on its way."""

    def __init__(self, clients: "Clients") -> None:
        self.clients = clients
        self.transport: Any = None
        self.parser: Any = httptools.HttpResponseParser(self)
        self.due = 0.0
        self.asks = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.clients.take(self, self.parser.get_status_code())

    def connection_lost(self, error: Exception | None) -> None:
        self.clients.lose(self)


class Clients:
    """Many connections to one server."""

    def __init__(self, port: int, path: str, body: bytes) -> None:
        self._port = port
        self._request = request_of(port, path, body)
        self._idle: deque[Link] = deque()
        self._told: Callable[[Link, Asked], None] = lambda link, asked: None

    async def connect(self, count: int) -> None:
        """The server hangs up on who says nothing for long: more are made when they are needed."""
        for _ in range(count):
            self._idle.append(await self._open())

    async def _open(self) -> Link:
        _, link = await asyncio.get_running_loop().create_connection(lambda: Link(self), "127.0.0.1", self._port)
        return link

    def take(self, link: Link, status: int) -> None:
        """An answer is complete, or will never come."""
        link.asks = False
        self._told(link, Asked(link.due, status, time.perf_counter() - link.due))

    def lose(self, link: Link) -> None:
        """The server hung up."""
        if link.asks:
            self.take(link, 0)
        if link in self._idle:
            self._idle.remove(link)

    async def capacity(self, seconds: float) -> float:
        """Answers per second to some that ask one after the other."""
        end, answered = time.perf_counter() + seconds, 0
        busy = 0

        def again(link: Link, asked: Asked) -> None:
            nonlocal answered, busy
            answered += asked.status == 200
            if time.perf_counter() < end:
                self._send(link)
            else:
                busy -= 1
                self._idle.append(link)

        self._told = again
        for _ in range(CLOSED):
            busy += 1
            self._send(self._idle.popleft())
        while busy:
            await asyncio.sleep(0.01)
        return answered / seconds

    async def ask(self, phases: Sequence[tuple[float, float]]) -> list[Asked]:
        """Requests at these rates for so many seconds each; what became of each, by when it was due."""
        found: list[Asked] = []
        sent = 0

        def note(link: Link, asked: Asked) -> None:
            found.append(asked)
            self._idle.append(link)

        self._told = note
        begun = time.perf_counter()
        for rate, seconds in phases:
            for number in range(round(rate * seconds)):
                due = begun + number / rate
                while (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                sent += 1
                if not self._idle:
                    await self.connect(CLOSED)
                self._send(self._idle.popleft(), due)
                if not number % 16:
                    await asyncio.sleep(0)
            begun += seconds
        while len(found) < sent:
            await asyncio.sleep(0.01)
        return sorted(found)

    def _send(self, link: Link, due: float = 0.0) -> None:
        link.due, link.asks = due or time.perf_counter(), True
        link.transport.write(self._request)


class Recovery(NamedTuple):
    """What one server did."""

    name: str
    capacity: float
    usual_p99: float
    goodput: float  # during the overload, as a share of the capacity
    overload_p99: float  # of what was answered then
    good_after: float | None  # seconds until goodput was back
    fast_after: float | None  # and the p99
    statuses: dict[int, int]


async def overload(name: str, port: int, path: str, body: bytes, seconds: float) -> Recovery:
    """Ask one server too much, and see how soon it is well."""
    clients = Clients(port, path, body)
    await clients.connect(CLOSED)
    capacity = await clients.capacity(min(4.0, seconds))
    usual, much = USUAL * capacity, OVERLOAD * capacity
    return judge(name, capacity, seconds, await clients.ask([(usual, seconds / 2), (much, seconds), (usual, seconds)]))


def judge(name: str, capacity: float, seconds: float, found: Sequence[Asked]) -> Recovery:
    """What became of the requests of the three phases, of which the overload took so long."""
    much = found[0].due + seconds / 2
    over = much + seconds
    before = [asked for asked in found if asked.due < much]
    during = [asked for asked in found if much <= asked.due < over]
    after = [asked for asked in found if asked.due >= over]
    starts = [step * STEP for step in range(round((seconds - OVER) / STEP) + 1)]
    good = (start for start in starts if goodput(within(after, over + start)) >= GOOD)
    fast = (start for start in starts if p99(within(after, over + start)) <= SLOWER * p99(before))
    return Recovery(
        name=name,
        capacity=capacity,
        usual_p99=p99(before),
        goodput=sum(asked.status == 200 for asked in during) / seconds / capacity,
        overload_p99=p99(during),
        good_after=next(good, None),
        fast_after=next(fast, None),
        statuses=dict(Counter(asked.status for asked in during)),
    )


def within(asked: Sequence[Asked], start: float) -> list[Asked]:
    """Those of the time over which all must be well."""
    return [one for one in asked if start <= one.due < start + OVER]


def goodput(asked: Sequence[Asked]) -> float:
    """The share that was answered."""
    return sum(one.status == 200 for one in asked) / max(1, len(asked))


def p99(asked: Sequence[Asked]) -> float:
    """Seconds, of what was answered."""
    times = sorted(one.seconds for one in asked if one.status == 200)
    return times[len(times) * 99 // 100] if times else float("inf")


@contextmanager
def in_a_worker(folder: Path) -> Iterator[tuple[int, str, bytes]]:
    """A model in a thread of a worker."""
    home = Home(folder / "worker").create()
    bundle = fake_bundle(home, "slow", FakeAnswers(row_seconds=ROW_SECONDS))
    stable = Variant(version="slow:1", digest=bundle.digest, form="native", placement="inline")
    publish(home, route_table(bundle, "slow", 1, variants=(stable,)))
    worker = WorkerProcess(home, module="tests.serving.fake_worker")
    try:
        yield worker.port, "/v1/endpoints/slow/predict", b'{"instances": [[1, 2]]}'
    finally:
        worker.stop()


@contextmanager
def in_hosts(folder: Path) -> Iterator[tuple[int, str, bytes]]:
    """A model in plain Python, in model hosts."""
    key = folder / "signing.key"
    before = SLEEPING.format(seconds=ROW_SECONDS) + "\nanswer = Scaling.predict\n"
    before += "Scaling.predict = lambda self, rows: (for_rows(rows), answer(self, rows))[1]"
    with running_instance(folder / "hosts", workers=1) as instance, instance.client() as client:
        client.register(hosted(folder / "bundles", key, 2.0, before=before))
        client.deploy("scaling:1", "scaling")
        yield instance.port, "/v1/endpoints/scaling/predict", json.dumps({"rows": [{"x": 3.0}]}).encode()


PLACES = {"a thread of a worker": in_a_worker, "model hosts": in_hosts}


def table(found: Sequence[Recovery]) -> str:
    """One line per server."""
    lines = [
        f"{'model in':<22}{'capacity':>10}{'usual p99':>12}{'goodput at 3x':>15}{'p99 then':>11}{'good after':>12}"
        f"{'fast after':>12}   answers during the overload"
    ]
    for each in found:
        times = [
            f"{'never' if after is None else f'{after:.1f} s':>12}" for after in (each.good_after, each.fast_after)
        ]
        lines.append(
            f"{each.name:<22}{each.capacity:>8.0f}/s{each.usual_p99 * 1e3:>9.1f} ms{each.goodput:>14.0%} "
            f"{each.overload_p99 * 1e3:>8.0f} ms{''.join(times)}   {each.statuses}"
        )
    return "\n".join(lines)


def measure(folder: Path, seconds: float, places: Sequence[str]) -> list[Recovery]:
    """Each kind of place, one after the other."""
    found = []
    for name in places:
        with PLACES[name](folder) as (port, path, body):
            found.append(uvloop.run(overload(name, port, path, body, seconds)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of the overload")
    parser.add_argument("--place", choices=PLACES, action="append", help="only this one")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headgate-overload-") as text, own_signing_key(Path(text)):
        print(table(measure(Path(text), chosen.seconds, chosen.place or list(PLACES))))  # noqa: T201  # what it is for


if __name__ == "__main__":
    main()
