"""The loop of a model host: read all that workers sent, answer as much as goes into one model call, read again.

Single-threaded. Nothing waits for a batch to fill: while the model works, the next batch gathers in the sockets.
"""

import logging
import selectors
import signal
import socket
import time
from bisect import insort
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from headgate.bundle.manifest import Manifest
from headgate.errors import DeadlineExceeded, HeadgateError, Malformed, ModelError, ModelOutputInvalid
from headgate.runtimes.batch import Batch, concatenate
from headgate.runtimes.boundary import MODEL_CALL
from headgate.runtimes.runtime import LoadedModel, Outputs
from headgate.runtimes.traces import RowsTrace, within
from headgate.runtimes.verify import check_declared, check_outputs
from headgate.serving.hosts.wire import (
    CANCEL,
    CANCELLED,
    PREDICT,
    STREAM,
    Frames,
    decode_call,
    encode_failure,
    encode_leaving,
    encode_outputs,
    encode_started,
)
from headgate.serving.priority import OFFSETS
from headgate.serving.waiting_time import LearnedCost

MAX_ROWS = 4096
CALL_SECONDS = 60.0
HANG_SECONDS = 1.0  # what a model may take beyond the last deadline of its batch before the host is ended
LEAVE_SECONDS = 4.0  # for workers to hang up, once all that was sent is answered
_READ_BYTES = 1 << 18
_QUEUED = 4096  # calls; beyond it they stay in the sockets
_UNSENT_BYTES = 256 << 20  # to one worker that does not read; then it is let go
_log = logging.getLogger("headgate.host")
_TURN = attrgetter("turn")


