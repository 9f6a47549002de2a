"""What stands of an instance: its processes, and the descriptors and memory of those that live for long."""

from pathlib import Path

import msgspec

from headgate.processes import is_alive, module_on
from headgate.testing.instance import Instance


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """At one moment."""

    processes: int
    descriptors: int  # of the agent and the workers
    memory_mb: float  # of the agent and the workers, shared pages divided among their users


def standing(instance: Instance) -> Standing:
    """As it is now."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    # a spare host stays for a quiet minute, in case what killed the others comes again
    spare = sum(is_alive(int(note.stem)) for note in (instance.home.run / "hosts").glob("*/spare/*.json"))
    own = [*instance.worker_pids(), instance.agent_pid]
    return Standing(
        processes=sum(bool(module_on(pid, instance.home.path)) for pid in pids) - spare,
        descriptors=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in own),
        memory_mb=sum(map(proportional_mb, own)),
    )


def proportional_mb(pid: int) -> float:
    """Memory of a process in MB, shared pages divided among their users."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Pss:"))
