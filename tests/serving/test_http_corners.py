"""Corners of HTTP whose answer is no refusal at once: what is framed stays framed, and nothing is told to strangers."""

import contextlib
import socket
from collections.abc import Callable

import pytest
from tests.serving.test_http import BODY, TARGET, H, is_well, post, raw
from tests.serving.worker_process import WorkerProcess, request

from headgate.home import Home
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table

CHUNKED = raw(
    f"POST {TARGET} HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Transfer-Encoding: chunked"
)


@pytest.mark.parametrize("method", ["TRACE", "DELETE", "PUT", "PATCH", "PROPFIND", "SEARCH"])
def test_other_methods_leave_the_connection_framed(worker: WorkerProcess, method: str) -> None:
    with worker.wire() as wire:
        answer = wire.send(request(method, TARGET, b"abc", Cookie="secret", X_Probe="secret")).response()
        assert (answer.status, answer.json["code"]) == (405, "METHOD_NOT_ALLOWED")
        assert b"secret" not in answer.body
        assert wire.send(post()).response().status == 200


@pytest.mark.parametrize("target", ["localhost:1", "evil.example:443", "/healthz"])
def test_connect_is_refused_and_closed(worker: WorkerProcess, target: str) -> None:
    with worker.wire() as wire:
        answer = wire.send(raw(f"CONNECT {target} HTTP/1.1", H) + b"\x16\x03\x01 anything").response()
        assert answer.status in (400, 405)
        assert answer.headers["connection"] == "close"
        assert wire.is_closed()
    assert is_well(worker)


@pytest.mark.parametrize("target", [TARGET, "/healthz", "/nothing", "*"])
def test_nothing_is_said_to_pages_of_others(worker: WorkerProcess, target: str) -> None:
    page = {"Origin": "http://evil.example", "Access_Control_Request_Method": "POST"}
    for method in ("OPTIONS", "GET"):
        with worker.wire() as wire:
            answer = wire.send(request(method, target, **page)).response()
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert wire.send(post()).response().status == 200
    assert worker.ask("OPTIONS", "/healthz", **page).headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("target", "status"), [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/nothing", 404), (TARGET, 405)]
)
def test_head_is_get_without_its_body(worker: WorkerProcess, target: str, status: int) -> None:
    with worker.wire() as wire:
        head = wire.send(request("HEAD", target)).response("HEAD")
        assert head.status == status
        assert int(head.headers["content-length"]) > 0
        # were there a body, it would be taken for the next answer
        assert wire.send(post()).response().status == 200


