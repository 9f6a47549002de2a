"""A model in hosts, as a worker sees it: every host of a bundle behind one `predict`.

A worker keeps each request until it is answered. When a host dies, any request that it had may have killed it: each is
asked again, once, alone and in a spare host that answers nothing else, and told when it enters the model. So one
request ends two hosts at most, takes no other request with it, and only it is given up.
"""

import asyncio
import time
from itertools import count
from pathlib import Path

from headgate.errors import DeadlineExceeded, ModelError, PoisonRequest, Unavailable
from headgate.runtimes.batch import Batch
from headgate.runtimes.parts import joined
from headgate.runtimes.runtime import Outputs
from headgate.serving.hosts.connection import Count, HostConnection, HostLost, Part
from headgate.serving.hosts.folder import HostFolder
from headgate.serving.hosts.wire import STREAM, encode_call
from headgate.serving.priority import NORMAL
from headgate.serving.trace import Trace

FOLDER_LETTERS = 16  # of the digest
SPARE = "spare"
FAILED = "failed"  # the agent's note that the version's hosts keep ending, and how
POLL_SECONDS = 0.01  # while somebody waits for a host
LOOK_SECONDS = 0.5  # otherwise, at most this often, and only when asked to predict
# without an agent no spare host comes: then another has to do
SPARE_SECONDS = 10.0
MAX_WAITING = 1024


class HostedModel:
    """Answers through the hosts whose sockets are `run/hosts/<digest's first 16>/*.sock`, with those in `spare/` for
    what may have killed one. For one event loop.
    """

    device = "cpu"

    def __init__(
        self, run: Path, digest: str, *, max_waiting: int = MAX_WAITING, spare_seconds: float = SPARE_SECONDS
    ) -> None:
        folder = run / "hosts" / digest[:FOLDER_LETTERS]
        (folder / SPARE).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._digest = digest
        self._max_waiting = max_waiting
        self._spare_seconds = spare_seconds
        self._hosts = HostFolder(folder)
        self._spares = HostFolder(folder / SPARE)
        self._numbers = count(1)
        self._waiting = 0
        self._closed = False

    @property
    def hosts(self) -> int:
        """How many hosts are connected, without spare ones."""
        return len(self._hosts.connections)

    async def ready(self, deadline: float) -> None:
        """Wait until a host is there; `deadline` in seconds of time.monotonic(). Raises `Unavailable`."""
        await self._host(deadline)

    async def predict(
        self,
        batch: Batch,
        deadline: float,
        priority: int = NORMAL,
        trace: Trace | None = None,
        *,
        count: Count = lambda rows: None,
    ) -> Outputs:
        """Answer every row of the batch; `deadline` in seconds of time.monotonic(), `trace` the rows' if they have one.
        `count` is told the rows of each of the hosts' model calls once, by one of the requests that were in it.

        Raises `ModelError` (the model failed), `PoisonRequest` (it died of this, twice), `DeadlineExceeded`,
        `Unavailable` (no host came up in time, or too many wait). When the caller is cancelled, its request is neither
        sent any more nor run.
        """
        host = self._hosts.least_busy(LOOK_SECONDS)
        if host is None:
            host = await self._host(deadline, gives_up=True)
        try:
            number = next(self._numbers)
            call = encode_call(number, batch, deadline, priority, trace=trace)
            return await host.ask(number, call, deadline, count)
        except HostLost:
            return await self._ask_alone(batch, deadline, priority, trace, count)

    async def stream(
        self,
        batch: Batch,
        deadline: float,
        priority: int,
        trace: Trace | None,
        part: Part,
        *,
        count: Count = lambda rows: None,
    ) -> Outputs:
        """Answer every row, in parts as the model makes them; returns the whole. Raises as `predict` does.

        A host that dies is not asked again once a part has come: the rest might not be that of the same answer.
        """
        parts: list[Outputs] = []

        def hear(outputs: Outputs) -> None:
            parts.append(outputs)
            part(outputs)

        host = self._hosts.least_busy(LOOK_SECONDS) or await self._host(deadline, gives_up=True)
        number = next(self._numbers)
        try:
            call = encode_call(number, batch, deadline, priority, trace=trace, op=STREAM)
            await host.ask(number, call, deadline, count, hear)
        except HostLost as lost:
            if parts:
                raise ModelError("The process that ran the model ended in the middle of its answer.") from lost
            return await self._ask_alone(batch, deadline, priority, trace, count)
        return joined(parts)

    def close(self) -> None:
        """Let go of all hosts; requests still out fail with `Unavailable`."""
        self._closed = True
        self._hosts.close()
        self._spares.close()

    async def _ask_alone(
        self, batch: Batch, deadline: float, priority: int, trace: Trace | None, count: Count
    ) -> Outputs:
        while time.monotonic() < deadline:
            try:
                host, number = await self._spare(deadline), next(self._numbers)
                call = encode_call(number, batch, deadline, priority, alone=True, trace=trace)
                return await host.ask(number, call, deadline, count)
            except HostLost as lost:
                if lost.started:
                    raise PoisonRequest(
                        "Two processes that ran the model ended while they answered this request; it is not tried "
                        "again. The server's log says how they ended."
                    ) from lost
        raise DeadlineExceeded("The model host died, and there was no time to ask another.")

    async def _spare(self, deadline: float) -> HostConnection:
        now = time.monotonic()
        until = min(now + self._spare_seconds, (now + deadline) / 2)
        while not self._closed and time.monotonic() < until:
            if (host := self._spares.least_busy(POLL_SECONDS)) is not None:
                return host
            if self._hosts.least_busy(POLL_SECONDS) is None:
                await self._check_failed(until)
            await asyncio.sleep(POLL_SECONDS)
        return await self._host(deadline, gives_up=True)

    async def _host(self, deadline: float, *, gives_up: bool = False) -> HostConnection:
        """The next host that is there; `gives_up` where the version has failed and nobody should wait for it."""
        if self._waiting >= self._max_waiting:
            raise Unavailable(f"{self._waiting} requests wait for a model host already.", retry_after=1.0)
        self._waiting += 1
        try:
            while not self._closed:
                if (host := self._hosts.least_busy(POLL_SECONDS)) is not None:
                    return host
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Unavailable(f"No model host of {self._digest[:12]} came up in time.", retry_after=1.0)
                if gives_up:
                    await self._check_failed(deadline)
                await asyncio.sleep(min(POLL_SECONDS, left))
            raise Unavailable("This version is being unloaded.", retry_after=1.0)
        finally:
            self._waiting -= 1

    async def _check_failed(self, deadline: float) -> None:
        """Raise why the version counts as failed. The note stays for a while after its hosts are back."""
        await self._hosts.settled(deadline)
        if self.hosts:
            return
        try:
            how = (self._hosts.path / FAILED).read_text()
        except FileNotFoundError:
            return
        raise Unavailable(f"This version has failed: its model hosts keep ending ({how}).", retry_after=10.0)
