"""`run/agent.json`: what the agent knows, for people and for `status` when the control plane is down."""

from pathlib import Path

import msgspec

from headgate.home import Home, write_atomically
from headgate.records import CrashCount, HostReport, LoadFailure, PlaneRecord

NAME = "agent.json"


class Journal(PlaneRecord, frozen=True, kw_only=True):
    """The agent's state at its last change."""

    pid: int
    port: int
    # what both planes listen on
    host: str = "127.0.0.1"
    scheme: str = "http"
    started: str  # ISO 8601, UTC
    control_port: int | None
    grpc_port: int = 0  # none
    # whether every wanted worker answers for every endpoint on disk
    ready: bool
    control_pid: int | None = None
    control_restarts: int = 0
    # why the control plane ended last; empty once it was reached again
    control_trouble: str = ""
    # why it is not reached; empty while it is
    link_trouble: str = ""
    # slot → how its last worker ended
    worker_troubles: dict[str, str] = {}
    hosts: tuple[HostReport, ...] = ()
    crashes: tuple[CrashCount, ...] = ()
    # endpoint → why its newest table is not in force, in the node or in a worker
    failures: dict[str, LoadFailure] = {}


def journal_path(home: Home) -> Path:
    return home.run / NAME


def write_journal(home: Home, journal: Journal) -> None:
    write_atomically(journal_path(home), msgspec.json.encode(journal))


def read_journal(home: Home) -> Journal | None:
    """None where no agent has run, or its file cannot be read."""
    try:
        return msgspec.json.decode(journal_path(home).read_bytes(), type=Journal)
    except (OSError, ValueError):
        return None
