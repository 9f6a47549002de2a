"""What users see while things break: the fault matrix on a running instance under load, and `docs/reliability.md`.

`python -m benchmarks.reliability` runs every fault of `benchmarks/faults.py`, each with load before, during and after
it, writes the figures to `benchmarks/results/reliability.json` and the page from them.
"""

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

import msgspec
from benchmarks.endurance import Endurance, read_endurance, section
from benchmarks.faults import FAULTS, ZOO, Fault
from benchmarks.neighbours import Neighbours, read_neighbours
from benchmarks.neighbours import section as section_of_neighbours
from benchmarks.standing import Standing, standing
from tests.e2e.versions import compiled, hosted, questions, scaling_question

from headgate.bundle.bundle import open_bundle
from headgate.bundle.signing import load_or_create_key, sign_folder
from headgate.demo.load import Load, Tally
from headgate.testing.instance import Instance, running_instance, until
from headgate.testing.zoo import build_zoo

RESULTS = Path(__file__).parent / "results" / "reliability.json"
PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"
INLINE, HOSTED = 8, 4
HOSTS = 4  # two models, two workers
PAUSE = 0.004


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one fault did."""

    fault: str
    promise: str
    sent: int
    failed: int
    allowed: int
    wrong: int
    longest_gap_s: float
    recovery_s: float  # from the fault until every process is back and ready
    processes: int  # more than before
    descriptors: int  # more than before, in agent and workers
    memory_mb: float  # more than before, in agent and workers

    @property
    def kept(self) -> bool:
        """Whether the promise was."""
        return self.failed <= self.allowed and self.wrong == 0 and self.processes <= 0


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    machine: str
    seconds: float  # of load before and after each fault
    rows: tuple[Row, ...]


def run(seconds: float) -> Results:
    """Every fault, one after the other, on one instance with two workers."""
    with tempfile.TemporaryDirectory(prefix="headgate-reliability-") as folder:
        home = Path(folder)
        os.environ["HEADGATE_SIGNING_KEY"] = str(home / "signing.key")
        with running_instance(home / "home", workers=2, hang_seconds=3) as instance:
            prepare(instance, home)
            for fault in FAULTS:
                # what is started on first use is no leak
                if fault.deploys:
                    fault.inject(instance)
            rows = tuple(measure(instance, fault, home, seconds) for fault in FAULTS)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return Results(machine=machine, seconds=seconds, rows=rows)


def prepare(instance: Instance, folder: Path) -> None:
    """`fraud`, two compiled versions inside the workers; in hosts `scaling`, one that cannot load, and the bad one."""
    key = folder / "signing.key"
    with instance.client() as client:
        for number in (1, 2):
            client.register(compiled(folder / "bundles", number)[0])
        client.register(hosted(folder / "bundles", key, 2.0))
        client.register(hosted(folder / "bundles", key, 3.0, before="raise RuntimeError('it cannot load')"))
        zoo = build_zoo(folder / "bundles").folder
        sign_folder(zoo, load_or_create_key(key))
        client.register(open_bundle(zoo))
        client.deploy("fraud:1", "fraud")
        client.deploy("scaling:1", "scaling")
        client.deploy(f"{ZOO}:1", ZOO)


def measure(instance: Instance, fault: Fault, folder: Path, seconds: float) -> Row:
    """Load, the fault, load until all is well again and a while longer."""
    models = {f"fraud:{number}": compiled(folder / "again", number)[1] for number in (1, 2)}
    asked = questions(models)
    before = standing(instance)
    with (
        Load(instance.data_url, "fraud", asked, connections=INLINE, pause=PAUSE) as inline,
        Load(
            instance.data_url, "scaling", [scaling_question({"scaling:1": 2.0})], connections=HOSTED, pause=PAUSE
        ) as through_hosts,
    ):
        time.sleep(seconds)
        begun = time.monotonic()
        fault.inject(instance)
        until(lambda: is_whole(instance, fault.recovers_whole), "everything to be back", 120)
        recovered = time.monotonic() - begun
        time.sleep(seconds)
    return row_of(fault, inline.tally, through_hosts.tally, recovered, (before, standing(instance)))


def is_whole(instance: Instance, with_control: bool) -> bool:
    """Whether every process that should be there is, and ready."""
    data_plane = len(instance.worker_pids()) == 2 and len(instance.host_pids()) == HOSTS and instance.is_ready()
    return data_plane and (not with_control or answers(instance))


def answers(instance: Instance) -> bool:
    """Whether the control plane does."""
    with instance.client() as client:
        return bool(client.status()["workers"])


def row_of(fault: Fault, inline: Tally, hosted_: Tally, recovered: float, around: tuple[Standing, Standing]) -> Row:
    before, after = around
    return Row(
        fault=fault.name,
        promise=fault.promise,
        sent=inline.sent + hosted_.sent,
        failed=inline.failed + hosted_.failed,
        allowed=sum(fault.allowed(INLINE, HOSTED)),
        wrong=inline.wrong + hosted_.wrong,
        longest_gap_s=round(max(inline.longest_gap, hosted_.longest_gap), 3),
        recovery_s=round(recovered, 2),
        processes=after.processes - before.processes,
        descriptors=after.descriptors - before.descriptors,
        memory_mb=round(after.memory_mb - before.memory_mb, 1),
    )


def render(results: Results, endurance: Endurance, neighbours: Neighbours) -> str:
    """The page."""
    lines = [
        "# Reliability",
        "",
        "What users see while things break. Written by `python -m benchmarks.reliability`; each fault meets an",
        f"instance with two workers under {INLINE + HOSTED} connections of load on a model inside the workers and one",
        f"in a model host, {results.seconds:g} s before and after ({results.machine}). Every answer is checked against",
        "what the version that it names answers. *Gap*: the longest time in which nobody got a right answer from one",
        "of the two models. *Back*: until all processes are there and ready again. *Left*: processes and descriptors",
        "more than before. A version's hosts are started again at most five times a minute, so that after several",
        "faults in a row the last host is back when the minute is over; the others answer meanwhile.",
        "",
        "| fault | promised | sent | failed | wrong | gap, s | back, s | left | kept |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in results.rows:
        failed = f"{row.failed} (at most {row.allowed})" if row.allowed else str(row.failed)
        left = f"{max(row.processes, 0)}, {max(row.descriptors, 0)}"
        kept = "yes" if row.kept else "**no**"
        figures = f"{row.sent:,} | {failed} | {row.wrong} | {row.longest_gap_s} | {row.recovery_s} | {left}"
        lines.append(f"| {row.fault} | {row.promise} | {figures} | {kept} |")
    return "\n".join([*lines, "", *section(endurance), *section_of_neighbours(neighbours)])


def read_results() -> Results:
    """Those of the run that the page shows."""
    return msgspec.json.decode(RESULTS.read_bytes(), type=Results)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.reliability", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="load before and after each fault")
    parser.add_argument("--page", action="store_true", help="only write the page, from the figures that are kept")
    chosen = parser.parse_args()
    if not chosen.page:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(run(chosen.seconds))) + b"\n")
    PAGE.write_text(render(read_results(), read_endurance(), read_neighbours()))


if __name__ == "__main__":
    main()
