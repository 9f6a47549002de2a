"""Load that counts exactly: connections that are kept, one request after the other, every answer checked."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import urlsplit

SHOWN_FAULTS = 5
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Expected:
    """What one version answers to one question."""

    predictions: Sequence[Any]
    probabilities: Sequence[Sequence[float]] | None = None  # compared within 1e-5, where given


@dataclass(frozen=True, slots=True)
class Question:
    """A JSON body of the native protocol, and what each version ("fraud:3") answers to it."""

    body: bytes
    answers: Mapping[str, Expected]


@dataclass(frozen=True, slots=True)
class Tally:
    """What a load has seen. Every request that was sent is right, failed or wrong."""

    sent: int
    failed: int  # no answer, a broken one, or another status than 200
    wrong: int  # an answer that is not the one of the version that it names
    by_version: Mapping[str, int] = field(default_factory=dict)  # right answers
    faults: tuple[str, ...] = ()  # the first few, in words
    seconds: float = 0.0
    latencies: tuple[float, ...] = ()  # seconds, of every answer, sorted
    longest_gap: float = 0.0  # seconds without any right answer, over all connections

    def quantile(self, share: float) -> float:
        """The latency in seconds that this share of the answers did not exceed; 0 without answers."""
        if not self.latencies:
            return 0.0
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class Load:
    """Asks an endpoint over several kept connections until it is left; then `tally` holds what it has seen.

    `pause` seconds lie between an answer and the next question of a connection. A connection that the server announces
    to close is opened again; any other loss counts as a failure. Nothing is ever sent twice.
    """

    def __init__(
        self,
        url: str,
        endpoint: str,
        questions: Sequence[Question],
        *,
        connections: int = 4,
        pause: float = 0.0,
        timeout: float = 10.0,
        key: str = "",
    ) -> None:
        self._address = _address_of(url)
        self._questions = [(_request(url, endpoint, question.body, key), question) for question in questions]
        self._pause = pause
        self._timeout = timeout
        self._stopping = threading.Event()
        self._lanes = [_Lane() for _ in range(connections)]
        self._threads: list[threading.Thread] = []
        self._started = 0.0
        self.tally = Tally(0, 0, 0)

    @property
    def sent(self) -> int:
        """Requests so far."""
        return sum(lane.sent for lane in self._lanes)

    def versions(self) -> set[str]:
        """Versions that have answered so far."""
        return {version for lane in self._lanes for version in list(lane.by_version)}

    def __enter__(self) -> "Load":
        self._started = time.monotonic()
        for place, lane in enumerate(self._lanes):
            thread = threading.Thread(target=self._ask, args=(place, lane), name=f"load-{place}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self.tally = self._added_up()

    def _ask(self, place: int, lane: "_Lane") -> None:
        link: _Link | None = None
        while not self._stopping.is_set():
            request, question = self._questions[(place + lane.sent) % len(self._questions)]
            lane.sent += 1
            try:
                link = link or _Link(self._address, self._timeout)
                begun = time.monotonic()
                answer = link.ask(request)
                lane.latencies.append(time.monotonic() - begun)
            except (OSError, ValueError) as error:
                lane.fail(f"{type(error).__name__}: {error}")
                link = _without(link)
                continue
            lane.judge(answer, question)
            if answer.closes:
                link = _without(link)
            if self._pause:
                self._stopping.wait(self._pause)
        _without(link)

    def _added_up(self) -> Tally:
        by_version: Counter[str] = Counter()
        for lane in self._lanes:
            by_version.update(lane.by_version)
        return Tally(
            sent=sum(lane.sent for lane in self._lanes),
            failed=sum(lane.failed for lane in self._lanes),
            wrong=sum(lane.wrong for lane in self._lanes),
            by_version=dict(sorted(by_version.items())),
            faults=tuple(fault for lane in self._lanes for fault in lane.faults)[:SHOWN_FAULTS],
            seconds=time.monotonic() - self._started,
            latencies=tuple(sorted(latency for lane in self._lanes for latency in lane.latencies)),
            longest_gap=_longest_gap(self._lanes),
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    version: str
    closes: bool
    body: bytes


class _Lane:
    """What one connection has seen; written by its own thread alone."""

    def __init__(self) -> None:
        self.sent = 0
        self.failed = 0
        self.wrong = 0
        self.by_version: Counter[str] = Counter()
        self.faults: list[str] = []
        self.latencies: list[float] = []
        self.right_at: list[float] = []

    def fail(self, fault: str) -> None:
        self.failed += 1
        self._note(fault)

    def judge(self, answer: _Answer, question: Question) -> None:
        """Count the answer as right, failed or wrong."""
        if answer.status != 200:
            self.fail(f"status {answer.status}: {answer.body[:200].decode(errors='replace')}")
        elif fault := _fault_of(answer, question):
            self.wrong += 1
            self._note(fault)
        else:
            self.by_version[answer.version] += 1
            self.right_at.append(time.monotonic())

    def _note(self, fault: str) -> None:
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(fault)


def _longest_gap(lanes: Sequence[_Lane]) -> float:
    moments = sorted(moment for lane in lanes for moment in lane.right_at)
    return max((later - earlier for earlier, later in pairwise(moments)), default=0.0)


class _Link:
    """One kept connection."""

    def __init__(self, address: tuple[str, int], timeout: float) -> None:
        self._socket = socket.create_connection(address, timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file: BinaryIO = self._socket.makefile("rb")

    def ask(self, request: bytes) -> _Answer:
        """Send, and read one answer; raises `OSError` or `ValueError` when it is lost or broken."""
        self._socket.sendall(request)
        line = self._file.readline()
        if not line:
            raise ConnectionResetError("the connection was closed without an answer")
        protocol, _, rest = line.partition(b" ")
        if not protocol.startswith(b"HTTP/1."):
            raise ValueError(f"expected HTTP, got {line[:80]!r}")
        status = int(rest[:3])
        headers = self._headers()
        body = self._file.read(int(headers[b"content-length"]))
        if len(body) != int(headers[b"content-length"]):
            raise ConnectionResetError("the connection was closed within an answer")
        closes = headers.get(b"connection", b"").lower() == b"close"
        return _Answer(status, headers.get(b"headgate-model", b"").decode("latin-1"), closes, body)

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _headers(self) -> dict[bytes, bytes]:
        headers = {}
        while (line := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        if b"content-length" not in headers:
            raise ValueError("expected an answer with a Content-Length")
        return headers


def _without(link: _Link | None) -> _Link | None:
    """Close the link, if there is one: the next question opens another."""
    if link is not None:
        link.close()
    return None


def _fault_of(answer: _Answer, question: Question) -> str:
    """What is wrong with an answer, in words; empty when nothing is."""
    expected = question.answers.get(answer.version)
    if expected is None:
        return f"expected one of {', '.join(question.answers)} to answer, got {answer.version!r}"
    body = _parsed(answer.body)
    if body.get("model") != answer.version:
        return f"the header names {answer.version}, the body {body.get('model')}"
    if body.get("predictions") != list(expected.predictions):
        return f"{answer.version} answered {body.get('predictions')}, expected {list(expected.predictions)}"
    if expected.probabilities is not None and not _close(body.get("probabilities"), expected.probabilities):
        return f"{answer.version} answered {body.get('probabilities')}, expected {expected.probabilities}"
    return ""


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _close(left: Sequence[Sequence[float]] | None, right: Sequence[Sequence[float]]) -> bool:
    if left is None or len(left) != len(right):
        return False
    return all(
        len(one) == len(other) and all(abs(a - b) <= TOLERANCE for a, b in zip(one, other, strict=True))
        for one, other in zip(left, right, strict=True)
    )


def _address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80


def _request(url: str, endpoint: str, body: bytes, key: str) -> bytes:
    lines = [
        f"POST /v1/endpoints/{endpoint}/predict HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *([f"Authorization: Bearer {key}"] if key else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
