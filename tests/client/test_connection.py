"""One way to talk: errors come back as what they were, repetitions act once."""

import socket
from datetime import UTC, datetime

import httpx2
import pytest

from headgate.client.client import Client
from headgate.client.connection import ATTEMPTS, Connection, error_of
from headgate.errors import (
    HeadgateError,
    Malformed,
    NotFound,
    Refused,
    SignatureMismatch,
    Unauthenticated,
    Unavailable,
    Unreachable,
    all_errors,
    error_body,
)
from headgate.testing.control import FakeControl


class StoppedClock:
    """Counts what it would have slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def answering(*answers: httpx2.Response, clock: StoppedClock | None = None) -> Connection:
    left = list(answers)
    transport = httpx2.MockTransport(lambda request: left.pop(0))
    return Connection("http://fake", "hg_key", transport=transport, clock=clock or StoppedClock())


@pytest.mark.parametrize("raised", all_errors().values(), ids=lambda raised: raised.code)
def test_every_error_of_the_server_is_raised_as_its_class(raised: type[HeadgateError]) -> None:
    body = error_body(raised("said why", detail=[{"row": 0}]), "r1")
    error = error_of(httpx2.Response(raised.status, json=body))
    assert type(error) is raised
    assert error.message == "said why"
    assert error.detail == ({"row": 0},)


def test_an_unknown_code_is_taken_by_its_status() -> None:
    error = error_of(httpx2.Response(422, json={"error": "new", "code": "FROM_THE_FUTURE"}))
    assert type(error) is SignatureMismatch


def test_an_answer_of_something_else_is_named() -> None:
    request = httpx2.Request("GET", "http://fake/x")
    error = error_of(httpx2.Response(404, text="<h1>nginx</h1>", request=request))
    assert isinstance(error, NotFound)
    assert "nginx" in error.message


def test_a_busy_server_is_asked_again_when_it_says_when() -> None:
    clock = StoppedClock()
    busy = httpx2.Response(503, json=error_body(Unavailable("busy")), headers={"Retry-After": "2"})
    connection = answering(busy, httpx2.Response(200, json={"ok": True}), clock=clock)
    assert connection.get("/x") == {"ok": True}
    assert clock.slept == [2.0]


def test_a_busy_server_that_does_not_say_when_is_not_asked_again() -> None:
    clock = StoppedClock()
    connection = answering(httpx2.Response(503, json=error_body(Unavailable("full"))), clock=clock)
    with pytest.raises(Unavailable, match="full"):
        connection.get("/x")
    assert clock.slept == []


def test_a_refusal_is_not_repeated() -> None:
    connection = answering(httpx2.Response(409, json=error_body(Refused("no"))))
    with pytest.raises(Refused, match="no"):
        connection.change("POST", "/x", {})


def test_a_broken_mutation_is_repeated_under_the_same_key(client: Client, control: FakeControl) -> None:
    control.add_version()
    control.break_next = ATTEMPTS - 1
    client.approve("fraud:1", "good")
    keys = [request.headers["idempotency-key"] for request in control.requests]
    assert len(keys) == ATTEMPTS
    assert len(set(keys)) == 1
    assert len(keys[0]) >= 16


def test_two_mutations_have_two_keys(client: Client, control: FakeControl) -> None:
    control.add_version()
    client.approve("fraud:1", "good")
    client.approve("fraud:1", "good")
    assert len({request.headers["idempotency-key"] for request in control.requests}) == 2


def test_a_connection_that_always_breaks_is_unreachable(client: Client, control: FakeControl) -> None:
    control.break_next = ATTEMPTS
    with pytest.raises(Unreachable, match="headgate up"):
        client.status()
    assert len(control.requests) == ATTEMPTS


def test_nobody_there_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        connection = Connection(url, clock=StoppedClock())
        with pytest.raises(Unreachable, match="nothing answers"):
            connection.get("/status")


@pytest.mark.parametrize("url", ["localhost:8090", "ftp://x", "http://[bad"])
def test_a_wrong_address_says_what_was_expected(url: str) -> None:
    with pytest.raises(Malformed, match="Expected an address like"):
        Connection(url).get("/status")


def test_a_wrong_key_is_told(control: FakeControl) -> None:
    with Client(url=control.url, key="hg_wrong") as client, pytest.raises(Unauthenticated):
        client.status()


def test_pages_are_followed_to_the_end_and_no_further(client: Client, control: FakeControl) -> None:
    for number in range(5):
        control.add_version(f"m{number}")
    assert [model.name for model in client.models.list()] == ["m0", "m1", "m2", "m3", "m4"]
    control.requests.clear()
    assert [model.name for model in client.models.list(limit=3)] == ["m0", "m1", "m2"]
    assert len(control.requests) == 2
