"""A call as an exchange: what its metadata means, and what becomes of it when its client leaves."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from headgate.errors import Malformed
from headgate.serving.access import Access
from headgate.serving.dialects.dialect import PREDICT
from headgate.serving.rpc.call import Call, headers_of, metadata_of
from headgate.serving.rpc.gathering import Gathering
from headgate.serving.rpc.service import Service


class Asked:
    """What is being done for a request."""

    def __init__(self) -> None:
        self.left = 0

    def leave(self) -> None:
        self.left += 1

    def has_begun(self) -> bool:
        return False


class Context:
    """As much of grpcio's as a call asks for."""

    def __init__(self, remaining: float | None = None, *metadata: tuple[str, str]) -> None:
        self._remaining, self._metadata = remaining, metadata

    def time_remaining(self) -> float | None:
        return self._remaining

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata


def with_service(act: Callable[[Service], Any]) -> None:
    async def run() -> None:
        nowhere: Any = SimpleNamespace()
        await act(Service(nowhere, Access(False), lambda: "id"))

    asyncio.run(run())


def test_who_cancels_is_worked_for_no_more() -> None:
    async def act(service: Service) -> None:
        asked, handled = Asked(), list[Call]()

        def handle(call: Call) -> None:
            call.asking = asked
            handled.append(call)

        service._gathering = Gathering(asyncio.get_running_loop(), handle)
        task = asyncio.ensure_future(service._ask(PREDICT, b"", Context()))
        while not handled:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asked.left == 1

    with_service(act)


def test_who_leaves_while_calls_are_gathered_is_not_handed_on() -> None:
    async def act(service: Service) -> None:
        handled: list[Call] = []
        service._gathering = Gathering(asyncio.get_running_loop(), handled.append)
        tasks = [asyncio.ensure_future(service._ask(PREDICT, b"", Context())) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.wait(tasks, timeout=0.05)
        assert len(handled) == 2
        for task in tasks:
            task.cancel()

    with_service(act)


def test_calls_that_come_together_are_handed_on_in_one_turn() -> None:
    async def act(_service: Service) -> None:
        loop, turns = asyncio.get_running_loop(), list[int]()
        turn = 0
        gathering = Gathering(loop, lambda call: turns.append(turn))
        for _ in range(40):
            gathering.add(Call(PREDICT, ("fraud", ""), {}, b"", loop.create_future()))
            for _ in range(3):
                turn += 1
                await asyncio.sleep(0)
        for _ in range(20):
            turn += 1
            await asyncio.sleep(0)
        assert len(turns) == 40
        assert len(set(turns)) <= 3
        # one after the other, each long after the last: at once, but for a look now and then
        turns.clear()
        waited = []
        for _ in range(64):
            began = turn
            gathering.add(Call(PREDICT, ("fraud", ""), {}, b"", loop.create_future()))
            for _ in range(20):
                turn += 1
                await asyncio.sleep(0)
            waited.append(turns[-1] - began)
        assert sum(wait > 0 for wait in waited) <= 64 / 16 + 1

    with_service(act)


def test_an_answer_that_comes_late_or_twice_is_nothing() -> None:
    async def act(_service: Service) -> None:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        call = Call(PREDICT, ("fraud", ""), {}, b"", answered)
        call.answer(b"", b"first")
        call.answer(b"", b"second")
        assert answered.result() == (b"", b"first")
        call.leave()

    with_service(act)


def test_only_what_predicts_by_name_alone_is_remembered() -> None:
    async def act(_service: Service) -> None:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        found = [
            Call(does, ("fraud", version), {}, b"", answered).target
            for does in (PREDICT, "model")
            for version in ("", "1")
        ]
        assert found == [b"fraud", b"", b"", b""]

    with_service(act)


def test_the_deadline_of_a_call_is_its_timeout() -> None:
    assert headers_of((), None) == {}
    assert headers_of(None, 1.5) == {"headgate-timeout-ms": b"1500"}
    assert headers_of((), -3.0) == {"headgate-timeout-ms": b"0"}
    assert headers_of((), 1e12) == {"headgate-timeout-ms": b"999999999"}
    # the shorter one of both; what is no number is refused where it is read
    assert headers_of([("headgate-timeout-ms", "20")], 1.0)["headgate-timeout-ms"] == b"20"
    assert headers_of([("headgate-timeout-ms", "2000")], 1.0)["headgate-timeout-ms"] == b"1000"
    assert headers_of([("headgate-timeout-ms", "soon")], 1.0)["headgate-timeout-ms"] == b"soon"


def test_metadata_that_nobody_reads_is_left_out() -> None:
    given = [
        ("authorization", "Bearer a"),
        ("host", "evil"),
        ("user-agent", "x"),
        ("accept", "text/csv"),
        ("x-bin", b"1"),
    ]
    assert headers_of(cast("Any", given), None) == {"authorization": b"Bearer a"}
    assert headers_of([("tracestate", "a=1"), ("tracestate", "b=2")], None) == {"tracestate": b"a=1, b=2"}
    with pytest.raises(Malformed):
        headers_of([("authorization", "Bearer a"), ("authorization", "Bearer b")], None)


def test_lines_of_a_head_are_metadata() -> None:
    assert metadata_of(b"") == {}
    assert metadata_of(b"Headgate-Model: fraud:3\r\nRetry-After: 1\r\n") == {
        "headgate-model": "fraud:3",
        "retry-after": "1",
    }
