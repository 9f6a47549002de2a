"""A home's database is opened by one process alone: whoever opens it holds the home's lock."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from headgate.errors import Conflict
from headgate.home import Home

LOCK = "control.lock"
# a control plane that is just leaving gives the lock back within this
LOCK_SECONDS = 5.0


@contextmanager
def home_lock(home: Home) -> Iterator[None]:
    """The home's lock, held until the block or the process ends: its database is opened by one process alone.

    Raises `Conflict` when another control plane keeps it.
    """
    with (home.path / LOCK).open("w") as file:
        end = time.monotonic() + LOCK_SECONDS
        while not _lock(file.fileno()):
            if time.monotonic() > end:
                raise Conflict(f"Another control plane runs on {home.path}. Stop it first.")
            time.sleep(0.05)
        yield


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
