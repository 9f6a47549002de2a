"""One prediction: authorise, decode and validate, route, batch, encode, answer, record. Everything else goes elsewhere.

All that can be is looked up or made beforehand, when a route table is taken: this file runs for every request.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from headgate.errors import ClientLeft, Forbidden, HeadgateError, ModelOutputInvalid
from headgate.records import Column, RouteTable, Variant
from headgate.serving.access import Access
from headgate.serving.admission import Gate, enter_all, leave_all
from headgate.serving.bodies import Bodies, Readers, Reading, Result
from headgate.serving.calls import Answer, Calls
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import Dialect, Write
from headgate.serving.formats.format import Decode
from headgate.serving.formats.library import Library
from headgate.serving.priority import HEADER
from headgate.serving.refusals import Refusals
from headgate.serving.request_headers import given_id, given_timeout, reply_for, told
from headgate.serving.responses import Shape, end_with, reason_of, refuse
from headgate.serving.router import Router
from headgate.serving.server import Exchange
from headgate.serving.tap import Tap
from headgate.serving.trace import trace_of

REMEMBERED = 4096  # targets, so that whoever writes one in many ways fills no memory


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """How one variant answers in one format."""

    head: bytes  # of an answer that is sent in parts
    encode: Write
    library: Library | None = None  # that it imports first
    begin: "Callable[..., Prediction] | None" = None  # where the answer is sent in parts


@dataclass(frozen=True, slots=True)
class LiveVariant:
    """A variant that is loaded, verified and can be asked."""

    record: Variant
    outputs: tuple[Column, ...]
    calls: Calls
    replies: Mapping[str, Reply]  # media type → reply; the first is the default
    default: Reply
    tap: Tap


@dataclass(frozen=True, slots=True)
class LiveEndpoint:
    """A route table in force."""

    table: RouteTable
    variants: tuple[LiveVariant, ...]
    queues: tuple[Calls, ...]  # where their callers wait
    router: Router[LiveVariant]
    gates: tuple[Gate, ...]  # that limit what is let in; none where nothing does
    contract: Contract
    decoders: Mapping[bytes, Decode]  # value of `Content-Type` → decoder, for plain bodies
    decode: Decode | None  # of plain bodies with any other one
    bodies: Bodies  # has all others read
    readers: Readers  # by these
    refusals: Refusals  # of requests that reached no version
    scope: str  # "project/environment"
    timeout: float  # seconds
    begin: "Callable[..., Prediction]"  # the prediction of a request
    shape: Shape  # of its errors
    # what it is to clients of the other dialects, by version (if they name one) and what is done; made when asked for
    spoken: "Callable[[Dialect, str, str], LiveEndpoint]"


class Prediction:
    """One request on its way: a caller of its variant's model."""

    __slots__ = ("count", "deadline", "done", "exchange", "gates", "priority", "reply", "rows", "since", "variant")

    def __init__(
        self, exchange: Exchange, variant: LiveVariant, reply: Reply, rows: Rows, deadline: float, gates: Sequence[Gate]
    ) -> None:
        self.exchange = exchange
        self.priority, self.since = exchange.priority, exchange.started
        self.variant = variant
        self.reply = reply
        self.rows = rows
        self.count = rows.count
        self.deadline = deadline
        self.gates = gates  # that it has passed
        self.done = 0  # the status, once the request is answered

    def start(self) -> None:
        """Ask the variant; raises what refuses it."""
        self.exchange.asking = self
        self.variant.calls.submit(self)

    def deliver(self, answer: Answer, start: int, stop: int) -> None:
        """Send one's own rows of an answer."""
        if self.done:
            return
        reply, exchange = self.reply, self.exchange
        try:
            write = answer.written.get(reply)
            if write is None:
                write = answer.written[reply] = reply.encode(answer.outputs)
            whole = write(exchange.id, start, stop, self.rows)
        except Exception as error:  # noqa: BLE001  # whatever it is, this caller and the rest of its batch wait
            own = error if isinstance(error, HeadgateError) else None  # what the caller asked of it is wrong
            self.fail(own or ModelOutputInvalid(f"The model's answer cannot be written: {error}."))
            return
        self._end(200)
        exchange.answer(*whole)

    def fail(self, error: HeadgateError) -> None:
        """Send the reason why there is no answer; that is recorded too."""
        if self.done:
            return
        self._end(error.status)
        refuse(self.exchange, told(error))
        self.variant.tap.failed(self, error)

    def leave(self) -> None:
        """The client has gone: nobody needs an answer."""
        if not self.done:
            self._end(ClientLeft.status)
            self.variant.calls.drop(self)
            self.variant.tap.failed(self, ClientLeft())

    def has_begun(self) -> bool:
        """Is the model at work for it?"""
        return self.variant.calls.has_begun(self)

    def _end(self, status: int) -> None:
        self.done = status
        self.exchange.asking = None
        for gate in self.gates:
            gate.leave()


