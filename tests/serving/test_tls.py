"""TLS of the data port: real sockets, certificates that change under load, and those who greet badly."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.certificates import Authority
from tests.serving.test_http import MALFORMED, TARGET, is_well, post, raw
from tests.serving.worker_process import Wire, WorkerProcess, request, wait_for

from headgate.home import Home
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def begin(authority: Authority, home: Home, start: Callable[..., WorkerProcess]) -> Callable[..., WorkerProcess]:
    """Start a worker that speaks TLS."""

    def with_tls(**settings: float) -> WorkerProcess:
        publish(home, route_table(build_bundle(home.cache)))
        certificate, key = authority.sign().write(home.path)
        worker = start(home, Settings(tls_cert=certificate, tls_key=key, **settings))  # type: ignore[arg-type]  # numbers
        worker.tls = ssl.create_default_context(cadata=authority.pem.decode())
        return worker

    return with_tls


def shown(wire: Wire) -> bytes:
    """The certificate that a connection was begun with."""
    assert isinstance(wire.socket, ssl.SSLSocket)
    found = wire.socket.getpeercert(True)
    assert found
    return found


def plain(worker: WorkerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", worker.port), timeout=20)


def test_predictions_over_tls(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin()
    with worker.wire() as wire:
        answers = [wire.send(post()).response() for _ in range(20)]
        assert {answer.status for answer in answers} == {200}
        wire.send(b"".join(post(Headgate_Id=f"r-{number}") for number in range(200)))
        assert [wire.response().headers["headgate-id"] for _ in range(200)] == [f"r-{number}" for number in range(200)]
        assert wire.send(post(Connection="close")).response().status == 200
        assert wire.is_closed()
    large = json.dumps({"instances": [[1, 2, 3]] * 9_000}).encode()
    with worker.wire() as wire:
        for _ in range(3):
            assert len(wire.send(post(large)).response().json["predictions"]) == 9_000
    assert worker.stop() == 0
    assert worker.logged.count("\n") < 5, worker.logged


SOME = (
    "no host", "two hosts", "length and encoding", "encoding and length", "two lengths", "hex length", "bad chunk size",
    "17 digits of chunk", "bare LF", "NUL", "lower case method", "HTTP/2 preface", "TLS", "garbage", "large header",
    "long target", "larger body", "tiny chunks",
)  # fmt: skip


def test_malformed_requests_over_tls(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin()
    for name in SOME:
        data, status = MALFORMED[name]
        with worker.wire() as wire:
            with contextlib.suppress(ConnectionError, ssl.SSLError):  # the server may have seen enough
                wire.send(data)
            answer = wire.response()
            assert answer.status == status or (name == "tiny chunks" and answer.status == 400), name
            assert answer.headers["connection"] == "close"
            assert set(answer.json) == {"error", "code", "detail", "id"}
            assert wire.is_closed()
    assert is_well(worker)
    assert "Traceback" not in worker.logged


def test_a_refusal_reaches_a_client_that_goes_on_sending(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin()
    for _ in range(10):
        with worker.wire() as wire:
            # everything is sent before the answer is read
            with contextlib.suppress(OSError):
                wire.send(post(b"x" * 30_000_000))
            assert wire.response().status == 413


def test_a_certificate_is_exchanged_under_load(
    begin: Callable[..., WorkerProcess], authority: Authority, home: Home
) -> None:
    worker = begin()
    faults: list[BaseException] = []
    asked = 0
    done = threading.Event()

    def ask(*, keep: bool) -> None:
        nonlocal asked
        try:
            with contextlib.ExitStack() as stack:
                wire = stack.enter_context(worker.wire())
                while not done.is_set():
                    if not keep:
                        stack.close()
                        wire = stack.enter_context(worker.wire())
                    assert wire.send(post()).response().status == 200
                    asked += 1
        except BaseException as error:
            faults.append(error)
            raise

    threads = [threading.Thread(target=ask, kwargs={"keep": keep}) for keep in (True, True, False)]
    for thread in threads:
        thread.start()
    with worker.wire() as first:
        seen = {shown(first)}
        for _ in range(5):
            authority.sign().write(home.path)
            wait_for(lambda: current(worker) not in seen)
            seen.add(current(worker))
        # the oldest connection has seen nothing of it
        assert first.send(post()).response().status == 200
    done.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(seen) == 6 and asked > 50


def current(worker: WorkerProcess) -> bytes:
    with worker.wire() as wire:
        return shown(wire)


def test_a_damaged_certificate_leaves_the_old_one_and_is_seen(
    begin: Callable[..., WorkerProcess], authority: Authority, home: Home
) -> None:
    worker = begin()
    old = current(worker)
    key = Path(home.path / "key.pem")
    good = key.read_bytes()
    with worker.control() as control:
        key.write_bytes(good[:50])
        assert control.report_where(lambda report: bool(report.certificate_fault))
        assert b"\nheadgate_old_certificate 1\n" in worker.ask("GET", "/metrics").body
        assert current(worker) == old
        assert "The certificate in force stays" in worker.logged
        authority.sign().write(home.path)
        control.report_where(lambda report: not report.certificate_fault)
        wait_for(lambda: current(worker) != old)
        wait_for(lambda: b"\nheadgate_old_certificate 0\n" in worker.ask("GET", "/metrics").body)


def test_plain_http_on_the_tls_port_is_closed(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin()
    for data in (request("GET", "/healthz"), post(), b"\x00" * 1000, bytes(range(256)) * 40, b"\x16\x03\x01\xff\xff"):
        with plain(worker) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: received(client), b""))
            # at most an alert of TLS
            assert len(answer) < 64
            assert b"HTTP" not in answer
    assert is_well(worker)
    assert worker.stop() == 0
    assert worker.logged.count("\n") < 5, worker.logged


def received(client: socket.socket) -> bytes:
    try:
        return client.recv(4096)
    except ConnectionError:
        return b""


def test_tls_on_the_plain_port_is_refused(worker: WorkerProcess) -> None:
    with pytest.raises(ssl.SSLError):
        Wire(worker.port, ssl.create_default_context())
    assert is_well(worker)


def greetings(context: ssl.SSLContext) -> bytes:
    """The first bytes of a handshake."""
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_slow_and_broken_handshakes_harm_nobody(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin(header_seconds=1.0)
    assert worker.tls is not None
    hello = greetings(worker.tls)
    beginnings = [b"", hello[:1], hello[:40], hello, hello + b"\x16\x03\x03", hello + b"garbage" * 10]
    clients = [plain(worker) for _ in range(120)]
    for number, client in enumerate(clients):
        client.sendall(beginnings[number % len(beginnings)])
    for client in clients[60:]:
        client.close()
    assert all(is_well(worker) for _ in range(20))
    for client in clients[:60]:
        # what it says first, then the end
        while received(client):
            continue
        client.close()
    assert is_well(worker)
    assert "Traceback" not in worker.logged
    assert open_connections(worker) == 0
    assert worker.stop() == 0


def open_connections(worker: WorkerProcess) -> int:
    """What the worker counts, once it has swept."""
    with worker.control() as control:
        return control.report_where(lambda report: report.connections == 0).connections


def test_a_worker_that_leaves_does_not_wait_for_a_handshake(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin(header_seconds=600.0, drain_seconds=0.3)
    with plain(worker) as client:
        client.sendall(b"\x16")
        with worker.wire() as wire:
            assert wire.send(post()).response().status == 200
            worker.process.terminate()
            assert worker.process.wait(20) == 0


def test_slow_requests_over_tls_are_closed(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin(header_seconds=0.5, receive_seconds=0.5)
    for data in (b"", b"POST /v1", raw(f"POST {TARGET} HTTP/1.1", "Host: localhost", "Content-Length: 10", body=b"a")):
        with worker.wire() as wire:
            assert wire.send(data).response().status == 408
            assert wire.is_closed()


def test_a_tls_client_that_takes_no_answers_is_closed(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin(receive_seconds=1.0)
    with worker.wire() as wire:
        wire.socket.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError, OSError):
            while sent < 500:
                wire.send(request("GET", "/metrics") * 2000)
                sent += 1
        assert sent < 500
        assert open_connections(worker) == 0
    assert worker.resident_kb < 400_000
    assert is_well(worker)


def test_a_tls_client_that_has_sent_all_is_closed_without_a_word_in_the_log(
    begin: Callable[..., WorkerProcess],
) -> None:
    worker = begin()
    with worker.wire() as wire:
        wire.send(post())
        assert isinstance(wire.socket, ssl.SSLSocket)
        with contextlib.suppress(OSError):
            wire.socket.unwrap()
    assert is_well(worker)
    assert "eof_received" not in worker.logged


@pytest.fixture
def worker(home: Home, start: Callable[..., WorkerProcess]) -> Iterator[WorkerProcess]:
    publish(home, route_table(build_bundle(home.cache)))
    yield start(home)
