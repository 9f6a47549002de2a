"""Sampled requests as spans at a collector that reads OTLP as it is sent, and requests that never notice it."""

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.serving.worker_process import WorkerProcess, metric, wait_for

from headgate.errors import Malformed, Unavailable
from headgate.home import Home
from headgate.records import Variant
from headgate.serving.metrics import Metrics, SpanMetrics, render
from headgate.serving.otlp import OtlpExporter
from headgate.serving.spans import Note, Place, Spans
from headgate.serving.trace import new_trace
from headgate.settings import Settings, check_tracing
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

Start = Callable[..., WorkerProcess]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
POISON = 666.0
ROW, BAD = {"instances": [[1.0, 2.0, 3.0]] * 2}, {"instances": [["wrong"]]}


class Collector:
    """Takes OTLP over HTTP and keeps the spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resource: dict[str, str] = {}
        self.status = 200
        collector = self

        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
                if collector.status == 200:
                    collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, request: ExportTraceServiceRequest) -> None:
        for part in request.resource_spans:
            self.resource = {each.key: each.value.string_value for each in part.resource.attributes}
            self.spans += [span for scope in part.scope_spans for span in scope.spans]

    def named(self, name: str, count: int = 1) -> list[Span]:
        """The spans of a name, once there are so many."""
        wait_for(lambda: len(self._named(name)) >= count)
        assert len(self._named(name)) == count
        return self._named(name)

    def _named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def fraud(home: Home) -> Home:
    """A home with one endpoint."""
    publish(home, route_table(build_bundle(home.cache, LinearModel(fails_at=POISON))))
    return home


def said(span: Span) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_sampled_prediction_is_told_with_its_parts(fraud: Home, start: Start, collector: Collector) -> None:
    worker = start(fraud, Settings(otlp_endpoint=collector.url + "/"))
    for headers in ({}, {"traceparent": UNSAMPLED}, {"traceparent": "nonsense"}):
        assert worker.predict(ROW, **headers).status == 200
    answer = worker.predict(ROW, traceparent=SAMPLED, tracestate="vendor=1", Headgate_Id="r-7")
    [root] = collector.named("predict fraud")
    [queue], [model] = collector.named("queue"), collector.named("model")
    assert answer.headers["traceresponse"] == f"00-{TRACE}-{root.span_id.hex()}-01"
    assert (root.trace_id.hex(), root.parent_span_id.hex(), root.trace_state) == (TRACE, SPAN, "vendor=1")
    assert (root.kind, root.status.code) == (Span.SPAN_KIND_SERVER, Status.STATUS_CODE_UNSET)
    assert said(root) == {
        "headgate.endpoint": "fraud",
        "headgate.version": "fraud:1",
        "headgate.variant": "stable",
        "headgate.request_id": "r-7",
        "headgate.rows": 2,
        "http.response.status_code": 200,
    }
    for part in (queue, model):
        assert (part.trace_id, part.parent_span_id) == (root.trace_id, root.span_id)
    assert abs(root.end_time_unix_nano - time.time_ns()) < 60e9
    assert root.start_time_unix_nano == queue.start_time_unix_nano <= queue.end_time_unix_nano
    assert queue.end_time_unix_nano == model.start_time_unix_nano < model.end_time_unix_nano <= root.end_time_unix_nano
    assert (collector.resource["service.name"], collector.resource["service.instance.id"]) == ("headgate", "w0-test")
    assert "headgate_traced_requests_total 1\n" in worker.ask("GET", "/metrics").body.decode()


def test_what_fails_is_told_with_its_reason(fraud: Home, start: Start, collector: Collector) -> None:
    worker = start(fraud, Settings(otlp_endpoint=collector.url))
    assert worker.predict(BAD, traceparent=SAMPLED).status == 422
    [refused] = collector.named("predict fraud")
    assert (refused.status.code, said(refused)["headgate.reason"]) == (Status.STATUS_CODE_UNSET, "SIGNATURE_MISMATCH")
    assert "headgate.version" not in said(refused) and "headgate.rows" not in said(refused)
    assert worker.predict({"instances": [[POISON, 0.0, 0.0]]}, traceparent=SAMPLED).status == 500
    _, failed = collector.named("predict fraud", 2)
    told = said(failed)
    assert (failed.status.code, told["error.type"]) == (Status.STATUS_CODE_ERROR, "MODEL_ERROR")
    assert (told["headgate.version"], told["headgate.rows"], told["http.response.status_code"]) == ("fraud:1", 1, 500)


def test_a_try_that_the_fallback_makes_up_for_is_below_its_request(
    home: Home, start: Start, collector: Collector
) -> None:
    table = route_table(build_bundle(home.cache, LinearModel(fails_at=POISON)))
    spare = build_bundle(home.cache, LinearModel(bias=1.0))
    second = Variant(
        version="spare:7",
        digest=spare.digest,
        form=spare.manifest.serves,
        placement="inline",
        role="fallback",
        weight=0,
    )
    publish(home, msgspec.structs.replace(table, variants=(*table.variants, second)))
    worker = start(home, Settings(otlp_endpoint=collector.url))
    assert worker.predict({"instances": [[POISON, 0.0, 0.0]]}, traceparent=SAMPLED).status == 200
    [root], [tried] = collector.named("predict fraud"), collector.named("try")
    assert (said(root)["headgate.version"], said(root)["headgate.variant"]) == ("spare:7", "fallback")
    assert tried.parent_span_id == root.span_id != tried.span_id
    assert (said(tried)["headgate.version"], said(tried)["headgate.reason"]) == ("fraud:1", "MODEL_ERROR")


def test_a_share_of_the_others_begins_traces_here(fraud: Home, start: Start, collector: Collector) -> None:
    worker = start(fraud, Settings(otlp_endpoint=collector.url, trace_ratio=1.0))
    assert worker.predict(ROW, traceparent=UNSAMPLED).status == 200
    assert "traceresponse" not in worker.predict(ROW).headers
    [root] = collector.named("predict fraud")
    assert root.parent_span_id == b"" and root.trace_id.hex() != TRACE


def test_a_collector_that_is_gone_costs_nothing_but_spans(fraud: Home, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # it accepts, and never answers
        worker = start(fraud, Settings(otlp_endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        for _ in range(20):
            assert worker.predict(ROW, traceparent=SAMPLED).status == 200
        assert worker.stop() == 0, worker.logged


def test_a_collector_that_refuses_is_told_of_once(fraud: Home, start: Start, collector: Collector) -> None:
    collector.status = 400
    worker = start(fraud, Settings(otlp_endpoint=collector.url))

    def lost() -> float:
        text = worker.ask("GET", "/metrics").body.decode()
        return metric(text, "headgate_traced_requests_dropped_total", reason="export")

    for count in (1, 2):
        assert worker.predict(ROW, traceparent=SAMPLED).status == 200
        wait_for(partial(lambda expected: lost() == expected, count))
    assert worker.logged.count("spans are being lost") == 1
    collector.status = 200
    assert worker.predict(ROW, traceparent=SAMPLED).status == 200
    collector.named("predict fraud")
    wait_for(lambda: "spans are taken again" in worker.logged)


class Talker:
    """A collector that takes everything and answers at length."""

    def __init__(self, size: int) -> None:
        self.connections = self.told = 0
        self.cut = False
        talker = self

        class Talk(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                talker.connections += 1

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(size))
                self.end_headers()
                try:
                    while talker.told < size:
                        talker.told += self.wfile.write(bytes(min(65_536, size - talker.told)))
                except OSError:
                    talker.cut = self.close_connection = True
                talker.told = 0

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> "Talker":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


def test_what_a_collector_says_at_length_is_not_read() -> None:
    with Talker(200_000_000) as talker:
        exporter = OtlpExporter(talker.url, "w0")
        assert exporter.send([note(1)]) == ""
        wait_for(lambda: talker.cut)
        assert exporter.send([note(2)]) == ""
        exporter.close()


@pytest.mark.parametrize("size", [0, 20, 4_000])
def test_a_connection_to_a_collector_is_used_again(size: int) -> None:
    with Talker(size) as talker:
        exporter = OtlpExporter(talker.url, "w0")
        assert [exporter.send([note(number)]) for number in range(3)] == ["", "", ""]
        exporter.close()
        assert (talker.connections, talker.cut) == (1, False)


class Held:
    """An exporter that waits until it may go on, or is closed."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.sent: list[Note] = []

    def send(self, notes: Sequence[Note]) -> str:
        self.may.wait()
        self.sent += notes
        return ""

    def close(self) -> None:
        self.may.set()


