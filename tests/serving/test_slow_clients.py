"""Many slow clients at once, large bodies at once, and no descriptors left: who asks properly is served."""

import contextlib
import json
import resource
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.certificates import Authority
from tests.serving.test_http import BODY, TARGET, H, is_well, post, raw
from tests.serving.worker_process import Wire, WorkerProcess, request, wait_for

from headgate.home import Home
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table

HALF_BODY = raw(f"POST {TARGET} HTTP/1.1", H, "Content-Length: 1000", body=b"{" * 300)
# what each kind of client says first; then it says no more, or next to nothing
KINDS: dict[str, bytes] = {
    "silent": b"",
    "half a line": b"POST /v1/endp",
    "half its headers": raw(f"POST {TARGET} HTTP/1.1", H)[:-2] + b"A: b\r\n",
    "trickling headers": b"GET /healthz HTTP/1.1\r\nA: ",
    "half a body": HALF_BODY,
    "trickling body": HALF_BODY,
    "half a chunk": raw(f"POST {TARGET} HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"5\r\nab"),
    # answered at once, so that what the kernel takes for it is soon full
    "reads nothing": request("GET", "/v1/endpoints/fraud/openapi.json") * 2000,
    "idle": post(),
}


class Crowd:
    """Slow clients of every kind, and one that asks properly all the time."""

    def __init__(self, worker: WorkerProcess, count: int) -> None:
        self._worker = worker
        self._names = [name for _, name in zip(range(count), names(), strict=False)]
        self.clients: list[socket.socket] = []
        self.latencies: list[float] = []
        self.failed = 0
        self._done = threading.Event()
        self._good = threading.Thread(target=self._ask)

    def __enter__(self) -> "Crowd":
        self._good.start()
        for name in self._names:
            client = self._connect()
            client.sendall(KINDS[name])
            client.setblocking(False)
            self.clients.append(client)
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._good.join()
        for client in self.clients:
            client.close()

    def _connect(self) -> socket.socket:
        client = socket.socket()
        # little is enough to be stalled
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", self._worker.port))
        tls = self._worker.tls
        return tls.wrap_socket(client, server_hostname="localhost") if tls else client

    def trickle(self) -> None:
        """One byte more of what trickles."""
        for name, client in zip(self._names, self.clients, strict=True):
            if name.startswith("trickling"):
                with contextlib.suppress(OSError):
                    client.send(b"a")

    def left(self) -> int:
        """Connections that the worker still has, but for the good one."""
        with self._worker.control() as control:
            return control.report().connections - 1

    def _ask(self) -> None:
        with self._worker.wire() as wire:
            while not self._done.is_set():
                begun = time.perf_counter()
                try:
                    self.failed += wire.send(post()).response().status != 200
                except (OSError, EOFError):
                    self.failed += 1
                    return
                self.latencies.append(time.perf_counter() - begun)
                time.sleep(0.002)


def names() -> Iterator[str]:
    while True:
        yield from KINDS


@pytest.fixture
def begin(home: Home, start: Callable[..., WorkerProcess]) -> Callable[..., WorkerProcess]:
    """Start a worker with these settings."""

    def with_settings(settings: Settings) -> WorkerProcess:
        publish(home, route_table(build_bundle(home.cache)))
        return start(home, settings)

    return with_settings


def watch(crowd: Crowd) -> None:
    """Until all slow ones are gone; raises when they stay."""
    end = time.monotonic() + 90
    while crowd.left() > 0:
        assert time.monotonic() < end, f"{crowd.left()} slow clients are still there"
        crowd.trickle()
        time.sleep(0.3)
    took = sorted(crowd.latencies)
    p50, p99 = (took[len(took) * part // 100] * 1e3 for part in (50, 99))
    # measured, not asserted
    print(f"{len(crowd.clients)} slow clients: {len(took)} good answers, {p50:.2f} ms p50, {p99:.2f} ms p99")  # noqa: T201 (a figure)
    assert crowd.failed == 0
    assert len(crowd.latencies) > 20


@pytest.mark.parametrize("count", [180, pytest.param(1000, marks=pytest.mark.heavy)])
def test_slow_clients_harm_nobody(begin: Callable[..., WorkerProcess], count: int) -> None:
    worker = begin(Settings(header_seconds=2, receive_seconds=2, keep_alive_seconds=2))
    before = worker.resident_kb
    with Crowd(worker, count) as crowd:
        watch(crowd)
        assert worker.resident_kb - before < 150_000
        for name, client in zip(names(), crowd.clients, strict=False):
            if name not in ("idle", "reads nothing"):
                client.settimeout(20)
                assert client.recv(12) == b"HTTP/1.1 408"
    assert is_well(worker)


def test_slow_clients_over_tls_harm_nobody(begin: Callable[..., WorkerProcess], tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.sign().write(tmp_path)
    worker = begin(
        Settings(header_seconds=2, receive_seconds=2, keep_alive_seconds=2, tls_cert=certificate, tls_key=key)
    )
    worker.tls = ssl.create_default_context(cadata=authority.pem.decode())
    with Crowd(worker, 90) as crowd:
        watch(crowd)
    assert is_well(worker)


def test_a_long_body_may_take_long_if_it_keeps_coming(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin(Settings(receive_seconds=0.4, slowest_bytes_per_second=1000))
    with worker.wire() as wire:
        body = b" " * 60_000 + BODY
        wire.send(post(body)[: -len(body)])
        for place in range(0, len(body), 3000):
            wire.send(body[place : place + 3000])
            time.sleep(0.06)
        assert wire.response().status == 200


def test_a_long_answer_may_take_long_if_it_is_taken(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin(Settings(receive_seconds=0.4, slowest_bytes_per_second=1000))
    rows = json.dumps({"instances": [[1, 2, 3]] * 9_000}).encode()
    with worker.wire() as wire:
        wire.send(post(rows) * 20)
        for _ in range(20):
            assert wire.response().status == 200
            time.sleep(0.15)


def test_large_bodies_at_once_take_bounded_memory(begin: Callable[..., WorkerProcess]) -> None:
    room = 32 * 1024 * 1024
    worker = begin(Settings(max_received_bytes=room))
    body = b" " * 10_000_000 + BODY
    assert worker.predict(body).status == 200
    before = worker.resident_kb
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(worker.wire()) for _ in range(30)]
            sender = [threading.Thread(target=send_most, args=(wire, post(body)[:-1])) for wire in wires]
            for thread in sender:
                thread.start()
            for thread in sender:
                thread.join()
            refused = [wire for wire in wires if select.select([wire.socket], [], [], 0)[0]]
            for wire in refused:
                answer = wire.response()
                assert (answer.status, answer.json["code"]) == (503, "UNAVAILABLE")
                assert int(answer.headers["retry-after"]) >= 1
                assert answer.headers["connection"] == "close"
            assert len(refused) >= 27
            assert worker.resident_kb - before < 1.5 * room / 1024 + 20_000
            assert is_well(worker)
            for wire in wires:
                if wire not in refused:
                    assert wire.send(body[-1:]).response().status == 200
    # what was given back is there again
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(worker.wire()) for _ in range(20)]
        for wire in kept:
            assert wire.send(post(body)).response().status == 200
        # a connection that waits for its next request holds nothing of the last
        assert worker.resident_kb - before < 90_000


def send_most(wire: Wire, data: bytes) -> None:
    with contextlib.suppress(OSError):  # refused meanwhile
        wire.send(data)


def test_without_descriptors_it_waits_and_recovers(begin: Callable[..., WorkerProcess]) -> None:
    worker = begin(Settings(header_seconds=60, keep_alive_seconds=600))
    pid = worker.process.pid
    with worker.wire() as kept:
        assert kept.send(post()).response().status == 200
        taken = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (taken + 20, taken + 20))
        idle = [socket.create_connection(("127.0.0.1", worker.port), timeout=20) for _ in range(100)]
        wait_for(lambda: "cannot accept" in worker.logged)
        before = cpu_ticks(pid)
        for _ in range(20):
            # those that it has are served
            assert kept.send(post()).response().status == 200
            time.sleep(0.05)
        assert cpu_ticks(pid) - before < 40, "it spins"
        assert worker.logged.count("cannot accept") < 100
        for client in idle:
            client.close()
        # no restart, no signal: the next ones are accepted
        assert all(is_well(worker) for _ in range(20))
        assert kept.send(post()).response().status == 200


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
