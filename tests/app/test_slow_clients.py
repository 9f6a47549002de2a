"""The control port and clients that are slow, say too much or are too many, over raw sockets."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.test_app import Process, running

from headgate.testing.instance import until
from headgate.web.api.door import BUNDLE_TYPE, MAX_JSON_BYTES
from headgate.web.connections import MOST_CONNECTIONS

SECONDS = 1.0
HEAD = "{} HTTP/1.1\r\nHost: localhost\r\n"
JSON_HEAD = HEAD.format("POST /api/v1/actors") + "Content-Type: application/json\r\n"
UPLOAD_HEAD = HEAD.format("POST /api/v1/versions") + f"Content-Type: {BUNDLE_TYPE}\r\n"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("control")
    limits = {"header_seconds": SECONDS, "receive_seconds": SECONDS, "slowest_bytes_per_second": 2_000}
    with running(folder, **limits) as process:
        yield process


def link(process: Process, sent: str | bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", process.port), timeout=60)
    made.sendall(sent.encode() if isinstance(sent, str) else sent)
    return made


def told(made: socket.socket) -> tuple[int, str]:
    """Status and code of the answer once the connection has ended; 0 where it ended without one."""
    content = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := made.recv(65_536):
            content += chunk
    if not content:
        return 0, ""
    head, _, body = content.partition(b"\r\n\r\n")
    found = re.match(rb"HTTP/1.1 (\d+) ", head)
    assert found
    return int(found[1]), str(json.loads(body)["code"])


def answer_on(made: socket.socket) -> bytes:
    """The body of the next answer, on a connection that stays."""
    content = b""
    while not (found := re.search(rb"content-length: (\d+)\r\n.*?\r\n\r\n(.*)", content, re.DOTALL)) or len(
        found[2]
    ) < int(found[1]):
        chunk = made.recv(65_536)
        assert chunk, "the connection has ended"
        content += chunk
    return found[2]


def is_well(process: Process) -> bool:
    return process.ask("/status", timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("", (0, "")),
        ("GET /heal", (408, "RECEIPT_TIMEOUT")),
        (HEAD.format("GET /healthz"), (408, "RECEIPT_TIMEOUT")),
        (JSON_HEAD + 'Content-Length: 100\r\n\r\n{"name":', (408, "RECEIPT_TIMEOUT")),
        (JSON_HEAD + 'Transfer-Encoding: chunked\r\n\r\n5\r\n{"nam', (408, "RECEIPT_TIMEOUT")),
        (UPLOAD_HEAD + "Content-Length: 100\r\n\r\nabc", (401, "UNAUTHENTICATED")),
    ],
    ids=["nothing", "half a line", "half a head", "half a body", "half a chunk", "an upload without a key"],
)
def test_who_is_slow_is_told_and_let_go(process: Process, sent: str, answer: tuple[int, str]) -> None:
    with link(process, sent) as made:
        assert is_well(process)
        assert told(made) == answer


def test_a_trickle_is_no_better(process: Process) -> None:
    head, body = link(process, HEAD.format("GET /healthz")), link(process, JSON_HEAD + "Content-Length: 1000\r\n\r\n")
    end = time.monotonic() + 60
    with head, body:
        for made in (head, body):
            made.setblocking(False)
        open_ones = {head: b"X: y\r\n", body: b" "}
        while open_ones and time.monotonic() < end:
            time.sleep(0.1)
            for made, drop in list(open_ones.items()):
                try:
                    made.send(drop)
                    if b" 408 " in made.recv(65_536):
                        del open_ones[made]
                except BlockingIOError:
                    continue
        assert not open_ones


def test_a_long_and_steady_body_is_taken(process: Process) -> None:
    key = json.loads(process.home.credentials.read_bytes())["key"]
    head = UPLOAD_HEAD + f"Authorization: Bearer {key}\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n"
    with link(process, head) as made:
        for _ in range(12):
            time.sleep(2 * SECONDS / 12)
            made.sendall(bytes(5_000))
        # it took twice as long as any body may that comes in a trickle; received whole, and no archive
        assert told(made) == (400, "BAD_ARCHIVE")


def test_who_waits_for_the_next_request_may(process: Process) -> None:
    with link(process) as made:
        for _ in range(2):
            made.sendall((HEAD.format("GET /healthz") + "\r\n").encode())
            assert answer_on(made) == b'{"status":"ok"}'
            # longer than a head may take
            time.sleep(1.7 * SECONDS)
        made.sendall(b"GET /heal")
        assert b" 408 " in made.recv(65_536)


def test_too_much_is_refused_while_it_comes(process: Process) -> None:
    before = resident_kb(process)
    with link(process, HEAD.format("GET /healthz") + "X: ") as made:
        assert flood(made, b"y" * 65_536, 2_000) == 431
    with link(process, JSON_HEAD + "Transfer-Encoding: chunked\r\n\r\n") as made:
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        assert flood(made, chunk, 2_000) == 413
    assert resident_kb(process) - before < 32 * MAX_JSON_BYTES // 1024
    assert is_well(process)


def flood(made: socket.socket, part: bytes, most: int) -> int:
    """Send until there is an answer; its status."""
    made.settimeout(20)
    for _ in range(most):
        try:
            made.sendall(part)
        except OSError:
            break
    return int(made.recv(65_536).split(b" ")[1])


def resident_kb(process: Process) -> int:
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.popen.pid}/status").read_text())[0])


def test_what_is_no_request_is_answered_in_our_shape(process: Process) -> None:
    with link(process, b"\x16\x03\x01\x02\x00 not http\r\n\r\n") as made:
        assert told(made) == (400, "MALFORMED")


def test_who_takes_no_answer_is_let_go(process: Process) -> None:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", process.port))
    with made:
        made.settimeout(0.2)
        key = json.loads(process.home.credentials.read_bytes())["key"]
        asked = (HEAD.format("GET /api/v1/openapi.json") + f"Authorization: Bearer {key}\r\n\r\n").encode() * 20

        def is_let_go() -> bool:
            try:
                made.sendall(asked)
            except TimeoutError:
                return False
            except OSError:
                return True
            return False

        until(is_let_go, "the connection to be let go")
    assert is_well(process)


def descriptors(process: Process) -> int:
    return len(list(Path(f"/proc/{process.popen.pid}/fd").iterdir()))


def test_a_thousand_idle_connections_keep_nobody_out(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        before = descriptors(process)
        greeting = HEAD.format("GET /healthz") + "\r\n"
        # some have asked something, some have begun, some have said nothing
        idle = [link(process, ("", greeting, "GET /heal")[number % 3]) for number in range(1_000)]
        for _ in range(5):
            assert is_well(process)
        assert descriptors(process) - before <= MOST_CONNECTIONS + 16
        for made in idle:
            made.close()
        assert "Traceback" not in process.log.read_text()
        assert process.stop() == 0
