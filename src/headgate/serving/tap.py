"""What is left of an answered request: its counters and its record. The request never waits for either."""

import random
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from headgate.errors import HeadgateError
from headgate.runtimes.batch import Batch
from headgate.serving.calls import Answer, Caller
from headgate.serving.contract import Contract
from headgate.serving.metrics import VariantMetrics
from headgate.serving.refusals import Refusals
from headgate.spool.layout import Head, Requests, Values
from headgate.spool.segment import SpoolWriter

ROW_IDS = "row_ids"
OK = 200


class Recording(NamedTuple):
    """How records are written: the number of their schema, and the share of the requests that is recorded."""

    schema: int
    share: float


class Tap:
    """Counts and records for one version behind one endpoint."""

    def __init__(
        self, contract: Contract, writer: SpoolWriter, recording: Recording, metrics: VariantMetrics, refusals: Refusals
    ) -> None:
        self._writer = writer
        self._schema, self._share = recording
        self._metrics = metrics
        self._refusals = refusals
        self._sensitive = {column.name for column in contract.signature.inputs if "sensitive" in column.roles}
        self._as_matrix = contract.dtype is not None and not self._sensitive

    def settle(self, answer: Answer, callers: Sequence[Caller]) -> None:
        """Count and record what has been answered just now."""
        now = time.monotonic()
        answered = [caller for caller in callers if caller.done == OK]
        self._metrics.answered(
            [now - caller.exchange.started for caller in answered],
            [answer.begun - caller.exchange.started for caller in answered],
            answer.seconds,
            answer.inputs.rows,
        )
        if not self._share:
            return
        if self._share == 1.0 and self._as_matrix and len(answered) == len(callers) and all(map(_is_plain, callers)):
            self._record_batch(answer, answered, now)
        else:
            self._record_each(answer, callers, now)

    def _record_batch(self, answer: Answer, callers: Sequence[Caller], now: float) -> None:
        requests = Requests(
            [caller.exchange.id for caller in callers],
            [int((now - caller.exchange.started) * 1e9) for caller in callers],
            [caller.rows.count for caller in callers],
            [caller.exchange.trace.ids if caller.exchange.trace else "" for caller in callers],
        )
        outputs = dict(answer.outputs)
        self._writer.append_batch(self._schema, requests, time.time_ns(), OK, answer.inputs.matrix, outputs)

    def _record_each(self, answer: Answer, callers: Sequence[Caller], now: float) -> None:
        start = 0
        for caller in callers:
            stop = start + caller.rows.count
            if caller.done == OK:
                outputs = {name: array[start:stop] for name, array in answer.outputs.items()}
                self._record(caller, now, answer.inputs.slice(start, stop), outputs)
            start = stop

    def failed(self, caller: Caller, error: HeadgateError) -> None:
        """Count and record that there was no answer."""
        self._refusals.tell(caller.exchange, error)
        self._record(caller, time.monotonic(), None, None)

    def _record(self, caller: Caller, now: float, inputs: Batch | None, outputs: dict[str, Any] | None) -> None:
        if self._share < 1.0 and random.random() >= self._share:
            return
        exchange = caller.exchange
        values = None if inputs is None else self._values(caller, inputs)
        latency = int((now - exchange.started) * 1e9)
        trace = exchange.trace.ids if exchange.trace else ""
        head = Head(self._schema, caller.done, time.time_ns(), latency, exchange.id, trace)
        self._writer.append(head, values, outputs)

    def _values(self, caller: Caller, inputs: Batch) -> Values:
        """What was sent, without what nobody may keep."""
        if self._as_matrix and _is_plain(caller):
            return inputs.matrix
        rows = caller.rows
        columns: dict[str, Any] = {**inputs.columns, **(rows.others or {})}
        hidden = dict.fromkeys(self._sensitive & columns.keys(), [None] * inputs.rows)
        ids = {} if rows.ids is None else {ROW_IDS: rows.ids}
        return {**columns, **hidden, **ids}


def _is_plain(caller: Caller) -> bool:
    """Is the matrix all that was sent?"""
    return caller.rows.others is None and caller.rows.ids is None
