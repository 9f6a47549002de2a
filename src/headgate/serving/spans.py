"""What sampled requests leave for a tracing backend. The loop only keeps a note of each; a thread makes spans of them.

A request never waits for it: what finds the queue full is dropped and counted, and so is what cannot be sent.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from random import random
from typing import Any, NamedTuple, Protocol

from headgate.errors import HeadgateError
from headgate.serving.calls import Answer, Caller
from headgate.serving.contract import Contract
from headgate.serving.metrics import SpanMetrics, StatusMetrics, VariantMetrics
from headgate.serving.refusals import Refusals, Refused
from headgate.serving.server import Exchange, Handle
from headgate.serving.tap import OK, Recording, Tap
from headgate.serving.trace import Trace, new_trace
from headgate.spool.segment import SpoolWriter

QUEUED = 4096
SENT_AT_ONCE = 512
PAUSE_SECONDS = 0.5
# what a worker that ends gives a collector to take the rest
CLOSE_SECONDS, GIVE_UP_SECONDS = 2.0, 0.2
log = logging.getLogger("headgate.serving")


class Place(NamedTuple):
    """What answers, as spans name it; empty where none was chosen."""

    endpoint: str
    version: str = ""
    variant: str = ""  # its role


class Note(NamedTuple):
    """One sampled request, or one try of it that another version made up for. Times by time.monotonic()."""

    trace: Trace
    request_id: str
    place: Place
    started: float
    ended: float
    status: int
    reason: str = ""
    rows: int = 0  # 0 where it was refused before they were read
    begun: float = 0.0  # of the model's call
    seconds: float = 0.0  # that it took; 0 where no model was called
    replaced: bool = False  # only a try: the request's own note comes later


class Exporter(Protocol):
    """Who makes spans of notes and sends them."""

    def send(self, notes: Sequence[Note]) -> str:
        """Blocks; answers why they were not taken, empty when they were. Never raises."""
        ...

    def close(self) -> None:
        """Give up what is being sent."""
        ...


class Spans:
    """The bounded queue between the loop and the thread that sends."""

    def __init__(self, exporter: Exporter, metrics: SpanMetrics, most: int = QUEUED) -> None:
        self._exporter = exporter
        self._metrics = metrics
        self._most = most
        self._notes: deque[Note] = deque()
        self._ending = threading.Event()
        self._over = False  # nobody reads the counters any more
        self._fault = ""
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def add(self, note: Note) -> None:
        """Have it sent soon, or drop it."""
        if len(self._notes) >= self._most:
            self._metrics.full()
        else:
            self._notes.append(note)

    def close(self) -> None:
        """Send what is there, within bounds, and end."""
        self._ending.set()
        self._thread.join(CLOSE_SECONDS)
        self._exporter.close()
        self._thread.join(GIVE_UP_SECONDS)
        self._over = True

    def _run(self) -> None:
        while not self._ending.wait(PAUSE_SECONDS):
            self._send_all()
        self._send_all()

    def _send_all(self) -> None:
        # what comes meanwhile is for the next round
        for _ in range(0, len(self._notes), SENT_AT_ONCE):
            notes = [self._notes.popleft() for _ in range(min(SENT_AT_ONCE, len(self._notes)))]
            fault = self._exporter.send(notes)
            if self._over:
                return
            self._metrics.sent(len(notes), taken=not fault)
            self._tell(fault)

    def _tell(self, fault: str) -> None:
        # only changes: a collector may be gone for days
        if fault and not self._fault:
            log.warning("spans are being lost: %s", fault)
        elif self._fault and not fault:
            log.info("spans are taken again")
        self._fault = fault


class TracedTap(Tap):
    """Leaves a note of every sampled request too."""

    def __init__(
        self,
        contract: Contract,
        writer: SpoolWriter,
        recording: Recording,
        metrics: VariantMetrics,
        refusals: Refusals,
        place: Place,
        spans: Spans,
    ) -> None:
        super().__init__(contract, writer, recording, metrics, refusals)
        self._place = place
        self._spans = spans

    def settle(self, answer: Answer, callers: Sequence[Caller]) -> None:
        super().settle(answer, callers)
        for caller in callers:
            if caller.done == OK and is_sampled(caller.exchange):
                note = note_of(caller.exchange, self._place, OK, rows=caller.rows.count)
                self._spans.add(note._replace(begun=answer.begun, seconds=answer.seconds))

    def failed(self, caller: Caller, error: HeadgateError) -> None:
        super().failed(caller, error)
        exchange = caller.exchange
        if is_sampled(exchange):
            note = note_of(exchange, self._place, error.status, error.code, caller.rows.count)
            # whoever is still asking will be answered by the fallback
            self._spans.add(note._replace(replaced=exchange.asking is not None))


class TracedRefusals(Refusals):
    """Those of an endpoint whose requests reached no version, each sampled one with a note."""

    def __init__(self, place: Place, metrics: StatusMetrics, spans: Spans) -> None:
        super().__init__(place.endpoint, "", metrics)
        self._place = place
        self._spans = spans

    def tell(self, request: Refused, error: HeadgateError) -> None:
        super().tell(request, error)
        if is_sampled(request):
            self._spans.add(note_of(request, self._place, error.status, error.code))


def is_sampled(request: Refused) -> bool:
    """Shall this request be told to the tracing backend?"""
    return request.trace is not None and request.trace.sampled


def note_of(request: Any, place: Place, status: int, reason: str = "", rows: int = 0) -> Note:
    """What is to be told of a request that has just ended."""
    return Note(request.trace, request.id, place, request.started, time.monotonic(), status, reason, rows)


def sampling(handle: Handle, ratio: float) -> Handle:
    """Begin a sampled trace for this share of the requests whose callers have none."""

    def begin(exchange: Exchange) -> None:
        if "traceparent" not in exchange.headers and random() < ratio:
            exchange.trace = new_trace(sampled=True)
        handle(exchange)

    return begin
