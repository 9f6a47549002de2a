"""One prediction: authorise, decode and validate, route, batch, encode, answer, record. Everything else goes elsewhere.

All that can be is looked up or made beforehand, when a route table is taken: this file runs for every request.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from headgate.errors import (
    DeadlineExceeded,
    Forbidden,
    HeadgateError,
    Malformed,
    ModelError,
    ModelOutputInvalid,
    UnsupportedType,
)
from headgate.records import Column, RouteTable, Variant
from headgate.serving.access import Access
from headgate.serving.batching import Answer, Caller
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import Decode, Encode
from headgate.serving.fault_log import FaultLog
from headgate.serving.metrics import VariantMetrics
from headgate.serving.responses import refuse
from headgate.serving.router import Router
from headgate.serving.server import Exchange
from headgate.serving.tap import Tap

_ID = re.compile(rb"[A-Za-z0-9._:/@+=~-]{1,128}", re.ASCII)
_TIMEOUT = re.compile(rb"[0-9]{1,9}", re.ASCII)
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


@dataclass(frozen=True, slots=True)
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
    metrics: VariantMetrics
    tap: Tap
    faults: FaultLog


@dataclass(frozen=True, slots=True)
class LiveEndpoint:
    """A route table in force."""

    table: RouteTable
    contract: Contract
    variants: tuple[LiveVariant, ...]
    router: Router[LiveVariant]
    decoders: Mapping[bytes, Decode]  # value of `Content-Type` → decoder
    metrics: VariantMetrics  # of requests that reached no version
    scope: str  # "project/environment"
    timeout: float  # seconds


class Prediction:
    """One request on its way: a caller of its variant's model."""

    __slots__ = ("_done", "deadline", "exchange", "reply", "rows", "values", "variant")

    def __init__(self, exchange: Exchange, variant: LiveVariant, reply: Reply, rows: Rows, deadline: float) -> None:
        self.exchange = exchange
        self.variant = variant
        self.reply = reply
        self.rows = rows
        self.values = rows.values
        self.deadline = deadline
        self._done = False

    def deliver(self, answer: Answer) -> None:
        """Encode and send the outputs, then count and record."""
        if self._done:
            return
        try:
            body = self.reply.encode(self.exchange.id, answer.outputs, self.rows.ids)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self.fail(ModelOutputInvalid(f"The model's answer cannot be written: {error}."))
            return
        self._done = True
        exchange, variant = self.exchange, self.variant
        exchange.answer(self.reply.head, body)
        seconds = time.monotonic() - exchange.started
        variant.metrics.count(200)
        variant.metrics.observe(seconds, answer.begun - exchange.started, answer.seconds, len(self.values))
        variant.tap.record(exchange.id, seconds, 200, self.rows, answer.inputs, answer.outputs)

    def fail(self, error: HeadgateError) -> None:
        """Send the reason; what the model did is recorded too."""
        if self._done:
            return
        self._done = True
        exchange, variant = self.exchange, self.variant
        if isinstance(error, ModelError):
            variant.faults.tell(error)
        refuse(exchange, told(error))
        variant.metrics.count(error.status, error.code)
        seconds = time.monotonic() - exchange.started
        variant.tap.record(exchange.id, seconds, error.status, self.rows, None, None)


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
                decode = decoder_for(endpoint, exchange)
            rows = decode(exchange.body)
            variant = endpoint.router.choose(headers.get("headgate-key"))
            if "headgate-variant" in headers:
                variant = self._forced(endpoint, headers["headgate-variant"])
            reply = variant.default if "accept" not in headers else reply_for(variant, headers["accept"])
            timeout = endpoint.timeout
            if "headgate-timeout-ms" in headers:
                timeout = given_timeout(headers["headgate-timeout-ms"], timeout)
            deadline = exchange.started + timeout
            variant.calls.submit(Prediction(exchange, variant, reply, rows, deadline))
        except HeadgateError as error:
            endpoint.metrics.count(error.status, error.code)
            raise

    def _forced(self, endpoint: LiveEndpoint, wanted: bytes) -> LiveVariant:
        # a key for predictions does not choose what answers it; where no key is needed everybody may do everything
        if self._access.required:
            raise Forbidden("Choosing the variant needs a permission that keys for predictions do not carry.")
        return endpoint.router.named(wanted.decode("latin-1"))


def given_id(value: bytes) -> str:
    """The caller's own request id; raises `Malformed`."""
    if not _ID.fullmatch(value):
        raise Malformed("Headgate-Id must be 1 to 128 characters out of A-Z a-z 0-9 . _ : / @ + = ~ -")
    return value.decode()


def given_timeout(value: bytes, most: float) -> float:
    """The caller's own timeout in seconds, at most the endpoint's; raises `Malformed` or `DeadlineExceeded`."""
    if not _TIMEOUT.fullmatch(value):
        raise Malformed("Headgate-Timeout-Ms must be a whole number of milliseconds.")
    if int(value) == 0:
        raise DeadlineExceeded("Headgate-Timeout-Ms is 0: the deadline has passed already.")
    return min(int(value) / 1000, most)


def decoder_for(endpoint: LiveEndpoint, exchange: Exchange) -> Decode:
    """The decoder by media type alone; raises `UnsupportedType` naming what is accepted."""
    encoding = exchange.headers.get("content-encoding", b"identity")
    value = exchange.headers.get("content-type", b"")
    media_type, _, parameters = value.lower().partition(b";")
    charset = re.search(rb"charset\s*=\s*\"?([^\s;\"]+)", parameters)
    decode = endpoint.decoders.get(media_type.strip())
    if decode is None or (charset is not None and charset[1] not in (b"utf-8", b"utf8", b"us-ascii")):
        accepted = ", ".join(media_type.decode() for media_type in endpoint.decoders)
        raise UnsupportedType(f"Expected a Content-Type out of: {accepted} (in UTF-8). Got {shown(value)}.")
    if encoding.lower() != b"identity":
        raise UnsupportedType(f"Bodies are taken as they are, got Content-Encoding {shown(encoding)}.")
    return decode


def reply_for(variant: LiveVariant, accept: bytes) -> Reply:
    """The first format in `Accept` that there is, by its order of preference; the default for all others."""
    wanted: list[tuple[float, str]] = []
    for part in accept.decode("latin-1").lower().split(",")[:16]:
        media_type, _, parameters = part.partition(";")
        quality = re.search(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)", parameters)
        wanted.append((-float(quality[1]) if quality else -1.0, media_type.strip()))
    for weight, media_type in sorted(wanted, key=lambda pair: pair[0]):
        if weight < 0 and media_type in variant.replies:
            return variant.replies[media_type]
        if weight < 0 and media_type in ("*/*", "application/*"):
            break
    return variant.default


def told(error: HeadgateError) -> HeadgateError:
    """What a client may read of a model's failure: its code, not the words of a framework."""
    if type(error) is ModelError:
        return ModelError("The model failed on this request. The server's log says why.")
    return error


def shown(value: bytes) -> str:
    """A header's value in a message: short and escaped."""
    return ascii(value[:64].decode("latin-1")) if value else "none"
