"""Batching without waiting: what arrived in one tick of the event loop for one variant runs as one call.

Short batches run on the loop, for a hop to a thread and back costs more than they do; longer ones run in a thread, and
what arrives meanwhile is the next batch. Rows of different callers are never mixed: they are joined and split in order.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Executor

from headgate.errors import DeadlineExceeded, HeadgateError
from headgate.serving.calls import Answer, Caller, Settle
from headgate.serving.halving import Ask, Outcome, answer_all
from headgate.serving.queue import Queue
from headgate.serving.waiting_time import Cost, Pace, Patience

INLINE_SECONDS = 200e-6
MAX_BATCH_ROWS = 1024
# how exact a deadline is kept while a batch runs elsewhere
WATCH_SECONDS = 0.02


class Batcher:
    """The queue before one variant. For one event loop; `ask` may run in a thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, executor: Executor, ask: Ask, settle: Settle, cost: Cost, most: int = 0
    ) -> None:
        self._loop = loop
        self._executor = executor
        self.ask = ask
        self._settle = settle
        self._cost = cost
        self._most_rows = cost.most_rows(MAX_BATCH_ROWS)
        patience = Patience()
        self._waiting: Queue[Caller] = Queue(most, patience)
        self._scheduled = False
        # callers whose batch is in the thread
        self._running: Sequence[Caller] = ()
        self._pace = Pace(cost, patience)
        self._watching = False

    @property
    def busy(self) -> bool:
        """Is anything waiting or running?"""
        return bool(self._waiting or self._running)

    def submit(self, caller: Caller) -> None:
        """Answer this caller with the others of this tick; raises `Overloaded` when it would wait in vain."""
        if self._running:
            self._pace.check(caller.deadline, self._waiting.ahead(caller.priority), len(self._waiting))
        self._waiting.put(caller)
        if not self._scheduled:
            self._schedule()

    def drop(self, caller: Caller) -> None:
        """This caller has left and is done: what has not begun is not begun any more."""
        if not self.has_begun(caller):
            self._waiting.drop(caller)

    def displace(self, priority: int) -> bool:
        """Refuse the newest caller that waits and is of a lower class than this; False when there is none."""
        return self._waiting.displace(priority)

    def has_begun(self, caller: Caller) -> bool:
        """Is this caller's batch with the model?"""
        return caller in self._running

    def _schedule(self) -> None:
        self._scheduled = True
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if self._running:
            return
        callers, rows = self._waiting.take(self._most_rows)
        if not callers:
            return
        if self._cost.of(rows) <= INLINE_SECONDS:
            hand_out(answer_all(self.ask, callers), self._settle_soon)
            if self._waiting:
                self._schedule()
        else:
            self._running = callers
            self._pace.begin(rows, len(callers))
            self._loop.run_in_executor(self._executor, answer_all, self.ask, callers).add_done_callback(self._done)
            self._watch()

    def _done(self, future: "asyncio.Future[list[Outcome]]") -> None:
        self._pace.end()
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
        for caller in self._running:
            if caller.deadline < now:
                caller.fail(DeadlineExceeded("The deadline passed before the model answered."))
        self._waiting.expire(now)
        self._watch()


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
