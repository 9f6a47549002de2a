"""Calls of model hosts: bounded, refused where they would come too late, and taken back when nobody waits any more."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headgate.errors import HeadgateError, Overloaded
from headgate.runtimes.batch import Batch
from headgate.runtimes.runtime import Outputs
from headgate.serving.calls import Answer
from headgate.serving.hosted_calls import Count, HostedCalls
from headgate.serving.priority import HIGH, LOW, NORMAL
from headgate.serving.trace import Trace
from headgate.serving.waiting_time import WaitingTime


class Caller:
    """Remembers what it was told."""

    def __init__(self, deadline: float = float("inf"), priority: int = NORMAL, trace: Trace | None = None) -> None:
        self.exchange = SimpleNamespace(trace=trace)
        self.rows: Any = [(1.0,)]
        self.priority, self.since = priority, 0.0
        self.count = 1
        self.deadline = deadline
        self.done = 0

    def deliver(self, answer: Answer, start: int, stop: int) -> None:
        self.done = 200

    def fail(self, error: HeadgateError) -> None:
        self.done = error.status


class Hosts:
    """Answers when told to; remembers whose call was taken back."""

    def __init__(self) -> None:
        self.asked = 0
        self.traces: list[Trace | None] = []
        self.taken_back = 0
        self.may_answer = asyncio.Event()

    async def predict(
        self, batch: Batch, deadline: float, priority: int = NORMAL, trace: Trace | None = None, *, count: Count
    ) -> Outputs:
        self.asked += 1
        self.traces.append(trace)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.taken_back += 1
            raise
        count(batch.rows)
        return {"predictions": np.ones(batch.rows)}

    async def stream(
        self,
        batch: Batch,
        deadline: float,
        priority: int,
        trace: Trace | None,
        part: Callable[[Outputs], None],
        *,
        count: Count,
    ) -> Outputs:
        outputs = await self.predict(batch, deadline, priority, trace, count=count)
        part(outputs)
        return outputs


def calls_of(hosts: Hosts, most: int = 0) -> HostedCalls:
    def assemble(parts: list[Any]) -> Batch:
        return Batch(["x"], matrix=np.array([row for part in parts for row in part]))

    loop = asyncio.get_running_loop()
    return HostedCalls(loop, hosts, assemble, lambda outputs, rows: None, lambda answer, told: None, most)


async def idle(calls: HostedCalls) -> None:
    while calls.busy:
        await asyncio.sleep(0)


def test_the_newest_of_the_lowest_class_makes_room() -> None:
    async def go() -> None:
        hosts = Hosts()
        calls = calls_of(hosts, most=3)
        callers = [Caller(), Caller(priority=LOW), Caller(priority=LOW)]
        for caller in callers:
            calls.submit(caller)
        for priority, refused in ((NORMAL, [0, 0, 503]), (HIGH, [0, 503, 503])):
            calls.submit(Caller(priority=priority))
            assert [caller.done for caller in callers] == refused
        with pytest.raises(Overloaded):
            calls.submit(Caller(priority=NORMAL))
        hosts.may_answer.set()
        await idle(calls)
        assert [caller.done for caller in callers] == [200, 503, 503]

    asyncio.run(go())


def test_the_only_call_may_be_with_the_model_and_is_left_alone() -> None:
    async def go() -> None:
        hosts = Hosts()
        calls = calls_of(hosts, most=1)
        calls.submit(only := Caller(priority=LOW))
        with pytest.raises(Overloaded):
            calls.submit(Caller(priority=HIGH))
        hosts.may_answer.set()
        await idle(calls)
        assert only.done == 200

    asyncio.run(go())


def test_the_call_of_who_leaves_is_taken_back() -> None:
    async def go() -> None:
        hosts = Hosts()
        calls = calls_of(hosts, most=3)
        callers = [Caller() for _ in range(3)]
        for caller in callers:
            calls.submit(caller)
        with pytest.raises(Overloaded):
            calls.submit(Caller())
        await asyncio.sleep(0)
        assert not calls.has_begun(callers[0])
        calls.drop(callers[0])
        # the place is free at once, also that of a call that had not even been made
        fresh = [Caller(), Caller()]
        calls.submit(fresh[0])
        calls.drop(fresh[0])
        calls.submit(fresh[1])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (hosts.asked, hosts.taken_back) == (4, 1)
        hosts.may_answer.set()
        await idle(calls)
        assert [caller.done for caller in (*callers, *fresh)] == [0, 200, 200, 0, 200]

    asyncio.run(go())


def test_each_call_goes_out_with_its_callers_trace() -> None:
    async def go() -> None:
        hosts = Hosts()
        hosts.may_answer.set()
        calls = calls_of(hosts)
        traces = [None, Trace("a" * 32, "b" * 16, "", sampled=True)]
        for trace in traces:
            calls.submit(Caller(trace=trace))
        await idle(calls)
        assert hosts.traces == traces

    asyncio.run(go())


def test_a_lone_call_counts_as_begun() -> None:
    async def go() -> None:
        calls, caller = calls_of(Hosts()), Caller()
        calls.submit(caller)
        assert calls.has_begun(caller)
        assert not calls.has_begun(Caller())
        calls.drop(caller)

    asyncio.run(go())


def test_who_would_come_too_late_is_refused_at_once() -> None:
    async def go() -> None:
        hosts = Hosts()
        calls = calls_of(hosts)
        for _ in range(2):
            # half of them are over the time that the next ones have
            for _ in range(32):
                calls.submit(Caller())
            await asyncio.sleep(0.05)
            hosts.may_answer.set()
            await idle(calls)
            hosts.may_answer.clear()
        for _ in range(20):
            calls.submit(Caller(time.monotonic() + 60))
        with pytest.raises(Overloaded) as caught:
            calls.submit(Caller(time.monotonic() + 0.005))
        assert (caught.value.retry_after or 0.0) > 0.005
        hosts.may_answer.set()
        await idle(calls)
        # nobody is ahead: there is no evidence that it would be late
        calls.submit(Caller(time.monotonic() + 0.005))
        await idle(calls)

    asyncio.run(go())


def test_nothing_is_foretold_of_a_queue_that_nobody_has_met() -> None:
    waiting = WaitingTime()
    for _ in range(15):
        waiting.learn(10, 1.0)
    assert waiting.foretell(10) == 0.0
    waiting.learn(10, 1.0)
    assert waiting.foretell(10) == pytest.approx(1.0)
    assert waiting.foretell(5) == pytest.approx(0.5)
    assert waiting.foretell(0) == 0.0
    assert waiting.foretell(16) == 0.0


def test_what_is_recorded_is_what_was_sent_and_not_what_the_variant_takes_of_it() -> None:
    async def go() -> None:
        taken: list[Batch] = []
        inputs: list[Batch] = []

        class Taking(Hosts):
            async def predict(
                self, batch: Batch, deadline: float, priority: int = NORMAL, trace: Trace | None = None, *, count: Count
            ) -> Outputs:
                taken.append(batch)
                return {"predictions": np.ones(batch.rows)}

        def turn(batch: Batch) -> Batch:
            return Batch(("b", "a"), columns={name: batch.columns[name] for name in ("b", "a")})

        calls = HostedCalls(
            asyncio.get_running_loop(),
            Taking(),
            lambda parts: Batch(("a", "b"), matrix=np.array([[1.0, 2.0]])),
            lambda outputs, rows: None,
            lambda answer, told: inputs.append(answer.inputs),
            select=turn,
        )
        calls.submit(Caller())
        await idle(calls)
        seen = [[(name, column.tolist()) for name, column in batch.columns.items()] for batch in (*taken, inputs[0])]
        assert seen == [[("b", [2.0]), ("a", [1.0])], [("a", [1.0]), ("b", [2.0])]]

    asyncio.run(go())
