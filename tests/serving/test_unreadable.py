"""Requests that are refused before anybody knows what they ask for: counted, and logged within bounds."""

from collections.abc import Callable

import pytest
from tests.serving.worker_process import PREDICT, WorkerProcess, metric, request, wait_for

from headgate.home import Home
from headgate.serving.refusals import LINES
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table

Start = Callable[..., WorkerProcess]
HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
CASES = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "MALFORMED"),
    "malformed header": (HEAD + b"evil\r\n\r\n", 400, "MALFORMED"),
    "two lengths": (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400, "MALFORMED"),
    "another host": (b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n", 400, "MALFORMED"),
    "long target": (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "TARGET_TOO_LONG"),
    "long headers": (HEAD + b"X-Evil: " + b"a" * 40_000 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
    "large body": (HEAD + b"Content-Length: 99999999\r\n\r\n", 413, "TOO_LARGE"),
    "slow headers": (HEAD, 408, "RECEIPT_TIMEOUT"),
    "an id that is none": (HEAD + b"Headgate-Id: ev il\r\n\r\n", 400, "MALFORMED"),
}


@pytest.fixture
def worker(home: Home, start: Start) -> WorkerProcess:
    """One with an endpoint, and little patience for headers."""
    publish(home, route_table(build_bundle(home.cache)))
    return start(home, Settings(header_seconds=2.0))


def counted(worker: WorkerProcess, status: int, reason: str, endpoint: str = "") -> float:
    text = worker.ask("GET", "/metrics").body.decode()
    labels = {"status": str(status), "reason": reason, "endpoint": endpoint, "version": ""}
    return metric(text, "headgate_requests_total", **labels)


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_read_is_counted_and_logged(worker: WorkerProcess, name: str) -> None:
    sent, status, reason = CASES[name]
    with worker.wire() as wire:
        answer = wire.send(sent).response()
    assert (answer.status, answer.json["code"]) == (status, reason)
    assert counted(worker, status, reason) == 1
    wait_for(lambda: f"status={status} code={reason}" in worker.logged)
    [line] = [line for line in worker.logged.splitlines() if "refused" in line]
    assert f"request_id={answer.headers['headgate-id']}" in line
    assert "evil" not in line


def test_a_flood_of_it_does_not_fill_the_log(worker: WorkerProcess) -> None:
    for _ in range(3 * LINES):
        with worker.wire() as wire:
            assert wire.send(CASES["malformed header"][0]).response().status == 400
    assert counted(worker, 400, "MALFORMED") == 3 * LINES
    assert worker.logged.count("code=MALFORMED") == LINES


def test_an_id_that_is_none_counts_for_the_endpoint_that_was_asked(worker: WorkerProcess) -> None:
    sent = request("POST", PREDICT.format("fraud"), b"{}", Content_Type="application/json", Headgate_Id="ev il")
    with worker.wire() as wire:
        assert wire.send(sent).response().status == 400
    assert counted(worker, 400, "MALFORMED", "fraud") == 1
