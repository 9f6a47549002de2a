"""The way to a variant in model hosts: one call per caller, for the hosts batch over all workers themselves."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from headgate.errors import HeadgateError, Unavailable
from headgate.runtimes.batch import Batch
from headgate.runtimes.runtime import Outputs
from headgate.serving.batching import MAX_WAITING, Answer, Caller, Settle, hand_out

log = logging.getLogger("headgate.serving")


class HostedModel(Protocol):
    """A model that runs in other processes."""

    async def predict(self, batch: Batch, deadline: float) -> Outputs:
        """Answer every row; raises `ModelError`, `DeadlineExceeded` or `Unavailable`."""
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
    ) -> None:
        self._loop = loop
        self._model = model
        self._assemble = assemble
        self._check = check
        self._settle = settle
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
            batch = self._assemble([caller.rows])
            begun = time.monotonic()
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