def test_a_body_where_none_is_expected_is_read_over(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        hidden = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
        wire.send(request("GET", "/healthz", hidden))
        wire.send(raw("GET /healthz HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"))
        wire.send(post())
        assert [wire.response().body for _ in range(2)] == [b'{"status":"ok"}'] * 2
        assert wire.response().status == 200


def test_what_is_left_over_is_a_request_of_its_own(home: Home, start: Callable[..., WorkerProcess]) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    worker = start(home, Settings(require_keys=True))
    with worker.wire() as wire:
        # the first shows a key that does not pass for the second
        short = raw(f"POST {TARGET} HTTP/1.1", H, "Authorization: Bearer hg_x_y", "Content-Length: 2", body=b"{}")
        wire.send(short + post())
        answers = [wire.response() for _ in range(2)]
        assert [answer.status for answer in answers] == [401, 401]
        assert answers[0].headers["headgate-id"] != answers[1].headers["headgate-id"]


@pytest.mark.parametrize(
    "part",
    [
        raw(f"POST {TARGET} HTTP/1.1", H, "Content-Length: 500", body=b"{}"),
        CHUNKED + b"5\r\nab",
        post()[:30],
        b"POST /v1",
    ],
    ids=["body", "chunk", "headers", "line"],
)
def test_who_stops_in_the_middle_of_a_request_is_told(worker: WorkerProcess, part: bytes) -> None:
    with worker.wire() as wire:
        wire.send(part)
        wire.socket.shutdown(socket.SHUT_WR)
        answer = wire.response()
        assert (answer.status, answer.json["code"]) == (400, "MALFORMED")
        assert wire.is_closed()
    assert is_well(worker)


def test_who_says_nothing_at_all_gets_nothing(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.is_closed()
    assert is_well(worker)


def test_expected_bodies_that_never_come(home: Home, start: Callable[..., WorkerProcess]) -> None:
    worker = start(home, Settings(receive_seconds=0.5))
    with worker.wire() as wire:
        wire.send(raw(f"POST {TARGET} HTTP/1.1", H, "Expect: 100-continue", "Content-Length: 5"))
        assert wire.response().status == 100
        answer = wire.response()
        assert (answer.status, answer.json["code"]) == (408, "RECEIPT_TIMEOUT")
        assert wire.is_closed()
    with worker.wire() as wire:
        # old clients do not know what 100 is
        wire.send(raw("POST /healthz HTTP/1.0", H, "Expect: 100-continue", "Content-Length: 1", body=b"a"))
        assert wire.response().status == 405


def test_an_upgrade_to_a_websocket_is_answered_plainly(worker: WorkerProcess) -> None:
    lines = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Protocol: \xff\xfe")
    with worker.wire() as wire:
        answer = wire.send(raw("GET /healthz HTTP/1.1", H, *lines)).response()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert "upgrade" not in answer.headers
        assert wire.is_closed()
    assert is_well(worker)


def test_a_thousand_pipelined_requests_are_answered_in_order(worker: WorkerProcess) -> None:
    ids = [f"r-{number}" for number in range(1000)]
    with worker.wire() as wire:
        wire.send(b"".join(post(Headgate_Id=name) for name in ids))
        answers = [wire.response() for _ in ids]
    assert {answer.status for answer in answers} == {200}
    assert [answer.headers["headgate-id"] for answer in answers] == ids


def test_chunk_extensions_mean_nothing(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        for extension in (b";a", b";a=b", b';a="b;c"', b";" + b"e" * 10_000):
            wire.send(CHUNKED + b"%x%b\r\n%b\r\n0\r\n\r\n" % (len(BODY), extension, BODY))
            assert wire.response().status == 200


@pytest.mark.parametrize(
    ("chunk", "count"),
    [
        (b"1\r\na\r\n", 1_000_000),
        (b"1;" + b"e" * 100 + b"\r\na\r\n", 100_000),
        pytest.param(b"20\r\n" + b"a" * 32 + b"\r\n", 1_000_000, marks=pytest.mark.heavy),
    ],
    ids=["one byte", "extensions", "32 bytes"],
)
def test_very_many_chunks_take_no_memory(worker: WorkerProcess, chunk: bytes, count: int) -> None:
    def attack() -> int:
        with worker.wire() as wire:
            with contextlib.suppress(ConnectionError):  # the server may have seen enough
                wire.send(CHUNKED)
                for _ in range(count // 10_000):
                    wire.send(chunk * 10_000)
            return wire.response().status

    assert attack() in (400, 413, 431)
    before = worker.resident_kb
    for _ in range(3):
        assert attack() in (400, 413, 431)
    assert worker.resident_kb - before < 40_000
    assert is_well(worker)


@pytest.mark.parametrize(
    "name",
    ["X_Forwarded_For", "X_Forwarded_Host", "X_Forwarded_Proto", "Forwarded", "X_Original_URL", "X_Rewrite_URL",
     "X_HTTP_Method_Override", "X_Real_IP"],
)  # fmt: skip
def test_what_a_proxy_would_say_is_ignored(worker: WorkerProcess, name: str) -> None:
    for value in ("evil.example", "/metrics", "DELETE", "https", "host=evil.example;proto=https"):
        answer = worker.ask("GET", "/healthz", **{name: value})
        assert (answer.status, answer.json) == (200, {"status": "ok"})
        assert value not in str(answer.headers)


def test_an_underscore_is_no_hyphen(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        spoofed = raw(
            "GET /healthz HTTP/1.1", H, "Headgate_Id: mine", "Content_Length: 5", "Transfer_Encoding: chunked"
        )
        answer = wire.send(spoofed).response()
        assert (answer.status, answer.json) == (200, {"status": "ok"})
        assert answer.headers["headgate-id"] != "mine"


@pytest.mark.parametrize(
    "sent", ["a%0d%0aSet-Cookie:x", "a b", "a\tb", "a\x80b", "\xe9", "a" * 129, "", '"a"', "a\\r\\nb"]
)
def test_nothing_that_a_client_says_breaks_a_header(worker: WorkerProcess, sent: str) -> None:
    with worker.wire() as wire:
        for name in ("Headgate-Id", "Headgate-Key", "Headgate-Variant", "Accept", "Content-Type", "Content-Encoding"):
            lines = (H, "Content-Type: application/json") if name != "Content-Type" else (H,)
            answer = wire.send(
                raw(f"POST {TARGET} HTTP/1.1", *lines, f"{name}: {sent}", f"Content-Length: {len(BODY)}", body=BODY)
            ).response()
            assert answer.status in (200, 400, 404, 415)
            assert "set-cookie" not in answer.headers
            assert sent not in answer.headers.values() or not sent
            # the connection is framed still
            assert wire.send(request("GET", "/healthz")).response().status == 200


@pytest.mark.parametrize(
    "begin", [b"5;", b"5;a=", b"5;" + b"a" * 70_000, b"0\r\nA: "], ids=[";", "name", "long", "trailer"]
)
def test_what_stands_beside_a_chunk_has_an_end(worker: WorkerProcess, begin: bytes) -> None:
    with worker.wire() as wire:
        wire.send(raw(f"POST {TARGET} HTTP/1.1", H, "Transfer-Encoding: chunked", body=begin))
        with contextlib.suppress(OSError):
            for _ in range(200):
                wire.send(b"a" * 65_536)
        assert wire.response().status == 431
    assert is_well(worker)


def test_chunks_of_one_byte_are_read(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        body = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"
        head = raw(f"POST {TARGET} HTTP/1.1", H, "Content-Type: application/json", "Transfer-Encoding: chunked")
        wire.send(head)
        for place in range(0, len(body), 7):
            wire.send(body[place : place + 7])
        assert wire.response().status == 200


@pytest.mark.parametrize("space", [" ", "\t", "  \t "])
def test_white_space_after_a_value_is_none_of_it(worker: WorkerProcess, space: str) -> None:
    lines = ("Host: localhost", "Content-Type: application/json", "Headgate-Timeout-Ms: 5000", "Headgate-Id: mine")
    with worker.wire() as wire:
        sent = [f"{line}{space}" for line in (*lines, f"Content-Length: {len(BODY)}", "Authorization: Bearer key")]
        answer = wire.send(raw(f"POST {TARGET} HTTP/1.1", *sent, body=BODY)).response()
        assert (answer.status, answer.headers["headgate-id"]) == (200, "mine")
        assert wire.send(request("GET", "/healthz")).response().status == 200
