"""Batching without waiting: what arrived in one tick of the event loop for one variant runs as one call.

Short batches run on the loop, for a hop to a thread and back costs more than they do; longer ones run in a thread, and
what arrives meanwhile is the next batch. Rows of different callers are never mixed: they are joined and split in order.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple, Protocol

from headgate.errors import DeadlineExceeded, HeadgateError, ModelError, Unavailable
from headgate.runtimes.batch import Batch
from headgate.runtimes.runtime import Outputs

INLINE_SECONDS = 200e-6
MAX_BATCH_ROWS = 1024
MAX_WAITING = 4096
# how exact a deadline is kept while a batch runs elsewhere
WATCH_SECONDS = 0.02


class Answer(NamedTuple):
    """What a model said to some rows, with the rows."""

    inputs: Batch
    outputs: Outputs
    begun: float  # time.monotonic() when the model was called
    seconds: float  # that the call took


class Caller(Protocol):
    """One request that waits for its answer."""

    values: list[Any]
    deadline: float  # seconds of time.monotonic()

    def deliver(self, answer: Answer) -> None:
        """Take the answer to one's own rows."""
        ...

    def fail(self, error: HeadgateError) -> None:
        """Take the reason why there is none. Only the first of all deliver and fail counts."""
        ...


# rows of values → the checked answer; raises ModelError
Ask = Callable[[list[Any]], Answer]


class Cost(NamedTuple):
    """What a batch takes, measured at load: fixed + per_row · rows, in seconds."""

    fixed: float
    per_row: float

    def of(self, rows: int) -> float:
        return self.fixed + self.per_row * rows


class Batcher:
    """The queue before one variant. For one event loop; `ask` may run in a thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, executor: Executor, ask: Ask, cost: Cost) -> None:
        self._loop = loop
        self._executor = executor
        self._ask = ask
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
            hand_out(answer_all(self._ask, callers))
            if self._waiting:
                self._schedule()
        else:
            self._running = callers
            self._loop.run_in_executor(self._executor, answer_all, self._ask, callers).add_done_callback(self._done)
            self._watch()

    def _take(self) -> tuple[list[Caller], int]:
        """Those who wait, up to a full batch; a single caller may be larger than that."""
        waiting, now = self._waiting, time.monotonic()
        callers: list[Caller] = []
        rows = 0
        while waiting and (not callers or rows + len(waiting[0].values) <= MAX_BATCH_ROWS):
            caller = waiting.popleft()
            if caller.deadline < now:
                caller.fail(DeadlineExceeded("The deadline passed while the request waited."))
            else:
                callers.append(caller)
                rows += len(caller.values)
        return callers, rows

    def _done(self, future: "asyncio.Future[list[tuple[Caller, Answer | HeadgateError]]]") -> None:
        self._running = ()
        if self._waiting and not self._scheduled:
            self._schedule()
        hand_out(future.result())

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


def answer_all(ask: Ask, callers: Sequence[Caller]) -> list[tuple[Caller, Answer | HeadgateError]]:
    """Ask once for all; where that fails ask for each, so that only a caller whose own rows fail is told so."""
    try:
        if len(callers) == 1:
            return [(callers[0], ask(callers[0].values))]
        answer = ask([row for caller in callers for row in caller.values])
    except ModelError as error:
        if len(callers) == 1:
            return [(callers[0], error)]
        return [pair for caller in callers for pair in answer_all(ask, [caller])]
    return split(answer, callers)


def split(answer: Answer, callers: Sequence[Caller]) -> list[tuple[Caller, Answer | HeadgateError]]:
    """Each caller's own rows of a common answer."""
    parts: list[tuple[Caller, Answer | HeadgateError]] = []
    start = 0
    for caller in callers:
        stop = start + len(caller.values)
        outputs = {name: array[start:stop] for name, array in answer.outputs.items()}
        parts.append((caller, Answer(answer.inputs.slice(start, stop), outputs, answer.begun, answer.seconds)))
        start = stop
    return parts


def hand_out(parts: Sequence[tuple[Caller, Answer | HeadgateError]]) -> None:
    """Give every caller its answer or its error."""
    for caller, part in parts:
        if isinstance(part, Answer):
            caller.deliver(part)
        else:
            caller.fail(part)


class HostedModel(Protocol):
    """A model that runs in other processes."""

    async def predict(self, batch: Batch, deadline: float) -> Outputs:
        """Answer every row; raises `ModelError`, `DeadlineExceeded` or `Unavailable`."""
        ...


class HostedCalls:
    """The way to a hosted variant: one call per caller, for the hosts batch over all workers themselves."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        model: HostedModel,
        assemble: Callable[[list[Any]], Batch],
        check: Callable[[Outputs, int], None],
    ) -> None:
        self._loop = loop
        self._model = model
        self._assemble = assemble
        self._check = check
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Is anything being asked?"""
        return bool(self._tasks)

    def submit(self, caller: Caller) -> None:
        """Ask a host for this caller; raises `Unavailable` when too many wait already."""
        if len(self._tasks) >= MAX_WAITING:
            raise Unavailable(f"{MAX_WAITING} requests wait for this version already.", retry_after=1.0)
        task = self._loop.create_task(self._call(caller))
        # the loop keeps only weak references to tasks
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, caller: Caller) -> None:
        try:
            batch = self._assemble(caller.values)
            begun = time.monotonic()
            outputs = await self._model.predict(batch, caller.deadline)
            self._check(outputs, batch.rows)
        except HeadgateError as error:
            caller.fail(error)
        else:
            caller.deliver(Answer(batch, outputs, begun, time.monotonic() - begun))
