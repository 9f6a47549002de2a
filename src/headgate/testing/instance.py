"""A whole instance for tests: `headgate up` as a process of its own on free ports, with a client."""

import contextlib
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from headgate.certificate import KEPT, trust_kept
from headgate.client.client import Client
from headgate.client.local import free_ports
from headgate.errors import Unreachable
from headgate.home import Home
from headgate.processes import is_alive, module_on

READY_SECONDS = 40.0
STOP_SECONDS = 20.0


class Instance:
    """A running instance below one home; what it starts is stopped with it."""

    def __init__(
        self,
        home: Path,
        *,
        workers: int = 1,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = Home(home)
        self.port, self.control_port = free_ports(2)
        self.workers = workers
        self.settings = settings or {}
        self.environment = environment or {}
        # every `headgate up` of this instance, the newest last
        self._ups: list[subprocess.Popen[bytes]] = []

    @property
    def data_url(self) -> str:
        return f"{'https' if 'tls_cert' in self.settings else 'http'}://127.0.0.1:{self.port}"

    @property
    def agent_pid(self) -> int:
        return int(self._read("agent.json")["pid"])

    @property
    def control_pid(self) -> int:
        return int(self._read("control.json")["pid"])

    def is_ready(self) -> bool:
        """What the data plane's `/readyz` says."""
        try:
            return httpx2.get(f"{self.data_url}/readyz", verify=self.verify()).is_success
        except (httpx2.HTTPError, Unreachable):
            return False

    def verify(self) -> ssl.SSLContext | bool:
        """How a client of the data plane trusts this instance."""
        return trust_kept(self.home.run / KEPT) if "tls_cert" in self.settings else True

    def worker_pids(self) -> list[int]:
        """Living workers by their pid files."""
        found = [msgspec.json.decode(path.read_bytes())["pid"] for path in self.home.run.glob("w*.json")]
        return [pid for pid in found if is_alive(pid)]

    def host_pids(self) -> list[int]:
        """Living model hosts by their pid files, spare ones too."""
        found = [int(path.stem) for path in (self.home.run / "hosts").glob("**/*.json")]
        return [pid for pid in found if is_alive(pid)]

    def start(self) -> "Instance":
        """`headgate up` in the background; returns at once."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HEADGATE_") or name == "HEADGATE_SIGNING_KEY"
        }
        # several run at once: who tries gRPC names a port
        environment |= {"HEADGATE_GRPC_PORT": "0"}
        environment |= {f"HEADGATE_{name.upper()}": str(value) for name, value in self.settings.items()}
        environment |= self.environment
        self.home.path.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable, "-m", "headgate", "up", "--home", str(self.home.path), "--port", str(self.port),
            "--control-port", str(self.control_port), "--workers", str(self.workers),
        ]  # fmt: skip
        with (self.home.path / "up.log").open("ab") as log:
            up = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._ups.append(up)
        return self

    def client(self) -> Client:
        return Client(home=self.home.path)

    def wait_ready(self) -> "Instance":
        """Until the control plane answers and every worker is ready."""
        until(lambda: self.home.credentials.exists(), "the credentials")

        def everything_is_up() -> bool:
            with self.client() as client:
                workers = client.status()["workers"]
            return len(workers) >= self.workers and all(worker["ready"] for worker in workers)

        until(everything_is_up, "control plane and workers")
        return self

    def stop(self) -> None:
        """SIGTERM to the agent; whatever of this home still lives afterwards is killed by its pid."""
        pids = self.all_pids()
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError, KeyError):
            os.kill(self.agent_pid, signal.SIGTERM)
        for up in self._ups[-1:]:
            with contextlib.suppress(subprocess.TimeoutExpired):
                up.wait(STOP_SECONDS)
        for pid in pids:
            if module_on(pid, self.home.path):
                kill(pid)
        for up in self._ups:
            up.wait()

    def all_pids(self) -> list[int]:
        """Every process that has left a pid in `run/`."""
        pids = [*self.worker_pids(), *self.host_pids()]
        for name in ("control.json", "agent.json"):
            with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
                pids.append(int(self._read(name)["pid"]))
        return [*pids, *(up.pid for up in self._ups if up.poll() is None)]

    def _read(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = msgspec.json.decode((self.home.run / name).read_bytes())
        return content


@contextlib.contextmanager
def running_instance(
    home: Path, *, workers: int = 1, environment: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[Instance]:
    """An instance that answers, stopped at the end."""
    instance = Instance(home, workers=workers, settings=settings, environment=environment)
    try:
        yield instance.start().wait_ready()
    finally:
        instance.stop()


def until(condition: Callable[[], object], what: str, seconds: float = READY_SECONDS) -> None:
    """Wait for a condition; its exceptions count as not yet. Raises `TimeoutError` with the last one."""
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if condition():
                return
            last = None
        except Exception as error:  # noqa: BLE001 (whatever a starting instance answers, it is not ready)
            last = error
        time.sleep(0.05)
    raise TimeoutError(f"waited {seconds:g} s for {what}") from last


def kill(pid: int) -> None:
    """`kill -9`."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
