"""The HTTP side of a worker, byte for byte, over real sockets."""

import contextlib
import json
import re
import select
import time
from collections.abc import Callable

import httptools
import pytest
from tests.serving.worker_process import PREDICT, WorkerProcess, request

from headgate.home import Home
from headgate.serving.unreadable import FAULTS, OTHERS, SPEAKS_TLS, unreadable
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table

TARGET = PREDICT.format("fraud")
BODY = json.dumps({"instances": [[1, 2, 3]]}).encode()


def post(body: bytes = BODY, target: str = TARGET, **headers: str) -> bytes:
    return request("POST", target, body, **({"Content_Type": "application/json"} | headers))


def raw(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def is_well(worker: WorkerProcess) -> bool:
    return worker.predict({"instances": [[1, 2, 3]]}).status == 200


def test_keep_alive_serves_many_requests(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        answers = [wire.send(post()).response() for _ in range(20)]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.headers["headgate-id"] for answer in answers}) == 20


def test_pipelined_requests_are_answered_in_order(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        ids = [f"r-{number}" for number in range(500)]
        wire.send(
            b"".join(
                post(Headgate_Id=name) if place % 3 else request("GET", "/healthz", Headgate_Id=name)
                for place, name in enumerate(ids)
            )
        )
        assert [wire.response().headers["headgate-id"] for _ in ids] == ids


def test_a_request_may_come_byte_by_byte(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        for byte in post():
            wire.send(bytes([byte]))
        assert wire.response().status == 200
        assert wire.send(post()).response().status == 200


def test_a_repeated_head_with_another_body_is_another_request(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        answers = [
            wire.send(post(b'{"instances": [[%d, 0, 0]]}' % number)).response().json["probabilities"][0][1]
            for number in (1, 2, 3, 1, 2, 3)
        ]
    assert answers[:3] == answers[3:]
    assert len(set(answers)) == 3


def test_what_follows_a_repeated_head_is_still_parsed(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        assert wire.send(post()).response().status == 200
        wire.send(post() + post())
        assert [wire.response().status for _ in range(2)] == [200, 200]
        wire.send(post() + b"P")
        assert wire.response().status == 200
        # together with the byte before, this is no request
        assert wire.send(post()).response().status == 400
        assert wire.is_closed()


def test_chunked_bodies(worker: WorkerProcess) -> None:
    head = raw(
        f"POST {TARGET} HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    chunks = b"".join(b"%x\r\n%b\r\n" % (1, BODY[place : place + 1]) for place in range(len(BODY)))
    with worker.wire() as wire:
        assert wire.send(head + chunks + b"0\r\nTrailer: x\r\n\r\n").response().status == 200
        assert wire.send(post()).response().status == 200


def test_expect_continue(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        whole = post(Expect="100-continue")
        head, body = whole[: -len(BODY)], whole[-len(BODY) :]
        assert wire.send(head).response().status == 100
        assert wire.send(body).response().status == 200


def test_head_has_headers_alone(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        answer = wire.send(request("HEAD", "/healthz")).response("HEAD")
        assert (answer.status, answer.headers["content-length"]) == (200, "15")
        assert wire.send(request("GET", "/healthz")).response().json == {"status": "ok"}


def test_options_and_wrong_methods_name_what_is_allowed(worker: WorkerProcess) -> None:
    assert worker.ask("OPTIONS", TARGET).headers["allow"] == "POST, OPTIONS"
    answer = worker.ask("DELETE", TARGET)
    assert (answer.status, answer.headers["allow"], answer.json["code"]) == (405, "POST, OPTIONS", "METHOD_NOT_ALLOWED")
    assert worker.ask("POST", "/healthz").headers["allow"] == "GET, HEAD, OPTIONS"


def test_an_old_client_without_keep_alive_is_closed(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        answer = wire.send(raw("GET /healthz HTTP/1.0", "Host: localhost")).response()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert wire.is_closed()
    with worker.wire() as wire:
        old = raw("GET /healthz HTTP/1.0", "Host: localhost", "Connection: keep-alive")
        assert wire.send(old).response().headers["connection"] == "keep-alive"
        assert wire.send(old).response().status == 200


def test_connection_close_is_kept(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        assert wire.send(post(Connection="close")).response().headers["connection"] == "close"
        assert wire.is_closed()


def test_a_client_that_has_sent_all_still_gets_its_answers(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        wire.send(post() * 3)
        wire.socket.shutdown(1)
        assert [wire.response().status for _ in range(3)] == [200, 200, 200]
        assert wire.is_closed()


def test_an_upgrade_is_not_taken(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        asked = request("GET", "/healthz", Connection="Upgrade, HTTP2-Settings", Upgrade="h2c")
        answer = wire.send(asked + b"PRI * HTTP/2.0\r\n\r\n").response()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert wire.is_closed()
    assert worker.ask("POST", TARGET, BODY, Connection="Upgrade", Upgrade="h2c").status == 400


H = "Host: localhost"
MALFORMED = {
    "no host": (raw("GET /healthz HTTP/1.1"), 400),
    "old and no host": (raw("GET /healthz HTTP/1.0"), 400),
    "no version": (b"GET /healthz\r\n\r\n", 400),
    "two hosts": (raw("GET /healthz HTTP/1.1", H, H), 400),
    "strange host": (raw("GET /healthz HTTP/1.1", "Host: a/b?c"), 400),
    "user in host": (raw("GET /healthz HTTP/1.1", "Host: a@localhost"), 400),
    "empty host": (raw("GET /healthz HTTP/1.1", "Host: "), 400),
    "long host": (raw("GET /healthz HTTP/1.1", "Host: " + "a" * 300), 400),
    "foreign host": (raw("GET /healthz HTTP/1.1", "Host: evil.example"), 400),
    "foreign port": (raw("GET /healthz HTTP/1.1", "Host: localhost:1"), 400),
    "rebound host": (raw("GET /healthz HTTP/1.1", "Host: 127.0.0.1.evil.example"), 400),
    "length and encoding": (raw("POST / HTTP/1.1", H, "Content-Length: 3", "Transfer-Encoding: chunked"), 400),
    "encoding and length": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", "Content-Length: 3"), 400),
    "odd encoding": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 400),
    "two encodings": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 400),
    "doubled encoding": (
        raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        400,
    ),
    "chunked and identity": (
        raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
        400,
    ),
    "identity": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: identity"), 400),
    "empty encoding": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: ", body=b"0\r\n\r\n"), 400),
    "quoted encoding": (raw("POST / HTTP/1.1", H, 'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"), 400),
    "encoding with a parameter": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked;a=b", body=b"0\r\n\r\n"), 400),
    "space after encoding": (raw("POST / HTTP/1.1", H, "Transfer-Encoding : chunked", body=b"0\r\n\r\n"), 400),
    "tab in encoding": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), 400),
    "encoding on 1.0": (raw("POST / HTTP/1.0", H, "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "two lengths": (raw("POST / HTTP/1.1", H, "Content-Length: 1", "Content-Length: 2", body=b"a"), 400),
    "two equal lengths": (raw("POST / HTTP/1.1", H, "Content-Length: 1", "Content-Length: 1", body=b"a"), 400),
    "signed length": (raw("POST / HTTP/1.1", H, "Content-Length: +5"), 400),
    "negative length": (raw("POST / HTTP/1.1", H, "Content-Length: -1"), 400),
    "hex length": (raw("POST / HTTP/1.1", H, "Content-Length: 0x5"), 400),
    "length with underscore": (raw("POST / HTTP/1.1", H, "Content-Length: 1_0"), 400),
    "length with space": (raw("POST / HTTP/1.1", H, "Content-Length: 5 5"), 400),
    "listed length": (raw("POST / HTTP/1.1", H, "Content-Length: 5, 5", body=b"abcde"), 400),
    "length of 65 bits": (raw("POST / HTTP/1.1", H, "Content-Length: 18446744073709551616"), 400),
    "huge length": (raw("POST / HTTP/1.1", H, "Content-Length: " + "9" * 31), 400),
    "empty length": (raw("POST / HTTP/1.1", H, "Content-Length: "), 400),
    "bad chunk size": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"+5\r\nhello\r\n"), 400),
    "hex chunk size": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"0x5\r\nhello\r\n"), 400),
    "17 digits of chunk": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"1" * 17 + b"\r\n"), 400),
    "negative chunk size": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"-1\r\na\r\n"), 400),
    "space before chunk size": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b" 1\r\na\r\n"), 400),
    "no chunk size": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"\r\na\r\n"), 400),
    "bare LF after chunk size": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"1\na\n0\n\n"), 400),
    "bare LF after extension": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"1;e\na\r\n"), 400),
    "no end of chunk": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"1\r\na0\r\n\r\n"), 400),
    "length as trailer": (
        raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"0\r\nContent-Length: 5\r\n\r\n"),
        400,
    ),
    "odd trailer": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"0\r\nA(: b\r\n\r\n"), 400),
    "huge trailer": (
        raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"0\r\nA: " + b"b" * 200_000 + b"\r\n\r\n"),
        431,
    ),
    "many trailers": (
        raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"0\r\n" + b"A: b\r\n" * 20_000 + b"\r\n"),
        431,
    ),
    "bad end of chunk": (raw("POST / HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"1\r\naXX"), 400),
    "space before colon": (raw("GET / HTTP/1.1", "Host : localhost"), 400),
    "space before the first header": (raw("GET / HTTP/1.1", f" {H}"), 400),
    "header without a name": (raw("GET / HTTP/1.1", H, ": b"), 400),
    "header without a colon": (raw("GET / HTTP/1.1", H, "abc"), 400),
    "control character": (raw("GET / HTTP/1.1", H, "A: \x01"), 400),
    "tabs in the first line": (b"GET\t/\tHTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "space after the version": (raw("GET / HTTP/1.1 ", H), 400),
    "CR CR": (b"GET / HTTP/1.1\r\r\nHost: localhost\r\n\r\n", 400),
    "target without a slash": (raw("GET healthz HTTP/1.1", H), 400),
    "target with a backslash": (raw("GET \\healthz HTTP/1.1", H), 400),
    "two keys": (raw("GET / HTTP/1.1", H, "Authorization: Bearer a", "Authorization: Bearer b"), 400),
    "two ids": (raw("GET / HTTP/1.1", H, "Headgate-Id: a", "Headgate-Id: b"), 400),
    "CONNECT with a body": (raw("CONNECT localhost:1 HTTP/1.1", H, "Content-Length: 3", body=b"abc"), 400),
    "folded header": (raw("GET / HTTP/1.1", H, "A: b", " c"), 400),
    "bare LF": (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
    "bare CR": (b"GET / HTTP/1.1\r\nHost: localhost\r\nA: b\rc\r\n\r\n", 400),
    "NUL": (raw("GET / HTTP/1.1", H, "A: b\x00c"), 400),
    "odd header name": (raw("GET / HTTP/1.1", H, "X(A): b"), 400),
    "lower case method": (raw("get / HTTP/1.1", H), 400),
    "unknown method": (raw("FOO / HTTP/1.1", H), 400),
    "long method": (raw("A" * 1024 + " / HTTP/1.1", H), 400),
    "HTTP/1.9": (raw("GET / HTTP/1.9", H), 400),
    "HTTP/2.0": (raw("GET / HTTP/2.0", H), 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64, 400),
    "garbage": (bytes(range(128, 256)), 400),
    "long header name": (raw("GET / HTTP/1.1", H, "A" * 200_000 + ": b"), 431),
    "large header": (raw("GET / HTTP/1.1", H, "A: " + "a" * 200_000), 431),
    "many headers": (raw("GET / HTTP/1.1", H, *(f"A{number}: b" for number in range(2000))), 431),
    "large cookie": (raw("GET / HTTP/1.1", H, "Cookie: " + "a" * 65_536), 431),
    "long target": (raw("GET /" + "a" * 200_000 + " HTTP/1.1", H), 414),
    "raw UTF-8": ("GET /é HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), 400),
    "other expectation": (raw("POST / HTTP/1.1", H, "Content-Length: 1", "Expect: tea", body=b"a"), 400),
    "large body": (raw("POST / HTTP/1.1", H, "Content-Length: 70000"), 413),
    "larger body": (raw(f"POST {TARGET} HTTP/1.1", H, "Content-Length: 99999999"), 413),
    "tiny chunks": (raw(f"POST {TARGET} HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"1\r\na\r\n" * 200_000), 413),
}


# what was expected, what was got, what to do
FORM = re.compile(r"Expected .+, got .+\. [A-Z].+\.")
CODES = {400: "MALFORMED", 413: "TOO_LARGE", 414: "TARGET_TOO_LONG", 431: "HEADERS_TOO_LARGE"}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_are_refused_and_closed(worker: WorkerProcess, name: str) -> None:
    data, status = MALFORMED[name]
    with worker.wire() as wire:
        with contextlib.suppress(ConnectionError):  # the server may have seen enough
            wire.send(data)
        answer = wire.response()
        assert answer.status == status or (name == "tiny chunks" and answer.status == 400)
        assert answer.headers["connection"] == "close"
        assert set(answer.json) == {"error", "code", "detail", "id"}
        assert answer.json["code"] == CODES[answer.status]
        assert answer.json["id"] == answer.headers["headgate-id"]
        assert status != 400 or FORM.fullmatch(answer.json["error"]), answer.json["error"]
        wire.socket.shutdown(1)
        assert wire.is_closed()
    assert is_well(worker)


def refusal(worker: WorkerProcess, data: bytes) -> str:
    with worker.wire() as wire:
        return str(wire.send(data).response().json["error"])


@pytest.mark.parametrize(
    ("name", "got", "step"),
    [
        ("no host", "got none", "Send the name or address"),
        ("foreign host", "got 'evil.example'", "allowed_hosts"),
        ("foreign port", "got 'localhost:1'", "allowed_hosts"),
        ("two hosts", "got it twice", "Send one"),
        ("TLS", "a TLS connection", "--tls-cert"),
        ("HTTP/2 preface", "got HTTP/2", "--http1.1"),
        ("HTTP/2.0", "got 2.0", "Send HTTP/1.1"),
        ("raw UTF-8", "another target", "%XX"),
        ("unknown method", "another word", "GET or POST"),
        ("length and encoding", "got both", "Send one of them"),
        ("bad chunk size", "got others", "Content-Length"),
        ("other expectation", "got 'tea'", "Leave it out"),
        ("header without a colon", "another line", "Name: value"),
    ],
)
def test_a_refusal_says_what_was_got_and_what_to_do(worker: WorkerProcess, name: str, got: str, step: str) -> None:
    message = refusal(worker, MALFORMED[name][0])
    assert got in message
    assert step in message


@pytest.mark.parametrize(
    ("target", "got", "step"),
    [
        ("http://localhost/healthz", "got 'http://localhost/healthz'", "reach this server directly"),
        ("*", "got '*'", "Send what stands behind the server's name"),
        ("/v1/endpoints/%zz/predict", "got '%zz'", "Write % as %25"),
        ("/v1/endpoints/%ff%fe/predict", "got other bytes", "UTF-8"),
        ("/%2fhealthz", "%2F", "No name has one"),
        ("/v1/endpoints/a%00/predict", "a control character", "No name has one"),
    ],
)
def test_a_refused_target_says_what_was_got_and_what_to_do(
    worker: WorkerProcess, target: str, got: str, step: str
) -> None:
    message = refusal(worker, request("GET", target))
    assert FORM.fullmatch(message)
    assert got in message
    assert step in message


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_an_empty_body_is_called_so(worker: WorkerProcess, body: bytes) -> None:
    message = worker.predict(body).json["error"]
    assert FORM.fullmatch(message)
    assert "an empty body" in message


def test_the_parsers_own_words_are_not_passed_on() -> None:
    said: set[str] = set()
    for data, _ in MALFORMED.values():
        try:
            httptools.HttpRequestParser(object()).feed_data(data)
        except httptools.HttpParserUpgrade:
            continue
        except httptools.HttpParserError as error:
            said.add(str(error))
            assert str(error) not in unreadable(error, data).message
            assert unreadable(error, data).message != OTHERS, f"no sentence for {error}"
    assert len(said) > 20
    assert unreadable(ValueError("something new"), b"x").message == OTHERS
    assert all(FORM.fullmatch(sentence) for sentence in (*(ours for _, ours in FAULTS), OTHERS, SPEAKS_TLS))


def test_a_refusal_comes_after_the_answers_to_what_came_before(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        wire.send(post() + post() + b"no request\r\n\r\n")
        assert [wire.response().status for _ in range(3)] == [200, 200, 400]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/nothing", 404),
        ("/v1/endpoints/nothing/predict", 404),
        ("/v1/endpoints/../predict", 400),
        ("/v1/endpoints/..%2fetc/predict", 400),
        ("/v1/endpoints/%2e%2e/predict", 400),
        ("/v1/endpoints/%252e/predict", 400),
        ("/v1/endpoints/a%00/predict", 400),
        ("/v1/endpoints/%ff%fe/predict", 400),
        ("/v1/endpoints/%zz/predict", 400),
        ("/v1/endpoints/a%0d%0aSet-Cookie:x/predict", 400),
        ("/v1/endpoints/ fraud/predict", 400),
        ("/v1/endpoints//predict", 400),
        ("/v1/endpoints/fraud/predict/", 404),
        ("//v1/endpoints/fraud/predict", 404),
        ("/v1/./endpoints/fraud/predict", 404),
        ("/x/../v1/endpoints/fraud/predict", 404),
        ("/v1/endpoints/fraud/predict%20", 404),
        ("/v1/endpoints/fraud/predict.", 404),
        ("/v1/endpoints/fraud/predict#x", 404),
        ("/%2fhealthz", 400),
        ("*", 400),
        ("http://localhost/healthz", 400),
        ("/v1/endpoints/fraud;a/predict", 400),
        ("/V1/endpoints/fraud/predict", 404),
        ("/healthz/", 404),
        ("/x/healthz", 404),
        ("/healthzx", 404),
        ("http://evil.example/healthz", 400),
        ("/v1/endpoints/" + "a" * 129 + "/predict", 400),
        ("/v1/endpoints/fr%61ud/predict", 200),
        ("/v1/endpoints/fraud/predict?x=1", 200),
    ],
)
def test_targets(worker: WorkerProcess, target: str, status: int) -> None:
    method = "POST" if "predict" in target else "GET"
    with worker.wire() as wire:
        answer = wire.send(post(target=target) if method == "POST" else request(method, target)).response()
    assert answer.status == status, answer
    assert "set-cookie" not in answer.headers


def test_forwarding_headers_mean_nothing(worker: WorkerProcess) -> None:
    spoofed = {"X_Forwarded_Host": "evil", "X_Original_URL": "/metrics", "X_HTTP_Method_Override": "DELETE"}
    assert worker.ask("GET", "/healthz", **spoofed).json == {"status": "ok"}


def test_slow_clients_are_closed(home: Home, start: Callable[..., WorkerProcess]) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    worker = start(home, Settings(header_seconds=0.5, receive_seconds=0.5, keep_alive_seconds=1.0))

    def answer_of(data: bytes) -> int:
        with worker.wire() as wire:
            status = wire.send(data).response().status
            wire.socket.shutdown(1)
            assert wire.is_closed()
            return status

    assert answer_of(b"") == 408
    assert answer_of(b"POST /v1") == 408
    assert answer_of(raw("POST / HTTP/1.1", H)[:-4]) == 408
    assert answer_of(raw(f"POST {TARGET} HTTP/1.1", H, "Content-Length: 10", body=b"abc")) == 408
    assert answer_of(raw(f"POST {TARGET} HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"1\r\na\r\n")) == 408
    with worker.wire() as wire:
        assert wire.send(post()).response().status == 200
        # idle for longer than a request may take, yet not for too long
        time.sleep(0.7)
        assert wire.send(post()).response().status == 200
        assert wire.is_closed()


def test_a_trickle_does_not_extend_the_deadline(home: Home, start: Callable[..., WorkerProcess]) -> None:
    worker = start(home, Settings(header_seconds=0.6))
    with worker.wire() as wire:
        for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 1000:
            try:
                wire.send(bytes([byte]))
            except ConnectionError:
                break
            time.sleep(0.02)
            if select.select([wire.socket], [], [], 0)[0]:
                break
        assert wire.response().status == 408


def test_a_client_that_does_not_read_is_not_read_from(home: Home, start: Callable[..., WorkerProcess]) -> None:
    publish(home, route_table(build_bundle(home.cache)))
    worker = start(home, Settings(receive_seconds=1.0))
    with worker.wire() as wire:
        wire.socket.settimeout(0.5)
        metrics = request("GET", "/metrics") * 2000
        sent = 0
        with contextlib.suppress(TimeoutError, ConnectionError):
            while sent < 500:
                wire.send(metrics)
                sent += 1
        assert sent < 500
        assert is_well(worker)
        assert worker.resident_kb < 400_000


def test_answers_are_not_made_while_the_client_takes_none(worker: WorkerProcess) -> None:
    assert worker.ask("GET", "/metrics").status == 200
    before = worker.resident_kb
    with worker.wire() as wire:
        ids = [f"m-{number}" for number in range(1500)]
        # one answer is hundreds of times as large as its request
        wire.send(b"".join(request("GET", "/metrics", Headgate_Id=name) for name in ids))
        assert is_well(worker)
        assert worker.resident_kb - before < 12_000
        assert [wire.response().headers["headgate-id"] for _ in ids] == ids
    assert worker.resident_kb - before < 12_000


def test_pipelined_requests_may_be_cut_anywhere(worker: WorkerProcess) -> None:
    with worker.wire() as wire:
        # what is read at once is longer than any head may be, and ends within one
        wire.send(request("GET", "/healthz") * 5000)
        assert {wire.response().status for _ in range(5000)} == {200}


def test_names_of_ours_are_hosts_with_our_port_and_without(home: Home, start: Callable[..., WorkerProcess]) -> None:
    worker = start(home, Settings(host="0.0.0.0", behind_proxy=True, allowed_hosts="gate.example"))
    for host in ("gate.example", f"GATE.example:{worker.port}", f"127.0.0.1:{worker.port}"):
        assert worker.ask("GET", "/healthz", Host=host).status == 200
    for host in ("gate.example:1", f"0.0.0.0:{worker.port}", "other.example"):
        assert worker.ask("GET", "/healthz", Host=host).status == 400
