"""The order of a queue, whatever happens in it: by class, nobody starves, nobody is lost or told twice."""

from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from headgate.errors import DeadlineExceeded, HeadgateError, Overloaded
from headgate.serving.priority import HIGH, LOW, NORMAL, OFFSETS
from headgate.serving.queue import Queue
from headgate.serving.waiting_time import Patience

MOST = 6
CLASSES = st.sampled_from([HIGH, NORMAL, LOW])


class Caller:
    """Remembers what it was told."""

    def __init__(self, number: int, priority: int, since: float, count: int, deadline: float) -> None:
        self.number = number
        self.priority = priority
        self.since = since
        self.count = count
        self.deadline = deadline
        self.done = 0
        self.error: HeadgateError | None = None

    @property
    def turn(self) -> tuple[float, int, int]:
        return (self.since + OFFSETS[self.priority], self.priority, self.number)

    def fail(self, error: HeadgateError) -> None:
        assert not self.done
        self.done, self.error = error.status, error


class Waiting(RuleBasedStateMachine):
    """A queue beside a plain list of those that wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.patience = Patience()
        self.queue: Queue[Caller] = Queue(MOST, self.patience)
        self.waiting: list[Caller] = []
        self.joined = 0
        # who was taken when, to see who was passed by whom
        self.taken: list[Caller] = []

    @rule(seconds=st.sampled_from([0.25, 0.75, 2.0, 6.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(priority=CLASSES, count=st.integers(1, 3), patience=st.sampled_from([0.5, 3.0, 100.0]))
    def join(self, priority: int, count: int, patience: float) -> None:
        self.joined += 1
        caller = Caller(self.joined, priority, self.now, count, self.now + patience)
        self.patience.is_short = False
        try:
            self.queue.put(caller)
        except Overloaded:
            assert len(self.waiting) == MOST and self.patience.is_short
            assert all(other.priority <= priority for other in self.waiting)
            return
        assert self.patience.is_short == (len(self.waiting) == MOST)
        if len(self.waiting) == MOST:
            self.made_room(priority)
        self.waiting.append(caller)

    @rule(priority=CLASSES)
    def displace(self, priority: int) -> None:
        if self.queue.displace(priority):
            self.made_room(priority)
        else:
            assert all(other.priority <= priority for other in self.waiting)

    def made_room(self, priority: int) -> None:
        (told,) = [caller for caller in self.waiting if caller.done]
        assert isinstance(told.error, Overloaded) and told.error.retry_after
        assert told.priority > priority
        assert told is max(self.waiting, key=lambda caller: (caller.priority, caller.number))
        self.waiting.remove(told)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(self.waiting))
        caller.done = 499
        self.queue.drop(caller)
        self.waiting.remove(caller)

    @rule()
    def expire(self) -> None:
        self.queue.expire(self.now)
        self.forget_the_late()

    @rule(rows=st.integers(1, 8))
    def take(self, rows: int) -> None:
        with patch("headgate.serving.queue.time.monotonic", lambda: self.now):
            taken, count = self.queue.take(rows)
        assert count == sum(caller.count for caller in taken)
        assert count <= rows or len(taken) == 1
        in_turn = sorted((caller for caller in self.waiting if caller.deadline >= self.now), key=lambda one: one.turn)
        assert taken == in_turn[: len(taken)]
        assert taken or not in_turn
        for caller in taken:
            assert not caller.done
            self.waiting.remove(caller)
        self.waiting = [caller for caller in self.waiting if not caller.done]
        self.taken += taken

    def forget_the_late(self) -> None:
        late = [caller for caller in self.waiting if caller.deadline < self.now]
        assert all(isinstance(caller.error, DeadlineExceeded) for caller in late)
        self.waiting = [caller for caller in self.waiting if caller not in late]

    @invariant()
    def nobody_is_lost(self) -> None:
        assert len(self.queue) == len(self.waiting)
        assert bool(self.queue) == bool(self.waiting)
        assert self.queue.ahead(LOW) == len(self.waiting)
        assert not any(caller.done for caller in self.waiting)

    @invariant()
    def nobody_starves(self) -> None:
        """Whoever is passed is passed by higher classes only, and only by who came so much later at most."""
        for place, first in enumerate(self.taken):
            for passed in self.taken[place + 1 :]:
                if passed.number < first.number:
                    assert first.priority < passed.priority
                    assert first.since - passed.since <= OFFSETS[passed.priority] - OFFSETS[first.priority]


TestWaiting = Waiting.TestCase
TestWaiting.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
