"""Processes are told apart by what they run, held by pidfd, and their output is kept short."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.agent.launcher import Launcher
from headgate.agent.links import Lines
from headgate.agent.logs import cut_logs, last_words, log_path, log_size
from headgate.agent.process import Process, find_processes, hold
from headgate.errors import Unavailable
from headgate.home import Home
from headgate.processes import argument_of
from headgate.settings import Settings

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    return Launcher(Home(tmp_path / "home").create(), Settings(port=8123))


@pytest.fixture
def sleeper(launcher: Launcher) -> Iterator[Process]:
    process = launcher.start("sleeper", SLEEP)
    yield process
    process.send(signal.SIGKILL)
    process.reap()
    process.close()


def test_a_child_has_its_own_session_settings_and_log(launcher: Launcher) -> None:
    program = (
        "import os; print(os.getsid(0) == os.getpid(), os.environ['HEADGATE_SETTINGS'][:40], flush=True); os._exit(7)"
    )
    process = launcher.start("child", (sys.executable, "-c", program))
    assert process.wait(20)
    assert process.reap() == "exit status 7"
    assert last_words(launcher.home, "child").startswith('True {"host":"127.0.0.1","port":8123')
    process.close()
    assert not process.alive
    assert not process.send(signal.SIGTERM)


def test_how_it_ended_is_said_in_words(sleeper: Process) -> None:
    assert sleeper.alive
    assert sleeper.send(signal.SIGKILL)
    assert sleeper.wait(20)
    assert sleeper.reap() == "SIGKILL"


def test_a_program_that_is_not_there_is_named(launcher: Launcher) -> None:
    with pytest.raises(Unavailable, match="/no/such/program"):
        launcher.start("none", ("/no/such/program",))


def test_processes_are_found_by_program_and_home(launcher: Launcher, sleeper: Process, tmp_path: Path) -> None:
    other = Home(tmp_path / "other").create()
    link = tmp_path / "link"
    link.symlink_to(launcher.home.path)

    for home, pids in ((launcher.home.path, [sleeper.pid]), (link, [sleeper.pid]), (other.path, [])):
        found = find_processes(SLEEP, home)
        assert [process.pid for process in found] == pids
        for process in found:
            process.close()
    assert find_processes((*SLEEP[:-1], "another program"), launcher.home.path) == []


def test_a_held_process_that_is_not_a_child_is_seen_to_end(sleeper: Process) -> None:
    held = hold(sleeper.pid)
    assert held is not None
    assert held.alive
    sleeper.send(signal.SIGKILL)
    assert held.wait(20)
    assert held.reap() == "ended"
    held.close()
    # a zombie is nobody
    assert hold(sleeper.pid) is None


@pytest.mark.parametrize("pid", [2**22 + 1, 2**31 - 1])
def test_nobody_is_held(pid: int) -> None:
    assert hold(pid) is None


def test_an_argument_is_what_follows_its_flag() -> None:
    line = ("python", "--worker", "w0-1", "--home")
    assert [argument_of(line, flag) for flag in ("--worker", "--home", "--port")] == ["w0-1", "", ""]


def test_a_log_is_cut_while_it_is_written_to(launcher: Launcher) -> None:
    home = launcher.home
    program = "import sys\nfor line in sys.stdin: print(line * 100, end='', flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=open_append(log_path(home, "noisy"))
    ) as noisy:
        assert noisy.stdin is not None
        for round_number in range(3):
            noisy.stdin.write(b"x" * 99 + b"\n")
            noisy.stdin.flush()
            wait_for_size(home, 10_000)
            cut_logs(home, limit=5_000)
            assert log_size(home, "noisy") == 0, round_number
            assert log_path(home, "noisy").with_name("noisy.log.1").stat().st_size == 5_000


def open_append(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def wait_for_size(home: Home, size: int) -> None:
    while log_size(home, "noisy") < size:
        os.sched_yield()


def test_last_words_are_the_last_line_since_the_start(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    assert last_words(home, "none") == ""
    log_path(home, "x").write_text("before\n")
    start = log_size(home, "x")
    assert last_words(home, "x", start) == ""
    with log_path(home, "x").open("a") as log:
        log.write("Traceback\n  ...\nValueError: no\n\n")
    assert last_words(home, "x", start) == "ValueError: no"
    # cut meanwhile
    log_path(home, "x").write_text("new\n")
    assert last_words(home, "x", 10_000) == "new"


def test_lines_come_out_as_they_are_complete() -> None:
    lines = Lines()
    assert lines.feed(b"on") == []
    assert lines.feed(b"e\ntwo\n\nthr") == [b"one", b"two"]
    assert lines.feed(b"ee\n") == [b"three"]
