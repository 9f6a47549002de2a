"""Models that do all that models must not: each fault is answered with the right word and leaves the others alone."""

import asyncio
import signal

import pytest
from tests.serving_hosts.process import TemplateProcess, eventually, is_running
from tests.serving_hosts.test_pool import later, value, with_model

from headgate.errors import DeadlineExceeded, HeadgateError, ModelError, ModelOutputInvalid, PoisonRequest
from headgate.serving.hosts.log import LOG_BYTES
from headgate.serving.hosts.pool import HostedModel
from headgate.testing.zoo import Fault

SURVIVED = {
    Fault.RAISES: ModelError,
    Fault.RAISES_HALF: ModelError,
    Fault.RAISES_MUTE: ModelError,
    Fault.LEAVES: ModelError,
    Fault.NAN: ModelOutputInvalid,
    Fault.TOO_MANY_ROWS: ModelOutputInvalid,
    Fault.SCALAR: ModelOutputInvalid,
    Fault.HUGE: ModelOutputInvalid,
    Fault.OUT_OF_MEMORY: ModelError,
    Fault.TEXT: ModelOutputInvalid,
    Fault.INFINITE: ModelOutputInvalid,
    Fault.WRONG_SHAPE: ModelOutputInvalid,
    Fault.WRONG_DTYPE: ModelOutputInvalid,
    Fault.FORKS: ModelError,
    Fault.FILLS_DISK: ModelError,
    Fault.OPENS_SOCKETS: ModelError,
}
HARMLESS = (
    Fault.SLEEPS,
    Fault.SLOW_AT_FIRST,
    Fault.PRINTS,
    Fault.WRITES,
    Fault.THREADS,
    Fault.LEAKS,
    Fault.CHANGES_PROCESS,
    Fault.CHANGES_NUMBERS,
)
DEADLY = {Fault.EXITS: 1, Fault.SEGFAULT: -signal.SIGSEGV}
HANGING = (Fault.LOOPS, Fault.HOLDS, Fault.SLEEPS_LONG)


def test_every_fault_is_tested() -> None:
    assert set(Fault) == {
        Fault.NONE,
        Fault.ANSWERS_AT_RANDOM,
        Fault.SHARES_MEMORY,
        Fault.TELLS_TRACE,
        *SURVIVED,
        *HARMLESS,
        *DEADLY,
        *HANGING,
    }


async def answers_beside(model: HostedModel, fault: Fault, seconds: float = 20.0) -> float | HeadgateError:
    """What the faulty request got; the good ones sent with it are answered."""
    answers = await asyncio.gather(
        value(model, 1.0), value(model, 2.0, fault, seconds), value(model, 3.0), return_exceptions=True
    )
    assert answers[0] == 1.0 and answers[2] == 3.0
    answer = answers[1]
    assert isinstance(answer, float | HeadgateError)
    return answer


@pytest.mark.parametrize("fault", SURVIVED, ids=lambda fault: fault.name)
def test_a_fault_that_the_host_survives(template: TemplateProcess, fault: Fault) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        failure = await answers_beside(model, fault)
        assert type(failure) is SURVIVED[fault]
        assert await value(model, 4.0) == 4.0

    pid = template.host()
    with_model(template.home, template.bundle.digest, use)
    assert is_running(pid)


@pytest.mark.parametrize("fault", HARMLESS, ids=lambda fault: fault.name)
def test_bad_manners_cost_nobody_an_answer(template: TemplateProcess, fault: Fault) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        for _ in range(3):
            assert await answers_beside(model, fault) == 2.0

    template.host()
    with_model(template.home, template.bundle.digest, use)
    logs = template.home.logs
    # C code writes without asking: the file is cut after the call
    eventually(
        lambda: sum(path.stat().st_size for path in logs.glob(f"host-{template.bundle.digest[:16]}*")) <= LOG_BYTES
    )


@pytest.mark.parametrize("fault", DEADLY, ids=lambda fault: fault.name)
def test_a_fault_that_kills_two_hosts_and_no_third(template: TemplateProcess, fault: Fault) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        while model.hosts < 3:
            await asyncio.sleep(0.01)
        assert type(await answers_beside(model, fault)) is PoisonRequest

    hosts = [template.host() for _ in range(3)]
    with_model(template.home, template.bundle.digest, use)
    eventually(lambda: sum(is_running(pid) for pid in hosts) == 1)
    dead = [pid for pid in hosts if not is_running(pid)]
    assert [template.hear("exited", pid=pid)["status"] for pid in dead] == [DEADLY[fault]] * 2


@pytest.mark.parametrize("fault", HANGING, ids=lambda fault: fault.name)
def test_a_fault_that_hangs_is_ended_and_says_where(template: TemplateProcess, fault: Fault) -> None:
    async def use(model: HostedModel) -> None:
        await model.ready(later())
        with pytest.raises(DeadlineExceeded):
            await value(model, 1.0, fault, seconds=0.2)

    pid = template.host()
    with_model(template.home, template.bundle.digest, use)
    assert template.hear("exited", pid=pid)["status"] == -signal.SIGALRM
    assert "in misbehave" in template.logs()


def test_answers_need_not_repeat(template: TemplateProcess) -> None:
    async def use(model: HostedModel) -> None:
        answers = {await value(model, 1.0, Fault.ANSWERS_AT_RANDOM) for _ in range(3)}
        assert len(answers) == 3 and all(1.0 <= answer < 2.0 for answer in answers)

    template.host()
    with_model(template.home, template.bundle.digest, use)
