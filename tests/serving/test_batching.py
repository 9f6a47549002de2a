"""Batches of one tick: nobody gets another's rows, and only the caller whose rows fail is told so."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.errors import HeadgateError, ModelError, Overloaded, SignatureMismatch
from headgate.runtimes.batch import Batch
from headgate.serving.batching import MAX_BATCH_ROWS, Batcher
from headgate.serving.calls import Answer
from headgate.serving.priority import NORMAL
from headgate.serving.waiting_time import BATCH_SECONDS, Cost

SHORT, LONG = Cost(fixed=1e-6, per_row=0.0), Cost(fixed=1.0, per_row=0.0)


class Caller:
    """Remembers what it was told."""

    def __init__(self, *values: float, deadline: float = float("inf")) -> None:
        self.exchange = None
        self.rows: list[Any] = [(value,) for value in values]
        self.count = len(values)
        self.priority, self.since = NORMAL, 0.0
        self.deadline = deadline
        self.answer: list[float] | None = None
        self.error: HeadgateError | None = None
        self.done = 0

    def deliver(self, answer: Answer, start: int, stop: int) -> None:
        assert self.answer is None
        if not self.done:
            self.done = 200
            self.answer = answer.outputs["predictions"][start:stop].tolist()

    def fail(self, error: HeadgateError) -> None:
        self.error = self.error or error
        self.done = self.error.status


class Doubler:
    """Answers twice each value; fails on negative ones. Remembers the sizes of its batches."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.sizes: list[int] = []
        self._seconds = seconds

    def __call__(self, parts: list[Any]) -> Answer:
        values = [row for part in parts for row in part]
        self.sizes.append(len(values))
        time.sleep(self._seconds)
        matrix = np.array(values, np.float64)
        if (matrix < 0).any():
            raise ModelError("negative")
        return Answer(Batch(["x"], matrix=matrix), {"predictions": matrix[:, 0] * 2}, time.monotonic(), 0.0)


def run(ask: Doubler, cost: Cost, callers: Sequence[Caller]) -> list[tuple[Answer, list[Caller]]]:
    """Submit all callers in one tick; what was settled."""
    settled: list[tuple[Answer, list[Caller]]] = []

    async def go() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(loop, executor, ask, lambda answer, told: settled.append((answer, list(told))), cost)
            for caller in callers:
                batcher.submit(caller)
            while batcher.busy:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)

    asyncio.run(go())
    return settled


@pytest.mark.parametrize("cost", [SHORT, LONG], ids=["inline", "thread"])
@given(st.lists(st.lists(st.floats(0, 1e6), min_size=1, max_size=5), min_size=1, max_size=20))
def test_every_caller_gets_its_own_rows(cost: Cost, rows: list[list[float]]) -> None:
    callers = [Caller(*values) for values in rows]
    ask = Doubler()
    settled = run(ask, cost, callers)
    assert [caller.answer for caller in callers] == [[value * 2 for value in values] for values in rows]
    assert ask.sizes == [sum(len(values) for values in rows)]
    assert [caller for _, told in settled for caller in told] == callers


@pytest.mark.parametrize("cost", [SHORT, LONG], ids=["inline", "thread"])
def test_only_the_caller_whose_rows_fail_fails(cost: Cost) -> None:
    callers = [Caller(1), Caller(2, -1), Caller(3), Caller(-5)]
    settled = run(Doubler(), cost, callers)
    assert [caller.answer for caller in callers] == [[2], None, [6], None]
    assert [type(caller.error) for caller in callers] == [type(None), ModelError, type(None), ModelError]
    assert [len(told) for _, told in settled] == [1, 1]


def test_few_calls_find_the_one_bad_caller_among_many() -> None:
    ask = Doubler()
    callers = [Caller(-1.0 if number == 37 else 1.0) for number in range(256)]
    run(ask, SHORT, callers)
    assert [number for number, caller in enumerate(callers) if caller.error] == [37]
    # 1 + 2·log2(256)
    assert len(ask.sizes) <= 17


class Clumsy(Doubler):
    """Fails in ways that no runtime should."""

    def __call__(self, parts: list[Any]) -> Answer:
        if any(row == (7.0,) for part in parts for row in part):
            raise ZeroDivisionError("a fault of ours")
        if len({len(part) for part in parts}) > 1:
            raise SignatureMismatch("rows of these callers do not stack")
        return super().__call__(parts)


@pytest.mark.parametrize("cost", [SHORT, LONG], ids=["inline", "thread"])
def test_nobody_is_left_without_an_answer(cost: Cost) -> None:
    callers = [Caller(1.0), Caller(7.0), Caller(2.0, 3.0)]
    run(Clumsy(), cost, callers)
    assert [caller.answer for caller in callers] == [[2], None, [4, 6]]
    assert callers[1].error is not None
    assert (callers[1].error.status, callers[1].error.code) == (500, "INTERNAL")


