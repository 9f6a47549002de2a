"""The instance of one home as processes of this machine: start it, look whether it runs, stop it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from headgate.client.address import read_credentials
from headgate.client.client import Client
from headgate.client.document import Document
from headgate.clock import Clock, SystemClock
from headgate.errors import Conflict, DeadlineExceeded, HeadgateError, Unavailable, Unreachable
from headgate.home import Home
from headgate.processes import SAFE_PATH, module_on

AGENT = "headgate.agent.main"
PROGRAMS = (AGENT, "headgate.app", "headgate.serving.main", "headgate.serving.hosts.template")
START_SECONDS = 60.0
STOP_SECONDS = 30.0
PAUSE = 0.03
ATTEMPTS = 2  # starts of the control plane after which its trouble is no accident
TAIL = 15  # lines of the log in an error


@dataclass(frozen=True, slots=True)
class Runner:
    """A process that has left its pid in the home's `run/` and still lives."""

    name: str
    pid: int
    facts: Mapping[str, Any]


def agent_command(home: Home, *, control: bool = True, temporary: bool = False) -> list[str]:
    """The command line of the agent of this home, to be started or to become.

    One of a `temporary` home ends with this process, however it ends, and then removes the home.
    """
    command = [sys.executable, "-m", AGENT, "--home", str(home.path)]
    if not control:
        command.append("--no-control")
    return [*command, "--temporary-for", str(os.getpid())] if temporary else command


