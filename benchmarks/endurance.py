"""An instance at half of its capacity for an hour, a new version every minute: what fails, and what grows.

`python -m benchmarks.endurance` measures the capacity, runs the hour, writes the figures to
`benchmarks/results/endurance.json` and the page of `benchmarks/reliability.py` from them.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import msgspec
from benchmarks.contenders import PREDICT
from benchmarks.forest import ENDPOINT, Forest, make_forest
from benchmarks.load import drive
from benchmarks.open_loop import Observed, Plan, begin, end
from benchmarks.rounds import say
from benchmarks.standing import Standing, standing
from benchmarks.swaps import own_signing_key, plan_for_both

from headgate.testing.instance import Instance, running_instance

RESULTS = Path(__file__).parent / "results" / "endurance.json"
CONNECTIONS = 32
CAPACITY_SECONDS = 5.0


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """One minute of load with one swap in its middle, and what stood at its end."""

    seen: Observed
    standing: Standing


class Endurance(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    capacity: float  # requests a second that one worker answered in a closed loop
    rate: float  # requests a second that were asked for
    minute_s: float  # how long a minute was
    begun: Standing
    minutes: tuple[Minute, ...]

    @property
    def failed(self) -> int:
        """Requests that were not answered with 200, or not at all."""
        return sum(each.seen.errors for each in self.minutes)

    @property
    def wrong(self) -> int:
        """Answers that were not the model's, of those that were checked: one of 16."""
        return sum(each.seen.wrong for each in self.minutes)


def run(minutes: int, minute_s: float = 60.0) -> Endurance:
    """One instance with one worker, everything on."""
    with tempfile.TemporaryDirectory(prefix="headgate-endurance-") as path:
        folder = Path(path)
        with own_signing_key(folder), running_instance(folder / "home", workers=1) as instance:
            forests = make_forest(folder / "first"), make_forest(folder / "second", seed=1)
            versions = register(instance, forests)
            capacity = measure_capacity(instance, forests[0])
            plan = plan_for_both(instance.port, forests, capacity / 2, minute_s)
            # pools and caches fill in the first of them, which is not kept
            pass_minute(instance, plan, folder, versions[1])
            begun = standing(instance)
            passed = tuple(pass_minute(instance, plan, folder, versions[number % 2]) for number in range(minutes))
    return Endurance(capacity=capacity, rate=plan.rate, minute_s=minute_s, begun=begun, minutes=passed)


def register(instance: Instance, forests: tuple[Forest, Forest]) -> tuple[str, str]:
    """Both versions known, the first one live."""
    with instance.client() as client:
        first, second = (str(client.register(forest.compiled)["version"]) for forest in forests)
        client.deploy(first, ENDPOINT)
    return first, second


def measure_capacity(instance: Instance, forest: Forest) -> float:
    """Requests of one row that are answered in a second."""
    body = msgspec.json.encode({"instances": [forest.rows[0]]})
    return drive(instance.port, PREDICT, body, CONNECTIONS, CAPACITY_SECONDS).rate


def pass_minute(instance: Instance, plan: Plan, folder: Path, version: str) -> Minute:
    """Load all along, the other version from the middle on."""
    process = begin(plan, folder)
    time.sleep(plan.seconds / 2)
    with instance.client() as client:
        client.deploy(version, ENDPOINT)
    minute = Minute(seen=end(process), standing=standing(instance))
    say(f"  {minute.seen.answered:,} answers, {minute.seen.errors} failed, p99 {minute.seen.p99 / 1e3:.1f} ms, "
        f"{minute.standing.memory_mb:.0f} MB, {minute.standing.descriptors} descriptors")  # fmt: skip
    return minute


def section(results: Endurance) -> list[str]:
    """The lines of the page."""
    columns = results.begun, results.minutes[0].standing, results.minutes[-1].standing
    tail = sorted(each.seen.p99 / 1e3 for each in results.minutes)
    answered = sum(each.seen.answered for each in results.minutes)
    table = {
        "memory, MB": [f"{each.memory_mb:.1f}" for each in columns],
        "descriptors": [str(each.descriptors) for each in columns],
        "processes of the instance": [str(each.processes) for each in columns],
    }
    return [
        "## At half capacity, a new version every minute",
        "",
        f"{len(results.minutes)} rounds of {results.minute_s:g} s on one worker with everything on,",
        f"{results.rate:,.0f} requests a second by a schedule that the answers do not change, half of the",
        f"{results.capacity:,.0f} that it answered at {CONNECTIONS} connections. Measured by",
        "`python -m benchmarks.endurance`.",
        "",
        f"{answered:,} answers, **{results.failed} failed, {results.wrong} wrong**. p99 of a round: {tail[0]:.1f} to",
        f"{tail[-1]:.1f} ms, {tail[len(tail) // 2]:.1f} in the middle.",
        "",
        "| agent and worker | before | after the first round | after the last |",
        "|---|---|---|---|",
        *(f"| {name} | {' | '.join(row)} |" for name, row in table.items()),
        "",
    ]


def read_endurance() -> Endurance:
    """That of the run that the page shows."""
    return msgspec.json.decode(RESULTS.read_bytes(), type=Endurance)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.endurance", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    results = run(parser.parse_args().minutes)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    say("\n".join(section(results)))
    say(f"written to {RESULTS.name} on {os.cpu_count()} cores; `make docs` writes the page")


if __name__ == "__main__":
    main()
