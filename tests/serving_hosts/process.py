"""A template process as an agent sees it, and what tests of model hosts ask of it."""

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

import numpy as np

from headgate.home import Home
from headgate.runtimes.batch import Batch
from headgate.testing.bundles import BuiltBundle
from headgate.testing.zoo import FEATURES

PATIENCE = 30.0


class TemplateProcess:
    """A template of the Python runtime on a home of its own."""

    def __init__(
        self, home: Home, bundle: BuiltBundle, environment: dict[str, str] | None = None, runtime: str = "python"
    ) -> None:
        self.home = home
        self.begin(bundle)
        self.heard: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "headgate.serving.hosts.template", "--home", home.path, "--runtime", runtime],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        self._forks = 0

    def begin(self, bundle: BuiltBundle) -> None:
        """From here on, forks are of this bundle."""
        self.bundle = bundle
        self.folder = self.home.run / "hosts" / bundle.digest[:16]

    def fork(self, *, smoke: bool = False, digest: str = "", spare: bool = False) -> int:
        """Ask for a child and return its pid."""
        self._forks += 1
        folder = self.folder / "spare" if spare else self.folder
        path = folder / (f"smoke{self._forks}" if smoke else f"{self._forks}.sock")
        order = {"digest": digest or self.bundle.digest, "form": "native", "socket": str(path), "smoke": smoke}
        self.send({"fork": order})
        return int(self.hear("started", socket=str(path))["pid"])

    def host(self, *, spare: bool = False) -> int:
        """The pid of a new host that is ready."""
        pid = self.fork(spare=spare)
        self.hear("ready", pid=pid)
        return pid

    def send(self, command: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The next message of that kind about that child, whatever else comes before it."""
        assert self.process.stdout is not None
        while True:
            for message in self.heard:
                told = message.get(kind)
                if told is not None and (told is True or wanted.items() <= told.items()):
                    self.heard.remove(message)
                    return message if told is True else dict(told)
            line = self.process.stdout.readline()
            assert line, f"the template ended before it said {kind} {wanted}"
            self.heard.append(json.loads(line))

    def pids(self) -> set[int]:
        return {int(path.stem) for path in self.folder.glob("**/*.json")}

    def logs(self, digest: str = "") -> str:
        """What the hosts of a bundle have printed."""
        name = f"host-{(digest or self.bundle.digest)[:16]}-*.log*"
        return "".join(path.read_text() for path in sorted(self.home.logs.glob(name)))

    def end_hosts(self) -> None:
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.end_hosts()


def rows(*pairs: tuple[float, float]) -> Batch:
    """(fault, value) per row."""
    return Batch(FEATURES, matrix=np.array(pairs, dtype=np.float64))


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds; fail when it does not."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
