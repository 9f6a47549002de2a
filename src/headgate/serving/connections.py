"""Accepting connections so that the workers on one socket get even shares.

A worker takes one connection per wake-up. While it has more than its share it steps back for a moment and lets the
others; what nobody took by then it takes itself, so that a sibling that hangs blocks no one.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from ssl import SSLContext
from typing import Any

from headgate.serving.connection_counts import ConnectionCounts

STEP_BACK_SECONDS = 0.001
# longer than a busy machine keeps a process waiting that could run: only who hangs is waited for in vain
STEPS_BACK = 100
EXHAUSTED_SECONDS = 0.1
# for the other side to say that it has understood the end of a TLS connection
SHUTDOWN_SECONDS = 2.0
# gone before it was taken, or taken by another worker
_NOT_THERE = frozenset({errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EPROTO})
_log = logging.getLogger("headgate.serving")


class Acceptor:
    """Accepts for one worker. The protocols that `factory` makes tell `counts` when their connection is lost."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        counts: ConnectionCounts,
        factory: Callable[[], asyncio.BaseProtocol],
        tls: SSLContext | None = None,
        handshake_seconds: float = 10.0,
    ) -> None:
        self._loop = loop
        self._tls: dict[str, Any] = {}
        if tls is not None:
            self._tls = {
                "ssl": tls, "ssl_handshake_timeout": handshake_seconds, "ssl_shutdown_timeout": SHUTDOWN_SECONDS,
            }  # fmt: skip
        self._listener = listener
        self._counts = counts
        self._factory = factory
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = False
        self._steps = 0
        # what the others had accepted when this worker last stepped back, and when it last gave up waiting for them
        self._seen = self._given_up_at = -1

    @property
    def open(self) -> int:
        """Connections that this worker holds."""
        return self._counts.open

    def start(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(False)
        self._running = True
        self._counts.join()
        self._resume()

    def stop(self) -> None:
        """Accept no more; the listening socket stays open, and what was accepted is still served."""
        self._running = False
        self._pause(None)
        self._counts.leave()

    async def settled(self, seconds: float) -> None:
        """Wait until every accepted connection has its protocol; who is not done with TLS by then is let go."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()

    def _wake(self) -> None:
        if self._counts.over_share() and self._may_wait():
            self._steps += 1
            self._pause(STEP_BACK_SECONDS)
            return
        self._steps = 0
        self._accept_one()

    def _may_wait(self) -> bool:
        """Whether somebody else can be expected to take the connection soon."""
        elsewhere = self._counts.accepted_elsewhere()
        if elsewhere != self._seen:
            self._seen, self._steps = elsewhere, 0
        if elsewhere == self._given_up_at:
            return False
        if self._steps >= STEPS_BACK:
            # they hang: not waited for again before one of them moves
            self._given_up_at = elsewhere
            return False
        return True

    def _accept_one(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            if error.errno not in _NOT_THERE:
                # out of descriptors or memory: the connection stays in the queue, looking at once again is of no use
                _log.error("cannot accept connections for the moment: %s", error)
                self._pause(EXHAUSTED_SECONDS)
            return
        self._counts.opened()
        connection.setblocking(False)
        # the loop keeps only weak references to tasks
        task = self._loop.create_task(self._connect(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._factory, connection, **self._tls)
        except OSError as error:
            # over TLS strangers can make this happen as often as they like
            _log.log(logging.DEBUG if self._tls else logging.WARNING, "a connection could not be served: %s", error)
            connection.close()
            self._counts.closed()

    def _pause(self, seconds: float | None) -> None:
        """Do not look at the listening socket for so long; None for good."""
        self._loop.remove_reader(self._listener)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._timer = None
        if self._running:
            self._loop.add_reader(self._listener, self._wake)
