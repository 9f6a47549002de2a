"""A template that hangs is ended and takes no fork with it."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headgate.agent import templates
from headgate.agent.launcher import Launcher
from headgate.agent.loop import Loop
from headgate.agent.templates import Fork, Nursery, Template
from headgate.home import Home
from headgate.settings import Settings
from headgate.testing.node.plane import Plane

FAKE = (sys.executable, "-m", "headgate.testing.node.template")


class Stage:
    """A loop with a template of the fake runtime, and a bundle in the cache."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home").create()
        self.digest = Plane(folder / "plane").bundle("hosted", cache=self.home.cache)
        self.loop = Loop()
        self.made: list[Template] = []

    def template(self, command: tuple[str, ...] = FAKE) -> Template:
        launcher = Launcher(self.home, Settings())
        self.made.append(Template(self.loop, launcher, command, "fake", Nursery(self.loop, 60.0), "template-fake"))
        return self.made[-1]

    def fork(self, template: Template, name: str) -> Fork:
        folder = self.home.run / "hosts" / self.digest[:16]
        folder.mkdir(parents=True, exist_ok=True)
        fork = Fork(self.digest, "native", folder / f"{name}.sock", smoke=False, changed=lambda _: None)
        template.fork(fork)
        return fork

    def turn_until(self, condition: Callable[[], bool]) -> None:
        until = self.loop.now() + 60
        while not condition():
            assert self.loop.now() < until
            self.loop.turn(0.1)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    for template in stage.made:
        template.kill()
    stage.turn_until(lambda: all(template.ended for template in stage.made))
    stage.loop.close()


def test_one_that_hangs_is_killed_and_its_hosts_go_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    template = stage.template()
    host = stage.fork(template, "first")
    stage.turn_until(lambda: host.ready)
    os.kill(template.pid, signal.SIGSTOP)
    monkeypatch.setattr(templates, "FORK_SECONDS", 0.2)
    late = stage.fork(template, "second")

    stage.turn_until(lambda: late.ended)
    # nobody asks it again
    assert template.stopping
    stage.turn_until(lambda: template.ended)

    assert host.ready and not host.ended
    assert late.trouble is not None and "to fork within" in late.trouble.message
    host.kill()
    stage.turn_until(lambda: host.ended)


def test_one_that_hangs_can_be_let_go(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "STOP_SECONDS", 0.05)
    template = stage.template()
    os.kill(template.pid, signal.SIGSTOP)
    template.stop()
    stage.turn_until(lambda: template.ended)
