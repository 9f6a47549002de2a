"""The worker's way to the hosts: whoever dies, every request is answered or fails with the right word."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvloop
from tests.serving_hosts.process import TemplateProcess, eventually, is_running, rows

from headgate.errors import DeadlineExceeded, Malformed, PoisonRequest, Unavailable
from headgate.home import Home
from headgate.serving.hosts.child import listen
from headgate.serving.hosts.pool import HostedModel
from headgate.serving.hosts.wire import Call, Frames, decode_call
from headgate.serving.priority import HIGH
from headgate.serving.trace import new_trace
from headgate.testing.zoo import SLEEP_SECONDS, Fault

SOON = 20.0


def later(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


async def value(model: HostedModel, number: float, fault: Fault = Fault.NONE, seconds: float = SOON) -> float:
    outputs = await model.predict(rows((fault, number)), later(seconds))
    return float(outputs["predictions"][0])


def with_model(
    home: Home, digest: str, use: Callable[[HostedModel], Coroutine[Any, Any, None]], spare_seconds: float = 0.0
) -> None:
    async def run() -> None:
        model = HostedModel(home.run, digest, spare_seconds=spare_seconds)
        try:
            await use(model)
        finally:
            model.close()
            await asyncio.sleep(0)

    uvloop.run(run())


async def in_thread(call: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call)


def test_it_answers_like_the_model(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        outputs = await model.predict(rows((0, 1.5), (0, 2.5)), later())
        assert outputs["predictions"].tolist() == [1.5, 2.5]
        assert await asyncio.gather(*(value(model, float(n)) for n in range(100))) == list(range(100))

    template.host()
    with_model(template.home, template.bundle.digest, use)


def test_it_uses_every_host(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        while model.hosts < 2:
            await asyncio.sleep(0.01)
        asked = [asyncio.create_task(value(model, 1.0, Fault.SLEEPS)) for _ in range(4)]
        await asyncio.sleep(0)
        assert [host.busy for host in model._hosts.connections.values()] == [2, 2]
        assert await asyncio.gather(*asked) == [1.0] * 4

    template.host()
    template.host()
    with_model(template.home, template.bundle.digest, use)


def test_requests_wait_for_a_host_to_appear(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        waiting = asyncio.gather(*(value(model, float(n)) for n in range(5)))
        await asyncio.sleep(0.05)
        await in_thread(template.host)
        assert await waiting == list(range(5))

    with_model(template.home, template.bundle.digest, use)


def test_without_a_host_the_deadline_says_unavailable(home: Home) -> None:
    async def use(model: HostedModel) -> None:
        with pytest.raises(Unavailable, match="came up in time"):
            await value(model, 1.0, seconds=0.05)
        with pytest.raises(Unavailable):
            await model.ready(later(0.02))

    with_model(home, "0" * 64, use)


def test_too_many_waiters_are_refused_at_once(home: Home) -> None:
    async def run() -> None:
        model = HostedModel(home.run, "1" * 64, max_waiting=2)
        waiting = [asyncio.create_task(value(model, 1.0, seconds=0.2)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="wait for a model host already"):
            await value(model, 1.0)
        assert all(isinstance(error, Unavailable) for error in await asyncio.gather(*waiting, return_exceptions=True))
        model.close()

    uvloop.run(run())


def test_a_killed_host_costs_no_request(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        sleeping = [asyncio.create_task(value(model, float(n), Fault.SLEEPS)) for n in range(3)]
        await asyncio.sleep(SLEEP_SECONDS / 3)
        os.kill(first, signal.SIGKILL)
        assert await asyncio.gather(*sleeping) == [0.0, 1.0, 2.0]
        assert await value(model, 7.0) == 7.0

    first = template.host()
    template.host()
    with_model(template.home, template.bundle.digest, use)


def test_hosts_that_are_killed_all_the_time_cost_no_request(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        answered = 0
        stop = asyncio.Event()

        async def caller() -> None:
            nonlocal answered
            while not stop.is_set():
                assert await value(model, float(answered)) is not None
                answered += 1

        callers = [asyncio.create_task(caller()) for _ in range(8)]
        for _ in range(8):
            await asyncio.sleep(0.05)
            pids.append(await in_thread(template.host))
            os.kill(pids.pop(0), signal.SIGKILL)
        stop.set()
        await asyncio.gather(*callers)
        assert answered > 50

    pids = [template.host(), template.host()]
    with_model(template.home, template.bundle.digest, use)


def test_a_request_that_kills_hosts_is_given_up_after_two_and_takes_no_other_along(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        while model.hosts < 3:
            await asyncio.sleep(0.01)
        good = [value(model, float(n)) for n in range(20)]
        answers = await asyncio.gather(*good[:10], value(model, 0.0, Fault.EXITS), *good[10:], return_exceptions=True)
        failure = answers.pop(10)
        assert isinstance(failure, PoisonRequest)
        assert answers == list(range(20))

    hosts = [template.host() for _ in range(3)]
    with_model(template.home, template.bundle.digest, use)
    eventually(lambda: sum(is_running(pid) for pid in hosts) == 1)


def test_what_may_have_killed_a_host_runs_in_a_spare_one(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        while model.hosts < 2:
            await asyncio.sleep(0.01)
        good = [value(model, float(n)) for n in range(100)]
        answers = await asyncio.gather(*good[:50], value(model, 0.0, Fault.EXITS), *good[50:], return_exceptions=True)
        assert isinstance(answers.pop(50), PoisonRequest)
        assert answers == list(range(100))
        assert model.hosts == 1

    hosts = [template.host() for _ in range(2)]
    spares = [template.host(spare=True) for _ in range(2)]
    with_model(template.home, template.bundle.digest, use, spare_seconds=SOON)
    eventually(lambda: sum(map(is_running, hosts)) == sum(map(is_running, spares)) == 1)


def test_nobody_waits_for_a_version_that_has_failed(home: Home) -> None:
    async def use(model: HostedModel) -> None:
        (home.run / "hosts" / digest[:16] / "failed").write_text("SIGSEGV")
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="keep ending .SIGSEGV."):
            await value(model, 1.0)
        assert time.monotonic() < begun + SOON / 2
        # a worker that starts takes the version all the same, and answers when a host is back
        with pytest.raises(Unavailable, match="came up in time"):
            await model.ready(later(0.05))

    digest = "3" * 64
    with_model(home, digest, use)


def test_a_version_that_has_failed_answers_as_soon_as_a_host_is_back(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        assert await value(model, 1.0) == 1.0

    template.host()
    (template.folder / "failed").write_text("SIGSEGV")
    listen(template.folder / "dead.sock").close()
    with_model(template.home, template.bundle.digest, use)
    template.end_hosts()

    async def fail(model: HostedModel) -> None:
        with pytest.raises(Unavailable, match="keep ending"):
            await value(model, 1.0)

    # what is left of hosts that have ended holds nobody up
    with_model(template.home, template.bundle.digest, fail)
    (template.folder / "failed").unlink()


def test_a_deadline_frees_the_caller_and_the_hung_host_is_ended(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        with pytest.raises(DeadlineExceeded):
            await value(model, 1.0, Fault.LOOPS, seconds=0.3)

    pid = template.host()
    with_model(template.home, template.bundle.digest, use)
    assert template.hear("exited", pid=pid)["status"] == -signal.SIGALRM
    assert "in misbehave" in template.logs()


def test_a_hung_host_is_asked_less_than_one_that_answers(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        while model.hosts < 2:
            await asyncio.sleep(0.01)
        os.kill(hung, signal.SIGSTOP)
        failed = 0
        for number in range(30):
            try:
                assert await value(model, float(number), seconds=0.1) == number
            except DeadlineExceeded:
                failed += 1
        # what it owes counts as work
        assert failed <= 2
        os.kill(hung, signal.SIGCONT)

    hung = template.host()
    template.host()
    with_model(template.home, template.bundle.digest, use)


def test_a_caller_that_leaves_is_forgotten(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        busy = asyncio.create_task(value(model, 1.0, Fault.SLEEPS))
        await asyncio.sleep(SLEEP_SECONDS / 3)
        leaving = [asyncio.create_task(value(model, 2.0, Fault.EXITS)) for _ in range(3)]
        await asyncio.sleep(0.01)
        for task in leaving:
            task.cancel()
        assert await busy == 1.0
        # had one of them run, the host would be dead
        assert await value(model, 3.0) == 3.0

    pid = template.host()
    with_model(template.home, template.bundle.digest, use)
    assert is_running(pid)


def test_a_host_that_leaves_answers_what_it_was_sent(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        asked = [asyncio.create_task(value(model, float(n), Fault.SLEEPS)) for n in range(2)]
        await asyncio.sleep(SLEEP_SECONDS / 3)
        os.kill(leaving, signal.SIGTERM)
        assert await asyncio.gather(*asked) == [0.0, 1.0]
        waiting = asyncio.create_task(value(model, 5.0))
        await asyncio.sleep(0.02)
        await in_thread(template.host)
        assert await waiting == 5.0

    leaving = template.host()
    with_model(template.home, template.bundle.digest, use)
    assert template.hear("exited", pid=leaving)["status"] == 0


def test_a_dead_hosts_socket_is_passed_over(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        assert await value(model, 1.0) == 1.0
        assert model.hosts == 1

    template.folder.mkdir(parents=True, exist_ok=True)
    listen(template.folder / "dead.sock").close()
    template.host()
    with_model(template.home, template.bundle.digest, use)


def test_a_closed_pool_answers_unavailable(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        asked = asyncio.create_task(value(model, 1.0, Fault.SLEEPS))
        await asyncio.sleep(SLEEP_SECONDS / 3)
        model.close()
        with pytest.raises(Unavailable, match="unloaded"):
            await asked

    template.host()
    with_model(template.home, template.bundle.digest, use)


def test_what_cannot_be_sent_is_told_to_the_caller_alone(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        batch = rows((0, 1.0))
        batch.matrix = np.array([[object(), object()]])
        with pytest.raises(Malformed):
            await model.predict(batch, later())
        assert await value(model, 2.0) == 2.0

    template.host()
    with_model(template.home, template.bundle.digest, use)


@pytest.mark.parametrize("answer", [b"\xff\xff\xff\xff", b"\x01\x00\x00\x00\xc1", b""], ids=["huge", "garbage", "eof"])
def test_a_host_that_talks_nonsense_is_dropped(tmp_path: Path, answer: bytes) -> None:
    home, digest = Home(tmp_path).create(), "2" * 64
    folder = home.run / "hosts" / digest[:16]
    folder.mkdir(parents=True)
    listener = listen(folder / "bad.sock")
    taken = ExitStack()

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            taken.enter_context(connection)
            connection.recv(1 << 16)
            connection.send(answer) if answer else connection.close()

    async def use(model: HostedModel) -> None:
        serving = asyncio.get_running_loop().run_in_executor(None, serve)
        with pytest.raises((DeadlineExceeded, Unavailable)):
            await value(model, 1.0, seconds=0.5)
        listener.close()
        await asyncio.wait([serving], timeout=5)

    with_model(home, digest, use)
    taken.close()


def test_what_is_asked_again_keeps_its_class_and_trace(tmp_path: Path) -> None:
    home, digest = Home(tmp_path).create(), "3" * 64
    folder = home.run / "hosts" / digest[:16]
    folder.mkdir(parents=True)
    listener = listen(folder / "dying.sock")
    calls: list[Call] = []

    def serve() -> None:
        while len(calls) < 2:
            connection, _ = listener.accept()
            with connection:
                calls.extend(map(decode_call, Frames().feed(connection.recv(1 << 16))))

    async def use(model: HostedModel) -> None:
        serving = asyncio.get_running_loop().run_in_executor(None, serve)
        with pytest.raises((DeadlineExceeded, Unavailable)):
            await model.predict(rows((Fault.NONE, 1.0)), later(2.0), HIGH, new_trace(sampled=True))
        await asyncio.wait([serving], timeout=5)

    with_model(home, digest, use)
    listener.close()
    first, again = calls[:2]
    assert (first.alone, again.alone) == (False, True)
    assert first.priority == again.priority == HIGH
    assert first.traceparent == again.traceparent != ""


def test_deep_homes_work(tmp_path: Path) -> None:
    home = Home(tmp_path / ("d" * 100) / ".headgate").create()
    digest = "9" * 64
    folder = home.run / "hosts" / digest[:16]
    folder.mkdir(parents=True)
    listener = listen(folder / "a.sock")

    async def use(model: HostedModel) -> None:
        await model.ready(later())
        assert model.hosts == 1

    with_model(home, digest, use)
    listener.close()
