"""The agent's one loop: every decision is taken in its thread, so nothing in the agent needs a lock.

Threads exist only where a library blocks (HTTP, unpacking); they hand their results in with `post`.
"""

import heapq
import itertools
import logging
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

logger = logging.getLogger(__name__)
Call = Callable[[], None]


class Watchable(Protocol):
    def fileno(self) -> int: ...


class Timer:
    """A call that is due later, unless it is cancelled."""

    __slots__ = ("call", "cancelled", "due")

    def __init__(self, due: float, call: Call) -> None:
        self.due = due
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """Readable files, timers and calls posted from other threads, one at a time."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._posted: deque[Call] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._bell, self._ring = socket.socketpair()
        self._bell.setblocking(False)
        self._ring.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ, self._silence)
        self._stopping = False

    def now(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def watch(self, file: Watchable, readable: Call) -> None:
        """Call `readable` whenever the file can be read, until `forget`."""
        self._selector.register(file, selectors.EVENT_READ, readable)

    def forget(self, file: Watchable) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(file)

    def post(self, call: Call) -> None:
        """Run the call in the loop's thread, soon. The only method for other threads and signal handlers."""
        self._posted.append(call)
        # a full bell rings already; a closed one belongs to a loop that has ended
        with suppress(OSError):
            self._ring.send(b"\0")

    def after(self, seconds: float, call: Call) -> Timer:
        timer = Timer(self.now() + seconds, call)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        return timer

    def every(self, seconds: float, call: Call) -> None:
        """Call now and again, counted from the end of each call."""

        def again() -> None:
            self._guard(call)
            self.after(seconds, again)

        again()

    def run(self) -> None:
        """Turn until `stop`."""
        while not self._stopping:
            self.turn()

    def stop(self) -> None:
        self._stopping = True

    def turn(self, longest: float = 1.0) -> None:
        """Wait for what comes next, at most `longest` seconds, and do it. Files go before timers: hear, then judge."""
        for key, _ in self._selector.select(self._patience(longest)):
            # a call before this one may have forgotten the file, closed it, or watch another under its number
            if self._selector.get_map().get(key.fd) is key:
                self._guard(key.data)
        for _ in range(len(self._posted)):
            self._guard(self._posted.popleft())
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                self._guard(timer.call)

    def close(self) -> None:
        self._selector.close()
        self._bell.close()
        self._ring.close()

    def _patience(self, longest: float) -> float:
        if self._posted:
            return 0.0
        if self._timers:
            return max(0.0, min(longest, self._timers[0][0] - self.now()))
        return longest

    def _silence(self) -> None:
        with suppress(BlockingIOError):
            while self._bell.recv(4096):
                pass

    def _guard(self, call: Call) -> None:
        try:
            call()
        except Exception:
            # the supervisor outlives its own mistakes: one endpoint's must not leave the whole node unwatched
            logger.exception("the agent failed in %s; it goes on", getattr(call, "__qualname__", call))
