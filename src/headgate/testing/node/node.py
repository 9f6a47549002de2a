"""One node below a folder: start and kill its agent, publish tables to it, see what it reports."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from headgate.home import Home
from headgate.processes import arguments, module_on
from headgate.records import NodeReport, RouteTable, WorkerReport
from headgate.settings import Settings, to_environment
from headgate.testing.node.plane import Plane

PATIENCE = 20.0
QUICK = Settings(
    port=0, control_port=0, grpc_port=0, heartbeat_seconds=0.1, hang_seconds=1.0, acknowledge_seconds=0.5,
    load_seconds=3.0, drain_seconds=2.0,
)  # fmt: skip


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The condition's first true value; what it raises about files that are not there yet counts as false."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError, ValueError, KeyError, IndexError):
            if value := condition():
                return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:g} s for {what}")


class Node:
    """A home, a folder of what the control plane says, and at most one agent of ours at a time."""

    def __init__(self, folder: Path, fakes: str = "worker,template,control", **settings: Any) -> None:
        self.home = Home(folder / "home").create()
        self.plane = Plane(folder / "plane")
        self.settings = msgspec.structs.replace(QUICK, **settings)
        self.agent: subprocess.Popen[bytes] | None = None
        self._fakes = fakes

    def start(self, control: bool = True, **environment: str) -> "Node":
        """Start an agent and wait until it is ready."""
        self.launch(control, **environment)
        assert self.agent is not None
        pid = self.agent.pid
        until(lambda: self.journal["pid"] == pid and self.journal["ready"], "a ready agent")
        return self

    def launch(self, control: bool = True, **environment: str) -> subprocess.Popen[bytes]:
        """Start an agent; its output goes to `agent.out`."""
        command = [sys.executable, "-m", "headgate.testing.node.agent", "--home", str(self.home.path)]
        settings = to_environment(self.settings) | {"HEADGATE_FAKES": self._fakes}
        with (self.home.path.parent / "agent.out").open("ab") as output:
            self.agent = subprocess.Popen(
                command if control else [*command, "--no-control"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **settings, **environment},
                start_new_session=True,
            )
        return self.agent

    def kill(self) -> None:
        """`kill -9` the agent."""
        assert self.agent is not None
        self.agent.kill()
        self.agent.wait()

    def stop(self) -> int:
        """Ask the agent to stop; its exit status."""
        assert self.agent is not None
        self.agent.terminate()
        return self.agent.wait(PATIENCE)

    def clean(self) -> None:
        """End whatever still runs on this home, by its pid."""
        if self.agent is not None and self.agent.poll() is None:
            self.agent.kill()
            self.agent.wait()
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pids(self, word: str = "") -> list[int]:
        """Living processes of this home whose command line has the word, our agent aside."""
        found = []
        for entry in Path("/proc").iterdir():
            pid = int(entry.name) if entry.name.isdigit() else 0
            mine = module_on(pid, self.home.path) and any(word in part for part in arguments(pid))
            if mine and (self.agent is None or pid != self.agent.pid):
                found.append(pid)
        return sorted(found)

    @property
    def journal(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.home.run / "agent.json").read_bytes())
        return content

    @property
    def port(self) -> int:
        return int(self.journal["port"])

    @property
    def report(self) -> NodeReport:
        """The last that the control plane got."""
        return msgspec.json.decode((self.plane.folder / "report.json").read_bytes(), type=NodeReport)

    def workers(self) -> dict[str, WorkerReport]:
        """Name → report of the workers that are ready and stay."""
        return {each.worker: each for each in self.report.workers if each.ready and not each.draining}

    def has(self, endpoint: str, generation: int) -> bool:
        """Whether every ready worker answers by that table."""
        workers = self.workers().values()
        return bool(workers) and all(each.generations.get(endpoint, (0, 0))[1] == generation for each in workers)


def worker_pids(home: Home) -> list[int]:
    """By the pid files that workers write."""
    return [json.loads(path.read_bytes())["pid"] for path in sorted(home.run.glob("w*.json"))]


def host_pids(home: Home, digest: str) -> list[int]:
    """By the pid files that model hosts write."""
    return sorted(int(path.stem) for path in (home.run / "hosts" / digest[:16]).glob("*.json"))


def table_on_disk(home: Home, endpoint: str) -> RouteTable:
    return msgspec.json.decode((home.routes / f"{endpoint}.json").read_bytes(), type=RouteTable)
