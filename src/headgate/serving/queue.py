"""The callers that wait for one variant in one worker: so many at most, in their order, without who has left."""

import time
from collections import deque
from typing import Generic, Protocol, TypeVar

from headgate.errors import DeadlineExceeded, HeadgateError, NoRoom
from headgate.serving.priority import OFFSETS, displaced
from headgate.serving.waiting_time import Patience


class Waiting(Protocol):
    """What is known of a caller here."""

    count: int  # of its rows
    priority: int  # its class
    since: float  # when it began, seconds of time.monotonic()
    deadline: float
    done: int  # the status, once it needs no answer any more

    def fail(self, error: HeadgateError) -> None:
        """Take the reason why there is no answer."""
        ...


Caller = TypeVar("Caller", bound=Waiting)


class Queue(Generic[Caller]):
    """First come, first served within a class; between classes the rule of `priority.py`."""

    def __init__(self, most: int, patience: Patience) -> None:
        self._patience = patience  # is told when there was no room
        self._most = most or float("inf")
        self._lanes: tuple[deque[Caller], ...] = tuple(deque() for _ in OFFSETS)
        self._entries = 0
        # how many of them have left: they are taken out together, so that leaving costs the same however long it is
        self._left = 0

    def __len__(self) -> int:
        return self._entries - self._left

    def ahead(self, priority: int) -> int:
        """How many wait that are of this class or of a higher one."""
        return max(0, sum(map(len, self._lanes[: priority + 1])) - self._left)

    def put(self, caller: Caller) -> None:
        """Join the queue; raises `NoRoom` when it is full and nobody of a lower class waits."""
        if self._entries - self._left >= self._most and not self.displace(caller.priority):
            raise NoRoom(f"{self._most} requests wait for this version already.", retry_after=1.0)
        self._lanes[caller.priority].append(caller)
        self._entries += 1

    def take(self, most_rows: int) -> tuple[list[Caller], int]:
        """Those whose turn it is, up to so many rows altogether, and how many rows these are; the late are told.

        A single caller may have more rows than that.
        """
        now = time.monotonic()
        taken: list[Caller] = []
        rows = 0
        high, lane, low = self._lanes
        # most often there is one class alone
        mixed = bool(high or low)
        while self._entries if mixed else lane:
            if mixed:
                lane = self._first_lane()
            if taken and rows + lane[0].count > most_rows:
                break
            caller = lane.popleft()
            self._entries -= 1
            if caller.done:
                self._left -= 1
                continue
            if caller.deadline < now:
                caller.fail(DeadlineExceeded("The deadline passed while the request waited."))
            else:
                taken.append(caller)
                rows += caller.count
        return taken, rows

    def displace(self, priority: int) -> bool:
        """Make room: refuse the newest caller of the lowest class below this; False when none waits."""
        self._patience.full()
        for lane in reversed(self._lanes[priority + 1 :]):
            while lane:
                caller = lane.pop()
                self._entries -= 1
                if not caller.done:
                    caller.fail(displaced())
                    return True
                self._left -= 1
        return False

    def drop(self, caller: Caller) -> None:
        """A caller that waits here has left, and is done."""
        self._left += 1
        if 2 * self._left > self._entries:
            self._keep(0.0)

    def expire(self, now: float) -> None:
        """Tell those whose deadline has passed."""
        late = [caller for lane in self._lanes for caller in lane if caller.deadline < now and not caller.done]
        if late:
            self._keep(now)
            for caller in late:
                caller.fail(DeadlineExceeded("The deadline passed before the model answered."))

    def _first_lane(self) -> deque[Caller]:
        """The one whose first caller has the earliest turn."""
        return min((lane for lane in self._lanes if lane), key=_turn)

    def _keep(self, now: float) -> None:
        """Only who still waits and is not late."""
        for lane in self._lanes:
            kept = [caller for caller in lane if caller.deadline >= now and not caller.done]
            lane.clear()
            lane.extend(kept)
        self._entries, self._left = sum(map(len, self._lanes)), 0


def _turn(lane: deque[Caller]) -> float:
    return lane[0].since + OFFSETS[lane[0].priority]
