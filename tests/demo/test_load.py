"""The load counts exactly: what is right, what fails, what is wrong."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from headgate.demo.load import Expected, Load, Question, Tally

QUESTION = Question(
    b'{"rows": [{"x": 1}]}',
    {"m:1": Expected([0], [[0.75, 0.25]]), "m:2": Expected([1], [[0.25, 0.75]])},
)
RIGHT = {"model": "m:1", "predictions": [0], "probabilities": [[0.75, 0.25]]}

Reply = Callable[[int], bytes | None]  # number of the request → bytes; None closes without an answer


def answer(body: object, *, version: str = "m:1", status: int = 200, extra: str = "", cut: int = 0) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nHeadgate-Model: {version}\r\nContent-Length: {len(content)}\r\n{extra}\r\n"
    whole = head.encode() + content
    return whole[: len(whole) - cut]


@contextmanager
def serving(reply: Reply) -> Iterator[tuple[str, list[int]]]:
    """A server that answers the n-th request with `reply(n)`, and how many connections it has taken."""
    listener = socket.create_server(("127.0.0.1", 0))
    numbers = iter(range(10**9))
    connections: list[int] = []
    lock = threading.Lock()

    def talk(link: socket.socket) -> None:
        with link, link.makefile("rb") as file:
            while line := file.readline():
                length = 0
                while (line := file.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                assert file.read(length) == QUESTION.body
                with lock:
                    content = reply(next(numbers))
                if content is None:
                    return
                link.sendall(content)
                if b"Connection: close" in content or not content.endswith(b"}"):
                    return

    def accept() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            connections.append(1)
            threading.Thread(target=talk, args=(link,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", connections
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def loaded(reply: Reply, *, enough: int = 40, connections: int = 2) -> tuple[Tally, int]:
    with serving(reply) as (url, taken):
        with Load(url, "m", [QUESTION], connections=connections, timeout=5.0) as load:
            while load.sent < enough:
                pass
        return load.tally, len(taken)


def test_right_answers_are_counted_by_version() -> None:
    second = answer({"model": "m:2", "predictions": [1], "probabilities": [[0.25, 0.75]]}, version="m:2")
    tally, connections = loaded(lambda number: second if number % 2 else answer(RIGHT))
    assert (tally.failed, tally.wrong, tally.faults) == (0, 0, ())
    assert sum(tally.by_version.values()) == tally.sent
    assert set(tally.by_version) == {"m:1", "m:2"}
    assert connections == 2
    assert len(tally.latencies) == tally.sent
    assert 0 < tally.quantile(0.5) <= tally.quantile(0.99) <= tally.latencies[-1]


@pytest.mark.parametrize(
    ("body", "version"),
    [
        pytest.param(RIGHT | {"predictions": [1]}, "m:1", id="prediction"),
        pytest.param(RIGHT | {"predictions": []}, "m:1", id="no-prediction"),
        pytest.param(RIGHT | {"probabilities": [[0.74, 0.26]]}, "m:1", id="probability"),
        pytest.param({"model": "m:1", "predictions": [0]}, "m:1", id="no-probabilities"),
        pytest.param(RIGHT, "m:2", id="header-of-another-version"),
        pytest.param(RIGHT, "m:3", id="unknown-version"),
        pytest.param(b"no json }", "m:1", id="no-json"),
    ],
)
def test_wrong_answers_are_counted_one_by_one(body: object, version: str) -> None:
    tally, _ = loaded(lambda number: answer(body, version=version) if number == 7 else answer(RIGHT))
    assert (tally.failed, tally.wrong) == (0, 1)
    assert tally.by_version["m:1"] == tally.sent - 1
    assert len(tally.faults) == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="closed"),
        pytest.param(answer(RIGHT, cut=5), id="cut-off"),
        pytest.param(answer({"error": "full"}, status=503), id="status"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n{}", id="no-length"),
        pytest.param(b"nonsense\r\n\r\n{}", id="no-http"),
    ],
)
def test_failures_are_counted_one_by_one(content: bytes | None) -> None:
    tally, _ = loaded(lambda number: content if number == 7 else answer(RIGHT))
    assert (tally.failed, tally.wrong) == (1, 0)
    assert tally.by_version["m:1"] == tally.sent - 1
    assert len(tally.faults) == 1


def test_an_announced_close_is_no_failure() -> None:
    closing = answer(RIGHT, extra="Connection: close\r\n")
    tally, connections = loaded(lambda number: closing if number == 7 else answer(RIGHT))
    assert (tally.failed, tally.wrong) == (0, 0)
    assert connections == 3


def test_nobody_there_is_a_failure_each_time() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with Load(f"http://127.0.0.1:{taken.getsockname()[1]}", "m", [QUESTION], connections=1) as load:
            while load.sent < 3:
                pass
    assert load.tally.failed == load.tally.sent
    assert load.tally.by_version == {}
