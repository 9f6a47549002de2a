"""A model in hosts, as a worker sees it: every host of a bundle behind one `predict`.

A worker keeps each request until it is answered. When a host dies, what it had is asked again of another, once: marked
to run alone, so that a request that kills hosts takes no other with it, and told when it enters the model, so that only
what was in the model when the second host died is given up.
"""

import asyncio
import logging
import time
from itertools import count
from pathlib import Path

from headgate.errors import DeadlineExceeded, ModelError, Unavailable
from headgate.home import unix_address
from headgate.runtimes.batch import Batch
from headgate.runtimes.runtime import Outputs
from headgate.serving.hosts.connection import HostConnection, HostLost
from headgate.serving.hosts.wire import encode_call

FOLDER_LETTERS = 16  # of the digest
POLL_SECONDS = 0.01  # while somebody waits for a host
LOOK_SECONDS = 0.5  # otherwise, at most this often, and only when asked to predict
MAX_WAITING = 1024
_log = logging.getLogger("headgate.serving")

Key = tuple[str, int]  # a socket's name and inode: a new host may take an old one's name


class HostedModel:
    """Answers through the hosts whose sockets are `run/hosts/<digest's first 16>/*.sock`. For one event loop."""

    device = "cpu"

    def __init__(self, run: Path, digest: str, *, max_waiting: int = MAX_WAITING) -> None:
        self._folder = run / "hosts" / digest[:FOLDER_LETTERS]
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._digest = digest
        self._max_waiting = max_waiting
        self._connections: dict[Key, HostConnection] = {}
        self._connecting: dict[Key, asyncio.Task[None]] = {}
        self._numbers = count(1)
        self._waiting = 0
        self._next_look = 0.0
        self._closed = False

    @property
    def hosts(self) -> int:
        """How many hosts are connected."""
        return len(self._connections)

    async def ready(self, deadline: float) -> None:
        """Wait until a host is there; `deadline` in seconds of time.monotonic(). Raises `Unavailable`."""
        await self._host(deadline)

    async def predict(self, batch: Batch, deadline: float) -> Outputs:
        """Answer every row of the batch; `deadline` in seconds of time.monotonic().

        Raises `ModelError` (the model failed, or killed two hosts), `DeadlineExceeded`, `Unavailable` (no host came up
        in time, or too many wait). When the caller is cancelled, its request is neither sent any more nor run.
        """
        alone = False
        while True:
            host = self._least_busy() or await self._host(deadline)
            number = next(self._numbers)
            try:
                return await host.ask(number, encode_call(number, batch, deadline, alone=alone), deadline)
            except HostLost as lost:
                if alone and lost.started:
                    raise ModelError("Two model hosts died while they answered this request.") from lost
                alone = True
            if time.monotonic() >= deadline:
                raise DeadlineExceeded("The model host died, and there was no time to ask another.")

    def close(self) -> None:
        """Let go of all hosts; requests still out fail with `Unavailable`."""
        self._closed = True
        for task in self._connecting.values():
            task.cancel()
        for connection in list(self._connections.values()):
            connection.close()
        self._connections.clear()

    def _least_busy(self) -> HostConnection | None:
        if time.monotonic() >= self._next_look:
            self._look()
        best = None
        for host in self._connections.values():
            if host.usable and (best is None or host.busy < best.busy):
                best = host
        return best

    async def _host(self, deadline: float) -> HostConnection:
        if self._waiting >= self._max_waiting:
            raise Unavailable(f"{self._waiting} requests wait for a model host already.", retry_after=1.0)
        self._waiting += 1
        try:
            while not self._closed:
                self._look()
                if (host := self._least_busy()) is not None:
                    return host
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Unavailable(f"No model host of {self._digest[:12]} came up in time.", retry_after=1.0)
                await asyncio.sleep(min(POLL_SECONDS, left))
            raise Unavailable("This version is being unloaded.", retry_after=1.0)
        finally:
            self._waiting -= 1

    def _look(self) -> None:
        """Connect to the sockets that are new."""
        self._next_look = time.monotonic() + LOOK_SECONDS
        loop = asyncio.get_running_loop()
        for path in self._folder.glob("*.sock"):
            try:
                key = (path.name, path.stat().st_ino)
            except FileNotFoundError:
                continue
            if key not in self._connections and key not in self._connecting:
                self._connecting[key] = loop.create_task(self._connect(key, path))

    async def _connect(self, key: Key, path: Path) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_unix_connection(
                lambda: HostConnection(lambda: self._connections.pop(key, None)), unix_address(path)
            )
        except OSError as error:
            # the host died and its socket is still there, or it has just gone: the next look tells
            _log.debug("no model host answers at %s: %s", path, error)
        else:
            if self._closed:
                connection.close()
            elif connection.usable:
                self._connections[key] = connection
        finally:
            self._connecting.pop(key, None)
