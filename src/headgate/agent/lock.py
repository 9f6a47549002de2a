"""One agent per home: a lock that the kernel gives back however the agent ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from headgate.errors import Conflict
from headgate.home import Home


@contextmanager
def only_agent(home: Home) -> Iterator[None]:
    """Hold `run/agent.lock`. Raises `Conflict` with the pid of who holds it."""
    descriptor = os.open(home.run / "agent.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise Conflict(
                f"Expected no agent on {home.path}, got one with pid {pid}. "
                "Use `headgate status` to see it, `headgate down` to stop it, or another --home."
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
