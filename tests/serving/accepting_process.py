"""A process that accepts like a worker and does nothing else: `python -m tests.serving.accepting_process FD COUNTS`.

Every connection is told the process' pid, and held until the client hangs up. SIGUSR1 stops accepting.
"""

import asyncio
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any, cast

import uvloop

from headgate.serving.connection_counts import ConnectionCounts
from headgate.serving.connections import Acceptor


class Telling(asyncio.Protocol):
    """Says who has the connection."""

    def __init__(self, counts: ConnectionCounts) -> None:
        self._counts = counts

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(b"%d\n" % os.getpid())

    def connection_lost(self, exc: Exception | None) -> None:
        self._counts.closed()


async def accept(descriptor: int, path: Path) -> None:
    loop = asyncio.get_running_loop()
    listener = socket.socket(fileno=descriptor)
    counts = ConnectionCounts(path)
    acceptor = Acceptor(loop, listener, counts, lambda: Telling(counts))
    stopped: Any = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, acceptor.stop)
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    acceptor.start()
    os.write(1, b"ready\n")
    await stopped.wait()
    acceptor.stop()
    await acceptor.settled(1.0)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[3]), int(sys.argv[3])))
    uvloop.run(accept(int(sys.argv[1]), Path(sys.argv[2])))
