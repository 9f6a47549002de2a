"""What is left of an answered request: its counters and its record. The request never waits for either."""

import random
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from headgate.errors import HeadgateError, ModelError
from headgate.runtimes.batch import Batch
from headgate.serving.batching import Answer
from headgate.serving.contract import Contract, Rows
from headgate.serving.fault_log import FaultLog
from headgate.serving.metrics import VariantMetrics
from headgate.spool.segment import SpoolWriter

ROW_IDS = "row_ids"


class Recording(NamedTuple):
    """How records are written: the number of their schema, and the share of the requests that is recorded."""

    schema: int
    share: float


class Request(Protocol):
    """Where a request comes from and since when it waits."""

    id: str
    started: float


class Answered(Protocol):
    """A request that has its answer."""

    @property
    def exchange(self) -> Request:
        """The HTTP side of it."""
        ...

    @property
    def rows(self) -> Rows:
        """What was asked."""
        ...

    done: int


class Tap:
    """Counts and records for one version behind one endpoint."""

    def __init__(
        self, contract: Contract, writer: SpoolWriter, recording: Recording, metrics: VariantMetrics, faults: FaultLog
    ) -> None:
        self._writer = writer
        self._schema, self._share = recording
        self._metrics = metrics
        self._faults = faults
        self._sensitive = {column.name for column in contract.signature.inputs if "sensitive" in column.roles}
        self._as_matrix = contract.dtype is not None and not self._sensitive

    def settle(self, answer: Answer, callers: Sequence[Answered]) -> None:
        """Count and record what has been answered just now."""
        now = time.monotonic()
        start = 0
        for caller in callers:
            stop = start + len(caller.rows.values)
            if caller.done == 200:
                started = caller.exchange.started
                self._metrics.count(200)
                self._metrics.observe(now - started, answer.begun - started, answer.seconds, stop - start)
                outputs = {name: array[start:stop] for name, array in answer.outputs.items()}
                self._record(caller, now, answer.inputs.slice(start, stop), outputs)
            start = stop

    def failed(self, caller: Answered, error: HeadgateError) -> None:
        """Count and record that there was no answer."""
        if isinstance(error, ModelError):
            self._faults.tell(error)
        self._metrics.count(error.status, error.code)
        self._record(caller, time.monotonic(), None, None)

    def _record(self, caller: Answered, now: float, inputs: Batch | None, outputs: dict[str, Any] | None) -> None:
        if self._share < 1.0 and random.random() >= self._share:
            return
        rows, exchange = caller.rows, caller.exchange
        plain = self._as_matrix and rows.others is None and rows.ids is None
        matrix = inputs.matrix if inputs is not None else None
        values = matrix if plain else self._columns(rows, inputs)
        latency = int((now - exchange.started) * 1e9)
        self._writer.append(self._schema, exchange.id, time.time_ns(), latency, caller.done, values, outputs)

    def _columns(self, rows: Rows, inputs: Batch | None) -> dict[str, Any] | None:
        if inputs is None:
            return None
        columns: dict[str, Any] = {**inputs.columns, **(rows.others or {})}
        hidden = dict.fromkeys(self._sensitive & columns.keys(), [None] * inputs.rows)
        ids = {} if rows.ids is None else {ROW_IDS: rows.ids}
        return {**columns, **hidden, **ids}
