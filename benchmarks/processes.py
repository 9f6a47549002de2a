"""Servers as processes: started, waited for, measured with all that they start, and ended by pid."""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from benchmarks.contender import Command, NotAvailable, Question

TICKS = os.sysconf("SC_CLK_TCK")
PAUSE = 0.01
STOP_SECONDS = 20.0
# in the environment of a server and so of whatever it starts, wherever that hangs in the tree of processes
MARK = "HEADGATE_BENCHMARK_PROCESS"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Running:
    """A server that runs, with its descendants."""

    port: int
    process: "subprocess.Popen[bytes]"
    mark: str
    log: IO[bytes]
    begun: float = field(default_factory=time.perf_counter)
    # CPU seconds when last seen, of every process that ever belonged to it
    seen: dict[int, float] = field(default_factory=dict)

    def ask(self, path: str, question: Question, timeout: float = 30.0) -> str:
        """What is wrong with the server's answer; empty when nothing is. Raises `OSError` or `HTTPException`."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            link.request("POST", path, question.body, {"Content-Type": "application/json", **question.headers})
            response = link.getresponse()
            answer = response.read()
            return question.fault(answer) if response.status == 200 else f"status {response.status}: {answer[:200]!r}"
        finally:
            link.close()

    def wait_for(self, path: str, question: Question, seconds: float) -> float:
        """Seconds from the start to the first right answer; raises `NotAvailable` with the end of its log."""
        fault = "nobody listens"
        while time.perf_counter() - self.begun < seconds:
            if self.process.poll() is not None:
                raise NotAvailable(f"it ended with status {self.process.returncode}: {self.last_words()}")
            try:
                fault = self.ask(path, question)
            except (OSError, http.client.HTTPException) as error:
                fault = f"{type(error).__name__}: {error}"
            if not fault:
                return time.perf_counter() - self.begun
            time.sleep(PAUSE)
        raise NotAvailable(f"no right answer within {seconds:g} s ({fault}): {self.last_words()}")

    def last_words(self) -> str:
        """The last line of what it printed."""
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1][-300:] if lines else "it said nothing"

    def members(self) -> list[int]:
        """Living processes of this server."""
        return sorted(family(self.process.pid, self.mark))

    def cpu_seconds(self) -> float:
        """User and system time so far, of the ended ones too as far as they were seen."""
        for pid in self.members():
            with suppress(OSError):
                self.seen[pid] = cpu_of(pid)
        return sum(self.seen.values())

    def memory(self) -> float:
        """Proportional set size of all its processes in megabytes."""
        return sum(pss_of(pid) for pid in self.members())

    def stop(self) -> None:
        """SIGTERM to the first process; whatever of it is left after a while is killed by its pid."""
        before = self.members()
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        left = set(before) | set(self.members())
        for pid in left:
            # a pid that passed to a stranger carries no mark
            if pid == self.process.pid or carries(pid, self.mark) or pid in family(self.process.pid, self.mark):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


def start(command: Command, port: int) -> Running:
    """Start a server; its output goes to a file that is gone with it."""
    mark = secrets.token_hex(8)
    log = tempfile.TemporaryFile("w+b")  # noqa: SIM115 (closed when the server is stopped)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
    process = subprocess.Popen(
        command.arguments,
        env=environment | {MARK: mark} | dict(command.environment),
        cwd=command.folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    return Running(port, process, mark, log)


@contextmanager
def running(command: Command, port: int) -> Iterator[Running]:
    server = start(command, port)
    try:
        yield server
    finally:
        server.stop()


def family(root: int, mark: str) -> set[int]:
    """A process, its descendants, and whoever carries the mark; never this process."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = {pid for pid in parents if pid == root or carries(pid, mark)}
    while grown := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= grown
    return found - {os.getpid()}


def carries(pid: int, mark: str) -> bool:
    with suppress(OSError):
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    return False


def cpu_of(pid: int) -> float:
    """User and system seconds of one process; raises `OSError` when it has ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss_of(pid: int) -> float:
    """Proportional set size in megabytes; 0 for a process that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def memory_of(pids: Sequence[int]) -> float:
    """Proportional set size of some processes in megabytes."""
    return sum(pss_of(pid) for pid in pids)
