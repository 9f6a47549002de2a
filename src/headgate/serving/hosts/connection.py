"""One connection to one model host: requests and answers by number, in any order."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from headgate.errors import DeadlineExceeded, HeadgateError, Malformed, ModelError, all_errors
from headgate.runtimes.runtime import Outputs
from headgate.serving.hosts.wire import Frames, Reply, decode_reply, encode_cancel

_log = logging.getLogger("headgate.serving")


class HostLost(Exception):
    """The host went away before it answered; `started` when the request is known to have been in the model."""

    def __init__(self, *, started: bool) -> None:
        super().__init__("the model host went away")
        self.started = started


# takes a part of a streamed answer
Part = Callable[[Outputs], None]
# is told the rows of a model call
Count = Callable[[int], None]


class Asked:
    """A request that the host has not answered yet."""

    __slots__ = ("answer", "count", "frame", "part", "started")

    def __init__(self, answer: "asyncio.Future[Outputs]", frame: bytes, count: Count, part: Part | None) -> None:
        self.answer = answer
        self.frame = frame
        self.count = count
        self.part = part
        self.started = False

    def take(self, reply: Reply) -> None:
        """Hand the answer on."""
        if reply.batch_rows:
            self.count(reply.batch_rows)
        self.answer.set_result(reply.arrays())


class HostConnection(asyncio.Protocol):
    """`lost` is called once, when the connection is of no use any more."""

    def __init__(self, lost: Callable[[], Any]) -> None:
        self.usable = False
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._frames = Frames()
        self._asked: dict[int, Asked] = {}
        # sent and not answered, whether or not the caller still waits: a host that hangs must not look idle
        self._owed: set[int] = set()
        # what the socket has no room for: a caller that leaves takes its request out again
        self._unsent: deque[int] = deque()
        self._paused = False
        self._leaving = False

    @property
    def busy(self) -> int:
        """Requests that the host has yet to answer."""
        return len(self._owed) + len(self._unsent)

    async def ask(self, number: int, frame: bytes, deadline: float, count: Count, part: Part | None = None) -> Outputs:
        """The answer to one call; `part` is given what comes before it, `count` the rows of the model call.

        `count` is not called where another of that model call was.

        Raises `HostLost`, `DeadlineExceeded` or the error that the host tells.
        """
        answer: asyncio.Future[Outputs] = self._loop.create_future()
        self._asked[number] = Asked(answer, frame, count, part)
        self._send(number, frame)
        timer = self._loop.call_later(max(0.0, deadline - time.monotonic()), _expire, answer)
        try:
            return await answer
        except (asyncio.CancelledError, DeadlineExceeded):
            self._forget(number)
            raise
        finally:
            timer.cancel()
            self._asked.pop(number, None)
            if self._leaving and not self._asked:
                self.close()

    def close(self) -> None:
        """Hang up; what was asked is lost."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's
        self._transport = cast("asyncio.Transport", transport)
        self.usable = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._lost()
        asked, self._asked = self._asked, {}
        for waiting in asked.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(HostLost(started=waiting.started))

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._frames.feed(data):
                self._hear(decode_reply(frame))
        except Malformed as error:
            _log.error("a model host does not keep to the protocol: %s", error)
            self.close()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        while self._unsent and not self._paused:
            number = self._unsent.popleft()
            if (waiting := self._asked.get(number)) is not None:
                self._owed.add(number)
                self._write(waiting.frame)

    def _send(self, number: int, frame: bytes) -> None:
        if self._paused:
            self._unsent.append(number)
        else:
            self._owed.add(number)
            self._write(frame)

    def _write(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame)

    def _forget(self, number: int) -> None:
        if number in self._unsent:
            self._unsent.remove(number)
        elif self.usable:
            self._write(encode_cancel(number))

    def _hear(self, reply: Reply) -> None:
        if reply.leaving:
            self._leave()
            return
        if not reply.started and not reply.part:
            self._owed.discard(reply.id)
        waiting = self._asked.get(reply.id)
        if waiting is None or waiting.answer.done():
            return  # its caller has left
        if reply.started:
            waiting.started = True
        elif reply.part:
            if waiting.part is not None:
                waiting.part(reply.arrays())
        elif reply.ok:
            waiting.take(reply)
        else:
            waiting.answer.set_exception(_error(reply))

    def _leave(self) -> None:
        """The host wants to go: ask it nothing more, hang up after its last answer."""
        self.usable = False
        self._leaving = True
        self._lost()
        if not self._asked:
            self.close()


def _expire(answer: "asyncio.Future[Outputs]") -> None:
    if not answer.done():
        answer.set_exception(DeadlineExceeded("The model did not answer before the deadline."))


def _error(reply: Reply) -> HeadgateError:
    kind = _ERRORS.get(reply.code, ModelError)
    return kind(reply.error or "The model failed without a reason.")


_ERRORS = all_errors()
