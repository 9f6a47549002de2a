"""Who is let in: how many requests at once and per second an endpoint takes and a key may send, over a node's workers.

How exact it is: one worker alone, exactly. Of a number at once: workers that reach for the last place at the same
instant step back rather than exceed it, so that one may be refused too early; only where two do so within the
nanoseconds that a store takes to the other core, all of them get in, at most one too many per other worker. What a
worker that died held is free after the next sweep. Of a rate: see `token_bucket.py`; a worker looks at every sweep, a
quarter of a second.

Classes of priority (see `priority.py`) count before an endpoint only; a key's own limits know none. Where an endpoint
is full, whoever waits for its model and is of a lower class makes room. Of its rate, half of the burst is closed to
`low`, and `high` may be half a burst ahead: the others make up for that.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

from headgate.errors import HeadgateError, NoRoom, TooManyRequests
from headgate.records import AccessKey, Limits
from headgate.serving.node_counts import LEVEL, SEEN, TAKEN, NodeCounts
from headgate.serving.priority import NORMAL, OFFSETS, Yielding
from headgate.serving.token_bucket import TokenBucket

# the reason of a refusal: what is over, and after how many seconds to come again
Refusal = Callable[[str, float], HeadgateError]


class Gate:
    """The limits of one endpoint or one key. What `enter` let in must `leave`, once. 0 means no limit."""

    def __init__(
        self,
        counts: NodeCounts,
        name: str,
        limits: tuple[int, float, float],
        full: Refusal,
        *,
        by_class: bool = False,
    ) -> None:
        most, rate, burst = limits
        self._counts = counts
        self._name = name
        self.limits = limits
        self._most = most
        self._full = full
        self._by_class = by_class
        tokens = max(1.0, burst or rate)
        # how much is left in the bucket for others
        self._floors = (-tokens / 2, 0.0, (tokens - 1.0) / 2) if by_class else (0.0,) * len(OFFSETS)
        self._cells, self._own, self._offset = counts.row(name)
        self._bucket: TokenBucket | None = None
        if rate > 0:
            now = time.monotonic()
            self._bucket = TokenBucket(rate, tokens, self._left(rate, tokens, now), now, self._taken_elsewhere())

    @property
    def in_use(self) -> int:
        """Requests that this worker has let in and that are not answered."""
        return int(self._cells[self._own])

    def enter(self, priority: int = NORMAL, queues: Sequence[Yielding] = ()) -> None:
        """Let one request in; raises `TooManyRequests` or `NoRoom`. Who waits in a queue may have to make room."""
        if self._most:
            counts, own = self._counts, self._own
            used = self._cells[own] + 1.0
            if used > self._most or counts.others or counts.joins[0] != counts.seen:
                self._enter_among_others(used, priority, queues)
            else:
                self._cells[own] = used
        if self._bucket is not None:
            self._take(self._bucket, priority)

    def leave(self) -> None:
        """One that was let in has its answer, or needs none."""
        if self._most:
            self._cells[self._own] -= 1.0

    def look(self) -> None:
        """See what the others took."""
        now = time.monotonic()
        if self._bucket is not None:
            self._bucket.look(now, self._taken_elsewhere())
            self._cells[self._own + LEVEL] = self._bucket.level
        self._cells[self._own + SEEN] = now

    def _enter_among_others(self, used: float, priority: int, queues: Sequence[Yielding]) -> None:
        if self._counts.joins[0] != self._counts.seen:
            self._counts.look()
        if used + self._in_use_elsewhere() > self._most:
            if not self._by_class or not any(queue.displace(priority) for queue in queues):
                raise self._refusal()
            used = self._cells[self._own] + 1.0
            if used + self._in_use_elsewhere() > self._most:
                raise self._refusal()
        self._cells[self._own] = used
        # another worker may have reached for the same place meanwhile: whoever sees that steps back
        if self._counts.others and used + self._in_use_elsewhere() > self._most:
            self._cells[self._own] = used - 1.0
            raise self._refusal()

    def _take(self, bucket: TokenBucket, priority: int) -> None:
        cells, own, now = self._cells, self._own, time.monotonic()
        if self._counts.joins[0] != self._counts.seen:
            self._counts.look()
        seconds = bucket.take(now, self._taken_elsewhere(), self._floors[priority])
        if seconds > 0:
            self.leave()
            raise TooManyRequests(
                f"The {self._name} takes {bucket.rate:g} requests per second. Slow down.", retry_after=seconds
            )
        cells[own + TAKEN] += 1.0
        cells[own + LEVEL], cells[own + SEEN] = bucket.level, now

    def _in_use_elsewhere(self) -> float:
        cells, offset = self._cells, self._offset
        if offset is None:
            return 0.0
        total = 0.0
        for begin in self._counts.others:
            total += cells[begin + offset]
        return total

    def _taken_elsewhere(self) -> float:
        cells, offset = self._cells, self._offset
        if offset is None:
            return 0.0
        total = 0.0
        for begin in self._counts.ever:
            total += cells[begin + offset + TAKEN]
        return total

    def _left(self, rate: float, burst: float, now: float) -> float:
        """What a bucket begins with: whatever workers of this boot, this one before too, last left in it."""
        level = burst
        if self._offset is not None:
            for begin in (self._own - self._offset, *self._counts.ever):
                place = begin + self._offset
                if self._cells[place + TAKEN]:
                    level = min(level, self._cells[place + LEVEL] + (now - self._cells[place + SEEN]) * rate)
        return level

    def _refusal(self) -> HeadgateError:
        # not all of them at once
        seconds = 1.0 + random.random()
        return self._full(f"{self._most} requests of the {self._name} are being answered, which is its limit.", seconds)


class Gates:
    """Makes the gates of one worker, and keeps them up to date."""

    def __init__(self, counts: NodeCounts) -> None:
        self._counts = counts
        # the newest of each name
        self._gates: WeakValueDictionary[str, Gate] = WeakValueDictionary()

    def of_endpoint(self, endpoint: str, limits: Limits) -> tuple[Gate, ...]:
        """The gate before an endpoint, none where nothing is limited."""
        if not limits.concurrency and not limits.requests_per_second:
            return ()
        rate, burst = limits.requests_per_second, limits.burst
        return (self._made(f"endpoint {endpoint}", (limits.concurrency, rate, burst), _full, by_class=True),)

    def of_key(self, key: AccessKey) -> tuple[Gate, ...]:
        """The gate of a key, none where nothing is limited."""
        if not key.concurrency and not key.requests_per_second:
            return ()
        return (self._made(f"key {key.id}", (key.concurrency, key.requests_per_second, 0.0), _too_many),)

    def sweep(self) -> None:
        """See who lives and what the others took; called every quarter of a second or so."""
        self._counts.look()
        for gate in tuple(self._gates.values()):
            gate.look()

    def _made(self, name: str, limits: tuple[int, float, float], full: Refusal, *, by_class: bool = False) -> Gate:
        gate = self._gates.get(name)
        if gate is None or gate.limits != limits:
            gate = self._gates[name] = Gate(self._counts, name, limits, full, by_class=by_class)
        return gate


def enter_all(gates: Sequence[Gate], priority: int = NORMAL, queues: Sequence[Yielding] = ()) -> None:
    """Pass every gate, or none; raises what refuses."""
    if len(gates) == 1:
        gates[0].enter(priority, queues)
        return
    for place, gate in enumerate(gates):
        try:
            gate.enter(priority, queues)
        except HeadgateError:
            leave_all(gates[:place])
            raise


def leave_all(gates: Sequence[Gate]) -> None:
    """What was let in has its answer, or needs none."""
    for gate in gates:
        gate.leave()


def _full(reason: str, seconds: float) -> HeadgateError:
    return NoRoom(reason, retry_after=seconds)


def _too_many(reason: str, seconds: float) -> HeadgateError:
    return TooManyRequests(reason, retry_after=math.ceil(seconds))
