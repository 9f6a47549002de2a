"""The callers that wait for one variant in one worker: so many at most, in their order, without who has left."""

import time
from collections import deque
from typing import Generic, Protocol, TypeVar

from headgate.errors import DeadlineExceeded, HeadgateError, Overloaded


class Waiting(Protocol):
    """What is known of a caller here."""

    count: int  # of its rows
    deadline: float  # seconds of time.monotonic()
    done: int  # the status, once it needs no answer any more

    def fail(self, error: HeadgateError) -> None:
        """Take the reason why there is no answer."""
        ...


Caller = TypeVar("Caller", bound=Waiting)


class Queue(Generic[Caller]):
    """First come, first served."""

    def __init__(self, most: int) -> None:
        self._most = most or float("inf")
        self._callers: deque[Caller] = deque()
        # how many in it have left: they are taken out together, so that leaving costs the same however long it is
        self._left = 0

    def __len__(self) -> int:
        return len(self._callers) - self._left

    def put(self, caller: Caller) -> None:
        """Join the queue; raises `Overloaded` when it is full."""
        if len(self._callers) - self._left >= self._most:
            raise Overloaded(f"{self._most} requests wait for this version already.", retry_after=1.0)
        self._callers.append(caller)

    def take(self, most_rows: int) -> tuple[list[Caller], int]:
        """Those whose turn it is, up to so many rows altogether, and how many rows these are; the late are told.

        A single caller may have more rows than that.
        """
        waiting, now = self._callers, time.monotonic()
        taken: list[Caller] = []
        rows = 0
        while waiting and (not taken or rows + waiting[0].count <= most_rows):
            caller = waiting.popleft()
            if caller.done:
                self._left -= 1
                continue
            if caller.deadline < now:
                caller.fail(DeadlineExceeded("The deadline passed while the request waited."))
            else:
                taken.append(caller)
                rows += caller.count
        return taken, rows

    def drop(self, caller: Caller) -> None:
        """A caller that waits here has left, and is done."""
        self._left += 1
        if 2 * self._left > len(self._callers):
            self._keep([caller for caller in self._callers if not caller.done])

    def expire(self, now: float) -> None:
        """Tell those whose deadline has passed."""
        late = [caller for caller in self._callers if caller.deadline < now and not caller.done]
        if late:
            self._keep([caller for caller in self._callers if caller.deadline >= now and not caller.done])
            for caller in late:
                caller.fail(DeadlineExceeded("The deadline passed before the model answered."))

    def _keep(self, callers: list[Caller]) -> None:
        self._callers = deque(callers)
        self._left = 0
