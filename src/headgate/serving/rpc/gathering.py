"""Calls that come together, kept together: grpcio takes the next one only turns of the loop after the last, so that a
batch of what arrives in one turn would be a batch of one.

While calls come one soon after the other, they are held for the few turns in which the next would be there. Whoever
calls alone waits for nobody, but for a look now and then.
"""

import asyncio
from collections.abc import Callable

from headgate.serving.rpc.call import Call

TURNS = 8  # without another call, after which none is expected; grpcio needs about five for one
MOST = 32  # held at once
LARGE = 4096  # bytes of a call that gains nothing by company
LOOK = 16  # of so many calls that come alone one is held


class Gathering:
    """Hands calls on, several in one turn where they come so. For one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handle: Callable[[Call], None]) -> None:
        self._loop = loop
        self._handle = handle
        self._held: list[Call] = []
        self._seen = 0  # of those held, at the last turn
        self._empty = 0  # turns since
        self._alone = 0  # calls in a row that nobody joined

    def add(self, call: Call) -> None:
        """Hand it on, now or soon."""
        held = self._held
        if len(call.body) > LARGE:
            self._handle(call)
        elif held:
            held.append(call)
        elif self._alone % LOOK:
            self._alone += 1
            self._handle(call)
        else:
            held.append(call)
            self._seen = self._empty = 0
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        count = len(self._held)
        if count > self._seen:
            self._seen, self._empty = count, 0
        else:
            self._empty += 1
        if count < MOST and self._empty < TURNS:
            self._loop.call_soon(self._turn)
            return
        held, self._held = self._held, []
        self._alone = self._alone + 1 if count == 1 else 0
        for call in held:
            # who has left meanwhile is not answered
            if not call.answered.done():
                self._handle(call)
