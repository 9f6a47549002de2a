"""Processes of this machine as the kernel tells of them: whether one lives, and what of ours it runs on which home."""

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

PACKAGE = "headgate"
PR_SET_PDEATHSIG = 1
# for processes of ours: none takes its modules from whatever folder somebody happens to stand in
SAFE_PATH = {"PYTHONSAFEPATH": "1"}
AUTOGROUP = Path("/proc/self/autogroup")


def started_at(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 when there is none or it is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0
    # the name in brackets may hold anything; behind it come the state (field 3) and the start time (field 22)
    fields = text.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    return started_at(pid) != 0


def arguments(pid: int) -> tuple[str, ...]:
    """Its command line; empty for a kernel thread, a zombie, or nobody."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(os.fsdecode(part) for part in line.split(b"\0") if part)


def argument_of(line: tuple[str, ...], flag: str) -> str:
    """What follows the flag, or an empty text."""
    place = line.index(flag) + 1 if flag in line else len(line)
    return line[place] if place < len(line) else ""


def runs(pid: int, program: tuple[str, ...], home: Path) -> bool:
    """Whether the process runs this program on this home. The interpreter's own path is not compared."""
    line = arguments(pid)
    return len(line) >= len(program) and line[1 : len(program)] == program[1:] and _is_on(pid, line, home)


def module_on(pid: int, home: Path) -> str:
    """The module of ours that the process runs on this home: `python -m headgate.… --home H`.

    Empty for anything else: a pid that stands in a file may have passed to a stranger.
    """
    line = arguments(pid)
    module = line[2] if len(line) > 2 and line[1] == "-m" else ""
    return module if module.split(".")[0] == PACKAGE and _is_on(pid, line, home) else ""


def end_with(parent: int) -> None:
    """Have this process get SIGTERM when its parent ends, however it does; at once when it has ended already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def yield_processor(nice: int) -> None:
    """Let others go first on a processor that is too small for all: for work that no client waits for.

    Where the kernel groups processes by session (`sched_autogroup_enabled`), `nice` counts within a session only, and
    the session as a whole has a value of its own. The caller leads a session, or yields for all of it.
    """
    os.nice(nice)
    # no such grouping here, or the kernel allows one change in a tenth of a second: then this stays a favour not done
    with suppress(OSError):
        AUTOGROUP.write_text(str(nice))


def _is_on(pid: int, line: tuple[str, ...], home: Path) -> bool:
    given = argument_of(line, "--home")
    with suppress(OSError):
        # a relative one means its own folder, not ours
        return bool(given) and Path(f"/proc/{pid}/cwd", given).resolve() == home.resolve()
    return False
