"""The servers under test as processes, and the CPU time that they take."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from headgate.home import Home

TICKS = os.sysconf("SC_CLK_TCK")


class Server(NamedTuple):
    """A running server and where it predicts."""

    name: str
    url: str
    process: "subprocess.Popen[bytes]"

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def running(command: list[str], name: str, port: int, path: str, fds: tuple[int, ...] = ()) -> Iterator[Server]:
    """Start, wait until it listens, and stop at the end."""
    process = subprocess.Popen([sys.executable, *command], pass_fds=fds)
    try:
        wait_until_listening(port, process)
        yield Server(name, f"http://127.0.0.1:{port}{path}", process)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def headgate_worker(home: Home, endpoint: str) -> Iterator[Server]:
    """One worker on a home that has its tables."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        fd, port = listener.fileno(), listener.getsockname()[1]
        command = ["-m", "headgate.serving.main", "--home", str(home.path), "--worker", "w0-bench"]
        path = f"/v1/endpoints/{endpoint}/predict"
        with running([*command, "--listen-fd", str(fd)], "headgate", port, path, (fd,)) as server:
            while not (home.run / "w0-bench.json").exists():
                time.sleep(0.01)
            yield server


@contextmanager
def bare_server(model: Path, form: str, names: list[str]) -> Iterator[Server]:
    """The reference."""
    port = free_port()
    command = ["-m", "benchmarks.bare", "--port", str(port), "--model", str(model), "--form", form]
    with running([*command, "--names", ",".join(names)], "bare", port, "/") as server:
        yield server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until_listening(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("the server ended before it listened")
