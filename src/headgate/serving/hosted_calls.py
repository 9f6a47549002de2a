"""The way to a variant in model hosts: one call per caller, for the hosts batch over all workers themselves."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from headgate.errors import HeadgateError, Overloaded
from headgate.runtimes.batch import Batch
from headgate.runtimes.runtime import Outputs
from headgate.serving.batching import hand_out
from headgate.serving.calls import Answer, Caller, PartCaller, Settle
from headgate.serving.priority import OFFSETS, displaced
from headgate.serving.responses import OUR_FAULT
from headgate.serving.trace import Trace
from headgate.serving.waiting_time import Patience, WaitingTime

log = logging.getLogger("headgate.serving")
# is told the rows of a model call
Count = Callable[[int], None]
Tasks = dict[Caller, "asyncio.Task[None]"]


class HostedModel(Protocol):
    """A model that runs in other processes."""

    async def predict(
        self, batch: Batch, deadline: float, priority: int, trace: Trace | None = None, *, count: Count
    ) -> Outputs:
        """Answer every row; raises `ModelError`, `DeadlineExceeded` or `Unavailable`."""
        ...

    async def stream(
        self,
        batch: Batch,
        deadline: float,
        priority: int,
        trace: Trace | None,
        part: Callable[[Outputs], None],
        *,
        count: Count,
    ) -> Outputs:
        """Answer every row, first in parts and then as a whole; raises as `predict` does."""
        ...


class HostedCalls:
    """Asks the hosts of one variant."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        model: HostedModel,
        assemble: Callable[[list[Any]], Batch],
        check: Callable[[Outputs, int], None],
        settle: Settle,
        most: int = 0,
        select: Callable[[Batch], Batch] | None = None,
        count: Count = lambda rows: None,
    ) -> None:
        self._loop = loop
        self._model = model
        self._assemble = assemble
        self._check = check
        self._settle = settle
        self._most = most or float("inf")
        self._select = select  # of the contract's columns, those that the variant takes
        self._count = count
        # by class; the loop keeps only weak references to tasks
        self._tasks: tuple[Tasks, ...] = tuple({} for _ in OFFSETS)
        self._waiting_time = WaitingTime()
        self._patience = Patience()

    @property
    def busy(self) -> bool:
        """Is anything being asked?"""
        return any(self._tasks)

    @property
    def _asked(self) -> int:
        return sum(map(len, self._tasks))

    def submit(self, caller: Caller) -> None:
        """Ask a host for this caller; raises `Overloaded` when it would wait in vain."""
        if self._asked >= self._most and not self.displace(caller.priority):
            raise Overloaded(f"{self._most} requests wait for this version already.", retry_after=1.0)
        # those of a lower class let it pass
        ahead = sum(map(len, self._tasks[: caller.priority + 1]))
        now = time.monotonic()
        wait = self._waiting_time.foretell(ahead, boldly=self._patience.is_short)
        if now + wait > self._patience.until(caller.deadline, now, ahead, self._asked) and wait:
            raise Overloaded(f"The answer would come in {wait:.3g} s, which is too late.", retry_after=wait)
        self._tasks[caller.priority][caller] = self._loop.create_task(self._ask(caller, ahead, now))

    def drop(self, caller: Caller) -> None:
        """This caller has left: what its host has not begun is not begun any more."""
        if (task := self._tasks[caller.priority].pop(caller, None)) is not None:
            task.cancel()

    def displace(self, priority: int) -> bool:
        """Refuse the newest caller of the lowest class below this; False when there is none, or it alone is asked."""
        self._patience.full()
        if self._asked == 1:
            return False
        for tasks in reversed(self._tasks[priority + 1 :]):
            if tasks:
                caller = next(reversed(tasks))
                self.drop(caller)
                caller.fail(displaced())
                return True
        return False

    def has_begun(self, caller: Caller) -> bool:
        """Is this caller's call with the model, as far as can be told from here?"""
        return self._asked == 1 and caller in self._tasks[caller.priority]

    async def _ask(self, caller: Caller, ahead: int, since: float) -> None:
        try:
            await self._call(caller)
            self._waiting_time.learn(ahead, time.monotonic() - since)
        finally:
            self._tasks[caller.priority].pop(caller, None)

    async def _call(self, caller: Caller) -> None:
        try:
            batch = self._assemble([caller.rows])
            begun = time.monotonic()
            # what is recorded is what the client sent
            asked = batch if self._select is None else self._select(batch)
            ways = caller.deadline, caller.priority, caller.exchange.trace
            if isinstance(caller, PartCaller):
                outputs = await self._model.stream(asked, *ways, caller.part, count=self._count)
            else:
                outputs = await self._model.predict(asked, *ways, count=self._count)
            self._check(outputs, batch.rows)
            outcome: Answer | HeadgateError = Answer(batch, outputs, begun, time.monotonic() - begun)
        except HeadgateError as error:
            outcome = error
        except Exception:
            # a fault of ours, which must not leave the caller without an answer
            log.exception("a request to a model host failed")
            outcome = HeadgateError(OUR_FAULT)
        hand_out([(outcome, [caller])], self._settle)
