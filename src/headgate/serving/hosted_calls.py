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
from headgate.serving.waiting_time import WaitingTime

log = logging.getLogger("headgate.serving")


class HostedModel(Protocol):
    """A model that runs in other processes."""

    async def predict(self, batch: Batch, deadline: float) -> Outputs:
        """Answer every row; raises `ModelError`, `DeadlineExceeded` or `Unavailable`."""
        ...

    async def stream(self, batch: Batch, deadline: float, part: Callable[[Outputs], None]) -> Outputs:
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
    ) -> None:
        self._loop = loop
        self._model = model
        self._assemble = assemble
        self._check = check
        self._settle = settle
        self._most = most or float("inf")
        # the loop keeps only weak references to tasks
        self._tasks: dict[Caller, asyncio.Task[None]] = {}
        self._waiting_time = WaitingTime()

    @property
    def busy(self) -> bool:
        """Is anything being asked?"""
        return bool(self._tasks)

    def submit(self, caller: Caller) -> None:
        """Ask a host for this caller; raises `Overloaded` when it would wait in vain."""
        ahead = len(self._tasks)
        if ahead >= self._most:
            raise Overloaded(f"{ahead} requests wait for this version already.", retry_after=1.0)
        now = time.monotonic()
        wait = self._waiting_time.foretell(ahead)
        if now + wait > caller.deadline and wait:
            raise Overloaded(f"The answer would come in {wait:.3g} s, after the deadline.", retry_after=wait)
        self._tasks[caller] = self._loop.create_task(self._ask(caller, ahead, now))

    def drop(self, caller: Caller) -> None:
        """This caller has left: what its host has not begun is not begun any more."""
        if (task := self._tasks.pop(caller, None)) is not None:
            task.cancel()

    def has_begun(self, caller: Caller) -> bool:
        """Is this caller's call with the model, as far as can be told from here?"""
        return len(self._tasks) == 1 and caller in self._tasks

    async def _ask(self, caller: Caller, ahead: int, since: float) -> None:
        try:
            await self._call(caller)
            self._waiting_time.learn(ahead, time.monotonic() - since)
        finally:
            self._tasks.pop(caller, None)

    async def _call(self, caller: Caller) -> None:
        try:
            batch = self._assemble([caller.rows])
            begun = time.monotonic()
            if isinstance(caller, PartCaller):
                outputs = await self._model.stream(batch, caller.deadline, caller.part)
            else:
                outputs = await self._model.predict(batch, caller.deadline)
            self._check(outputs, batch.rows)
        except HeadgateError as error:
            hand_out([(error, [caller])], self._settle)
        except Exception as error:
            # a fault of ours, which must not leave the caller without an answer
            log.exception("a request to a model host failed")
            reason = HeadgateError(f"Headgate itself failed ({type(error).__name__}); its log says why.")
            hand_out([(reason, [caller])], self._settle)
        else:
            hand_out([(Answer(batch, outputs, begun, time.monotonic() - begun), [caller])], self._settle)
