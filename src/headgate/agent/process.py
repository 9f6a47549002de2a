"""A process that is watched and signalled through a pidfd, child or not: its pid cannot pass to another meanwhile."""

import os
import select
import signal
import subprocess
from pathlib import Path

from headgate.processes import runs


class Process:
    """A living or just ended process. Readable (for a selector) once it has ended."""

    def __init__(self, pid: int, descriptor: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.child = child
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    @property
    def alive(self) -> bool:
        return self._descriptor >= 0 and not self.wait(0)

    def send(self, number: int) -> bool:
        """Whether the signal found the process."""
        try:
            signal.pidfd_send_signal(self._descriptor, number)
        except OSError:
            # ended (ESRCH), or closed by us because it had ended (EBADF)
            return False
        return True

    def reap(self) -> str:
        """How it ended, for people; also frees the zombie when it is our child."""
        if self.child is None:
            return "ended"
        return manner(self.child.wait())

    @property
    def status(self) -> int | None:
        """Exit status, or minus the signal, of our child once it was reaped."""
        return None if self.child is None else self.child.returncode

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within that time."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(max(0, round(seconds * 1000))))

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def manner(status: int) -> str:
    """How a process ended, from its exit status, or the negative number of the signal that ended it."""
    if status >= 0:
        return f"exit status {status}"
    return signal.Signals(-status).name if -status in {int(known) for known in signal.Signals} else f"signal {-status}"


def hold(pid: int) -> Process | None:
    """Take hold of a process that is not our child; None when there is none."""
    try:
        process = Process(pid, os.pidfd_open(pid))
    except OSError:
        return None
    if process.alive:
        return process
    process.close()
    return None


def find_processes(program: tuple[str, ...], home: Path) -> list[Process]:
    """Every process that runs this program on this home, held. Files in `run/` are hints, this is the truth."""
    found = []
    for pid in [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]:
        if runs(pid, program, home) and (process := hold(pid)):
            # asked again now that its pid cannot pass to another
            if runs(process.pid, program, home):
                found.append(process)
            else:
                process.close()
    return found