class Peer:
    """One worker's connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.frames = Frames()
        self.unsent = bytearray()
        self.gone = False


class Waiting(NamedTuple):
    """A call that has been read and not answered."""

    peer: Peer
    id: int
    batch: Batch
    deadline: float
    turn: float  # the earliest goes first: see `priority.py`
    alone: bool
    traceparent: str = ""
    tracestate: str = ""
    streams: bool = False  # in parts, which is always alone

    @property
    def form(self) -> object:
        """Calls of one form can share a model call."""
        if self.batch.matrix is not None:
            return self.batch.matrix.dtype
        return tuple((name, array.dtype, array.shape[1:]) for name, array in self.batch.columns.items())


class Host:
    """Serves one loaded model on one listening Unix socket until `leave` was called and every worker has hung up."""

    def __init__(
        self,
        model: LoadedModel,
        manifest: Manifest,
        listener: socket.socket,
        *,
        max_rows: int = MAX_ROWS,
        call_seconds: float = CALL_SECONDS,
        watchdog: Callable[[float], object] = lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds),
        after_call: Callable[[], None] = lambda: None,
    ) -> None:
        self._model = model
        self._manifest = manifest
        self._names = tuple(column.name for column in manifest.signature.features)
        self._max_rows = max_rows
        self._call_seconds = call_seconds
        # ends the process after so many seconds; 0 calls it off
        self._watchdog = watchdog
        self._after_call = after_call
        self._waiting: list[Waiting] = []
        self.cost = LearnedCost()  # of the model
        self._peers: set[Peer] = set()
        self._streaming: tuple[Peer, int] | None = None  # for whom parts are being made
        self._leaving = False
        self._leave_by: float | None = None
        self._listener = listener
        listener.setblocking(False)
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def serve(self) -> None:
        """Returns when it has left."""
        try:
            while not self._has_left():
                self.step()
        finally:
            self.close()

    def step(self) -> None:
        """Read everything there is and make one call of the model; wait only when there is nothing to answer."""
        for key, _ in self._selector.select(self._patience()):
            key.data()
        if self._waiting:
            self._answer(self._next_group())
            self._after_call()

    def leave(self) -> None:
        """Take no more workers and end when what they sent is answered. Safe in a signal handler."""
        self._leaving = True

    def close(self) -> None:
        """Hang up on everybody."""
        for peer in list(self._peers):
            self._let_go(peer)
        self._listener.close()
        self._selector.close()

    def wake_on(self, signals: socket.socket) -> None:
        """Look around when a signal came: `signals` is the reading end of `signal.set_wakeup_fd`."""
        self._selector.register(signals, selectors.EVENT_READ, lambda: signals.recv(64))

    def _has_left(self) -> bool:
        if self._leaving and self._leave_by is None:
            self._say_goodbye()
        if self._leave_by is None:
            return False
        if self._waiting:
            # each is bounded by its own deadline
            self._leave_by = time.monotonic() + LEAVE_SECONDS
        return not self._peers or (not self._waiting and time.monotonic() >= self._leave_by)

    def _say_goodbye(self) -> None:
        self._leave_by = time.monotonic() + LEAVE_SECONDS
        self._selector.unregister(self._listener)
        self._listener.close()
        for peer in list(self._peers):
            self._send(peer, encode_leaving())

    def _patience(self) -> float | None:
        if self._waiting:
            return 0.0
        return None if self._leave_by is None else max(0.0, self._leave_by - time.monotonic())

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            _log.warning("a worker could not be accepted: %s", error)
            return
        peer = Peer(connection)
        self._peers.add(peer)
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._serve(peer))

    def _serve(self, peer: Peer) -> None:
        if peer.unsent:
            self._send(peer, b"")
        try:
            # all there is, as far as there is room: what stays in the socket is back-pressure
            while not peer.gone and len(self._waiting) < _QUEUED:
                # one buffer for all: a new one of this size for each read costs more than the read
                count = peer.socket.recv_into(self._buffer)
                if not count:
                    self._let_go(peer)
                    return
                for frame in peer.frames.feed(self._buffer[:count]):
                    self._take(peer, frame)
                if count < len(self._buffer):
                    return
        except BlockingIOError:
            return
        except (OSError, Malformed) as error:
            _log.warning("a worker is let go: %s", error)
            self._let_go(peer)

    def _take(self, peer: Peer, frame: bytes) -> None:
        call = decode_call(frame)
        if call.op == CANCEL:
            if self._streaming == (peer, call.id):
                self._streaming = None
            for waiting in [one for one in self._waiting if one.peer is peer and one.id == call.id]:
                self._waiting.remove(waiting)
                self._send(peer, encode_failure(call.id, CANCELLED, ""))
        elif call.op in (PREDICT, STREAM):
            try:
                batch = call.batch(self._names)
            except Malformed as error:
                self._fail(peer, call.id, error)
                return
            turn, streams = time.monotonic() + OFFSETS[call.priority], call.op == STREAM
            ways = call.alone or streams, call.traceparent, call.tracestate, streams
            insort(self._waiting, Waiting(peer, call.id, batch, call.deadline, turn, *ways), key=_TURN)
        else:
            self._fail(peer, call.id, Malformed(f"Expected {PREDICT} or {CANCEL}, got {call.op!r}."))

    def _next_group(self) -> list[Waiting]:
        """The call whose turn it is and those after it that can share its model call."""
        first, *rest = self._waiting
        group, left, rows, form = [first], [], first.batch.rows, first.form
        most = self.cost.most_rows(self._max_rows)
        for call in rest:
            fits = not (first.alone or call.alone) and rows + call.batch.rows <= most and call.form == form
            if fits:
                group.append(call)
                rows += call.batch.rows
            else:
                left.append(call)
        self._waiting = left
        return group

    def _answer(self, group: Sequence[Waiting]) -> None:
        now = time.monotonic()
        group = [call for call in group if self._is_due(call, now)]
        if not group:
            return
        if group[0].streams:
            self._stream(group[0], group[0].deadline - now)
            return
        try:
            seconds = max(call.deadline for call in group) - now
            with within(traces_of(group)):
                outputs = self._predict([call.batch for call in group], seconds)
        except ModelError as error:
            if len(group) == 1:
                self._fail(group[0].peer, group[0].id, error)
                return
            # one caller's rows must not fail the others': halve until it is found
            middle = len(group) // 2
            self._answer(group[:middle])
            self._answer(group[middle:])
        else:
            self._hand_out(group, outputs)

    def _is_due(self, call: Waiting, now: float) -> bool:
        """Whether somebody still waits for it; one that runs alone is told that it begins."""
        if now >= call.deadline:
            self._fail(call.peer, call.id, DeadlineExceeded("The deadline passed while the request waited."))
            return False
        if call.alone and not call.streams:
            self._send(call.peer, encode_started(call.id))
        return not call.peer.gone

    def _predict(self, batches: Sequence[Batch], seconds: float) -> Outputs:
        # a call that hangs is ended by the kernel, whoever holds the interpreter's lock
        self._watchdog(min(seconds, self._call_seconds) + HANG_SECONDS)
        try:
            with MODEL_CALL:
                batch = concatenate(batches)
                begun = time.monotonic()
                outputs = self._model.predict(batch)
                self.cost.learn(batch.rows, time.monotonic() - begun)
                check_outputs(outputs, batch.rows, self._manifest.task, self._manifest.classes)
                check_declared(outputs, self._manifest.signature.outputs)
        finally:
            self._watchdog(0)
        return outputs

    def _stream(self, call: Waiting, seconds: float) -> None:
        """Send parts as the model makes them, until the last one, or until nobody wants more."""
        self._streaming = (call.peer, call.id)
        self._watchdog(min(seconds, self._call_seconds) + HANG_SECONDS)
        try:
            with MODEL_CALL:
                for part in self._model.stream(call.batch):
                    check_outputs(part, call.batch.rows, self._manifest.task, self._manifest.classes)
                    self._send(call.peer, encode_outputs(call.id, part, part=True))
                    for key, _ in self._selector.select(0):
                        key.data()
                    if self._streaming is None or call.peer.gone:
                        self._fail(call.peer, call.id, HeadgateError(), CANCELLED)
                        return
                self._send(call.peer, encode_outputs(call.id, {}, batch_rows=call.batch.rows))
        except ModelError as error:
            self._fail(call.peer, call.id, error)
        finally:
            self._watchdog(0)
            self._streaming = None

    def _hand_out(self, group: Sequence[Waiting], outputs: Outputs) -> None:
        start, untold = 0, sum(call.batch.rows for call in group)
        for call in group:
            stop = start + call.batch.rows
            own = {name: array[start:stop] for name, array in outputs.items()}
            try:
                frame = encode_outputs(call.id, own, batch_rows=untold)
            except ModelOutputInvalid as error:
                if len(group) > 1:
                    self._answer([call])
                else:
                    self._fail(call.peer, call.id, error)
            else:
                self._send(call.peer, frame)
                untold = 0
            start = stop

    def _fail(self, peer: Peer, number: int, error: HeadgateError, code: str = "") -> None:
        self._send(peer, encode_failure(number, code or error.code, error.message))

    def _send(self, peer: Peer, frame: bytes) -> None:
        if peer.gone:
            return
        peer.unsent += frame
        try:
            del peer.unsent[: peer.socket.send(peer.unsent)]
        except BlockingIOError:
            pass  # sent when the worker reads again
        except OSError as error:
            _log.info("a worker is gone: %s", error)
            self._let_go(peer)
            return
        self._watch(peer)

    def _watch(self, peer: Peer) -> None:
        if len(peer.unsent) > _UNSENT_BYTES:
            _log.warning("a worker that does not read its answers is let go")
            self._let_go(peer)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.unsent else 0)
        key = self._selector.get_key(peer.socket)
        if key.events != events:
            self._selector.modify(peer.socket, events, key.data)

    def _let_go(self, peer: Peer) -> None:
        if not peer.gone:
            peer.gone = True
            self._selector.unregister(peer.socket)
            peer.socket.close()
            self._peers.discard(peer)
            self._waiting = [call for call in self._waiting if call.peer is not peer]


def traces_of(group: Sequence[Waiting]) -> Sequence[RowsTrace]:
    """Which of the group's rows, in their order, are in whose trace."""
    found, start = [], 0
    for call in group:
        stop = start + call.batch.rows
        if call.traceparent:
            found.append(RowsTrace(start, stop, call.traceparent, call.tracestate))
        start = stop
    return found
