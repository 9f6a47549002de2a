"""Which process is ours: what lives, what it runs, on which home, with whom it ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.processes import is_alive, module_on, runs, started_at

PAUSE = "import sys; print(flush=True); sys.stdin.read()"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """With a stand-in for the agent in it, which reads until its stdin closes."""
    folder = tmp_path / "stand-in" / "headgate" / "agent"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "main.py").write_text(PAUSE)
    (tmp_path / "home").mkdir()
    yield tmp_path / "home"


def start(home: Path, *command: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(home.with_name("stand-in"))}
    process = subprocess.Popen(
        [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=home.parent
    )
    assert process.stdout is not None
    # its first word, or its end
    process.stdout.readline()
    return process


@pytest.mark.parametrize("written", ["{home}", "home", "{home}/../home"])
def test_ours_is_told_by_module_and_home(home: Path, written: str) -> None:
    with start(home, "-m", "headgate.agent.main", "--home", written.format(home=home)) as process:
        assert module_on(process.pid, home) == "headgate.agent.main"
        assert module_on(process.pid, home.parent) == ""
        assert runs(process.pid, ("python", "-m", "headgate.agent.main"), home)
        assert not runs(process.pid, ("python", "-m", "headgate.app"), home)


def test_words_elsewhere_in_a_command_line_do_not_count(home: Path) -> None:
    with start(home, "-c", PAUSE, "-m", "headgate.agent.main", "--home", str(home)) as process:
        assert module_on(process.pid, home) == ""


def test_a_zombie_is_dead(home: Path) -> None:
    with start(home, "-c", "") as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{process.pid}").exists()
        assert not is_alive(process.pid)
    assert is_alive(os.getpid())
    assert started_at(os.getpid()) >= started_at(os.getppid()) > 0
    assert started_at(2**22 + 1) == 0


def test_a_session_yields_as_a_whole_where_the_kernel_shares_by_session() -> None:
    code = (
        "from headgate.processes import AUTOGROUP, yield_processor; import os; yield_processor(7);"
        "print(os.getpriority(os.PRIO_PROCESS, 0), AUTOGROUP.read_text() if AUTOGROUP.exists() else 'nice 7')"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, start_new_session=True
    )
    nice, *group = told.stdout.split()
    assert nice == str(7 + os.getpriority(os.PRIO_PROCESS, 0))
    if os.geteuid() == 0:
        # others may have to wait for their turn to change theirs
        assert group[-2:] == ["nice", "7"]
