"""The worker's Unix socket: agents connect, send commands as JSON lines, and are told how the worker is doing.

Works on plain sockets, since the listening socket itself is handed over (SCM_RIGHTS) between two report lines.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from headgate.home import unix_address
from headgate.records import Drain, HandOver, Refresh, WorkerCommand, WorkerReport

HANDED_OVER = b'{"hand_over":true}\n'
LINE_BYTES = 64 * 1024
_log = logging.getLogger("headgate.serving")
_decode = msgspec.json.Decoder(WorkerCommand).decode


class Actions(NamedTuple):
    """What commands do."""

    refresh: Callable[[], None]
    drain: Callable[[], None]
    report: Callable[[], WorkerReport]


class ControlSocket:
    """Listens at a path for agents; `changed` tells all of them at once."""

    def __init__(self, path: Path, listener: socket.socket, actions: Actions, heartbeat_seconds: float) -> None:
        self._path = path
        self._listener = listener
        self._actions = actions
        self._heartbeat = heartbeat_seconds
        self._changed: set[asyncio.Event] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def start(self) -> None:
        """Begin to listen; a socket that a dead worker left behind is replaced."""
        self._path.unlink(missing_ok=True)
        self._socket.bind(unix_address(self._path))
        self._path.chmod(0o600)
        self._socket.listen(8)
        self._keep(self._accept())

    def changed(self) -> None:
        """Something that reports tell has changed: tell it now."""
        for event in self._changed:
            event.set()

    async def close(self) -> None:
        """Send the last report, then let go of all agents and of the socket."""
        self.changed()
        await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            agent, _ = await loop.sock_accept(self._socket)
            self._keep(self._serve(agent))

    async def _serve(self, agent: socket.socket) -> None:
        """Reports out, commands in, until the agent goes."""
        agent.setblocking(False)
        event = asyncio.Event()
        event.set()
        self._changed.add(event)
        # one writer at a time: the descriptor must not come inside of a report
        turn = asyncio.Lock()
        try:
            async with asyncio.TaskGroup() as group:
                reporting = group.create_task(self._report(agent, event, turn))
                await self._listen(agent, turn)
                reporting.cancel()
        except* OSError as errors:
            _log.debug("an agent went away: %s", errors.exceptions[0])
        finally:
            self._changed.discard(event)
            agent.close()

    async def _report(self, agent: socket.socket, event: asyncio.Event, turn: asyncio.Lock) -> None:
        loop = asyncio.get_running_loop()
        while True:
            event.clear()
            async with turn:
                await loop.sock_sendall(agent, msgspec.json.encode(self._actions.report()) + b"\n")
            # not wait_for: before Python 3.12 it swallows a cancellation that comes together with the event
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat):
                    await event.wait()

    async def _listen(self, agent: socket.socket, turn: asyncio.Lock) -> None:
        loop = asyncio.get_running_loop()
        rest = b""
        while data := await loop.sock_recv(agent, LINE_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > LINE_BYTES:
                _log.error("an agent sent a line of over %d bytes", LINE_BYTES)
                return
            for line in lines:
                await self._obey(line, agent, turn)

    async def _obey(self, line: bytes, agent: socket.socket, turn: asyncio.Lock) -> None:
        try:
            command = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            # a newer agent may know commands that this worker does not
            _log.error("a command that is not understood: %s", error)
            return
        if isinstance(command, Refresh):
            self._actions.refresh()
        elif isinstance(command, Drain):
            self._actions.drain()
        elif isinstance(command, HandOver):
            async with turn:
                await send_socket(agent, self._listener)


async def send_socket(agent: socket.socket, listener: socket.socket) -> None:
    """Give the listening socket to the process at the other end; both then listen on it."""
    while True:
        try:
            socket.send_fds(agent, [HANDED_OVER], [listener.fileno()])
        except BlockingIOError:
            await asyncio.sleep(0.01)
        else:
            return
