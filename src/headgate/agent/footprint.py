"""What a model host takes of the machine, and whether that is too much: pure functions on what /proc says."""

import re
from pathlib import Path
from typing import NamedTuple

from headgate.settings import Settings

_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)
_STOPPED = re.compile(r"^State:\s+T", re.MULTILINE)
_THREADS = re.compile(r"^Threads:\s+(\d+)$", re.MULTILINE)
MB = 1024 * 1024


class Footprint(NamedTuple):
    """Of one process, with the processes below it counted."""

    memory: int  # bytes, resident
    threads: int
    processes: int  # below it
    stopped: bool = False  # by a signal: it neither works nor sees its watchdog


def measure(pid: int) -> Footprint | None:
    """As it is now; None when the process is gone or ends."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    resident, threads = _RESIDENT.search(status), _THREADS.search(status)
    if resident is None or threads is None:
        return None  # a zombie has no memory
    return Footprint(int(resident[1]) * 1024, int(threads[1]), len(_below(pid)), bool(_STOPPED.search(status)))


def excess(now: Footprint, settings: Settings) -> str:
    """Why the host must end at once; empty when it need not."""
    if now.memory > settings.host_memory_bytes:
        return f"it took {now.memory // MB} MB, more than host_memory_bytes ({settings.host_memory_bytes // MB} MB)"
    if now.processes > settings.host_processes:
        return f"it had {now.processes} processes below it, more than host_processes ({settings.host_processes})"
    return ""


def growth(now: Footprint, first: Footprint, settings: Settings) -> str:
    """Why the host should be replaced when it is convenient; empty when it should not."""
    gained = now.memory - first.memory
    if gained > settings.host_growth_bytes:
        return f"it gained {gained // MB} MB since it was ready (host_growth_bytes: {settings.host_growth_bytes // MB})"
    if now.threads > settings.host_threads:
        return f"it has {now.threads} threads (host_threads: {settings.host_threads})"
    return ""


def _below(pid: int) -> set[int]:
    """Children and theirs."""
    found: set[int] = set()
    left = [pid]
    while left:
        for child in _children(left.pop()) - found:
            found.add(child)
            left.append(child)
    return found


def _children(pid: int) -> set[int]:
    children: set[int] = set()
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children |= {int(word) for word in (thread / "children").read_text().split()}
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended meanwhile, or the kernel was built without this file: the kernel's own limits hold
    return children
