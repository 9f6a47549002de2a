"""A prediction whose answer is sent as the model makes it: for whoever accepts `text/event-stream` or asks for it.

The answer begins with its first part; what goes wrong before it is an ordinary error, and what goes wrong after it an
`error` event. A model inside the worker answers at once, in one part. A fallback is not asked: half an answer of one
version must not go on as another's.
"""

from collections.abc import Sequence

from headgate.errors import HeadgateError, ModelOutputInvalid
from headgate.runtimes.runtime import Outputs
from headgate.serving.admission import Gate
from headgate.serving.calls import Answer
from headgate.serving.contract import Rows
from headgate.serving.formats.events import Events
from headgate.serving.predict import LiveVariant, Prediction, Reply
from headgate.serving.request_headers import told
from headgate.serving.server import Exchange


class Streamed(Prediction):
    """One request on its way, answered in parts."""

    __slots__ = ("_chunked", "_events", "begun")

    def __init__(
        self,
        exchange: Exchange,
        variant: LiveVariant,
        reply: Reply,
        rows: Rows,
        deadline: float,
        gates: Sequence[Gate],
        *,
        events: Events,
    ) -> None:
        super().__init__(exchange, variant, reply, rows, deadline, gates)
        self._events = events
        self.begun = False

    def part(self, outputs: Outputs) -> None:
        """Send one part."""
        if self.done:
            return
        try:
            event = self._events.part(outputs)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self.variant.calls.drop(self)
            self.fail(ModelOutputInvalid(f"The model's answer cannot be written: {error}."))
            return
        self._send(event)

    def deliver(self, answer: Answer, start: int, stop: int) -> None:
        """Say that all has come; send it where nothing has been sent."""
        if not self.begun:
            super().deliver(answer, start, stop)
        elif not self.done:
            self._end(200)
            self._send(self._events.end(self.exchange.id, self.rows.ids), last=True)

    def fail(self, error: HeadgateError) -> None:
        """Say why no more comes."""
        if not self.begun or self.done:
            super().fail(error)
            return
        self._end(error.status)
        self._send(self._events.error(told(error), self.exchange.id), last=True)
        self.variant.tap.failed(self, error)

    def _send(self, event: bytes, *, last: bool = False) -> None:
        exchange = self.exchange
        head = b""
        if not self.begun:
            # how it goes on was said at its beginning, whatever becomes of the connection meanwhile
            self.begun, self._chunked = True, not exchange.framing
            head = exchange.begin(self.reply.head)
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(event), event) if event else b""
            event = chunk + (b"0\r\n\r\n" if last else b"")
        exchange.send_piece(head + event, last=last)
