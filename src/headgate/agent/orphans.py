"""What an agent that was killed has left behind: processes that go on, and files of processes that do not."""

import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import msgspec

from headgate.agent import port
from headgate.agent.hosts import Hosts
from headgate.agent.journal import read_journal
from headgate.agent.launcher import Programs
from headgate.agent.process import Process, find_processes
from headgate.crashes import SUFFIX
from headgate.errors import Unreachable
from headgate.home import Home
from headgate.processes import argument_of, arguments
from headgate.settings import GRPC_MISSING, Settings, check_exposure, has_grpc

logger = logging.getLogger(__name__)

POLITE_SECONDS = 1.0
KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Orphan:
    """A worker without an agent."""

    name: str
    process: Process


class HostFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a model host writes about itself to `run/hosts/<digest's head>/<pid>.json`."""

    pid: int
    digest: str
    form: str
    socket: str


def find_workers(home: Home, programs: Programs) -> list[Orphan]:
    """Workers that still run on this home, whether or not they have written a pid file yet."""
    return [
        Orphan(argument_of(arguments(process.pid), "--worker"), process)
        for process in find_processes(programs.worker, home.path)
    ]


def take_port(home: Home, settings: Settings, orphans: list[Orphan], environment: Mapping[str, str]) -> socket:
    """The listening socket: inherited, handed over by an orphan, or bound. Raises `Conflict` or `Refused`."""
    listener = port.inherited(environment) or _hand_over(home, settings, orphans)
    listener = listener or port.bound(settings.host, settings.port)
    port.guard(settings, listener)
    return listener


def reserve_grpc(home: Home, settings: Settings, orphans: list[Orphan]) -> tuple[Settings, socket | None]:
    """The port that workers will speak gRPC at, kept for them; without grpcio they do not, and the settings say so.

    Raises `Conflict` or `Refused`.
    """
    if settings.grpc_port and not has_grpc():
        logger.info("%s", GRPC_MISSING)
        settings = msgspec.structs.replace(settings, grpc_port=0)
    if not settings.grpc_port:
        return settings, None
    check_exposure(settings)
    before = read_journal(home)
    if not (orphans and before is not None and before.grpc_port == settings.grpc_port):
        port.check_free(settings.host, settings.grpc_port, "--grpc-port")
    return settings, port.reserved(settings.host, settings.grpc_port)


def check_control_port(home: Home, settings: Settings, programs: Programs) -> None:
    """Raises `Conflict` when a stranger has the control plane's port; an orphan of ours gives it back in time."""
    orphans = find_processes(programs.control, home.path)
    for process in orphans:
        process.close()
    if not orphans:
        port.check_free(settings.host, settings.control_port, "--control-port")


def end_control(home: Home, programs: Programs) -> None:
    """An orphaned control plane has the database and the port: it leaves before another starts."""
    end(find_processes(programs.control, home.path))


def adopt_hosts(home: Home, programs: Programs, hosts: Hosts) -> None:
    """Take over model hosts that are complete; end templates and what had not become a host yet."""
    processes = {process.pid: process for process in find_processes(programs.template, home.path)}
    living: set[Path] = set()
    for path in sorted((home.run / "hosts").glob("*/*.json")):
        found = _read_host(path)
        if found is None or found.pid not in processes or not Path(found.socket).exists():
            continue
        processes.pop(found.pid).close()
        logger.info("model host %d of %s is adopted", found.pid, found.digest[:12])
        hosts.adopt(found.digest, found.form, found.pid, Path(found.socket))
        living |= {path, Path(found.socket)}
    end(list(processes.values()))
    for path in (home.run / "hosts").glob("*/*"):
        # spare hosts are not taken over: what they were asked is asked again
        for file in path.iterdir() if path.is_dir() else [path]:
            if file not in living:
                file.unlink(missing_ok=True)


def sweep(home: Home, workers: list[Orphan]) -> None:
    """Remove what dead workers left in `run/`: pid files, sockets."""
    living = {orphan.name for orphan in workers}
    for path in home.run.glob("w*"):
        if path.suffix in (".json", ".sock", f".{SUFFIX}") and path.stem not in living:
            path.unlink()


def end(processes: list[Process]) -> None:
    """Have them gone: asked first, then killed."""
    for process in processes:
        process.send(signal.SIGTERM)
    for process in processes:
        if not process.wait(POLITE_SECONDS):
            process.send(signal.SIGKILL)
            process.wait(KILL_SECONDS)
        process.close()


def _hand_over(home: Home, settings: Settings, orphans: list[Orphan]) -> socket | None:
    deaf = []
    for orphan in orphans:
        try:
            listener = port.adopted(home.run / f"{orphan.name}.sock", settings.port)
        except Unreachable as error:
            logger.warning("%s", error)
            deaf.append(orphan)
            continue
        if listener is not None:
            logger.info("port %d is taken over from worker %s", port.port_of(listener), orphan.name)
            return listener
    # they hold a socket that nobody can have, and would get connections that they do not answer
    for orphan in deaf:
        orphan.process.send(signal.SIGKILL)
        orphan.process.wait(KILL_SECONDS)
    return None


def _read_host(path: Path) -> HostFile | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=HostFile)
    except (OSError, ValueError):
        return None
