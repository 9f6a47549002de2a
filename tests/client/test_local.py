"""The instance of one home as processes: found by their pid files, started, waited for, stopped."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.client import local
from headgate.errors import Conflict, DeadlineExceeded, Unavailable, Unreachable
from headgate.home import Home
from headgate.testing.control import KEY, FakeControl

# stands in for a program of ours: leaves its pid, then ends on SIGTERM, or does not
STAND_IN = """
import json, os, signal, sys, time
home = sys.argv[sys.argv.index("--home") + 1]
if "--stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(f"{home}/run/{sys.argv[1]}.json", "w") as file:
    json.dump({"pid": os.getpid(), "port": 8000}, file)
time.sleep(60)
"""
WORKER = "headgate.serving.main"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / ".headgate").create()


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def start(
    home: Home, name: str, processes: list[subprocess.Popen[bytes]], *flags: str, program: str = local.AGENT
) -> subprocess.Popen[bytes]:
    # a package of that name that comes first: the command line is that of the real program
    folder = home.path.parent / "stand-in"
    path = folder.joinpath(*program.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / "headgate" / "__init__.py").touch()
    path.write_text(STAND_IN)
    command = [sys.executable, "-m", program, name, "--home", str(home.path), *flags]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(folder)})
    processes.append(process)
    while not any(runner.name == name for runner in local.find_runners(home)):
        assert process.poll() is None
    return process


def test_living_processes_are_found_by_their_files(home: Home, started: list[subprocess.Popen[bytes]]) -> None:
    assert local.find_agent(home) is None
    agent = start(home, "agent", started)
    worker = start(home, "w0-1", started, program=WORKER)
    found = {runner.name: runner.pid for runner in local.find_runners(home)}
    assert found == {"agent": agent.pid, "w0-1": worker.pid}
    agent.kill()
    agent.wait()
    assert local.find_agent(home) is None


def test_a_pid_that_passed_to_a_stranger_is_left_alone(home: Home, started: list[subprocess.Popen[bytes]]) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started.append(stranger)
    other = Home(home.path.with_name("other")).create()
    neighbour = start(other, "agent", started)
    (home.run / "agent.json").write_text(json.dumps({"pid": stranger.pid}))
    (home.run / "w0-1.json").write_text(json.dumps({"pid": neighbour.pid}))
    (home.run / "w0-2.json").write_text("{")
    assert local.find_runners(home) == []
    with pytest.raises(Unreachable, match="Nothing of Headgate runs"):
        local.stop(home)
    assert (stranger.poll(), neighbour.poll()) == (None, None)


def test_one_that_only_names_our_program_and_home_is_left_alone(
    home: Home, started: list[subprocess.Popen[bytes]]
) -> None:
    line = [sys.executable, "-c", "import time; time.sleep(60)", local.AGENT, "--home", str(home.path)]
    stranger = subprocess.Popen(line)
    started.append(stranger)
    (home.run / "agent.json").write_text(json.dumps({"pid": stranger.pid}))
    with pytest.raises(Unreachable, match="Nothing of Headgate runs"):
        local.stop(home)
    assert stranger.poll() is None


def test_stop_ends_the_agent_and_what_it_left(home: Home, started: list[subprocess.Popen[bytes]]) -> None:
    agent = start(home, "agent", started)
    orphan = start(home, "w0-1", started, program=WORKER)
    assert local.stop(home) == sorted([agent.pid, orphan.pid])
    assert agent.wait() != 0
    assert orphan.wait() != 0


def test_stop_names_who_does_not_end(home: Home, started: list[subprocess.Popen[bytes]]) -> None:
    stubborn = start(home, "agent", started, "--stubborn")
    with pytest.raises(DeadlineExceeded, match=str(stubborn.pid)):
        local.stop(home, seconds=0.1)
    assert stubborn.poll() is None


def test_a_second_agent_is_refused(home: Home, started: list[subprocess.Popen[bytes]]) -> None:
    start(home, "agent", started)
    with pytest.raises(Conflict, match="headgate down"):
        local.start_agent(home, {})


def test_an_agent_that_ends_is_told_with_its_last_words(home: Home) -> None:
    agent = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
    (home.logs / "up.log").write_text("noise\n" * 100 + "the port is taken\n")
    with pytest.raises(Unavailable, match="status 7") as trouble:
        local.wait_ready(home, agent)
    assert trouble.value.message.endswith("the port is taken")


def test_ready_is_when_a_worker_is(home: Home, control: FakeControl, started: list[subprocess.Popen[bytes]]) -> None:
    agent = start(home, "agent", started)
    with pytest.raises(DeadlineExceeded, match="not ready"):
        local.wait_ready(home, agent, seconds=0.1)
    home.credentials.write_text(json.dumps({"url": control.url, "key": KEY}))
    assert local.wait_ready(home, agent).workers[0].ready


def test_free_ports_are_free_and_different() -> None:
    assert len(set(local.free_ports(5))) == 5