def note(number: int) -> Note:
    return Note(new_trace(sampled=True), str(number), Place("e"), 0.0, 1.0, 200)


def test_what_finds_no_room_is_dropped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    metrics, held = Metrics(tmp_path, "w0"), Held()
    spans = Spans(held, SpanMetrics(metrics), most=10)
    for number in range(35):
        spans.add(note(number))
    held.may.set()
    spans.close()
    text = render(tmp_path).decode()
    sent = len(held.sent)
    # some may have been taken out to be sent while others came
    assert 10 <= sent < 35 and [each.request_id for each in held.sent][:10] == [str(number) for number in range(10)]
    assert metric(text, "headgate_traced_requests_dropped_total", reason="full") == 35 - sent
    assert f"headgate_traced_requests_total {sent}\n" in text
    metrics.close()


def test_nothing_of_it_is_loaded_unless_it_is_asked_for() -> None:
    code = "import sys, headgate.serving.main; sys.exit('opentelemetry' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_extra_is_named_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    check_tracing(Settings())
    wanted = Settings(otlp_endpoint="http://127.0.0.1:4318", trace_ratio=0.5)
    check_tracing(wanted)
    monkeypatch.setattr("headgate.settings.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"headgate\[otel\]"):
        check_tracing(wanted)


@pytest.mark.parametrize(
    "settings",
    [Settings(trace_ratio=0.1), Settings(otlp_endpoint="127.0.0.1:4318"), Settings(otlp_endpoint="http://")],
    ids=["no collector", "no scheme", "no host"],
)
def test_what_cannot_be_meant_is_refused(settings: Settings) -> None:
    with pytest.raises(Malformed, match="otlp_endpoint"):
        check_tracing(settings)
