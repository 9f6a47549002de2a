"""What the agent counts, as Prometheus text beside the workers' own: a process that died cannot count itself."""

from headgate.crashes import read_crashes
from headgate.home import Home

NAME = "headgate_crashes_total"


def render_crashes(home: Home) -> bytes:
    """Empty while nothing has crashed."""
    counts = read_crashes(home)
    if not counts:
        return b""
    lines = [f"# HELP {NAME} Processes that ended while they ran a version.", f"# TYPE {NAME} counter"]
    for count in counts:
        # names of versions hold nothing that would have to be escaped
        labels = f'version="{count.version}",digest="{count.digest[:12]}"'
        lines += [
            f'{NAME}{{{labels},process="worker"}} {count.workers}',
            f'{NAME}{{{labels},process="host"}} {count.hosts}',
        ]
    return "\n".join([*lines, ""]).encode()
