"""Answers kept for rows that were asked before: one cache per version, endpoint and worker, made with its route table.

Off unless the endpoint's owner asks for it, who says with it that the model answers the same rows in the same way. An
answer is kept as outputs, not as bytes, so every format, id and record is made anew for whoever gets it. Only requests
of a few rows, and no huge ones, are kept: what is asked in bulk is rarely asked twice, and would push the rest out.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headgate.runtimes.batch import Array, Batch
from headgate.runtimes.runtime import Outputs
from headgate.serving.cache_key import key_of
from headgate.serving.calls import Answer, Caller, Calls, Settle
from headgate.serving.contract import Rows
from headgate.serving.metrics import CacheMetrics

FEW_ROWS = 8
CACHE_BYTES = 16 * 1024 * 1024
# what an entry takes besides its rows and outputs: keys, arrays' heads, the places in the table
ENTRY_BYTES = 600
ARRAY_BYTES = 120
Assemble = Callable[[list[Rows]], Batch]
HIT = b"Headgate-Cache: hit\r\n"


class Kept:
    """What a model said to some rows."""

    __slots__ = ("inputs", "outputs", "size")

    def __init__(self, inputs: Batch, outputs: Outputs, size: int) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.size = size


class ResponseCache:
    """The least recently asked leave first, beyond so many entries or bytes."""

    def __init__(self, entries: int, metrics: CacheMetrics, most_bytes: int = CACHE_BYTES) -> None:
        self._most = entries
        self._most_bytes = most_bytes
        self._metrics = metrics
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._bytes = 0

    def find(self, content: bytes) -> Kept | None:
        """What was answered to exactly these rows; counted."""
        found = self._kept.get(content)
        if found is not None:
            self._kept.move_to_end(content)
        self._metrics.asked(hit=found is not None)
        return found

    def keep(self, content: bytes, inputs: Batch, outputs: Outputs) -> None:
        """Keep an answer, as copies: the arrays of a batch would hold all of its rows."""
        if content in self._kept:
            return
        copies = {name: array.copy() for name, array in outputs.items()}
        size = ENTRY_BYTES + 2 * len(content) + held_by(copies)
        if inputs.matrix is None:
            # they may be views of a whole body
            columns = {name: array.copy() for name, array in inputs.columns.items()}
            inputs = Batch(inputs.names, columns=columns)
            size += held_by(columns)
        self._kept[content] = Kept(inputs, copies, size)
        self._bytes += size
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._bytes -= self._kept.popitem(last=False)[1].size
        self._metrics.holds(len(self._kept), self._bytes)


def held_by(arrays: Mapping[str, Array]) -> int:
    """Bytes that arrays take; one of objects only points at them, and what they hold is guessed."""
    return sum(ARRAY_BYTES + array.nbytes * (8 if array.dtype.hasobject else 1) for array in arrays.values())


class CachedCalls:
    """Answers from the cache what it holds; everything else goes to the model."""

    def __init__(self, calls: Calls, cache: ResponseCache, assemble: Assemble, settle: Settle) -> None:
        self._calls = calls
        self._cache = cache
        self._assemble = assemble
        self._settle = settle

    @property
    def busy(self) -> bool:
        """Is anything waiting or running?"""
        return self._calls.busy

    def submit(self, caller: Any) -> None:
        """Answer this caller now, or soon."""
        rows: Rows = caller.rows
        rows.key = key_of(rows, self._assemble) if rows.count <= FEW_ROWS else None
        found = None if rows.key is None else self._cache.find(rows.key)
        if found is None:
            self._calls.submit(caller)
            return
        caller.exchange.extra += HIT
        answer = Answer(found.inputs, found.outputs, time.monotonic(), 0.0)
        caller.deliver(answer, 0, rows.count)
        # the answer is on its way: what is done after it is none of this request's any more
        asyncio.get_running_loop().call_soon(self._settle, answer, [caller])

    def drop(self, caller: Caller) -> None:
        """This caller has left: what is answered from here is answered at once."""
        self._calls.drop(caller)

    def displace(self, priority: int) -> bool:
        """Refuse one that waits for the model and is of a lower class than this."""
        return self._calls.displace(priority)

    def has_begun(self, caller: Caller) -> bool:
        """Is the model at work for this caller?"""
        return self._calls.has_begun(caller)


def keeping(cache: ResponseCache, assemble: Assemble, settle: Settle) -> Settle:
    """What is done once callers have an answer of the model: as before, and the answers are kept."""

    def settled(answer: Answer, callers: Sequence[Any]) -> None:
        settle(answer, callers)
        start = 0
        for caller in callers:
            stop = start + caller.count
            key = caller.rows.key
            if caller.done == 200 and key is not None:
                outputs = {name: array[start:stop] for name, array in answer.outputs.items()}
                cache.keep(key, assemble([caller.rows]), outputs)
            start = stop

    return settled
