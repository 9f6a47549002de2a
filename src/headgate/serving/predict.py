"""One prediction: authorise, decode and validate, route, batch, encode, answer, record. Everything else goes elsewhere.

All that can be is looked up or made beforehand, when a route table is taken: this file runs for every request.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from headgate.errors import Forbidden, HeadgateError, ModelOutputInvalid
from headgate.records import Column, RouteTable, Variant
from headgate.serving.access import Access
from headgate.serving.batching import Answer, Caller
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import Decode, Encode
from headgate.serving.refusals import Refusals
from headgate.serving.request_headers import decoder_for, given_id, given_timeout, reply_for, told
from headgate.serving.responses import refuse
from headgate.serving.router import Router
from headgate.serving.server import Exchange
from headgate.serving.tap import Tap
from headgate.serving.trace import trace_of

log = logging.getLogger("headgate.serving")


class Calls(Protocol):
    """The way to a variant's model."""

    @property
    def busy(self) -> bool:
        """Is anything waiting or running?"""
        ...

    def submit(self, caller: Caller) -> None:
        """Answer this caller soon; raises `Unavailable` when too many wait."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """How one variant answers in one format: everything up to the single answer's own headers, and the body."""

    head: bytes
    encode: Encode


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
    contract: Contract
    variants: tuple[LiveVariant, ...]
    router: Router[LiveVariant]
    decoders: Mapping[bytes, Decode]  # value of `Content-Type` → decoder
    refusals: Refusals  # of requests that reached no version
    scope: str  # "project/environment"
    timeout: float  # seconds


class Prediction:
    """One request on its way: a caller of its variant's model."""

    __slots__ = ("count", "deadline", "done", "exchange", "reply", "rows", "variant")

    def __init__(self, exchange: Exchange, variant: LiveVariant, reply: Reply, rows: Rows, deadline: float) -> None:
        self.exchange = exchange
        self.variant = variant
        self.reply = reply
        self.rows = rows
        self.count = rows.count
        self.deadline = deadline
        self.done = 0  # the status, once the request is answered

    def deliver(self, answer: Answer, start: int, stop: int) -> None:
        """Send one's own rows of an answer."""
        if self.done:
            return
        reply, exchange = self.reply, self.exchange
        try:
            write = answer.written.get(reply)
            if write is None:
                write = answer.written[reply] = reply.encode(answer.outputs)
            body = write(exchange.id, start, stop, self.rows.ids)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self.fail(ModelOutputInvalid(f"The model's answer cannot be written: {error}."))
            return
        self.done = 200
        exchange.answer(reply.head, body)

    def fail(self, error: HeadgateError) -> None:
        """Send the reason why there is no answer; that is recorded too."""
        if self.done:
            return
        self.done = error.status
        refuse(self.exchange, told(error))
        self.variant.tap.failed(self, error)


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

    def handle(self, exchange: Exchange) -> None:
        """Answer a request, whatever it is, now or soon."""
        try:
            exchange.id = self._new_id()
            if "headgate-id" in exchange.headers:
                exchange.id = given_id(exchange.headers["headgate-id"])
            if "traceparent" in exchange.headers:
                exchange.trace = trace_of(exchange.headers)
                exchange.extra = exchange.trace.line
            endpoint = self.targets.get(exchange.target)
            if endpoint is None or exchange.method != b"POST":
                endpoint = self._elsewhere(exchange)
            if endpoint is not None:
                self.predict(endpoint, exchange)
        except HeadgateError as error:
            refuse(exchange, error)
        except Exception:
            # a fault of ours: the client learns that it is, the log learns what it is
            log.exception("request %s to %r failed", exchange.id, exchange.target[:200])
            refuse(exchange, HeadgateError("Headgate itself failed; its log says why."))

    def predict(self, endpoint: LiveEndpoint, exchange: Exchange) -> None:
        """Start one prediction; raises what refuses it."""
        headers = exchange.headers
        try:
            if self._access.required:
                self._access.require(headers.get("authorization"), endpoint.scope)
            decode = endpoint.decoders.get(headers.get("content-type", b""))
            if decode is None or "content-encoding" in headers:
                decode = decoder_for(endpoint.decoders, headers)
            rows = decode(exchange.body)
            variant = endpoint.router.choose(headers.get("headgate-key"))
            if "headgate-variant" in headers:
                variant = self._forced(endpoint, headers["headgate-variant"])
            reply = variant.default if "accept" not in headers else reply_for(variant.replies, headers["accept"])
            timeout = endpoint.timeout
            if "headgate-timeout-ms" in headers:
                timeout = given_timeout(headers["headgate-timeout-ms"], timeout)
            deadline = exchange.started + timeout
            variant.calls.submit(Prediction(exchange, variant, reply, rows, deadline))
        except HeadgateError as error:
            endpoint.refusals.tell(exchange, error)
            raise

    def _forced(self, endpoint: LiveEndpoint, wanted: bytes) -> LiveVariant:
        # a key for predictions does not choose what answers it; where no key is needed everybody may do everything
        if self._access.required:
            raise Forbidden("Choosing the variant needs a permission that keys for predictions do not carry.")
        return endpoint.router.named(wanted.decode("latin-1"))
