"""Requests that come one behind the other on a connection, without a socket: what is begun, what is said, in order."""

import gc
from typing import Any

import pytest

from headgate.errors import ClientLeft, HeadgateError
from headgate.serving.bodies import Reading
from headgate.serving.metrics import VariantMetrics
from headgate.serving.refusals import Refusals
from headgate.serving.responses import refuse, send_json
from headgate.serving.server import PIPELINED, Connection, Exchange, Server
from headgate.settings import Settings

AT_ONCE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
LATER = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
OLD = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"
EXPECTING = LATER[:-4] + b"Expect: 100-continue\r\n\r\n"
LAST = AT_ONCE[:-2] + b"Connection: close\r\n\r\n"


class Wire:
    """A transport that writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.said_when_closed: list[bytes] = []
        self.closing = False
        self.reading = True

    def write(self, data: bytes) -> None:
        (self.said_when_closed if self.closing else self.said).append(data)

    def close(self) -> None:
        self.closing = True

    abort = write_eof = close

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.closing
        self.reading = True


def turn_away(exchange: Exchange, error: HeadgateError) -> None:
    exchange.id = "id"
    refuse(exchange, error)


class Stage:
    """A server that answers `/healthz` at once, and everything else when told to."""

    def __init__(self) -> None:
        self.asked: list[Exchange] = []
        self.server = Server(Settings(), ["localhost"], turn_away, self._handle, lambda target: 10**6, lambda: None)

    def _handle(self, exchange: Exchange) -> None:
        exchange.id = f"id-{len(self.asked)}"
        self.asked.append(exchange)
        if exchange.target == b"/healthz":
            send_json(exchange, {"status": "ok"})

    def connect(self) -> tuple[Connection, Wire]:
        connection, wire = self.server.connection(), Wire()
        connection.connection_made(wire)
        return connection, wire


def codes(wire: Wire) -> list[bytes]:
    return [answer.split()[1] for answer in wire.said]


@pytest.mark.parametrize("rest", [AT_ONCE, LATER, EXPECTING, b"NONSENSE\r\n\r\n"])
@pytest.mark.parametrize("draining", [False, True])
def test_nothing_is_begun_or_said_behind_the_last(rest: bytes, draining: bool) -> None:
    stage = Stage()
    stage.server.draining = draining
    connection, wire = stage.connect()
    connection.data_received((AT_ONCE if draining else LAST) + rest)
    assert (codes(wire), wire.said_when_closed, len(stage.asked)) == ([b"200"], [], 1)
    assert b"Connection: close" in wire.said[0]
    assert wire.closing
    assert connection.waiting == 0


def test_what_comes_behind_one_that_was_told_to_be_the_last_takes_no_place() -> None:
    stage = Stage()
    connection, wire = stage.connect()
    connection.data_received(LATER)
    stage.server.draining = True
    connection.data_received(AT_ONCE + LATER)
    assert len(stage.asked) == 2
    send_json(stage.asked[0], {})
    assert (codes(wire), wire.closing, wire.said_when_closed) == ([b"200", b"200"], True, [])


def test_requests_that_come_one_by_one_are_bounded_too() -> None:
    stage = Stage()
    connection, wire = stage.connect()
    while wire.reading:
        assert connection.waiting <= PIPELINED
        connection.data_received(LATER)
    while not wire.reading:
        send_json(stage.asked[len(wire.said)], {})
    assert connection.waiting == PIPELINED - 1
    while connection.waiting:
        send_json(stage.asked[len(wire.said)], {})
    assert len(wire.said) == len(stage.asked) == PIPELINED + 1


def test_a_client_that_takes_answers_again_is_not_read_from_while_it_has_enough_to_come() -> None:
    stage = Stage()
    connection, wire = stage.connect()
    connection.data_received(LATER * (PIPELINED + 2))
    connection.resume_writing()
    assert not wire.reading


def test_an_old_head_that_comes_again_still_closes() -> None:
    stage = Stage()
    for _ in range(3):
        connection, wire = stage.connect()
        connection.data_received(OLD)
        assert b"Connection: close" in wire.said[0]
        assert wire.closing


def test_who_leaves_while_its_body_is_read_leaves_nothing_behind() -> None:
    class Metrics(VariantMetrics):
        def __init__(self) -> None: ...

        def count(self, status: int, reason: str = "", by: int = 1) -> None:
            assert (status, reason) == (ClientLeft.status, ClientLeft.code)

    stage = Stage()
    connection, _ = stage.connect()
    body = bytes(100_000)
    connection.data_received(b"POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body))
    for begin in range(0, len(body), 10_000):
        connection.data_received(body[begin : begin + 10_000])
    exchange: Any = stage.asked.pop()
    exchange.asking = Reading(exchange, (), Refusals("e", "", Metrics()))
    assert stage.server.room.held >= len(body) - 10_000
    del exchange
    gc.disable()
    try:
        connection.connection_lost(None)
        assert stage.server.room.held == 0
    finally:
        gc.enable()
