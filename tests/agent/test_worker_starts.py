"""How long workers may take to start."""

import sys
from pathlib import Path

import pytest

from headgate.agent import worker as worker_module
from headgate.agent.launcher import Launcher, Programs
from headgate.agent.loop import Loop
from headgate.agent.metrics import AgentMetrics
from headgate.agent.tables import Tables
from headgate.agent.worker import MOST_DOUBLINGS, START_SECONDS, start_patience
from headgate.agent.workers import Workers
from headgate.home import Home
from headgate.settings import Settings

SILENT = (sys.executable, "-c", "import time; time.sleep(600)")


def test_patience_doubles_and_ends() -> None:
    assert [start_patience(silent) for silent in (0, 1, 2)] == [START_SECONDS, 2 * START_SECONDS, 4 * START_SECONDS]
    assert start_patience(100) == START_SECONDS * 2**MOST_DOUBLINGS


def test_who_was_ended_for_its_silence_is_followed_by_one_that_has_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "START_SECONDS", 0.5)
    home, loop = Home(tmp_path).create(), Loop()
    launcher = Launcher(home, Settings(workers=1, hang_seconds=0.5))
    workers = Workers(loop, launcher, Programs(worker=SILENT), Tables(home), 0, AgentMetrics(home), lambda: None)
    workers.start()
    patience: dict[str, float] = {}
    until = loop.now() + 60
    while len(patience) < 3:
        assert loop.now() < until
        workers.judge()
        loop.turn(0.05)
        patience |= {worker.name: worker.patience for worker in workers._all}

    assert list(patience.values()) == [0.5, 1.0, 2.0]
    workers.stop()
    workers.kill()
    while not workers.gone:
        loop.turn(0.05)
    loop.close()
