"""A control plane that hangs is ended and replaced; one that starts, or only refuses, is left alone."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headgate.agent import control_api, control_health
from headgate.agent.control_api import ControlApi
from headgate.agent.control_health import FEWEST_MISSES, ControlHealth
from headgate.agent.control_process import ControlProcess
from headgate.agent.launcher import Launcher, Programs
from headgate.agent.loop import Loop
from headgate.home import Home
from headgate.settings import Settings
from headgate.testing.node.plane import Plane

FAKE = Programs(control=(sys.executable, "-m", "headgate.testing.node.control"))


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    monkeypatch.setattr(control_health, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(control_health, "HANG_SECONDS", 0.05)
    monkeypatch.setattr(control_api, "HEALTH_SECONDS", 0.2)
    loop = Loop()
    yield loop
    loop.close()


def turn_until(loop: Loop, condition: Callable[[], bool]) -> None:
    until = loop.now() + 60
    while not condition():
        assert loop.now() < until
        loop.turn(0.1)


class Told:
    """What is said of a process, and what was made of it."""

    def __init__(self, loop: Loop) -> None:
        self.announced, self.silent = True, False
        self.asked = self.hung = 0
        self.health = ControlHealth(loop, lambda: self.announced, self._ask, self._hang)

    def _ask(self) -> bool:
        self.asked += 1
        return self.silent

    def _hang(self) -> None:
        self.hung += 1


def test_it_hangs_when_it_has_answered_before_and_no_more(loop: Loop) -> None:
    told = Told(loop)
    turn_until(loop, lambda: told.asked > 3)
    assert not told.hung
    before = told.asked
    told.silent = True
    turn_until(loop, lambda: told.hung == 1)
    assert told.asked >= before + FEWEST_MISSES


def test_one_that_starts_has_all_the_time(loop: Loop) -> None:
    told = Told(loop)
    told.announced, told.silent = False, True
    until = loop.now() + 0.3
    turn_until(loop, lambda: loop.now() > until)
    assert (told.asked, told.hung) == (0, 0)
    told.announced = True
    turn_until(loop, lambda: told.asked > 10)
    # nobody has reached it yet: that may be our mistake
    assert not told.hung
    told.health.end()


def test_an_agent_that_stood_still_does_not_count(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(loop)
    turn_until(loop, lambda: told.asked > 0)
    monkeypatch.setattr(control_health, "HANG_SECONDS", -1.0)
    monkeypatch.setattr(control_health, "FEWEST_MISSES", 1000)
    told.silent, before = True, told.asked
    turn_until(loop, lambda: told.asked > before + 5)
    assert not told.hung
    told.health.end()


def test_a_stopped_one_is_ended_and_another_started(loop: Loop, tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    Plane(tmp_path / "plane")
    api = ControlApi(home)
    control = ControlProcess(loop, Launcher(home, Settings()), FAKE, api.is_silent)
    control.start()
    turn_until(loop, lambda: control.announced and not api.is_silent())
    for _ in range(20):
        loop.turn(0.02)
    first = control.pid
    assert first is not None

    os.kill(first, signal.SIGSTOP)
    turn_until(loop, lambda: control.pid not in (None, first) and control.announced)

    assert control.restarts == 1
    assert control.trouble.startswith("hung and was ended")
    control.stop()
    turn_until(loop, lambda: control.gone)


def test_who_refuses_or_is_not_known_is_not_silent(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    assert not ControlApi(home).is_silent()
    home.credentials.write_text('{"url": "http://127.0.0.1:1", "node_key": "k"}')
    assert ControlApi(home).is_silent()
    home.credentials.write_text('{"url": "https://127.0.0.1:1", "node_key": "k", "certificate": "nonsense"}')
    assert not ControlApi(home).is_silent()