class Predictions:
    """Answers predict requests; hands every other one on."""

    def __init__(
        self, access: Access, new_id: Callable[[], str], elsewhere: Callable[[Exchange], LiveEndpoint | None]
    ) -> None:
        self._access = access
        self._new_id = new_id
        # answers itself, or finds the endpoint of a predict request that is written in another way
        self._elsewhere = elsewhere
        # the exact target of a predict request → its endpoint
        self.targets: dict[bytes, LiveEndpoint] = {}

    def remember(self, target: bytes, endpoint: LiveEndpoint) -> None:
        """That this target predicts, until the endpoints change."""
        if len(self.targets) < REMEMBERED:
            self.targets[target] = endpoint

    def handle(self, exchange: Exchange) -> None:
        """Answer a request, whatever it is, now or soon."""
        try:
            exchange.id = self._new_id()
            if "traceparent" in exchange.headers:
                exchange.trace = trace_of(exchange.headers)
                exchange.extra = exchange.trace.line
            endpoint = self.targets.get(exchange.target)
            if endpoint is None or exchange.method != b"POST":
                endpoint = self._elsewhere(exchange)
            if endpoint is not None:
                exchange.shape = endpoint.shape
                self.predict(endpoint, exchange)
        except Exception as error:  # noqa: BLE001  # answered, and logged unless it was meant
            end_with(exchange, error)

    def predict(self, endpoint: LiveEndpoint, exchange: Exchange) -> None:
        """Let a request in and start its prediction, or have its body read first; raises what refuses it."""
        headers = exchange.headers
        gates: tuple[Gate, ...] = ()
        try:
            if "headgate-id" in headers:
                exchange.id = given_id(headers["headgate-id"])
            entering = endpoint.gates
            if self._access.required or HEADER in headers:
                own, exchange.priority = self._access.admit(headers, endpoint.scope, exchange)
                entering = own + entering
            if entering:
                enter_all(entering, exchange.priority, endpoint.queues)
                gates = entering
            decode = endpoint.decoders.get(headers.get("content-type", b""), endpoint.decode)
            if decode is None or "content-encoding" in headers:
                exchange.asking = reading = Reading(exchange, gates, endpoint.refusals)
                endpoint.bodies.read(endpoint.readers, exchange, partial(self._resume, endpoint, exchange, reading))
            else:
                self._start(endpoint, exchange, gates, decode(exchange.body, headers))
        except Exception as error:
            self._turn_away(endpoint, exchange, gates, error)
            raise

    def _resume(self, endpoint: LiveEndpoint, exchange: Exchange, reading: Reading, result: Result) -> None:
        """Go on once the body has been read."""
        if reading.left:
            return
        try:
            self._start(endpoint, exchange, reading.gates, *result())
        except Exception as error:  # noqa: BLE001  # answered, and logged unless it was meant
            self._turn_away(endpoint, exchange, reading.gates, error)
            end_with(exchange, error)

    def _start(
        self, endpoint: LiveEndpoint, exchange: Exchange, gates: tuple[Gate, ...], rows: Rows, notes: bytes = b""
    ) -> None:
        """Route validated rows to a variant and ask it; `notes` are further headers of the answer."""
        headers = exchange.headers
        variant, begin = endpoint.router.choose(headers.get("headgate-key")), endpoint.begin
        if "headgate-variant" in headers:
            variant, begin = self._forced(endpoint, headers["headgate-variant"]), Prediction
        reply = variant.default if "accept" not in headers else reply_for(variant.replies, headers["accept"])
        if reply.library is not None and not reply.library.is_ready:
            exchange.asking = reading = Reading(exchange, gates, endpoint.refusals)
            endpoint.bodies.await_library(
                reply.library, (rows, notes), partial(self._resume, endpoint, exchange, reading)
            )
            return
        if notes:
            exchange.extra += notes
        begin = reply.begin or begin
        timeout = endpoint.timeout
        if "headgate-timeout-ms" in headers:
            timeout = given_timeout(headers["headgate-timeout-ms"], timeout)
        if rows.timeout is not None:
            timeout = min(rows.timeout, timeout)
        begin(exchange, variant, reply, rows, exchange.started + timeout, gates).start()

    def _turn_away(self, endpoint: LiveEndpoint, exchange: Exchange, gates: tuple[Gate, ...], error: Exception) -> None:
        """Give back what a refused request has taken, and count it."""
        exchange.asking = None
        leave_all(gates)
        endpoint.refusals.tell(exchange, reason_of(error))

    def _forced(self, endpoint: LiveEndpoint, wanted: bytes) -> LiveVariant:
        # a key for predictions does not choose what answers it; where no key is needed everybody may do everything
        if self._access.required:
            raise Forbidden("Choosing the variant needs a permission that keys for predictions do not carry.")
        return endpoint.router.named(wanted.decode("latin-1"))
