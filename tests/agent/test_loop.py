"""The agent's loop: files, timers, calls from other threads, and callbacks that fail."""

import logging
import os
import socket
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from headgate.agent.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


def test_calls_from_other_threads_run_in_the_loop(loop: Loop) -> None:
    ran: list[int] = []

    def work() -> None:
        loop.post(lambda: ran.append(threading.get_ident()))
        loop.post(loop.stop)

    threading.Thread(target=work).start()
    loop.run()
    assert ran == [threading.get_ident()]


def test_a_bell_that_nobody_heard_does_not_block_who_rings(loop: Loop) -> None:
    count: list[int] = []
    for _ in range(100_000):
        loop.post(lambda: count.append(1))
    loop.turn()
    assert len(count) == 100_000


def test_posting_to_a_loop_that_has_ended_is_harmless() -> None:
    loop = Loop()
    loop.close()
    loop.post(lambda: None)


def test_timers_run_in_order_and_not_when_cancelled(loop: Loop) -> None:
    ran: list[str] = []
    loop.after(0.02, partial(ran.append, "second"))
    loop.after(0.01, partial(ran.append, "first"))
    loop.after(0.0, partial(ran.append, "never")).cancel()
    loop.after(0.03, loop.stop)
    loop.run()
    assert ran == ["first", "second"]


def test_what_came_in_is_heard_before_timers_judge(loop: Loop) -> None:
    left, right = socket.socketpair()
    order: list[str] = []
    with left, right:
        loop.after(0.0, partial(order.append, "timer"))
        loop.watch(left, lambda: order.append(left.recv(1).decode()))
        right.send(b"f")
        loop.turn()
        loop.forget(left)
        loop.forget(left)
    assert order == ["f", "timer"]


@pytest.mark.parametrize("closed", [False, True])
def test_a_file_forgotten_by_an_earlier_callback_is_not_called(loop: Loop, closed: bool) -> None:
    pairs = [os.pipe(), os.pipe()]
    files = [os.fdopen(reader, "rb", buffering=0) for reader, _ in pairs]
    called: list[int] = []

    def readable(place: int) -> None:
        called.append(place)
        for file in files:
            loop.forget(file)
            if closed:
                file.close()

    for place, file in enumerate(files):
        loop.watch(file, partial(readable, place))
    for _, writer in pairs:
        os.write(writer, b"x")
    loop.turn()
    for file in files:
        file.close()
    for _, writer in pairs:
        os.close(writer)
    assert len(called) == 1


def test_the_loop_outlives_a_callback_that_fails(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a mistake")

    ran: list[int] = []
    loop.post(fail)
    loop.post(lambda: ran.append(1))
    with caplog.at_level(logging.ERROR):
        loop.turn()
    assert ran == [1]
    assert "a mistake" in caplog.text


def test_what_is_done_every_so_often_goes_on_after_it_failed(loop: Loop) -> None:
    ran: list[int] = []

    def work() -> None:
        ran.append(1)
        if len(ran) == 3:
            loop.stop()
        raise ValueError("each time")

    loop.every(0.0, work)
    loop.run()
    assert len(ran) == 3
