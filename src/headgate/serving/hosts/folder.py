"""The model hosts whose sockets lie in one folder: found, connected to, and the least busy of them."""

import asyncio
import logging
import time
from pathlib import Path

from headgate.home import unix_address
from headgate.serving.hosts.connection import HostConnection

Key = tuple[str, int]  # a socket's name and inode: a new host may take an old one's name
_log = logging.getLogger("headgate.serving")


class HostFolder:
    """For one event loop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections: dict[Key, HostConnection] = {}
        self._connecting: dict[Key, asyncio.Task[None]] = {}
        self._looked = 0.0
        self._closed = False

    def least_busy(self, look_seconds: float) -> HostConnection | None:
        """The one that owes the fewest answers; looks for new ones when that was not done for so long."""
        if time.monotonic() - self._looked >= look_seconds:
            self._look()
        best = None
        for host in self.connections.values():
            if host.usable and (best is None or host.busy < best.busy):
                best = host
        return best

    async def settled(self, deadline: float) -> None:
        """Wait for what is being connected to: a host that was found a moment ago may be there already."""
        if self._connecting:
            await asyncio.wait([*self._connecting.values()], timeout=max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Let go of all of them; what they were asked is lost."""
        self._closed = True
        for task in self._connecting.values():
            task.cancel()
        for connection in list(self.connections.values()):
            connection.close()
        self.connections.clear()

    def _look(self) -> None:
        """Connect to the sockets that are new."""
        self._looked = time.monotonic()
        loop = asyncio.get_running_loop()
        for path in self.path.glob("*.sock"):
            try:
                key = (path.name, path.stat().st_ino)
            except FileNotFoundError:
                continue
            if key not in self.connections and key not in self._connecting:
                self._connecting[key] = loop.create_task(self._connect(key, path))

    async def _connect(self, key: Key, path: Path) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_unix_connection(
                lambda: HostConnection(lambda: self.connections.pop(key, None)), unix_address(path)
            )
        except OSError as error:
            # the host died and its socket is still there, or it has just gone: the next look tells
            _log.debug("no model host answers at %s: %s", path, error)
        else:
            if self._closed:
                connection.close()
            elif connection.usable:
                self.connections[key] = connection
        finally:
            self._connecting.pop(key, None)
