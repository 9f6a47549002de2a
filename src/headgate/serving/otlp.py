"""Notes of requests as OpenTelemetry spans, over OTLP/HTTP: the only code that knows the SDK (extra `otel`).

Headers (of an account, say), certificates and resource attributes come from the SDK's own variables, `OTEL_*`. The
span of a request is the one that its answer names in `traceresponse`; queue and model are spans below it.
"""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from random import getrandbits
from typing import TYPE_CHECKING, Any

from headgate import __version__
from headgate.errors import Unavailable
from headgate.serving.spans import Note
from headgate.settings import OTEL_MISSING

if TYPE_CHECKING:
    import requests
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, SpanKind

PATH = "v1/traces"
ANSWER_BYTES = 4096
# variables that name who makes the SDK's session
PROVIDERS = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
)  # fmt: skip


class OtlpExporter:
    """Sends to one collector; `worker` tells its spans from those of others."""

    def __init__(self, endpoint: str, worker: str) -> None:
        try:
            import requests
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk import resources
            from opentelemetry.sdk.trace import ReadableSpan
            from opentelemetry.sdk.trace.export import SpanExportResult
            from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        except ModuleNotFoundError as error:
            raise Unavailable(OTEL_MISSING) from error
        # it tells of every try; we tell when it begins to fail
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._trace, self._span = trace, ReadableSpan
        self._success = SpanExportResult.SUCCESS
        own = {"service.name": "headgate", "service.version": __version__, "service.instance.id": worker}
        self._resource = resources.Resource.create(own).merge(resources.OTELResourceDetector().detect())
        self._scope = InstrumentationScope("headgate", __version__)
        self._endpoint = f"{endpoint.rstrip('/')}/{PATH}"
        # an operator who has the SDK log in by a session of its own trusts that collector
        own_session = any(os.environ.get(name) for name in PROVIDERS)
        session = None if own_session else _session_of(requests.Session())
        self._exporter = OTLPSpanExporter(endpoint=self._endpoint, session=session)

    def send(self, notes: Sequence[Note]) -> str:
        """Blocks; answers why they were not taken, empty when they were."""
        # the clocks may part for a while: what they show now is what they showed a second ago
        offset = time.time_ns() - time.monotonic_ns()
        try:
            result = self._exporter.export([span for note in notes for span in self._spans_of(note, offset)])
        except Exception as error:  # noqa: BLE001  # whatever the library raises, requests go on and the thread lives
            return f"{type(error).__name__}: {error}"
        return "" if result is self._success else f"{self._endpoint} does not take them"

    def close(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the library's

    def _spans_of(self, note: Note, offset: int) -> "Iterator[ReadableSpan]":
        trace = self._trace
        own = self._context(note, note.trace.span_id)
        parent = self._context(note, note.trace.parent_id, remote=True) if note.trace.parent_id else None
        times = (note.started, note.ended)
        if note.replaced:
            fresh = self._context(note, f"{getrandbits(64):016x}")
            yield self._made("try", fresh, own, trace.SpanKind.INTERNAL, note, times, offset)
            return
        name = f"predict {note.place.endpoint}"
        yield self._made(name, own, parent, trace.SpanKind.SERVER, note, times, offset)
        if note.seconds:
            done = note.begun + note.seconds
            for part, begin, end in (("queue", note.started, note.begun), ("model", note.begun, done)):
                fresh = self._context(note, f"{getrandbits(64):016x}")
                yield self._made(part, fresh, own, trace.SpanKind.INTERNAL, None, (begin, end), offset)

    def _context(self, note: Note, span_id: str, *, remote: bool = False) -> "SpanContext":
        trace = self._trace
        state = trace.TraceState.from_header([note.trace.state]) if note.trace.state else None
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        context: SpanContext = trace.SpanContext(int(note.trace.trace_id, 16), int(span_id, 16), remote, flags, state)
        return context

    def _made(
        self,
        name: str,
        context: "SpanContext",
        parent: "SpanContext | None",
        kind: "SpanKind",
        note: Note | None,
        times: tuple[float, float],
        offset: int,
    ) -> "ReadableSpan":
        begin, end = (int(moment * 1e9) + offset for moment in times)
        trace = self._trace
        failed = note is not None and note.status >= 500
        return self._span(
            name=name,
            context=context,
            parent=parent,
            kind=kind,
            resource=self._resource,
            instrumentation_scope=self._scope,
            attributes=attributes_of(note) if note is not None else {},
            status=trace.Status(trace.StatusCode.ERROR if failed else trace.StatusCode.UNSET),
            start_time=begin,
            end_time=end,
        )


def _session_of(session: "requests.Session") -> "requests.Session":
    # nothing of an answer is read but what the hook takes
    session.stream = True
    session.hooks["response"].append(_read_little)
    return session


def _read_little(answer: "requests.Response", *_: Any, **__: Any) -> None:
    """Of a collector's answer the status counts; what is read beyond it lets the connection be used again."""
    answer.raw.read1(ANSWER_BYTES)
    # a longer one, or one that comes by drops, ends the connection
    answer.close()


def attributes_of(note: Note) -> dict[str, Any]:
    """What the span of a request says: nothing of what was sent or answered."""
    place = note.place
    found: dict[str, Any] = {
        "headgate.endpoint": place.endpoint,
        "headgate.version": place.version,
        "headgate.variant": place.variant,
        "headgate.request_id": note.request_id,
        "headgate.rows": note.rows or None,
        "http.response.status_code": note.status,
        # the code of the error; `error.type` is what OpenTelemetry calls it
        "headgate.reason": note.reason,
        "error.type": note.reason,
    }
    return {name: value for name, value in found.items() if value not in (None, "")}
