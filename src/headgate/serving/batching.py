"""Batching without waiting: what arrived in one tick of the event loop for one variant runs as one call.

Short batches run on the loop, for a hop to a thread and back costs more than they do; longer ones run in a thread, and
what arrives meanwhile is the next batch. Rows of different callers are never mixed: they are joined and split in order.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple, Protocol

from headgate.errors import DeadlineExceeded, HeadgateError, Unavailable
from headgate.runtimes.batch import Batch
from headgate.runtimes.runtime import Outputs

log = logging.getLogger("headgate.serving")
INLINE_SECONDS = 200e-6
MAX_BATCH_ROWS = 1024
MAX_WAITING = 4096
# how exact a deadline is kept while a batch runs elsewhere
WATCH_SECONDS = 0.02


class Answer:
    """What a model said to the rows of some callers, in their order."""

    __slots__ = ("begun", "inputs", "outputs", "seconds", "written")

    def __init__(self, inputs: Batch, outputs: Outputs, begun: float, seconds: float) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.begun = begun  # time.monotonic() when the model was called
        self.seconds = seconds  # that the call took
        # what an encoder has made of all rows, for the callers that follow
        self.written: dict[object, Any] = {}


class Caller(Protocol):
    """One request that waits for its answer."""

    rows: Any  # for the model
    count: int  # of the rows
    deadline: float  # seconds of time.monotonic()

    def deliver(self, answer: Answer, start: int, stop: int) -> None:
        """Take the answer to one's own rows, which are those from start to before stop."""
        ...

    def fail(self, error: HeadgateError) -> None:
        """Take the reason why there is none. Only the first of all deliver and fail counts."""
        ...


# the rows of some callers → the checked answer; raises ModelError, or SignatureMismatch for rows that do not stack
Ask = Callable[[list[Any]], Answer]
# what is done once all callers of an answer have it
Settle = Callable[[Answer, Sequence[Any]], None]
Outcome = tuple[Answer | HeadgateError, Sequence[Caller]]


class Cost(NamedTuple):
    """What a batch takes, measured at load: fixed + per_row · rows, in seconds."""

    fixed: float
    per_row: float

    def of(self, rows: int) -> float:
        return self.fixed + self.per_row * rows


class Batcher:
    """The queue before one variant. For one event loop; `ask` may run in a thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, executor: Executor, ask: Ask, settle: Settle, cost: Cost
    ) -> None:
        self._loop = loop
        self._executor = executor
        self.ask = ask
        self._settle = settle
        self._cost = cost
        self._waiting: deque[Caller] = deque()
        self._scheduled = False
        # callers whose batch is in the thread
        self._running: Sequence[Caller] = ()
        self._watching = False

    @property
    def busy(self) -> bool:
        """Is anything waiting or running?"""
        return bool(self._waiting or self._running)

    def submit(self, caller: Caller) -> None:
        """Answer this caller with the others of this tick; raises `Unavailable` when too many wait already."""
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable(f"{MAX_WAITING} requests wait for this version already.", retry_after=1.0)
        self._waiting.append(caller)
        if not self._scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._scheduled = True
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if self._running:
            return
        callers, rows = self._take()
        if not callers:
            return
        if self._cost.of(rows) <= INLINE_SECONDS:
            hand_out(answer_all(self.ask, callers), self._settle_soon)
            if self._waiting:
                self._schedule()
        else:
            self._running = callers
            self._loop.run_in_executor(self._executor, answer_all, self.ask, callers).add_done_callback(self._done)
            self._watch()

    def _take(self) -> tuple[list[Caller], int]:
        """Those who wait, up to a full batch; a single caller may be larger than that."""
        waiting, now = self._waiting, time.monotonic()
        callers: list[Caller] = []
        rows = 0
        while waiting and (not callers or rows + waiting[0].count <= MAX_BATCH_ROWS):
            caller = waiting.popleft()
            if caller.deadline < now:
                caller.fail(DeadlineExceeded("The deadline passed while the request waited."))
            else:
                callers.append(caller)
                rows += caller.count
        return callers, rows

    def _done(self, future: "asyncio.Future[list[Outcome]]") -> None:
        self._running = ()
        if self._waiting and not self._scheduled:
            self._schedule()
        hand_out(future.result(), self._settle_soon)

    def _settle_soon(self, answer: Answer, callers: Sequence[Caller]) -> None:
        # the loop sends the answers at the end of this turn: nobody waits for what is done after it
        self._loop.call_soon(self._settle, answer, callers)

    def _watch(self) -> None:
        """While a batch runs, tell whoever's deadline passes."""
        if self._watching or not self._running:
            return
        self._watching = True
        self._loop.call_later(WATCH_SECONDS, self._look)

    def _look(self) -> None:
        self._watching = False
        now = time.monotonic()
        for caller in (*self._running, *self._waiting):
            if caller.deadline < now:
                caller.fail(DeadlineExceeded("The deadline passed before the model answered."))
        self._waiting = deque(caller for caller in self._waiting if caller.deadline >= now)
        self._watch()


def answer_all(ask: Ask, callers: Sequence[Caller]) -> list[Outcome]:
    """Ask once for all; where that fails ask for each half, so that only a caller whose own rows fail is told so."""
    try:
        return [(ask([caller.rows for caller in callers]), callers)]
    except HeadgateError as error:
        reason = error
    except Exception as error:
        # a fault of ours, which must not leave callers without an answer
        log.exception("a batch of %d requests failed", len(callers))
        reason = HeadgateError(f"Headgate itself failed ({type(error).__name__}); its log says why.")
    if len(callers) == 1:
        return [(reason, callers)]
    middle = len(callers) // 2
    return answer_all(ask, callers[:middle]) + answer_all(ask, callers[middle:])


def hand_out(outcomes: Sequence[Outcome], settle: Settle) -> None:
    """Give every caller the answer to its own rows, or its error."""
    for outcome, callers in outcomes:
        if isinstance(outcome, HeadgateError):
            for caller in callers:
                caller.fail(outcome)
            continue
        start = 0
        for caller in callers:
            stop = start + caller.count
            caller.deliver(outcome, start, stop)
            start = stop
        settle(outcome, callers)
