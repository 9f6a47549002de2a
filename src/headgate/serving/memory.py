"""What the processes of the node hold in memory, as the kernel says at this moment: true without any agent."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from headgate.home import Home
from headgate.metering.families import PROPORTIONAL, RESIDENT
from headgate.metering.series_file import Labels, Totals
from headgate.processes import module_on


class Note(msgspec.Struct, frozen=True):
    """As much of what a process writes about itself in `run/` as is needed here."""

    pid: int
    digest: str = ""


_notes = msgspec.json.Decoder(Note)


def measured(home: Home, versions: Mapping[str, str]) -> Totals:
    """Bytes by kind of process; those of model hosts by version (`versions`: digest → version)."""
    found: Totals = {}
    for labels, pid in _processes(home, versions):
        for name, held in zip((RESIDENT, PROPORTIONAL), _memory(pid), strict=True):
            found[name, labels] = [found.get((name, labels), [0.0])[0] + held]
    return found


def _processes(home: Home, versions: Mapping[str, str]) -> Iterator[tuple[Labels, int]]:
    for kind, pattern in (("worker", "w*.json"), ("agent", "agent.json"), ("host", "hosts/*/*.json")):
        for path in home.run.glob(pattern):
            note = _read(path)
            # a pid in a file may have passed to a stranger
            if note is not None and module_on(note.pid, home.path):
                yield (("process", kind), ("version", versions.get(note.digest, ""))), note.pid


def _read(path: Path) -> Note | None:
    try:
        return _notes.decode(path.read_bytes())
    except (OSError, ValueError):
        return None


def _memory(pid: int) -> tuple[float, float]:
    """Resident and proportional bytes; zeros for a process that has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return (0.0, 0.0)
    sizes = dict(line.split(":", 1) for line in text.splitlines()[1:] if ":" in line)
    resident, proportional = (float(sizes.get(name, "0 kB").split()[0]) * 1024 for name in ("Rss", "Pss"))
    return (resident, proportional)
