"""The node as its disk and its workers show it, with no control plane: `python -m headgate.agent.status --home H`."""

import argparse
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec

from headgate import __version__
from headgate.agent.journal import Journal, read_journal
from headgate.agent.tables import Tables
from headgate.home import Home, unix_address
from headgate.processes import module_on
from headgate.records import WorkerReport
from headgate.settings import grpc_status, reachable

REPORT_SECONDS = 1.0


class PidFile(msgspec.Struct, frozen=True, kw_only=True):
    """As much of `run/<worker>.json` as is needed here."""

    pid: int


def node_status(home: Home) -> dict[str, Any]:
    """Like the control plane's `GET /status`, as far as it is known here; `reason` says what is wrong with a part."""
    journal = read_journal(home)
    alive = journal is not None and bool(module_on(journal.pid, home.path))
    return {
        "version": __version__,
        "home": str(home.path),
        "control": _control(home, journal),
        "agent": {"pid": journal.pid, "started": journal.started, "ready": journal.ready}
        if journal and alive
        else None,
        **_ports(journal),
        "workers": [_worker(home, path) for path in sorted(home.run.glob("w*.json"))],
        "hosts": [msgspec.to_builtins(host) for host in journal.hosts] if journal else [],
        "crashes": [msgspec.to_builtins(count) for count in journal.crashes] if journal else [],
        "endpoints": _endpoints(home, journal),
    }


def _ports(journal: Journal | None) -> dict[str, Any]:
    """Where predictions are answered."""
    if journal is None:
        return {"data": {"url": None}, "grpc": grpc_status(0)}
    url = f"{journal.scheme}://{reachable(journal.host)}:{journal.port}"
    return {"data": {"url": url}, "grpc": grpc_status(journal.grpc_port)}


def _control(home: Home, journal: Journal | None) -> dict[str, Any] | None:
    if journal is None or journal.control_port is None:
        return None
    pid = journal.control_pid if journal.control_pid and module_on(journal.control_pid, home.path) else None
    reason = journal.control_trouble or journal.link_trouble
    return {
        "pid": pid,
        "url": f"{journal.scheme}://{reachable(journal.host)}:{journal.control_port}",
        "restarts": journal.control_restarts,
        "reason": reason,
    }


def _worker(home: Home, path: Path) -> dict[str, Any]:
    """What the worker says itself, or that it says nothing."""
    pid = _pid(path)
    report = _ask(home, path.stem) if pid and module_on(pid, home.path) else None
    if report is None:
        return {"worker": path.stem, "pid": pid, "ready": False, "reason": "it does not answer"}
    return {
        **msgspec.to_builtins(report),
        "generation": max((number[1] for number in report.generations.values()), default=0),
    }


def _ask(home: Home, worker: str) -> WorkerReport | None:
    """The report that a worker sends to whoever connects."""
    content = b""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(REPORT_SECONDS)
        try:
            link.connect(unix_address(home.run / f"{worker}.sock"))
            while b"\n" not in content and (part := link.recv(262_144)):
                content += part
            return msgspec.json.decode(content.partition(b"\n")[0], type=WorkerReport)
        except (OSError, ValueError):
            return None


def _endpoints(home: Home, journal: Journal | None) -> list[dict[str, Any]]:
    failures = journal.failures if journal else {}
    found = []
    for endpoint, table in sorted(Tables(home).routes.items()):
        failure = failures.get(endpoint)
        stable = next((variant.version for variant in table.variants if variant.role == "stable"), None)
        found.append(
            {
                "endpoint": endpoint,
                "version": stable,
                "epoch": table.epoch,
                "generation": table.generation,
                "state": "failed" if failure else "live",
                "reason": failure.reason if failure else "",
            }
        )
    return found


def _pid(path: Path) -> int | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=PidFile).pid
    except (OSError, ValueError):
        return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m headgate.agent.status", description="The node, from its disk.")
    parser.add_argument("--home", required=True, type=Path)
    status = node_status(Home(parser.parse_args().home.absolute()))
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(status), indent=2).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