def test_a_batch_is_bounded_but_a_caller_is_never_split() -> None:
    ask = Doubler()
    big = MAX_BATCH_ROWS // 2 + 1
    callers = [Caller(*range(big)), Caller(*range(big)), Caller(*range(3 * MAX_BATCH_ROWS)), Caller(1)]
    run(ask, SHORT, callers)
    assert ask.sizes == [big, big, 3 * MAX_BATCH_ROWS, 1]
    assert all(caller.answer == [value[0] * 2 for value in caller.rows] for caller in callers)


def test_a_batch_of_dear_rows_is_short() -> None:
    ask = Doubler()
    run(ask, Cost(fixed=0.0, per_row=BATCH_SECONDS / 4), [Caller(value) for value in range(10)])
    assert ask.sizes == [4, 4, 2]


def test_what_comes_while_a_batch_runs_is_the_next_batch() -> None:
    ask = Doubler(seconds=0.05)

    async def go() -> list[Caller]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(loop, executor, ask, lambda *_: None, LONG)
            callers = [Caller(1)]
            batcher.submit(callers[0])
            await asyncio.sleep(0.01)
            for value in (2, 3, 4):
                callers.append(Caller(value))
                batcher.submit(callers[-1])
                await asyncio.sleep(0.001)
            while batcher.busy:
                await asyncio.sleep(0.001)
        return callers

    callers = asyncio.run(go())
    assert ask.sizes == [1, 3]
    assert [caller.answer for caller in callers] == [[2], [4], [6], [8]]


def test_deadlines_hold_in_the_queue_and_while_running() -> None:
    ask = Doubler(seconds=0.2)

    async def go() -> tuple[Caller, Caller, Caller]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(loop, executor, ask, lambda *_: None, LONG)
            late, running = Caller(1, deadline=time.monotonic() - 1), Caller(2, deadline=time.monotonic() + 0.05)
            batcher.submit(late)
            batcher.submit(running)
            await asyncio.sleep(0.01)
            queued = Caller(3, deadline=time.monotonic() + 0.05)
            batcher.submit(queued)
            await asyncio.sleep(0.12)
            assert running.error is not None, "told while the model is still running"
            while batcher.busy:
                await asyncio.sleep(0.001)
        return late, running, queued

    callers = asyncio.run(go())
    assert [caller.error.status for caller in callers if caller.error] == [504, 504, 504]
    assert [caller.answer for caller in callers] == [None, None, None]
    assert ask.sizes == [1]


def test_a_queue_is_bounded() -> None:
    async def go() -> None:
        loop = asyncio.get_running_loop()
        batcher = Batcher(loop, ThreadPoolExecutor(1), Doubler(), lambda *_: None, SHORT, most=3)
        callers = [Caller(1) for _ in range(3)]
        for caller in callers:
            batcher.submit(caller)
        with pytest.raises(Overloaded) as caught:
            batcher.submit(Caller(1))
        assert caught.value.retry_after
        callers[1].done = 499
        batcher.drop(callers[1])
        batcher.submit(Caller(1))

    asyncio.run(go())


def test_who_leaves_is_not_asked_for() -> None:
    ask = Doubler(seconds=0.05)

    async def go() -> list[Caller]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(loop, executor, ask, lambda *_: None, LONG)
            callers = [Caller(value) for value in range(8)]
            batcher.submit(callers[0])
            await asyncio.sleep(0.01)
            for caller in callers[1:]:
                batcher.submit(caller)
            for caller in (callers[0], callers[2], callers[4]):
                assert batcher.has_begun(caller) == (caller is callers[0])
                caller.done = 499
                batcher.drop(caller)
            while batcher.busy:
                await asyncio.sleep(0.001)
        return callers

    callers = asyncio.run(go())
    assert ask.sizes == [1, 5]
    assert [caller.answer for caller in callers] == [None, [2], None, [6], None, [10], [12], [14]]


def test_who_would_come_too_late_is_refused_at_once() -> None:
    """Only once a batch has told how long batches take, and only while others are ahead."""
    ask = Doubler(seconds=0.1)

    async def go() -> None:
        loop = asyncio.get_running_loop()

        def soon() -> float:
            return time.monotonic() + 0.02

        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(loop, executor, ask, lambda *_: None, LONG)
            batcher.submit(Caller(1))
            await asyncio.sleep(0.01)
            batcher.submit(Caller(2, deadline=soon()))
            while batcher.busy:
                await asyncio.sleep(0.001)
            batcher.submit(Caller(3))
            await asyncio.sleep(0.001)
            with pytest.raises(Overloaded) as caught:
                batcher.submit(Caller(4, deadline=soon()))
            assert 0.02 < (caught.value.retry_after or 0.0) < 60
            batcher.submit(Caller(5, deadline=time.monotonic() + 60))
            while batcher.busy:
                await asyncio.sleep(0.001)

    asyncio.run(go())
    assert ask.sizes == [1, 1, 1]