def start_agent(
    home: Home, environment: Mapping[str, str], *, control: bool = True, temporary: bool = False
) -> subprocess.Popen[bytes]:
    """Start the agent in a session of its own, with its output in `logs/up.log`.

    Raises `Conflict` when one runs on this home already.
    """
    if running := find_agent(home):
        raise Conflict(f"Headgate runs already in {home.path} (pid {running.pid}). Stop it: {stop_hint(home)}")
    home.create()
    with open_log(home) as log:
        return subprocess.Popen(
            agent_command(home, control=control, temporary=temporary),
            env={**environment, **SAFE_PATH},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def bring_up(home: Home, environment: Mapping[str, str]) -> Document:
    """Start the agent and everything else, and give the status once it is ready; raises as `wait_ready` does.

    Where the control plane cannot start and nothing was deployed before, nothing stays that would be in the way of the
    next try.
    """
    agent = start_agent(home, environment)
    try:
        return wait_ready(home, agent)
    except Unavailable:
        if not has_tables(home):
            # the reason is what counts
            with suppress(HeadgateError, subprocess.TimeoutExpired):
                stop(home)
                agent.wait(STOP_SECONDS)
        raise


def wait_ready(
    home: Home, agent: subprocess.Popen[bytes], *, seconds: float = START_SECONDS, clock: Clock | None = None
) -> Document:
    """The status, once the control plane answers and every worker is ready that does not leave.

    Raises `Unavailable` with the end of the log when the agent ends, `DeadlineExceeded` after `seconds`.
    """
    ticks = clock or SystemClock()
    deadline = ticks.monotonic() + seconds
    while ticks.monotonic() < deadline:
        if agent.poll() is not None:
            raise Unavailable(f"Expected Headgate to start, it ended with status {agent.returncode}.\n{log_tail(home)}")
        status = ask_status(home)
        staying = [worker for worker in status["workers"] if not worker["draining"]] if status else []
        if status and staying and all(worker["ready"] for worker in staying):
            return status
        require_control(home)
        ticks.sleep(PAUSE)
    raise DeadlineExceeded(
        f"Headgate was not ready after {seconds:g} s. Its logs are in {home.logs}.\n{log_tail(home)}"
    )


def require_control(home: Home) -> None:
    """Raises `Unavailable` with the reason when the control plane has ended again and again since it was started."""
    agent = find_agent(home)
    if agent and agent.facts.get("control_restarts", 0) >= ATTEMPTS and agent.facts.get("control_trouble"):
        trouble = str(agent.facts["control_trouble"]).removesuffix(".")
        meanwhile = (
            "What was deployed before is answered meanwhile, and the start is tried again. "
            f"See {home.logs}; stop it with {stop_hint(home)}."
            if has_tables(home)
            else f"See {home.logs}."
        )
        raise Unavailable(f"The control plane does not start: it {trouble}. {meanwhile}")


def has_tables(home: Home) -> bool:
    """Whether something was deployed to this node, which it answers without a control plane."""
    return any(home.routes.glob("*.json"))


def stop_hint(home: Home) -> str:
    """The command that stops the instance of this home, wherever it is typed."""
    return f"headgate down --home {home.path}"


def ask_status(home: Home) -> Document | None:
    """What the control plane of this home says, None where it does not answer."""
    if not home.credentials.exists():
        return None
    try:
        with local_client(home) as client:
            return client.status()
    except HeadgateError:
        # starting, stopping or dead: the run files tell the rest
        return None


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on right now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def find_agent(home: Home) -> Runner | None:
    """The agent of this home, if it lives."""
    return next((runner for runner in find_runners(home) if runner.name == "agent"), None)


def ports_of_last_run(home: Home) -> dict[str, int]:
    """Where the workers of an agent that was killed go on answering, as settings; nothing when none does."""
    if find_agent(home) or not any(runner.name.startswith("w") for runner in find_runners(home)):
        return {}
    try:
        facts = json.loads((home.run / "agent.json").read_bytes())
    except (OSError, ValueError):
        return {}
    names = {"port": facts.get("port"), "control_port": facts.get("control_port"), "grpc_port": facts.get("grpc_port")}
    return {name: port for name, port in names.items() if isinstance(port, int)}


def find_runners(home: Home) -> list[Runner]:
    """Every living process that has left its pid in `run/`; a pid that passed to a stranger does not count."""
    found = []
    for path in sorted([*home.run.glob("*.json"), *home.run.glob("hosts/*/*.json")]):
        try:
            facts = json.loads(path.read_bytes())
            pid = int(facts["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            # written or removed right now, or no pid file
            continue
        if belongs_to(pid, home):
            found.append(Runner(path.stem if path.parent == home.run else "host", pid, facts))
    return found


def stop(home: Home, *, seconds: float = STOP_SECONDS, clock: Clock | None = None) -> list[int]:
    """Ask the agent, which stops the rest; then whatever it has left. The pids that were stopped.

    Raises `Unreachable` when nothing runs, `DeadlineExceeded` naming the pids that do not end.
    """
    runners = find_runners(home)
    if not runners:
        raise Unreachable(f"Nothing of Headgate runs in {home.path}. Start it with `headgate up`.")
    ticks = clock or SystemClock()
    deadline = ticks.monotonic() + seconds
    pids = {runner.pid for runner in runners}
    agent = [runner.pid for runner in runners if runner.name == "agent"]
    if agent:
        _end(agent, home, deadline, ticks)
    orphans = [runner.pid for runner in find_runners(home)]
    _end(orphans, home, deadline, ticks)
    return sorted(pids | set(orphans))


def belongs_to(pid: int, home: Home) -> bool:
    """Whether the process is one of ours on this home: pids are given out again."""
    return module_on(pid, home.path) in PROGRAMS


def log_tail(home: Home) -> str:
    """The last lines of what the agent wrote to stdout and stderr."""
    with suppress(OSError):
        lines = (home.logs / "up.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL:])
    return ""


@contextmanager
def open_log(home: Home) -> Iterator[IO[bytes]]:
    """The file of the agent's stdout and stderr, to append to."""
    path = home.logs / "up.log"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as log:
        yield log


def local_client(home: Home) -> Client:
    """The client of this home, whatever the environment names."""
    return Client(url=str(read_credentials(home)["url"]), home=home.path, timeout=5.0)


def _end(pids: list[int], home: Home, deadline: float, clock: Clock) -> None:
    for pid in pids:
        _terminate(pid, home)
    while left := [pid for pid in pids if belongs_to(pid, home)]:
        if clock.monotonic() >= deadline:
            raise DeadlineExceeded(
                f"Expected {', '.join(map(str, left))} to end after SIGTERM, they still run. "
                f"See {home.logs}; `kill -9` ends them without finishing their requests."
            )
        clock.sleep(PAUSE)


def _terminate(pid: int, home: Home) -> None:
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            # asked again now that its pid cannot pass to another
            if belongs_to(pid, home):
                signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        finally:
            os.close(descriptor)
