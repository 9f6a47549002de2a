"""Open-loop load: requests leave by a schedule that the answers do not change.

A latency counts from the time on the schedule, also when every connection was busy then or the driver itself was late:
what waited is not left out. As a process of its own: `python -m benchmarks.open_loop FILE`, with a `Plan` as JSON.
"""

import asyncio
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import httptools
import msgspec
import uvloop
from benchmarks.contender import labels_in
from benchmarks.load import request_of

# within this long before a request is due the driver does not sleep: timers of the loop know whole milliseconds
SPIN = 0.0015
# a shorter pause than the loop's timers know would be none at all
TICK = 0.001
CHECK_EVERY = 16
LAST_ANSWERS = 10.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, how often, for how long."""

    port: int
    path: str
    bodies: list[bytes]
    # labels that answer each body; checked in one answer of 16
    labels: list[list[int]]
    rate: float
    seconds: float
    headers: dict[str, str] = {}
    connections: int = 32
    # false leaves the processor to others between requests, at a cost of up to a millisecond of lateness
    spin: bool = True


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: latencies in microseconds."""

    offered: float
    answered: int
    errors: int
    wrong: int
    p50: float
    p99: float
    worst: float


class Link(asyncio.Protocol):
    """One connection; at most one request is on its way."""

    def __init__(self, lane: "Lane") -> None:
        self.lane = lane
        self.transport: Any = None
        self.parser: Any = httptools.HttpResponseParser(self)
        self.due = 0.0
        self.number = -1
        self.body = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, number: int, due: float) -> None:
        self.number, self.due, self.body = number, due, b""
        self.transport.write(self.lane.requests[number % len(self.lane.requests)])

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.lane.take(self, self.parser.get_status_code())

    def connection_lost(self, error: Exception | None) -> None:
        self.lane.lose(self)


class Lane:
    """The schedule, the idle connections, and what was seen."""

    def __init__(self, plan: Plan, read: Any = labels_in) -> None:
        self.requests = [request_of(plan.port, plan.path, body, plan.headers) for body in plan.bodies]
        self.plan = plan
        self.read = read
        self.idle: deque[Link] = deque()
        self.late: deque[tuple[int, float]] = deque()
        self.latencies: list[float] = []
        self.errors = self.wrong = self.done = 0
        self.total = max(1, round(plan.rate * plan.seconds))
        self.finished = asyncio.get_running_loop().create_future()

    async def run(self) -> Observed:
        loop = asyncio.get_running_loop()
        for _ in range(self.plan.connections):
            _, link = await loop.create_connection(lambda: Link(self), "127.0.0.1", self.plan.port)
            self.idle.append(link)
        await self._send_all()
        try:
            await asyncio.wait_for(asyncio.shield(self.finished), LAST_ANSWERS)
        except TimeoutError:
            self.errors += self.total - self.done
        for link in self.idle:
            link.transport.close()
        return self._observed()

    async def _send_all(self) -> None:
        begun, step = time.perf_counter(), 1 / self.plan.rate
        number = 0
        while number < self.total:
            due = begun + number * step
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(max(0.0, wait - SPIN) if self.plan.spin else max(TICK, wait))
                continue
            if self.idle:
                self.idle.popleft().send(number, due)
            else:
                self.late.append((number, due))
            number += 1
            if not number % 8:
                # answers are taken between requests, also when the schedule is ahead of us
                await asyncio.sleep(0)

    def take(self, link: Link, status: int) -> None:
        """An answer is complete."""
        self.latencies.append(time.perf_counter() - link.due)
        self.done += 1
        if status != 200:
            self.errors += 1
        elif not self.done % CHECK_EVERY:
            expected = self.plan.labels[link.number % len(self.requests)]
            self.wrong += list(self.read(link.body)) != expected
        link.number = -1
        if self.late:
            link.send(*self.late.popleft())
        else:
            self.idle.append(link)
        if self.done >= self.total and not self.finished.done():
            self.finished.set_result(None)

    def lose(self, link: Link) -> None:
        """The server closed a connection: what was on its way is lost, and another takes its place."""
        if link in self.idle:
            self.idle.remove(link)
        if link.number >= 0:
            self.errors += 1
            self.done += 1
        if not self.finished.done():
            asyncio.get_running_loop().create_task(self._replace())

    async def _replace(self) -> None:
        _, link = await asyncio.get_running_loop().create_connection(lambda: Link(self), "127.0.0.1", self.plan.port)
        if self.late:
            link.send(*self.late.popleft())
        else:
            self.idle.append(link)

    def _observed(self) -> Observed:
        times = sorted(self.latencies) or [0.0]
        return Observed(
            offered=self.plan.rate,
            answered=len(self.latencies),
            errors=self.errors,
            wrong=self.wrong,
            p50=times[len(times) // 2] * 1e6,
            p99=times[len(times) * 99 // 100] * 1e6,
            worst=times[-1] * 1e6,
        )


def observe(plan: Plan, read: Any = labels_in) -> Observed:
    """Carry the plan out, here."""

    async def carry_out() -> Observed:
        return await Lane(plan, read).run()

    return uvloop.run(carry_out())


def begin(plan: Plan, folder: Path) -> "subprocess.Popen[bytes]":
    """Carry the plan out in a process of its own, which prints what it observed."""
    path = folder / "plan.json"
    path.write_bytes(msgspec.json.encode(plan))
    return subprocess.Popen([sys.executable, "-m", "benchmarks.open_loop", str(path)], stdout=subprocess.PIPE)


def end(process: "subprocess.Popen[bytes]") -> Observed:
    """What such a process observed."""
    out, _ = process.communicate()
    return msgspec.json.decode(out, type=Observed)


if __name__ == "__main__":
    chosen = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    sys.stdout.write(msgspec.json.encode(observe(chosen)).decode())
