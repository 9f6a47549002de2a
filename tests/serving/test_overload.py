"""More is asked than can be answered: what is answered stays as much and as fast, and all is well again afterwards."""

import asyncio
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from tests.serving.test_limits import BODY, Stage
from tests.serving.worker_process import PREDICT, WorkerProcess, request

from headgate.home import Home

PHASE_SECONDS = 4.0
MOST_CONNECTIONS = 400
_HEAD = re.compile(rb"HTTP/1.1 (\d+) .*?Content-Length: (\d+)", re.DOTALL)


@dataclass
class Phase:
    """What became of the requests of one phase, each sent at its own time whatever became of the others."""

    name: str
    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # of those that were answered

    @property
    def answered(self) -> float:
        """Per second."""
        return len(self.seconds) / PHASE_SECONDS

    @property
    def p99(self) -> float:
        return sorted(self.seconds)[len(self.seconds) * 99 // 100]

    def __str__(self) -> str:
        counts = {status: self.statuses.count(status) for status in sorted(set(self.statuses))}
        return f"{self.name:<20} answered {self.answered:7.1f}/s   p99 {self.p99 * 1e3:7.1f} ms   {counts}"


class Clients:
    """Many connections to one worker."""

    def __init__(self, port: int, retries: int) -> None:
        self._port = port
        self._retries = retries
        self._request = request(
            "POST", PREDICT.format("slow"), BODY, Content_Type="application/json", Headgate_Timeout_Ms="500"
        )
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self) -> int:
        if self._idle:
            reader, writer = self._idle.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        match = _HEAD.match(head)
        assert match
        await reader.readexactly(int(match[2]))
        assert int(match[1]) != 503 or b"Retry-After" in head
        self._idle.append((reader, writer))
        return int(match[1])

    async def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
            await writer.wait_closed()

    async def insist(self, phase: Phase) -> None:
        begun = time.perf_counter()
        for _ in range(self._retries + 1):
            status = await self.ask()
            phase.statuses.append(status)
            if status == 200:
                phase.seconds.append(time.perf_counter() - begun)
                return

    async def capacity(self, seconds: float = 2.0) -> float:
        """Answers per second to a few that ask one after the other."""
        end, answered = time.perf_counter() + seconds, 0

        async def go_on() -> None:
            nonlocal answered
            while time.perf_counter() < end:
                status = await self.ask()
                answered += status == 200

        await asyncio.gather(*(go_on() for _ in range(12)))
        return answered / seconds

    async def phase(self, name: str, rate: float) -> Phase:
        """Ask so often per second, however it goes."""
        phase, tasks = Phase(name), set[asyncio.Task[None]]()
        begun = time.perf_counter()
        for number in range(int(rate * PHASE_SECONDS)):
            await asyncio.sleep(begun + number / rate - time.perf_counter())
            if len(tasks) < MOST_CONNECTIONS:
                task = asyncio.get_running_loop().create_task(self.insist(phase))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        sys.stdout.write(f"{phase}\n")
        return phase


@pytest.mark.heavy
@pytest.mark.parametrize("retries", [0, 3], ids=["patient", "insistent"])
def test_goodput_stays_and_comes_back(home: Home, start: Callable[..., WorkerProcess], retries: int) -> None:
    stage = Stage(home, start, seconds=0.04, concurrency=16)
    stage.let_answer()

    async def go() -> tuple[Phase, Phase, Phase]:
        clients = Clients(stage.worker.port, retries)
        capacity = await clients.capacity()
        sys.stdout.write(f"\ncapacity {capacity:.1f}/s\n")
        usual = await clients.phase("0.9 x", 0.9 * capacity)
        much = await clients.phase("3 x", 3 * capacity)
        await clients.phase("0.9 x, coming back", 0.9 * capacity)
        after = await clients.phase("0.9 x, after", 0.9 * capacity)
        await clients.close()
        return usual, much, after

    usual, much, after = asyncio.run(go())
    assert {*usual.statuses, *much.statuses, *after.statuses} <= {200, 503, 504}
    assert much.answered >= 0.7 * usual.answered
    assert after.answered >= 0.5 * usual.answered
